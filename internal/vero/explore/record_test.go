package explore_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// replace writes a change of an order, if it is one, and checks it. own is for the one who has made the order and has
// not sent it.
func (w *world) replace(k int, own bool, change func(*v1alpha1.VeroOrder)) error {
	before, after := w.orders[k].DeepCopy(), w.orders[k].DeepCopy()
	orderstate.Recall(before, own)
	orderstate.Recall(after, own)
	change(after)
	after.Spec.IntentID = w.orders[k].Spec.IntentID
	if sameStatus(before, after) && len(before.Annotations) == len(after.Annotations) {
		return nil
	}
	w.orders[k] = after
	return checkStep(before, after)
}

// sameStatus reports whether a change has changed nothing. What RecordWaiting writes makes the difference mostly.
func sameStatus(before, after *v1alpha1.VeroOrder) bool {
	one, other := before.Status, after.Status
	if orderstate.Message(before) != orderstate.Message(after) || orderstate.Reason(before) != orderstate.Reason(after) {
		return false
	}
	one.Conditions, other.Conditions = nil, nil
	return equality.Semantic.DeepEqual(one, other)
}

// checkStep is what no step may break.
func checkStep(before, after *v1alpha1.VeroOrder) error {
	was, is := &before.Status, &after.Status
	refused := was.RetrievalIDUnverified && is.RefusedRetrievalID == was.RetrievalID
	switch {
	case was.RetrievalID != "" && !was.RetrievalIDUnverified && was.RetrievalID != is.RetrievalID:
		return fmt.Errorf("%s: the verified RetrievalId %s has become %q", after.Name, was.RetrievalID, is.RetrievalID)
	case was.RetrievalID != "" && is.RetrievalID == "" && !refused:
		return fmt.Errorf("%s: the RetrievalId %s is lost", after.Name, was.RetrievalID)
	case was.State == v1alpha1.VeroOrderIssued &&
		(is.State != v1alpha1.VeroOrderIssued || !bytes.Equal(was.Certificate, is.Certificate)):
		return fmt.Errorf("%s: it was issued, and is %s", after.Name, is.State)
	case is.State == v1alpha1.VeroOrderSubmitted && (is.RetrievalID == "" || is.AcceptanceTime == nil):
		return fmt.Errorf("%s: submitted without RetrievalId or time", after.Name)
	}
	return nil
}

// record writes the outcome of a call into the order as it is now, some times: whoever hears nothing of a write makes
// it again.
func (e *explorer) record(w *world, i, times int) error {
	t := w.replicas[i].task
	w.replicas[i].task = nil
	received := t.answer.id
	if unverified, is := errors.AsType[*protocol.UnverifiedError](t.answer.err); is {
		received = unverified.RetrievalID
	}
	k := w.find(t.order.Name)
	switch {
	case k >= 0 && keyOf(w.orders[k]) == keyOf(t.order):
	case received == "":
		return nil // it was deleted, too
	default:
		k = w.createAgain(t.order, k >= 0)
	}
	if e.mistake == crossedPolls && t.verb == orderstate.Poll {
		k = 0
	}
	if e.mistake == callFirst && t.verb == orderstate.Submit {
		if err := w.announce(k, t, e.mistake); err != nil {
			return err
		}
	}
	outcome := orderstate.Call{
		IssuerGeneration: t.issuer.facts().Generation, TrustDigest: t.issuer.facts().TrustDigest, Intended: t.intended,
		RetrievalID: t.order.Status.RetrievalID, Ended: w.now(), Timeout: ordertest.Timeout,
	}
	if w.orders[k] != t.order && e.mistake == recordOnce {
		times = 0
	}
	for range times {
		if err := w.replace(k, t.created, func(o *v1alpha1.VeroOrder) { e.write(o, t, outcome) }); err != nil {
			return err
		}
	}
	return e.checkRecorded(w, k, t, received)
}

func (e *explorer) write(o *v1alpha1.VeroOrder, t *task, outcome orderstate.Call) {
	if t.created && orderstate.Untouched(o) {
		recordCreation(o, t)
	}
	moved := orderstate.StateOf(o) != v1alpha1.VeroOrderSubmitting
	switch {
	case t.verb == orderstate.Poll:
		orderstate.RecordPoll(o, t.answer.issued, t.answer.err, outcome)
	case moved && e.mistake == lateThrownAway:
	case e.mistake == doubtForgotten:
		o.Status.Uncertain = false
		orderstate.RecordSubmission(o, t.answer.id, t.answer.err, outcome)
	default:
		orderstate.RecordSubmission(o, t.answer.id, t.answer.err, outcome)
	}
}

// recordCreation writes down the intent that the creation of an order was.
func recordCreation(o *v1alpha1.VeroOrder, t *task) {
	fingerprint := ""
	if o.Spec.Transfer != nil {
		fingerprint = t.transfer.facts().Fingerprint
	}
	orderstate.RecordIntent(o, fingerprint, 0, t.intended)
}

