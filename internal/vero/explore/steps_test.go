package explore_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/explore"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// happening is one thing that can happen.
type happening = explore.Step[*world]

// explorer follows histories.
type explorer struct {
	mistake mistake
	// ends are the places from which all requests come to an end, and when.
	ends struct {
		sync.Mutex

		after   map[explore.Key]time.Duration
		longest time.Duration
	}
}

// mistake is one that a controller makes: a seeded fault.
type mistake string

// The mistakes that the exploration is there to find.
const (
	noMistake        mistake = ""
	blindIntent      mistake = "an intent without resourceVersion"
	callFirst        mistake = "a call before its intent"
	crossedPolls     mistake = "a certificate that is recorded for another order"
	forgetfulIntent  mistake = "a forgotten uncertain mark"
	lateThrownAway   mistake = "a response that is thrown away because the order has moved on"
	recordOnce       mistake = "an outcome that is given up at a conflict"
	uncheckedKey     mistake = "a certificate whose key nobody checks"
	creationIgnored  mistake = "an order that another controller has made, taken for one that was not sent"
	doubtForgotten   mistake = "a lost response that is taken for a refusal"
	namesOfTheirOwn  mistake = "orders whose names are no lock"
	deletedForgotten mistake = "an order that is made again without its RetrievalId"
	clockTrusted     mistake = "times that are believed after the clock was set back"
)

// steps collects what can happen in a state.
type steps struct {
	*explorer

	world *world
	all   []happening
}

func (s *steps) happen(how string, do func(*world) error) {
	next := s.world.clone()
	err := do(next)
	s.all = append(s.all, happening{How: how, State: next, Err: err})
}

// spend is happen for what happens seldom.
func (s *steps) spend(how string, left func(*budget) *int8, do func(*world) error) {
	if *left(&s.world.budget) == 0 {
		return
	}
	s.happen(how, func(w *world) error {
		*left(&w.budget)--
		return do(w)
	})
}

// Steps are all that can happen in a state.
func (e *explorer) Steps(w *world) []happening {
	s := &steps{explorer: e, world: w}
	s.environment()
	for i := range int(w.budget.replicas) {
		s.controller(i)
	}
	return s.all
}

// controller takes a step of a controller, or ends it.
func (s *steps) controller(i int) {
	name, r := "controller "+strconv.Itoa(i), &s.world.replicas[i]
	if r.task != nil || r.creation != nil {
		s.spend(name+" crashes", func(b *budget) *int8 { return &b.crashes }, func(w *world) error {
			w.replicas[i] = replica{}
			return nil
		})
	}
	switch {
	case r.creation != nil:
		s.happen(name+" creates "+r.creation.Name, func(w *world) error { return w.finishCreation(i) })
	default:
		for k := range s.world.requests {
			s.happen(fmt.Sprintf("%s looks at %s", name, s.world.requests[k].uid), func(w *world) error {
				_, err := s.gate(w, i, k)
				return err
			})
		}
	}
	if r.task != nil {
		s.proceed(i, name)
		return
	}
	for k, order := range s.world.orders {
		s.happen(name+" looks at "+order.Name, func(w *world) error { return s.look(w, i, k) })
	}
}

// gate is a look at a request.
func (e *explorer) gate(w *world, i, k int) (plan.Action, error) {
	asking, r := &w.requests[k], &w.replicas[i]
	if asking.delivered != nil {
		return plan.Action{}, nil
	}
	s := w.planSnapshot(r, asking)
	action := plan.Decide(s)
	switch action.Verb {
	case plan.Create:
		r.creation = plan.NewOrder(s, action)
		orderstate.IntendByCreation(r.creation, "intent")
		if e.mistake == namesOfTheirOwn {
			r.creation.Name += "-" + strconv.Itoa(w.made)
		}
		if e.mistake == deletedForgotten {
			delete(r.creation.Annotations, v1alpha1.AnnotationAdoptRetrievalID)
		}
		if err := w.checkCreation(s, r.creation); err != nil {
			return action, err
		}
	case plan.Follow:
		if annotations := plan.Annotations(action.Order); annotations != nil {
			asking.receipt = plan.ReceiptOf(annotations)
		}
	case plan.Deliver:
		return action, w.deliver(asking, action.Order)
	case plan.Refuse:
		w.requests = append(w.requests[:k:k], w.requests[k+1:]...)
	default:
	}
	return action, nil
}

