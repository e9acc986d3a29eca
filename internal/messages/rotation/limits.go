package rotation

import (
	"slices"
	"time"
)

// Times that whoever carries decisions out has to keep.
const (
	// SecretCheck is how often the Secret is read at least, so that a person's password is noticed within a minute.
	SecretCheck = time.Minute
	// BeginWithin is how long after Snapshot.Now a call may begin.
	BeginWithin = 15 * time.Second
	// CallTimeout is how long after Snapshot.Now the calls of a decision have ended.
	CallTimeout = time.Minute
)

// Log-ins that the service may refuse, or whose outcome is not known, within an hour. The service locks an account
// after some, and refuses the right password, too, while it is locked. The last one is kept for what a person brings.
const (
	MaxFailedLogins = 4
	ownFailedLogins = MaxFailedLogins - 1
	// loginPeriod is longer than the hour by how much later than its intent a log-in may reach the service.
	loginPeriod = time.Hour + CallTimeout
)

const (
	day = 24 * time.Hour
	// proofAge is how old the proof of the current password may be when a rotation begins.
	proofAge = 5 * time.Minute
	// keepStaging is how long the staging Secret is kept after its rotation has ended.
	keepStaging = time.Hour
	// lateness is how long after its response was lost a change may still be applied, with much to spare.
	lateness = day
	// refusalDays is on how many days the service must have refused a new password before another one is made.
	refusalDays = 5
	// longestCallPause bounds what a Retry-After can ask for.
	longestCallPause = day
	// keptSends is how many attempts without an outcome are remembered: the youngest counts, and those that could take
	// its place.
	keptSends = 8
)

// Pauses, each doubling from its first to its longest.
const (
	firstUnclearPause, longestUnclearPause = time.Minute, 15 * time.Minute
	firstResend, longestResend             = time.Minute, time.Hour
	firstRefusalPause, longestRefusalPause = time.Hour, day
)

// doubling is the pause after something has happened so many times.
func doubling(first, longest time.Duration, times int32) time.Duration {
	pause := first
	for ; times > 1 && pause < longest; times-- {
		pause *= 2
	}
	return min(pause, longest)
}

// probePause is how long passwords that were all refused are left alone: the account may be locked.
func probePause(rounds int32) time.Duration {
	pauses := [...]time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour}
	return pauses[min(max(int(rounds), 1), len(pauses))-1]
}

// failedLogins are those for the account that count, whoever made them, the oldest first. None lies ahead: the clock of
// this object may have been set back since another one has called.
func (s Snapshot) failedLogins() []time.Time {
	failed := make([]time.Time, 0, len(s.status().FailedLogins)+len(s.OtherLogins))
	for _, at := range s.status().FailedLogins {
		failed = append(failed, at.Time)
	}
	failed = slices.DeleteFunc(append(failed, s.OtherLogins...), func(at time.Time) bool { return !Counts(at, s.Now) })
	for i := range failed {
		if failed[i].After(s.Now) {
			failed[i] = s.Now
		}
	}
	slices.SortFunc(failed, time.Time.Compare)
	return failed
}

// nextLogin is when a log-in may be made without there being more than so many failed ones in an hour; zero for now.
func (s Snapshot) nextLogin(most int) time.Time {
	failed := s.failedLogins()
	if len(failed) < most {
		return time.Time{}
	}
	return failed[len(failed)-most].Add(loginPeriod)
}

// Counts reports whether a failed log-in may be one of the last hour.
func Counts(at, now time.Time) bool { return now.Sub(at) < loginPeriod }
