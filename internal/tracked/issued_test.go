package tracked_test

import (
	"context"
	"errors"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

// failing is an access that fails from a read on.
type failing struct {
	getOnly

	left int
}

func (f *failing) Get(
	ctx context.Context, name client.ObjectKey, into client.Object, options ...client.GetOption,
) error {
	if f.left--; f.left < 0 {
		return errors.New("the API server is away")
	}
	return f.getOnly.Get(ctx, name, into, options...)
}

// TestNoChangeIsToldWhileTheAPIServerIsAway: a chain that was read without its root would be another one.
func TestNoChangeIsToldWhileTheAPIServerIsAway(t *testing.T) {
	t.Parallel()
	namespace, dvv := server.Namespace(t), pkitest.Root(t, "DVV")
	object := metav1.ObjectMeta{Namespace: namespace, Name: "stamp"}
	server.Create(t,
		&cmapi.Certificate{ObjectMeta: object, Spec: cmapi.CertificateSpec{
			SecretName: "stamp", CommonName: "stamp", IssuerRef: cmmeta.IssuerReference{Name: "other"},
		}},
		&corev1.Secret{ObjectMeta: object, Data: map[string][]byte{
			"tls.crt": pkitest.PEM(dvv.Issue(t, pkitest.Key("stamp"), "stamp")), "ca.crt": pkitest.PEM(dvv.Certificate),
		}})
	w := begin(t, namespace, v1alpha1.TrackedCertificateSpec{
		Source: fromCertificate("stamp"), ChangeNotice: &v1alpha1.ChangeNotice{
			To: "a@example.fi", Subject: "s", When: []v1alpha1.ChangedFact{v1alpha1.ChangedAuthorityChain},
		},
	})
	w.reconcile()
	for reads := range 3 {
		w.reconciler.Reader = &failing{getOnly{server.Client}, reads}
		name := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(w.tracked)}
		if _, err := w.reconciler.Reconcile(t.Context(), name); err == nil {
			t.Errorf("after %d reads nothing is wrong", reads)
		}
	}
	if w.condition(v1alpha1.ConditionNoticeDue).Status != metav1.ConditionFalse {
		t.Error("a change is told")
	}
}
