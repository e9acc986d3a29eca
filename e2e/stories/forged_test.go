package stories

import (
	"context"
	"strings"
	"testing"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// forgery is a CertificateRequest with which a stranger wants a certificate for a key of the stranger's own.
type forgery struct {
	// owners are the ownerReferences; without any, the request claims the Certificate by its annotations alone.
	owners []metav1.OwnerReference
	// idle is what it says while the Certificate is Ready, renewing while a renewal is under way.
	idle, renewing string
	// request is what has become of it.
	request *cmapi.CertificateRequest
}

func TestAForgedRequestGetsNothingSigned(t *testing.T) {
	t.Parallel()
	const transfer = "own-transfer"
	s := begin(t, alwaysRenewable...)
	issuer, certificate, credentials := s.Issuer(), s.Certificate(), s.Credentials(s.Mint())
	issuer.Spec.TransferSecretRef = nil
	credentials.Name = transfer
	certificate.Annotations = map[string]string{v1alpha1.AnnotationTransferSecret: transfer}
	s.Create(s.Trust(), issuer, credentials, certificate)
	first := s.awaitReady(certificateName)
	unspent := s.Mint()
	tenant.Edit(s.Tenant, credentials, func(secret *corev1.Secret) {
		secret.StringData = s.Credentials(unspent).StringData
	})

	forgeries := s.forgeries(certificate)
	stranger := s.stranger()
	for claim, forged := range forgeries {
		s.Eventually(claim+": created", func(ctx context.Context) (bool, error) {
			err := stranger.Create(ctx, forged.request)
			if apierrors.IsForbidden(err) {
				return false, nil // The API server takes up a new role after a moment.
			}
			return err == nil, err
		})
	}
	for claim, forged := range forgeries {
		s.awaitHeld(claim, forged.request, forged.idle)
	}
	s.receivedRenewals(0)
	s.boughtTimes(1)

	// A renewal is under way, so that there is a private key in preparation: not the stranger's.
	s.keepWaiting()
	s.renewSettled(certificate)
	pending := s.awaitPending(certificateName, "has accepted the request (RetrievalId ")
	for claim, forged := range forgeries {
		s.awaitHeld(claim, forged.request, forged.renewing)
	}
	s.deliver()
	s.awaitRenewed(first).isFor(s, pending)
	for claim, forged := range forgeries {
		s.awaitHeld(claim, forged.request, forged.idle)
		s.gotNothing(claim, forged.request)
	}
	if own := digestOf(s, pending); s.receivedRenewals(1)[0].PublicKeyDigest != own {
		t.Errorf("the renewal was for another key than the Certificate's own, %s: %+v", own, s.receivedRenewals(1))
	}
	s.boughtTimes(1)
}

// forgeries are what somebody can write who knows everything about a Certificate but its keys.
func (s *testCase) forgeries(certificate *cmapi.Certificate) map[string]*forgery {
	s.Helper()
	neighbor := s.neighbor()
	const noKey, anotherKey = "has no private key in preparation", "has another private key in preparation"
	const lost = "does not control it any more"
	reference := metav1.NewControllerRef(certificate, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))
	uncontrolling, otherUID := *reference, *reference
	uncontrolling.Controller = nil
	otherUID.UID = types.UID("00000000-0000-4000-8000-000000000000")
	elsewhere := *metav1.NewControllerRef(neighbor, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateKind))
	forgeries := map[string]*forgery{
		"claimed by annotations alone": {idle: lost, renewing: lost},
		"owned, and not controlled": {
			owners: []metav1.OwnerReference{uncontrolling}, idle: lost, renewing: lost,
		},
		"controlled by the Certificate": {
			owners: []metav1.OwnerReference{*reference}, idle: noKey, renewing: anotherKey,
		},
		"controlled by a Certificate with another UID": {
			owners: []metav1.OwnerReference{otherUID},
			idle:   "is not the one that the request was made for", renewing: "is not the one that the request was made for",
		},
		"controlled by a Certificate of another namespace": {
			owners: []metav1.OwnerReference{elsewhere},
			idle:   "does not exist any more", renewing: "does not exist any more",
		},
	}
	for claim, forged := range forgeries {
		forged.request = s.bareRequest(2048)
		forged.request.Name = nonAlphabet.ReplaceAllString(strings.ToLower(claim), "-")
		forged.request.OwnerReferences = forged.owners
		forged.request.Annotations = map[string]string{
			cmapi.CertificateNameKey:                        certificate.Name,
			cmapi.CertificateRequestPrivateKeyAnnotationKey: certificate.Spec.SecretName,
			cmapi.CertificateRequestRevisionAnnotationKey:   "99",
			v1alpha1.AnnotationTransferSecret:               certificate.Annotations[v1alpha1.AnnotationTransferSecret],
		}
	}
	return forgeries
}

// neighbor is a Certificate of another namespace.
func (s *testCase) neighbor() *cmapi.Certificate {
	s.Helper()
	certificate := s.Certificate()
	certificate.Namespace, certificate.Name = s.Namespace+"-neighbor", "neighbor"
	s.Create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: certificate.Namespace}}, certificate)
	return certificate
}

// stranger is somebody who may create CertificateRequests in the test case's namespace, and nothing else.
func (s *testCase) stranger() client.Client {
	s.Helper()
	const name = "stranger"
	meta := metav1.ObjectMeta{Namespace: s.Namespace, Name: name}
	s.Create(
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{cmapi.SchemeGroupVersion.Group}, Resources: []string{"certificaterequests"},
			Verbs: []string{"create"},
		}}},
		&rbacv1.RoleBinding{
			ObjectMeta: meta,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
		},
	)
	return must.Get(s.Cluster.ClientAs(name))(s)
}

// awaitHeld waits until a forged request is approved, and pending for that reason.
func (s *testCase) awaitHeld(claim string, forged *cmapi.CertificateRequest, says string) {
	s.Helper()
	await(s, forged, claim+": approved, and pending because it "+says, func(forged *cmapi.CertificateRequest) bool {
		approved := cmutil.GetCertificateRequestCondition(forged, cmapi.CertificateRequestConditionApproved)
		return approved != nil && approved.Status == cmmeta.ConditionTrue &&
			isNotReady(forged, cmapi.CertificateRequestReasonPending, says)
	})
}

// gotNothing fails the test case if a forged request has come to anything.
func (s *testCase) gotNothing(claim string, forged *cmapi.CertificateRequest) {
	s.Helper()
	digest := digestOf(s, forged)
	if submitted(forged) != nil || len(forged.Status.Certificate) > 0 {
		s.Errorf("%s: the request has come to something: %+v", claim, forged.Status)
	}
	for _, asked := range s.Asked("") {
		if asked.PublicKeyDigest == digest {
			s.Errorf("%s: the service was asked for the stranger's key: %+v", claim, asked)
		}
	}
	for _, order := range s.Orders() {
		if order.Spec.PublicKeyDigest == digest {
			s.Errorf("%s: there is VeroOrder %s for the stranger's key", claim, order.Name)
		}
	}
}

// digestOf is the digest of a request's public key, as orders and the service's log write it.
func digestOf(s *testCase, request *cmapi.CertificateRequest) string {
	s.Helper()
	return must.Get(pki.PublicKeyDigest(keyOf(s, request)))(s)
}
