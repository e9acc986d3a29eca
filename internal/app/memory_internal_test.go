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
	const none = math.MaxInt64
	for claim, test := range map[string]struct {
		variable      string
		set           int64 // as Go has read the variable
		file, content string
		want          int64
	}{
		"version 2":                       {"", none, version2, "268435450\n", 241591905},
		"version 2 without a limit":       {"", none, version2, "max\n", none},
		"version 1":                       {"", none, version1, "268435450\n", 241591905},
		"version 1 without a limit":       {"", none, version1, "9223372036854771712\n", none},
		"no control group":                {"", none, "other", "1000", none},
		"no control group, and a goal":    {"268435456", 268435456, "other", "1000", 268435456},
		"a goal that is the limit itself": {"268435456", 268435456, version2, "268435450\n", 241591905},
		"a smaller goal goes before":      {"100MiB", 104857600, version2, "268435450\n", 104857600},
		"no goal, because somebody wants": {"off", none, version2, "268435450\n", none},
		"what cannot be read, is no":      {"", none, version2, "", none},
	} {
		t.Run(claim, func(t *testing.T) {
			before := debug.SetMemoryLimit(test.set)
			t.Cleanup(func() { debug.SetMemoryLimit(before) })
			t.Setenv(memoryVariable, test.variable)
			mindMemory(logr.Discard(), fstest.MapFS{test.file: {Data: []byte(test.content)}})
			if got := debug.SetMemoryLimit(-1); got != test.want {
				t.Errorf("the limit is %d, want %d", got, test.want)
			}
		})
	}
}

func TestTheHeapGrowsByAsMuchAsSomebodySays(t *testing.T) {
	const set = 90 // as Go has read the variable
	for variable, want := range map[string]int{"": 40, "90": set} {
		before := debug.SetGCPercent(set)
		t.Setenv(growthVariable, variable)
		collectSooner()
		if got := debug.SetGCPercent(before); got != want {
			t.Errorf("with GOGC=%s it grows by %d %%", variable, got)
		}
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
	for i, want := range []bool{true, false, false, true, false, false, true, false} {
		more := []uint64{0, restCycles, 0, restCycles, restCycles + 1, 100, 0, 0}[i]
		number.Add(more)
		moment.Step(returnInterval)
		<-looked // how much there was to do
		<-looked // where the next interval begins
		if got := len(given) == 1; got != want {
			t.Errorf("after %d collections in interval %d it is given back: %t", more, i, got)
		}
		if want {
			<-given
		}
	}
	cancel()
	<-ended
}
