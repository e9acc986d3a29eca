// Package upgrade upgrades from a build of before to this one, as docs/operations/upgrade.md says, with what was paid
// for under way. testdata has what that build left behind: its chart, with the definitions, and objects as it had
// stored them.
package upgrade

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/commands"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// release is the name of the chart's release, its namespace and its Deployment.
const release = "varmenne-issuer"

// The last chart before fields got the names of the API conventions.
const chartBefore = "testdata/varmenne-issuer-0.1.0.tgz"

// namesBefore are those that fields had in the chart of before, by those now.
var namesBefore = map[string]map[string]string{
	"VeroOrder": {
		"state": "phase", "retrievalID": "retrievalId", "submissionTime": "submittedAt", "acceptanceTime": "acceptedAt",
		"completionTime": "endedAt",
	},
	v1alpha1.KindVeroIssuer: {"configMapKeyRef": "configMapRef"},
}

// partOf is where the names of a kind are others.
func partOf(kind string) string {
	if kind == v1alpha1.KindVeroIssuer {
		return "spec"
	}
	return "status"
}

// storedNamespace has the objects of testdata/stored.yaml.
const storedNamespace = "stored-before"

// storedBefore are objects as the build of before has stored them: an issuer, an order in flight and one that was
// issued.
func storedBefore(t *testing.T) []unstructured.Unstructured {
	t.Helper()
	var list unstructured.UnstructuredList
	must.Do(t, yaml.Unmarshal(must.Get(os.ReadFile("testdata/stored.yaml"))(t), &list))
	return list.Items
}

// alwaysRenewable is a renewal window that is open all the time: no certificate lives longer.
const alwaysRenewable = 17520 * time.Hour

// upgrade is one that a test makes.
type upgrade struct {
	*testing.T
	*world.World

	helm chart.Helm
}

// TestAnUpgradeOverNewNamesOfFieldsLosesNothing that was paid for: the order in flight is fetched, and the certificate
// that was issued is renewed with its own key.
func TestAnUpgradeOverNewNamesOfFieldsLosesNothing(t *testing.T) {
	w := must.Get(world.Start(t.Context(), world.Options{}))(t)
	t.Cleanup(func() {
		if err := w.End(t.Failed()); err != nil {
			t.Error(err)
		}
	})
	u := &upgrade{T: t, World: w, helm: must.Get(chart.Find())(t)}
	u.helm.Kubeconfig = w.Cluster.KubeconfigPath()
	issued, inFlight := u.order("issued"), u.order("in-flight", admin.Fault{
		Operation: "GetCertificate", Kind: admin.ResultFail, Code: "PKI099", ForDuration: admin.Duration(testkit.Timeout),
	})
	certificate := issued.AwaitReady(tenant.CertificateName)
	before := inFlight.AwaitOrder("accepted", func(order *v1alpha1.VeroOrder) bool {
		return order.Status.State == v1alpha1.VeroOrderSubmitted
	})
	must.Do(t, w.StopController())
	u.goBack()

	said, err := u.migrate()
	if err == nil || !strings.Contains(err.Error(), "scale deployment "+release+" --replicas=0") {
		t.Fatalf("beside a controller that runs it says %q: %v", said, err)
	}
	u.scaleDown()
	must.Contain(t, must.Get(u.migrate())(t), "VeroOrder in-flight/"+before.Name+" has the new names.",
		"VeroIssuer issued/"+tenant.IssuerName+" has the new names.")
	if said := must.Get(u.migrate())(t); strings.Contains(said, "has the new names") {
		t.Errorf("the second time it says %q", said)
	}
	u.run("upgrade", must.Get(chart.Find())(t).Chart, "--reset-then-reuse-values")
	must.Contain(t, must.Get(u.migrate())(t), "veroorders.varmenne.dev has the new names already")
	u.compareStored()
	must.Do(t, w.StartController(t.Context()))

	must.Do(t, inFlight.Service.ClearFaults(t.Context()))
	inFlight.AwaitReady(tenant.CertificateName)
	issued.Renew(certificate)
	issued.AwaitOrder("a renewal", func(order *v1alpha1.VeroOrder) bool {
		return order.Spec.Operation == v1alpha1.VeroOperationRenew && order.Status.State == v1alpha1.VeroOrderIssued
	})
	issued.AwaitReady(tenant.CertificateName)
	for _, n := range []*tenant.Tenant{issued, inFlight} {
		if paid := n.Accepted(); len(paid) != 1 {
			t.Errorf("%s was paid for %d times", n.Namespace, len(paid))
		}
	}
	if orders := inFlight.Orders(); len(orders) != 1 || orders[0].UID != before.UID ||
		orders[0].Status.RetrievalID != before.Status.RetrievalID {
		t.Errorf("the orders are %+v, want %s with the RetrievalId %s", orders, before.UID, before.Status.RetrievalID)
	}
}

