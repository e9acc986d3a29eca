package rotator_test

import (
	"strings"
	"sync"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// figures are what the accounts have seen, together.
type figures struct {
	sync.Mutex

	rotations, passwords, logIns, failed, mostFailed, changes int

	faults                          map[admin.MessagesFaultKind]int
	days                            float64
	longestRefusal, longestRotation time.Duration
}

func (f *figures) count(kind admin.MessagesFaultKind) {
	f.Lock()
	defer f.Unlock()
	f.faults[kind]++
}

// add checks what the service says of the account, and adds it to the figures.
func (s *soak) add(count int, began time.Time) {
	s.Helper()
	ledger, refusedSince := s.ledger(), time.Time{}
	if !s.works(s.inSecret()) {
		s.Errorf("the Secret has not the service's password: %+v", s.object.Status)
	}
	s.all.Lock()
	defer s.all.Unlock()
	for _, logIn := range ledger.LogIns {
		switch {
		case strings.Contains(logIn.Detail, "the account is locked"):
			s.Errorf("the account was locked by failed log-ins: %+v", logIn)
		case logIn.OK && !refusedSince.IsZero():
			s.all.longestRefusal = max(s.all.longestRefusal, logIn.Time.Sub(refusedSince))
			refusedSince = time.Time{}
		case logIn.Fault == admin.MessagesLockOut && refusedSince.IsZero():
			refusedSince = logIn.Time
		}
	}
	s.all.rotations += count
	s.all.passwords += ledger.DistinctNew
	s.all.logIns += ledger.OK + ledger.Failed
	s.all.failed += ledger.Failed
	s.all.mostFailed = max(s.all.mostFailed, ledger.MostFailedInAnHour)
	s.all.changes += s.changes
	s.all.days += s.clock.Since(began).Hours() / 24
}
