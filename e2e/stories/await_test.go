package stories

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// await waits until an object is as it should be, and returns it.
func await[T client.Object](s *testCase, object T, what string, reached func(T) bool) T {
	s.Helper()
	key := client.ObjectKeyFromObject(object)
	s.Eventually(fmt.Sprintf("%T %s: %s", object, key.Name, what), func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, key, object)
		return err == nil && reached(object), client.IgnoreNotFound(err)
	})
	return object
}

// awaitRequest waits until the CertificateRequest of a Certificate, or of any when it is empty, is as it should be.
func (s *testCase) awaitRequest(
	certificate, what string, reached func(*cmapi.CertificateRequest) bool,
) *cmapi.CertificateRequest {
	s.Helper()
	return s.AwaitRequest("of Certificate "+certificate+", "+what, func(request *cmapi.CertificateRequest) bool {
		owner := request.Annotations[cmapi.CertificateNameKey]
		return (certificate == "" || owner == certificate) && reached(request)
	})
}

// awaitPending waits until the CertificateRequest of a Certificate says all of this while it is pending.
func (s *testCase) awaitPending(certificate string, says ...string) *cmapi.CertificateRequest {
	s.Helper()
	return s.awaitRequest(certificate, fmt.Sprintf("pending, saying %q", says),
		func(request *cmapi.CertificateRequest) bool {
			return isNotReady(request, cmapi.CertificateRequestReasonPending, says...)
		})
}

// isNotReady reports whether a request is not Ready, for that reason and with a message that says all of this.
func isNotReady(request *cmapi.CertificateRequest, reason string, says ...string) bool {
	ready := cmutil.GetCertificateRequestCondition(request, cmapi.CertificateRequestConditionReady)
	return ready != nil && ready.Status == cmmeta.ConditionFalse && ready.Reason == reason &&
		testkit.ContainsAll(ready.Message, says)
}

// awaitSubmitted waits until the service has accepted the request of a Certificate, and checks what the request shows
// of that: the operation and the RetrievalId.
func (s *testCase) awaitSubmitted(certificate string) (request *cmapi.CertificateRequest, retrievalID string) {
	s.Helper()
	request = s.awaitRequest(certificate, "submitted", func(request *cmapi.CertificateRequest) bool {
		return submitted(request) != nil
	})
	condition := submitted(request)
	if condition.Status != cmmeta.ConditionTrue || condition.Reason != signNew || condition.Message == "" {
		s.Fatalf("the condition %s is %+v, want True, the operation and the RetrievalId", condition.Type, condition)
	}
	return request, condition.Message
}

func submitted(request *cmapi.CertificateRequest) *cmapi.CertificateRequestCondition {
	return cmutil.GetCertificateRequestCondition(request, v1alpha1.ConditionSubmitted)
}

// awaitOrder waits until the test case's only order is as it should be.
func (s *testCase) awaitOrder(what string, reached func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	s.Helper()
	found := s.AwaitOrder(what, reached)
	if orders := s.Orders(); len(orders) > 1 {
		s.Fatalf("there are %d orders, want one", len(orders))
	}
	return found
}

// awaitCall waits until the service has begun to handle a call of an operation.
func (s *testCase) awaitCall(operation string) {
	s.Helper()
	s.Eventually(operation+" to reach the service", func(ctx context.Context) (bool, error) {
		requests, err := s.Service.Requests(ctx, operation, "")
		return len(requests) > 0, err
	})
}

// awaitIssuer waits until the test case's issuer has that reason and says all of this.
func (s *testCase) awaitIssuer(reason string, says ...string) {
	s.Helper()
	issuer := &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: issuerName}}
	await(s, issuer, fmt.Sprintf("Ready for reason %s, saying %q", reason, says), func(issuer *v1alpha1.VeroIssuer) bool {
		ready := meta.FindStatusCondition(issuer.Status.Conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason && ready.ObservedGeneration == issuer.Generation &&
			testkit.ContainsAll(ready.Message, says)
	})
	good := meta.IsStatusConditionTrue(issuer.Status.Conditions, v1alpha1.ConditionReady)
	if want := reason == v1alpha1.ReasonChecked; good != want {
		s.Fatalf("the issuer's condition Ready is %t with reason %s, want %t", good, reason, want)
	}
}

