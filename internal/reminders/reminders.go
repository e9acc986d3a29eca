// Package reminders says on which days before a certificate ends a person is reminded, and that nobody is twice of the
// same. It calls nothing and reads no clock.
package reminders

import (
	"math"
	"time"
)

const day = 24 * time.Hour

// days before the end, from the first reminder to the last.
//
//nolint:mnd // they are the rule
func days() []int32 { return []int32{45, 30, 14, 7, 3, 1} }

// Always is for those who are reminded on every day that there is.
const Always = time.Duration(math.MaxInt64)

// Due is the reminder to be given with so much time left, in days before the end: of several that have passed the last,
// so that whoever looks again after a long time gives one. Those that lie earlier than within before the end are none.
// given is the last one that was, nil if none was: it is not given again, nor an earlier one, should the clock be set
// back. False means that there is none to give.
func Due(left, within time.Duration, given *int32) (int32, bool) {
	due, passed := int32(0), false
	for _, before := range days() {
		if at := time.Duration(before) * day; left <= at && at <= within {
			due, passed = before, true
		}
	}
	return due, passed && (given == nil || *given > due)
}

// Next is when the next reminder is due for what ends at a time, or latest if that is sooner.
func Next(end, now, latest time.Time) time.Time {
	for _, before := range days() {
		due := end.Add(-time.Duration(before) * day)
		if due.After(now) && due.Before(latest) {
			latest = due
		}
	}
	return latest
}

// Sooner is the sooner of two times.
func Sooner(one, other time.Time) time.Time {
	if other.Before(one) {
		return other
	}
	return one
}
