package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// TestTheHintAtRenewBefore: it is not given to somebody who has followed it already.
func TestTheHintAtRenewBefore(t *testing.T) {
	for before, hinted := range map[time.Duration]bool{
		0: true, window + time.Second: true, window: false, time.Hour: false,
	} {
		action := plan.Decide(requested(currentUntil(now.AddDate(1, 0, 0)),
			func(s *plan.Snapshot) { s.Request.RenewBefore = before }))
		waitFor(v1alpha1.ReasonWaitingForWindow, "stays in use until then").check(t, action)
		if got := strings.Contains(action.Message, "spec.renewBefore"); got != hinted {
			t.Errorf("with a renewBefore of %s it is hinted at: %t: %s", before, got, action.Message)
		}
	}
	waitFor(v1alpha1.ReasonWaitingForWindow, "or less, in place of spec.renewBeforePercentage, to be spared").check(t,
		plan.Decide(requested(currentUntil(now.AddDate(1, 0, 0)),
			func(s *plan.Snapshot) { s.Request.RenewBefore, s.Request.ByPercentage = 2*window, true })))
}

// TestALifeToTheSecond follows one certificate from before its first to after its last second.
func TestALifeToTheSecond(t *testing.T) {
	from, until := now, now.AddDate(2, 0, 0)
	leaf, opens := dated(t, from, until), until.Add(-window)
	unusable := waitFor(v1alpha1.ReasonWaitingForCredentials, "so a new one needs transfer credentials")
	held := func(at time.Time) want {
		return want{verb: plan.Wait, reason: v1alpha1.ReasonWaitingForWindow, at: at,
			says: []string{"can be renewed from 2028-04-02T12:00:00Z on"}}
	}
	for claim, c := range map[string]struct {
		moment                        time.Time
		without, withCredentials, any want
	}{
		"our clock is more than 5 minutes behind when it is made": {
			from.Add(-5*time.Minute - time.Second), unusable, createSignNew(1), want{}},
		"our clock is 5 minutes behind when it is made": {
			from.Add(-5 * time.Minute), held(from.Add(55 * time.Minute)), createSignNew(1), want{}},
		"its first second": {from, held(from.Add(time.Hour)), createSignNew(1), want{}},
		"two thirds, when cert-manager asks by default": {
			from.Add(until.Sub(from) / 3 * 2), held(from.Add(until.Sub(from)/3*2 + time.Hour)), createSignNew(1), want{}},
		"a second before the window opens": {opens.Add(-time.Second), held(opens), createSignNew(1), want{}},
		"the second in which it opens":     {opens, want{}, want{}, createRenewal(1)},
		"the second after":                 {opens.Add(time.Second), want{}, want{}, createRenewal(1)},
		"a second before its last":         {until.Add(-time.Second), want{}, want{}, createRenewal(1)},
		"its last second":                  {until, want{}, want{}, createRenewal(1)},
		"the second after its end":         {until.Add(time.Second), unusable, createSignNew(1), want{}},
	} {
		if c.any.verb != "" {
			c.without, c.withCredentials = c.any, c.any
		}
		run(t, map[string]decision{
			claim + ", no credentials": {requested(at(c.moment), holding(t, leaf)), c.without},
			claim + ", credentials of its own": {
				requested(at(c.moment), holding(t, leaf), credentials, ownCredentials), c.withCredentials},
		})
	}
	run(t, map[string]decision{
		"a life that is shorter than the window can be renewed at once": {
			requested(holding(t, dated(t, now, now.Add(time.Hour)))), createRenewal(1)},
		"also by a clock that is behind": {
			requested(holding(t, dated(t, now.Add(time.Minute), now.Add(time.Hour)))), createRenewal(1)},
	})
}
