package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestALostAPIServerEndsTheDemoWithinABoundedTime, whether it refuses connections or hangs; one that misses an answer
// does not.
func TestALostAPIServerEndsTheDemoWithinABoundedTime(t *testing.T) {
	refused := errors.New("connection refused")
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for claim, c := range map[string]struct {
		ask   func(context.Context) error
		after time.Duration // zero if it goes on
		says  string
	}{
		"refuses":             {func(context.Context) error { return refused }, 6 * time.Second, "3 times in a row"},
		"hangs":               {hangs, 21 * time.Second, "context deadline exceeded"},
		"misses two of three": {everyThird(refused), 0, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, stop := watched(t.Context(), c.ask)
				defer stop(nil)
				select {
				case <-ctx.Done():
				case <-time.After(time.Minute):
				}
				cause := context.Cause(ctx)
				if (cause == nil) != (c.after == 0) || cause != nil && !strings.Contains(cause.Error(), c.says) {
					t.Fatalf("the cause is %v", cause)
				}
				if after := time.Since(began); cause != nil && after > c.after {
					t.Errorf("it has ended after %s", after)
				}
			})
		})
	}
}

// everyThird answers every third time.
func everyThird(err error) func(context.Context) error {
	asked := 0
	return func(context.Context) error {
		if asked++; asked%3 == 0 {
			return nil
		}
		return err
	}
}
