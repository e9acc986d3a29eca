package gate_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// payable makes what an order for a first certificate needs: a ready issuer, credentials, and that key in preparation.
func (r *renewal) payable(key *rsa.PrivateKey) {
	r.Helper()
	bundle := v1alpha1.BundleSource{CABundle: pkitest.PEM(pkitest.Root(r.T, "Root").Certificate)}
	der := must.Get(x509.MarshalPKCS8PrivateKey(key))(r)
	namespace := r.request.Namespace
	server.Create(r.T,
		&v1alpha1.VeroIssuer{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero"},
			Spec: v1alpha1.VeroIssuerSpec{
				Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
				TransferSecretRef: &v1alpha1.TransferSecretReference{Name: "vero-transfer"},
				Trust:             v1alpha1.VeroTrust{Responses: bundle, Issuance: bundle},
			},
			Status: v1alpha1.VeroIssuerStatus{Conditions: []metav1.Condition{{
				Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonChecked,
				ObservedGeneration: 1, LastTransitionTime: metav1.Now(),
			}}},
		},
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: namespace, Name: "tax-next", Labels: map[string]string{cmapi.IsNextPrivateKeySecretLabelKey: "true"},
				OwnerReferences: []metav1.OwnerReference{
					*metav1.NewControllerRef(r.certificate, cmapi.SchemeGroupVersion.WithKind("Certificate")),
				},
			},
			Data: map[string][]byte{
				corev1.TLSPrivateKeyKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
			},
		},
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero-transfer"},
			StringData: map[string]string{"transferId": "12345678901", "transferPassword": "kq7Rz-49xWbT"},
		})
}

// onlyOrder is the order of the request, of which there has to be one.
func (r *renewal) onlyOrder() *v1alpha1.VeroOrder {
	r.Helper()
	orders := &v1alpha1.VeroOrderList{}
	must.Do(r, server.Client.List(r.Context(), orders, client.InNamespace(r.request.Namespace)))
	if len(orders.Items) != 1 {
		r.Fatalf("there are %d orders; the request says %q", len(orders.Items), conditions.ReadyMessage(r.request))
	}
	return &orders.Items[0]
}

// TestAKeyThatIsLargerThanDocumentedIsWarnedOfBeforeItIsSent: the order is made all the same, after the warning.
func TestAKeyThatIsLargerThanDocumentedIsWarnedOfBeforeItIsSent(t *testing.T) {
	r := prepared(t)
	key := must.Get(rsa.GenerateKey(rand.Reader, 3072))(t)
	r.payable(key)
	r.request.Spec.Request = signingRequest(t, key)
	must.Do(t, server.Client.Update(t.Context(), r.request))
	r.reconcile()
	r.says("", "", "Warning LargeKey the key has 3072 bits")
	r.onlyOrder()
}

// TestAnOrderWithoutItsLabelsIsAskedFor: it cannot be found, and no other one may be made in its place.
func TestAnOrderWithoutItsLabelsIsAskedFor(t *testing.T) {
	r := prepared(t)
	r.payable(pkitest.Key("next"))
	r.reconcile()
	order := r.onlyOrder()
	labels := order.Labels
	order.Labels = nil
	must.Do(t, server.Client.Update(t.Context(), order))
	r.reconcileWithError()
	said := conditions.ReadyMessage(r.request)
	if !strings.Contains(said, "VeroOrder "+order.Name+" has lost its label ") {
		t.Errorf("the request says %q", said)
	}
	order.Labels = labels
	must.Do(t, server.Client.Update(t.Context(), order))
	r.reconcile()
	if said := conditions.ReadyMessage(r.request); !strings.Contains(said, "is about to be sent") {
		t.Errorf("the request says %q", said)
	}
}

// TestARequestThatHasItsOrderAsksForNothingAnyMore, however long the service takes to answer.
func TestARequestThatHasItsOrderAsksForNothingAnyMore(t *testing.T) {
	r := prepared(t)
	r.payable(pkitest.Key("next"))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: r.request.Namespace, Name: "vero-transfer"}}
	must.Do(t, server.Client.Delete(t.Context(), secret))
	r.reconcile()
	if said := conditions.ReadyMessage(r.request); !strings.Contains(said, "does not exist") {
		t.Fatalf("without credentials the request says %q", said)
	}
	secret.StringData = map[string]string{"transferId": "12345678901", "transferPassword": "kq7Rz-49xWbT"}
	server.Create(t, secret)
	r.reconcile()
	order := r.onlyOrder()
	orderstate.RecordIntent(order, "", 0, r.clock.Now())
	must.Do(t, server.Client.Status().Update(t.Context(), order))
	r.clock.Step(31 * time.Second)
	r.reconcile()
	if said := conditions.ReadyMessage(r.request); !strings.Contains(said, order.Name+" was created") {
		t.Errorf("while it is being sent the request says %q", said)
	}
}
