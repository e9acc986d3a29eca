package gate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/prometheus/client_golang/prometheus/testutil"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func forbidden() error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "certificaterequests/status"}, "tax-2", errors.New("no"))
}

// order creates the order that was made for the request. In phase Issued it bears the certificate.
func (r *renewal) order(phase v1alpha1.VeroOrderState) {
	r.Helper()
	key := pkitest.Key("next")
	digest := must.Get(pki.PublicKeyDigest(key.Public()))(r)
	leaf := pkitest.Root(r.T, "Root").Issue(r.T, key, "0123456-7")
	order := &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.request.Namespace, Name: "renew-1",
			Labels: map[string]string{v1alpha1.LabelPublicKey: v1alpha1.LabelValue(digest)},
		},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: "vero", UID: "issuer-1"},
			Operation: v1alpha1.VeroOperationRenew, Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
			Request: r.request.Spec.Request, RequestUID: r.request.UID, PublicKeyDigest: digest, Attempt: 1,
			Renewal: &v1alpha1.RenewalAuthorization{
				SecretName: "tax-tls", SerialNumber: "1", NotAfter: metav1.NewTime(r.expires),
			},
		},
		Status: v1alpha1.VeroOrderStatus{State: phase, RetrievalID: "retrieval-1", Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonAwaitingCertificate,
			Message: "the service makes the certificate", LastTransitionTime: metav1.Now(),
		}}},
	}
	if phase == v1alpha1.VeroOrderIssued {
		order.Status.Certificate = pkitest.PEM(leaf)
	}
	server.Create(r.T, order)
}

// TestACertificateThatCannotBeDeliveredIsNotServed: it is there, and the Secret holds the old one for as long as nobody
// mends what refuses the write.
func TestACertificateThatCannotBeDeliveredIsNotServed(t *testing.T) {
	r := prepared(t)
	r.order(v1alpha1.VeroOrderIssued)
	r.clock.Step(11 * time.Minute)
	r.uses(apitest.Unwritable{Client: server.Client, Refusal: forbidden()}, r.reconciler.Reader)
	const said = "write the status of CertificateRequest "
	r.reconcileWithError()
	r.measures(true, v1alpha1.ReasonClusterError)
	for _, want := range []string{
		"Warning ClusterError " + said, "Warning RenewalFailing the certificate in Secret tax-tls",
	} {
		if event := <-r.events.Events; !strings.HasPrefix(event, want) || !strings.Contains(event, "forbidden") {
			t.Errorf("the event is %q, want %q", event, want)
		}
	}
	r.reconcileWithError()
	r.measures(true, v1alpha1.ReasonClusterError)
	if len(r.events.Events) > 0 {
		t.Errorf("it is told at every try: %s", <-r.events.Events)
	}
	if conditions.ReadyMessage(r.request) != "" {
		t.Errorf("the request says %q", conditions.ReadyMessage(r.request))
	}

	r.uses(server.Client, r.reconciler.Reader)
	r.reconcile()
	r.measures(false, "")
	if !conditions.IsTrue(r.request, cmapi.CertificateRequestConditionReady) {
		t.Errorf("the request says %q, and is not Ready", conditions.ReadyMessage(r.request))
	}
}

// TestARenewalThatGoesOnIsNoLongerFailing although it never could be written that it was.
func TestARenewalThatGoesOnIsNoLongerFailing(t *testing.T) {
	r := prepared(t)
	r.order(v1alpha1.VeroOrderSubmitted)
	r.clock.Step(11 * time.Minute)
	r.uses(apitest.Unwritable{Client: server.Client, Refusal: forbidden()}, r.reconciler.Reader)
	r.reconcileWithError()
	r.measures(true, v1alpha1.ReasonClusterError)

	r.uses(server.Client, r.reconciler.Reader)
	r.reconcile()
	r.measures(false, "")
}

// TestAClusterThatIsAwayForLongMakesARenewalFail, although each of its errors is one that passes.
func TestAClusterThatIsAwayForLongMakesARenewalFail(t *testing.T) {
	r := prepared(t)
	away := apierrors.NewServiceUnavailable("etcd has no leader")
	r.clock.Step(time.Hour)
	r.uses(r.reconciler.Client, failing(away))
	r.reconcileWithError()
	r.says("", "")
	r.clock.Step(9 * time.Minute)
	r.reconcileWithError()
	r.says("", "")
	r.uses(apitest.Unwritable{Client: server.Client, Refusal: away}, r.reconciler.Reader)
	r.clock.Step(time.Minute)
	r.reconcileWithError()
	r.measures(true, v1alpha1.ReasonClusterError)
	for _, want := range []string{"Warning ClusterError", "Warning RenewalFailing"} {
		if event := <-r.events.Events; !strings.HasPrefix(event, want) || !strings.Contains(event, "has no leader") {
			t.Errorf("the event is %q, want %q", event, want)
		}
	}

	r.uses(server.Client, server.Client)
	r.reconcile()
	r.says(v1alpha1.ReasonIssuerNotFound, "vero does not exist", "vero does not exist", "Warning RenewalFailing")
	r.uses(r.reconciler.Client, failing(away))
	r.reconcileWithError()
	r.clock.Step(9 * time.Minute)
	r.reconcileWithError()
	r.says(v1alpha1.ReasonIssuerNotFound, "vero does not exist")
}

// TestARequestThatCannotBeReadIsToldOf by events and metrics, from what the cache knows of it.
func TestARequestThatCannotBeReadIsToldOf(t *testing.T) {
	r := prepared(t)
	r.uses(server.Client, apitest.Unreadable{
		Client: server.Client, Refusal: func(client.Object) error { return forbidden() },
	})
	r.reconcileWithError()
	r.reconcileWithError() // which is no news
	r.says("", "", "Warning ClusterError")
	const unserved = "varmenne_certificaterequest_pending_created_timestamp_seconds"
	if number := must.Get(testutil.GatherAndCount(r.registry, unserved))(t); number != 1 {
		t.Errorf("%d requests wait", number)
	}
}

// TestATroubleThatPassesIsNoNewReason for a renewal that is failing: alerts would begin anew.
func TestATroubleThatPassesIsNoNewReason(t *testing.T) {
	r := prepared(t)
	r.clock.Step(11 * time.Minute)
	r.reconcile()
	r.says(v1alpha1.ReasonIssuerNotFound, "vero does not exist", "vero does not exist", "Warning RenewalFailing")
	r.uses(r.reconciler.Client, failing(apierrors.NewServiceUnavailable("etcd has no leader")))
	r.reconcileWithError()
	r.says(v1alpha1.ReasonIssuerNotFound, "vero does not exist")
}

// failing lets nothing be read but CertificateRequests and Certificates.
func failing(failure error) client.Reader {
	return apitest.Unreadable{Client: server.Client, Refusal: func(object client.Object) error {
		switch object.(type) {
		case *cmapi.CertificateRequest, *cmapi.Certificate:
			return nil
		default:
			return failure
		}
	}}
}
