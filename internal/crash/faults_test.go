package crash_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// TestAnIssuanceSurvivesAConflictOfEveryWrite: somebody else has changed what is to be written, each time.
func TestAnIssuanceSurvivesAConflictOfEveryWrite(t *testing.T) {
	for claim, scenario := range scenarios {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			s := newEnvironment(t, scenario)
			conflictingWriter := newConflictingWriter(&s.base)
			s.startController(conflictingWriter.intercept).work()
			s.verify(scenario.renewal, cost{lost: scenario.lost})
			if conflictingWriter.touched < 4 {
				t.Errorf("%d conflicts", conflictingWriter.touched)
			}
		})
	}
}

// conflictingWriter is somebody who changes every object just before the controller writes to it for the first time.
type conflictingWriter struct {
	base *base
	// last is the last write of each object.
	last    map[types.UID]string
	touched int
}

func newConflictingWriter(b *base) *conflictingWriter {
	return &conflictingWriter{base: b, last: map[types.UID]string{}}
}

func (r *conflictingWriter) intercept(s step, act func() error) error {
	if s.object == nil || strings.HasPrefix(s.name, "create ") || r.last[s.object.GetUID()] == s.name {
		if s.object != nil {
			delete(r.last, s.object.GetUID())
		}
		return act()
	}
	r.last[s.object.GetUID()] = s.name
	r.touched++
	object := s.object.DeepCopyObject().(client.Object)
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/touched":"%d"}}}`, r.touched)
	err := server.Client.Patch(r.base.Context(), object, client.RawPatch(types.MergePatchType, patch))
	if err != nil {
		r.base.Errorf("touch %s: %v", s.name, err)
	}
	return act()
}

// TestAnIssuanceSurvivesAnAPIServerThatIsAwayAtEveryStep: no response is lost, since the controller lives.
func TestAnIssuanceSurvivesAnAPIServerThatIsAwayAtEveryStep(t *testing.T) {
	for _, claim := range []string{first, renewal} {
		for _, when := range []moment{before, after} {
			expectedSteps := scenarios[claim].expectedSteps()
			everyStep(t, fmt.Sprintf("%s, %s", claim, when), expectedSteps, func(t *testing.T, number int) (*process, bool) {
				t.Helper()
				s := newEnvironment(t, scenarios[claim])
				outage := &outage{number: number, when: when}
				controller := s.startController(outage.intercept)
				controller.beforeRead = outage.beforeRead
				controller.work()
				s.verify(scenarios[claim].renewal, cost{})
				return controller.process, outage.begun
			})
		}
	}
}

// outage is a time without an API server. The service is not concerned.
type outage struct {
	number int
	when   moment
	begun  bool
	// left is how many tries it lasts.
	left int
}

// duration is how many reads and writes in a row an outage spoils. Between two of them there is up to a minute.
const duration = 15

func (o *outage) intercept(s step, act func() error) error {
	begins := s.number == o.number && !o.begun
	if begins && o.when == after {
		err := act()
		o.begin()
		if s.isCall() {
			return err
		}
		return o.beforeRead()
	}
	if begins {
		o.begin()
	}
	if s.isCall() {
		return act()
	}
	if err := o.beforeRead(); err != nil {
		return err
	}
	return act()
}

func (o *outage) begin() { o.begun, o.left = true, duration }

func (o *outage) beforeRead() error {
	if o.left == 0 {
		return nil
	}
	o.left--
	return &url.Error{Op: "Get", URL: "https://api.example", Err: syscall.ECONNREFUSED}
}

// writesRefused are the ways in which all writes are refused for a time, and what is read is not.
var writesRefused = map[string]refusal{
	"an API server that writes nothing": {30 * time.Minute, func(client.Object) error {
		return apierrors.NewTimeoutError("etcdserver: request timed out", 0)
	}},
	"an admission webhook": {5 * time.Minute, func(object client.Object) error {
		return apierrors.NewForbidden(schema.GroupResource{Resource: "all"}, object.GetName(),
			errors.New(`admission webhook "policy.example" denied the request`))
	}},
}

// TestAnIssuanceSurvivesWritesThatAreRefusedFromEveryStepOn: what the service has answered meanwhile is not lost.
func TestAnIssuanceSurvivesWritesThatAreRefusedFromEveryStepOn(t *testing.T) {
	for claim, refused := range writesRefused {
		for _, kind := range []string{first, renewal} {
			scenario := scenarios[kind]
			everyStep(t, kind+", "+claim, scenario.expectedSteps(), func(t *testing.T, number int) (*process, bool) {
				t.Helper()
				s := newEnvironment(t, scenario)
				var until time.Time
				controller := s.startController(func(step step, act func() error) error {
					now := s.clock.Now()
					if step.number == number {
						until = now.Add(refused.duration)
					}
					if now.Before(until) && step.object != nil {
						return refused.answer(step.object)
					}
					return act()
				})
				controller.issuanceTimeout += refused.duration
				controller.work()
				s.verify(scenario.renewal, cost{})
				return controller.process, !until.IsZero()
			})
		}
	}
}

// refusal is a time in which the API server takes no writes.
type refusal struct {
	duration time.Duration
	answer   func(client.Object) error
}

// TestAnIssuanceSurvivesAJumpOfTheClockAtEveryStep: the controller's clock is wrong by an hour from then on.
func TestAnIssuanceSurvivesAJumpOfTheClockAtEveryStep(t *testing.T) {
	for _, claim := range []string{first, renewal} {
		for direction, distance := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
			want := scenarios[claim].expectedSteps()
			everyStep(t, claim+", "+direction, want, func(t *testing.T, number int) (*process, bool) {
				t.Helper()
				s := newEnvironment(t, scenarios[claim])
				controller := s.startController(passThrough)
				controller.issuanceTimeout += time.Hour
				jumped := false
				controller.intercept = func(step step, act func() error) error {
					err := act()
					if step.number == number {
						jumped = true
						controller.controllerClock.jump(distance)
					}
					return err
				}
				controller.work()
				s.verify(scenarios[claim].renewal, cost{wrongClock: distance > 0})
				return controller.process, jumped
			})
		}
	}
}

// TestARenewalThatIsRefusedForLongGivesWayToTransferCredentials: they lie there all the time, and are spent only then.
func TestARenewalThatIsRefusedForLongGivesWayToTransferCredentials(t *testing.T) {
	t.Parallel()
	const long = 5 * time.Minute
	s := newEnvironment(t, scenario{renewal: true, timeout: &metav1.Duration{Duration: long}, faults: []admin.Fault{
		{Operation: renew, Kind: admin.ResultFail, Code: "PKI099", Count: 1000},
	}})
	began := s.clock.Now()
	s.startController(passThrough).work()
	s.verifyCertificate()
	s.verifyOrders()
	bought := s.accepted(signNew)
	if len(bought) != 1 || bought[0].Time.Sub(began) < long || len(s.accepted(renew)) > 0 {
		t.Errorf("since %s the service has accepted %+v", began, bought)
	}
}
