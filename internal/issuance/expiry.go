package issuance

import (
	"time"

	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// Renewal is how a CertificateRequest stands that is to replace a certificate in use.
type Renewal struct {
	// Reason is why the request is not satisfied: that of the last decision, or of what came before one.
	Reason string
	// Created is when the request was made, Expires when the certificate in use ends.
	Created, Expires time.Time
	// Window is the issuer's renewal window.
	Window time.Duration
}

// Prospect is what somebody who depends on the certificate in use should know.
type Prospect struct {
	// Failing is whether the renewal needs somebody's attention.
	Failing bool
	// Left is how much time there is until the certificate expires, in a phrase that changes a few times only: "in less
	// than 14 days"; empty once it has expired.
	Left string
	// Next is when one of the two changes by time alone; zero if never.
	Next time.Time
}

// hitch is how long a passing trouble (a restart of the service, an issuer that is being repaired) may last before it
// counts as a failing renewal.
const hitch = 10 * time.Minute

// milestone is a time left at which a failing renewal is reported once more.
type milestone struct {
	left   time.Duration
	phrase string
}

// milestones lie far apart while there is time, and close together when there is none.
func milestones() []milestone {
	const day = 24 * time.Hour
	return []milestone{
		{time.Minute, "1 minute"},
		{5 * time.Minute, "5 minutes"},
		{10 * time.Minute, "10 minutes"},
		{30 * time.Minute, "30 minutes"},
		{time.Hour, "1 hour"},
		{3 * time.Hour, "3 hours"},
		{6 * time.Hour, "6 hours"},
		{12 * time.Hour, "12 hours"},
		{day, "1 day"},
		{3 * day, "3 days"},
		{7 * day, "7 days"},
		{14 * day, "14 days"},
		{30 * day, "30 days"},
		{60 * day, "60 days"},
	}
}

// Prospect judges the renewal: what cannot go on by itself fails at once, a passing trouble after some minutes, and
// whatever it waits for once more than half of the time is gone that there was for it.
func (r Renewal) Prospect(now time.Time) Prospect {
	fails := r.failsAt()
	prospect := Prospect{Failing: !now.Before(fails)}
	prospect.Left, prospect.Next = timeLeft(r.Expires, now)
	if !prospect.Failing {
		prospect.Next = fails
	}
	return prospect
}

// failsAt is when the renewal becomes a failing one, if nothing happens before.
func (r Renewal) failsAt() time.Time {
	begins := r.Expires.Add(-r.Window)
	if begins.Before(r.Created) {
		begins = r.Created
	}
	halfway := begins.Add(r.Expires.Sub(begins) / 2) //nolint:mnd // half of the time
	switch reasons.Of(r.Reason).Renewal {
	case reasons.Proceeds:
		return halfway
	case reasons.Stalls:
		return earlier(halfway, begins.Add(hitch))
	default:
		return r.Created
	}
}

// timeLeft is the phrase, and when the next one takes its place.
func timeLeft(expires, now time.Time) (phrase string, next time.Time) {
	left := expires.Sub(now)
	if left <= 0 {
		return "", time.Time{}
	}
	next = expires
	var passed milestone
	for _, passed = range milestones() {
		if left <= passed.left {
			return "in less than " + passed.phrase, next
		}
		next = expires.Add(-passed.left)
	}
	return "in more than " + passed.phrase, next
}
