package app

import (
	"io/fs"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/go-logr/logr"
)

// memoryVariable is what sets the goal of Go's garbage collector from outside.
const memoryVariable = "GOMEMLIMIT"

// mindMemory has the garbage collector mind the memory limit of the container. Left alone it lets the heap grow to
// twice of what is in use, over the limit, where the kernel ends the process in the middle of its calls.
func mindMemory(log logr.Logger, groups fs.FS) {
	if os.Getenv(memoryVariable) != "" {
		return
	}
	if limit := memoryLimit(groups); limit > 0 {
		const parts, used = 10, 9 // what is left is for what the collector does not count
		debug.SetMemoryLimit(limit / parts * used)
		log.V(1).Info("the memory limit of the container is minded", "bytes", limit)
	}
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
