package simulator

import (
	"sync"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// maximumRequests is how many requests the log remembers; the oldest are forgotten first.
const maximumRequests = 10_000

// requestLog is what was asked of the service.
type requestLog struct {
	mutex   sync.Mutex
	entries []admin.Request
}

func (l *requestLog) add(entry admin.Request) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if len(l.entries) >= maximumRequests {
		l.entries = l.entries[1:]
	}
	l.entries = append(l.entries, entry)
}

// list gives the entries of an operation and a customer, oldest first; an empty filter lets everything pass.
func (l *requestLog) list(operation, customerID string) []admin.Request {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	listed := []admin.Request{}
	for _, entry := range l.entries {
		if (operation == "" || entry.Operation == operation) && (customerID == "" || entry.CustomerID == customerID) {
			listed = append(listed, entry)
		}
	}
	return listed
}

func (l *requestLog) clear() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.entries = nil
}
