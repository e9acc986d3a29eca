package messages

import (
	"crypto/rand"
	"slices"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// The reasons of refusals. A wrong password and a lock give the same.
const (
	incorrect    = "Incorrect username or password."
	invalidToken = "Invalid Access Token"
	expiredToken = "Access Token has expired"
	revokedToken = "Access Token has been revoked"
	tooMany      = "Attempt limit exceeded, please try after some time."
	usedBefore   = "Password has previously been used"
	policy       = "Password did not conform with policy: "
)

// maximumTokens is how many tokens an account remembers; a forgotten one is invalid.
const maximumTokens = 1000

// account is one systemId. Its passwords are digests.
type account struct {
	settings admin.MessagesAccount
	// passwords are those that cannot be chosen again, and the current one at the end.
	passwords []string
	since     time.Time
	lock      lock
	tokens    []*token
	// counted are the times of the changes of the last hour.
	counted []time.Time
	// refused are the passwords that the policy has something against, because a fault says so.
	refused map[string]bool
	// later are changes that are still to be applied.
	later  []later
	ledger ledger
}

type token struct {
	value   string
	expires time.Time
	revoked bool
}

// later is a change that was sent and is not applied yet.
type later struct {
	due   time.Time
	entry *admin.MessagesChangeEntry
}

func newAccount(settings admin.MessagesAccount, password string, now time.Time) *account {
	return &account{
		settings: settings, passwords: []string{password}, since: now, lock: lock{after: settings.LockAfter},
		refused: map[string]bool{}, ledger: ledger{distinct: map[string]bool{}},
	}
}

func (a *account) current() string { return a.passwords[len(a.passwords)-1] }

// set makes a password the current one.
func (a *account) set(password string, now time.Time) {
	remembered := max(a.settings.History, 1)
	a.passwords = append(a.passwords, password)
	a.passwords = a.passwords[max(0, len(a.passwords)-remembered):]
	a.since = now
	a.ledger.applied++
	if !a.settings.TokensSurvive {
		a.revoke()
	}
}

func (a *account) revoke() {
	for _, known := range a.tokens {
		known.revoked = true
	}
}

// settle applies the changes that are due: those whose current password is still the current one.
func (a *account) settle(now time.Time) {
	slices.SortStableFunc(a.later, func(x, y later) int { return x.due.Compare(y.due) })
	for len(a.later) > 0 && !now.Before(a.later[0].due) {
		change := a.later[0]
		a.later = a.later[1:]
		if change.entry.Current == a.current() {
			change.entry.AppliedAt = &change.due
			a.set(change.entry.New, change.due)
		}
	}
}

// logIn checks a log-in and returns a token, or nil.
func (a *account) logIn(password string, fault admin.MessagesFaultKind, now time.Time) *token {
	entry := admin.MessagesLogIn{Time: now, Password: password, Fault: fault}
	defer func() { a.ledger.logIn(entry) }()
	switch {
	case fault == admin.MessagesLockOut:
		entry.Detail = "a fault locks the account"
		return nil
	case a.lock.shut(now):
		entry.Detail = "the account is locked until " + a.lock.until.UTC().Format(time.RFC3339)
		return nil
	case password != a.current():
		entry.Detail, entry.Counted = "the password is wrong", true
		a.lock.fail(now)
		return nil
	}
	a.lock.open()
	entry.OK = true
	made := &token{value: newToken(), expires: now.Add(time.Duration(a.settings.TokenLifetime))}
	a.tokens = append(a.tokens, made)
	a.tokens = a.tokens[max(0, len(a.tokens)-maximumTokens):]
	return made
}

func newToken() string {
	return admin.MessagesTokenPrefix + rand.Text() + rand.Text() + "." + rand.Text() + rand.Text()
}

// find is the token of a value; nil if there is none.
func (a *account) find(value string) *token {
	for _, known := range a.tokens {
		if known.value == value {
			return known
		}
	}
	return nil
}

// problem says why a token opens nothing; empty if it does.
func (t *token) problem(now time.Time) string {
	switch {
	case t == nil:
		return invalidToken
	case t.revoked:
		return revokedToken
	case !now.Before(t.expires):
		return expiredToken
	default:
		return ""
	}
}

// asked is a change as it was sent: digests, and what the policy says of the new password.
type asked struct {
	token         *token
	current, next string
	objection     string
	postponed     time.Duration
	fault         admin.MessagesFaultKind
}

// change checks a change and makes it, or has it made later. It returns the reason of a refusal, empty for a success.
func (a *account) change(wanted asked, now time.Time) (reason string, postponed bool) {
	entry := &admin.MessagesChangeEntry{Time: now, Current: wanted.current, New: wanted.next, Fault: wanted.fault}
	a.ledger.change(entry)
	if wanted.fault == admin.MessagesPolicy {
		a.refused[wanted.next] = true
	}
	if entry.Reason = a.refusal(wanted, now); entry.Reason != "" {
		return entry.Reason, false
	}
	if wanted.fault == admin.MessagesLater {
		a.later = append(a.later, later{due: now.Add(wanted.postponed), entry: entry})
		return "", true
	}
	entry.AppliedAt = &now
	a.set(wanted.next, now)
	return "", false
}

// refusal says why a change is not made; empty if it is.
func (a *account) refusal(wanted asked, now time.Time) string {
	if problem := wanted.token.problem(now); problem != "" {
		return problem
	}
	a.counted = slices.DeleteFunc(a.counted, func(at time.Time) bool { return !at.After(now.Add(-time.Hour)) })
	if wanted.fault == admin.MessagesAttemptLimit || len(a.counted) >= a.settings.ChangesPerHour {
		return tooMany
	}
	a.counted = append(a.counted, now)
	switch {
	case wanted.objection != "":
		return policy + wanted.objection
	case a.refused[wanted.next]:
		return policy + "Password must have symbol characters"
	case wanted.current != a.current():
		a.lock.fail(now)
		return incorrect
	case a.settings.History > 0 && slices.Contains(a.passwords, wanted.next):
		return usedBefore
	default:
		return ""
	}
}

// changedBySomebody makes a password the current one without asking anything of it.
func (a *account) changedBySomebody(password string, now time.Time) {
	delete(a.refused, password)
	a.ledger.change(&admin.MessagesChangeEntry{Time: now, AppliedAt: &now, Somebody: true, New: password})
	a.set(password, now)
}

// view is the ledger as the admin interface shows it.
func (a *account) view(now time.Time) admin.MessagesLedger {
	shown := admin.MessagesLedger{
		SystemID: a.settings.SystemID, Password: a.current(), PasswordSince: a.since,
		LogIns: slices.Clone(a.ledger.logIns), Changes: make([]admin.MessagesChangeEntry, 0, len(a.ledger.changes)),
		OK: a.ledger.ok, Failed: a.ledger.failed, MostFailedInAnHour: a.ledger.most, Applied: a.ledger.applied,
		DistinctNew: len(a.ledger.distinct),
	}
	if now.Before(a.lock.until) {
		until := a.lock.until
		shown.LockedUntil = &until
	}
	if shown.LogIns == nil {
		shown.LogIns = []admin.MessagesLogIn{}
	}
	for _, entry := range a.ledger.changes {
		shown.Changes = append(shown.Changes, *entry)
	}
	return shown
}
