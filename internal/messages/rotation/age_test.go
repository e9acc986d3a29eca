package rotation_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

func TestTheAgeOfAPassword(t *testing.T) {
	since := func(at time.Time, origin v1alpha1.PasswordOrigin) change {
		return status(func(s *v1alpha1.MessagesPasswordStatus) {
			s.PasswordSince, s.PasswordOrigin = &metav1.Time{Time: at}, origin
		})
	}
	for claim, c := range map[string]struct {
		since  change
		old    metav1.ConditionStatus
		reason string
	}{
		"nobody has seen it":   {found, "", ""},
		"a young one":          {since(now.AddDate(0, -6, 1), "Rotated"), "False", "PasswordFresh"},
		"one of unknown age":   {since(now.AddDate(0, -6, 1), "Found"), "False", "AgeUnknown"},
		"one of six months":    {since(now.AddDate(0, -6, 0), "Rotated"), "True", "SixMonthsOld"},
		"seen six months ago":  {since(now.AddDate(0, -6, 0), "Found"), "True", "SixMonthsOld"},
		"one of a year":        {since(now.AddDate(-1, 0, 0), "Found"), "True", "OneYearOld"},
		"one from another day": {since(now.Add(day), "Rotated"), "False", "PasswordFresh"},
	} {
		s := snapshot(c.since, suspended)
		rotation.Intend(s.Object, rotation.Decide(s))
		if got := condition(s.Object, "PasswordOld"); got.Status != c.old || got.Reason != c.reason ||
			strings.HasPrefix(got.Message, "nobody knows how old") != (s.Object.Status.PasswordOrigin == "Found") {
			t.Errorf("%s: %s %s: %s", claim, got.Status, got.Reason, got.Message)
		}
	}
}

func TestTheRetrievalOfMessages(t *testing.T) {
	watched := spec(func(s *v1alpha1.MessagesPasswordSpec) {
		s.Retrieval = &v1alpha1.MessagesRetrieval{CronJobName: "fetch", MaxAge: &metav1.Duration{Duration: time.Hour}}
	})
	last := func(long time.Duration) change {
		return func(s *rotation.Snapshot) { s.Retrieval.Last = now.Add(-long) }
	}
	for claim, c := range map[string]struct {
		changes []change
		late    metav1.ConditionStatus
		says    string
	}{
		"nobody watches": {nil, "", ""},
		"it is in time":  {[]change{watched, last(time.Hour)}, "False", "in time"},
		"it is late":     {[]change{watched, last(time.Hour + 1)}, "True", "last fetched at 2026-11-28T10:59:59Z"},
		"it never was":   {[]change{watched}, "True", "ever fetched"},
		"nobody knows": {
			[]change{watched, func(s *rotation.Snapshot) { s.Retrieval.Problem = "no CronJob fetch" }}, "True", "no CronJob"},
		"it is not so far": {[]change{watched, last(time.Minute), suspended}, "False", "in time"},
		"nobody any more":  {[]change{conditionSet("RetrievalLate")}, "", ""},
		"the last one stays": {
			[]change{watched, status(func(s *v1alpha1.MessagesPasswordStatus) {
				s.LastRetrievalTime = &metav1.Time{Time: now}
			})}, "False", "in time"},
	} {
		s := snapshot(c.changes...)
		rotation.Intend(s.Object, rotation.Decide(s))
		if got := condition(s.Object, "RetrievalLate"); got.Status != c.late || !strings.Contains(got.Message, c.says) {
			t.Errorf("%s: %s: %s", claim, got.Status, got.Message)
		}
	}
}

func conditionSet(kind string) change {
	return status(func(s *v1alpha1.MessagesPasswordStatus) {
		meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: "Late"})
	})
}
