package crash_test

import (
	"runtime"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// step is one thing that a controller does outside of its own memory.
type step struct {
	// number counts the steps of a controller, from 1.
	number int
	// name is what is done: "create VeroOrder", "VeroOrder Submitting", "SignNewCertificate", "call token", "event
	// Issued".
	name string
	// object is what is written, nil for a call of the service and for an event.
	object client.Object
}

// isCall reports whether the step is a call of a service: of the certificate service, or of Suomi.fi Messages.
func (s step) isCall() bool {
	return strings.HasSuffix(s.name, "Certificate") || strings.HasPrefix(s.name, callPrefix)
}

// interceptor decides what becomes of a step; act does it.
type interceptor func(s step, act func() error) error

// passThrough lets every step happen.
func passThrough(_ step, act func() error) error { return act() }

// moment is on which side of a step something happens.
type moment string

// Before a step, which then does not happen; or after it, when it has happened and nobody has seen its response.
const (
	before moment = "before"
	after  moment = "after"
)

// crash ends a controller at a step. Nothing of what it was doing goes on.
type crash struct {
	number int
	// name is that of the step, where no number is given.
	name string
	when moment
	// at is the step at which it has ended, orders are what there was before it.
	at     step
	orders []client.Object
	// look is what orders there are at a moment; nil where nobody asks.
	look func() []client.Object
}

func (c *crash) intercept(s step, act func() error) error {
	if s.number != c.number && (c.name == "" || s.name != c.name) {
		return act()
	}
	c.at = s
	if c.look != nil {
		c.orders = c.look()
	}
	if c.when == after {
		_ = act() // nobody sees the response
	}
	runtime.Goexit()
	return nil
}

// losses is how many responses of the service to requests that cost something have gone with the controller.
func (c *crash) losses() int {
	switch c.at.name {
	case signNew, renew:
		if c.when == after {
			return 1
		}
	case writeSubmitted:
		if c.when == before {
			return 1
		}
	}
	return 0
}
