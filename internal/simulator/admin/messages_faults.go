package admin

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// MessagesFaultKind is a way in which the Messages API misbehaves.
type MessagesFaultKind string

// The kinds. "Processed" means that the call has had its full effect when the fault strikes: a password is changed, a
// log-in is counted.
const (
	// MessagesDropBefore closes the connection; not processed.
	MessagesDropBefore MessagesFaultKind = "drop-before"
	// MessagesTimeoutBefore gives no response for Hold, or until the client goes away, and then closes the connection;
	// not processed.
	MessagesTimeoutBefore MessagesFaultKind = "timeout-before"
	// MessagesTimeoutAfter holds the response for Hold, or until the client goes away; processed.
	MessagesTimeoutAfter MessagesFaultKind = "timeout-after"
	// MessagesReset resets the connection in place of a response; processed.
	MessagesReset MessagesFaultKind = "reset"
	// MessagesLater closes the connection, and applies the change After it (default 1m): only if the current password is
	// still the one of the call. Only changes that would have been made count.
	MessagesLater MessagesFaultKind = "later"
	// MessagesHTTPStatus answers with Status (default 502) and a web page; not processed unless AfterProcessing.
	MessagesHTTPStatus MessagesFaultKind = "http-status"
	// MessagesStranger answers 403, as to an address that is not on the service's list; not processed.
	MessagesStranger MessagesFaultKind = "stranger"
	// MessagesRedirect answers 307 to another path; not processed.
	MessagesRedirect MessagesFaultKind = "redirect"
	// MessagesTruncated sends the first half of the response as if it were all; processed.
	MessagesTruncated MessagesFaultKind = "truncated"
	// MessagesOversize goes on for 100 MB after half of the response; processed.
	MessagesOversize MessagesFaultKind = "oversize"
	// MessagesSlow sends the response byte by byte, one per Interval (default 1s); processed.
	MessagesSlow MessagesFaultKind = "slow"
	// MessagesLockOut refuses a log-in as if its password were wrong, the right one too, and counts nothing. Only log-ins.
	MessagesLockOut MessagesFaultKind = "lock-out"
	// MessagesAttemptLimit refuses a change because there were too many. Only changes.
	MessagesAttemptLimit MessagesFaultKind = "attempt-limit"
	// MessagesPolicy refuses a new password for ever, as one that the policy does not allow: every later change to the
	// same one is refused, too, until it is set by POST of /messages/accounts/{systemId}/password. Only changes.
	MessagesPolicy MessagesFaultKind = "policy"
	// MessagesRevoke revokes every token of the account before the call is processed.
	MessagesRevoke MessagesFaultKind = "revoke-tokens"
	// MessagesChanged lets somebody else change the password to Password before the call is processed.
	MessagesChanged MessagesFaultKind = "changed-by-somebody"
	// MessagesEcho answers 400 with a reason that repeats everything that was sent, passwords and tokens too; not
	// processed.
	MessagesEcho MessagesFaultKind = "echo"
)

// MessagesFaultKinds lists every kind.
func MessagesFaultKinds() []MessagesFaultKind {
	return []MessagesFaultKind{MessagesDropBefore, MessagesTimeoutBefore, MessagesTimeoutAfter, MessagesReset,
		MessagesLater, MessagesHTTPStatus, MessagesStranger, MessagesRedirect, MessagesTruncated, MessagesOversize,
		MessagesSlow, MessagesLockOut, MessagesAttemptLimit, MessagesPolicy, MessagesRevoke, MessagesChanged, MessagesEcho}
}

// MessagesOperation is a call of the Messages API.
type MessagesOperation string

// The calls.
const (
	// MessagesToken is POST /v1/token.
	MessagesToken MessagesOperation = "token"
	// MessagesChange is POST /v1/change-password.
	MessagesChange MessagesOperation = "change-password"
	// MessagesEvents is GET /v2/events.
	MessagesEvents MessagesOperation = "events"
)

// MessagesOperations lists every call.
func MessagesOperations() []MessagesOperation {
	return []MessagesOperation{MessagesToken, MessagesChange, MessagesEvents}
}

