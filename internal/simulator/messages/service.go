package messages

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/script"
)

const (
	// maximumAccounts is how many accounts there can be.
	maximumAccounts = 1000
	// What an account has that says nothing else. The history is the longest that Amazon Cognito keeps.
	defaultHistory, defaultLockAfter, defaultChangesPerHour = 24, 5, 10
)

var (
	// ErrUnknown means that there is no account with the systemId.
	ErrUnknown = errors.New("no account has this systemId; make one by POST of /messages/accounts")
	// ErrTaken means that an account cannot be made.
	ErrTaken = errors.New("the systemId is taken, or there are 1000 accounts")
)

// Options are what a Service needs.
type Options struct {
	// Clock tells the time.
	Clock clock.Clock
	// TokenLifetime is how long tokens live, unless the account says otherwise.
	TokenLifetime time.Duration
	// Roll gives a number from 0 to 99, for faults with a probability.
	Roll func() int
	// Log takes the log.
	Log logr.Logger
}

// Service is the API with its accounts. Its methods may be called at the same time.
type Service struct {
	options Options
	// key is that of the digests.
	key    []byte
	faults script.Script[admin.MessagesFault]

	mutex    sync.Mutex
	accounts map[string]*account
	// changed counts changes, which are answered in two ways.
	changed int
}

// New makes a service without accounts.
func New(options Options) *Service {
	made := &Service{options: options, key: []byte(rand.Text()), accounts: map[string]*account{}}
	made.faults.Roll = options.Roll
	return made
}

// digest stands for a password, in this process only.
func (s *Service) digest(password string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(password))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// with does something to an account, when everything has been applied to it that is due.
func (s *Service) with(systemID string, do func(a *account, now time.Time)) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	found := s.accounts[systemID]
	if found == nil {
		return ErrUnknown
	}
	now := s.options.Clock.Now()
	found.settle(now)
	do(found, now)
	return nil
}

// Create makes an account. The error is ErrTaken, or says what is wrong with it.
func (s *Service) Create(wanted admin.MessagesAccount) (admin.MessagesLedger, error) {
	if err := wanted.Validate(); err != nil {
		return admin.MessagesLedger{}, err
	}
	password := s.digest(wanted.Password)
	wanted.Password = ""
	wanted.History = max(cmp.Or(wanted.History, defaultHistory), 0)
	wanted.LockAfter = cmp.Or(wanted.LockAfter, defaultLockAfter)
	wanted.ChangesPerHour = cmp.Or(wanted.ChangesPerHour, defaultChangesPerHour)
	wanted.TokenLifetime = cmp.Or(wanted.TokenLifetime, admin.Duration(s.options.TokenLifetime))
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.accounts[wanted.SystemID] != nil || len(s.accounts) >= maximumAccounts {
		return admin.MessagesLedger{}, ErrTaken
	}
	now := s.options.Clock.Now()
	made := newAccount(wanted, password, now)
	s.accounts[wanted.SystemID] = made
	return made.view(now), nil
}

// SetPassword changes a password as somebody else does. The error is ErrUnknown.
func (s *Service) SetPassword(systemID, password string) error {
	return s.with(systemID, func(a *account, now time.Time) { a.changedBySomebody(s.digest(password), now) })
}

// Verify says whether a password is the current one; it counts as no log-in. The error is ErrUnknown.
func (s *Service) Verify(systemID, password string) (admin.MessagesVerdict, error) {
	verdict := admin.MessagesVerdict{Digest: s.digest(password)}
	err := s.with(systemID, func(a *account, now time.Time) {
		verdict.Current, verdict.Locked = a.current() == verdict.Digest, now.Before(a.lock.until)
	})
	return verdict, err
}

// Ledger is what has happened to an account. The error is ErrUnknown.
func (s *Service) Ledger(systemID string) (ledger admin.MessagesLedger, err error) {
	err = s.with(systemID, func(a *account, now time.Time) { ledger = a.view(now) })
	return ledger, err
}

// Script adds a fault that has passed Validate, and completes its fields.
func (s *Service) Script(fault admin.MessagesFault) (admin.MessagesFault, error) {
	terms, err := s.faults.Add(fault, script.Terms{
		Count: fault.Count, ForDuration: time.Duration(fault.ForDuration), Probability: fault.Probability,
	}, s.options.Clock.Now())
	return scripted(fault, terms), err
}

// Faults lists the faults that can still strike.
func (s *Service) Faults() []admin.MessagesFault {
	entries := s.faults.List(s.options.Clock.Now())
	listed := make([]admin.MessagesFault, 0, len(entries))
	for _, entry := range entries {
		listed = append(listed, scripted(entry.Fault, entry.Terms))
	}
	return listed
}

// ClearFaults removes every fault.
func (s *Service) ClearFaults() { s.faults.Clear() }

// scripted is a fault as the admin interface shows it: without its password.
func scripted(fault admin.MessagesFault, terms script.Terms) admin.MessagesFault {
	fault.ID, fault.Count, fault.ExpiresAt, fault.Hits = terms.ID, terms.Count, terms.ExpiresAt, terms.Hits
	fault.Password = ""
	return fault
}
