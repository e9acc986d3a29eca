package stories

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// passwordCases are what can come of a demand, with a real service and real time.
var passwordCases = map[string]func(*account){
	"nothing goes wrong": func(a *account) {
		a.demand()
		if ledger := a.awaitRotated(); ledger.Applied != 1 || ledger.DistinctNew != 1 || ledger.Failed != 0 {
			a.Errorf("the service says %+v", ledger)
		}
		text := must.Get(a.Messages(1).Metrics(a.Context()))(a)
		must.Contain(a, text, `varmenne_messages_calls_total{operation="events",outcome="Done"}`,
			"varmenne_messages_rotations_total")
		a.awaitEvent(v1alpha1.ReasonRotated, "has had a new password since")
	},
	"the response to the change is lost after it":  lostResponse(admin.MessagesReset, 0),
	"the response to the change is lost before it": lostResponse(admin.MessagesDropBefore, 1),
	"the change is applied a minute later":         lostResponse(admin.MessagesLater, 1),
	"the service repeats what it was sent": func(a *account) {
		a.script(admin.MessagesFault{Kind: admin.MessagesEcho, Operation: admin.MessagesChange})
		a.demand()
		a.await("the refusal to be shown", a.says(v1alpha1.ReasonChangeRefused, "has refused once"))
		a.pass(2 * time.Hour)
		a.awaitRotated()
	},
	"the account is locked, and refuses the right password": func(a *account) {
		a.script(admin.MessagesFault{Kind: admin.MessagesLockOut})
		a.demand()
		told := a.await("somebody to be told", a.says(v1alpha1.ReasonPasswordRefused, "or the account is locked"))
		if ledger := a.ledgerOf(); !needsPerson(told) || ledger.Failed != 1 || ledger.DistinctNew != 0 {
			a.Errorf("the service says %+v, the object %+v", ledger, told.Status)
		}
		a.pass(16 * time.Minute)
		if ledger := a.awaitRotated(); ledger.Failed != 1 || ledger.DistinctNew != 1 {
			a.Errorf("the service says %+v", ledger)
		}
	},
	"there were too many changes": func(a *account) {
		a.script(admin.MessagesFault{Kind: admin.MessagesAttemptLimit})
		a.demand()
		a.await("the refusal to be shown", a.says(v1alpha1.ReasonChangeRefused, "Attempt limit exceeded"))
		a.pass(time.Hour)
		if ledger := a.awaitRotated(); ledger.DistinctNew != 1 || ledger.Failed != 0 {
			a.Errorf("the service says %+v", ledger)
		}
	},
	"the service refuses a password for ever": func(a *account) {
		a.script(admin.MessagesFault{Kind: admin.MessagesPolicy})
		a.demand()
		// After the fifth refusal another one is made at once.
		for _, times := range []string{"once", "2 times", "3 times", "4 times"} {
			a.await("refusal "+times, a.says(v1alpha1.ReasonChangeRefused, "has refused "+times+" to change it",
				"Password did not conform with policy"))
			if ledger := a.ledgerOf(); ledger.DistinctNew != 1 {
				a.Fatalf("having refused %s, the service was sent %d passwords", times, ledger.DistinctNew)
			}
			a.pass(25 * time.Hour)
		}
		if ledger := a.awaitRotated(); ledger.DistinctNew != 2 || ledger.Failed != 0 {
			a.Errorf("the service says %+v", ledger)
		}
	},
	"a gateway answers with a web page":      outage(admin.MessagesHTTPStatus, "502"),
	"a response breaks off in its middle":    outage(admin.MessagesTruncated, "JSON"),
	"the service does not know the address":  outage(admin.MessagesStranger, "403"),
	"somebody else has changed the password": changedElsewhere,
	"the password from before is put back": func(a *account) {
		a.demand()
		rotated := a.await("a rotation", a.says(v1alpha1.ReasonRotated))
		for range 2 {
			a.bring(a.first)
			testkit.Eventually(a.T, "the new password to be put back", func(context.Context) (bool, error) {
				return a.password() != a.first, nil
			}, func() string { return a.describe(mailNamespace) })
		}
		settled := a.await("the object to say so", a.says(v1alpha1.ReasonRotated))
		ledger, first := a.awaitRotated(), rotated.Status.LastRotationTime
		if ledger.Applied != 1 || ledger.Failed != 0 || !settled.Status.LastRotationTime.Equal(first) {
			a.Errorf("the service says %+v, the object %+v", ledger, settled.Status)
		}
	},
}

