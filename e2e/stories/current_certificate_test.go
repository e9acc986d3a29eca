package stories

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// wantsCredentials is how a request says that there is a certificate, and that it is not the way to the next one.
const wantsCredentials = "so a new one needs transfer credentials"

func TestASecretWhoseCertificateCannotBeRenewedSaysWhyAndAsksForCredentials(t *testing.T) {
	t.Parallel()
	ours, another := crypto.Signer(pkitest.Key("tls.key")), crypto.Signer(pkitest.Key("another"))
	elliptical := must.Get(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	for claim, c := range map[string]struct {
		// certified is whose certificate lies beside key.
		key, certified crypto.Signer
		says           string
		// doubtful: the mistake may be in the trust, so only credentials pay that the Certificate names.
		doubtful bool
	}{
		"another authority has issued it": {ours, ours, "cannot be renewed", true},
		"it has an ECDSA key": {
			elliptical, elliptical, "has a ECDSA key, and renewals are signed with RSA", false,
		},
		"the key beside it is that of another": {ours, another, "a certificate and a key that do not fit together", false},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t, alwaysRenewable...)
			certificate := s.Certificate()
			foreign := pkitest.Root(t, "Authority of Somebody Else").Issue(t, c.certified, customerID)
			s.Create(s.foundSecret(certificate.Spec.SecretName, c.key, foreign), s.Trust(), s.Issuer(), certificate)
			pending := s.awaitPending(certificateName,
				certificate.Spec.SecretName, c.says, wantsCredentials, transferName, "does not exist")
			s.spentNothing()

			s.Create(s.Credentials(s.Mint()))
			if c.doubtful {
				s.awaitPending(certificateName, transferName, "are not used", "spec.trust.issuance")
				s.spentNothing()
				tenant.Edit(s.Tenant, certificate, nameCredentials)
			}
			s.awaitReady(certificateName).isFor(s, pending)
			s.receivedRenewals(0)
			s.boughtTimes(1)
		})
	}
}

func TestACertificateOfAnotherCustomerIsNotRenewed(t *testing.T) {
	t.Parallel()
	const former = "7654321-0"
	s := begin(t, alwaysRenewable...)
	issuer, certificate := s.Issuer(), s.Certificate()
	issuer.Spec.CustomerID, certificate.Spec.CommonName = former, former
	credentials := s.Credentials(s.MintAs(admin.MintRequest{CustomerID: former, CustomerName: customerName}))
	s.Create(s.Trust(), issuer, credentials, certificate)
	await(s, certificate, "Ready for the other customer", isReady(cmmeta.ConditionTrue))
	s.Remove(credentials)

	s.EditIssuer(func(issuer *v1alpha1.VeroIssuer) { issuer.Spec.CustomerID = customerID })
	tenant.Edit(s.Tenant, certificate, func(certificate *cmapi.Certificate) { certificate.Spec.CommonName = customerID })
	pending := s.awaitPending(certificateName, certificate.Spec.SecretName, `is for "`+former+`"`,
		`not for the issuer's customerID "`+customerID+`"`, wantsCredentials, transferName, "does not exist")
	await(s, certificate, "not Ready any more", isReady(cmmeta.ConditionFalse))
	s.Create(s.Credentials(s.Mint()))
	s.awaitReady(certificateName).isFor(s, pending)
	s.receivedRenewals(0)
	s.boughtTimes(2)
}

// isReady reports whether the condition Ready of a Certificate has a status.
func isReady(wanted cmmeta.ConditionStatus) func(*cmapi.Certificate) bool {
	return func(certificate *cmapi.Certificate) bool {
		return cmutil.CertificateHasCondition(certificate, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionReady, Status: wanted,
		})
	}
}

