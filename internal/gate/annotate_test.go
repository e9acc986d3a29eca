package gate_test

import (
	"maps"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// withoutAnnotating is the API server to somebody with an older role, who may write the status of requests only.
func (r *renewal) withoutAnnotating() client.Client {
	r.Helper()
	read := []string{"get", "list", "watch"}
	return server.Limited(r.T,
		rbacv1.PolicyRule{APIGroups: []string{"varmenne.dev", "cert-manager.io", ""}, Resources: []string{"*"}, Verbs: read},
		rbacv1.PolicyRule{
			APIGroups: []string{"cert-manager.io"}, Resources: []string{"certificaterequests/status"}, Verbs: []string{"*"}})
}

// TestARequestCarriesTheRetrievalIDOfItsOrder from where a person sees it on, and is written once. An annotation that
// its order has no value for goes.
func TestARequestCarriesTheRetrievalIDOfItsOrder(t *testing.T) {
	r := prepared(t)
	r.order(v1alpha1.VeroOrderSubmitted)
	r.request.Annotations = map[string]string{v1alpha1.AnnotationPaidWith: "earlier", "example.com/theirs": "kept"}
	must.Do(t, server.Client.Update(t.Context(), r.request))
	r.reconcile()
	version := r.request.ResourceVersion
	want := map[string]string{v1alpha1.AnnotationRetrievalID: "retrieval-1", "example.com/theirs": "kept"}
	if !maps.Equal(r.request.Annotations, want) {
		t.Errorf("the request carries %v", r.request.Annotations)
	}
	if said := conditions.ReadyMessage(r.request); said != "the service makes the certificate" {
		t.Errorf("the request says %q", said)
	}
	r.reconcile()
	if r.request.ResourceVersion != version {
		t.Error("it was written once more")
	}
}

// TestARetrievalIDThatIsAnothersIsShownNoLonger: a person has brought back the wrong one, and the service has said so.
func TestARetrievalIDThatIsAnothersIsShownNoLonger(t *testing.T) {
	r := prepared(t)
	r.order(v1alpha1.VeroOrderSubmitted)
	order := &v1alpha1.VeroOrder{}
	name := client.ObjectKey{Namespace: r.request.Namespace, Name: "renew-1"}
	must.Do(t, server.Client.Get(t.Context(), name, order))
	write := func() {
		t.Helper()
		must.Do(t, server.Client.Status().Update(t.Context(), order))
		r.reconcile()
	}
	order.Status.AcceptanceTime = &metav1.MicroTime{Time: r.clock.Now()}
	write()
	said, carried := conditions.ReadyMessage(r.request), r.request.Annotations[v1alpha1.AnnotationRetrievalID]
	if said != "" || carried == "" {
		t.Errorf("while the certificate may be there any moment the request says %q, and carries %q", said, carried)
	}
	order.Status.LastError = &v1alpha1.VeroOrderError{Code: "Cut", Message: "half of it", Time: metav1.Now()}
	write()
	if said := conditions.ReadyMessage(r.request); said == "" {
		t.Error("the request says nothing of an error")
	}
	order.Status.State, order.Status.RefusedRetrievalID = v1alpha1.VeroOrderSubmitting, order.Status.RetrievalID
	order.Status.RetrievalID, order.Status.AcceptanceTime = "", nil
	write()
	if id, carried := r.request.Annotations[v1alpha1.AnnotationRetrievalID]; carried {
		t.Errorf("the request carries %s", id)
	}
	submitted := conditions.Find(r.request, v1alpha1.ConditionSubmitted)
	if submitted == nil || submitted.Status != cmmeta.ConditionFalse {
		t.Errorf("the request shows %+v", submitted)
	}
}

// TestAnOlderRoleDelaysNoCertificate: the request goes on saying what its order says, and an event tells of the role.
func TestAnOlderRoleDelaysNoCertificate(t *testing.T) {
	r := prepared(t)
	r.order(v1alpha1.VeroOrderSubmitted)
	r.uses(r.withoutAnnotating(), server.Client)
	for range 2 {
		r.reconcileWithError()
		if said := conditions.ReadyMessage(r.request); said != "the service makes the certificate" {
			t.Errorf("the request says %q", said)
		}
	}
	var told int
	for len(r.events.Events) > 0 {
		event := <-r.events.Events
		if strings.HasPrefix(event, "Warning ClusterError write the annotations of CertificateRequest tax-2: ") &&
			strings.Contains(event, "forbidden") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("the role was told of %d times", told)
	}
	order := &v1alpha1.VeroOrder{ObjectMeta: metav1.ObjectMeta{Namespace: r.request.Namespace, Name: "renew-1"}}
	must.Do(t, server.Client.Delete(t.Context(), order))
	r.order(v1alpha1.VeroOrderIssued)
	r.reconcile()
	if !conditions.IsTrue(r.request, cmapi.CertificateRequestConditionReady) {
		t.Errorf("the request says %q, and is not Ready", conditions.ReadyMessage(r.request))
	}
}