// order orders a certificate in a namespace, from a service of its own with those faults.
func (u *upgrade) order(namespace string, faults ...admin.Fault) *tenant.Tenant {
	u.Helper()
	n := tenant.Begin(u.T, u.World, namespace, "--processing-delay=1s", "--renewal-window="+alwaysRenewable.String())
	for _, fault := range faults {
		n.Script(fault)
	}
	issuer := n.Issuer()
	issuer.Spec.RenewalWindow = &metav1.Duration{Duration: alwaysRenewable}
	n.Create(n.NamespaceObject(), n.Trust(), issuer, n.Credentials(n.Mint()), n.Certificate())
	return n
}

// migrate runs kubectl varmenne migrate.
func (u *upgrade) migrate() (string, error) {
	u.Helper()
	said := &bytes.Buffer{}
	root := commands.New(commands.Options{Clock: clock.RealClock{}, Streams: genericiooptions.IOStreams{
		In: strings.NewReader(""), Out: said, ErrOut: said}})
	root.SetArgs([]string{"--kubeconfig", u.Cluster.KubeconfigPath(), "migrate"})
	err := root.ExecuteContext(u.Context())
	return said.String(), err
}

// run runs helm on a chart. What the world has applied before becomes the release's.
func (u *upgrade) run(command, of string, arguments ...string) {
	u.Helper()
	arguments = append([]string{command, release, of, "--namespace=" + release, "--take-ownership"}, arguments...)
	must.Get(u.helm.Run(u.Context(), nil, arguments...))(u)
}

// compareStored compares the orders that the build of before had stored itself with what this one reads of them.
func (u *upgrade) compareStored() {
	u.Helper()
	for _, object := range storedBefore(u.T) {
		key := client.ObjectKey{Namespace: storedNamespace, Name: object.GetName()}
		if object.GetKind() == v1alpha1.KindVeroIssuer {
			issuer := &v1alpha1.VeroIssuer{}
			must.Do(u, u.Client.Get(u.Context(), key, issuer))
			if issuance := issuer.Spec.Trust.Issuance.ConfigMapKeyRef; issuance == nil || issuance.Key != "issuance.pem" {
				u.Errorf("the trust of the issuer is %+v", issuer.Spec.Trust)
			}
			continue
		}
		want := object.Object["status"]
		must.Do(u, u.Client.Get(u.Context(), key, &object))
		before := rename(object.Object["status"], namesBefore["VeroOrder"])
		if !reflect.DeepEqual(before, want) {
			u.Errorf("the status of VeroOrder %s is %v, want %v", key, before, want)
		}
	}
}

func (u *upgrade) create(object client.Object) {
	u.Helper()
	must.Do(u, u.Client.Create(u.Context(), object))
}

// scaleDown is what the page says before; no Pods have to end here.
func (u *upgrade) scaleDown() {
	u.Helper()
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: release, Name: release}}
	none := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))
	must.Do(u, u.Client.Patch(u.Context(), deployment, none))
}

// goBack installs the chart of before, and stores the orders and issuers that there are as the build of before did. It
// adds some that were stored by that build itself.
func (u *upgrade) goBack() {
	u.Helper()
	stored := map[string][]unstructured.Unstructured{}
	for kind := range namesBefore {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind + "List"))
		must.Do(u, u.Client.List(u.Context(), list))
		stored[kind] = list.Items
	}
	u.run("install", chartBefore)
	for kind, objects := range stored {
		for _, object := range objects {
			part := partOf(kind)
			u.store(&object, part, rename(object.Object[part], namesBefore[kind]))
		}
	}
	u.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: storedNamespace}})
	for _, object := range storedBefore(u.T) {
		status := object.Object["status"]
		u.create(&object)
		u.store(&object, "status", status)
	}
}

// store writes a part of an object until the API server keeps all of it, which it does once it has taken up the
// definitions of before.
func (u *upgrade) store(object *unstructured.Unstructured, part string, wanted any) {
	u.Helper()
	patch := client.RawPatch(types.MergePatchType, must.Get(json.Marshal(map[string]any{part: wanted}))(u))
	testkit.Eventually(u, object.GetKind()+" "+object.GetName()+" as it was before",
		func(ctx context.Context) (bool, error) {
			var err error
			if part == "status" {
				err = u.Client.Status().Patch(ctx, object, patch)
			} else {
				err = u.Client.Patch(ctx, object, patch)
			}
			return reflect.DeepEqual(object.Object[part], wanted), err
		}, func() string { return fmt.Sprintf("it is %v, want %v", object.Object[part], wanted) })
}

// rename is a value with other names of fields.
func rename(value any, names map[string]string) any {
	switch value := value.(type) {
	case map[string]any:
		renamed := map[string]any{}
		for name, content := range value {
			renamed[cmp.Or(names[name], name)] = rename(content, names)
		}
		return renamed
	case []any:
		renamed := make([]any, 0, len(value))
		for _, content := range value {
			renamed = append(renamed, rename(content, names))
		}
		return renamed
	}
	return value
}
