package order_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/limiter"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	veroorder "github.com/varmenne/varmenne-issuer/internal/vero/order"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// answering is a service that gives a certificate, whatever it is asked for: no order of the simulator's is needed.
type answering struct{ leaf *x509.Certificate }

var errNotAsked = errors.New("nobody asks for that here")

func (answering) SignNew(context.Context, *protocol.SignNew) (string, error) { return "", errNotAsked }

func (answering) Renew(context.Context, *protocol.Renew, crypto.Signer, *x509.Certificate) (string, error) {
	return "", errNotAsked
}

func (a answering) Get(context.Context, *protocol.Get) ([]byte, error) { return a.leaf.Raw, nil }

// accepted is an order of the key "ours" that the service has accepted. A controller that runs leaves it alone between
// its creation and its status, as one that is restored.
func accepted(t *testing.T, namespace, name string) *v1alpha1.VeroOrder {
	t.Helper()
	digest := must.Get(pki.PublicKeyDigest(pkitest.Key("ours").Public()))(t)
	order := ended(namespace, 0)
	order.Name, order.Spec.PublicKeyDigest = name, digest
	order.Labels = map[string]string{
		v1alpha1.LabelPublicKey: v1alpha1.LabelValue(digest), "velero.io/restore-name": "daily",
	}
	order.Status = v1alpha1.VeroOrderStatus{State: v1alpha1.VeroOrderSubmitted, RetrievalID: "retrieval of " + name}
	return order
}

// poll lets the controller ask for the certificate of an order, which the service answers. The order is read again.
func poll(t *testing.T, order *v1alpha1.VeroOrder, service answering, through client.Client) error {
	t.Helper()
	return pollIn(t, limiter.NewCalls(1, 1), order, service, through)
}

// pollIn does the same with slots of others beside.
func pollIn(
	t *testing.T, calls limiter.Calls, order *v1alpha1.VeroOrder, service answering, through client.Client,
) error {
	t.Helper()
	numbers := must.Get(metrics.New(prometheus.NewPedanticRegistry()))(t)
	const enough = 10
	reconciler := veroorder.NewReconciler(veroorder.Options{
		Client: through, Reader: server.Client, Calls: calls, Metrics: numbers,
		Clock: clock.RealClock{}, Shutdown: t.Context(),
		Bundles: secrets.NewKeptBundles(server.Client, "default", clock.RealClock{}),
		Events:  status.Events{Recorder: events.NewFakeRecorder(enough)},
		Connect: func(v1alpha1.GenericVeroIssuer, *secrets.Bundles) (veroorder.Service, error) { return service, nil },
	})
	name := client.ObjectKeyFromObject(order)
	_, failure := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: name})
	must.Do(t, server.Client.Get(t.Context(), name, order))
	return failure
}

// issuer is one whose issued certificates come from an authority.
func issuer(namespace string, authority *pkitest.Authority) *v1alpha1.VeroIssuer {
	bundle := v1alpha1.BundleSource{CABundle: pkitest.PEM(authority.Certificate)}
	return &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero"},
		Spec: v1alpha1.VeroIssuerSpec{
			Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
			Trust: v1alpha1.VeroTrust{Responses: bundle, Issuance: bundle},
		},
	}
}

// indexed is the administrator's access, with the indexes of a manager's cache.
func indexed(t *testing.T) client.Client {
	t.Helper()
	indexes := apitest.Indexes{}
	must.Do(t, find.Index(t.Context(), indexes))
	return apitest.Indexed{Client: server.Client, Indexes: indexes}
}

// TestACertificateOfBeforeIsNotTakenForTheNewOne: with rotationPolicy Never, the key is the same.
func TestACertificateOfBeforeIsNotTakenForTheNewOne(t *testing.T) {
	root := pkitest.Root(t, "Root")
	leaf, another := root.Issue(t, pkitest.Key("ours"), "0123456-7"), root.Issue(t, pkitest.Key("ours"), "0123456-7")
	bearing := func(leaf *x509.Certificate, name string) func(*testing.T, string) *v1alpha1.VeroOrder {
		return func(t *testing.T, namespace string) *v1alpha1.VeroOrder {
			t.Helper()
			order := accepted(t, namespace, name)
			order.Status.State, order.Status.Certificate = v1alpha1.VeroOrderIssued, pkitest.PEM(leaf)
			return order
		}
	}
	for claim, c := range map[string]struct {
		renews  *x509.Certificate
		other   func(*testing.T, string) *v1alpha1.VeroOrder
		problem string
	}{
		"a new one is taken":                               {renews: another, other: bearing(another, "sign-1")},
		"not the one that is to be renewed":                {renews: leaf, problem: "which is to be renewed"},
		"not one that another order has borne":             {other: bearing(leaf, "sign-1"), problem: "sign-1 has borne"},
		"unless it was made for the same acceptance twice": {other: bearing(leaf, "sign-2")},
	} {
		t.Run(claim, func(t *testing.T) {
			namespace := server.Namespace(t)
			server.Create(t, issuer(namespace, root))
			order := accepted(t, namespace, "order")
			if c.renews != nil {
				order.Spec.Operation, order.Spec.Transfer = v1alpha1.VeroOperationRenew, nil
				order.Spec.Renewal = &v1alpha1.RenewalAuthorization{
					SecretName: "tls", SerialNumber: facts.SerialNumber(c.renews), NotAfter: metav1.NewTime(now),
				}
			}
			if c.other != nil {
				other := c.other(t, namespace)
				if other.Name == "sign-2" {
					other.Status.RetrievalID = order.Status.RetrievalID
				}
				server.Create(t, other)
			}
			server.Create(t, order)
			must.Do(t, poll(t, order, answering{leaf: leaf}, indexed(t)))
			want := v1alpha1.VeroOrderIssued
			if c.problem != "" {
				want = v1alpha1.VeroOrderSubmitted
			}
			ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
			if order.Status.State != want || !strings.Contains(ready.Message, c.problem) {
				t.Errorf("the order is %s: %s: %s", order.Status.State, ready.Reason, ready.Message)
			}
		})
	}
}

// TestAnOrderWhoseStatusCannotBeWrittenLeavesAnEvent: it is the only place that is left.
func TestAnOrderWhoseStatusCannotBeWrittenLeavesAnEvent(t *testing.T) {
	c := control(t, accepted(t, server.Namespace(t), "order"), now)
	refusal := apierrors.NewForbidden(schema.GroupResource{Resource: "veroorders/status"}, "order", errors.New("no"))
	c.reconciler.Client = apitest.Unwritable{Client: server.Client, Refusal: refusal}
	for range 2 {
		if _, err := c.step(); err == nil {
			t.Error("there is no error")
		}
	}
	if len(c.events.Events) != 1 {
		t.Fatalf("there are %d events, want 1", len(c.events.Events))
	}
	event := <-c.events.Events
	if !strings.HasPrefix(event, "Warning ClusterError ") || !strings.Contains(event, "forbidden") {
		t.Errorf("the event is %q", event)
	}
}
