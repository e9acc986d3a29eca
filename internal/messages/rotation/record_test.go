package rotation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

const traceProblem = "502, traceId 7"

// decided is a snapshot and what is decided for it, with the intent written.
func decided(t *testing.T, verb rotation.Verb, changes ...change) (rotation.Snapshot, rotation.Decision) {
	t.Helper()
	s := snapshot(changes...)
	d := rotation.Decide(s)
	if d.Verb != verb {
		t.Fatalf("it decides to %s %s", d.Verb, d.Password)
	}
	s.Object = s.Object.DeepCopy()
	rotation.Intend(s.Object, d)
	s.Object = stored(t, s.Object)
	return s, d
}

// TestTheWorstIsWrittenBefore anything is done, so that whoever comes after a crash knows of it.
func TestTheWorstIsWrittenBefore(t *testing.T) {
	for claim, c := range map[string]struct {
		changes []change
		verb    rotation.Verb
		state   v1alpha1.MessagesPasswordState
		failed  int
		says    string // of the rotation
	}{
		"a log-in that fails": {[]change{found}, rotation.LogIn, "Idle", 1, ""},
		"a rotation": {
			[]change{due, checked, staged, demanded}, rotation.Prepare, "Prepared", 0, `demand a person leaves`},
		"a sending that arrives": {
			[]change{due, prepared}, rotation.Send, "Sent", 1, "attempts 1, unclear 1, new Unknown, current Unknown"},
		"another one that does": {
			[]change{inFlight(time.Hour, "Unknown", newRefused, currentTaken)}, rotation.Send, "Sent", 1,
			"attempts 2, unclear 2, new Unknown, current Unknown"},
		"a sending of somebody who is gone": {
			[]change{staged, abandoned}, rotation.Adopt, "Settling", 0, "attempts 1, unclear 1"},
		"a staging Secret that may go": {[]change{prepared, suspended}, rotation.Retire, "Idle", 0, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			s, _ := decided(t, c.verb, c.changes...)
			got := &s.Object.Status
			rotated := ""
			if r := got.Rotation; r != nil {
				rotated = fmt.Sprintf("demand %s, attempts %d, unclear %d, new %s, current %s", r.Demand, r.Attempts,
					len(r.UnclearSends), r.NewPassword, r.CurrentPassword)
			}
			if got.State != c.state || len(got.FailedLogins) != c.failed || !strings.Contains(rotated, c.says) ||
				(got.Rotation == nil) != (c.says == "") || (got.StagingSecretName == "") != (c.says == "") {
				t.Errorf("it writes %s, %d failed log-ins, %s", got.State, len(got.FailedLogins), rotated)
			}
			if c.verb == rotation.Send && got.ProvedSecretVersion != "" {
				t.Error("the password of the Secret counts as proved while another one is sent")
			}
			if c.verb == rotation.Retire && got.RetiredStagingUID != "staging-1" {
				t.Error("it does not say which one")
			}
		})
	}
}

// outcome is what a test looks at.
type outcome struct {
	Failed        int
	Call, Probe   time.Duration // until the next one; zero if there is no pause
	Proved        bool
	Current, New  v1alpha1.PasswordVerdict
	Reason, Said  string
	PersonsTurn   bool
	SinceFirstSee bool
}

func outcomeOf(object *v1alpha1.MessagesPassword, version string) outcome {
	s := &object.Status
	until := func(at *metav1.MicroTime) time.Duration {
		if at == nil {
			return 0
		}
		return at.Sub(now)
	}
	o := outcome{
		Failed: len(s.FailedLogins), Call: until(s.NextCallTime), Probe: until(s.NextProbeTime),
		Proved: s.ProvedSecretVersion == version, Reason: condition(object, "Ready").Reason,
		Said:          s.RefusalReason,
		PersonsTurn:   condition(object, "NeedsPerson").Status == metav1.ConditionTrue,
		SinceFirstSee: s.PasswordSince != nil && s.PasswordSince.Time.Equal(now),
	}
	if s.Rotation != nil {
		o.Current, o.New = s.Rotation.CurrentPassword, s.Rotation.NewPassword
	}
	return o
}

