package stories

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// Where an order is when a person acts, and how it goes on after that.
var (
	refused  = (*testCase).refused
	sending  = (*testCase).sending
	accepted = func(s *testCase) { s.accepted() }
	deliver  = (*testCase).deliver
)

// inTurn does one thing after the other.
func inTurn(steps ...func(*testCase)) func(*testCase) {
	return func(s *testCase) {
		for _, step := range steps {
			step(s)
		}
	}
}

func requestActions() []userAction {
	const (
		requestDeleted     = "deletes the CertificateRequest"
		certificateChanged = "changes the Certificate's spec"
		certificateDeleted = "deletes the Certificate, and makes it anew"
	)
	followed := outcome{
		expected: []expectation{{reason: v1alpha1.ReasonAwaitingCertificate, says: []string{"has accepted the request"}}},
		spent:    nothing, then: byItself,
	}
	newKey := outcome{
		expected: []expectation{{reason: v1alpha1.ReasonWaitingForCredentials, says: []string{
			"Secret " + transferName, "were spent", "VeroOrder", "order new ones",
		}}},
		spent: credentials, then: afterNew,
	}
	removed := func(s *testCase) { s.replaced(func(request *cmapi.CertificateRequest) { s.Remove(request) }) }
	changed := func(s *testCase) {
		s.replaced(func(*cmapi.CertificateRequest) {
			tenant.Edit(s.Tenant, s.theCertificate(), func(certificate *cmapi.Certificate) {
				certificate.Spec.Duration = &metav1.Duration{Duration: 17000 * time.Hour}
			})
		})
	}
	remade := (*testCase).remakeAfterIssue
	return []userAction{
		{what: requestDeleted, during: beforeSending, outcome: followed, do: inTurn(refused, removed, deliver)},
		{what: requestDeleted, during: whileSending, outcome: followed, do: inTurn(sending, removed)},
		{what: requestDeleted, during: inFlight, outcome: followed, do: inTurn(accepted, removed)},
		{what: requestDeleted, during: afterIssue, outcome: unnoticed, do: func(s *testCase) {
			s.issued()
			s.Remove(s.awaitOtherRequest(nil))
		}, ends: func(s *testCase) {
			s.AwaitReady(certificateName)
			s.spends(nothing, 1)
		}},
		{what: certificateChanged, during: beforeSending, outcome: followed, do: inTurn(refused, changed, deliver)},
		{what: certificateChanged, during: inFlight, outcome: followed, do: inTurn(accepted, changed)},
		{what: certificateDeleted, during: beforeSending, outcome: unnoticed, do: func(s *testCase) {
			s.refused()
			collect := s.removeAsCollected()
			s.readAll()
			s.AwaitOrder("withdrawn", func(order *v1alpha1.VeroOrder) bool {
				collect()
				return order.Status.State == v1alpha1.VeroOrderFailed &&
					testkit.ReasonOf(order.Status.Conditions) == v1alpha1.ReasonWithdrawn
			})
			s.spends(nothing, 0)
			s.deliver()
			s.Create(s.Certificate())
		}},
		{what: certificateDeleted, during: whileSending, outcome: newKey, do: inTurn(sending, remade)},
		{what: certificateDeleted, during: inFlight, outcome: newKey, do: inTurn(accepted, remade)},
	}
}

func orderActions() []userAction {
	const orderDeleted = "deletes the VeroOrder"
	return []userAction{
		{what: orderDeleted, during: beforeSending, outcome: unnoticed, do: func(s *testCase) {
			s.refused()
			s.Remove(s.AwaitOrder("waiting", inState(v1alpha1.VeroOrderPending)))
			s.deliver()
		}},
		{what: orderDeleted, during: whileSending, outcome: unnoticed, do: func(s *testCase) {
			s.sending()
			s.Remove(s.AwaitOrder("being sent", inState(v1alpha1.VeroOrderSubmitting)))
		}},
		{what: orderDeleted, during: inFlight, do: func(s *testCase) {
			order := s.accepted()
			s.awaitSubmitted(certificateName)
			s.Remove(order)
		}, outcome: outcome{
			expected: []expectation{{reason: v1alpha1.ReasonAwaitingCertificate, says: []string{
				"was taken over from the annotation " + v1alpha1.AnnotationAdoptRetrievalID,
				"the certificate is asked for with it",
			}}},
			spent: nothing, then: byItself,
		}},
		{what: orderDeleted, during: afterIssue, outcome: unnoticed, do: func(s *testCase) { s.Remove(s.issued()) }},
	}
}

