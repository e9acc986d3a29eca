package plan_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// model is a model of everything around the state machine: the certificate service, which accepts each TransferId once;
// a cluster with requests, orders and Secrets; and a clock that can be set back. The code under test makes every
// decision and every record; the model only carries them out, or fails to.
type model struct {
	t       testing.TB
	elapsed time.Duration // since the beginning, whatever the clock says
	offset  time.Duration // of the clock

	issuer   facts.Issuer
	trusting bool // whether spec.trust.responses is right

	transfer *transfer // in the Secret
	minted   int
	current  *x509.Certificate
	requests []*request
	orders   []*v1alpha1.VeroOrder
	stale    []v1alpha1.VeroOrder // what a cache that lags behind still shows
	frozen   []func()             // outcomes that a frozen controller has yet to record

	service service
}

// transfer is a pair of transfer credentials.
type transfer struct {
	id    string
	right bool // whether the password is
	named bool // whether the Certificate names the Secret, and not only the issuer
}

type request struct {
	uid   types.UID
	key   int
	ended string // Deliver or Refuse
}

var worldKeys = [...]string{"ours", "another's", "a third"}

func newModel(t testing.TB) *model {
	t.Helper()
	w := &model{
		t: t, issuer: ordertest.Issuer(), trusting: true,
		service: service{spent: map[string]bool{}, retrieved: map[string]*certificate{}},
	}
	w.mint(true)
	w.ask(0)
	return w
}

// now is what the clock says.
func (w *model) now() time.Time { return now.Add(w.elapsed + w.offset) }

// mint lets every other pair of credentials lie where the issuer's default is.
func (w *model) mint(right bool) {
	w.minted++
	w.transfer = &transfer{id: fmt.Sprintf("transfer-%d", w.minted), right: right, named: w.minted%2 == 0}
}

// bought lets the Certificate name right ones.
func (w *model) bought() {
	w.mint(true)
	w.transfer.named = true
}

func (w *model) ask(key int) {
	w.requests = append(w.requests, &request{uid: types.UID(fmt.Sprintf("request-%d", len(w.requests))), key: key})
}

// snapshot gathers what is in the model, as the controllers do.
func (w *model) snapshot(orders []v1alpha1.VeroOrder) plan.Snapshot {
	s := plan.Snapshot{Now: w.now(), Issuer: w.issuer, Orders: orders}
	s.Transfer = facts.Transfer{SecretName: "vero-transfer", Problem: "Secret vero-transfer does not exist"}
	if w.transfer != nil {
		s.Transfer = facts.Transfer{
			SecretName: "vero-transfer", IDDigest: w.transfer.id, Fingerprint: strconv.FormatBool(w.transfer.right),
			Named: w.transfer.named,
		}
	}
	s.Current = facts.Current{SecretName: "tls", Problem: "Secret tls does not exist"}
	if w.current != nil {
		s.Current = facts.Current{
			SecretName: "tls", SerialNumber: facts.SerialNumber(w.current), NotAfter: w.current.NotAfter,
		}
		if s.Now.After(w.current.NotAfter) {
			s.Current.Problem = "expired"
		}
	}
	return s
}

// stepRequest is one reconcile of a CertificateRequest, with orders from a cache that may lag behind.
func (w *model) stepRequest(r *request, lagging bool) plan.Action {
	if r.ended != "" {
		return plan.Action{}
	}
	orders := w.list()
	if lagging {
		orders = w.stale
	}
	s := w.snapshot(orders)
	s.Request = plan.Request{UID: r.uid, PublicKeyDigest: digestOf(worldKeys[r.key])}
	if !s.NeedsAuthorization() {
		s.Transfer, s.Current = facts.Transfer{}, facts.Current{}
	}
	action := plan.Decide(s)
	switch action.Verb {
	case plan.Create:
		w.create(s, action, lagging)
	case plan.Deliver:
		r.ended = string(action.Verb)
		leaf, err := facts.Leaf(action.Order)
		if err != nil {
			w.t.Fatalf("an order without a certificate was delivered: %v", err)
		}
		w.current = leaf
	case plan.Refuse:
		r.ended = string(action.Verb)
	default:
	}
	return action
}

