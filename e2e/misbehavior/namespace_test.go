package misbehavior

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// deserted are the namespaces that are gone. Nothing may be said of them for ever.
var deserted sync.Map

func (s *story) isDeserted() { deserted.Store(s.Namespace, true) }

// deleteNamespace does what a person does, and then what kube-controller-manager does, which this cluster has not.
func (s *story) deleteNamespace() {
	s.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}
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

// checkLog looks into the controller's log for what nobody should have to read there, after all rows were played: a
// panic; more than some errors about a namespace that has gone.
func checkLog(_ context.Context, s *stage) error {
	const few = 3
	content, err := os.ReadFile(s.Controller().LogFile())
	if err != nil {
		return err
	}
	errors := map[string][]string{}
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "panic") {
			return fmt.Errorf("the controller has said: %s", line)
		}
		if !strings.Contains(line, "level=ERROR") {
			continue
		}
		deserted.Range(func(key, _ any) bool {
			if namespace, ok := key.(string); ok && strings.Contains(line, namespace+"/") ||
				ok && strings.Contains(line, "namespace="+namespace+" ") {
				errors[namespace] = append(errors[namespace], line)
			}
			return true
		})
	}
	for namespace, lines := range errors {
		if len(lines) > few {
			return fmt.Errorf("the controller has told %d errors of namespace %s, which is gone, this last: %s",
				len(lines), namespace, lines[len(lines)-1])
		}
	}
	return nil
}
