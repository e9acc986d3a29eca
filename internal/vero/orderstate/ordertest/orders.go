package ordertest

import (
	"crypto/x509"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// Edit makes an order differ from the plain one.
type Edit func(*v1alpha1.VeroOrder)

// SignNew is an order for the request, pending, made with the credentials, with the condition that the API server gives
// a new one.
func SignNew(edits ...Edit) *v1alpha1.VeroOrder {
	order := &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{Name: "sign-1", CreationTimestamp: metav1.Time{Time: Now.Add(-time.Hour)},
			Annotations: map[string]string{v1alpha1.AnnotationRequestName: "tls-1"}},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: "vero"},
			Operation: v1alpha1.VeroOperationSignNew, Environment: v1alpha1.VeroEnvironmentTest, CustomerID: Customer,
			RequestUID: OurRequest, PublicKeyDigest: OurKey, Attempt: 1,
			Transfer: &v1alpha1.TransferAuthorization{SecretName: "vero-transfer", TransferIDDigest: TransferID},
		},
		Status: v1alpha1.VeroOrderStatus{Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonOrderCreated,
			Message: "the order is about to be sent", LastTransitionTime: metav1.Unix(0, 0),
		}}},
	}
	for _, edit := range edits {
		edit(order)
	}
	return order
}

// Renewal is an order for the request that renews the certificate abc, which ends in 30 days.
func Renewal(edits ...Edit) *v1alpha1.VeroOrder {
	order := SignNew()
	order.Name = "renew-1"
	order.Spec.Operation, order.Spec.Transfer = v1alpha1.VeroOperationRenew, nil
	order.Spec.Renewal = &v1alpha1.RenewalAuthorization{
		SecretName: "tls", SerialNumber: "abc", NotAfter: metav1.Time{Time: Now.AddDate(0, 0, 30)},
	}
	for _, edit := range edits {
		edit(order)
	}
	return order
}

// Named has another name than the plain one.
func Named(name string) Edit { return func(o *v1alpha1.VeroOrder) { o.Name = name } }

// ForAnotherKey is for another request with another key.
func ForAnotherKey(o *v1alpha1.VeroOrder) {
	o.Spec.PublicKeyDigest, o.Spec.RequestUID = OtherKey, OtherRequest
}

// Created was made at a moment.
func Created(moment time.Time) Edit {
	return func(o *v1alpha1.VeroOrder) { o.CreationTimestamp = metav1.Time{Time: moment} }
}

// Intended has its intent written, and no outcome.
func Intended(moment time.Time) Edit {
	return func(o *v1alpha1.VeroOrder) {
		fingerprint := Password
		if o.Spec.Renewal != nil {
			fingerprint = ""
		}
		orderstate.RecordIntent(o, fingerprint, 0, moment)
	}
}

// Ended is what a call was that ended at a moment.
func Ended(o *v1alpha1.VeroOrder, moment time.Time) orderstate.Call {
	call := orderstate.Call{
		IssuerGeneration: Generation, TrustDigest: TrustDigest, Ended: moment, Timeout: Timeout,
		RetrievalID: o.Status.RetrievalID,
	}
	if o.Status.SubmissionTime != nil {
		call.Intended = o.Status.SubmissionTime.Time
	}
	return call
}

// Sent was submitted at a moment, with the outcome err; nil is acceptance.
func Sent(moment time.Time, err error) Edit {
	return func(o *v1alpha1.VeroOrder) {
		Intended(moment)(o)
		id := ""
		if err == nil {
			id = RetrievalID
		}
		orderstate.RecordSubmission(o, id, err, Ended(o, moment))
	}
}

// Polled was polled at a moment, with the error err.
func Polled(moment time.Time, err error) Edit {
	return func(o *v1alpha1.VeroOrder) { orderstate.RecordPoll(o, nil, err, Ended(o, moment)) }
}

// Bore was accepted and has borne a certificate.
func Bore(leaf *x509.Certificate) Edit {
	return func(o *v1alpha1.VeroOrder) {
		Sent(Now.Add(-time.Hour), nil)(o)
		orderstate.RecordPoll(o, &orderstate.Issued{Certificate: pkitest.PEM(leaf)}, nil, Ended(o, Now.Add(-time.Minute)))
	}
}

// Abandoned ended for a reason.
func Abandoned(reason string) Edit {
	return func(o *v1alpha1.VeroOrder) {
		orderstate.RecordFailure(o, orderstate.Action{Verb: orderstate.Fail, Reason: reason, Message: "abandoned"}, Now)
	}
}
