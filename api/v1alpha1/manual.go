package v1alpha1

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Kinds of issuers whose certificates a person fetches.
const (
	// KindManualIssuer serves CertificateRequests of its own namespace.
	KindManualIssuer = "ManualIssuer"
	// KindManualClusterIssuer serves CertificateRequests of every namespace.
	KindManualClusterIssuer = "ManualClusterIssuer"
)

// DefaultLeadTime is spec.leadTime of a ManualIssuer that leaves it out.
const DefaultLeadTime = 30 * 24 * time.Hour

// GenericManualIssuer is what ManualIssuer and ManualClusterIssuer have in common.
//
// +kubebuilder:object:generate=false
type GenericManualIssuer interface {
	GenericIssuer
	// ManualSpec is the issuer's own spec, not a copy.
	ManualSpec() *ManualIssuerSpec
	// ManualStatus is the issuer's own status, not a copy.
	ManualStatus() *ManualIssuerStatus
}

var (
	_ GenericManualIssuer = (*ManualIssuer)(nil)
	_ GenericManualIssuer = (*ManualClusterIssuer)(nil)
)

// IssuerKind is KindManualIssuer.
func (*ManualIssuer) IssuerKind() string { return KindManualIssuer }

// IssuerConditions are the issuer's own conditions, not copies.
func (i *ManualIssuer) IssuerConditions() []metav1.Condition { return i.Status.Conditions }

// ManualSpec is the issuer's own spec, not a copy.
func (i *ManualIssuer) ManualSpec() *ManualIssuerSpec { return &i.Spec }

// ManualStatus is the issuer's own status, not a copy.
func (i *ManualIssuer) ManualStatus() *ManualIssuerStatus { return &i.Status }

// IssuerKind is KindManualClusterIssuer.
func (*ManualClusterIssuer) IssuerKind() string { return KindManualClusterIssuer }

// IssuerConditions are the issuer's own conditions, not copies.
func (i *ManualClusterIssuer) IssuerConditions() []metav1.Condition { return i.Status.Conditions }

// ManualSpec is the issuer's own spec, not a copy.
func (i *ManualClusterIssuer) ManualSpec() *ManualIssuerSpec { return &i.Spec }

// ManualStatus is the issuer's own status, not a copy.
func (i *ManualClusterIssuer) ManualStatus() *ManualIssuerStatus { return &i.Status }

// NewManualIssuer is an empty issuer of a kind, nil if the kind is none of those.
func NewManualIssuer(kind string) GenericManualIssuer {
	switch kind {
	case KindManualIssuer:
		return &ManualIssuer{}
	case KindManualClusterIssuer:
		return &ManualClusterIssuer{}
	default:
		return nil
	}
}

// Lead is spec.leadTime or its default.
func (s *ManualIssuerSpec) Lead() time.Duration {
	if s.LeadTime == nil {
		return DefaultLeadTime
	}
	return s.LeadTime.Duration
}

// AcceptedKeys are spec.keys, or those of the preset; none if every key is accepted.
func (s *ManualIssuerSpec) AcceptedKeys() []ManualKey {
	if len(s.Keys) == 0 && s.Preset == ManualPresetDVVInterfaceCertificate {
		return []ManualKey{{Algorithm: KeyAlgorithmRSA, Sizes: []int32{2048, 4096}}}
	}
	return s.Keys
}

// ExpectedAuthorities are the common names of spec.authorities, or those of the preset; none if nothing is expected.
// Those of DVV are the hierarchy of its RSA service certificates.
func (s *ManualIssuerSpec) ExpectedAuthorities() []string {
	if len(s.Authorities) == 0 && s.Preset == ManualPresetDVVInterfaceCertificate {
		return []string{"DVV Gov. Root CA - G3 RSA", "DVV Service Certificates - G5R"}
	}
	return s.Authorities
}

// Accepts reports whether a key of an algorithm and a size, in bits, is certified.
func (s *ManualIssuerSpec) Accepts(algorithm KeyAlgorithm, size int32) bool {
	accepted := s.AcceptedKeys()
	return len(accepted) == 0 || slices.ContainsFunc(accepted, func(key ManualKey) bool {
		return key.Algorithm == algorithm && (len(key.Sizes) == 0 || slices.Contains(key.Sizes, size))
	})
}
