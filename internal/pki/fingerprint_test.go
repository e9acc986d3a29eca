package pki_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// TestFingerprint: of "abc", as FIPS 180-2 (B.1) has it.
func TestFingerprint(t *testing.T) {
	const want = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
	if got := pki.Fingerprint(&x509.Certificate{Raw: []byte("abc")}); got != want {
		t.Errorf("it is %s, want %s", got, want)
	}
}

func TestAnIssuerIsDescribedByNameAndKey(t *testing.T) {
	for claim, c := range map[string]struct {
		identifier []byte
		want       string
	}{
		"both":                            {[]byte{0x0a, 0xff}, `"CN=Issuing CA" (key identifier 0A:FF)`},
		"the name alone":                  {nil, `"CN=Issuing CA"`},
		"no key identifier at any length": {bytes.Repeat([]byte{1}, 33), `"CN=Issuing CA"`},
	} {
		certificate := &x509.Certificate{Issuer: pkix.Name{CommonName: "Issuing CA"}, AuthorityKeyId: c.identifier}
		if got := pki.DescribeIssuer(certificate); got != c.want {
			t.Errorf("%s: %s, want %s", claim, got, c.want)
		}
	}
}
