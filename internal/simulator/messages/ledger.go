package messages

import (
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	// maximumEntries is how many log-ins, and how many changes, the ledger of an account remembers.
	maximumEntries = 10_000
	// maximumDistinct is how many new passwords are told apart.
	maximumDistinct = 100_000
)

// ledger is what has happened to an account.
type ledger struct {
	logIns  []admin.MessagesLogIn
	changes []*admin.MessagesChangeEntry
	ok      int
	failed  int
	applied int
	// failures are the times of the failed log-ins of the last hour, most the largest number of them.
	failures []time.Time
	most     int
	// distinct has the digests of the new passwords that were ever sent.
	distinct map[string]bool
}

func (l *ledger) logIn(entry admin.MessagesLogIn) {
	l.logIns = lastOf(append(l.logIns, entry))
	if entry.OK {
		l.ok++
		return
	}
	l.failed++
	l.failures = append(l.failures, entry.Time)
	for !l.failures[0].After(entry.Time.Add(-time.Hour)) {
		l.failures = l.failures[1:]
	}
	l.most = max(l.most, len(l.failures))
}

// change remembers a change; the entry may still be completed.
func (l *ledger) change(entry *admin.MessagesChangeEntry) {
	l.changes = lastOf(append(l.changes, entry))
	if !entry.Somebody && len(l.distinct) < maximumDistinct {
		l.distinct[entry.New] = true
	}
}

func lastOf[E any](entries []E) []E { return entries[max(0, len(entries)-maximumEntries):] }
