package client

import (
	"time"

	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/sensitive"
)

// Token is what a password was exchanged for. It prints, marshals and logs as [redacted]. The zero value is no token.
type Token struct {
	sensitive.Text

	// password is the one that the token was had with: the service knows it when it is called with the token.
	password password.Password
}

// NewToken wraps a token.
func NewToken(value string) Token { return Token{Text: sensitive.New(value)} }

// secrets are what must not show in anything that is said of a call with the token.
func (t Token) secrets() []string { return []string{t.Reveal(), t.password.Reveal()} }

// Outcome is what came of a call, as far as it is known. There are no others.
type Outcome string

const (
	// Done: HTTP 200, with a token where one was asked for. The password was changed, the events may be read.
	Done Outcome = "Done"
	// Refused: HTTP 400 with a body that is the service's. For a token this does not prove that the password is wrong: a
	// locked account gives the same. It has cost a log-in. A password was not changed by this call.
	Refused Outcome = "Refused"
	// NotAllowed: the caller was turned away before anybody looked at the password: HTTP 401 (an old token, of Events),
	// 403 (an address that is not on the service's list), 404, 405, 407, 410 or 451. A password was not changed.
	NotAllowed Outcome = "NotAllowed"
	// NotSent: no connection came about, or the request did not leave whole: nobody can have acted on it.
	NotSent Outcome = "NotSent"
	// Unknown: the request was sent, and what came back says nothing, or nothing came back. It may have been acted on, or
	// may be later; a log-in may have been counted as failed.
	Unknown Outcome = "Unknown"
)

// Outcomes lists every outcome.
func Outcomes() []Outcome { return []Outcome{Done, Refused, NotAllowed, NotSent, Unknown} }

// MayHaveBeenActedOn reports whether the service can have acted on a request, now or later.
func (o Outcome) MayHaveBeenActedOn() bool { return o == Done || o == Unknown }

// Result is what came of a call.
type Result struct {
	// Outcome is what to decide on; the rest is for people, but for RetryAfter.
	Outcome Outcome
	// Status is that of HTTP; 0 where no response came.
	Status int
	// Reason is what the service says, cut and without control characters; empty where it says nothing, and withheld
	// where it repeats what has to stay secret.
	Reason string
	// Detail says in words of ours what went wrong; empty with Done. The same failure reads the same each time.
	Detail string
	// TraceID names the call in the logs of the service; empty where it gave none.
	TraceID string
	// RetryAfter is how long the service wants to be left alone, at most a day; 0 where it does not say.
	RetryAfter time.Duration
}

// TokenResult is what came of a call of Token.
type TokenResult struct {
	Result

	// Token is set with Done.
	Token Token
	// ExpiresAt is when the token ends, by the clock of the client; zero where the service has not said.
	ExpiresAt time.Time
}
