package find_test

import (
	"context"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

func spec(t *testing.T) v1alpha1.VeroIssuerSpec {
	t.Helper()
	bundle := v1alpha1.BundleSource{CABundle: pkitest.PEM(pkitest.Root(t, "root").Certificate)}
	return v1alpha1.VeroIssuerSpec{
		Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
		Trust: v1alpha1.VeroTrust{Responses: bundle, Issuance: bundle},
	}
}

func namespaced(t *testing.T, namespace string) *v1alpha1.VeroIssuer {
	t.Helper()
	return &v1alpha1.VeroIssuer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero"}, Spec: spec(t)}
}

func clusterWide(t *testing.T, name string) *v1alpha1.VeroClusterIssuer {
	t.Helper()
	return &v1alpha1.VeroClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec(t)}
}

func TestIssuerIsFound(t *testing.T) {
	namespace, elsewhere := server.Namespace(t), server.Namespace(t)
	server.Create(t, namespaced(t, namespace), clusterWide(t, "everywhere"))
	for claim, c := range map[string]struct {
		kind, namespace, name string
		found                 bool
	}{
		"in the namespace of who names it":     {v1alpha1.KindVeroIssuer, namespace, "vero", true},
		"not in another":                       {v1alpha1.KindVeroIssuer, elsewhere, "vero", false},
		"for the whole cluster, from anywhere": {v1alpha1.KindVeroClusterIssuer, elsewhere, "everywhere", true},
		"not by the other kind":                {v1alpha1.KindVeroClusterIssuer, namespace, "vero", false},
		"not by another name":                  {v1alpha1.KindVeroIssuer, namespace, "none", false},
		"not of a kind that is none of ours":   {"ClusterIssuer", namespace, "vero", false},
	} {
		t.Run(claim, func(t *testing.T) {
			issuer, err := find.Issuer(t.Context(), server.Client, c.kind, c.namespace, c.name)
			if err != nil || (issuer != nil) != c.found {
				t.Fatalf("found %v, %v", issuer, err)
			}
			if c.found && (issuer.IssuerKind() != c.kind || issuer.GetName() != c.name) {
				t.Errorf("found %s %s", issuer.IssuerKind(), issuer.GetName())
			}
		})
	}
	t.Run("an API server that does not answer gives no answer", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := find.Issuer(ctx, server.Client, v1alpha1.KindVeroIssuer, namespace, "vero"); err == nil {
			t.Error("no error")
		}
	})
}

// checked is an issuer of generation 2 whose Ready condition was written about a generation.
func checked(t *testing.T, value metav1.ConditionStatus, generation int64, message string) *v1alpha1.VeroIssuer {
	t.Helper()
	issuer := namespaced(t, "tax")
	issuer.Generation = 2
	issuer.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: value, ObservedGeneration: generation, Message: message,
	}}
	return issuer
}

func TestDescription(t *testing.T) {
	plain := facts.Issuer{
		Kind: v1alpha1.KindVeroIssuer, Name: "vero", Exists: true, Environment: v1alpha1.VeroEnvironmentTest,
		CustomerID: "0123456-7", Window: 1440 * time.Hour, Timeout: 24 * time.Hour, Generation: 2,
	}
	with := func(ready bool, message string) facts.Issuer {
		changed := plain
		changed.Ready, changed.Message = ready, message
		return changed
	}
	fresh := namespaced(t, "tax")
	fresh.Generation = 2
	own := checked(t, metav1.ConditionTrue, 2, "fine")
	own.Spec.RenewalWindow = &metav1.Duration{Duration: time.Minute}
	own.Spec.RetrievalTimeout = &metav1.Duration{Duration: time.Second}
	ownFacts := with(true, "fine")
	ownFacts.Window, ownFacts.Timeout = time.Minute, time.Second
	for claim, c := range map[string]struct {
		issuer v1alpha1.GenericVeroIssuer
		want   facts.Issuer
	}{
		"ready":                {checked(t, metav1.ConditionTrue, 2, "fine"), with(true, "fine")},
		"not ready":            {checked(t, metav1.ConditionFalse, 2, "no"), with(false, "no")},
		"unknown is not ready": {checked(t, metav1.ConditionUnknown, 2, "?"), with(false, "?")},
		"ready before the last change": {
			checked(t, metav1.ConditionTrue, 1, "fine"), with(false, "it has not been checked yet"),
		},
		"never checked":         {fresh, with(false, "it has not been checked yet")},
		"with times of its own": {own, ownFacts},
	} {
		t.Run(claim, func(t *testing.T) {
			got := find.Describe(v1alpha1.KindVeroIssuer, "vero", c.issuer)
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Errorf("the description differs (-want +got):\n%s", difference)
			}
		})
	}
	t.Run("one that does not exist", func(t *testing.T) {
		got := find.Describe(v1alpha1.KindVeroIssuer, "vero", nil)
		want := facts.Issuer{Kind: v1alpha1.KindVeroIssuer, Name: "vero"}
		if difference := cmp.Diff(want, got); difference != "" {
			t.Errorf("the description differs (-want +got):\n%s", difference)
		}
	})
}

func TestChangesOfAnIssuerThatOthersWaitFor(t *testing.T) {
	checkedLater := checked(t, metav1.ConditionTrue, 2, "fine")
	checkedLater.Status.Conditions[0].LastTransitionTime = metav1.Time{Time: pkitest.Now}
	edited := checked(t, metav1.ConditionTrue, 2, "fine")
	edited.Generation = 3
	changed := find.IssuerChanged()
	for claim, c := range map[string]struct {
		before, after *v1alpha1.VeroIssuer
		want          bool
	}{
		"it was checked once more": {checked(t, metav1.ConditionTrue, 2, "fine"), checkedLater, false},
		"it has become ready":      {checked(t, metav1.ConditionFalse, 2, "no"), checkedLater, true},
		"it is ready no longer":    {checkedLater, checked(t, metav1.ConditionFalse, 2, "no"), true},
		"it is not ready for a new reason": {
			checked(t, metav1.ConditionFalse, 2, "no"), checked(t, metav1.ConditionFalse, 2, "still no"), true},
		"its spec has changed": {checkedLater, edited, true},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := changed.Update(event.UpdateEvent{ObjectOld: c.before, ObjectNew: c.after}); got != c.want {
				t.Errorf("it is let through: %t", got)
			}
		})
	}
	if !changed.Create(event.CreateEvent{Object: edited}) || !changed.Delete(event.DeleteEvent{Object: edited}) {
		t.Error("that it comes or goes is not let through")
	}
	other := &cmapi.CertificateRequest{}
	if changed.Update(event.UpdateEvent{ObjectOld: other, ObjectNew: other}) {
		t.Error("what is no issuer is let through")
	}
}
