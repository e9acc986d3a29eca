package backend

import (
	"crypto/x509"
	"fmt"
	"strconv"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/manual/csr"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// look is after what time a request that waits for a person is looked at, if nothing happens before.
const look = time.Hour

// snapshot is what is known of a request.
type snapshot struct {
	now     time.Time
	request *cmapi.CertificateRequest
	csr     *x509.CertificateRequest
	// digest of the public key.
	digest string
	// invalid says why the request can never be satisfied, unproven why it may not be for the time being; empty if
	// nothing speaks against it.
	invalid, unproven string
	// issuer is nil where there is none.
	issuer v1alpha1.GenericManualIssuer
	// current is the certificate in use, nil if there is none, serialNumber its own in hexadecimal.
	current      *x509.Certificate
	serialNumber string
	// orders are those with the request's key.
	orders []v1alpha1.ManualOrder
}

// decide says what a request needs.
func decide(s *snapshot) gate.Decision {
	if s.invalid != "" {
		return gate.Decision{Verb: gate.Refuse, Reason: v1alpha1.ReasonInvalidRequest, Message: s.invalid, Warning: true}
	}
	switch order := s.order(); {
	case order != nil && order.Status.State == v1alpha1.ManualOrderStale && s.unproven == "":
		return takeUp(order, s.now)
	case order != nil:
		return follow(order, s.now)
	}
	switch {
	case s.unproven != "":
		return wait(v1alpha1.ReasonWaitingForCertificate, s.unproven, s.now)
	case s.issuer == nil:
		return wait(v1alpha1.ReasonIssuerNotFound, fmt.Sprintf("%s %s does not exist: create it",
			s.request.Spec.IssuerRef.Kind, s.request.Spec.IssuerRef.Name), s.now)
	}
	created := s.newOrder()
	return gate.Decision{
		Verb: gate.Create, Reason: v1alpha1.ReasonOrderCreated,
		Message: fmt.Sprintf("ManualOrder %s was created: a person has to carry it to the authority", created.Name),
		New:     &gate.New{Order: created, CheckExisting: checkExisting(created)},
	}
}

func wait(reason, message string, now time.Time) gate.Decision {
	return gate.Decision{Verb: gate.Wait, Reason: reason, Message: message, At: now.Add(look)}
}

// takeUp is for a stale order that the request waits for: that the application has to be stopped is not true any more.
func takeUp(order *v1alpha1.ManualOrder, now time.Time) gate.Decision {
	return gate.Decision{
		Verb: gate.Follow, Reason: v1alpha1.ReasonOrderCreated, Order: &gate.Order{}, At: now.Add(look),
		Message: fmt.Sprintf("ManualOrder %s is for the same key and names, and goes on for this request", order.Name),
	}
}

// follow shows on the request what its order says.
func follow(order *v1alpha1.ManualOrder, now time.Time) gate.Decision {
	decision := gate.Decision{
		Verb: gate.Follow, Reason: v1alpha1.ReasonOrderCreated, Order: &gate.Order{}, At: now.Add(look),
		Message: fmt.Sprintf("ManualOrder %s was created", order.Name),
	}
	if ready := orderstate.Ready(order); ready != nil {
		decision.Reason, decision.Message = ready.Reason, fmt.Sprintf("ManualOrder %s: %s", order.Name, ready.Message)
	}
	// A person is to see to it that nothing is without a certificate until this one begins.
	decision.Warning = order.Status.State == v1alpha1.ManualOrderAwaitingValidity &&
		meta.IsStatusConditionTrue(order.Status.Conditions, v1alpha1.ConditionPersonDue)
	if order.Status.State == v1alpha1.ManualOrderIssued {
		decision.Verb, decision.At = gate.Deliver, time.Time{}
		decision.Order = &gate.Order{Certificate: order.Status.Certificate, CA: order.Status.CA}
	}
	return decision
}

// order is the one that the request waits for, nil if there is none.
func (s *snapshot) order() *v1alpha1.ManualOrder {
	var best *v1alpha1.ManualOrder
	for i := range s.orders {
		order := &s.orders[i]
		if !s.fits(order) || !order.DeletionTimestamp.IsZero() {
			continue
		}
		if best == nil || rank(order.Status.State) > rank(best.Status.State) ||
			rank(order.Status.State) == rank(best.Status.State) && best.CreationTimestamp.Before(&order.CreationTimestamp) {
			best = order
		}
	}
	return best
}

func (s *snapshot) fits(order *v1alpha1.ManualOrder) bool {
	reference := s.request.Spec.IssuerRef
	if order.Spec.IssuerRef.Kind != reference.Kind || order.Spec.IssuerRef.Name != reference.Name ||
		!csr.Same(order.Spec.Request, s.request.Spec.Request) {
		return false
	}
	return order.Status.State != v1alpha1.ManualOrderIssued || s.replaces(order)
}

// replaces reports whether the certificate of an issued order is to come into the place of the one in use. It is not
// where that has the same key, and is the order's own or a later one: the order was for an earlier request with this
// key then. With another key the dates say nothing: an authority may replace a certificate by one that ends sooner.
func (s *snapshot) replaces(order *v1alpha1.ManualOrder) bool {
	if s.current == nil {
		return true
	}
	digest, err := pki.PublicKeyDigest(s.current.PublicKey)
	if err != nil || digest != s.digest {
		return true
	}
	if order.Status.SerialNumber == s.serialNumber {
		return false
	}
	if renews := order.Spec.Renews; renews != nil && renews.SerialNumber == s.serialNumber {
		return true
	}
	ends := order.Status.NotAfter
	return ends != nil && ends.After(s.current.NotAfter)
}

// rank prefers the order that is nearest to its end.
func rank(state v1alpha1.ManualOrderState) int {
	switch state {
	case v1alpha1.ManualOrderIssued:
		return 3 //nolint:mnd // the best
	case v1alpha1.ManualOrderAwaitingValidity:
		return 2 //nolint:mnd // the second best
	case v1alpha1.ManualOrderApplied:
		return 1
	default:
		return 0
	}
}

// newOrder is the order that the request needs.
func (s *snapshot) newOrder() *v1alpha1.ManualOrder {
	reference := s.request.Spec.IssuerRef
	order := &v1alpha1.ManualOrder{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:   s.request.Namespace,
			Name:        csr.OrderName(s.digest, s.csr, s.serialNumber),
			Labels:      map[string]string{v1alpha1.LabelPublicKey: v1alpha1.LabelValue(s.digest)},
			Annotations: map[string]string{v1alpha1.AnnotationRequestName: s.request.Name},
		},
		Spec: v1alpha1.ManualOrderSpec{
			IssuerRef: v1alpha1.ManualIssuerReference{Kind: reference.Kind, Name: reference.Name},
			Request:   s.request.Spec.Request, PublicKeyDigest: s.digest,
		},
	}
	if certificate := s.request.Annotations[cmapi.CertificateNameKey]; certificate != "" {
		order.Annotations[cmapi.CertificateNameKey] = certificate
	}
	if s.current != nil {
		order.Spec.Renews = &v1alpha1.ManualRenewal{
			SerialNumber: s.serialNumber, NotAfter: metav1.Time{Time: s.current.NotAfter},
		}
	}
	return order
}

