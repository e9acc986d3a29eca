package main

import (
	"context"
	"fmt"
	"time"
)

// How the API server is asked whether it still answers. On a busy machine a single answer may take long.
const (
	askInterval = 2 * time.Second
	askTimeout  = 5 * time.Second
	mostMissed  = 3
)

// watched returns a context that ends when the API server has not answered several times in a row: within half a minute
// after it has died or hangs. Its cause says so, with what was missed last.
func watched(ctx context.Context, ask func(context.Context) error) (context.Context, context.CancelCauseFunc) {
	watching, stop := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(askInterval)
		defer ticker.Stop()
		for missed := 0; ; {
			select {
			case <-watching.Done():
				return
			case <-ticker.C:
			}
			err := asked(watching, ask)
			if missed++; err == nil {
				missed = 0
			}
			if missed == mostMissed {
				stop(fmt.Errorf("the API server of the demo has not answered %d times in a row: start the demo anew; %w",
					missed, err))
			}
		}
	}()
	return watching, stop
}

// lost says why the watching has ended, nil where it has not, or because somebody has asked for the end.
func lost(ctx, watching context.Context) error {
	if ctx.Err() == nil {
		return context.Cause(watching)
	}
	return nil
}

func asked(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return ask(ctx)
}
