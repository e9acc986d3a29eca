package commands

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// awaitStep is how often an object is looked at that a controller is about to write to.
const awaitStep = 500 * time.Millisecond

// await reads an object until its controller has said what it makes of a change, or the time is over; it reports which.
func (p *program) await(
	ctx context.Context, access client.Client, object client.Object, long time.Duration, settled func() bool,
) (bool, error) {
	ticker := p.Clock.NewTicker(awaitStep)
	defer ticker.Stop()
	ends := p.Clock.Now().Add(long)
	for {
		if err := access.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return false, fmt.Errorf("see what became of it: %w", err)
		}
		if settled() {
			return true, nil
		}
		if !p.Clock.Now().Before(ends) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-ticker.C():
		}
	}
}
