package overview

import (
	"cmp"
	"slices"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// Kinds of rows.
const (
	KindCertificate        = "Certificate"
	KindCertificateRequest = "CertificateRequest"
	KindManualOrder        = "ManualOrder"
	KindVeroOrder          = "VeroOrder"
	KindTrackedCertificate = "TrackedCertificate"
)

// Severity says how much a row matters.
type Severity string

// The severities, from the least. They agree with those of the chart's alerts.
const (
	OK       Severity = "ok"
	Warning  Severity = "warning"
	Critical Severity = "critical"
)

// rank orders severities; an unknown one is the least.
func (s Severity) rank() int { return slices.Index([]Severity{OK, Warning, Critical}, s) }

// AtLeast reports whether a severity is another one, or more than it.
func (s Severity) AtLeast(other Severity) bool { return s.rank() >= other.rank() }

// Turn is who has to act next.
type Turn string

// The turns.
const (
	// Nobody: the controllers go on by themselves, or nothing is to be done.
	Nobody Turn = "nobody"
	// Service: a service, or an authority, is to answer.
	Service Turn = "service"
	// Yours: a person has to do something.
	Yours Turn = "yours"
)

// turnOf is whose turn it is with a reason.
func turnOf(reason string) Turn {
	switch reasons.Of(reason).Turn {
	case reasons.Nobody:
		return Nobody
	case reasons.Service:
		return Service
	default:
		return Yours
	}
}

// What happens at a date. Each is a key that stays the same, for those who translate it or make an identifier of it.
const (
	// Renewal begins: cert-manager makes a request.
	Renewal = "renewal"
	// WindowOpens: the service begins to renew the certificate.
	WindowOpens = "renewal window opens"
	// LeadTime begins, which people and authority need for another one.
	LeadTime = "lead time begins"
	// Begins: the certificate that is at hand becomes valid.
	Begins = "new certificate begins"
	// Ends: the certificate is valid no longer.
	Ends = "end"
	// Reminder: somebody is reminded of the end.
	Reminder = "reminder"
	// Poll: the service is asked for the certificate.
	Poll = "poll"
	// Submit: the request is sent to the service again.
	Submit = "submission"
	// Rotation: the password is rotated.
	Rotation = "rotation"
	// RotationRecommended and RotationDemanded: the owner of the service recommends, and demands, that it has been.
	RotationRecommended = "rotation recommended"
	RotationDemanded    = "rotation demanded"
)

// Date is when something happens, in the past or to come.
type Date struct {
	Time time.Time `json:"time"`
	What string    `json:"what"`
}

// Row is one certificate or password.
type Row struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Kind of the object: Certificate, TrackedCertificate, MessagesPassword; or CertificateRequest and ManualOrder, where
	// no Certificate stands behind one that waits for somebody.
	Kind string `json:"kind"`
	// State in a word: Ready, Issuing, Renewing, Expired, Failed, or that of the object itself.
	State string `json:"state"`
	// Reason and Message are those of the object that something waits for, as its controller writes them.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Severity says how much it matters.
	Severity Severity `json:"severity"`
	// Turn is who has to act; where it is a person, Todo is what to do. Command helps with it, empty if none does.
	Turn    Turn   `json:"turn"`
	Todo    string `json:"todo,omitempty"`
	Command string `json:"command,omitempty"`
	// Issued is since when the certificate or password is in use, End until when: nil if there is none, or nobody knows.
	Issued *time.Time `json:"issued,omitempty"`
	End    *time.Time `json:"end,omitempty"`
	// DaysLeft are whole days until the end, negative after it.
	DaysLeft *int `json:"daysLeft,omitempty"`
	// Next is the first of Dates that is to come, nil if there is none.
	Next *Date `json:"next,omitempty"`
	// Dates are in order of time.
	Dates []Date `json:"dates,omitempty"`
	// Issuer of a Certificate, as Kind/name.
	Issuer string `json:"issuer,omitempty"`
	// Chain are the objects from the row's own to the last that it waits for.
	Chain []Step `json:"chain"`
}

