package orderstate

import (
	"fmt"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/reminders"
)

// Reminder tells a person once more that it is their turn.
type Reminder struct {
	// Days is which reminder it is; it is not given twice.
	Days int32
	// Message says how much time there is, and what to do.
	Message string
}

// reminder is the one that is due and was not given. An application that is to be stopped is not later for the end of
// the certificate in use: whoever replaces that is reminded by the order which took its place.
func (s Snapshot) reminder(outcome Outcome) *Reminder {
	renews := s.Order.Spec.Renews
	if renews == nil || outcome.State == v1alpha1.ManualOrderStale {
		return nil
	}
	left := renews.NotAfter.Sub(s.Now)
	due, isDue := reminders.Due(left, reminders.Always, s.Order.Status.RemindedDays)
	if !isDue {
		return nil
	}
	when := fmt.Sprintf("ends within %s, at %s", counted(int(due), "day"), at(renews.NotAfter.Time))
	if left <= 0 {
		when = "has ended at " + at(renews.NotAfter.Time)
	}
	return &Reminder{Days: due, Message: fmt.Sprintf("the certificate in use %s: %s", when, outcome.Message)}
}

// soonest is the first of a time, the beginning of the lead time, and the next reminder.
func (s Snapshot) soonest(next time.Time) time.Time {
	renews := s.Order.Spec.Renews
	if renews == nil {
		return next
	}
	if begins := renews.NotAfter.Add(-s.Issuer.Lead); begins.After(s.Now) && begins.Before(next) {
		next = begins
	}
	return reminders.Next(renews.NotAfter.Time, s.Now, next)
}