func (w *model) create(s plan.Snapshot, action plan.Action, lagging bool) {
	order := plan.NewOrder(s, action)
	order.CreationTimestamp = metav1.Time{Time: w.now()}
	if order.Spec.Transfer != nil {
		w.checkMeant()
	}
	if slices.ContainsFunc(w.orders, func(o *v1alpha1.VeroOrder) bool { return o.Name == order.Name }) {
		if !lagging {
			w.t.Fatalf("%s exists already, and would be tried for ever", order.Name)
		}
		return // the API server refuses it
	}
	w.orders = append(w.orders, order)
}

// checkMeant fails the test when the issuer's default credentials are about to pay although the current certificate is
// usable and too young for a renewal.
func (w *model) checkMeant() {
	usable := w.current != nil && w.now().Before(w.current.NotAfter.Add(-w.issuer.Window))
	if usable && !w.transfer.named {
		w.t.Fatalf("default credentials %s would pay for a new certificate long before %s", w.transfer.id, w.current.NotAfter)
	}
}

func (w *model) list() []v1alpha1.VeroOrder {
	orders := make([]v1alpha1.VeroOrder, 0, len(w.orders))
	for _, order := range w.orders {
		orders = append(orders, *order.DeepCopy())
	}
	return orders
}

// write stores an order as the API server does, and reads it again.
func (w *model) write(order *v1alpha1.VeroOrder, change func(*v1alpha1.VeroOrder)) {
	before := order.DeepCopy()
	changed := order.DeepCopy()
	change(changed)
	data := must.Get(json.Marshal(changed))(w.t)
	*order = v1alpha1.VeroOrder{}
	must.Do(w.t, json.Unmarshal(data, order))
	w.checkStep(before, order)
}

// checkStep is what no step may break.
func (w *model) checkStep(before, after *v1alpha1.VeroOrder) {
	was, is := before.Status, after.Status
	if was.RetrievalID != "" && !was.RetrievalIDUnverified && was.RetrievalID != is.RetrievalID {
		w.t.Fatalf("%s: the verified RetrievalId %s has become %q", after.Name, was.RetrievalID, is.RetrievalID)
	}
	refused := was.RetrievalIDUnverified && is.RefusedRetrievalID == was.RetrievalID
	if was.RetrievalID != "" && is.RetrievalID == "" && !refused {
		w.t.Fatalf("%s: the RetrievalId %s is lost", after.Name, was.RetrievalID)
	}
	if was.State == v1alpha1.VeroOrderIssued &&
		(is.State != v1alpha1.VeroOrderIssued || !bytes.Equal(was.Certificate, is.Certificate)) {
		w.t.Fatalf("%s: it was issued, and is %s", after.Name, is.State)
	}
	if is.State == v1alpha1.VeroOrderSubmitted && (is.RetrievalID == "" || is.AcceptanceTime == nil) {
		w.t.Fatalf("%s: submitted without RetrievalId or time", after.Name)
	}
}

// stepOrder is one reconcile of an order.
func (w *model) stepOrder(order *v1alpha1.VeroOrder, fault fault) orderstate.Action {
	s := forOrder(order, w.snapshot(w.list()))
	s.Wanted = slices.ContainsFunc(w.requests, func(r *request) bool {
		return r.ended == "" && digestOf(worldKeys[r.key]) == order.Spec.PublicKeyDigest
	})
	action := orderstate.Decide(s)
	switch action.Verb {
	case orderstate.Submit:
		w.submit(order, s, fault)
	case orderstate.Poll:
		w.poll(order, fault)
	case orderstate.Fail:
		w.write(order, func(o *v1alpha1.VeroOrder) { orderstate.RecordFailure(o, action, s.Now) })
	case orderstate.Wait:
		w.write(order, func(o *v1alpha1.VeroOrder) { orderstate.RecordWaiting(o, action, s.Now) })
	default:
	}
	return action
}
