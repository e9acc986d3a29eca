package process

import (
	"context"
	"fmt"
	"time"
)

// Await asks every interval whether the process is ready, until it is, has ended, or the timeout is over. The error
// says what the wait was for, and what the process has to say about that.
func (p *Process) Await(
	ctx context.Context, timeout, interval time.Duration, ready func(context.Context) error,
) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not ready after %s", timeout))
	defer cancel()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-p.Done():
			return p.ExitError()
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: %w; the end of its log %s:\n%s",
				p.Name(), context.Cause(ctx), err, p.LogFile(), p.LogTail(10))
		}
	}
}