func TestWhatComesOfALogIn(t *testing.T) {
	const taken, refused, unknown = v1alpha1.PasswordAccepted, v1alpha1.PasswordRefused, v1alpha1.PasswordUnknown
	lost := inFlight(time.Hour, unknown)
	level := func(unclear, refused int32) change {
		return status(func(s *v1alpha1.MessagesPasswordStatus) { s.UnclearResponses, s.RefusedProbes = unclear, refused })
	}
	for claim, c := range map[string]struct {
		changes []change
		login   rotation.Login
		want    outcome
	}{
		"a found password is taken": {[]change{found, said}, rotation.Login{Token: rotation.Accepted},
			outcome{Proved: true, SinceFirstSee: true, Reason: "ProvingPassword"}},
		"one that somebody has changed, too": {[]change{changed}, rotation.Login{Token: rotation.Accepted},
			outcome{Proved: true, SinceFirstSee: true, Reason: "ProvingPassword"}},
		"another label makes no new password": {[]change{secret(func(s *rotation.Secret) { s.Version = "8" })},
			rotation.Login{Token: rotation.Accepted}, outcome{Proved: true, Reason: "ProvingPassword"}},
		"it is refused": {[]change{found}, rotation.Login{Token: rotation.Refused, Problem: traceProblem + "\n"},
			outcome{Failed: 1, Probe: 15 * time.Minute, Reason: "ProvingPassword", Said: traceProblem}},
		"for the second time": {[]change{changed, level(0, 1)}, rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, Probe: time.Hour, Reason: "ProvingPassword"}},
		"for the ninth time": {[]change{changed, level(0, 8)}, rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, Probe: 6 * time.Hour, Reason: "ProvingPassword"}},
		"for the first time, after others that were": {
			[]change{changed, level(0, 8), status(func(s *v1alpha1.MessagesPasswordStatus) {
				s.RefusedSecretVersion, s.NextProbeTime = "7", ago(-time.Hour)
			})},
			rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, Probe: 15 * time.Minute, Reason: "ProvingPassword"}},
		"nobody knows": {[]change{found}, rotation.Login{Problem: traceProblem},
			outcome{Failed: 1, Call: time.Minute, Reason: "ServiceUnavailable"}},
		"nobody knows, for the third time": {[]change{changed, level(2, 0)}, rotation.Login{},
			outcome{Failed: 1, Call: 4 * time.Minute, Reason: "ServiceUnavailable"}},
		"nobody knows, for the ninth time": {[]change{changed, level(8, 0)}, rotation.Login{},
			outcome{Failed: 1, Call: 15 * time.Minute, Reason: "ServiceUnavailable"}},
		"no connection is no failed log-in": {[]change{found}, rotation.Login{Token: rotation.Unsent},
			outcome{Call: time.Minute, Reason: "ServiceUnavailable"}},
		"the service asks for an hour": {[]change{found}, rotation.Login{RetryAfter: time.Hour},
			outcome{Failed: 1, Call: time.Hour, Reason: "ServiceUnavailable"}},
		"and for less than our pause": {[]change{found}, rotation.Login{RetryAfter: time.Second},
			outcome{Failed: 1, Call: time.Minute, Reason: "ServiceUnavailable"}},
		"and for a year": {[]change{found}, rotation.Login{RetryAfter: 8760 * time.Hour},
			outcome{Failed: 1, Call: day, Reason: "ServiceUnavailable"}},
		"also with a token": {[]change{found}, rotation.Login{Token: rotation.Accepted, RetryAfter: time.Hour},
			outcome{Call: time.Hour, Proved: true, SinceFirstSee: true, Reason: "ProvingPassword"}},
		"a token without events begins nothing": {[]change{due},
			rotation.Login{Token: rotation.Accepted, Events: rotation.Refused},
			outcome{Call: time.Minute, Proved: true, Reason: "EventsRefused", PersonsTurn: true}},
		"nor does one that nobody answers": {[]change{due}, rotation.Login{Token: rotation.Accepted},
			outcome{Call: time.Minute, Proved: true, Reason: "ServiceUnavailable"}},
		"the new one is proved": {[]change{lost}, rotation.Login{Token: rotation.Accepted, Events: rotation.Accepted},
			outcome{New: taken, Current: unknown, Reason: "ProvingPassword"}},
		"a token alone proves no new one": {
			[]change{lost}, rotation.Login{Token: rotation.Accepted, Events: rotation.Refused},
			outcome{New: unknown, Current: unknown, Call: time.Minute, Reason: "EventsRefused", PersonsTurn: true}},
		"the new one is refused": {[]change{lost}, rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, New: refused, Current: unknown, Reason: "ProvingPassword"}},
		"a lost response says nothing of it": {[]change{lost}, rotation.Login{},
			outcome{Failed: 1, New: unknown, Current: unknown, Call: time.Minute, Reason: "ServiceUnavailable"}},
		"the current one is taken": {
			[]change{inFlight(time.Hour, unknown, newRefused)}, rotation.Login{Token: rotation.Accepted},
			outcome{New: refused, Current: taken, Proved: true, Reason: "ProvingPassword"}},
		"both are refused": {[]change{inFlight(time.Hour, unknown, newRefused)}, rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, New: refused, Current: refused, Probe: 15 * time.Minute, Reason: "ProvingPassword"}},
		"a person's is refused, and the new one is not believed any more": {
			[]change{inFlight(time.Hour, unknown, newTaken), changed}, rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, New: unknown, Current: unknown, Reason: "ProvingPassword"}},
		"a person's is refused, and asked again soon": {
			[]change{inFlight(time.Hour, unknown, newRefused, currentRefused), nextProbe(5*time.Hour, ""), level(0, 3), changed},
			rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, New: refused, Current: refused, Probe: 15 * time.Minute, Reason: "ProvingPassword"}},
		"a person's is refused, and the others are asked": {
			[]change{lost, changed}, rotation.Login{Token: rotation.Refused},
			outcome{Failed: 1, New: unknown, Current: unknown, Reason: "ProvingPassword"}},
	} {
		t.Run(claim, func(t *testing.T) {
			s, d := decided(t, rotation.LogIn, c.changes...)
			rotation.RecordLogin(s.Object, d, c.login, now)
			if difference := cmp.Diff(c.want, outcomeOf(stored(t, s.Object), s.Secret.Version)); difference != "" {
				t.Errorf("it is written down otherwise (-want +got):\n%s", difference)
			}
		})
	}
}