// checkExisting says why an order that exists does not serve the request; it may be that the cache is only behind.
func checkExisting(wanted *v1alpha1.ManualOrder) func(client.Object) error {
	return func(existing client.Object) error {
		order, isOrder := existing.(*v1alpha1.ManualOrder)
		switch {
		case !isOrder:
			return nil
		case order.Spec.PublicKeyDigest != wanted.Spec.PublicKeyDigest || !csr.Same(order.Spec.Request, wanted.Spec.Request):
			return fmt.Errorf("ManualOrder %s has the name of the order that this request needs, and is for another key or "+
				"other names: somebody has made it by hand; delete it", order.Name)
		case order.Spec.IssuerRef != wanted.Spec.IssuerRef:
			return fmt.Errorf("ManualOrder %s is for the same key and names, and was made for %s %s: delete it if nobody has "+
				"applied with it, else have the Certificate name that issuer again", order.Name,
				order.Spec.IssuerRef.Kind, order.Spec.IssuerRef.Name)
		case !order.DeletionTimestamp.IsZero() && len(order.Finalizers) > 0:
			return fmt.Errorf("ManualOrder %s is being deleted, and its finalizers keep it: another one is made once they "+
				"are gone", order.Name)
		default:
			return nil
		}
	}
}

// describeKeys says which keys an issuer takes.
func describeKeys(keys []v1alpha1.ManualKey) string {
	described := make([]string, 0, len(keys))
	for _, key := range keys {
		sizes := make([]string, 0, len(key.Sizes))
		for _, size := range key.Sizes {
			sizes = append(sizes, strconv.Itoa(int(size)))
		}
		if len(sizes) == 0 {
			described = append(described, string(key.Algorithm))
		} else {
			described = append(described, fmt.Sprintf("%s with %s bits", key.Algorithm, strings.Join(sizes, " or ")))
		}
	}
	return strings.Join(described, ", ")
}
