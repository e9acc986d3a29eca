// Package renewal says how the renewal of a certificate in use stands, and when that changes by time alone. It calls
// nothing and reads no clock.
package renewal

import (
	"slices"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// Pending is a CertificateRequest that is to replace a certificate in use.
type Pending struct {
	// Reason is why the request is not satisfied: that of the last decision, or of what came before one.
	Reason string
	// Created is when the request was made, Expires when the certificate in use ends.
	Created, Expires time.Time
	// Window is the issuer's renewal window.
	Window time.Duration
}

// Health is what somebody who depends on the certificate in use should know.
type Health struct {
	// Failing reports whether the renewal needs somebody's attention.
	Failing bool
	// Left is how much time there is until the certificate expires, in a phrase that changes a few times only: "in less
	// than 14 days"; empty once it has expired.
	Left string
	// Next is when one of the two changes by time alone; zero if never.
	Next time.Time
}

// gracePeriod is how long something that passes by itself (a restart of the service, an issuer that is being repaired)
// may last before it counts as a failing renewal.
const gracePeriod = 10 * time.Minute

// threshold is a time left at which a failing renewal is reported once more.
type threshold struct {
	left   time.Duration
	phrase string
}

// thresholds lie far apart while there is time, and close together when there is none.
func thresholds() []threshold {
	const day = 24 * time.Hour
	return []threshold{
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

// Health judges the renewal: what cannot go on by itself fails at once, what passes by itself after some minutes, and
// whatever it waits for once more than half of the time is gone that there was for it.
func (p Pending) Health(now time.Time) Health {
	fails := p.failsAt()
	health := Health{Failing: !now.Before(fails)}
	health.Left, health.Next = timeLeft(p.Expires, now)
	if !health.Failing {
		health.Next = fails
	}
	return health
}

// failsAt is when the renewal becomes a failing one, if nothing happens before.
func (p Pending) failsAt() time.Time {
	begins := p.Expires.Add(-p.Window)
	if begins.Before(p.Created) {
		begins = p.Created
	}
	halfway := begins.Add(p.Expires.Sub(begins) / 2) //nolint:mnd // half of the time
	switch reasons.Of(p.Reason).Renewal {
	case reasons.Proceeds:
		return halfway
	case reasons.Stalls:
		return slices.MinFunc([]time.Time{halfway, begins.Add(gracePeriod)}, time.Time.Compare)
	default:
		return p.Created
	}
}

// timeLeft is the phrase, and when the next one takes its place.
func timeLeft(expires, now time.Time) (phrase string, next time.Time) {
	left := expires.Sub(now)
	if left <= 0 {
		return "", time.Time{}
	}
	next = expires
	var passed threshold
	for _, passed = range thresholds() {
		if left <= passed.left {
			return "in less than " + passed.phrase, next
		}
		next = expires.Add(-passed.left)
	}
	return "in more than " + passed.phrase, next
}
