package explore_test

import (
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// world is one state of everything: a service, a cluster, controllers, and what may still happen.
type world struct {
	elapsed time.Duration // since the beginning, whatever the clock says
	skew    time.Duration // of all clocks but the service's

	issuer   issuer
	transfer transfer
	minted   int // pairs of credentials that there were
	current  [2]*leaf
	requests []request
	orders   []*v1alpha1.VeroOrder // as they were created; a pointer is a resourceVersion, and nothing behind it changes
	service  service
	replicas [2]replica

	asked, made, intended int // requests, orders and intents that there were
	budget                budget
}

// budget is what may still happen.
type budget struct {
	replicas    int8 // that are there
	faults      int8 // calls that go wrong
	slow        int8 // questions for a certificate that come too early
	crashes     int8
	lags        int8 // caches that fall behind
	credentials int8 // changes of them, by a person
	requests    int8 // that are deleted, made anew, or added
	orders      int8 // that a person deletes, or brings a RetrievalId to
	trust       int8 // changes of spec.trust.responses to wrong or right
	issuers     int8 // other changes of the issuer
	jumps       int8 // of the clock, back
	renewals    int8
}

type issuer struct {
	missing, unready, untrusting, another bool // another customer's
	generation                            int
}

// transfer is a pair of transfer credentials in the Secret; none if its number is 0.
type transfer struct {
	number int
	wrong  bool // whether the password is
	named  bool // whether the Certificate names the Secret, and not only the issuer
}

func (t transfer) digest() string { return "transfer-" + strconv.Itoa(t.number) }

type request struct {
	uid         types.UID
	certificate int // which Certificate it is for
	key         int
	receipt     plan.Receipt
	delivered   *leaf // in its status, and not in the Secret yet
}

// replica is a controller. One that is not frozen takes one step after the other; anything may happen between two.
type replica struct {
	task     *task               // what it does for an order, nil if nothing; never changed in place
	creation *v1alpha1.VeroOrder // an order that it is about to create for a request
	made     []made              // orders that it has made and not sent
	cache    *cache              // what its cache shows; nil if that is up to date
	// resumptions are when calls are made again that it has found interrupted, since it began to work; nil before.
	resumptions map[types.NamespacedName]time.Time
	started     time.Time
}

// made is an order that a controller has made: its intentID, and when.
type made struct {
	intent string
	at     time.Duration
}

// cache is one that lags behind.
type cache struct {
	orders   []*v1alpha1.VeroOrder
	requests []types.UID
}

// task is how far a controller has come with an order.
type task struct {
	step     step
	verb     orderstate.Verb
	action   orderstate.Action
	order    *v1alpha1.VeroOrder // as it was read, or written last
	issuer   issuer              // as it was read, like the credentials
	transfer transfer
	now      time.Time // when it was read
	intended time.Time
	created  bool // its creation was the intent
	own      bool // the controller has made it, and not sent it
	answer   *answer
}

type step int

const (
	intend step = iota
	call
	record
)

// beginning is when the histories begin.
var beginning = ordertest.Now

func newWorld(b budget) *world {
	w := &world{budget: b}
	w.mint(transfer{})
	w.ask(0, 0)
	return w
}

// inUse is a world with a certificate that was in use for some time, and no credentials.
func inUse(b budget) *world {
	w := &world{budget: b, current: [2]*leaf{leafFor(0, 0, 0)}}
	return w
}

func (w *world) now() time.Time { return beginning.Add(w.elapsed + w.skew) }

// clone is a copy of which everything may be changed that is not replaced as a whole.
func (w *world) clone() *world {
	c := *w
	c.requests, c.orders = slices.Clone(w.requests), slices.Clone(w.orders)
	c.service.receipts, c.service.spent = slices.Clone(w.service.receipts), slices.Clone(w.service.spent)
	c.service.late = slices.Clone(w.service.late)
	for i := range c.replicas {
		c.replicas[i].made = slices.Clone(w.replicas[i].made)
	}
	return &c
}

func (w *world) mint(t transfer) {
	w.minted++
	t.number = w.minted
	w.transfer = t
}

func (w *world) ask(certificate, key int) {
	w.asked++
	w.requests = append(w.requests, request{
		uid: types.UID("request-" + strconv.Itoa(w.asked)), certificate: certificate, key: key})
}

// freshKey is a key that nothing is for.
func (w *world) freshKey() int {
	for key := range keys {
		free := func(r request) bool { return r.key != key }
		if all(w.requests, free) && all(w.orders, func(o *v1alpha1.VeroOrder) bool { return keyOf(o) != key }) &&
			all(w.current[:], func(l *leaf) bool { return l == nil || l.key != key }) {
			return key
		}
	}
	return -1
}

func all[T any](list []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(list, func(one T) bool { return !holds(one) })
}

// facts is what is read of an issuer.
func (i issuer) facts() facts.Issuer {
	described := ordertest.Issuer()
	described.Generation, described.TrustDigest = int64(i.generation), "bundles-"+strconv.Itoa(i.generation)
	if i.missing {
		ordertest.Missing(&described)
		return described
	}
	if i.unready {
		ordertest.Unready(&described)
	}
	if i.another {
		ordertest.OtherCustomer(&described)
	}
	return described
}

func (t transfer) facts() facts.Transfer {
	if t.number == 0 {
		return ordertest.NoCredentials()
	}
	return facts.Transfer{
		SecretName: "vero-transfer", IDDigest: t.digest(), Fingerprint: strconv.FormatBool(t.wrong), Named: t.named,
	}
}

// currentFacts is what is read of the certificate in use.
func (w *world) currentFacts(certificate int) facts.Current {
	secret := "tls-" + strconv.Itoa(certificate)
	leaf := w.current[certificate]
	if leaf == nil {
		return facts.Current{SecretName: secret, Absent: true, Problem: "Secret " + secret + " does not exist"}
	}
	described := facts.Current{SecretName: secret, SerialNumber: leaf.serial, NotAfter: leaf.notAfter}
	if w.now().After(leaf.notAfter) {
		described.Problem = "expired"
	}
	return described
}

// view is what the orders look like to a controller's cache.
func (w *world) view(r *replica) []*v1alpha1.VeroOrder {
	if r.cache != nil {
		return r.cache.orders
	}
	return w.orders
}

func values(orders []*v1alpha1.VeroOrder) []v1alpha1.VeroOrder {
	list := make([]v1alpha1.VeroOrder, len(orders))
	for i, order := range orders {
		list[i] = *order
	}
	return list
}

// planSnapshot is what is read for a request.
func (w *world) planSnapshot(r *replica, asking *request) plan.Snapshot {
	s := plan.Snapshot{
		Now: w.now(), Issuer: w.issuer.facts(), Orders: values(w.view(r)),
		Request: plan.Request{UID: asking.uid, PublicKeyDigest: keys[asking.key].digest, Receipt: asking.receipt},
	}
	if s.NeedsAuthorization() {
		s.Transfer, s.Current = w.transfer.facts(), w.currentFacts(asking.certificate)
	}
	return s
}

// orderSnapshot is what is read for an order.
func (w *world) orderSnapshot(r *replica, order *v1alpha1.VeroOrder) orderstate.Snapshot {
	s := orderstate.Snapshot{Now: w.now(), Order: order, Issuer: w.issuer.facts()}
	certificate := -1
	for i := range w.requests {
		asking := &w.requests[i]
		known := r.cache == nil || slices.Contains(r.cache.requests, asking.uid)
		if known && asking.delivered == nil && asking.key == keyOf(order) {
			s.Wanted, certificate = true, asking.certificate
		}
	}
	switch {
	case !s.Wanted || w.issuer.missing:
	case order.Spec.Renewal != nil:
		s.Renewal = &orderstate.Renewal{Current: w.currentFacts(certificate)}
		with := plan.Snapshot{Issuer: s.Issuer, Transfer: w.transfer.facts(), Orders: values(w.view(r))}
		if s.NeedsCredentials() && with.CredentialsAvailable() {
			s.Renewal.CredentialsIn = with.Transfer.SecretName
		}
	default:
		s.Transfer = &orderstate.Transfer{Credentials: w.transfer.facts(), Orders: values(w.view(r))}
	}
	return s
}

// find is where an order is, by its name; -1 if it is gone.
func (w *world) find(name string) int {
	return slices.IndexFunc(w.orders, func(o *v1alpha1.VeroOrder) bool { return o.Name == name })
}

// create makes an order, unless there is one of its name.
func (w *world) create(order *v1alpha1.VeroOrder) *v1alpha1.VeroOrder {
	if w.find(order.Name) >= 0 {
		return nil
	}
	w.made++
	made := order.DeepCopy()
	made.UID = types.UID("order-" + strconv.Itoa(w.made))
	made.CreationTimestamp = metav1.Time{Time: w.now()}
	w.orders = append(w.orders, made)
	return made
}

func keyOf(order *v1alpha1.VeroOrder) int {
	return slices.IndexFunc(keys[:], func(k key) bool { return k.digest == order.Spec.PublicKeyDigest })
}
