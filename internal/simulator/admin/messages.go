package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// MessagesAccount is an account of the Messages API: the body of POST /messages/accounts. What is left out is as strict
// as the real service may be.
type MessagesAccount struct {
	// SystemID is what clients send as username.
	SystemID string `json:"systemId"`
	// Password is the first one, which the owner of the real service hands over. No policy is asked of it.
	Password string `json:"password"`
	// History is how many passwords, the current one included, cannot be chosen again; 0 means 24, the most that the
	// backend of the real service knows, and -1 none.
	History int `json:"history,omitempty"`
	// LockAfter is how many failed log-ins lock the account for a second, which doubles with each further one up to 15
	// minutes; 0 means 5.
	LockAfter int `json:"lockAfter,omitempty"`
	// ChangesPerHour is how many changes, the refused ones included, are looked at in an hour; the others are refused. 0
	// means 10.
	ChangesPerHour int `json:"changesPerHour,omitempty"`
	// TokensSurvive keeps tokens alive when the password changes.
	TokensSurvive bool `json:"tokensSurvive,omitempty"`
	// TokenLifetime is how long tokens live; 0 means the simulator's --token-lifetime.
	TokenLifetime Duration `json:"tokenLifetime,omitempty"`
	// HideLifetime leaves expires_in out of the response to a log-in.
	HideLifetime bool `json:"hideLifetime,omitempty"`
	// Events is how many events there are to fetch.
	Events int `json:"events,omitempty"`
}

// String names the account without its password.
func (a MessagesAccount) String() string {
	return fmt.Sprintf("account %s, password [redacted]", a.SystemID)
}

// GoString is String, so that no format verb prints the password.
func (a MessagesAccount) GoString() string { return a.String() }

// MessagesTokenPrefix is what every token of the Messages API begins with, so that it is recognized wherever it is
// told. The tokens look like the JSON Web Tokens of the real service.
const MessagesTokenPrefix = "eyJraWQiOiJzaW11bGF0b3IifQ."

// maximumEvents bounds the events of an account.
const maximumEvents = 1_000_000

// Validate says what is wrong with an account that is to be made.
func (a MessagesAccount) Validate() error {
	switch {
	case a.SystemID == "" || a.Password == "":
		return errors.New("systemId or password is missing")
	case len(a.SystemID) > 100 || len(a.Password) > 256:
		return errors.New("systemId has more than 100 bytes, or password more than 256")
	case a.History < -1 || a.History > 24:
		return errors.New("history is not one of -1 to 24")
	case min(a.LockAfter, a.ChangesPerHour) < 0 || a.TokenLifetime < 0:
		return errors.New("lockAfter, changesPerHour and tokenLifetime cannot be negative")
	case a.Events < 0 || a.Events > maximumEvents:
		return fmt.Errorf("events is not one of 0 to %d", maximumEvents)
	}
	return nil
}

// MessagesPassword is the body of POST /messages/accounts/{systemId}/password and /messages/accounts/{systemId}/verify.
type MessagesPassword struct {
	Password string `json:"password"`
}

// String is without the password.
func (MessagesPassword) String() string { return "password [redacted]" }

// GoString is String, so that no format verb prints the password.
func (p MessagesPassword) GoString() string { return p.String() }

// MessagesVerdict is what POST /messages/accounts/{systemId}/verify says of a password.
type MessagesVerdict struct {
	// Current reports whether it is the password of the account now.
	Current bool `json:"current"`
	// Locked reports whether a log-in would be refused now, whatever its password.
	Locked bool `json:"locked"`
	// Digest stands for the password in the ledger.
	Digest string `json:"digest"`
}

// MessagesLogIn is a call of /v1/token for an account, and what came of it.
type MessagesLogIn struct {
	Time time.Time `json:"time"`
	// OK reports whether it led to a token. Counted is true for one with a wrong password outside of a lock, which
	// counts towards the next one.
	OK      bool `json:"ok"`
	Counted bool `json:"counted,omitempty"`
	// Password is the digest of the password: equal for equal ones, with a key that is another in every process.
	Password string `json:"password"`
	// Detail says in words why it failed; the response does not.
	Detail string `json:"detail,omitempty"`
	// Fault is the kind of the scripted fault that hit the call.
	Fault MessagesFaultKind `json:"fault,omitempty"`
}