// createAgain makes an order again that somebody has deleted during a call; under a name of its own where that has been
// taken by one for another key.
func (w *world) createAgain(order *v1alpha1.VeroOrder, taken bool) int {
	again := order.DeepCopy()
	if taken {
		again.Name += "-" + order.Spec.PublicKeyDigest[:8]
		if k := w.find(again.Name); k >= 0 {
			return k
		}
	}
	w.create(again)
	return len(w.orders) - 1
}

// checkCall holds a call to what the service and the rules demand.
func (w *world) checkCall(t *task) error {
	if t.verb == orderstate.Poll {
		known := w.service.receiptOf(t.order.Status.RetrievalID)
		if known == nil {
			return fmt.Errorf("asked for RetrievalId %q, which nobody has given", t.order.Status.RetrievalID)
		}
		if waited := w.elapsed - known.accepted; waited < orderstate.FirstPoll {
			return fmt.Errorf("asked %s after the acceptance", waited)
		}
		return nil
	}
	if transfer := t.order.Spec.Transfer; transfer != nil && transfer.TransferIDDigest != t.transfer.digest() {
		return fmt.Errorf("%s is sent with other credentials than its own", t.order.Name)
	}
	if k := w.find(t.order.Name); k >= 0 && w.orders[k].UID == t.order.UID {
		now, mine := &w.orders[k].Status, &t.order.Status
		announced := t.created && orderstate.IntendedByCreation(w.orders[k]) ||
			now.SubmissionTime != nil && now.SubmissionTime.Time.Equal(t.intended)
		if !announced && now.Submissions <= mine.Submissions {
			return fmt.Errorf("%s is sent, and does not know of it", t.order.Name)
		}
	}
	return nil
}

// nothingSpent is what must be true where it is said.
func nothingSpent(order *v1alpha1.VeroOrder) bool {
	return strings.Contains(orderstate.Message(order), "nothing was spent")
}

// checkRecorded: what a controller has received does not get lost.
func (e *explorer) checkRecorded(w *world, k int, t *task, received string) error {
	is := &w.orders[k].Status
	switch {
	case t.answer.issued != nil && leafOf(w.orders[k]) == nil:
		return fmt.Errorf("%s: the certificate was not kept", t.order.Name)
	case received == "", is.RetrievalID == received, is.RefusedRetrievalID == received:
	case is.RetrievalID != "" && (!is.RetrievalIDUnverified || t.answer.id == ""):
	default:
		return fmt.Errorf("%s: RetrievalId %s was received and is forgotten", t.order.Name, received)
	}
	return nil
}

// Check holds a state to the invariants.
func (e *explorer) Check(w *world) error {
	for _, order := range w.orders {
		if err := w.checkOrder(order); err != nil {
			return err
		}
	}
	return e.checkEnds(w)
}

func (w *world) checkOrder(order *v1alpha1.VeroOrder) error {
	transfer := order.Spec.Transfer
	if transfer != nil && nothingSpent(order) && w.service.spentBy(transfer.TransferIDDigest) == order.UID {
		return fmt.Errorf("%s says %q, and its TransferId was accepted", order.Name, orderstate.Message(order))
	}
	if order.Status.State != v1alpha1.VeroOrderIssued {
		return nil
	}
	borne, known := leafOf(order), w.service.receiptOf(order.Status.RetrievalID)
	switch {
	case borne == nil || borne.key != keyOf(order):
	case known != nil && known.leaf == borne, order.Spec.Renewal != nil: // which may be accepted more than once
		return nil
	}
	return fmt.Errorf("%s has a certificate that was not issued for it", order.Name)
}

// checkEnds: whatever can go on does, whether what is under way comes to its end or never.
func (e *explorer) checkEnds(w *world) error {
	if err := e.end(w.clone()); err != nil {
		return fmt.Errorf("%w (what is under way is lost)", err)
	}
	busy := len(w.service.late) > 0
	for i := range w.replicas {
		busy = busy || w.replicas[i].task != nil
	}
	if !busy {
		return nil
	}
	n := w.clone()
	for _, s := range slices.Clone(n.service.late) {
		_, _ = n.process(*s)
	}
	for i := range n.replicas {
		if err := e.finish(n, i); err != nil {
			return err
		}
	}
	if err := e.end(n); err != nil {
		return fmt.Errorf("%w (what is under way arrives)", err)
	}
	return nil
}

// finish takes the remaining steps of a controller's task, without any fault.
func (e *explorer) finish(w *world, i int) (err error) {
	for err == nil && w.replicas[i].task != nil {
		switch w.replicas[i].task.step {
		case intend:
			err = e.intend(w, i)
		case call:
			err = e.call(w, i, w.outcomes(i)[0])
		default:
			err = e.record(w, i, 1)
		}
	}
	return err
}
