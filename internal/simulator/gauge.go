package simulator

import (
	"sync"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// gauge counts the calls that run.
type gauge struct {
	mutex sync.Mutex
	calls admin.Calls
}

// enter counts a call in; leave counts it out, whatever it ended with.
func (g *gauge) enter() (leave func()) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.calls.Running++
	g.calls.Most = max(g.calls.Most, g.calls.Running)
	return func() {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		g.calls.Running--
	}
}

func (g *gauge) read() admin.Calls {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.calls
}
