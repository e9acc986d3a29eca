package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func TestACertificateThatCannotBeReadIsSkippedAndNamed(t *testing.T) {
	old, one := pkitest.Unreadable(t), pkitest.Root(t, "One").Certificate
	for claim, data := range map[string][]byte{
		"PEM":           slices.Concat(pkitest.PEM(one), block("CERTIFICATE", old), pkitest.PEM(one)),
		"DER":           slices.Concat(one.Raw, old),
		"DER in base64": []byte(base64.StdEncoding.EncodeToString(slices.Concat(one.Raw, old))),
	} {
		bundle, err := pki.ParseBundle(data)
		if err != nil || len(bundle.Certificates) != 1 || !bundle.Certificates[0].Equal(one) || len(bundle.Skipped) != 1 {
			t.Errorf("%s: got %+v, %v", claim, bundle, err)
			continue
		}
		for _, want := range []string{"block 2, the certificate with the SHA-256 fingerprint ", "negative serial number"} {
			if !strings.Contains(bundle.Skipped[0], want) {
				t.Errorf("%s: it says %q, not %q", claim, bundle.Skipped[0], want)
			}
		}
	}
	_, err := pki.ParseBundle(old)
	must.Say(t, err, "block 1, the certificate with")
}

// publicKey stands for a private key where only the public one is asked for.
type publicKey struct {
	crypto.Signer

	*rsa.PublicKey
}

func (k publicKey) Public() crypto.PublicKey { return k.PublicKey }

func TestACertificateWhoseKeyTakesLongToUseIsSkippedAndNamed(t *testing.T) {
	root := pkitest.Root(t, "One")
	withKey := func(bits uint) *x509.Certificate {
		modulus := new(big.Int).SetBit(big.NewInt(1), int(bits-1), 1)
		return root.Issue(t, publicKey{PublicKey: &rsa.PublicKey{N: modulus, E: 3}}, "long")
	}
	long, longest := withKey(8193), withKey(8192)
	bundle, err := pki.ParseBundle(pkitest.PEM(root.Certificate, long, longest))
	if err != nil || len(bundle.Certificates) != 2 || !bundle.Certificates[1].Equal(longest) ||
		len(bundle.Skipped) != 1 || !strings.HasPrefix(bundle.Skipped[0], "block 2, ") ||
		!strings.Contains(bundle.Skipped[0], "has an RSA key of 8193 bits, more than the 8192 that are accepted") {
		t.Errorf("got %+v, %v", bundle, err)
	}
}

// container is the beginning of a PKCS#7 or PKCS#12 container, which tells what it is.
func container(t *testing.T, version int, kind ...int) []byte {
	t.Helper()
	type content struct {
		Kind  asn1.ObjectIdentifier
		Value []byte `asn1:"tag:0"`
	}
	inner := content{Kind: append(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7}, kind...), Value: []byte("x")}
	var value any = inner
	if version > 0 {
		value = struct {
			Version int
			Content content
		}{version, inner}
	}
	return must.Get(asn1.Marshal(value))(t)
}

func TestAContainerOfCertificatesSaysHowTheyAreTakenOut(t *testing.T) {
	signed, pfx := container(t, 0, 2), container(t, 3, 1)
	// What `openssl cms -sign -stream` begins with, and a PKCS#12 file of Java.
	const signedBER = "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01"
	const pfxBER = "\x30\x80\x02\x01\x03\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80"
	for claim, test := range map[string]struct {
		data []byte
		want string
	}{
		"PKCS#7 in PEM": {block("PKCS7", signed), "block 1 is a PKCS#7 container: take the certificates out with `"},
		"CMS in PEM":    {block("CMS", signed), "block 1 is a PKCS#7 container: take the certificates out with `sed "},
		"signed data in PEM": {
			block("PKCS #7 SIGNED DATA", signed), "block 1 is a PKCS#7 container: take the certificates out with `openssl",
		},
		"PKCS#7 in BER":           {[]byte(signedBER), "it is a PKCS#7 container"},
		"PKCS#7 in BER in base64": {[]byte(base64.StdEncoding.EncodeToString([]byte(signedBER))), "it is a PKCS#7"},
		"PKCS#12 in BER":          {[]byte(pfxBER), "it is a PKCS#12 container"},
		"PKCS#7":                  {signed, "it is a PKCS#7 container"},
		"PKCS#7 in base64":        {[]byte(base64.StdEncoding.EncodeToString(signed)), "it is a PKCS#7 container"},
		"PKCS#12":                 {pfx, "it is a PKCS#12 container: take the certificates out with `openssl pkcs12"},
		"PKCS#12 in base64":       {[]byte(base64.StdEncoding.EncodeToString(pfx)), "it is a PKCS#12 container"},
	} {
		if _, err := pki.ParseBundle(test.data); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", claim, err, test.want)
		}
	}
}

func TestTheContainerOfCertificatesIsToldByItsBeginning(t *testing.T) {
	const enveloped = "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80"
	for claim, test := range map[string]struct {
		ber  []byte
		want pki.Container
	}{
		"signed":             {container(t, 0, 2), pki.SignedData},
		"enveloped":          {container(t, 0, 3), pki.EncryptedData},
		"enveloped in BER":   {[]byte(enveloped), pki.EncryptedData},
		"encrypted":          {container(t, 0, 6), pki.EncryptedData},
		"plain data":         {container(t, 0, 1), pki.NoContainer},
		"PKCS#12":            {container(t, 3, 1), pki.PKCS12},
		"of another version": {container(t, 2, 1), pki.NoContainer},
		"a certificate":      {pkitest.Root(t, "Root").Certificate.Raw, pki.NoContainer},
	} {
		if got := pki.ContainerOf(test.ber); got != test.want {
			t.Errorf("%s: %q", claim, got)
		}
	}
}

// BenchmarkParseHostileBundle reads bundles of 1 MiB that are made to take long.
func BenchmarkParseHostileBundle(b *testing.B) {
	const size = 1 << 20
	begin, end := "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
	fill := func(text string) []byte { return bytes.Repeat([]byte(text), size/len(text)) }
	for claim, data := range map[string][]byte{
		"begins":       fill(begin),
		"ends":         fill(end),
		"empty blocks": fill(begin + end),
		"no type":      fill("-----BEGIN -----\n"),
		"dashes":       fill("-"),
		"indented":     fill(" " + begin),
		"white space":  fill(" \t\n"),
		"base64":       fill("MIIB"),
		"tiny objects": fill("\x30\x07\x30\x00\x30\x00\x03\x01\x00"),
	} {
		b.Run(claim, func(b *testing.B) {
			for b.Loop() {
				if _, err := pki.ParseBundle(data); err == nil {
					b.Fatal("it is no bundle")
				}
			}
		})
	}
}
