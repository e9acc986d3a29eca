package rotator_test

import (
	"crypto/rand"
	"crypto/x509"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	messages "github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

var (
	rotations = flag.Int("rotations", 8, "how many rotations there are while every call may fail; make soak has 10,000")
	seedFlag  = flag.Uint64("seed", 0, "seed of what is random; 0 picks one and logs it")
)

const (
	// soakAccounts rotate side by side, each with a clock and a service of its own.
	soakAccounts = 8
	// percent is how many of the rotations are hit by each kind of fault.
	percent = 5
	// lockOut is for how long the service refuses the right password, as one does whose lock has grown.
	lockOut = admin.Duration(15 * time.Minute)
	// briefTimeout ends calls that hang: by the real clock, and they show nothing new by hanging longer.
	briefTimeout = 400 * time.Millisecond
)

// TestRotationsGoOnWhateverTheServiceDoes: every kind of fault hits 5 % of the rotations, several of them the same one,
// and in 5 % somebody else changes the password in the middle of a call. No password is lost at any moment, and the
// account is never locked by what the controller does.
func TestRotationsGoOnWhateverTheServiceDoes(t *testing.T) {
	all := &figures{faults: map[admin.MessagesFaultKind]int{}}
	seed := *seedFlag
	if seed == 0 {
		seed = mathrand.Uint64()
	}
	t.Logf("-seed=%d has the same faults again", seed)
	t.Run("accounts", func(t *testing.T) {
		for number := range soakAccounts {
			t.Run(strconv.Itoa(number), func(t *testing.T) {
				s := &soak{
					world: begin(t, nil), all: all, random: mathrand.New(mathrand.NewPCG(seed, uint64(number))),
				}
				s.run((*rotations + number) / soakAccounts)
			})
		}
	})
	t.Logf("%d rotations of %d accounts in %.0f days of the clocks: %d log-ins, of which %d failed, at most %d in an "+
		"hour; %d new passwords sent; faults %v; a person put in %d passwords that somebody else had set; the right "+
		"password was refused for %s at most; the longest rotation took %s", all.rotations, soakAccounts, all.days,
		all.logIns, all.failed, all.mostFailed, all.passwords, all.faults, all.changes, all.longestRefusal,
		all.longestRotation)
	if all.rotations != *rotations {
		t.Errorf("%d of %d rotations were made", all.rotations, *rotations)
	}
}

// soak is one account.
type soak struct {
	*world

	all *figures
	// elsewhere is the password that somebody else has made the account's, until a person has put it into the Secret.
	elsewhere string
	changes   int
	random    *mathrand.Rand
	witness   *witness
}

func (s *soak) run(count int) {
	s.Helper()
	s.put(first)
	s.witness = &witness{Client: s.access, secrets: map[string]map[string][]byte{"messages": s.secret("messages").Data}}
	s.reconciler = rotator.New(rotator.Options{
		Client: s.witness, Reader: s.witness, Connect: s.connectBriefly, Random: rand.Reader, Clock: s.clock,
		Events: status.Events{Recorder: s.events}, Metrics: &s.counts,
	})
	s.settle()
	const said = 100
	began := s.clock.Now()
	for number := range count {
		s.clock.SetTime(later(s.object.Status.NextRotationTime, s.clock.Now()))
		s.misbehave(number)
		s.rotate()
		s.forget()
		if done := number + 1; done%said == 0 {
			s.Logf("%d rotations of %d", done, count)
		}
	}
	s.must(s.admin.ClearMessagesFaults(s.Context()))
	s.pass(2 * time.Hour)
	s.add(count, began)
}

// misbehave has each kind of fault hit one call of the next rotation, in 5 % of the rotations: of an operation that it
// can hit, and not always the first one.
func (s *soak) misbehave(number int) {
	s.Helper()
	for _, kind := range admin.MessagesFaultKinds() {
		const often, sometimes = 40, 2
		if s.random.IntN(100) >= percent || kind == admin.MessagesChanged && s.elsewhere != "" {
			continue
		}
		fault := admin.MessagesFault{Kind: kind, Count: 1, Probability: often}
		operations := slices.DeleteFunc(admin.MessagesOperations(), func(operation admin.MessagesOperation) bool {
			fault.Operation = operation
			return fault.Validate() != nil && kind != admin.MessagesChanged
		})
		fault.Operation = operations[s.random.IntN(len(operations))]
		switch kind {
		case admin.MessagesChanged:
			s.elsewhere = fmt.Sprintf("Changed-by-somebody-else-%08d~", number)
			fault.Password = s.elsewhere
		case admin.MessagesHTTPStatus:
			fault.AfterProcessing = s.random.IntN(sometimes) == 0
			fault.RetryAfter = admin.Duration(time.Duration(s.random.IntN(sometimes)) * time.Hour)
		case admin.MessagesLockOut:
			fault.Count, fault.Probability, fault.ForDuration = 0, 0, lockOut
		default:
		}
		s.script(fault)
		s.all.count(kind)
	}
}

// rotate goes on until there is another password in the Secret.
func (s *soak) rotate() {
	s.Helper()
	const longest = 60 * day
	began, last := s.clock.Now(), s.object.Status.LastRotationTime
	for last.Equal(s.object.Status.LastRotationTime) {
		if s.clock.Since(began) > longest {
			s.Fatalf("the rotation does not end: %+v", s.object.Status)
		}
		s.settle()
		s.bringPassword()
		s.clock.SetTime(s.next())
	}
	s.all.Lock()
	defer s.all.Unlock()
	s.all.longestRotation = max(s.all.longestRotation, s.object.Status.LastRotationTime.Sub(began))
}

// settle looks until there is nothing left to do at this moment. At every moment one of the two Secrets has the
// service's password.
func (s *soak) settle() {
	s.Helper()
	const most = 60
	for range most {
		result, err := s.look()
		if err != nil {
			s.lookAgain(err)
			continue
		}
		s.held = nil
		for _, data := range s.witness.secrets {
			for _, key := range []string{v1alpha1.KeyPassword, v1alpha1.KeyNewPassword} {
				if value := string(data[key]); value != "" {
					s.held = append(s.held, value)
				}
			}
		}
		s.checkHeld()
		if result.RequeueAfter >= time.Second {
			s.reload()
			return
		}
	}
	s.Fatalf("it does not come to rest: %+v", s.object.Status)
}

// lookAgain is for an API server that has not answered in time, as one does not on a machine that is very busy. What it
// has done all the same is read anew.
func (s *soak) lookAgain(err error) {
	s.Helper()
	s.Log(err)
	s.witness.secrets = map[string]map[string][]byte{}
	for _, name := range []string{"messages", rotation.StagingName("messages")} {
		if secret := s.secret(name); secret != nil {
			s.witness.note(secret)
		}
	}
}

// bringPassword is the person who is needed.
func (s *soak) bringPassword() {
	s.Helper()
	needed := condition(s.object, v1alpha1.ConditionNeedsPerson)
	if s.elsewhere == "" || needed.Status != metav1.ConditionTrue || !s.works(s.elsewhere) {
		return
	}
	s.put(s.elsewhere)
	s.witness.note(s.secret("messages"))
	s.elsewhere = ""
	s.changes++
}

// next is the next time that anything was planned for; ten minutes away where the status does not tell.
func (s *soak) next() time.Time {
	its, now := &s.object.Status, s.clock.Now()
	plans := []*metav1.MicroTime{its.NextCallTime, its.NextProbeTime}
	if its.Rotation != nil {
		plans = append(plans, its.Rotation.NextSendTime)
	}
	const unknown = 10 * time.Minute
	next := now.Add(day)
	for _, plan := range plans {
		if plan != nil && plan.After(now) && plan.Time.Before(next) {
			next = plan.Time
		}
	}
	if next.Equal(now.Add(day)) {
		next = now.Add(unknown)
	}
	return next
}

// forget looks for passwords in what was said, and forgets both.
func (s *soak) forget() {
	s.Helper()
	s.known = append(s.known, s.held...)
	s.checkSecrecy()
	s.log.Reset()
	s.shown, s.known = nil, nil
}

// connectBriefly makes clients that do not wait for long.
func (s *soak) connectBriefly(
	object *v1alpha1.MessagesPassword, roots []*x509.Certificate,
) (rotator.Service, error) {
	list, err := endpoints.Parse([]string{"127.0.0.1:*"})
	if err != nil {
		return nil, err
	}
	return messages.New(messages.Options{
		URL: object.Spec.URL, TLS: roots, Endpoints: endpoints.Rule{Allowed: list, Bound: true}, Clock: s.clock,
		UserAgent: "soak/1", Timeout: briefTimeout,
	})
}

// later is a plan, or now if that is over.
func later(plan *metav1.Time, now time.Time) time.Time {
	if plan == nil || plan.Time.Before(now) {
		return now
	}
	return plan.Time
}
