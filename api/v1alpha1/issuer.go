package v1alpha1

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// GenericIssuer is what issuers of all kinds have in common.
//
// +kubebuilder:object:generate=false
type GenericIssuer interface {
	metav1.Object
	runtime.Object
	// IssuerKind is the kind, also where the object's TypeMeta is empty.
	IssuerKind() string
	// IssuerConditions are the issuer's own conditions, not copies.
	IssuerConditions() []metav1.Condition
}

// IsClusterKind reports whether issuers of a kind serve every namespace.
func IsClusterKind(kind string) bool {
	return kind == KindVeroClusterIssuer || kind == KindManualClusterIssuer
}

// IsIssuerKind reports whether a kind is one of our issuers'.
func IsIssuerKind(kind string) bool {
	return NewVeroIssuer(kind) != nil || NewManualIssuer(kind) != nil
}

// GenericVeroIssuer is what VeroIssuer and VeroClusterIssuer have in common, so that code treats them as one.
//
// +kubebuilder:object:generate=false
type GenericVeroIssuer interface {
	GenericIssuer
	// VeroSpec is the issuer's own spec, not a copy.
	VeroSpec() *VeroIssuerSpec
	// VeroStatus is the issuer's own status, not a copy.
	VeroStatus() *VeroIssuerStatus
}

var (
	_ GenericVeroIssuer = (*VeroIssuer)(nil)
	_ GenericVeroIssuer = (*VeroClusterIssuer)(nil)
)

// IssuerKind is KindVeroIssuer.
func (*VeroIssuer) IssuerKind() string { return KindVeroIssuer }

// IssuerConditions are the issuer's own conditions, not copies.
func (i *VeroIssuer) IssuerConditions() []metav1.Condition { return i.Status.Conditions }

// VeroSpec is the issuer's own spec, not a copy.
func (i *VeroIssuer) VeroSpec() *VeroIssuerSpec { return &i.Spec }

// VeroStatus is the issuer's own status, not a copy.
func (i *VeroIssuer) VeroStatus() *VeroIssuerStatus { return &i.Status }

// IssuerKind is KindVeroClusterIssuer.
func (*VeroClusterIssuer) IssuerKind() string { return KindVeroClusterIssuer }

// IssuerConditions are the issuer's own conditions, not copies.
func (i *VeroClusterIssuer) IssuerConditions() []metav1.Condition { return i.Status.Conditions }

// VeroSpec is the issuer's own spec, not a copy.
func (i *VeroClusterIssuer) VeroSpec() *VeroIssuerSpec { return &i.Spec }

// VeroStatus is the issuer's own status, not a copy.
func (i *VeroClusterIssuer) VeroStatus() *VeroIssuerStatus { return &i.Status }

// NewVeroIssuer is an empty issuer of a kind, nil if the kind is none of ours.
func NewVeroIssuer(kind string) GenericVeroIssuer {
	switch kind {
	case KindVeroIssuer:
		return &VeroIssuer{}
	case KindVeroClusterIssuer:
		return &VeroClusterIssuer{}
	default:
		return nil
	}
}

// Endpoint is the URL of the service: spec.url, or the public endpoint of the environment.
func (s *VeroIssuerSpec) Endpoint() string {
	switch {
	case s.URL != "":
		return s.URL
	case s.Environment == VeroEnvironmentProduction:
		return EndpointProduction
	default:
		return EndpointTest
	}
}

// PublicHosts are the hosts of the public endpoints.
func PublicHosts() []string {
	hosts := []string{EndpointTest, EndpointProduction}
	for i := range hosts {
		hosts[i], _, _ = strings.Cut(strings.TrimPrefix(hosts[i], "https://"), "/")
	}
	return hosts
}

// Window is spec.renewalWindow or its default.
func (s *VeroIssuerSpec) Window() time.Duration {
	if s.RenewalWindow == nil {
		return DefaultRenewalWindow
	}
	return s.RenewalWindow.Duration
}

// Timeout is spec.retrievalTimeout or its default.
func (s *VeroIssuerSpec) Timeout() time.Duration {
	if s.RetrievalTimeout == nil {
		return DefaultRetrievalTimeout
	}
	return s.RetrievalTimeout.Duration
}

// KeyOrDefault is the key of the reference, or DefaultBundleKey.
func (r *BundleReference) KeyOrDefault() string {
	if r.Key == "" {
		return DefaultBundleKey
	}
	return r.Key
}
