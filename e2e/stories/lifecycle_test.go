package stories

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

func TestAnIssuerMayComeAfterTheCertificate(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Create(s.Trust(), s.Credentials(s.Mint()), s.Certificate())
	pending := s.awaitPending(certificateName, "VeroIssuer vero does not exist", "it goes on when somebody creates it")
	s.nothingHappened()

	s.Create(s.Issuer())
	s.awaitReady(certificateName).isFor(s, pending)
	s.spentOnce()
}

func TestAnIssuerThatIsDeletedAfterTheAcceptanceMayComeBack(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.keepWaiting()
	issuer := s.Issuer()
	s.Create(s.Trust(), issuer, s.Credentials(s.Mint()), s.Certificate())
	_, retrievalID := s.awaitSubmitted(certificateName)
	s.Remove(issuer)
	pending := s.awaitPending(certificateName, "VeroIssuer vero does not exist", "it goes on when somebody creates it")
	s.awaitEvent("VeroOrder", s.Orders()[0].Name, corev1.EventTypeNormal, v1alpha1.ReasonIssuerNotFound)

	s.deliver()
	s.Create(s.Issuer())
	s.awaitReady(certificateName).isFor(s, pending)
	if submission := s.spentOnce(); submission.RetrievalID != retrievalID {
		t.Errorf("the certificate was bought with RetrievalId %s, want %s", submission.RetrievalID, retrievalID)
	}
}

func TestACertificateThatIsDeletedBeforeTheAcceptanceLeavesItsCredentialsUsable(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.Script(admin.Fault{Operation: "SignNewCertificate", Kind: admin.ResultFail, Code: "PKI099", Count: 100})
	certificate := s.Certificate()
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), certificate)
	s.awaitPending(certificateName, "PKI099", "it is tried again", "nothing was spent")
	s.removeAsCollected(certificate)
	s.awaitOrder("withdrawn", func(order *v1alpha1.VeroOrder) bool {
		return order.Status.State == v1alpha1.VeroOrderFailed && reasonOf(order) == v1alpha1.ReasonWithdrawn
	})
	if accepted := s.Accepted(); len(accepted) > 0 {
		t.Errorf("the service has accepted %+v", accepted)
	}

	s.deliver()
	s.Create(s.Certificate())
	s.awaitReady(certificateName)
	if accepted := s.Accepted(); len(accepted) != 1 {
		t.Errorf("the service has accepted %+v, want one request", accepted)
	}
}

func TestACertificateThatIsDeletedAfterTheAcceptanceIsFetchedAndTheNextOneToldWhatWasSpent(t *testing.T) {
	t.Parallel()
	s := begin(t)
	s.keepWaiting()
	certificate := s.Certificate()
	s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), certificate)
	s.awaitSubmitted(certificateName)
	s.removeAsCollected(certificate)
	s.deliver()
	order := s.awaitOrder("issued", func(order *v1alpha1.VeroOrder) bool {
		return order.Status.State == v1alpha1.VeroOrderIssued
	})
	if _, err := s.examine(order.Status.Certificate, order.Status.CA); err != nil {
		t.Errorf("VeroOrder %s: %v", order.Name, err)
	}

	// cert-manager makes a new key for a new Certificate, so what was bought for the old one does not help.
	s.Create(s.Certificate())
	pending := s.awaitPending(certificateName,
		"Secret "+transferName, "were spent", "VeroOrder "+order.Name, "order new ones")
	s.spentOnce()
	s.ReplaceCredentials(s.Mint())
	s.awaitReady(certificateName).isFor(s, pending)
}

func TestARequestThatIsMadeAnewWithTheSameKeyGetsWhatWasPaidFor(t *testing.T) {
	t.Parallel()
	for claim, replace := range map[string]func(*story, *cmapi.Certificate, *cmapi.CertificateRequest){
		"a person deletes the request": func(s *story, _ *cmapi.Certificate, request *cmapi.CertificateRequest) {
			s.Remove(request)
		},
		"the Certificate's spec is changed": func(s *story, certificate *cmapi.Certificate, _ *cmapi.CertificateRequest) {
			tenant.Edit(s.Tenant, certificate, func(certificate *cmapi.Certificate) {
				certificate.Spec.Duration = &metav1.Duration{Duration: 17000 * time.Hour}
			})
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := begin(t)
			s.keepWaiting()
			certificate := s.Certificate()
			s.Create(s.Trust(), s.Issuer(), s.Credentials(s.Mint()), certificate)
			first, retrievalID := s.awaitSubmitted(certificateName)
			key := keyOf(s, first)
			replace(s, certificate, first)
			second := s.awaitRequest(certificateName, "made anew", func(request *cmapi.CertificateRequest) bool {
				return request.UID != first.UID
			})
			if !keyOf(s, second).Equal(key) {
				t.Fatal("cert-manager has made a new key")
			}
			s.deliver()
			s.awaitReady(certificateName).isFor(s, second)
			if submission := s.spentOnce(); submission.RetrievalID != retrievalID {
				t.Errorf("the certificate was bought with RetrievalId %s, want %s", submission.RetrievalID, retrievalID)
			}
		})
	}
}

// removeAsCollected deletes a Certificate and what it owns, as the garbage collector does that a cluster has and this
// one has not.
func (s *story) removeAsCollected(certificate *cmapi.Certificate) {
	s.Helper()
	s.Remove(certificate)
	for _, list := range []client.ObjectList{&cmapi.CertificateRequestList{}, &corev1.SecretList{}} {
		if err := s.Client.List(s.Context(), list, client.InNamespace(s.Namespace)); err != nil {
			s.Fatal(err)
		}
		for _, object := range objectsOf(s, list) {
			if owner := metav1.GetControllerOf(object); owner != nil && owner.UID == certificate.UID {
				s.Remove(object)
			}
		}
	}
}

func objectsOf(s *story, list client.ObjectList) []client.Object {
	s.Helper()
	var objects []client.Object
	if err := meta.EachListItem(list, func(object runtime.Object) error {
		objects = append(objects, object.(client.Object))
		return nil
	}); err != nil {
		s.Fatal(err)
	}
	return objects
}

func reasonOf(order *v1alpha1.VeroOrder) string {
	if ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}