func TestACertificateThatIsBoughtEarlyOnPurposeDoesNotWaitForTheWindow(t *testing.T) {
	t.Parallel()
	const closed = time.Minute
	s := begin(t, slices.Concat(alwaysRenewable, []string{"--renewal-window=" + closed.String()})...)
	issuer, certificate := s.Issuer(), s.Certificate()
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: closed}
	s.Create(s.Trust(), issuer, s.Credentials(s.Mint()), certificate)
	first := s.awaitReady(certificateName)

	sent := s.Mint()
	s.ReplaceCredentials(sent)
	tenant.Edit(s.Tenant, certificate, nameCredentials)
	s.renewSettled(certificate)
	second := s.awaitRenewed(first)
	if condition := submitted(second.request); condition == nil || condition.Reason != signNew {
		t.Errorf("the request shows %+v, want SignNewCertificate", condition)
	}
	s.receivedRenewals(0)
	s.boughtTimes(2)
	if last := s.submissions()[1]; last.TransferID != sent.TransferID {
		t.Errorf("TransferId %s was spent, want the one that was bought on purpose, %s", last.TransferID, sent.TransferID)
	}
	for _, event := range s.events(v1alpha1.ReasonWaitingForWindow) {
		t.Errorf("the request has waited: %s", event.Message)
	}
}

// nameCredentials lets a Certificate say that its credentials are those of the issuer's default Secret.
func nameCredentials(certificate *cmapi.Certificate) {
	certificate.Annotations = map[string]string{v1alpha1.AnnotationTransferSecret: transferName}
}

func TestARenewalOfEverythingOrARenamedIssuerSpendsNoDefaultCredentials(t *testing.T) {
	t.Parallel()
	s := begin(t, slices.Concat(alwaysRenewable, []string{"--renewal-window=1m"})...)
	issuer, renamed, certificate := s.Issuer(), s.Issuer(), s.Certificate()
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: time.Minute}
	renamed.Name, renamed.Spec.RenewalWindow = "renamed", issuer.Spec.RenewalWindow
	s.Create(s.Trust(), issuer, s.Credentials(s.Mint()), certificate)
	first := s.awaitReady(certificateName)
	s.ReplaceCredentials(s.Mint())

	const unused = "the transfer credentials in Secret " + transferName + " are not used"
	s.renewSettled(certificate)
	waiting := s.awaitPending(certificateName, "stays in use until then", unused, v1alpha1.AnnotationTransferSecret)
	if strings.Contains(conditions.ReadyMessage(waiting), cmapi.IssuerNameAnnotationKey) {
		t.Errorf("the issuer is the same, and the request says %s", conditions.ReadyMessage(waiting))
	}
	s.Create(renamed)
	tenant.Edit(s.Tenant, certificate, func(c *cmapi.Certificate) { c.Spec.IssuerRef.Name = renamed.Name })
	s.awaitPending(certificateName, "says that its certificate is of VeroIssuer "+issuerName, "names VeroIssuer renamed",
		cmapi.IssuerNameAnnotationKey+" to renamed", unused)
	s.boughtTimes(1)

	tenant.Edit(s.Tenant, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.Namespace, Name: certificate.Spec.SecretName}}, func(secret *corev1.Secret) {
		secret.Annotations[cmapi.IssuerNameAnnotationKey] = renamed.Name
	})
	s.Remove(first.request)
	await(s, certificate, "Ready again, as the message says", isReady(cmmeta.ConditionTrue))
	tenant.Edit(s.Tenant, certificate, nameCredentials)
	for _, request := range s.Requests() {
		s.Remove(&request) // the next one looks at the credentials at once
	}
	s.awaitRenewed(first)
	s.boughtTimes(2)
}

// foundSecret is a Secret of the kind that cert-manager writes, with a certificate that it has not written.
func (s *testCase) foundSecret(name string, key crypto.Signer, certificate *x509.Certificate) *corev1.Secret {
	s.Helper()
	der := must.Get(x509.MarshalPKCS8PrivateKey(key))(s)
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
		Type:       corev1.SecretTypeTLS,
		Data: map[string][]byte{
			corev1.TLSCertKey:       pkitest.PEM(certificate),
			corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		},
	}
}
