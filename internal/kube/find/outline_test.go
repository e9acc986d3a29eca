package find_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestNothingIsReadFromAnOutlineThatItDoesNotKeep: a manager's cache knows no whole requests and orders, and its client
// reads them from the API server.
func TestNothingIsReadFromAnOutlineThatItDoesNotKeep(t *testing.T) {
	namespace := server.Namespace(t)
	whole := request(namespace, "whole", v1alpha1.KindManualIssuer, "dvv", csr(t, "ours"))
	order := &v1alpha1.ManualOrder{Spec: v1alpha1.ManualOrderSpec{
		IssuerRef: v1alpha1.ManualIssuerReference{Kind: v1alpha1.KindManualIssuer, Name: "dvv"},
		Request:   whole.Spec.Request, PublicKeyDigest: digest(t, "ours"),
	}}
	order.Namespace, order.Name = namespace, whole.Name
	server.Create(t, whole, order)
	var manager ctrl.Manager
	server.Run(t, namespace, func(made ctrl.Manager) error {
		manager = made
		indexer := made.GetFieldIndexer()
		must.Do(t, find.Index(t.Context(), indexer))
		return find.IndexManual(t.Context(), indexer)
	})
	key := client.ObjectKeyFromObject(whole)
	eventually(t.Context(), t, "the cache has both", func(ctx context.Context) (bool, error) {
		one, other := &outline.CertificateRequest{}, &outline.ManualOrder{}
		err := errors.Join(manager.GetCache().Get(ctx, key, one), manager.GetCache().Get(ctx, key, other))
		return one.PublicKeyDigest == digest(t, "ours") && other.PublicKeyDigest == digest(t, "ours"),
			client.IgnoreNotFound(err)
	})
	for _, object := range []client.Object{&cmapi.CertificateRequest{}, &v1alpha1.ManualOrder{}} {
		if err := manager.GetCache().Get(t.Context(), key, object); !runtime.IsNotRegisteredError(err) {
			t.Errorf("the cache has a whole %T: %v", object, err)
		}
		must.Do(t, manager.GetClient().Get(t.Context(), key, object))
		if len(object.GetManagedFields()) == 0 {
			t.Errorf("the client has left something out of %T", object)
		}
	}
	for _, object := range []client.Object{&outline.CertificateRequest{}, &outline.ManualOrder{}} {
		if err := manager.GetClient().Update(t.Context(), object); !runtime.IsNotRegisteredError(err) {
			t.Errorf("the client would write %T: %v", object, err)
		}
	}
	found := must.Get(find.ManualOrdersWithKey(t.Context(), manager.GetCache(), namespace, digest(t, "ours")))(t)
	read := must.Get(find.ReadManualOrders(t.Context(), manager.GetAPIReader(), found))(t)
	if len(read) != 1 || !bytes.Equal(read[0].Spec.Request, order.Spec.Request) {
		t.Errorf("by its key is found %+v, and read %+v", found, read)
	}
}
