// Package facts holds what both the decision for a CertificateRequest and the decision for its order are made from:
// the issuer, the transfer credentials and the certificate in use, as plain values that hold no secret.
package facts

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Issuer is what a decision needs to know of an issuer.
type Issuer struct {
	// Kind and Name are what the request refers to.
	Kind, Name string
	// Exists is false if there is no such object; then only Kind and Name are set.
	Exists bool
	// Ready reports whether it is, for its current generation; otherwise Message says why not.
	Ready   bool
	Message string
	// Environment and CustomerID are the spec's.
	Environment v1alpha1.VeroEnvironment
	CustomerID  string
	// Window and Timeout are spec.renewalWindow and spec.retrievalTimeout.
	Window, Timeout time.Duration
	// UID is that of the object. With Generation and TrustDigest it tells whether a problem that an order has reported
	// may be gone. TrustDigest is empty while the bundles cannot be read.
	UID         types.UID
	Generation  int64
	TrustDigest string
}

// String is kind and name.
func (i Issuer) String() string { return i.Kind + " " + i.Name }

// SameCustomer reports whether an order is for the customer and the environment of the issuer.
func (i Issuer) SameCustomer(order *v1alpha1.VeroOrder) bool {
	return order.Spec.CustomerID == i.CustomerID && order.Spec.Environment == i.Environment
}

// Unavailable says why nothing can go on at present that needs the issuer: it does not exist, or is not ready.
func (i Issuer) Unavailable() (reason, message string) {
	if !i.Exists {
		return v1alpha1.ReasonIssuerNotFound, fmt.Sprintf("%s does not exist; it goes on when somebody creates it", i)
	}
	return v1alpha1.ReasonIssuerNotReady, fmt.Sprintf("%s is not ready: %s", i, i.Message)
}
