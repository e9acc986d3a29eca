package issuance_test

import (
	"crypto/x509"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero"
)

const (
	customer     = "0123456-7"
	window       = 1440 * time.Hour
	timeout      = 24 * time.Hour
	ourRequest   = types.UID("request-1")
	otherRequest = types.UID("request-2")
	retrievalID  = "retrieval-1"
	transferID   = "digest-of-the-transfer-id"
	password     = "aaaa"
	trustDigest  = "bundles-1"
	generation   = int64(1)
)

var (
	now = pkitest.Now
	// ourKey and otherKey are digests of public keys.
	ourKey, otherKey = digestOf("ours"), digestOf("another's")
)

var digests sync.Map

// digestOf is the digest of the public key with a name.
func digestOf(keyName string) string {
	if digest, known := digests.Load(keyName); known {
		return digest.(string)
	}
	digest, err := pki.PublicKeyDigest(pkitest.Key(keyName).Public())
	if err != nil {
		panic(err)
	}
	digests.Store(keyName, digest)
	return digest
}

// leafUntil makes a certificate for a key, as the service would issue it.
func leafUntil(t testing.TB, keyName string, notAfter time.Time) *x509.Certificate {
	t.Helper()
	root := pkitest.Root(t, "issuing CA")
	return root.Issue(t, pkitest.Key(keyName), customer, pkitest.Dates(notAfter.AddDate(-2, 0, 0), notAfter))
}

// change makes a snapshot differ from the plain one.
type change func(*issuance.Snapshot)

// requested is the snapshot of a first request, with an issuer that is ready and nothing else.
func requested(changes ...change) issuance.Snapshot {
	snapshot := issuance.Snapshot{
		Now: now,
		Issuer: issuance.Issuer{
			Kind: v1alpha1.KindVeroIssuer, Name: "vero", Exists: true, Ready: true, Message: "fine",
			Environment: v1alpha1.EnvironmentTest, CustomerID: customer, Window: window, Timeout: timeout,
			Generation: generation, TrustDigest: trustDigest,
		},
		Transfer: issuance.Transfer{SecretName: "vero-transfer", Problem: "Secret vero-transfer does not exist"},
		Request:  issuance.Request{UID: ourRequest, PublicKeyDigest: ourKey},
	}
	for _, change := range changes {
		change(&snapshot)
	}
	return snapshot
}

// ordered is the snapshot of an order that a request waits for, with what it was made with still in place.
func ordered(order *v1alpha1.VeroOrder, changes ...change) issuance.Snapshot {
	snapshot := requested(credentials())
	snapshot.Request = issuance.Request{}
	snapshot.Order, snapshot.Wanted = order, true
	if order.Spec.Renewal != nil {
		snapshot.Transfer = issuance.Transfer{}
		currentUntil(order.Spec.Renewal.NotAfter.Time)(&snapshot)
	}
	for _, change := range changes {
		change(&snapshot)
	}
	return snapshot
}

func at(moment time.Time) change { return func(s *issuance.Snapshot) { s.Now = moment } }

func issuer(change func(*issuance.Issuer)) change {
	return func(s *issuance.Snapshot) { change(&s.Issuer) }
}

var (
	issuerMissing = issuer(func(i *issuance.Issuer) { *i = issuance.Issuer{Kind: i.Kind, Name: i.Name} })
	issuerUnready = issuer(func(i *issuance.Issuer) { i.Ready, i.Message = false, "no connection" })
	otherCustomer = issuer(func(i *issuance.Issuer) { i.CustomerID = "7654321-0" })
	production    = issuer(func(i *issuance.Issuer) { i.Environment = v1alpha1.EnvironmentProduction })
	noBundles     = issuer(func(i *issuance.Issuer) { i.Ready, i.TrustDigest, i.Message = false, "", "no bundles" })
	issuerEdited  = issuer(func(i *issuance.Issuer) { i.Generation++ })
	bundleEdited  = issuer(func(i *issuance.Issuer) { i.TrustDigest = "bundles-2" })
)

// credentials are the ones that orders are made with here.
func credentials() change {
	return func(s *issuance.Snapshot) {
		s.Transfer = issuance.Transfer{SecretName: "vero-transfer", IDDigest: transferID, Fingerprint: password}
	}
}

