package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of every kind of varmenne-issuer, and the spec.issuerRef.group of a Certificate
// that wants to be served by it.
const GroupName = "varmenne.dev"

// GroupVersion is the group and version of the kinds of this package.
var GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

// AddToScheme makes the kinds of this package known to a scheme.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&VeroIssuer{}, &VeroIssuerList{},
		&VeroClusterIssuer{}, &VeroClusterIssuerList{},
		&VeroOrder{}, &VeroOrderList{},
		&ManualIssuer{}, &ManualIssuerList{},
		&ManualClusterIssuer{}, &ManualClusterIssuerList{},
		&ManualOrder{}, &ManualOrderList{},
		&TrackedCertificate{}, &TrackedCertificateList{},
		&MessagesPassword{}, &MessagesPasswordList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
