package limiter

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
)

// Calls are the slots for calls to certificate services. Submissions and polls have their own, so that a certificate
// that was paid for is fetched, however many requests wait to be sent and however slowly they are answered.
type Calls struct {
	// Submissions send requests, Polls ask for certificates.
	Submissions, Polls *Limiter
}

// NewCalls makes Calls for a number of workers. An issuer gets perIssuer slots of each. Polls are short and share half
// as many slots in all: as much of a response as is read of all of them has to fit into memory.
func NewCalls(workers, perIssuer int) Calls {
	const half = 2
	return Calls{Submissions: New(workers, perIssuer), Polls: New(max(workers/half, 1), perIssuer)}
}

// Workers is how many workers a controller needs so that one is left for those who wait for a slot, whoever is in one.
func (c Calls) Workers() int { return c.Submissions.Workers() + c.Polls.limit() }

// OnGrant sets what is told whose turn it is to submit, and to poll. It must not call a Limiter.
func (c Calls) OnGrant(submit, poll func(types.NamespacedName)) {
	c.Submissions.OnGrant(submit)
	c.Polls.OnGrant(poll)
}

// Forget takes an object out of its lines that needs no slot any more, or gives the slots back that it was woken for.
func (c Calls) Forget(name types.NamespacedName) {
	c.Submissions.Forget(name)
	c.Polls.Forget(name)
}

// Drain returns when nobody is in a slot, or when the context ends.
func (c Calls) Drain(ctx context.Context) {
	c.Submissions.Drain(ctx)
	c.Polls.Drain(ctx)
}
