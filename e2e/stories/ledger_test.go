package stories

import (
	"sync"

	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// ledger is what the stories leave behind for the closing checks.
type ledger struct {
	secrecy.Ledger

	mutex    sync.Mutex
	requests []admin.Request
}

// remember keeps what a service was asked.
func (l *ledger) remember(asked []admin.Request) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.requests = append(l.requests, asked...)
}
