package orderstate

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/instructions"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/reminders"
)

// Intervals after which an order that nothing happens to is looked at all the same.
const (
	// longestWait is that of one that waits for a person.
	longestWait = time.Hour
	// referenceCheck is that of one whose spec.certificateFrom names what is not there, or cannot be used: ConfigMaps
	// and Secrets are not watched.
	referenceCheck = time.Minute
)

// Snapshot is what is known of an order.
type Snapshot struct {
	// Now is the time.
	Now time.Time
	// Order is looked at only.
	Order *v1alpha1.ManualOrder
	// Issuer is that of the order.
	Issuer Issuer
	// Unwanted says why no request waits for the order, empty if one does.
	Unwanted string
	// SameKey says what keeps the certificate that another order for the same key has from being used for this one,
	// empty if there is none.
	SameKey string
	// Delivery is what was brought back.
	Delivery Delivery
	// Keeps reports whether the order's status has a certificate that can still be handed over: it was taken before, and
	// whom the issuer trusts, and what the order is wanted for, may have changed since.
	Keeps bool
}

// Issuer is what an order has to know of its issuer.
type Issuer struct {
	// Exists and Ready; Message says what keeps it from being Ready.
	Exists, Ready bool
	Message       string
	// Lead is how long people and authority need.
	Lead time.Duration
	// Instructions are what a person has to do, in each language.
	Instructions []v1alpha1.ManualInstructions
}

// Delivery is what a person has brought back.
type Delivery struct {
	// Given is set when there is something.
	Given bool
	// Problem says why it cannot be used, empty if it can.
	Problem string
	// Recheck is set where the problem may go without the order being changed, and without anybody being told: bundles
	// are not watched.
	Recheck bool
	// Answers is set where a certificate for the order's key is in it: the authority has issued it.
	Answers bool
	// Certificate is what it is, nil unless it can be used.
	Certificate *Certificate
	// UsedBy is the order for the same key that it is used for, of one that no request waits for; empty if there is none.
	UsedBy string
}

// Certificate is one that was brought back and checked.
type Certificate struct {
	// Chain is the leaf and its intermediates in PEM, CA the root.
	Chain, CA []byte
	// SerialNumber in lower-case hexadecimal.
	SerialNumber string
	// NotBefore and NotAfter are its dates.
	NotBefore, NotAfter time.Time
	// Changes are what differs from the request.
	Changes []v1alpha1.SubjectChange
}

// Outcome is what an order says from now on.
type Outcome struct {
	// State, and the reason and message of its condition Ready.
	State           v1alpha1.ManualOrderState
	Reason, Message string
	// Person reports whether it is a person's turn.
	Person bool
	// Warning makes a Warning of an event whose reason is none by itself.
	Warning bool
	// Certificate to be written into the order, nil for none.
	Certificate *Certificate
	// Instructions for the person whose turn it is.
	Instructions []v1alpha1.OrderInstructions
	// Reminder of a person whose turn it is; nil if none is due.
	Reminder *Reminder
	// Next is when to look again; zero if only when something changes.
	Next time.Time
}

// Decide says what an order says.
func Decide(s Snapshot) Outcome {
	outcome := s.outcome()
	if outcome.Person {
		outcome.Reminder = s.reminder(outcome)
	}
	if outcome.Person && outcome.State != v1alpha1.ManualOrderStale {
		outcome.Instructions = instructions.Fill(s.Issuer.Instructions, s.Order)
	}
	if !outcome.Next.IsZero() {
		outcome.Next = s.soonest(outcome.Next)
	}
	return outcome
}

func (s Snapshot) outcome() Outcome {
	switch {
	case s.Order.Status.State == v1alpha1.ManualOrderIssued:
		return s.unchanged()
	case s.Unwanted != "":
		return s.stale()
	case s.Delivery.Certificate != nil:
		return s.begin(s.Delivery.Certificate.NotBefore, s.Delivery.Certificate)
	case s.Keeps && s.Order.Status.NotBefore != nil:
		return s.begin(s.Order.Status.NotBefore.Time, nil)
	case !s.Issuer.Exists:
		return s.waiting(v1alpha1.ReasonIssuerNotFound, fmt.Sprintf("%s %s does not exist: create it",
			s.Order.Spec.IssuerRef.Kind, s.Order.Spec.IssuerRef.Name), false)
	case s.Delivery.Given:
		return s.rejected()
	case !s.Issuer.Ready:
		return s.waiting(v1alpha1.ReasonIssuerNotReady, fmt.Sprintf("%s %s is not ready: %s",
			s.Order.Spec.IssuerRef.Kind, s.Order.Spec.IssuerRef.Name, s.Issuer.Message), false)
	case s.Order.Spec.Application != nil:
		return s.waiting(v1alpha1.ReasonAwaitingAuthority, s.applied(), true)
	default:
		return s.waiting(v1alpha1.ReasonApplicationDue, s.application(), true)
	}
}

// unchanged is for an order that has ended.
func (s Snapshot) unchanged() Outcome {
	outcome := Outcome{State: s.Order.Status.State}
	if ready := Ready(s.Order); ready != nil {
		outcome.Reason, outcome.Message = ready.Reason, ready.Message
	}
	return outcome
}

