package cluster

import (
	"errors"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Requests that a client sends in a second, and at once: as many as kubectl's. One call of the plugin makes a few
// dozen.
const (
	queriesPerSecond = 50
	burst            = 300
)

// Connect makes a client that works with the rights of a configuration.
func Connect(config *rest.Config) (client.WithWatch, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = queriesPerSecond, burst
	kinds := runtime.NewScheme()
	err := errors.Join(corev1.AddToScheme(kinds), cmapi.AddToScheme(kinds), v1alpha1.AddToScheme(kinds))
	if err != nil {
		return nil, fmt.Errorf("make the kinds known: %w", err)
	}
	access, err := client.NewWithWatch(config, client.Options{Scheme: kinds, Mapper: mapper()})
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	return access, nil
}

// mapper knows the resources of the kinds, so that nobody has to ask the API server for all that there are.
func mapper() meta.RESTMapper {
	known := meta.NewDefaultRESTMapper(nil)
	add := func(version schema.GroupVersion, scope meta.RESTScope, kinds ...string) {
		for _, kind := range kinds {
			known.Add(version.WithKind(kind), scope)
		}
	}
	add(corev1.SchemeGroupVersion, meta.RESTScopeNamespace, "Secret", "ConfigMap", "Event", "Pod")
	add(corev1.SchemeGroupVersion, meta.RESTScopeRoot, "Namespace")
	add(cmapi.SchemeGroupVersion, meta.RESTScopeNamespace, cmapi.CertificateKind, cmapi.CertificateRequestKind)
	add(v1alpha1.GroupVersion, meta.RESTScopeNamespace, v1alpha1.KindVeroIssuer, "VeroOrder", v1alpha1.KindManualIssuer,
		"ManualOrder", "TrackedCertificate", v1alpha1.KindMessagesPassword)
	add(appsv1.SchemeGroupVersion, meta.RESTScopeNamespace, "Deployment")
	add(schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"}, meta.RESTScopeRoot, "CustomResourceDefinition")
	add(v1alpha1.GroupVersion, meta.RESTScopeRoot, v1alpha1.KindVeroClusterIssuer, v1alpha1.KindManualClusterIssuer)
	return known
}
