package creation_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	testclock "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/creation"
)

var name = types.NamespacedName{Namespace: "tax", Name: "sign-1"}

func order() *v1alpha1.VeroOrder {
	return &v1alpha1.VeroOrder{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
}

// TestACreationIsAnIntentForAMoment, once, and of the process only that has made the order.
func TestACreationIsAnIntentForAMoment(t *testing.T) {
	for claim, c := range map[string]struct {
		later time.Duration
		holds bool
	}{
		"at once":                      {0, true},
		"five seconds later":           {5 * time.Second, true},
		"later":                        {6 * time.Second, false},
		"after the clock was set back": {-time.Second, false},
		"after the machine has slept for an hour": {time.Hour, false},
	} {
		t.Run(claim, func(t *testing.T) {
			clock := testclock.NewFakePassiveClock(time.Now())
			intents, made := creation.NewIntents(clock), order()
			intents.Express(made)
			clock.SetTime(clock.Now().Add(c.later))
			if !intents.Own(made) || creation.NewIntents(clock).Own(made) {
				t.Error("the wrong process takes it for its own")
			}
			if got := intents.Take(name); got != c.holds {
				t.Errorf("the intent holds: %t", got)
			}
			if intents.Own(made) || intents.Take(name) {
				t.Error("it can be sent twice")
			}
		})
	}
}

// TestAnOrderStaysOwn where it is to be made once more: the cache does not know it yet, or the answer to its creation
// was lost. It is no younger for that.
func TestAnOrderStaysOwn(t *testing.T) {
	clock := testclock.NewFakePassiveClock(time.Now())
	intents, made := creation.NewIntents(clock), order()
	intents.Express(made)
	clock.SetTime(clock.Now().Add(4 * time.Second))
	intents.Express(order()) // and the API server says that it exists
	if !intents.Own(made) {
		t.Error("it is another one's")
	}
	clock.SetTime(clock.Now().Add(2 * time.Second))
	if intents.Take(name) {
		t.Error("its creation is its intent for longer than five seconds")
	}
}

// TestAnOrderThatHasGoneOnIsNotOwn any more, nor is what a backup brings back of it: it has a RetrievalId.
func TestAnOrderThatHasGoneOnIsNotOwn(t *testing.T) {
	intents, made := creation.NewIntents(testclock.NewFakePassiveClock(time.Now())), order()
	intents.Express(made)
	adopted := made.DeepCopy()
	adopted.Status.State, adopted.Status.RetrievalID = v1alpha1.VeroOrderSubmitted, "0123456789"
	if intents.Own(adopted) || intents.Own(made) {
		t.Error("it can be sent")
	}
}

// TestOneThatWasMadeByOthersIsNotOwn, whatever it is called.
func TestOneThatWasMadeByOthersIsNotOwn(t *testing.T) {
	intents, another := creation.NewIntents(testclock.NewFakePassiveClock(time.Now())), order()
	intents.Express(order())
	if intents.Own(another) {
		t.Error("one without an intent is")
	}
	if another.Spec.IntentID = "another"; intents.Own(another) {
		t.Error("one of another process is")
	}
	adopting := order()
	adopting.Annotations = map[string]string{v1alpha1.AnnotationAdoptRetrievalID: "0123456789"}
	if intents.Express(adopting); adopting.Spec.IntentID != "" {
		t.Error("one that takes over a RetrievalId is said to be sent")
	}
	var none *creation.Intents
	if none.Express(adopting); none.Own(adopting) || none.Take(name) {
		t.Error("who keeps none has one")
	}
}
