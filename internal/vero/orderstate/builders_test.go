package orderstate_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

const (
	timeout     = ordertest.Timeout
	retrievalID = ordertest.RetrievalID
	password    = ordertest.Password
	trustDigest = ordertest.TrustDigest
	generation  = ordertest.Generation
)

// The builders of package ordertest that the tests use most.
var (
	now = ordertest.Now

	signNew, renewal, leafUntil    = ordertest.SignNew, ordertest.Renewal, ordertest.LeafUntil
	created, intended, ended       = ordertest.Created, ordertest.Intended, ordertest.Ended
	sent, polled, bore             = ordertest.Sent, ordertest.Polled, ordertest.Bore
	abandoned                      = ordertest.Abandoned
	named, forAnotherKey           = ordertest.Named, ordertest.ForAnotherKey
	wrongCertificate               = ordertest.WrongCertificate
	pki005, pki010, pki015, pki020 = ordertest.PKI005, ordertest.PKI010, ordertest.PKI015, ordertest.PKI020
	pki030, pki080, pki099         = ordertest.PKI030, ordertest.PKI080, ordertest.PKI099
	errUnknown, errUnknownCode     = ordertest.ErrUnknown, ordertest.ErrUnknownCode
	errUnreachable, errNoResponse  = ordertest.ErrUnreachable, ordertest.ErrNoResponse
	errUnverified                  = ordertest.ErrUnverified
)

type edit = ordertest.Edit

// change makes a snapshot differ from the plain one.
type change func(*orderstate.Snapshot)

// ordered is the snapshot of an order that a request waits for, with what it was made with still in place.
func ordered(order *v1alpha1.VeroOrder, changes ...change) orderstate.Snapshot {
	snapshot := orderstate.Snapshot{Now: now, Issuer: ordertest.Issuer(), Order: order, Wanted: true}
	if order.Spec.Renewal == nil {
		snapshot.Transfer = &orderstate.Transfer{Credentials: ordertest.Credentials()}
	} else {
		snapshot.Renewal = &orderstate.Renewal{Current: ordertest.CurrentUntil(order.Spec.Renewal.NotAfter.Time)}
	}
	for _, change := range changes {
		change(&snapshot)
	}
	return snapshot
}

func at(moment time.Time) change { return func(s *orderstate.Snapshot) { s.Now = moment } }

func issuer(change func(*facts.Issuer)) change {
	return func(s *orderstate.Snapshot) { change(&s.Issuer) }
}

var (
	issuerMissing, issuerUnready = issuer(ordertest.Missing), issuer(ordertest.Unready)
	otherCustomer, production    = issuer(ordertest.OtherCustomer), issuer(ordertest.Production)
	noBundles                    = issuer(func(i *facts.Issuer) {
		i.Ready, i.TrustDigest, i.Message = false, "", "no bundles"
	})
	issuerEdited = issuer(func(i *facts.Issuer) { i.Generation++ })
	bundleEdited = issuer(func(i *facts.Issuer) { i.TrustDigest = "bundles-2" })
)

func holding(credentials facts.Transfer) change {
	return func(s *orderstate.Snapshot) { s.Transfer.Credentials = credentials }
}

var (
	newPassword    = holding(ordertest.NewPassword())
	newCredentials = holding(ordertest.NewCredentials())
	noCredentials  = holding(ordertest.NoCredentials())
)

// buyable lets credentials lie where they could pay in place of a renewal.
func buyable(s *orderstate.Snapshot) { s.Renewal.CredentialsIn = "vero-transfer" }

// unusable makes the current certificate one that cannot sign a renewal.
func unusable(problem string) change {
	return func(s *orderstate.Snapshot) { s.Renewal.Current.Problem = problem }
}

// with lets orders have the same TransferId.
func with(orders ...*v1alpha1.VeroOrder) change {
	return func(s *orderstate.Snapshot) {
		for _, order := range orders {
			s.Transfer.Orders = append(s.Transfer.Orders, *order)
		}
	}
}

// disowned was polled twice with the error err, a second after it was accepted.
func disowned(err error) edit {
	return func(order *v1alpha1.VeroOrder) {
		for range 2 {
			polled(now.Add(time.Second), err)(order)
		}
	}
}

type decision struct {
	snapshot orderstate.Snapshot
	want     want
}

func run(t *testing.T, cases map[string]decision) {
	t.Helper()
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			action := orderstate.Decide(c.snapshot)
			c.want.Check(t, action)
			// A call that is decided for was foreseen, or it would be made without a slot.
			calls := action.Verb == orderstate.Submit || action.Verb == orderstate.Poll
			if may := orderstate.MayCall(c.snapshot); calls && may != action.Verb {
				t.Errorf("MayCall says %q where %s is decided", may, action.Verb)
			}
		})
	}
}

type want = ordertest.Want

func waitFor(reason string, says ...string) want {
	return want{Verb: orderstate.Wait, Reason: reason, Says: says}
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

// heldUp waits for somebody other than the service.
func heldUp(reason string) edit {
	return func(o *v1alpha1.VeroOrder) {
		orderstate.RecordWaiting(o, orderstate.Action{Verb: orderstate.Wait, Reason: reason, Message: "held up"}, now)
	}
}

// unverifiedWith is a response that carries a RetrievalId and whose signature does not verify.
func unverifiedWith(id string) error {
	return &protocol.UnverifiedError{RetrievalID: id, Err: ordertest.ErrUntrusted}
}
