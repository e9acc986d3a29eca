package issuer

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
)

func TestOfManySharedAuthoritiesTwoAreNamed(t *testing.T) {
	shared := make([]*x509.Certificate, 4)
	for index, name := range []string{"A", "B", "C", "D"} {
		shared[index] = &x509.Certificate{Subject: pkix.Name{CommonName: name}}
	}
	for count, want := range []string{
		1: `hold "CN=A", which`, 2: `"CN=A" and "CN=B", which`, 4: `"CN=B" and 2 more, which`,
	} {
		if got := overlapMessage(shared[:count]); !strings.Contains(got, want) || (count == 0) != (got == "") {
			t.Errorf("of %d: %q", count, got)
		}
	}
}