func credentialActions() []userAction {
	const (
		exchanged = "puts other transfer credentials into the Secret"
		removed   = "deletes the Secret with the transfer credentials"
	)
	deleted := func(s *testCase) {
		s.Remove(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: transferName}})
	}
	return []userAction{
		{what: exchanged, during: beforeSending, do: inTurn(refused, afterNew.do, deliver), outcome: outcome{
			expected: []expectation{{reason: v1alpha1.ReasonWithdrawn, silent: true, says: []string{
				"now holds other transfer credentials", "nothing was spent, and a new order is made",
			}}},
			spent: nothing, then: byItself,
		}},
		{what: exchanged, during: inDoubt, do: inTurn((*testCase).doubted, afterNew.do), outcome: outcome{
			expected: []expectation{{reason: v1alpha1.ReasonResponseLost, silent: true, says: []string{
				"the request was sent and its response was lost", "now holds other transfer credentials",
				"a new order is made with those",
			}}},
			spent: credentials, then: byItself,
		}},
		{what: removed, during: beforeSending, do: inTurn(refused, deleted, deliver), outcome: outcome{
			expected: []expectation{{reason: v1alpha1.ReasonWaitingForCredentials, says: []string{
				"Secret", transferName, "does not exist",
			}}},
			spent: nothing, then: continuation{
				words: "once there are transfer credentials again",
				do:    func(s *testCase) { s.Create(s.Credentials(s.Mint())) },
			},
		}},
		{what: removed, during: whileSending, outcome: unnoticed, do: inTurn(sending, deleted)},
		{what: removed, during: inFlight, outcome: unnoticed, do: inTurn(accepted, deleted)},
	}
}

// replaced does what makes cert-manager replace the CertificateRequest, with the same key, and waits for the next one.
// What the first one has said does not count any more.
func (s *testCase) replaced(do func(*cmapi.CertificateRequest)) {
	s.Helper()
	first := s.awaitOtherRequest(nil)
	s.ignored = first.UID
	do(first)
	if second := s.awaitOtherRequest(first); !keyOf(s, second).Equal(keyOf(s, first)) {
		s.Error("cert-manager has made a new key")
	}
}

// remakeAfterIssue deletes the Certificate, whose order is fetched all the same, and makes it anew: with a new key, so
// that what was bought for the old one does not help.
func (s *testCase) remakeAfterIssue() {
	s.Helper()
	collect := s.removeAsCollected()
	order := s.AwaitOrder("issued", func(order *v1alpha1.VeroOrder) bool {
		collect()
		return order.Status.State == v1alpha1.VeroOrderIssued
	})
	if _, err := s.verify(order.Status.Certificate, order.Status.CA); err != nil {
		s.Errorf("VeroOrder %s: %v", order.Name, err)
	}
	read := s.read
	s.Create(s.Certificate())
	s.expect(expectation{reason: v1alpha1.ReasonWaitingForCredentials, says: []string{
		"were spent on " + s.Accepted()[0].Time.UTC().Format("2006-01-02T"),
		"for CertificateRequest " + certificateName + "-1", "VeroOrder " + order.Name,
	}})
	s.read = read // The page has the same message in other words.
}

// removeAsCollected deletes the Certificate and what it owns, as the garbage collector does that a cluster has and this
// one has not. cert-manager may be late to see that and make a request once more, which collect deletes, too.
func (s *testCase) removeAsCollected() (collect func()) {
	s.Helper()
	certificate := s.theCertificate()
	collect = func() {
		s.Helper()
		keys := &corev1.SecretList{}
		must.Do(s, s.Client.List(s.Context(), keys, client.InNamespace(s.Namespace)))
		requests := s.Requests()
		owned := make([]client.Object, 0, len(requests)+len(keys.Items))
		for _, request := range requests {
			owned = append(owned, &request)
		}
		for _, key := range keys.Items {
			owned = append(owned, &key)
		}
		for _, object := range owned {
			if owner := metav1.GetControllerOf(object); owner == nil || owner.UID != certificate.UID {
				continue
			}
			must.Do(s, client.IgnoreNotFound(s.Client.Delete(s.Context(), object)))
		}
	}
	s.awaitOtherRequest(nil)
	s.Remove(certificate)
	collect()
	return collect
}
