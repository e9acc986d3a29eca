package issuance_test

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero"
	"github.com/varmenne/varmenne-issuer/internal/xmlsig"
)

// leafUntil makes a certificate for a key, as the service would issue it.
func leafUntil(t testing.TB, keyName string, notAfter time.Time) *x509.Certificate {
	t.Helper()
	root := pkitest.Root(t, "issuing CA")
	return root.Issue(t, pkitest.Key(keyName), customer, pkitest.Dates(notAfter.AddDate(-2, 0, 0), notAfter))
}

// edit makes an order differ from the plain one.
type edit func(*v1alpha1.VeroOrder)

// signNew is an order for the request, pending, made with the credentials.
func signNew(edits ...edit) *v1alpha1.VeroOrder {
	order := &v1alpha1.VeroOrder{
		ObjectMeta: metav1.ObjectMeta{Name: "sign-1", CreationTimestamp: metav1.Time{Time: now.Add(-time.Hour)},
			Annotations: map[string]string{v1alpha1.AnnotationRequestName: "tls-1"}},
		Spec: v1alpha1.VeroOrderSpec{
			IssuerRef: v1alpha1.OrderIssuerReference{Kind: v1alpha1.KindVeroIssuer, Name: "vero"},
			Operation: v1alpha1.OperationSignNew, Environment: v1alpha1.EnvironmentTest, CustomerID: customer,
			RequestUID: ourRequest, PublicKeyDigest: ourKey, Attempt: 1,
			Transfer: &v1alpha1.TransferAuthorization{SecretName: "vero-transfer", TransferIDDigest: transferID},
		},
	}
	for _, edit := range edits {
		edit(order)
	}
	return order
}

// renewal is an order for the request that renews the certificate abc, which ends in 30 days.
func renewal(edits ...edit) *v1alpha1.VeroOrder {
	order := signNew()
	order.Name = "renew-1"
	order.Spec.Operation, order.Spec.Transfer = v1alpha1.OperationRenew, nil
	order.Spec.Renewal = &v1alpha1.RenewalAuthorization{
		SecretName: "tls", SerialNumber: "abc", NotAfter: metav1.Time{Time: now.AddDate(0, 0, 30)},
	}
	for _, edit := range edits {
		edit(order)
	}
	return order
}

func named(name string) edit { return func(o *v1alpha1.VeroOrder) { o.Name = name } }

func secondAttempt(o *v1alpha1.VeroOrder) { o.Spec.Attempt = 2 }

func forAnotherKey(o *v1alpha1.VeroOrder) {
	o.Spec.PublicKeyDigest, o.Spec.RequestUID = otherKey, otherRequest
}

func forAnotherRequest(o *v1alpha1.VeroOrder) { o.Spec.RequestUID = otherRequest }

func forAnotherIssuer(o *v1alpha1.VeroOrder) { o.Spec.IssuerRef.Name = "another" }

func forAnotherCustomer(o *v1alpha1.VeroOrder) { o.Spec.CustomerID = "7654321-0" }

func created(moment time.Time) edit {
	return func(o *v1alpha1.VeroOrder) { o.CreationTimestamp = metav1.Time{Time: moment} }
}

// intended has its intent written, and no outcome.
func intended(moment time.Time) edit {
	return func(o *v1alpha1.VeroOrder) {
		fingerprint := password
		if o.Spec.Renewal != nil {
			fingerprint = ""
		}
		issuance.Intend(o, fingerprint, 0, moment)
	}
}

// ended is what a call was that ended at a moment.
func ended(o *v1alpha1.VeroOrder, moment time.Time) issuance.Call {
	call := issuance.Call{
		IssuerGeneration: generation, TrustDigest: trustDigest, Ended: moment, Timeout: timeout,
		RetrievalID: o.Status.RetrievalID,
	}
	if o.Status.SubmittedAt != nil {
		call.Intended = o.Status.SubmittedAt.Time
	}
	return call
}

// sent was submitted at a moment, with the outcome err; nil is acceptance.
func sent(moment time.Time, err error) edit {
	return func(o *v1alpha1.VeroOrder) {
		intended(moment)(o)
		id := ""
		if err == nil {
			id = retrievalID
		}
		issuance.RecordSubmission(o, id, err, ended(o, moment))
	}
}

// polled was polled at a moment, with the error err.
func polled(moment time.Time, err error) edit {
	return func(o *v1alpha1.VeroOrder) { issuance.RecordPoll(o, nil, err, ended(o, moment)) }
}

// bore was accepted and has borne a certificate.
func bore(leaf *x509.Certificate) edit {
	return func(o *v1alpha1.VeroOrder) {
		sent(now.Add(-time.Hour), nil)(o)
		issuance.RecordPoll(o, &issuance.Issued{Certificate: pkitest.PEM(leaf)}, nil, ended(o, now.Add(-time.Minute)))
	}
}

// abandoned ended for a reason.
func abandoned(reason string) edit {
	return func(o *v1alpha1.VeroOrder) {
		issuance.End(o, issuance.Action{Verb: issuance.Abandon, Reason: reason, Message: "abandoned"}, now)
	}
}

var (
	errUnknown     = errors.New("unknown signer")
	errUnreachable = &vero.UnreachableError{Host: "pkiws.vero.fi:443", Err: errors.New("connection refused")}
	errNoAnswer    = &vero.InterruptedError{Timeout: true}
	errUntrusted   = &xmlsig.VerifyError{Reason: xmlsig.UntrustedSigner, Signer: &x509.Certificate{}, Err: errUnknown}
	errUnverified  = &vero.UnverifiedError{Err: errUntrusted}
	errUnknownCode = &vero.ServiceError{Code: "PKI777", Text: "Something new"}
)

// unverifiedWith is an answer that carries a RetrievalId and whose signature does not verify.
func unverifiedWith(id string) error {
	return &vero.UnverifiedError{RetrievalID: id, Err: errUntrusted}
}
