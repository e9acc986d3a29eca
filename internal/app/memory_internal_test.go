package app

import (
	"context"
	"math"
	"runtime/debug"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-logr/logr"
	clocktesting "k8s.io/utils/clock/testing"
)

func TestTheGarbageCollectorMindsTheMemoryLimitOfTheContainer(t *testing.T) {
	const version1, version2 = "memory/memory.limit_in_bytes", "memory.max"
	for claim, test := range map[string]struct {
		variable, file, content string
		want                    int64
	}{
		"version 2":                  {"", version2, "268435450\n", 241591905},
		"version 2 without a limit":  {"", version2, "max\n", math.MaxInt64},
		"version 1":                  {"", version1, "268435450\n", 241591905},
		"version 1 without a limit":  {"", version1, "9223372036854771712\n", math.MaxInt64},
		"no control group":           {"", "other", "1000", math.MaxInt64},
		"what is set, goes before":   {"1GiB", version2, "268435450\n", math.MaxInt64},
		"what cannot be read, is no": {"", version2, "", math.MaxInt64},
	} {
		t.Run(claim, func(t *testing.T) {
			before := debug.SetMemoryLimit(math.MaxInt64)
			t.Cleanup(func() { debug.SetMemoryLimit(before) })
			t.Setenv(memoryVariable, test.variable)
			mindMemory(logr.Discard(), fstest.MapFS{test.file: {Data: []byte(test.content)}})
			if got := debug.SetMemoryLimit(-1); got != test.want {
				t.Errorf("the limit is %d, want %d", got, test.want)
			}
		})
	}
}

// TestMemoryIsGivenBackAtRest, and not in the middle of work.
func TestMemoryIsGivenBackAtRest(t *testing.T) {
	moment := clocktesting.NewFakeClock(time.Now())
	ctx, cancel := context.WithCancel(t.Context())
	var number atomic.Uint64
	looked, given, ended := make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	cycles := func() uint64 {
		now := number.Load()
		looked <- struct{}{}
		return now
	}
	go func() {
		defer close(ended)
		returnMemory(ctx, moment, cycles, func() { given <- struct{}{} })
	}()
	<-looked
	for more, want := range map[uint64]bool{0: true, restCycles: true, restCycles + 1: false, 100: false} {
		number.Add(more)
		moment.Step(returnInterval)
		<-looked // how much there was to do
		<-looked // where the next interval begins
		if got := len(given) == 1; got != want {
			t.Errorf("after %d collections it is given back: %t", more, got)
		}
		if want {
			<-given
		}
	}
	cancel()
	<-ended
}
