package overview

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const day = 24 * time.Hour

// Objects are what was listed. They are looked at only. The zero value is ready to be added to.
type Objects struct {
	certificates []*cmapi.Certificate
	requests     []*cmapi.CertificateRequest
	veroOrders   []*v1alpha1.VeroOrder
	manualOrders []*v1alpha1.ManualOrder
	tracked      []*v1alpha1.TrackedCertificate
	passwords    []*v1alpha1.MessagesPassword
	issuers      map[issuerKey]v1alpha1.GenericIssuer
}

// issuerKey names an issuer; that of a cluster issuer has no namespace.
type issuerKey struct{ kind, namespace, name string }

// Add adds an object. Certificates and CertificateRequests of other issuers, and objects of other kinds, are passed
// over: it reports whether the object was one of ours.
func (o *Objects) Add(object runtime.Object) bool {
	switch object := object.(type) {
	case *cmapi.Certificate:
		if !isOurs(object.Spec.IssuerRef.Group, object.Spec.IssuerRef.Kind) {
			return false
		}
		o.certificates = append(o.certificates, object)
	case *cmapi.CertificateRequest:
		if !isOurs(object.Spec.IssuerRef.Group, object.Spec.IssuerRef.Kind) {
			return false
		}
		o.requests = append(o.requests, object)
	case *v1alpha1.VeroOrder:
		o.veroOrders = append(o.veroOrders, object)
	case *v1alpha1.ManualOrder:
		o.manualOrders = append(o.manualOrders, object)
	case *v1alpha1.TrackedCertificate:
		o.tracked = append(o.tracked, object)
	case *v1alpha1.MessagesPassword:
		o.passwords = append(o.passwords, object)
	case v1alpha1.GenericIssuer:
		if o.issuers == nil {
			o.issuers = map[issuerKey]v1alpha1.GenericIssuer{}
		}
		o.issuers[issuerKey{object.IssuerKind(), object.GetNamespace(), object.GetName()}] = object
	default:
		return false
	}
	return true
}

// isOurs reports whether an issuer reference names one of our kinds.
func isOurs(group, kind string) bool {
	return group == v1alpha1.GroupName && v1alpha1.IsIssuerKind(kind)
}

// Of are the rows for the objects at a time, the most urgent first.
func Of(objects Objects, now time.Time) []Row {
	in := indexed(objects)
	rows := make([]Row, 0, len(objects.certificates)+len(objects.tracked)+len(objects.passwords))
	for _, certificate := range objects.certificates {
		rows = append(rows, in.certificate(certificate, now))
	}
	rows = append(rows, in.strays(now)...)
	for _, tracked := range objects.tracked {
		rows = append(rows, trackedRow(tracked, now))
	}
	for _, password := range objects.passwords {
		rows = append(rows, passwordRow(password, now))
	}
	for i := range rows {
		rows[i].finish(now)
	}
	sortByUrgency(rows)
	return rows
}

// index finds objects from one another.
type index struct {
	Objects

	requestsOf map[types.UID][]*cmapi.CertificateRequest // by Certificate
	byRequest  map[types.UID][]*v1alpha1.VeroOrder
	vero       map[keyIn][]*v1alpha1.VeroOrder
	manual     map[keyIn][]*v1alpha1.ManualOrder
	// shown are the requests and orders that stand in the chain of a row.
	shown map[types.UID]bool
}

// keyIn is a public key, by its digest, in a namespace.
type keyIn struct{ namespace, digest string }

func indexed(objects Objects) *index {
	in := &index{
		Objects: objects, requestsOf: map[types.UID][]*cmapi.CertificateRequest{},
		byRequest: map[types.UID][]*v1alpha1.VeroOrder{}, vero: map[keyIn][]*v1alpha1.VeroOrder{},
		manual: map[keyIn][]*v1alpha1.ManualOrder{}, shown: map[types.UID]bool{},
	}
	for _, request := range objects.requests {
		if owner := metav1.GetControllerOf(request); owner != nil && owner.Kind == cmapi.CertificateKind {
			in.requestsOf[owner.UID] = append(in.requestsOf[owner.UID], request)
		}
	}
	for _, order := range objects.veroOrders {
		key := keyIn{order.Namespace, order.Spec.PublicKeyDigest}
		in.vero[key] = append(in.vero[key], order)
		in.byRequest[order.Spec.RequestUID] = append(in.byRequest[order.Spec.RequestUID], order)
	}
	for _, order := range objects.manualOrders {
		key := keyIn{order.Namespace, order.Spec.PublicKeyDigest}
		in.manual[key] = append(in.manual[key], order)
	}
	return in
}

// issuer is the one that a reference names, nil if it is not known.
func (in *index) issuer(kind, namespace, name string) v1alpha1.GenericIssuer {
	if v1alpha1.IsClusterKind(kind) {
		namespace = ""
	}
	return in.issuers[issuerKey{kind, namespace, name}]
}
