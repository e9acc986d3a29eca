package crash_test

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

const (
	// issuanceTimeout is how long, by the clock of the environment, an issuance may take.
	issuanceTimeout = 20 * time.Minute
	// backoff is after what time an object is looked at again whose reconcile has ended with an error; it doubles this
	// often.
	backoff, slowest = time.Second, 6
	// maxRounds bounds how often objects are looked at: more is a loop.
	maxRounds = 1500
)

type object = client.Object

// task is an object that a controller looks after.
type task struct {
	// cause is what a watch would have seen of it last.
	cause string
	// state is that of an order, as it was then.
	state v1alpha1.VeroOrderState
	// due is when it is to be looked at again, zero for never.
	due time.Time
	// failures are how many looks in a row have ended with an error.
	failures int
}

// queue is what a manager would do for the controllers: look at everything once after the start, then at what a watch
// that Register asks for has seen changing, and at what wants to be looked at.
type queue map[string]*task

// workItem is one object to be looked at now.
type workItem struct {
	task       *task
	reconciler reconcile.Reconciler
	name       client.ObjectKey
}

// work lets the controller work until it is enough, and reports whether the controller is still there then.
func (w *controller) work() (alive bool) {
	w.environment.Helper()
	end := w.environment.clock.Now().Add(w.issuanceTimeout)
	now, steps := w.environment.letOthersAct(), w.stepCount()
	for range maxRounds {
		if count := w.stepCount(); count != steps {
			now, steps = w.environment.letOthersAct(), count
		}
		workItems := w.due(now)
		if len(workItems) == 0 && w.enough(now) {
			return true
		}
		if len(workItems) == 0 {
			next := w.next()
			if next.IsZero() || next.After(end) {
				w.environment.Fatalf("it is stuck: the next look is at %s, and it is %s\n%s", next, w.environment.clock.Now(),
					w.environment.describe())
			}
			w.environment.clock.SetTime(next)
		}
		for _, workItem := range workItems {
			if !w.workOn(workItem) {
				return false
			}
		}
		w.refreshCache()
	}
	w.environment.Fatalf("it goes round and round\n%s", w.environment.describe())
	return true
}

// due is what has to be looked at now. The triggers are those of Register.
func (w *controller) due(now view) []workItem {
	requests, orders := now.requests, now.orders
	earlier := w.queue
	versions := make([]string, 0, len(orders)+1)
	versions = append(versions, strconv.Itoa(w.orderWrites())) // a watch tells also of what was and is gone
	for i := range orders {
		versions = append(versions, orders[i].ResourceVersion)
	}
	w.queue = queue{} // what is gone is not looked at any more
	workItems := make([]workItem, 0, len(requests)+len(orders))
	for i := range requests {
		cause := requests[i].ResourceVersion + "/" + strings.Join(versions, ",")
		workItems = append(workItems, w.workItems(earlier, w.requests, &requests[i], cause)...)
	}
	for i := range orders {
		cause := fmt.Sprintf("%s/%d", orders[i].UID, orders[i].Generation)
		if was := earlier[keyOf(&orders[i])]; was != nil && was.state == v1alpha1.VeroOrderFailed &&
			orders[i].Status.State == v1alpha1.VeroOrderSubmitted {
			was.cause = "" // it was brought back
		}
		workItems = append(workItems, w.workItems(earlier, w.orders, &orders[i], cause)...)
	}
	return workItems
}

func keyOf(object client.Object) string { return kindOf(object) + "/" + object.GetName() }

// refreshCache lets a cache that has lagged behind see what is, and a watch tell of it.
func (w *controller) refreshCache() {
	if w.stale == nil {
		return
	}
	w.stale = nil
	for _, task := range w.queue {
		task.cause = ""
	}
}