func newPassword() change {
	return func(s *issuance.Snapshot) { credentials()(s); s.Transfer.Fingerprint = "bbbb" }
}

func newCredentials() change {
	return func(s *issuance.Snapshot) { credentials()(s); s.Transfer.IDDigest = "digest-of-another-transfer-id" }
}

func noCredentials() change {
	return func(s *issuance.Snapshot) {
		s.Transfer = issuance.Transfer{SecretName: "vero-transfer", Problem: "Secret vero-transfer does not exist"}
	}
}

// currentUntil is a usable certificate with the serial number abc.
func currentUntil(notAfter time.Time) change {
	return func(s *issuance.Snapshot) {
		s.Current = issuance.Current{SecretName: "tls", SerialNumber: "abc", NotAfter: notAfter}
	}
}

// unusable makes the current certificate one that cannot sign a renewal.
func unusable(problem string) change {
	return func(s *issuance.Snapshot) { s.Current.Problem = problem }
}

func current(leaf *x509.Certificate) change {
	return func(s *issuance.Snapshot) {
		s.Current = issuance.Current{
			SecretName: "tls", SerialNumber: issuance.SerialNumber(leaf), NotAfter: leaf.NotAfter,
		}
	}
}

func invalid(problem string) change {
	return func(s *issuance.Snapshot) { s.Request.Invalid = problem }
}

func with(orders ...*v1alpha1.VeroOrder) change {
	return func(s *issuance.Snapshot) {
		for _, order := range orders {
			s.Orders = append(s.Orders, *order)
		}
	}
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
		issuance.Intend(o, fingerprint, moment)
	}
}

// ended is what a call was that ended at a moment.
func ended(o *v1alpha1.VeroOrder, moment time.Time) issuance.Call {
	call := issuance.Call{IssuerGeneration: generation, TrustDigest: trustDigest, Ended: moment, Timeout: timeout}
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
	errUnverified  = &vero.UnverifiedError{Err: errUnknown}
	errUnknownCode = &vero.ServiceError{Code: "PKI777", Text: "Something new"}
)

// unverifiedWith is an answer that carries a RetrievalId and whose signature does not verify.
func unverifiedWith(id string) error {
	return &vero.UnverifiedError{RetrievalID: id, Err: errUnknown}
}

// want is what a decision must be. Zero fields are not looked at, but for the Verb.
type want struct {
	verb      issuance.Verb
	reason    string
	operation v1alpha1.Operation
	attempt   int32
	at        time.Time
	order     string
	says      []string
}

func (w want) check(t *testing.T, got issuance.Action) {
	t.Helper()
	if got.Verb != w.verb {
		t.Fatalf("decided to %s (%s: %s), want %s", got.Verb, got.Reason, got.Message, w.verb)
	}
	if w.reason != "" && got.Reason != w.reason {
		t.Errorf("the reason is %s (%s), want %s", got.Reason, got.Message, w.reason)
	}
	if got.Operation != w.operation || got.Attempt != w.attempt {
		t.Errorf("the order is %s, attempt %d, want %s, attempt %d", got.Operation, got.Attempt, w.operation, w.attempt)
	}
	if !w.at.IsZero() && !got.At.Equal(w.at) {
		t.Errorf("looks again at %s, want %s", got.At, w.at)
	}
	name := ""
	if got.Order != nil {
		name = got.Order.Name
	}
	if w.order != "" && name != w.order {
		t.Errorf("the order is %q, want %q", name, w.order)
	}
	for _, text := range w.says {
		if !strings.Contains(got.Message, text) {
			t.Errorf("the message does not say %q: %s", text, got.Message)
		}
	}
}

// unchangedBy checks that a change leaves an order as it is.
func unchangedBy(t *testing.T, order *v1alpha1.VeroOrder, change func(*v1alpha1.VeroOrder)) {
	t.Helper()
	before := order.DeepCopy()
	change(order)
	if difference := cmp.Diff(before, order); difference != "" {
		t.Errorf("the order has changed (-before +after):\n%s", difference)
	}
}
