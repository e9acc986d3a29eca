package stories

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
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
func (s *story) awaitReady(name string) *issued {
	s.Helper()
	certificate := &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}}
	await(s, certificate, "Ready", func(certificate *cmapi.Certificate) bool {
		ready := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionReady)
		return ready != nil && ready.Status == cmmeta.ConditionTrue && ready.ObservedGeneration == certificate.Generation
	})
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: s.Namespace, Name: certificate.Spec.SecretName}
	if err := s.Client.Get(s.Context(), key, secret); err != nil {
		s.Fatal(err)
	}
	found, err := s.examine(secret.Data[corev1.TLSCertKey], secret.Data["ca.crt"])
	if err != nil {
		s.Fatalf("Secret %s: %v", key.Name, err)
	}
	found.pair, err = tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		s.Fatalf("Secret %s: tls.crt and tls.key do not fit together: %v", key.Name, err)
	}
	found.request = s.awaitRequest(name, "issued", func(request *cmapi.CertificateRequest) bool {
		return cmutil.CertificateRequestReadyReason(request) == cmapi.CertificateRequestReasonIssued &&
			bytes.Equal(request.Status.Certificate, secret.Data[corev1.TLSCertKey])
	})
	return found
}

// examine checks a chain: the leaf first, then what leads to the root of the story's service, without the root, which
// is apart.
func (s *story) examine(chain, ca []byte) (*issued, error) {
	s.Helper()
	found := &issued{chain: parse(chain)}
	roots := parse(ca)
	if len(roots) != 1 || len(found.chain) == 0 {
		return nil, fmt.Errorf("there are %d roots and %d other certificates", len(roots), len(found.chain))
	}
	found.root = roots[0]
	if leaf := found.chain[0]; leaf.IsCA || leaf.Subject.CommonName != customerID {
		return nil, fmt.Errorf("the first certificate is of %s, want the customer's %s", leaf.Subject, customerID)
	}
	for i, certificate := range found.chain {
		issuer := found.root
		if i+1 < len(found.chain) {
			issuer = found.chain[i+1]
		}
		if err := certificate.CheckSignatureFrom(issuer); err != nil {
			return nil, fmt.Errorf("certificate %d is not followed by its issuer: %w", i, err)
		}
		if certificate.Equal(found.root) {
			return nil, fmt.Errorf("certificate %d is the root", i)
		}
	}
	if anchor := s.rootOfService(); !found.root.Equal(anchor) {
		return nil, fmt.Errorf("the root is %s, want that of the service, %s", found.root.Subject, anchor.Subject)
	}
	return found, nil
}

// rootOfService is the root of the certificates that the story's service issues: what a provider of the Incomes
// Register trusts.
func (s *story) rootOfService() *x509.Certificate {
	s.Helper()
	for _, certificate := range parse([]byte(s.Bundles(s.Service)[keyIssuance])) {
		if certificate.CheckSignatureFrom(certificate) == nil {
			return certificate
		}
	}
	s.Fatal("the service's bundle holds no root")
	return nil
}

func parse(text []byte) []*x509.Certificate {
	var certificates []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			certificates = append(certificates, certificate)
		}
	}
	return certificates
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

// isFor fails the story unless the certificate came through that very request, for its key: it was never given up.
func (i *issued) isFor(s *story, request *cmapi.CertificateRequest) {
	s.Helper()
	if i.request.UID != request.UID {
		s.Errorf("the certificate came through request %s (%s), want %s (%s)",
			i.request.Name, i.request.UID, request.Name, request.UID)
	}
	if !keyOf(s, request).Equal(i.chain[0].PublicKey) {
		s.Error("the certificate is for another key than that of the request that waited")
	}
}

func keyOf(s *story, request *cmapi.CertificateRequest) *rsa.PublicKey {
	s.Helper()
	block, _ := pem.Decode(request.Spec.Request)
	if block == nil {
		s.Fatalf("CertificateRequest %s holds no PEM", request.Name)
	}
	signing, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		s.Fatal(err)
	}
	key, ok := signing.PublicKey.(*rsa.PublicKey)
	if !ok {
		s.Fatalf("CertificateRequest %s is for a %T", request.Name, signing.PublicKey)
	}
	return key
}