// checkCreation holds an order that is to be made to what was known when that was decided.
func (w *world) checkCreation(s plan.Snapshot, order *v1alpha1.VeroOrder) error {
	carried := s.Request.Receipt
	forgotten := func(o v1alpha1.VeroOrder) bool {
		return o.Status.RetrievalID != carried.RetrievalID && o.Status.RefusedRetrievalID != carried.RetrievalID &&
			o.Annotations[v1alpha1.AnnotationAdoptRetrievalID] != carried.RetrievalID
	}
	early := s.Current.Usable() && w.now().Before(s.Current.NotAfter.Add(-s.Issuer.Window))
	switch {
	case order.Spec.Transfer == nil:
	case early && !s.Transfer.Named:
		return errors.New("default credentials would pay for what can be renewed later")
	case carried.RetrievalID != "" && carried.PaidWith == order.Spec.Transfer.TransferIDDigest &&
		all(append(s.Orders, *order), forgotten):
		return fmt.Errorf("%s is made for a request that carries %s, and does not know it", order.Name, carried.RetrievalID)
	}
	return nil
}

// deliver writes a certificate into a request.
func (w *world) deliver(asking *request, order *v1alpha1.VeroOrder) error {
	delivered := leafOf(order)
	given := delivered != nil && !all(w.service.receipts, func(r receipt) bool { return r.leaf != delivered })
	if !given || delivered.key != asking.key {
		return fmt.Errorf("%s is delivered a certificate that was not verified for its key", asking.uid)
	}
	asking.delivered = delivered
	return nil
}

// finishCreation creates the order that a controller has decided for. Its name keeps it from being a second one that
// would spend the same.
func (w *world) finishCreation(i int) error {
	r := &w.replicas[i]
	if r.creation.Spec.IntentID != "" {
		r.creation = r.creation.DeepCopy()
		r.creation.Spec.IntentID = "intent-" + strconv.Itoa(w.made)
	}
	created := w.create(r.creation)
	if created != nil && created.Spec.IntentID != "" {
		r.made = append(r.made, made{created.Spec.IntentID, w.elapsed})
	}
	r.creation = nil
	if created == nil || created.Spec.Transfer == nil {
		return nil
	}
	unfinished := 0
	for _, order := range w.orders {
		state := orderstate.StateOf(order)
		if order.Spec.Transfer != nil && *order.Spec.Transfer == *created.Spec.Transfer &&
			order.Spec.Attempt == created.Spec.Attempt &&
			(state == v1alpha1.VeroOrderPending || state == v1alpha1.VeroOrderSubmitting) {
			unfinished++
		}
	}
	if unfinished > 1 {
		return fmt.Errorf("%s would spend what another order spends", created.Name)
	}
	return nil
}

// look reads everything about an order, and decides.
func (e *explorer) look(w *world, i, k int) error {
	r, order := &w.replicas[i], w.orders[k]
	now := w.now()
	if orderstate.UntouchedUntil(order, now).After(now) && !e.owns(r, order) {
		return nil
	}
	e.begin(r, w.orders, now)
	if adoption, asked := orderstate.AdoptionOf(order); asked {
		return w.replace(k, false, func(o *v1alpha1.VeroOrder) {
			if adoption.RetrievalID != "" {
				orderstate.RecordAdoption(o, adoption.RetrievalID, now)
				return
			}
			delete(o.Annotations, v1alpha1.AnnotationAdoptRetrievalID)
		})
	}
	if e.held(r, order).After(now) {
		return nil
	}
	action := e.decide(w, r, order)
	switch action.Verb {
	case orderstate.Done:
	case orderstate.Wait:
		return w.wait(k, action, e.owns(r, order))
	case orderstate.Submit:
		transfer := order.Spec.Transfer
		if transfer != nil && r.cache == nil && w.accepted(transfer.TransferIDDigest) {
			return fmt.Errorf("%s is about to be sent, and its TransferId is known to be accepted", order.Name)
		}
		fallthrough
	default:
		r.task = &task{
			verb: action.Verb, action: action, order: order, issuer: w.issuer, transfer: w.transfer, now: now}
		e.takeOwn(w, r)
		if action.Verb == orderstate.Poll && !r.announces(order) || e.mistake == callFirst {
			r.task.step = call
		}
	}
	return nil
}