// sentOutcome is what a test of a sending looks at.
type sentOutcome struct {
	State         v1alpha1.MessagesPasswordState
	Change        v1alpha1.PasswordVerdict
	Attempts      int32
	Unclear, Days int
	Failed        int
	Resend, Call  time.Duration
	Reason, Said  string
}

func TestWhatComesOfASending(t *testing.T) {
	const unknown, refused, accepted = v1alpha1.PasswordUnknown, v1alpha1.PasswordRefused, v1alpha1.PasswordAccepted
	again := inFlight(time.Hour, unknown, newRefused, currentTaken)
	refusedYesterday := inFlight(2*time.Hour, refused, currentTaken, refusedFor(1))
	both := func(change rotation.Outcome) rotation.Sending {
		return rotation.Sending{Token: rotation.Accepted, Change: change, Reason: "Attempt limit\x00 exceeded"}
	}
	for claim, c := range map[string]struct {
		changes []change
		sending rotation.Sending
		want    sentOutcome
	}{
		"it is taken": {[]change{due, prepared}, both(rotation.Accepted),
			sentOutcome{State: "Sent", Change: accepted, Attempts: 1, Resend: time.Minute, Reason: "ProvingPassword"}},
		"its response is lost": {[]change{due, prepared}, both(rotation.Unclear),
			sentOutcome{State: "Settling", Change: unknown, Attempts: 1, Unclear: 1, Resend: time.Minute, Call: time.Minute,
				Reason: "RotationUncertain"}},
		"also that of the second one": {[]change{again}, both(rotation.Unclear),
			sentOutcome{State: "Settling", Change: unknown, Attempts: 2, Unclear: 2, Resend: 2 * time.Minute, Call: time.Minute,
				Reason: "RotationUncertain"}},
		"it is refused": {[]change{due, prepared}, both(rotation.Refused),
			sentOutcome{State: "Settling", Change: refused, Attempts: 1, Days: 1, Resend: time.Hour, Reason: "ProvingPassword"}},
		"a refusal settles nothing of an earlier one": {[]change{again}, both(rotation.Refused),
			sentOutcome{State: "Settling", Change: refused, Attempts: 2, Unclear: 1, Days: 1, Resend: time.Hour,
				Reason: "ProvingPassword"}},
		"a refusal on another day counts": {[]change{refusedYesterday}, both(rotation.Refused),
			sentOutcome{State: "Settling", Change: refused, Attempts: 2, Days: 2, Resend: 2 * time.Hour,
				Reason: "ProvingPassword"}},
		"it was not sent": {[]change{due, prepared}, rotation.Sending{Token: rotation.Accepted, Change: rotation.Unsent},
			sentOutcome{State: "Prepared", Call: time.Minute, Reason: "ServiceUnavailable"}},
		"nor for want of a token": {[]change{due, prepared}, rotation.Sending{Change: rotation.Unsent},
			sentOutcome{State: "Prepared", Failed: 1, Call: time.Minute, Reason: "ServiceUnavailable"}},
		"nor without a connection": {[]change{again}, rotation.Sending{Token: rotation.Unsent, Change: rotation.Unsent},
			sentOutcome{State: "Settling", Change: unknown, Attempts: 1, Unclear: 1, Call: time.Minute,
				Reason: "ServiceUnavailable"}},
		"nor with a token refused": {[]change{again}, rotation.Sending{Token: rotation.Refused, Change: rotation.Unsent,
			Problem: traceProblem}, sentOutcome{State: "Settling", Change: unknown, Attempts: 1, Unclear: 1, Failed: 1,
			Reason: "ProvingPassword", Said: traceProblem}},
	} {
		t.Run(claim, func(t *testing.T) {
			s, d := decided(t, rotation.Send, c.changes...)
			rotation.RecordSend(s.Object, d, c.sending, now)
			object := stored(t, s.Object)
			got := sentOutcome{State: object.Status.State, Failed: len(object.Status.FailedLogins),
				Reason: condition(object, "Ready").Reason, Said: object.Status.RefusalReason}
			if next := object.Status.NextCallTime; next != nil {
				got.Call = next.Sub(now)
			}
			if r := object.Status.Rotation; r != nil {
				got.Change, got.Attempts, got.Unclear, got.Days = r.Change, r.Attempts, len(r.UnclearSends), len(r.RefusalTimes)
				if r.NextSendTime != nil {
					got.Resend = r.NextSendTime.Sub(now)
				}
				if strings.Contains(r.RefusalReason, "\x00") {
					t.Errorf("the reason is %q", r.RefusalReason)
				}
			}
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Errorf("it is written down otherwise (-want +got):\n%s", difference)
			}
		})
	}
}

