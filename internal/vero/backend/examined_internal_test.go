package backend

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// TestWhatWasFoundInASigningRequestIsOfThatCustomerOnly, and is the same the next time.
func TestWhatWasFoundInASigningRequestIsOfThatCustomerOnly(t *testing.T) {
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "0123456-7"}}
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, template, pkitest.Key("examined")))(t)
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	known := &examined{}
	for _, c := range []struct {
		claim, customerID   string
		exists, isCA, valid bool
	}{
		{"without an issuer nothing is judged", "", false, true, true},
		{"the customer's own", "0123456-7", true, false, true},
		{"another customer's", "7654321-0", true, false, false},
		{"the customer's own again", "0123456-7", true, false, true},
		{"another customer's again", "7654321-0", true, false, false},
		{"the same one for an authority", "0123456-7", true, true, false},
	} {
		snapshot := plan.Snapshot{Issuer: facts.Issuer{Exists: c.exists, CustomerID: c.customerID}}
		request := &cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{Request: csr, IsCA: c.isCA}}
		must.Do(t, known.judge(&snapshot, request))
		if (snapshot.Request.Invalid == "") != c.valid || len(snapshot.Request.PublicKeyDigest) != 64 {
			t.Errorf("%s: %q, the key is %q", c.claim, snapshot.Request.Invalid, snapshot.Request.PublicKeyDigest)
		}
	}
}
