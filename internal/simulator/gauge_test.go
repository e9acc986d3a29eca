package simulator_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

func TestTheGaugeCountsTheCallsThatRunAndRemembersTheMost(t *testing.T) {
	const callers = 3
	s := start(t, nil)
	must.Get(s.admin.Script(t.Context(), admin.Fault{Kind: admin.TimeoutAfter, Count: callers}))(t)
	m := message{transferID: "ID", password: "password"}
	document := envelope(m.payload(protocol.SignNewCertificate))
	ctx, hangUp := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() { s.send(ctx, protocol.SignNewCertificate, document) })
	}
	s.awaitCalls(admin.Calls{Running: callers, Most: callers})
	s.awaitHeld(callers)
	hangUp()
	calls.Wait()
	s.awaitCalls(admin.Calls{Running: 0, Most: callers})
	s.send(t.Context(), protocol.SignNewCertificate, document)
	s.awaitCalls(admin.Calls{Running: 0, Most: callers})
}

// awaitHeld asks until so many calls have met their fault: one that is called off before that leaves its fault to
// the next.
func (s *service) awaitHeld(want int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for {
		requests, err := s.admin.Requests(ctx, "", "")
		if err != nil {
			s.t.Fatalf("waited for %d calls to be held: %v", want, err)
		}
		held := 0
		for _, request := range requests {
			if request.Fault == admin.TimeoutAfter {
				held++
			}
		}
		if held == want {
			return
		}
	}
}

// awaitCalls asks until the gauge stands where it should.
func (s *service) awaitCalls(want admin.Calls) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for {
		got, err := s.admin.Calls(ctx)
		if err != nil {
			s.t.Fatalf("waited for %+v: %v", want, err)
		}
		if got == want {
			return
		}
	}
}
