package app

import (
	"context"
	"io/fs"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
)

// memoryVariable is what sets the goal of Go's garbage collector from outside; noGoal is its value for none.
const (
	memoryVariable = "GOMEMLIMIT"
	noGoal         = "off"
)

// mindMemory has the garbage collector mind the memory limit of the container. Left alone it lets the heap grow to
// twice of what is in use, over the limit, where the kernel ends the process in the middle of its calls. A goal that is
// set is left alone where it is smaller than the limit; the chart's is the limit itself, and leaves no room for what
// the collector does not count.
func mindMemory(log logr.Logger, groups fs.FS) {
	limit := memoryLimit(groups)
	if limit <= 0 || debug.SetMemoryLimit(-1) < limit || os.Getenv(memoryVariable) == noGoal {
		return
	}
	const parts, used = 10, 9
	debug.SetMemoryLimit(limit / parts * used)
	log.V(1).Info("the memory limit of the container is minded", "bytes", limit)
}

// growthVariable is what says from outside how much the heap may grow before it is collected.
const growthVariable = "GOGC"

// collectSooner lets the heap grow by 40 % of what is in use before it is collected, not to twice of it: with a
// thousand orders at once that is a sixth less of memory. What is set from outside is left alone.
func collectSooner() {
	const percent = 40
	if os.Getenv(growthVariable) == "" {
		debug.SetGCPercent(percent)
	}
}

const (
	// returnInterval is how often it is seen whether the process is at rest, and restIntervals after how many of rest
	// memory is given back once more.
	returnInterval = 20 * time.Second
	restIntervals  = 3
	// restCycles is how many garbage collections an interval of rest has at most: the one that Go makes every two minutes
	// by itself, and those that the scrapes of the metrics bring about.
	restCycles = 2
)

// returnMemory gives the memory that a busy time has left behind back to the system as soon as the process is at rest,
// and from then on each minute. Left alone, Go keeps as much as the heap may grow to once more: twice of what waits for
// weeks, or of what was there for a moment. It works until the context ends.
func returnMemory(ctx context.Context, ticking clock.WithTicker, cycles func() uint64, give func()) {
	ticker := ticking.NewTicker(returnInterval)
	defer ticker.Stop()
	rested := restIntervals // the start was busy
	for before := cycles(); ; before = cycles() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		switch {
		case cycles()-before > restCycles:
			rested = restIntervals
		case rested < restIntervals:
			rested++
		default:
			give()
			rested = 1
		}
	}
}

// collections is how many garbage collections there were since the start of the process.
func collections() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// memoryLimit is that of the control group of the process, in bytes; 0 if there is none. Version 2 of control groups
// writes max for none, version 1 a number that no machine has.
func memoryLimit(groups fs.FS) int64 {
	const unlimited = 1 << 60
	for _, name := range []string{"memory.max", "memory/memory.limit_in_bytes"} {
		content, err := fs.ReadFile(groups, name)
		if err != nil {
			continue
		}
		limit, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
		if err == nil && limit < unlimited {
			return max(limit, 0)
		}
	}
	return 0
}
