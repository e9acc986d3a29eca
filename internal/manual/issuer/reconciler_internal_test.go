package issuer

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

var server *apitest.Server

func TestMain(m *testing.M) { os.Exit(apitest.Main(m, &server)) }

func fromConfigMap(name string) v1alpha1.BundleSource {
	return v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: name}}
}

// TestWhatAnIssuerTrusts is read in its own namespace, and for a cluster issuer in that of the controller. A second
// check that finds the same writes and tells nothing.
func TestWhatAnIssuerTrusts(t *testing.T) {
	root := string(pkitest.PEM(pkitest.Root(t, "DVV").Certificate))
	tenant, controller := server.Namespace(t), server.Namespace(t)
	for _, configMap := range []*corev1.ConfigMap{
		{ObjectMeta: metav1.ObjectMeta{Namespace: controller, Name: "roots"}, Data: map[string]string{"ca.crt": root}},
		{ObjectMeta: metav1.ObjectMeta{Namespace: tenant, Name: "text"}, Data: map[string]string{"ca.crt": "no roots"}},
	} {
		server.Create(t, configMap)
	}
	inline := v1alpha1.BundleSource{CABundle: []byte(root)}
	for claim, c := range map[string]struct {
		kind          string
		trust         v1alpha1.BundleSource
		intermediates *v1alpha1.BundleSource
		reason, says  string
	}{
		"inline": {v1alpha1.KindManualIssuer, inline, nil, "Checked", "readable"},
		"a ConfigMap that is missing": {
			v1alpha1.KindManualIssuer, fromConfigMap("gone"), nil, "BundleNotFound", "gone does not exist"},
		"no certificates": {v1alpha1.KindManualIssuer, fromConfigMap("text"), nil, "BundleInvalid", "spec.trust"},
		"intermediates that are missing": {
			v1alpha1.KindManualIssuer, inline, new(fromConfigMap("gone")), "BundleNotFound", "spec.intermediates"},
		"what the controller's namespace holds, for a tenant": {
			v1alpha1.KindManualIssuer, fromConfigMap("roots"), nil, "BundleNotFound", "roots does not exist"},
		"what the controller's namespace holds, for the cluster": {
			v1alpha1.KindManualClusterIssuer, fromConfigMap("roots"), nil, "Checked", "readable"},
		"what a tenant's namespace holds, for the cluster": {
			v1alpha1.KindManualClusterIssuer, fromConfigMap("text"), nil, "BundleNotFound", "text does not exist"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			const enough = 10
			spec := v1alpha1.ManualIssuerSpec{Trust: c.trust, Intermediates: c.intermediates}
			var issuer v1alpha1.GenericManualIssuer = &v1alpha1.ManualIssuer{
				ObjectMeta: metav1.ObjectMeta{Namespace: tenant, GenerateName: "dvv-"}, Spec: spec,
			}
			if c.kind == v1alpha1.KindManualClusterIssuer {
				issuer = &v1alpha1.ManualClusterIssuer{ObjectMeta: metav1.ObjectMeta{GenerateName: "dvv-"}, Spec: spec}
			}
			object := issuer.(client.Object)
			server.Create(t, object)
			numbers, err := metrics.New(prometheus.NewPedanticRegistry())
			if err != nil {
				t.Fatal(err)
			}
			recorder := events.NewFakeRecorder(enough)
			reconciler := &Reconciler{kind: c.kind, Options: Options{
				Client: server.Client, Reader: server.Client, Clock: clocktesting.NewFakePassiveClock(pkitest.Now),
				Events: status.Events{Recorder: recorder}, Metrics: numbers, Namespace: controller,
			}}
			name := client.ObjectKeyFromObject(object)
			var versions [2]string
			for i := range versions {
				result, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: name})
				if err != nil || result.RequeueAfter == 0 {
					t.Fatalf("it is looked at after %s (%v)", result.RequeueAfter, err)
				}
				if err := server.Client.Get(t.Context(), name, object); err != nil {
					t.Fatal(err)
				}
				versions[i] = object.GetResourceVersion()
			}
			if versions[0] != versions[1] || len(recorder.Events) != 1 {
				t.Errorf("two checks have told %d times, and written %v", len(recorder.Events), versions)
			}
			ready := meta.FindStatusCondition(issuer.ManualStatus().Conditions, v1alpha1.ConditionReady)
			if ready == nil || ready.Reason != c.reason || !strings.Contains(ready.Message, c.says) {
				t.Errorf("it is %+v", ready)
			}
		})
	}
}
