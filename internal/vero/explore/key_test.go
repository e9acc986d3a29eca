package explore_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/explore"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// Key tells states apart by what can matter for what comes. Times are those from now on, in seconds, as long as they
// matter; TransferIds, RetrievalIds, keys, certificates and UIDs are numbered in the order in which they are met, since
// only equality matters.
func (e *explorer) Key(w *world) explore.Key {
	text := written(w, 0, 1)
	if w.budget.replicas > 1 {
		if swapped := written(w, 1, 0); bytes.Compare(swapped, text) < 0 { // two controllers are alike
			text = swapped
		}
	}
	return explore.KeyOf(text)
}

// written is a state, with its controllers in an order.
func written(w *world, controllers ...int) []byte {
	k := &keyWriter{world: w, now: w.now()}
	k.place()
	k.bytes(byte(w.budget.replicas), byte(w.budget.faults), byte(w.budget.slow), byte(w.budget.crashes),
		byte(w.budget.lags), byte(w.budget.credentials), byte(w.budget.requests), byte(w.budget.orders),
		byte(w.budget.trust), byte(w.budget.issuers), byte(w.budget.jumps), byte(w.budget.renewals))
	for _, late := range w.service.late {
		k.name(string(late.order))
		k.transfer(late.transfer)
		k.flags(late.wrong)
		k.name(keys[late.key].name)
	}
	for number := 0; w.budget.orders > 0 && number < len(w.service.receipts); number++ { // any of them may be brought
		k.receipt(retrievalID(number))
	}
	for _, i := range controllers[:w.budget.replicas] {
		k.replica(&w.replicas[i])
	}
	return k.Bytes()
}

// keyOfPlace is the key of a state without what its controllers are doing and what else may go wrong.
func keyOfPlace(w *world) explore.Key {
	k := &keyWriter{world: w, now: w.now()}
	k.place()
	k.replica(&w.replicas[0])
	return explore.KeyOf(k.Bytes())
}

type keyWriter struct {
	bytes.Buffer

	world *world
	now   time.Time
	names []string
}

func (k *keyWriter) bytes(all ...byte) { k.Write(all) }

func (k *keyWriter) flags(all ...bool) {
	var packed byte
	for i, is := range all {
		if is {
			packed |= 1 << i
		}
	}
	k.WriteByte(packed)
}

func (k *keyWriter) text(text string) {
	k.WriteString(text)
	k.WriteByte(0)
}

// name numbers a name in the order in which names are met, and reports whether it is met for the first time.
func (k *keyWriter) name(name string) (first bool) {
	number := slices.Index(k.names, name)
	if name == "" {
		number = 254
	} else if first = number < 0; first {
		number = len(k.names)
		k.names = append(k.names, name)
	}
	k.WriteByte(byte(number))
	return first
}

// seconds is a duration, for as long as it is not beyond a bound.
func (k *keyWriter) seconds(long, least, most time.Duration) {
	k.Write(binary.AppendVarint(k.AvailableBuffer(), int64(min(max(long, least), most)/time.Second)))
}

// plan is a time ahead, or none.
func (k *keyWriter) plan(at *metav1.MicroTime) {
	if at == nil {
		k.WriteByte('-')
		return
	}
	k.seconds(at.Sub(k.now), 0, 2*day)
}

// receipt is a RetrievalId, and when it is met first what the service knows of it.
func (k *keyWriter) receipt(id string) {
	if !k.name(id) {
		return
	}
	known := k.world.service.receiptOf(id)
	if known == nil {
		return
	}
	k.flags(known.forged, known.doomed)
	k.name(keys[known.key].name)
	k.seconds(k.world.elapsed-known.accepted, 0, orderstate.FirstPoll)
	k.leaf(known.leaf)
}

// transfer is a TransferId, and when it is met first what the service knows of it.
func (k *keyWriter) transfer(digest string) {
	if k.name(digest) {
		k.name(string(k.world.service.spentBy(digest)))
	}
}