// MessagesChangeEntry is a change of the password, by a call of /v1/change-password or by somebody else.
type MessagesChangeEntry struct {
	Time time.Time `json:"time"`
	// AppliedAt is when the password became the new one; absent where it did not.
	AppliedAt *time.Time `json:"appliedAt,omitempty"`
	// Somebody is true for a change by somebody else: by the admin interface, or by a fault.
	Somebody bool `json:"somebody,omitempty"`
	// Current and New are the digests of the passwords of the call.
	Current string `json:"current,omitempty"`
	New     string `json:"new"`
	// Reason is that of a refusal, as it was sent.
	Reason string `json:"reason,omitempty"`
	// Fault is the kind of the scripted fault that hit the call.
	Fault MessagesFaultKind `json:"fault,omitempty"`
}

// MessagesLedger is what has happened to an account: GET /messages/accounts/{systemId}. It holds no password.
type MessagesLedger struct {
	SystemID string `json:"systemId"`
	// Password is the digest of the current one, PasswordSince when it came.
	Password      string    `json:"password"`
	PasswordSince time.Time `json:"passwordSince"`
	// LockedUntil is absent where the account is not locked.
	LockedUntil *time.Time `json:"lockedUntil,omitempty"`
	// LogIns and Changes are the last 10000 each, oldest first; the figures count all of them.
	LogIns  []MessagesLogIn       `json:"logIns"`
	Changes []MessagesChangeEntry `json:"changes"`
	// OK and Failed are how many log-ins led to a token and did not.
	OK     int `json:"ok"`
	Failed int `json:"failed"`
	// MostFailedInAnHour is the largest number of failed log-ins within any hour.
	MostFailedInAnHour int `json:"mostFailedInAnHour"`
	// Applied is how many changes were made, somebody's included.
	Applied int `json:"applied"`
	// DistinctNew is how many different new passwords calls of /v1/change-password have ever brought.
	DistinctNew int `json:"distinctNew"`
}

// CreateMessagesAccount makes an account; a systemId that is taken is refused with 409.
func (c *Client) CreateMessagesAccount(ctx context.Context, account MessagesAccount) (MessagesLedger, error) {
	var made MessagesLedger
	err := c.call(ctx, http.MethodPost, "/messages/accounts", account, &made)
	return made, err
}

// SetMessagesPassword changes the password of an account as somebody else does who knows it.
func (c *Client) SetMessagesPassword(ctx context.Context, systemID, password string) error {
	return c.call(ctx, http.MethodPost, accountPath(systemID)+"/password", MessagesPassword{password}, nil)
}

// VerifyMessagesPassword says whether a password is the one of an account now; it counts as no log-in.
func (c *Client) VerifyMessagesPassword(ctx context.Context, systemID, password string) (MessagesVerdict, error) {
	var verdict MessagesVerdict
	err := c.call(ctx, http.MethodPost, accountPath(systemID)+"/verify", MessagesPassword{password}, &verdict)
	return verdict, err
}

// MessagesLedger reads what has happened to an account.
func (c *Client) MessagesLedger(ctx context.Context, systemID string) (MessagesLedger, error) {
	var ledger MessagesLedger
	err := c.call(ctx, http.MethodGet, accountPath(systemID), nil, &ledger)
	return ledger, err
}

// ScriptMessages adds a fault of the Messages API, and returns it as the simulator completed it.
func (c *Client) ScriptMessages(ctx context.Context, fault MessagesFault) (MessagesFault, error) {
	var scripted MessagesFault
	err := c.call(ctx, http.MethodPost, "/messages/faults", fault, &scripted)
	return scripted, err
}

// MessagesFaults lists the faults of the Messages API that can still strike.
func (c *Client) MessagesFaults(ctx context.Context) ([]MessagesFault, error) {
	var listed []MessagesFault
	err := c.call(ctx, http.MethodGet, "/messages/faults", nil, &listed)
	return listed, err
}

// ClearMessagesFaults removes every fault of the Messages API.
func (c *Client) ClearMessagesFaults(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "/messages/faults", nil, nil)
}

func accountPath(systemID string) string { return "/messages/accounts/" + url.PathEscape(systemID) }