// own is which of the orders that a controller has made and not sent is an order; -1 if none is.
func (r *replica) own(order *v1alpha1.VeroOrder) int {
	return slices.IndexFunc(r.made, func(m made) bool { return m.intent == order.Spec.IntentID })
}

// owns reports whether a controller believes that it has made an order and not sent it.
func (e *explorer) owns(r *replica, order *v1alpha1.VeroOrder) bool {
	return r.own(order) >= 0 || e.mistake == creationIgnored
}

// known is an order as a controller knows it: whoever has made one knows that it was not sent.
func (e *explorer) known(r *replica, order *v1alpha1.VeroOrder) *v1alpha1.VeroOrder {
	if !orderstate.IntendedByCreation(order) {
		return order
	}
	known := order.DeepCopy()
	orderstate.Recall(known, e.owns(r, order))
	return known
}

// takeOwn lets a controller know that it has made the order of its task, and send it without another intent if it has
// just done so.
func (e *explorer) takeOwn(w *world, r *replica) {
	at := r.own(r.task.order)
	r.task.own = e.owns(r, r.task.order)
	if at < 0 || r.task.verb != orderstate.Submit {
		return
	}
	recent := w.elapsed-r.made[at].at <= orderstate.CreatorsTime/2
	r.made = slices.Delete(r.made, at, at+1)
	if recent && orderstate.Untouched(r.task.order) {
		r.task.step, r.task.created = call, true
		r.task.intended = w.intention(r.task.now)
	}
}

// intention is the time of an intent. No two have the same: it is what tells them apart.
func (w *world) intention(now time.Time) time.Time {
	w.intended++
	return now.Add(time.Duration(w.intended) * time.Microsecond)
}

// decide is what a controller decides for an order.
func (e *explorer) decide(w *world, r *replica, order *v1alpha1.VeroOrder) orderstate.Action {
	s := w.orderSnapshot(r, e.known(r, order))
	if planned := order.Status.NextSubmitTime; e.mistake == clockTrusted && planned != nil {
		if farthest := planned.Add(-time.Hour); s.Now.Before(farthest) {
			s.Now = farthest
		}
	}
	return orderstate.Decide(s)
}

// begin plans for the calls that a controller finds interrupted, when it begins to work.
func (e *explorer) begin(r *replica, orders []*v1alpha1.VeroOrder, now time.Time) {
	if r.resumptions == nil {
		known := make([]v1alpha1.VeroOrder, 0, len(orders))
		for _, order := range orders {
			known = append(known, *e.known(r, order))
		}
		r.resumptions, r.started = orderstate.PlanResumptions(known, now).At, now
	}
}

// held is until when a controller leaves an order alone whose call was interrupted before it began to work.
func (e *explorer) held(r *replica, order *v1alpha1.VeroOrder) time.Time {
	if !orderstate.Interrupted(e.known(r, order)) {
		return time.Time{}
	}
	return r.resumptions[types.NamespacedName{Name: order.Name}]
}

// announces reports whether a controller writes before a poll that it makes it.
func (r *replica) announces(order *v1alpha1.VeroOrder) bool {
	return orderstate.Interrupted(order) || orderstate.PollOverdue(order, r.started)
}

// wait lets an order say what it waits for.
func (w *world) wait(k int, action orderstate.Action, own bool) error {
	return w.replace(k, own, func(o *v1alpha1.VeroOrder) { orderstate.RecordWaiting(o, action, w.now()) })
}

