package crash_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// Moments in the life of an order that no step has as its name.
const (
	shown   = "the request shows the RetrievalId"
	inDoubt = "the response is lost"
)

// deletion deletes the order of an issuance once, right after a step.
type deletion struct {
	environment *environment
	step        string
	last        string
	done        bool
}

func (d *deletion) intercept(s step, act func() error) error {
	err := act()
	name := s.name
	switch {
	case d.last == writeSubmitted && strings.HasPrefix(name, "CertificateRequest"):
		name = shown
	case d.last == signNew && name == writeSubmitting:
		name = inDoubt
	}
	d.last = s.name
	if name == d.step && !d.done {
		d.done = true
		orders := d.environment.orders()
		if err := server.Client.Delete(d.environment.Context(), &orders[0]); err != nil {
			d.environment.Error(err)
		}
	}
	return err
}

// TestAnOrderThatIsDeletedBeforeItIsAcceptedIsMadeAgain: the issuance goes on by itself and costs what it costs.
func TestAnOrderThatIsDeletedBeforeItIsAcceptedIsMadeAgain(t *testing.T) {
	for claim, c := range map[string]struct{ scenario, step string }{
		"before it is sent":            {first, createOrder},
		"when an intent is written":    {refusedOnce, writeSubmitting},
		"during the call":              {first, signNew},
		"during the call that renews":  {renewal, renew},
		"while it is to be sent again": {refusedOnce, "VeroOrder Pending"},
		"before a renewal is sent":     {renewal, createOrder},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := newEnvironment(t, scenarios[c.scenario])
			deletion := &deletion{environment: s, step: c.step}
			s.startController(deletion.intercept).work()
			s.verify(scenarios[c.scenario].renewal, cost{})
			if !deletion.done {
				t.Error("nothing was deleted")
			}
		})
	}
}

// The order is made again from what the response holds, although that cannot be relied on.
func TestAnOrderThatIsDeletedDuringACallKeepsTheReceiptOfADamagedResponse(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, scenario{faults: []admin.Fault{{Operation: signNew, Kind: admin.WrongContentType}}})
	s.startController((&deletion{environment: s, step: signNew}).intercept).work()
	s.verify(false, cost{})
}

// TestWhatWasBoughtDoesNotGoIntoAnOrderForAnotherKey, which has taken the name of the deleted one during the call.
func TestWhatWasBoughtDoesNotGoIntoAnOrderForAnotherKey(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, scenario{})
	deletion := &deletion{environment: s, step: signNew}
	otherOrder := &v1alpha1.VeroOrder{}
	s.startController(func(step step, act func() error) error {
		before, orders := deletion.done, s.orders()
		err := deletion.intercept(step, act)
		if !deletion.done || before {
			return err
		}
		otherOrder.ObjectMeta = metav1.ObjectMeta{Namespace: orders[0].Namespace, Name: orders[0].Name}
		orders[0].Spec.DeepCopyInto(&otherOrder.Spec)
		otherOrder.Spec.PublicKeyDigest, otherOrder.Spec.RequestUID = strings.Repeat("0", 64), "another"
		s.must(server.Client.Create(s.Context(), otherOrder))
		return err
	}).work()
	s.must(server.Client.Get(s.Context(), client.ObjectKeyFromObject(otherOrder), otherOrder))
	if otherOrder.Status.RetrievalID != "" {
		t.Errorf("the other order is %s, with RetrievalId %s", otherOrder.Status.State, otherOrder.Status.RetrievalID)
	}
	s.must(server.Client.Delete(s.Context(), otherOrder))
	s.verify(false, cost{})
}

// TestAnOrderThatIsMadeAgainForItsOutcomeIsInDoubt until that is written: it was sent.
func TestAnOrderThatIsMadeAgainForItsOutcomeIsInDoubt(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, scenario{})
	deletion, looked := &deletion{environment: s, step: signNew}, false
	s.startController(func(step step, act func() error) error {
		if deletion.done && step.name == writeSubmitted && !looked {
			if orders := s.orders(); len(orders) > 0 {
				looked = true
				if !orderstate.InDoubt(&orders[0]) {
					t.Error("it looks like one that was never sent")
				}
			}
		}
		return deletion.intercept(step, act)
	}).work()
	if !looked {
		t.Error("it was not made again")
	}
	s.verify(false, cost{})
}

