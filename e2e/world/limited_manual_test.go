package world_test

import (
	"context"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// populateManual gives a namespace an issuer whose certificates a person fetches, and a Certificate of it.
func populateManual(t *testing.T, w *world.World, namespace string) *v1alpha1.ManualIssuer {
	t.Helper()
	root, err := w.Service.DVVRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "stamping"}
	issuer := &v1alpha1.ManualIssuer{
		ObjectMeta: meta, Spec: v1alpha1.ManualIssuerSpec{Trust: v1alpha1.BundleSource{CABundle: root}},
	}
	certificate := &cmapi.Certificate{ObjectMeta: meta, Spec: cmapi.CertificateSpec{
		SecretName: "stamping-tls", CommonName: "stamping.example.fi",
		IssuerRef: cmmeta.IssuerReference{
			Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: issuer.Name,
		},
	}}
	for _, object := range []client.Object{issuer, certificate} {
		if err := w.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	return issuer
}

// checkManual: in the watched namespace somebody is asked to carry the request, outside nobody has looked at anything.
func checkManual(t *testing.T, w *world.World, issuers map[string]*v1alpha1.ManualIssuer) {
	t.Helper()
	orders := &v1alpha1.ManualOrderList{}
	testkit.Eventually(t, "a ManualOrder to be carried", func(ctx context.Context) (bool, error) {
		err := w.Client.List(ctx, orders)
		return len(orders.Items) > 0 &&
			testkit.ReasonOf(orders.Items[0].Status.Conditions) == v1alpha1.ReasonApplicationDue, err
	}, nil)
	if len(orders.Items) != 1 || orders.Items[0].Namespace != watched {
		t.Errorf("%d ManualOrders, the first in namespace %s", len(orders.Items), orders.Items[0].Namespace)
	}
	for namespace, issuer := range issuers {
		err := w.Client.Get(t.Context(), client.ObjectKeyFromObject(issuer), issuer)
		if looked := issuer.Status.ObservedGeneration != 0; err != nil || looked != (namespace == watched) {
			t.Errorf("the issuer in %s has the status %+v, error %v", namespace, issuer.Status, err)
		}
	}
}
