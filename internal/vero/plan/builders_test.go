package plan_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

const (
	customer     = ordertest.Customer
	window       = ordertest.Window
	ourRequest   = ordertest.OurRequest
	otherRequest = ordertest.OtherRequest
	retrievalID  = ordertest.RetrievalID
	transferID   = ordertest.TransferID
)

// The builders of package ordertest that the tests use most.
var (
	now, ourKey, digestOf = ordertest.Now, ordertest.OurKey, ordertest.DigestOf

	signNew, renewal, leafUntil    = ordertest.SignNew, ordertest.Renewal, ordertest.LeafUntil
	created, intended, ended       = ordertest.Created, ordertest.Intended, ordertest.Ended
	sent, polled, bore             = ordertest.Sent, ordertest.Polled, ordertest.Bore
	abandoned, named               = ordertest.Abandoned, ordertest.Named
	forAnotherKey                  = ordertest.ForAnotherKey
	pki005, pki010, pki015, pki020 = ordertest.PKI005, ordertest.PKI010, ordertest.PKI015, ordertest.PKI020
	pki030, pki080, pki099         = ordertest.PKI030, ordertest.PKI080, ordertest.PKI099
	errUnknown, errUnknownCode     = ordertest.ErrUnknown, ordertest.ErrUnknownCode
	errUnreachable, errNoResponse  = ordertest.ErrUnreachable, ordertest.ErrNoResponse
	errUnverified                  = ordertest.ErrUnverified
	wrongCertificate               = ordertest.WrongCertificate
)

type edit = ordertest.Edit

func secondAttempt(o *v1alpha1.VeroOrder) { o.Spec.Attempt = 2 }

func forAnotherRequest(o *v1alpha1.VeroOrder) { o.Spec.RequestUID = otherRequest }

func forAnotherIssuer(o *v1alpha1.VeroOrder) { o.Spec.IssuerRef.Name = "another" }

func forAnotherCustomer(o *v1alpha1.VeroOrder) { o.Spec.CustomerID = "7654321-0" }

// change makes a snapshot differ from the plain one.
type change func(*plan.Snapshot)

// requested is the snapshot of a first request, with an issuer that is ready and nothing else.
func requested(changes ...change) plan.Snapshot {
	snapshot := plan.Snapshot{
		Now: now, Issuer: ordertest.Issuer(), Transfer: ordertest.NoCredentials(),
		Request: plan.Request{UID: ourRequest, PublicKeyDigest: ourKey},
	}
	for _, change := range changes {
		change(&snapshot)
	}
	return snapshot
}

// forOrder gathers for an order what there is for its request, as the controller of orders does.
func forOrder(order *v1alpha1.VeroOrder, s plan.Snapshot) orderstate.Snapshot {
	gathered := orderstate.Snapshot{Now: s.Now, Issuer: s.Issuer, Order: order, Wanted: true}
	if order.Spec.Renewal == nil {
		gathered.Transfer = &orderstate.Transfer{Credentials: s.Transfer, Orders: s.Orders}
		return gathered
	}
	gathered.Renewal = &orderstate.Renewal{Current: s.Current}
	if gathered.NeedsCredentials() && s.CredentialsAvailable() {
		gathered.Renewal.CredentialsIn = s.Transfer.SecretName
	}
	return gathered
}

func at(moment time.Time) change { return func(s *plan.Snapshot) { s.Now = moment } }

func issuer(change func(*facts.Issuer)) change { return func(s *plan.Snapshot) { change(&s.Issuer) } }

var (
	issuerMissing, issuerUnready = issuer(ordertest.Missing), issuer(ordertest.Unready)
	otherCustomer, production    = issuer(ordertest.OtherCustomer), issuer(ordertest.Production)
)

func naming(credentials facts.Transfer) change {
	return func(s *plan.Snapshot) { s.Transfer = credentials }
}

var (
	credentials, newPassword      = naming(ordertest.Credentials()), naming(ordertest.NewPassword())
	newCredentials, noCredentials = naming(ordertest.NewCredentials()), naming(ordertest.NoCredentials())
)

// ownCredentials makes the credentials those that the Certificate itself names.
func ownCredentials(s *plan.Snapshot) { s.Transfer.Named = true }

// currentUntil is a usable certificate with the serial number abc.
func currentUntil(notAfter time.Time) change {
	return func(s *plan.Snapshot) { s.Current = ordertest.CurrentUntil(notAfter) }
}

// unusable makes the current certificate one that cannot sign a renewal.
func unusable(problem string) change { return func(s *plan.Snapshot) { s.Current.Problem = problem } }

func current(leaf *x509.Certificate) change {
	return func(s *plan.Snapshot) {
		s.Current = facts.Current{SecretName: "tls", SerialNumber: facts.SerialNumber(leaf), NotAfter: leaf.NotAfter}
	}
}

func invalid(problem string) change { return func(s *plan.Snapshot) { s.Request.Invalid = problem } }

func with(orders ...*v1alpha1.VeroOrder) change {
	return func(s *plan.Snapshot) {
		for _, order := range orders {
			s.Orders = append(s.Orders, *order)
		}
	}
}

// want is what a decision must be. Zero fields are not looked at, but for the Verb.
type want struct {
	verb      plan.Verb
	reason    string
	operation v1alpha1.VeroOperation
	attempt   int32
	at        time.Time
	order     string
	says      []string
}

func (w want) check(t *testing.T, got plan.Action) {
	t.Helper()
	ordertest.Want{Verb: orderstate.Verb(w.verb), Reason: w.reason, At: w.at, Says: w.says}.Check(t, orderstate.Action{
		Verb: orderstate.Verb(got.Verb), Reason: got.Reason, Message: got.Message, At: got.At})
	if got.Operation != w.operation || got.Attempt != w.attempt {
		t.Errorf("the order is %s, attempt %d, want %s, attempt %d", got.Operation, got.Attempt, w.operation, w.attempt)
	}
	if w.order != "" && (got.Order == nil || got.Order.Name != w.order) {
		t.Errorf("the order is %+v, want %q", got.Order, w.order)
	}
}

func createSignNew(number int32) want {
	return want{verb: plan.Create, reason: v1alpha1.ReasonOrderCreated,
		operation: v1alpha1.VeroOperationSignNew, attempt: number}
}

func createRenewal(number int32) want {
	return want{verb: plan.Create, reason: v1alpha1.ReasonOrderCreated,
		operation: v1alpha1.VeroOperationRenew, attempt: number}
}

func waitFor(reason string, says ...string) want {
	return want{verb: plan.Wait, reason: reason, says: says}
}

type decision struct {
	snapshot plan.Snapshot
	want     want
}

func run(t *testing.T, cases map[string]decision) {
	t.Helper()
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) { c.want.check(t, plan.Decide(c.snapshot)) })
	}
}

// dated is a certificate by the service, for the old key.
func dated(t testing.TB, from, until time.Time) *x509.Certificate {
	t.Helper()
	return pkitest.Root(t, "issuing CA").Issue(t, pkitest.Key("another's"), customer, pkitest.Dates(from, until))
}
