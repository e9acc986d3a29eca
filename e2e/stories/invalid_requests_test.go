package stories

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestACertificateThatCanNeverWorkFailsBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		spoil func(*cmapi.CertificateSpec)
		says  []string
		// renewed reports whether the user has to run `cmctl renew` after the repair: a change that does not show in the
		// signing request does not end the hour that cert-manager waits after a failure.
		renewed bool
	}{
		"an ECDSA key": {
			spoil: func(spec *cmapi.CertificateSpec) {
				spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}
			},
			says:    []string{"spec.privateKey.algorithm", "ECDSA", "write algorithm: RSA and size: 2048"},
			renewed: true,
		},
		"a DNS name": {
			spoil: func(spec *cmapi.CertificateSpec) { spec.DNSNames = []string{"tax.example.fi"} },
			says:  []string{"spec.dnsNames", "tax.example.fi", "remove spec.dnsNames from the Certificate"},
		},
		"another common name": {
			spoil: func(spec *cmapi.CertificateSpec) { spec.CommonName = "7654321-0" },
			says:  []string{"spec.commonName", "7654321-0", "write commonName: " + customerID},
		},
		"a certificate authority": {
			spoil: func(spec *cmapi.CertificateSpec) { spec.IsCA = true },
			says:  []string{"spec.isCA", "remove spec.isCA from the Certificate"},
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			certificate := s.Certificate()
			c.spoil(&certificate.Spec)
			s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), certificate)
			failed := s.awaitRequest(certificateName, "refused as invalid", func(request *cmapi.CertificateRequest) bool {
				return isInvalid(request, c.says)
			})
			s.awaitEvent("CertificateRequest", failed.Name, corev1.EventTypeWarning, v1alpha1.ReasonInvalidRequest,
				c.says...)
			s.awaitTold(certificate, c.says...)
			s.nothingHappened()

			tenant.Edit(s.Tenant, certificate, func(certificate *cmapi.Certificate) { certificate.Spec = s.Certificate().Spec })
			if c.renewed {
				s.Renew(certificate)
			}
			s.awaitReady(certificateName)
			s.spentOnce()
		})
	}
}

func TestARequestWithAShortKeyFailsBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	s := begin(t)
	request := s.bareRequest(1024)
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), request)
	says := []string{"spec.privateKey.size", "1024 bits", "write size: 2048"}
	await(s, request, "refused as invalid", func(request *cmapi.CertificateRequest) bool {
		return isInvalid(request, says)
	})
	s.nothingHappened()
}

// isInvalid reports whether a request has failed for good, saying all of this, so that cert-manager knows it too.
func isInvalid(request *cmapi.CertificateRequest, says []string) bool {
	invalid := cmutil.GetCertificateRequestCondition(request, cmapi.CertificateRequestConditionInvalidRequest)
	return isNotReady(request, cmapi.CertificateRequestReasonFailed, says...) && request.Status.FailureTime != nil &&
		invalid != nil && invalid.Status == cmmeta.ConditionTrue && testkit.ContainsAll(invalid.Message, says)
}

// nothingHappened fails the test case if anything was sent, or is about to be.
func (s *testCase) nothingHappened() {
	s.Helper()
	s.spentNothing()
	if orders := s.Orders(); len(orders) > 0 {
		s.Errorf("there is VeroOrder %s, want none", orders[0].Name)
	}
}

// bareRequest is a CertificateRequest that no Certificate stands behind, with an RSA key of its own.
func (s *testCase) bareRequest(bits int) *cmapi.CertificateRequest {
	s.Helper()
	key := must.Get(rsa.GenerateKey(rand.Reader, bits))(s)
	s.KeepKey(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"the key of a request without a Certificate")
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: customerID}}
	der := must.Get(x509.CreateCertificateRequest(rand.Reader, template, key))(s)
	certificate := s.Certificate()
	return &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "bare"},
		Spec: cmapi.CertificateRequestSpec{
			Request:   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			IssuerRef: certificate.Spec.IssuerRef, Usages: certificate.Spec.Usages,
		},
	}
}