// leaf is a certificate, and when it is met first for how long it can be used.
func (k *keyWriter) leaf(l *leaf) {
	if l == nil {
		k.name("")
		return
	}
	if k.name(l.serial) {
		k.name(keys[l.key].name)
		k.remaining(l.notAfter)
	}
}

// remaining is how long a certificate is good for: by days, and by minutes when that matters for the pace of renewals.
func (k *keyWriter) remaining(until time.Time) {
	left := until.Sub(k.now)
	switch {
	case left > day:
		k.seconds(left.Truncate(day), 0, 2*lifetime)
	default:
		k.seconds(left.Truncate(time.Minute), -time.Minute, day)
	}
}

func (k *keyWriter) place() {
	w := k.world
	k.flags(w.issuer.missing, w.issuer.unready, w.issuer.untrusting, w.issuer.another, w.transfer.wrong, w.transfer.named)
	if w.transfer.number > 0 {
		k.transfer(w.transfer.digest())
	}
	k.leaf(w.current[0])
	k.leaf(w.current[1])
	for i := range w.requests {
		asking := &w.requests[i]
		k.bytes('r', byte(asking.certificate))
		k.name(string(asking.uid))
		k.name(keys[asking.key].name)
		k.receipt(asking.receipt.RetrievalID)
		k.transfer(asking.receipt.PaidWith)
		k.leaf(asking.delivered)
	}
	for i, order := range w.orders {
		k.order(order)
		if i > 0 {
			k.seconds(order.CreationTimestamp.Sub(w.orders[i-1].CreationTimestamp.Time), -time.Second, time.Second)
		}
	}
}

// order is all of an order that matters, and nothing of what is over.
func (k *keyWriter) order(order *v1alpha1.VeroOrder) {
	k.bytes('o', byte(order.Spec.Attempt))
	k.name(order.Name)
	k.name(string(order.UID))
	k.name(keys[keyOf(order)].name)
	k.name(string(order.Spec.RequestUID))
	if renewal := order.Spec.Renewal; renewal != nil {
		k.name(renewal.SerialNumber)
		k.remaining(renewal.NotAfter.Time)
	} else {
		k.transfer(order.Spec.Transfer.TransferIDDigest)
	}
	k.receipt(order.Annotations[v1alpha1.AnnotationAdoptRetrievalID])
	k.receipt(order.Annotations[v1alpha1.AnnotationGivenUp])
	k.status(order)
}

func (k *keyWriter) status(order *v1alpha1.VeroOrder) {
	s, state := &order.Status, orderstate.StateOf(order)
	k.text(string(state))
	k.text(orderstate.Reason(order))
	k.receipt(s.RetrievalID)
	k.receipt(s.RefusedRetrievalID)
	k.flags(s.RetrievalIDUnverified, s.Uncertain, order.Spec.CustomerID != ordertest.Customer, nothingSpent(order),
		s.State == state, orderstate.Untouched(order), orderstate.Interrupted(order))
	k.text(s.PasswordFingerprint)
	k.leaf(leafOf(order))
	if s.LastError != nil {
		k.text(s.LastError.Code)
	}
	if s.CompletionTime != nil {
		k.seconds(k.now.Sub(s.CompletionTime.Time).Truncate(day), -day, retention)
		return
	}
	const longest = 9 // from which on the distance does not grow any more
	k.bytes(byte(min(s.Submissions, longest)), byte(min(s.Interruptions, longest)))
	k.plan(s.NextSubmitTime)
	k.plan(s.NextPollTime)
	k.since(s.AcceptanceTime)
	if s.AcceptanceTime != nil && s.LastError != nil {
		k.flags(s.LastError.Time.After(s.AcceptanceTime.Time))
	}
	k.refusals(s)
	if s.IssuerProblem != nil {
		i := k.world.issuer.facts()
		k.flags(orderstate.Obsolete(s.IssuerProblem, i.UID, i.Generation, i.TrustDigest))
		k.text(s.IssuerProblem.Reason)
	}
	if orderstate.Interrupted(order) {
		k.since(s.SubmissionTime)
		k.since(s.PollStartTime)
	}
	if orderstate.IntendedByCreation(order) {
		k.seconds(k.now.Sub(order.CreationTimestamp.Time), -2*day, orderstate.CreatorsTime)
	}
}