// awaitOverlap waits until the test case's issuer says all of this about its bundles, or, for nothing, nothing any
// more.
func (s *testCase) awaitOverlap(says []string) {
	s.Helper()
	issuer := &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: issuerName}}
	await(s, issuer, fmt.Sprintf("TrustOverlap, saying %q", says), func(issuer *v1alpha1.VeroIssuer) bool {
		overlap := meta.FindStatusCondition(issuer.Status.Conditions, v1alpha1.ConditionTrustOverlap)
		if overlap == nil || len(says) == 0 {
			return overlap == nil && len(says) == 0
		}
		return overlap.Status == metav1.ConditionTrue && overlap.ObservedGeneration == issuer.Generation &&
			testkit.ContainsAll(overlap.Message, says)
	})
}

// awaitEvent waits for an event about an object of the test case.
func (s *testCase) awaitEvent(kind, name, class, reason string, says ...string) {
	s.Helper()
	what := fmt.Sprintf("a %s event %s about %s %s that says %q", class, reason, kind, name, says)
	s.Eventually(what, thatHolds(func() bool {
		return slices.ContainsFunc(s.events(reason), func(event corev1.Event) bool {
			return event.InvolvedObject.Kind == kind && event.InvolvedObject.Name == name && event.Type == class &&
				testkit.ContainsAll(event.Message, says)
		})
	}))
}

// events lists the events of a reason.
func (s *testCase) events(reason string) []corev1.Event {
	s.Helper()
	list := &corev1.EventList{}
	must.Do(s, s.Client.List(s.Context(), list, client.InNamespace(s.Namespace)))
	return slices.DeleteFunc(list.Items, func(event corev1.Event) bool { return event.Reason != reason })
}

// reportedOnce fails the test case if something was reported about an object more than once, and returns the messages
// of that reason.
func (s *testCase) reportedOnce(kind, name, reason string) (messages []string) {
	s.Helper()
	for _, event := range s.events(reason) {
		if event.InvolvedObject.Kind != kind || event.InvolvedObject.Name != name {
			continue
		}
		if event.Series != nil || event.Count > 1 || slices.Contains(messages, event.Message) {
			s.Errorf("this was reported more than once: %s", event.Message)
		}
		messages = append(messages, event.Message)
	}
	return messages
}

// awaitTold waits until cert-manager has stopped issuing a Certificate, and says all of this to the user.
func (s *testCase) awaitTold(certificate *cmapi.Certificate, says ...string) {
	s.Helper()
	await(s, certificate, "saying so to the user", func(certificate *cmapi.Certificate) bool {
		issuing := cmutil.GetCertificateCondition(certificate, cmapi.CertificateConditionIssuing)
		return issuing != nil && issuing.Status == cmmeta.ConditionFalse && testkit.ContainsAll(issuing.Message, says)
	})
}

// keepsHolding fails the test case unless the Secret of the sample Certificate holds what it has held before.
func (s *testCase) keepsHolding(before *corev1.Secret) {
	s.Helper()
	if !maps.EqualFunc(before.Data, s.readSecret(before.Name).Data, bytes.Equal) {
		s.Error("the Secret of the Certificate was touched by a renewal that did not come about")
	}
}

// readSecret reads a Secret of the test case.
func (s *testCase) readSecret(name string) *corev1.Secret {
	s.Helper()
	return tenant.Get(s.Tenant, name, &corev1.Secret{})
}

// awaitSecretRead waits, after something was done, until the controller has looked at a Secret so many times more.
// After that it has had every opportunity to do what it must not do.
func (s *testCase) awaitSecretRead(name string, times int, done ...func()) {
	s.Helper()
	before := s.secretReads(name)
	for _, do := range done {
		do()
	}
	what := fmt.Sprintf("the controller to read Secret %s %d times", name, times)
	s.Eventually(what, thatHolds(func() bool { return s.secretReads(name) >= before+times }))
}

// secretReads counts how often the controller has read a Secret.
func (s *testCase) secretReads(name string) int {
	s.Helper()
	entries := must.Get(testkit.ReadAuditLog(s.Cluster.AuditLog(), s.Namespace))(s)
	reads := 0
	for _, entry := range entries {
		if read := entry.ObjectRef; entry.Verb == "get" && read.Resource == "secrets" &&
			read.Namespace == s.Namespace && read.Name == name {
			reads++
		}
	}
	return reads
}

// thatHolds is a condition that needs no context of its own.
func thatHolds(holds func() bool) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) { return holds(), nil }
}

func inState(state v1alpha1.VeroOrderState) func(*v1alpha1.VeroOrder) bool {
	return func(order *v1alpha1.VeroOrder) bool { return order.Status.State == state }
}