// TestADemandIsMetWhateverHappens to the calls that it takes.
func TestADemandIsMetWhateverHappens(t *testing.T) {
	t.Parallel()
	for claim, check := range passwordCases {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			check(beginAccount(t))
		})
	}
}

// lostResponse is a change whose response does not come, after which so many log-ins may fail.
func lostResponse(kind admin.MessagesFaultKind, failed int) func(*account) {
	return func(a *account) {
		a.script(admin.MessagesFault{Kind: kind, Operation: admin.MessagesChange})
		a.demand()
		a.await("the loss to be told", a.says(v1alpha1.ReasonRotationUncertain, "both are kept"))
		ledger := a.awaitRotated()
		if ledger.Applied != 1 || ledger.DistinctNew != 1 || ledger.Failed > failed {
			a.Errorf("the service says %+v", ledger)
		}
	}
}

// outage is a log-in that nothing can be read in; it is made again a minute later.
func outage(kind admin.MessagesFaultKind, told string) func(*account) {
	return func(a *account) {
		a.script(admin.MessagesFault{Kind: kind, Operation: admin.MessagesToken})
		a.demand()
		a.await("the outage to be told", a.says(v1alpha1.ReasonServiceUnavailable, told))
		if ledger := a.awaitRotated(); ledger.DistinctNew != 1 || ledger.Failed != 0 {
			a.Errorf("the service says %+v", ledger)
		}
	}
}

// changedElsewhere: nobody but a person has the right password. What the person puts into the Secret is noticed within
// a minute, and the demand met with it.
func changedElsewhere(a *account) {
	const noticed = 90 * time.Second // a minute, on a busy machine
	brought := newPassword()
	must.Do(a, a.Service.SetMessagesPassword(a.Context(), a.name, brought))
	a.demand()
	told := a.await("somebody to be told", a.says(v1alpha1.ReasonPasswordRefused, "Secret "+a.name, "DVV"))
	if !needsPerson(told) {
		a.Errorf("the object says %+v", told.Status)
	}
	a.awaitEvent(v1alpha1.ReasonPasswordRefused)
	a.bring(brought)
	began := time.Now()
	a.await("the person's password to be proved", func(object *v1alpha1.MessagesPassword) bool {
		return !needsPerson(object)
	})
	if took := time.Since(began); took > noticed {
		a.Errorf("a person's password was noticed after %s", took)
	}
	if ledger := a.awaitRotated(); ledger.Applied != 2 || ledger.Failed != 1 {
		a.Errorf("the service says %+v", ledger)
	}
}

// TestAPasswordRotatesByItself at every interval, without a demand.
func TestAPasswordRotatesByItself(t *testing.T) {
	t.Parallel()
	a := beginAccount(t, func(object *v1alpha1.MessagesPassword) {
		object.Spec.Interval = &metav1.Duration{Duration: time.Minute}
	})
	last := a.object().Status.LastRotationTime
	if last != nil {
		a.Errorf("a password was rotated at first sight: %s", last)
	}
	for range 2 {
		rotated := a.await("a rotation", func(object *v1alpha1.MessagesPassword) bool {
			return object.Status.LastRotationTime != nil && !object.Status.LastRotationTime.Equal(last) &&
				a.says(v1alpha1.ReasonRotated)(object)
		})
		if last != nil && rotated.Status.LastRotationTime.Sub(last.Time) < time.Minute {
			a.Errorf("a rotation came %s after the one before", rotated.Status.LastRotationTime.Sub(last.Time))
		}
		last = rotated.Status.LastRotationTime
		a.checkPassword()
	}
}

// TestWhatRotatesWouldBeFoundWhereItIsTold: the closing check knows the passwords that the controller has made, also
// those that are gone, and the service's tokens.
func TestWhatRotatesWouldBeFoundWhereItIsTold(t *testing.T) {
	t.Parallel()
	a := beginAccount(t)
	a.demand()
	a.awaitRotated()
	for told, what := range map[string]string{
		a.first:                              "the password in Secret mail/" + a.name,
		a.password():                         "the password in Secret mail/" + a.name,
		admin.MessagesTokenPrefix + "abcdef": "a token of Suomi.fi Messages",
	} {
		found := a.GivenAway([]byte("told: " + told))
		if len(found) != 1 || !strings.HasPrefix(found[0], what) { // it was in the Secret beside it, too
			a.Errorf("%s was told, and the check has found %q", what, found)
		}
	}
}
