package stories

import (
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestWatchNamespacesServesTheNamespacesOfTheListOnly(t *testing.T) {
	p := onPlatform(t)
	service := p.startService(t)
	p.makeNamespace(t, "inside") // A Role in a namespace wants the namespace.
	r := p.install(t, "watching", currentVersion(t), values{"watchNamespaces": []string{"inside"}})
	p.makeNamespace(t, "outside")
	for _, namespace := range []string{"inside", "outside"} {
		p.createIssuer(t, service, namespace)
	}
	p.createCertificates(t, service, "outside", 1)
	p.createCertificates(t, service, "inside", 1)
	p.awaitReady(t, "inside", "web-1")
	r.typeCommands(t)

	t.Run("what lies outside is not touched", func(t *testing.T) { testUntouched(t, p, "outside") })
	t.Run("the controller does not complain", func(t *testing.T) {
		logs := r.mustKubectl(t, "-n", r.namespace, "logs", "--selector=app.kubernetes.io/name="+issuer, "--tail=-1")
		if strings.Contains(strings.ToLower(logs), "forbidden") {
			t.Errorf("the log says that something is forbidden:\n%s", logs)
		}
	})
	r.uninstall(t)
}

// testUntouched: neither the issuer nor a request in the namespace has a word from the controller.
func testUntouched(t *testing.T, p *platform, namespace string) {
	t.Helper()
	issuer := &v1alpha1.VeroIssuer{}
	must.Do(t, p.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "vero"}, issuer))
	if issuer.Status.ObservedGeneration != 0 {
		t.Errorf("the issuer outside was checked: %+v", issuer.Status)
	}
	requests, orders := &cmapi.CertificateRequestList{}, &v1alpha1.VeroOrderList{}
	for _, list := range []client.ObjectList{requests, orders} {
		must.Do(t, p.List(t.Context(), list, client.InNamespace(namespace)))
	}
	if len(requests.Items) != 1 || len(orders.Items) != 0 {
		t.Errorf("outside are %d requests and %d orders, want one request and no order",
			len(requests.Items), len(orders.Items))
	}
	for _, request := range requests.Items {
		for _, condition := range request.Status.Conditions {
			if condition.Type == cmapi.CertificateRequestConditionReady || condition.Status != cmmeta.ConditionTrue {
				t.Errorf("the request outside has the condition %v", condition)
			}
		}
	}
}
