package crash_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Names of what cert-manager makes.
const (
	certificateName   = "tax"
	requestName       = "tax-1"
	nextKeySecretName = "tax-next"
	secretName        = "tax-tls"
)

// certManager plays cert-manager's part in one issuance: the private key in preparation, the approved request, and in
// the end the Secret.
type certManager struct {
	certificate *cmapi.Certificate
	// key is the one in preparation.
	key *rsa.PrivateKey
	// earlierSecret is the Secret as it was before the issuance, nil if there was none.
	earlierSecret *corev1.Secret
	// done reports whether the new certificate is in the Secret.
	done bool
}

// begin starts an issuance: key manager, request manager and approver have done their work.
func (c *certManager) begin(s *base, issuer cmmeta.IssuerReference) {
	s.Helper()
	c.certificate = &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: certificateName},
		Spec: cmapi.CertificateSpec{
			SecretName: secretName, CommonName: customerID, IssuerRef: issuer,
			RenewBefore: &metav1.Duration{Duration: 20 * day},
		},
		Status: cmapi.CertificateStatus{
			NextPrivateKeySecretName: new(nextKeySecretName),
			Conditions: []cmapi.CertificateCondition{
				{Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "Tested"},
			},
		},
	}
	server.Create(s.T, c.certificate)
	owner := *metav1.NewControllerRef(c.certificate, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))
	c.key = pkitest.Key("staged")
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	s.must(err)
	server.Create(s.T, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: nextKeySecretName, OwnerReferences: []metav1.OwnerReference{owner},
			Labels: map[string]string{cmapi.IsNextPrivateKeySecretLabelKey: "true"},
		},
		Data: map[string][]byte{corev1.TLSPrivateKeyKey: pemOf("PRIVATE KEY", der)},
	})
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: requestName, OwnerReferences: []metav1.OwnerReference{owner},
			Annotations: map[string]string{
				cmapi.CertificateNameKey: certificateName, cmapi.CertificateRequestPrivateKeyAnnotationKey: nextKeySecretName,
				cmapi.CertificateRequestRevisionAnnotationKey: "1",
			},
		},
		Spec: cmapi.CertificateRequestSpec{Request: pemOf("CERTIFICATE REQUEST", sign(s, c.key)), IssuerRef: issuer},
	}
	status.Set(request, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "cert-manager.io", "approved",
		s.clock.Now())
	server.Create(s.T, request)
}

// storeEarlierCertificate puts a certificate into the Secret that the service has issued earlier.
func (s *environment) storeEarlierCertificate() {
	s.Helper()
	bundles, err := secrets.ReadBundles(s.Context(), server.Client, new(s.trust()), s.namespace)
	s.must(err)
	service, err := veroclient.New(veroclient.Options{
		URL: s.url, TLS: bundles.TLS, Responses: bundles.Responses, Endpoints: home, Clock: s.clock,
	})
	s.must(err)
	key := pkitest.Key("held")
	minted, err := s.simulator.Mint(admin.MintRequest{CustomerID: customerID})
	s.must(err)
	party := protocol.Party{Environment: "TEST", CustomerID: customerID}
	id, err := service.SignNew(s.Context(), &protocol.SignNew{
		Party: party, TransferID: minted.TransferID, TransferPassword: protocol.NewPassword(minted.TransferPassword),
		CSR: sign(&s.base, key),
	})
	s.must(err)
	s.clock.Step(day)
	raw, err := service.Get(s.Context(), &protocol.Get{Party: party, RetrievalID: id})
	s.must(err)
	leaf, err := pki.ParseCertificate(raw)
	s.must(err)
	s.earlierSecret = tlsSecret(&s.base, pkitest.PEM(leaf), key)
	server.Create(s.T, s.earlierSecret)
	s.must(s.admin.ClearRequests(s.Context()))
}

// storeCertificate writes the Secret once the request is Ready, as the issuing controller does.
func (c *certManager) storeCertificate(s *base, request *cmapi.CertificateRequest) {
	s.Helper()
	if c.done || !conditions.IsTrue(request, cmapi.CertificateRequestConditionReady) {
		return
	}
	c.done = true
	secret := tlsSecret(s, request.Status.Certificate, c.key)
	secret.Data["ca.crt"] = request.Status.CA
	if c.earlierSecret == nil {
		server.Create(s.T, secret)
	} else {
		s.verifyUnchanged(c.earlierSecret)
		s.must(server.Client.Update(s.Context(), secret))
	}
	c.certificate.Status.NextPrivateKeySecretName = nil
	c.certificate.Status.Conditions = nil
	s.must(server.Client.Status().Update(s.Context(), c.certificate))
	s.must(server.Client.Delete(s.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: nextKeySecretName},
	}))
}

// verifyUnchanged fails if somebody has written to a Secret.
func (s *base) verifyUnchanged(earlierSecret *corev1.Secret) {
	s.Helper()
	now := &corev1.Secret{}
	s.read(earlierSecret.Name, now)
	if now.ResourceVersion != earlierSecret.ResourceVersion {
		s.Errorf("somebody has written to Secret %s", earlierSecret.Name)
	}
}

func tlsSecret(s *base, chain []byte, key *rsa.PrivateKey) *corev1.Secret {
	s.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	s.must(err)
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: secretName},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: pemOf("PRIVATE KEY", der)},
	}
}

func sign(s *base, key *rsa.PrivateKey) []byte {
	s.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: customerID}}, key)
	s.must(err)
	return der
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