// waiting is for an order that has no certificate yet.
func (s Snapshot) waiting(reason, message string, person bool) Outcome {
	state := v1alpha1.ManualOrderAwaitingApplication
	if s.Order.Spec.Application != nil {
		state = v1alpha1.ManualOrderApplied
	}
	outcome := Outcome{
		State: state, Reason: reason, Message: message, Person: person, Next: s.Now.Add(longestWait),
	}
	if s.SameKey != "" {
		outcome.Message += "; " + s.SameKey
		outcome.Next = s.Now.Add(referenceCheck)
	}
	return outcome
}

// rejected is for what was brought back and cannot be used.
func (s Snapshot) rejected() Outcome {
	outcome := s.waiting(v1alpha1.ReasonCertificateRejected, s.Delivery.Problem, true)
	if s.maySoonBeUsed() {
		outcome.Next = s.Now.Add(referenceCheck)
	}
	return outcome
}

// begin hands a certificate over, or keeps it until it begins.
func (s Snapshot) begin(notBefore time.Time, taken *Certificate) Outcome {
	if !s.Now.Before(notBefore) {
		return Outcome{
			State: v1alpha1.ManualOrderIssued, Reason: v1alpha1.ReasonIssued, Certificate: taken,
			Message: "the certificate is issued" + s.differences(taken),
		}
	}
	message := fmt.Sprintf("the certificate is here and begins at %s; it is handed over then%s",
		at(notBefore), s.differences(taken))
	outcome := Outcome{
		State: v1alpha1.ManualOrderAwaitingValidity, Reason: v1alpha1.ReasonAwaitingValidity, Certificate: taken,
		Message: message, Next: notBefore,
	}
	if renews := s.Order.Spec.Renews; renews != nil && renews.NotAfter.Time.Before(notBefore) {
		outcome.Message += fmt.Sprintf("; the one in use ends at %s, %s earlier: until then nothing valid is in its "+
			"place; ask the authority for a certificate that begins earlier, and put it into this order",
			at(renews.NotAfter.Time), days(notBefore.Sub(renews.NotAfter.Time)))
		outcome.Person, outcome.Warning = true, true
		// For what spec.certificateFrom names is not watched.
		outcome.Next = reminders.Sooner(notBefore, s.Now.Add(longestWait))
	}
	if taken == nil && s.Delivery.Given {
		outcome.Message += "; what was brought back after it cannot be used: " + s.Delivery.Problem
		outcome.Person, outcome.Warning = true, true
		if s.maySoonBeUsed() {
			outcome.Next = reminders.Sooner(outcome.Next, s.Now.Add(referenceCheck))
		}
	}
	return outcome
}

// differences tells what the authority has changed.
func (s Snapshot) differences(taken *Certificate) string {
	changes := s.Order.Status.Changes
	if taken != nil {
		changes = taken.Changes
	}
	if len(changes) == 0 {
		return ""
	}
	told := make([]string, 0, len(changes))
	for _, change := range changes {
		told = append(told, fmt.Sprintf("%s %s → %s", change.Field, quoted(change.Old), quoted(change.New)))
	}
	return "; the authority has changed " + strings.Join(told, ", ")
}

// stale is for an order that nobody waits for.
func (s Snapshot) stale() Outcome {
	outcome := Outcome{
		State: v1alpha1.ManualOrderStale, Reason: v1alpha1.ReasonApplicationStale,
		Message: s.Unwanted + "; do not carry this request to the authority any more",
	}
	switch {
	case s.Delivery.UsedBy != "":
		outcome.Certificate = s.Delivery.Certificate
		outcome.Message = fmt.Sprintf("%s; the certificate that was brought back is used for ManualOrder %s, which is for "+
			"the same private key", s.Unwanted, s.Delivery.UsedBy)
	case s.Delivery.Given:
		outcome.Reason, outcome.Person = v1alpha1.ReasonCertificateRejected, true
		outcome.Message = s.Unwanted + s.stopping() + "; what was brought back cannot be used: " + s.Delivery.Problem
		if s.maySoonBeUsed() {
			outcome.Next = s.Now.Add(referenceCheck)
		}
	case s.Order.Spec.Application != nil:
		outcome.Person = true
		outcome.Message = s.Unwanted + s.stopping() + "; if its certificate comes all the same, bring it here"
	}
	return outcome
}

// stopping says how to stop the application of a stale order, as long as there is one that nobody has answered.
func (s Snapshot) stopping() string {
	application := s.Order.Spec.Application
	if application == nil || s.Delivery.Answers {
		return ""
	}
	return fmt.Sprintf("; stop the application %s: it is binding, and the private key of what it brings is not in use; "+
		"when it is stopped, remove its note: %#q", pki.Quote(application.Reference),
		instructions.RemoveApplication(s.Order))
}

// maySoonBeUsed reports whether what was brought back and cannot be used may be another without a change of the order.
func (s Snapshot) maySoonBeUsed() bool {
	return s.Order.Spec.CertificateFrom != nil || s.Delivery.Recheck
}

// Ready is the condition of an order, nil if it has none.
func Ready(order *v1alpha1.ManualOrder) *metav1.Condition {
	return meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
}