// since is a time ago, up to when nothing changes with it any more; one ahead always matters.
func (k *keyWriter) since(at *metav1.MicroTime) {
	if at == nil {
		k.WriteByte('-')
		return
	}
	k.seconds(k.now.Sub(at.Time), -2*day, ordertest.Timeout)
}

// refusals are for how long a renewal was refused.
func (k *keyWriter) refusals(s *v1alpha1.VeroOrderStatus) {
	if s.FirstRefusalTime == nil || s.LastError == nil {
		k.WriteByte('-')
		return
	}
	k.since(s.FirstRefusalTime)
	k.seconds(s.LastError.Time.Sub(s.FirstRefusalTime.Time), -time.Second, ordertest.Timeout)
}

// replica is what a controller knows, and what it is doing.
func (k *keyWriter) replica(r *replica) {
	k.bytes('c')
	k.flags(r.resumptions != nil, r.started.After(k.now))
	var longest time.Duration // for which an order that is made again is held up because of the one before
	for name, at := range r.resumptions {
		if k.world.find(name.Name) < 0 {
			longest = max(longest, at.Sub(k.now))
		}
	}
	k.seconds(longest, 0, 2*day)
	for _, order := range k.world.orders {
		k.seconds(r.resumptions[types.NamespacedName{Name: order.Name}].Sub(k.now), 0, 2*day)
		k.flags(orderstate.StateOf(order) == v1alpha1.VeroOrderSubmitted && orderstate.PollOverdue(order, r.started))
	}
	for _, order := range k.world.orders {
		if at := r.own(order); at >= 0 {
			k.seconds(k.world.elapsed-r.made[at].at, 0, orderstate.CreatorsTime)
		}
		k.WriteByte('m')
	}
	if r.creation != nil {
		k.order(r.creation)
	}
	k.task(r.task)
	if r.cache == nil {
		return
	}
	for _, order := range r.cache.orders {
		if slices.Contains(k.world.orders, order) {
			k.WriteByte('s')
			k.name(order.Name)
			continue
		}
		k.order(order)
	}
	k.WriteByte('q')
	for _, uid := range r.cache.requests {
		k.name(string(uid))
	}
}

func (k *keyWriter) task(t *task) {
	if t == nil {
		k.WriteByte('-')
		return
	}
	k.bytes('t', byte(t.step))
	k.text(string(t.verb))
	k.text(t.action.Reason)
	k.flags(t.created, t.own)
	k.flags(slices.Contains(k.world.orders, t.order), t.issuer.generation == k.world.issuer.generation,
		t.issuer.untrusting, t.transfer.wrong)
	k.name(t.order.Name)
	k.name(string(t.order.UID))
	k.receipt(t.order.Status.RetrievalID)
	if t.transfer.number > 0 {
		k.transfer(t.transfer.digest())
	}
	at := k.world.find(t.order.Name)
	if at >= 0 {
		current := k.world.orders[at].Status.SubmissionTime
		k.flags(current != nil && current.Time.Equal(t.intended))
	}
	if t.step != intend && (at < 0 || k.world.orders[at].UID != t.order.UID) {
		k.status(t.order) // it may have to be made again
	}
	k.seconds(k.now.Sub(t.now), -2*day, day)
	if t.answer != nil {
		k.text(t.answer.what)
		k.receipt(t.answer.id)
		k.answered(t.answer)
	}
}

func (k *keyWriter) answered(a *answer) {
	if unverified, is := errors.AsType[*protocol.UnverifiedError](a.err); is {
		k.receipt(unverified.RetrievalID)
	}
	if a.err != nil {
		k.text(a.err.Error())
	}
	if a.issued != nil {
		k.leaf(leafMarked(a.issued.CA))
	}
}
