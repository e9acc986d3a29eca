package outline

import (
	"maps"
	"slices"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Scheme knows the kinds of the cache: outlines of those of this package, and the others whole.
func Scheme() *runtime.Scheme {
	kinds := runtime.NewScheme()
	for group, objects := range map[schema.GroupVersion][]runtime.Object{
		cmapi.SchemeGroupVersion: {&CertificateRequest{}, &CertificateRequestList{}},
		v1alpha1.GroupVersion: {
			&ManualOrder{}, &ManualOrderList{},
			&v1alpha1.VeroOrder{}, &v1alpha1.VeroOrderList{},
			&v1alpha1.VeroIssuer{}, &v1alpha1.VeroIssuerList{},
			&v1alpha1.VeroClusterIssuer{}, &v1alpha1.VeroClusterIssuerList{},
			&v1alpha1.ManualIssuer{}, &v1alpha1.ManualIssuerList{},
			&v1alpha1.ManualClusterIssuer{}, &v1alpha1.ManualClusterIssuerList{},
			&v1alpha1.TrackedCertificate{}, &v1alpha1.TrackedCertificateList{},
		},
	} {
		kinds.AddKnownTypes(group, objects...)
		metav1.AddToGroupVersion(kinds, group)
	}
	return kinds
}

// Prepare lets the cache of a manager keep outlines and trimmed orders, and its client read what outlines are of from
// the API server. Requests that have just come are in fresh, which may be nil.
func Prepare(options *ctrl.Options, fresh *Fresh) {
	options.Cache.Scheme = Scheme()
	special := maps.Clone(options.Cache.ByObject)
	if special == nil {
		special = map[client.Object]cache.ByObject{}
	}
	special[&v1alpha1.VeroOrder{}] = cache.ByObject{Transform: Trim}
	special[&CertificateRequest{}] = cache.ByObject{Transform: fresh.transform}
	options.Cache.ByObject = special
	uncached := client.CacheOptions{}
	if options.Client.Cache != nil {
		uncached = *options.Client.Cache
	}
	uncached.DisableFor = append(slices.Clone(uncached.DisableFor), &cmapi.CertificateRequest{}, &v1alpha1.ManualOrder{})
	options.Client.Cache = &uncached
}
