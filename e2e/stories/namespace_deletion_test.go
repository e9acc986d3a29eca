package stories

import (
	"context"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// deleteNamespace does what a person does, and then what kube-controller-manager does, which this cluster has not.
func (s *testCase) deleteNamespace() {
	s.Helper()
	namespace := s.NamespaceObject()
	s.Remove(namespace)
	kinds := []client.Object{
		&v1alpha1.VeroOrder{}, &v1alpha1.VeroIssuer{}, &cmapi.Certificate{}, &cmapi.CertificateRequest{},
		&corev1.Secret{}, &corev1.ConfigMap{},
	}
	s.Eventually("the namespace to be empty", func(ctx context.Context) (bool, error) {
		for _, kind := range kinds {
			if err := s.Client.DeleteAllOf(ctx, kind, client.InNamespace(s.Namespace)); err != nil {
				return false, err
			}
		}
		orders := &v1alpha1.VeroOrderList{}
		err := s.Client.List(ctx, orders, client.InNamespace(s.Namespace))
		return len(orders.Items) == 0, err
	})
	s.Eventually("the namespace to be gone", func(ctx context.Context) (bool, error) {
		err := s.Client.Get(ctx, client.ObjectKeyFromObject(namespace), namespace)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		namespace.Spec.Finalizers = nil
		return false, client.IgnoreNotFound(s.Client.SubResource("finalize").Update(ctx, namespace))
	})
}