// Step is one object of a chain.
type Step struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
	// State of an order; empty for objects that have none.
	State string `json:"state,omitempty"`
	// Ready, Reason and Message are those of its condition Ready.
	Ready   bool   `json:"ready"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Since is when the condition last changed; zero if it has not been written.
	Since time.Time `json:"since,omitzero"`
}

// Text says whose turn it is.
func (r *Row) Text() string {
	switch r.Turn {
	case Yours:
		return "yours: " + r.Todo
	case Service:
		return "the service's"
	default:
		return "nobody's"
	}
}

// Step is the first object of a kind in the chain, nil if there is none.
func (r *Row) Step(kind string) *Step {
	i := slices.IndexFunc(r.Chain, func(step Step) bool { return step.Kind == kind })
	if i < 0 {
		return nil
	}
	return &r.Chain[i]
}

// raise makes a row matter at least so much.
func (r *Row) raise(severity Severity) {
	if severity.AtLeast(r.Severity) {
		r.Severity = severity
	}
}

// addDate notes when something happens; the zero time is none.
func (r *Row) addDate(moment time.Time, what string) {
	if at := writable(&moment); at != nil {
		r.Dates = append(r.Dates, Date{Time: *at, What: what})
	}
}

// writable is a time in UTC, nil where there is none, or no format has a place for it: one date in a status, written
// there by whoever may, must not keep everybody from all.
func writable(at *time.Time) *time.Time {
	const lastYear = 9999 // RFC 3339 has four digits
	if at == nil || at.IsZero() {
		return nil
	}
	moment := at.UTC()
	if moment.Year() < 1 || moment.Year() > lastYear {
		return nil
	}
	return &moment
}

// left is how long the certificate or password is in use yet, and whether that is known.
func (r *Row) left(now time.Time) (time.Duration, bool) {
	if r.End == nil {
		return 0, false
	}
	return r.End.Sub(now), true
}

// finish derives what follows from the dates.
func (r *Row) finish(now time.Time) {
	r.Issued, r.End = writable(r.Issued), writable(r.End)
	for i := range r.Chain {
		if since := writable(&r.Chain[i].Since); since != nil {
			r.Chain[i].Since = *since
		} else {
			r.Chain[i].Since = time.Time{}
		}
	}
	slices.SortStableFunc(r.Dates, func(one, other Date) int { return one.Time.Compare(other.Time) })
	if i := slices.IndexFunc(r.Dates, func(date Date) bool { return date.Time.After(now) }); i >= 0 {
		r.Next = &r.Dates[i]
	}
	if left, known := r.left(now); known {
		days := int(left / day)
		if left < 0 {
			days-- // a certificate that ended an hour ago has no days left, and not none yet
		}
		r.DaysLeft = &days
	}
}

// sortByUrgency puts first what matters most; then what a person has to do, then what ends first.
func sortByUrgency(rows []Row) {
	slices.SortFunc(rows, func(one, other Row) int {
		return cmp.Or(
			cmp.Compare(other.Severity.rank(), one.Severity.rank()),
			cmp.Compare(turnRank(one.Turn), turnRank(other.Turn)),
			compareEnds(one.End, other.End),
			cmp.Compare(one.Namespace, other.Namespace),
			cmp.Compare(one.Kind, other.Kind),
			cmp.Compare(one.Name, other.Name),
		)
	})
}

func turnRank(turn Turn) int { return slices.Index([]Turn{Yours, Service, Nobody}, turn) }

// compareEnds puts what has no end, and so no certificate yet, first.
func compareEnds(one, other *time.Time) int {
	switch {
	case one == nil && other == nil:
		return 0
	case one == nil:
		return -1
	case other == nil:
		return 1
	default:
		return one.Compare(*other)
	}
}