// TestAFailureIsNotThatOfAnOrderThatAnotherControllerHasMade under the same name during the call: that may be sent.
func TestAFailureIsNotThatOfAnOrderThatAnotherControllerHasMade(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, scenario{})
	anew := &v1alpha1.VeroOrder{}
	controller := s.startController(func(step step, act func() error) error {
		if step.name != signNew {
			return act()
		}
		order := s.orders()[0]
		s.must(server.Client.Delete(s.Context(), &order))
		anew.ObjectMeta = metav1.ObjectMeta{Namespace: order.Namespace, Name: order.Name, Labels: order.Labels}
		order.Spec.DeepCopyInto(&anew.Spec)
		anew.Spec.IntentID = "of another controller"
		s.must(server.Client.Create(s.Context(), anew))
		return errors.New("no connection")
	})
	_, _, err := controller.reconcile(controller.requests, client.ObjectKeyFromObject(s.request()))
	s.must(err)
	name := client.ObjectKeyFromObject(&s.orders()[0])
	_, _, err = controller.reconcile(controller.orders, name)
	s.must(err)
	s.must(server.Client.Get(s.Context(), name, anew))
	if !orderstate.IntendedByCreation(anew) {
		t.Errorf("the order has the status %+v", anew.Status)
	}
}

// TestAnAcceptedOrderThatWasDeletedIsMadeAgain with its RetrievalId: nothing is sent once more.
func TestAnAcceptedOrderThatWasDeletedIsMadeAgain(t *testing.T) {
	for claim, step := range map[string]string{
		"while the service makes the certificate": shown,
		"during the poll":                         get,
		"before the certificate is handed over":   "VeroOrder Issued",
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := newEnvironment(t, scenario{})
			controller := s.startController((&deletion{environment: s, step: step}).intercept)
			controller.work()
			s.verifyAdopted()
			if !controller.recorded(corev1.EventTypeWarning, v1alpha1.ReasonOrderCreated, "was deleted", "the new one asks") {
				t.Error("no Warning tells of it")
			}
		})
	}
}

// verifyAdopted: the certificate came with the RetrievalId of a deleted order, and the request was sent once.
func (s *environment) verifyAdopted() {
	s.Helper()
	s.verify(false, cost{})
	if sent := s.requestLog(signNew); len(sent) != 1 {
		s.Errorf("the request was sent %d times", len(sent))
	}
	if order := s.orders()[0]; order.Annotations[v1alpha1.AnnotationAdoptRetrievalID] != "" {
		s.Errorf("the annotations are left behind: %v", order.Annotations)
	}
}

// TestAnAdoptionSurvivesACrashAtEveryStep: the controller ends where the order is deleted, and the next one at each of
// its steps, also between the status that holds the RetrievalId and the annotation that goes after it.
func TestAnAdoptionSurvivesACrashAtEveryStep(t *testing.T) {
	course := append([]string{createOrder, writeSubmitted, "VeroOrder annotated"}, delivery...)
	everyStep(t, "made again", course, func(t *testing.T, number int) (*process, bool) {
		t.Helper()
		s := newEnvironment(t, scenario{})
		deletion := &deletion{environment: s, step: shown}
		if s.startController(func(step step, act func() error) error {
			if err := deletion.intercept(step, act); !deletion.done {
				return err
			}
			runtime.Goexit()
			return nil
		}).work() {
			t.Fatal("the order was not deleted")
		}
		next := s.startController((&crash{number: number, when: after, look: s.orderObjects}).intercept)
		alive := next.work()
		if !alive {
			s.startController(passThrough).work()
		}
		s.verifyAdopted()
		return next.process, !alive
	})
}

