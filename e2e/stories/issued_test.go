package stories

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// issued is what a user has in the end.
type issued struct {
	// request is the CertificateRequest that brought it.
	request *cmapi.CertificateRequest
	// pair is tls.crt with tls.key, chain the certificates in tls.crt, and root the one in ca.crt.
	pair  tls.Certificate
	chain []*x509.Certificate
	root  *x509.Certificate
}

// awaitReady waits until a Certificate is Ready, and checks what is in its Secret.
func (s *testCase) awaitReady(name string) *issued {
	s.Helper()
	certificate, secret := s.AwaitReady(name), &corev1.Secret{}
	request := s.awaitRequest(name, "issued", func(request *cmapi.CertificateRequest) bool {
		if cmutil.CertificateRequestReadyReason(request) != cmapi.CertificateRequestReasonIssued {
			return false
		}
		// Anew: a renewal may have come, and the request of the certificate before may have gone.
		secret = s.readSecret(certificate.Spec.SecretName)
		return bytes.Equal(request.Status.Certificate, secret.Data[corev1.TLSCertKey])
	})
	found, err := s.verify(secret.Data[corev1.TLSCertKey], secret.Data["ca.crt"])
	if err != nil {
		s.Fatalf("Secret %s: %v", secret.Name, err)
	}
	found.request = request
	found.pair, err = tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		s.Fatalf("Secret %s: tls.crt and tls.key do not fit together: %v", secret.Name, err)
	}
	return found
}

// verify checks the chain, and that the root of the test case's service is apart from it.
func (s *testCase) verify(chain, ca []byte) (*issued, error) {
	s.Helper()
	bundle := []byte(s.Bundles(s.Service)[keyIssuance])
	certificates, err := testkit.VerifyChain(chain, bundle, customerID)
	if err != nil {
		return nil, err
	}
	found := &issued{chain: certificates, root: testkit.RootOf(bundle)}
	if roots := testkit.ParseCertificates(ca); len(roots) != 1 || !roots[0].Equal(found.root) {
		return nil, fmt.Errorf("there are %d roots, want that of the service, %s", len(roots), found.root.Subject)
	}
	return found, nil
}

// rootOfService is the root of the certificates that the test case's service issues: what a provider of the Incomes
// Register trusts.
func (s *testCase) rootOfService() *x509.Certificate {
	s.Helper()
	root := testkit.RootOf([]byte(s.Bundles(s.Service)[keyIssuance]))
	if root == nil {
		s.Fatal("the service's bundle holds no root")
	}
	return root
}

// call presents the certificate to a server that trusts the root and nothing else, and returns whom the server saw.
func (i *issued) call(root *x509.Certificate) (string, error) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		writer.Header().Set("Seen", request.TLS.VerifiedChains[0][0].Subject.CommonName)
	}))
	anchors := x509.NewCertPool()
	anchors.AddCert(root)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: anchors}
	server.StartTLS()
	defer server.Close()
	browser := server.Client()
	browser.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{i.pair}
	response, err := browser.Get(server.URL)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	return response.Header.Get("Seen"), nil
}

// isFor fails the test case unless the certificate came through that very request, for its key: it was never given up.
func (i *issued) isFor(s *testCase, request *cmapi.CertificateRequest) {
	s.Helper()
	if i.request.UID != request.UID {
		s.Errorf("the certificate came through request %s (%s), want %s (%s)",
			i.request.Name, i.request.UID, request.Name, request.UID)
	}
	if !keyOf(s, request).Equal(i.chain[0].PublicKey) {
		s.Error("the certificate is for another key than that of the request that waited")
	}
}

func keyOf(s *testCase, request *cmapi.CertificateRequest) *rsa.PublicKey {
	s.Helper()
	signing := must.Get(pki.ParseCertificateRequest(request.Spec.Request))(s)
	key, ok := signing.PublicKey.(*rsa.PublicKey)
	if !ok {
		s.Fatalf("CertificateRequest %s is for a %T", request.Name, signing.PublicKey)
	}
	return key
}
