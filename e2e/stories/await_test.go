package stories

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// await waits until an object is as it should be, and returns it.
func await[T client.Object](s *story, object T, what string, reached func(T) bool) T {
	s.Helper()
	key := client.ObjectKeyFromObject(object)
	s.Eventually(fmt.Sprintf("%T %s: %s", object, key.Name, what), func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, key, object)
		return err == nil && reached(object), client.IgnoreNotFound(err)
	})
	return object
}

// awaitRequest waits until the CertificateRequest of a Certificate, or of any when it is empty, is as it should be.
func (s *story) awaitRequest(
	certificate, what string, reached func(*cmapi.CertificateRequest) bool,
) *cmapi.CertificateRequest {
	s.Helper()
	return s.AwaitRequest("of Certificate "+certificate+", "+what, func(request *cmapi.CertificateRequest) bool {
		owner := request.Annotations[cmapi.CertificateNameKey]
		return (certificate == "" || owner == certificate) && reached(request)
	})
}

// awaitPending waits until the CertificateRequest of a Certificate says all of this while it is pending.
func (s *story) awaitPending(certificate string, says ...string) *cmapi.CertificateRequest {
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
func (s *story) awaitSubmitted(certificate string) (request *cmapi.CertificateRequest, retrievalID string) {
	s.Helper()
	request = s.awaitRequest(certificate, "submitted", func(request *cmapi.CertificateRequest) bool {
		return submitted(request) != nil
	})
	condition := submitted(request)
	if condition.Status != cmmeta.ConditionTrue || condition.Reason != "SignNewCertificate" || condition.Message == "" {
		s.Fatalf("the condition %s is %+v, want True, the operation and the RetrievalId", condition.Type, condition)
	}
	return request, condition.Message
}

func submitted(request *cmapi.CertificateRequest) *cmapi.CertificateRequestCondition {
	return cmutil.GetCertificateRequestCondition(request, v1alpha1.ConditionSubmitted)
}

// awaitOrder waits until the story's only order is as it should be.
func (s *story) awaitOrder(what string, reached func(*v1alpha1.VeroOrder) bool) *v1alpha1.VeroOrder {
	s.Helper()
	var found *v1alpha1.VeroOrder
	s.Eventually("an order that is "+what, func(ctx context.Context) (bool, error) {
		list := &v1alpha1.VeroOrderList{}
		if err := s.Client.List(ctx, list, client.InNamespace(s.Namespace)); err != nil || len(list.Items) == 0 {
			return false, err
		}
		if len(list.Items) > 1 {
			return false, fmt.Errorf("there are %d orders, want one", len(list.Items))
		}
		found = &list.Items[0]
		return reached(found), nil
	})
	return found
}

// awaitSubmission waits until the service has a request, which it need not have answered yet.
func (s *story) awaitSubmission() {
	s.Helper()
	s.Eventually("a request that reaches the service", func(ctx context.Context) (bool, error) {
		requests, err := s.Service.Requests(ctx, "SignNewCertificate", "")
		return len(requests) > 0, err
	})
}

// awaitIssuer waits until the story's issuer has that reason and says all of this.
func (s *story) awaitIssuer(reason string, says ...string) {
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

// awaitOverlap waits until the story's issuer says all of this about its bundles, or, for nothing, nothing any more.
func (s *story) awaitOverlap(says []string) {
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

// awaitEvent waits for an event about an object of the story.
func (s *story) awaitEvent(kind, name, class, reason string, says ...string) {
	s.Helper()
	what := fmt.Sprintf("a %s event %s about %s %s that says %q", class, reason, kind, name, says)
	s.Eventually(what, func(ctx context.Context) (bool, error) {
		events := &corev1.EventList{}
		err := s.Client.List(ctx, events, client.InNamespace(s.Namespace))
		return slices.ContainsFunc(events.Items, func(event corev1.Event) bool {
			return event.InvolvedObject.Kind == kind && event.InvolvedObject.Name == name && event.Type == class &&
				event.Reason == reason && testkit.ContainsAll(event.Message, says)
		}), err
	})
}

// awaitSecretRead waits until the controller has looked at a Secret so many times more. After that it has had every
// opportunity to do what it must not do.
func (s *story) awaitSecretRead(name string, times int) {
	s.Helper()
	file, err := os.Open(s.Cluster.AuditLog())
	if err != nil {
		s.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(0, io.SeekEnd); err != nil {
		s.Fatal(err)
	}
	reader, line := bufio.NewReader(file), []byte{}
	what := fmt.Sprintf("the controller to read Secret %s %d times", name, times)
	s.Eventually(what, func(context.Context) (bool, error) {
		for {
			part, err := reader.ReadBytes('\n')
			line = append(line, part...)
			if errors.Is(err, io.EOF) {
				return times <= 0, nil
			}
			if err != nil {
				return false, err
			}
			if entry := parseAudit(line, s.Namespace); entry.Verb == "get" && entry.ObjectRef.Resource == "secrets" &&
				entry.ObjectRef.Namespace == s.Namespace && entry.ObjectRef.Name == name {
				times--
			}
			line = line[:0]
		}
	})
}

// auditEntry is what is read of a line of the audit log.
type auditEntry struct {
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource  string `json:"resource"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
}

// parseAudit reads a line that mentions something; any other one comes back empty.
func parseAudit(line []byte, mentions string) (entry auditEntry) {
	if bytes.Contains(line, []byte(mentions)) {
		_ = json.Unmarshal(line, &entry) // A line that is no JSON is not the entry that is looked for.
	}
	return entry
}

// thatHolds is a condition that needs no context of its own.
func thatHolds(holds func() bool) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) { return holds(), nil }
}
