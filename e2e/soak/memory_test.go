package soak

import (
	"fmt"
	"os"
	"strings"
)

// peakMemory is the most memory, in bytes, that a process has had resident since it started, as the kernel counts it; 0
// for one that has ended.
func peakMemory(pid int) int {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		var kibibytes int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kibibytes); err == nil {
			return kibibytes << 10
		}
	}
	return 0
}