func TestACommitEndsARotation(t *testing.T) {
	object := commit(t, now, func(s *rotation.Snapshot) { s.Object.Status.Rotation.Demand = "a person leaves" }, demanded)
	s := &object.Status
	if s.State != "Idle" || s.Rotation != nil || s.RetiredStagingUID != "staging-1" || s.ProvedSecretVersion != "9" ||
		s.LastHandledDemand != "a person leaves" || s.PasswordOrigin != "Rotated" || !s.PasswordSince.Time.Equal(now) ||
		!s.LastRotationTime.Time.Equal(now) || condition(object, "Ready").Reason != "Rotated" {
		t.Errorf("the status is %+v", s)
	}
	again := commit(t, now, demanded)
	d := rotation.Decide(rotation.Snapshot{Now: now, Object: again, Secret: rotation.Secret{Version: "9"}})
	if d.Verb != rotation.LogIn || !d.Events {
		t.Errorf("a demand that came after the rotation had begun leads to %s", d.Verb)
	}
}

// TestWhatTheClusterRefusesIsToldInAsManyWordsAsAConditionTakes: a webhook may say what it likes.
func TestWhatTheClusterRefusesIsToldInAsManyWordsAsAConditionTakes(t *testing.T) {
	const most = 32768
	object := snapshot().Object
	rotation.RecordClusterError(object, strings.Repeat("ä", most), now)
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionNeedsPerson} {
		got := condition(object, kind)
		if len(got.Message) > most || !utf8.ValidString(got.Message) || !strings.HasSuffix(got.Message, "it is tried again") {
			t.Errorf("%s has %d bytes", kind, len(got.Message))
		}
	}
}
