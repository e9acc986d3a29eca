package explore_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/explore"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// longestEnd is how long it may take until all requests have come to their end, once everything works.
const longestEnd = 2 * time.Hour

// place is a state on the way to the end, without what its controllers are doing and what else may go wrong.
type place struct {
	key     explore.Key
	elapsed time.Duration
}

// end repairs everything, has the service behave, and one controller start anew: every request comes to its end. A way
// that leads to where another one has led ends as that one does.
func (e *explorer) end(w *world) error {
	w.budget, w.replicas, w.service.late = budget{replicas: 1}, [2]replica{}, nil
	w.issuer = issuer{generation: w.issuer.generation + 1}
	if w.transfer.number == 0 || w.transfer.wrong {
		w.mint(transfer{})
	}
	const rounds = 500
	var way []place
	for range rounds {
		at := place{keyOfPlace(w), w.elapsed}
		left, known := e.knownEnd(at.key)
		if known || len(w.requests) == 0 {
			return e.remember(append(way, at), at.elapsed+left)
		}
		standsStill := len(way) > 0 && way[len(way)-1].key == at.key
		way = append(way, at)
		if err := e.round(w, standsStill); err != nil {
			return err
		}
	}
	return fmt.Errorf("it comes to no end: %s", describe(w))
}

func (e *explorer) knownEnd(at explore.Key) (left time.Duration, known bool) {
	e.ends.Lock()
	defer e.ends.Unlock()
	left, known = e.ends.after[at]
	return left, known
}

// remember notes for the places of a way how long it takes from there to the end.
func (e *explorer) remember(way []place, end time.Duration) error {
	e.ends.Lock()
	defer e.ends.Unlock()
	for _, at := range way {
		e.ends.after[at.key] = end - at.elapsed
	}
	if taken := end - way[0].elapsed; taken > longestEnd {
		return fmt.Errorf("the end comes only after %s", taken)
	} else if taken > e.ends.longest {
		e.ends.longest = taken
	}
	return nil
}

// round has the controller do what there is to do. Where that is nothing, people buy what somebody waits for, or time
// passes.
func (e *explorer) round(w *world, standsStill bool) error {
	starving, err := e.requests(w)
	if err != nil {
		return err
	}
	next, busy := time.Hour, false
	for k := range w.orders {
		if err := e.look(w, 0, k); err != nil {
			return err
		}
		if err := e.finish(w, 0); err != nil {
			return err
		}
		busy = busy || w.orders[k].Status.CompletionTime == nil
		if until, _ := e.nextLook(w, &w.replicas[0], w.orders[k]); until.After(w.now()) {
			next = min(next, until.Sub(w.now()))
		}
	}
	for _, order := range w.orders {
		if err := w.checkOrder(order); err != nil {
			return err
		}
	}
	switch {
	case !standsStill:
		return nil
	case w.giveUp():
		return nil
	case len(starving) > 0 && !busy && !w.unspent():
		return w.buy(starving)
	default:
		return e.pass(w, next)
	}
}

// giveUp lets a person delete what was accepted for another customer, as it says, and reports whether there was such.
func (w *world) giveUp() bool {
	before := len(w.orders)
	w.orders = slices.DeleteFunc(w.orders, func(o *v1alpha1.VeroOrder) bool {
		return orderstate.StateOf(o) == v1alpha1.VeroOrderSubmitted && !w.issuer.facts().SameCustomer(o)
	})
	return len(w.orders) < before
}

// starved is a request that waits for credentials, and what it says.
type starved struct {
	request

	message string
}

// requests looks at all requests, and returns those that wait for credentials.
func (e *explorer) requests(w *world) (starving []starved, err error) {
	for k := 0; k < len(w.requests); k++ {
		before := len(w.requests)
		action, err := e.gate(w, 0, k)
		if err != nil {
			return nil, err
		}
		if w.replicas[0].creation != nil {
			if err := w.finishCreation(0); err != nil {
				return nil, err
			}
		}
		if action.Reason == v1alpha1.ReasonWaitingForCredentials || action.Reason == v1alpha1.ReasonWaitingForWindow {
			starving = append(starving, starved{w.requests[k], action.Message})
		}
		if len(w.requests) == before && w.requests[k].delivered != nil {
			w.store(k)
		}
		k -= before - len(w.requests)
	}
	return starving, nil
}

// unspent reports whether there are credentials in the Secret that nothing keeps from being used.
func (w *world) unspent() bool {
	return w.transfer.named && !w.accepted(w.transfer.digest()) && w.service.spentBy(w.transfer.digest()) == "" &&
		all(w.orders, func(o *v1alpha1.VeroOrder) bool {
			return o.Spec.Transfer == nil || o.Spec.Transfer.TransferIDDigest != w.transfer.digest()
		})
}

// buy lets people do what requests that wait for credentials say: they bring a RetrievalId back to an order, or put new
// credentials into the Secret. Nobody has to buy whose request has a receipt that leads to its certificate, by an order
// or by credentials that are still there, unless the service has denied it.
func (w *world) buy(starving []starved) error {
	for _, asking := range starving {
		id := asking.receipt.RetrievalID
		good := asking.receipt.PaidWith == w.transfer.digest() && w.service.receiptOf(id).good()
		for k, order := range w.orders {
			status := &order.Status
			switch {
			case keyOf(order) != asking.key:
			case status.RetrievalID == "" && good && strings.Contains(asking.message, order.Name+" "+adopt):
				w.bring(k, id)
				return nil
			case status.RefusedRetrievalID == id:
				good = false
			case orderstate.StateOf(order) == v1alpha1.VeroOrderSubmitted && !status.RetrievalIDUnverified:
				good = good || w.service.receiptOf(status.RetrievalID).good()
			}
		}
		if good {
			return fmt.Errorf("credentials are bought for %s, which has a receipt: %s", asking.uid, describe(w))
		}
	}
	w.mint(transfer{named: true})
	return nil
}

// adopt is what a message says that a person does to bring a RetrievalId back.
const adopt = v1alpha1.AnnotationAdoptRetrievalID + "=RETRIEVAL-ID"

func describe(w *world) string {
	var text strings.Builder
	for i := range w.requests {
		action := plan.Decide(w.planSnapshot(&w.replicas[0], &w.requests[i]))
		fmt.Fprintf(&text, "%s: %s %s: %s; ", w.requests[i].uid, action.Verb, action.Reason, action.Message)
	}
	for _, order := range w.orders {
		fmt.Fprintf(&text, "%s: %s: %s; ", order.Name, orderstate.StateOf(order), orderstate.Message(order))
	}
	return text.String()
}
