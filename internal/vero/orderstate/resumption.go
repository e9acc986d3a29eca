package orderstate

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	// resumptionGap is between two interrupted calls that are made again.
	resumptionGap = time.Second
	// longestResumption bounds the distance at which calls are made again that end the controller every time.
	longestResumption = time.Hour
)

// Interrupted reports whether a call was begun for an order and has no outcome: the controller has ended meanwhile.
// Perhaps the response has ended it.
func Interrupted(order *v1alpha1.VeroOrder) bool { return !begun(order).IsZero() }

// begun is when the call of an interrupted order was begun; zero for others. A submission that has an outcome without
// a response has a time for the next one, too.
func begun(order *v1alpha1.VeroOrder) time.Time {
	status := &order.Status
	switch StateOf(order) {
	case v1alpha1.VeroOrderSubmitting:
		if IntendedByCreation(order) {
			return order.CreationTimestamp.Time
		}
		if status.SubmissionTime != nil && status.NextSubmitTime == nil {
			return status.SubmissionTime.Time
		}
	case v1alpha1.VeroOrderSubmitted:
		if status.PollStartTime != nil {
			return status.PollStartTime.Time
		}
	default:
	}
	return time.Time{}
}

// PollOverdue reports whether the poll of an order was due before the controller started: then an earlier controller
// may have ended in it. RecordPollIntent comes before such a poll; others need none.
func PollOverdue(order *v1alpha1.VeroOrder, started time.Time) bool {
	return order.Status.AcceptanceTime == nil || plannedPoll(&order.Status).Before(started)
}

// RecordPollIntent writes into an order that GetCertificate is about to be called; interruptions is what Resumptions
// say.
func RecordPollIntent(order *v1alpha1.VeroOrder, interruptions int32, now time.Time) {
	order.Status.PollStartTime = at(now)
	order.Status.Interruptions = interruptions
}

// Resumptions say when a controller makes the calls again that it has found interrupted at its start, so that a
// response which ends every controller leaves time for the orders of everybody else.
type Resumptions struct {
	// At is when the call of each interrupted order may be made: one a second, the one that was begun last after all
	// others and a pause. An order that was only made goes on when the others of its namespace do.
	At map[types.NamespacedName]time.Time
	// Namespaces are those with interrupted orders. One that was only made raises no suspicion.
	Namespaces map[string]Suspicion
}

// Suspicion is what has to be minded with the orders of a namespace, because one of them may end the controller. It is
// the namespace that is suspected, and not an issuer: whoever may make one issuer may make many.
type Suspicion struct {
	// Interrupted are the orders that were.
	Interrupted []types.NamespacedName
	// Interruptions is how many controllers have ended in a row during calls for orders of the namespace.
	Interruptions int32
	// From is when the other orders of the namespace may call, Until is when all of it is over.
	From, Until time.Time
}

// resumption is an interrupted call.
type resumption struct {
	name     types.NamespacedName
	begun    time.Time
	onlyMade bool
	at       time.Time
}

// PlanResumptions plans for the orders that a controller has found when it started.
func PlanResumptions(orders []v1alpha1.VeroOrder, started time.Time) Resumptions {
	plan := Resumptions{At: map[types.NamespacedName]time.Time{}, Namespaces: map[string]Suspicion{}}
	calls := plan.collect(orders, started)
	if len(calls) == 0 {
		return plan
	}
	slices.SortFunc(calls, func(one, other resumption) int {
		if order := one.begun.Compare(other.begun); order != 0 {
			return order
		}
		return strings.Compare(one.name.String(), other.name.String())
	})
	plan.space(calls, started)
	slices.SortStableFunc(calls, func(one, other resumption) int { return one.at.Compare(other.at) })
	var free time.Time
	for _, call := range calls {
		moment := later(call.at, free)
		free = moment.Add(resumptionGap)
		plan.At[call.name] = moment
		if suspicion, suspected := plan.Namespaces[call.name.Namespace]; suspected && !call.onlyMade {
			suspicion.Until = free
			plan.Namespaces[call.name.Namespace] = suspicion
		}
	}
	return plan
}

// collect finds the interrupted orders, and what it says about their namespaces.
func (r Resumptions) collect(orders []v1alpha1.VeroOrder, started time.Time) []resumption {
	var calls []resumption
	for i := range orders {
		order := &orders[i]
		moment := begun(order)
		if moment.IsZero() {
			continue
		}
		if moment.After(started) {
			moment = started // a clock was ahead
		}
		name := types.NamespacedName{Namespace: order.Namespace, Name: order.Name}
		call := resumption{name: name, begun: moment, onlyMade: OnlyMade(order)}
		if calls = append(calls, call); call.onlyMade {
			continue
		}
		suspicion := r.Namespaces[order.Namespace]
		suspicion.Interrupted = append(suspicion.Interrupted, name)
		suspicion.Interruptions = max(suspicion.Interruptions, order.Status.Interruptions+1)
		suspicion.From = later(suspicion.From, moment) // of the last call that was begun, until space adds the pause
		r.Namespaces[order.Namespace] = suspicion
	}
	return calls
}

// space sets the earliest moment of each call, of calls in the order in which they were begun. What has ended one
// controller only is made again at once, but for the last one; what has ended more of them, after a pause that doubles
// each time, and the same again between two orders of a namespace.
func (r Resumptions) space(calls []resumption, started time.Time) {
	first, last := started.Add(resumptionGap), len(calls)-1
	type line struct {
		namespace string
		onlyMade  bool
	}
	next := map[line]time.Time{}
	for namespace, suspicion := range r.Namespaces {
		if suspicion.Interruptions > 1 {
			suspicion.From = suspicion.From.Add(retryDistance(suspicion.Interruptions, longestResumption))
		}
		suspicion.From = later(suspicion.From, first)
		r.Namespaces[namespace] = suspicion
		next[line{namespace, false}], next[line{namespace, true}] = suspicion.From, suspicion.From
	}
	for i := range calls {
		in, gap := line{calls[i].name.Namespace, calls[i].onlyMade}, resumptionGap
		if interruptions := r.Namespaces[in.namespace].Interruptions; interruptions > 1 && !in.onlyMade {
			gap = retryDistance(interruptions, longestResumption)
		}
		calls[i].at = later(next[in], first)
		if i == last {
			calls[i].at = later(calls[i].at, first.Add(time.Duration(last)*resumptionGap+firstRetry))
		}
		next[in] = calls[i].at.Add(gap)
	}
}

func later(one, other time.Time) time.Time {
	if one.Before(other) {
		return other
	}
	return one
}