// TestAPersonBringsARetrievalIDBack that no request carries any more, from the controller's log.
func TestAPersonBringsARetrievalIDBack(t *testing.T) {
	t.Parallel()
	s := newEnvironment(t, scenario{})
	controller := s.startController((&deletion{environment: s, step: writeSubmitted}).intercept)
	receipt := s.workUntilRefused(controller)
	s.clock.Step(time.Minute)
	order := s.orders()[0]
	order.Annotations[v1alpha1.AnnotationAdoptRetrievalID] = receipt
	s.must(server.Client.Update(s.Context(), &order))
	controller.enough = func(now view) bool { return s.done && now.finished() }
	controller.work()
	s.verify(false, cost{})
}

// workUntilRefused lets the controller work until the request waits for new credentials, and is the RetrievalId that
// the service gave.
func (s *environment) workUntilRefused(controller *controller) string {
	s.Helper()
	controller.enough = func(now view) bool {
		return strings.Contains(conditions.ReadyMessage(&now.requests[0]), "were refused")
	}
	controller.work()
	accepted := s.accepted(signNew)
	if len(accepted) != 1 {
		s.Fatalf("%d requests were accepted", len(accepted))
	}
	return accepted[0].RetrievalID
}

// TestWhatTakesThePlaceOfADeletedOrderIsNoSecret: deleting the order of an accepted request gives it up. A person who
// does it by mistake learns of it, and where the RetrievalId is.
func TestWhatTakesThePlaceOfADeletedOrderIsNoSecret(t *testing.T) {
	for claim, c := range map[string]struct {
		scenario, step string
		// credentials are replaced at the same time.
		credentials bool
	}{
		"by another renewal":    {scenario: renewal, step: shown},
		"by an issued renewal":  {scenario: renewal, step: "VeroOrder Issued"},
		"with new credentials":  {scenario: first, step: shown, credentials: true},
		"with new ones, polled": {scenario: first, step: get, credentials: true},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := newEnvironment(t, scenarios[c.scenario])
			deletion := &deletion{environment: s, step: c.step}
			controller := s.startController(func(step step, act func() error) error {
				before := deletion.done
				err := deletion.intercept(step, act)
				if c.credentials && deletion.done && !before {
					s.must(server.Client.Update(s.Context(), s.transfer()))
				}
				return err
			})
			controller.work()
			accepted := append(s.accepted(signNew), s.accepted(renew)...)
			if len(accepted) != 2 {
				t.Fatalf("%d requests were accepted", len(accepted))
			}
			receipt := accepted[0].RetrievalID
			if order := s.orders()[0]; order.Annotations[v1alpha1.AnnotationGivenUp] != receipt {
				t.Errorf("the new order remembers %v", order.Annotations)
			}
			if !controller.recorded(corev1.EventTypeWarning, v1alpha1.ReasonOrderCreated, receipt, "was deleted") {
				t.Error("no Warning tells of it")
			}
		})
	}
}

// recorded reports whether an event of a type contains all of the texts. Others are forgotten.
func (w *controller) recorded(kind string, texts ...string) bool {
	for {
		select {
		case event := <-w.events.Events:
			contains := strings.HasPrefix(event, kind)
			for _, text := range texts {
				contains = contains && strings.Contains(event, text)
			}
			if contains {
				return true
			}
		default:
			return false
		}
	}
}

// TestAnOrderThatIsDeletedInDoubtAsksForNewCredentials: with the record went the knowledge that a response was lost.
// The service refuses the credentials, and nothing is bought twice.
func TestAnOrderThatIsDeletedInDoubtAsksForNewCredentials(t *testing.T) {
	for claim, c := range map[string]struct{ scenario, step string }{
		"when the response was lost":               {responseLost, inDoubt},
		"before the request shows the RetrievalId": {first, writeSubmitted},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := newEnvironment(t, scenarios[c.scenario])
			controller := s.startController((&deletion{environment: s, step: c.step}).intercept)
			s.workUntilRefused(controller)
			if !asksForCredentials(s.request()) {
				t.Error(s.describe())
			}
			s.must(server.Client.Update(s.Context(), s.transfer()))
			controller.enough = func(now view) bool { return s.done && now.finished() }
			controller.work()
			if accepted := s.accepted(signNew); len(accepted) != 2 {
				t.Errorf("%d requests were accepted", len(accepted))
			}
		})
	}
}