// only has the kinds that strike one operation alone.
var only = map[MessagesFaultKind]MessagesOperation{
	MessagesLater: MessagesChange, MessagesLockOut: MessagesToken, MessagesAttemptLimit: MessagesChange,
	MessagesPolicy: MessagesChange,
}

// MessagesFault is a scripted misbehavior of the Messages API: the body of POST /messages/faults, and an element of GET
// /messages/faults.
type MessagesFault struct {
	// ID is given by the simulator.
	ID string `json:"id,omitempty"`
	// Operation is token, change-password or events; empty means any that the kind can strike.
	Operation MessagesOperation `json:"operation,omitempty"`
	// SystemID is the account whose calls are hit; empty means any.
	SystemID string `json:"systemId,omitempty"`
	// Kind says what happens.
	Kind MessagesFaultKind `json:"kind"`
	// Count is how many calls are hit; it counts down. 0 means 1, or no limit when ForDuration is set.
	Count int `json:"count,omitempty"`
	// ForDuration ends the fault that long after it was scripted.
	ForDuration Duration `json:"forDuration,omitempty"`
	// ExpiresAt is when ForDuration ends; set by the simulator.
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	// Probability is the percentage of matching calls that are hit, 1 to 100; 0 means 100.
	Probability int `json:"probability,omitempty"`
	// Hold is how long MessagesTimeoutBefore and MessagesTimeoutAfter wait; 0 means until the client goes away.
	Hold Duration `json:"hold,omitempty"`
	// After is how long MessagesLater waits; 0 means a minute.
	After Duration `json:"after,omitempty"`
	// Interval is the time between two bytes of MessagesSlow; 0 means one second.
	Interval Duration `json:"interval,omitempty"`
	// Status is the status of MessagesHTTPStatus: 400 to 599; 0 means 502.
	Status int `json:"status,omitempty"`
	// RetryAfter lets MessagesHTTPStatus ask for that distance in a header Retry-After, in seconds, rounded up.
	RetryAfter Duration `json:"retryAfter,omitempty"`
	// Password is the one of MessagesChanged. It is never shown.
	Password string `json:"password,omitempty"`
	// AfterProcessing lets MessagesHTTPStatus strike after the call had its effect.
	AfterProcessing bool `json:"afterProcessing,omitempty"`
	// Hits is how many calls were hit; set by the simulator.
	Hits int `json:"hits"`
}

// String names the fault without its password.
func (f MessagesFault) String() string { return fmt.Sprintf("fault %s of the Messages API", f.Kind) }

// GoString is String, so that no format verb prints the password.
func (f MessagesFault) GoString() string { return f.String() }

// Strikes reports whether a fault can strike a call of an operation for an account.
func (f MessagesFault) Strikes(operation MessagesOperation, systemID string) bool {
	alone, restricted := only[f.Kind]
	return (!restricted || alone == operation) && (f.Operation == "" || f.Operation == operation) &&
		(f.SystemID == "" || f.SystemID == systemID)
}

// Validate says what is wrong with a fault that is to be scripted.
func (f MessagesFault) Validate() error {
	if !slices.Contains(MessagesFaultKinds(), f.Kind) {
		return fmt.Errorf("kind %q is unknown; the kinds are %v", f.Kind, MessagesFaultKinds())
	}
	if f.Operation != "" && !slices.Contains(MessagesOperations(), f.Operation) {
		return fmt.Errorf("operation %q is unknown; leave it out for any, or use one of %v", f.Operation,
			MessagesOperations())
	}
	if alone, restricted := only[f.Kind]; restricted && f.Operation != "" && f.Operation != alone {
		return fmt.Errorf("kind %q strikes %s only", f.Kind, alone)
	}
	if f.Count < 0 || min(f.ForDuration, f.Hold, f.After, f.Interval, f.RetryAfter) < 0 {
		return errors.New("count, forDuration, hold, after, interval and retryAfter of a fault cannot be negative")
	}
	if f.Probability < 0 || f.Probability > 100 {
		return fmt.Errorf("probability %d is not a percentage of 1 to 100", f.Probability)
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		return fmt.Errorf("status %d is not an HTTP error of 400 to 599", f.Status)
	}
	if (f.Kind == MessagesChanged) != (f.Password != "") {
		return fmt.Errorf("password is what %q needs, and no other kind", MessagesChanged)
	}
	return nil
}