// proceed takes the next step of a controller's task.
func (s *steps) proceed(i int, name string) {
	t := s.world.replicas[i].task
	name += ": " + t.order.Name
	switch t.step {
	case intend:
		s.happen(name+" is about to "+string(t.verb), func(w *world) error { return s.intend(w, i) })
	case call:
		s.calls(i, name)
	default:
		s.happen(name+" is recorded", func(w *world) error { return s.record(w, i, 1) })
		s.spend(name+" is recorded twice", faults, func(w *world) error { return s.record(w, i, 2) })
	}
}

// intend writes what is about to be done, unless somebody has changed the order since it was read.
func (e *explorer) intend(w *world, i int) error {
	r := &w.replicas[i]
	t, k := *r.task, w.find(r.task.order.Name)
	r.task = nil
	if k < 0 || w.orders[k] != t.order && e.mistake != blindIntent {
		return nil
	}
	w.orders[k] = t.order
	if t.verb == orderstate.Fail {
		return w.replace(k, t.own, func(o *v1alpha1.VeroOrder) { orderstate.RecordFailure(o, t.action, t.now) })
	}
	if err := w.announce(k, &t, e.mistake); err != nil {
		return err
	}
	t.step, t.order, r.task = call, w.orders[k], &t
	return nil
}

// announce writes the intent of a call.
func (w *world) announce(k int, t *task, made mistake) error {
	interruptions := int32(0)
	if !t.own && orderstate.Interrupted(w.orders[k]) {
		interruptions = w.orders[k].Status.Interruptions + 1
	}
	t.intended = w.intention(t.now)
	if t.verb == orderstate.Poll {
		return w.replace(k, false, func(o *v1alpha1.VeroOrder) { orderstate.RecordPollIntent(o, interruptions, t.intended) })
	}
	fingerprint := ""
	if transfer := w.orders[k].Spec.Transfer; transfer != nil {
		fingerprint = t.transfer.facts().Fingerprint
	}
	return w.replace(k, t.own, func(o *v1alpha1.VeroOrder) {
		orderstate.RecordIntent(o, fingerprint, interruptions, t.intended)
		if made == forgetfulIntent {
			o.Status.Uncertain = false
		}
	})
}

// accepted reports whether an order is known to be accepted with a TransferId.
func (w *world) accepted(transfer string) bool {
	return !all(w.orders, func(o *v1alpha1.VeroOrder) bool {
		state := orderstate.StateOf(o)
		return o.Spec.Transfer == nil || o.Spec.Transfer.TransferIDDigest != transfer ||
			state != v1alpha1.VeroOrderSubmitted && state != v1alpha1.VeroOrderIssued
	})
}

// outcomes are all ways in which the call of a controller's task can end, the first one without a fault.
func (w *world) outcomes(i int) []outcome {
	t := w.replicas[i].task
	if t.verb == orderstate.Poll {
		return pollOutcomes(t.order.Status.RetrievalID, keyOf(t.order))
	}
	sent := submission{order: t.order.UID, key: keyOf(t.order)}
	if t.order.Spec.Transfer != nil {
		sent.transfer, sent.wrong = t.transfer.digest(), t.transfer.wrong
	}
	return submissionOutcomes(sent)
}

// calls are all ways in which a call can end.
func (s *steps) calls(i int, name string) {
	for _, o := range s.world.outcomes(i) {
		if o.budget == nil {
			s.happen(name+", "+o.what, func(w *world) error { return s.call(w, i, o) })
			continue
		}
		s.spend(name+", "+o.what, o.budget, func(w *world) error { return s.call(w, i, o) })
	}
}

// call makes a call.
func (e *explorer) call(w *world, i int, o outcome) error {
	t := *w.replicas[i].task
	if err := w.checkCall(&t); err != nil {
		return err
	}
	id, issued, err := o.answer(w)
	if e.mistake == uncheckedKey && issued != nil {
		t.answer = &answer{issued: &orderstate.Issued{Certificate: issued.pem, CA: issued.mark}}
	} else {
		t.answer = verified(&t, id, issued, err)
	}
	t.answer.what, t.step = o.what, record
	w.replicas[i].task = &t
	return nil
}
