package explore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/explore"
)

// TestStatesWithOneKeyHaveOneFuture: what the key leaves out does not matter for what can happen next.
func TestStatesWithOneKeyHaveOneFuture(t *testing.T) {
	prepare(t)
	for claim, c := range scenarios {
		t.Run(claim, func(t *testing.T) {
			e, rim, futures := &explorer{}, []*world{c.start()}, map[explore.Key][]happening{}
			depth := 12 // a certificate is there by then
			if c.budget.replicas > 1 {
				depth = 7
			}
			for range depth {
				var next []*world
				for _, from := range rim {
					key, steps := e.Key(from), e.Steps(from)
					known, met := futures[key]
					if !met {
						futures[key] = steps
						for _, s := range steps {
							next = append(next, s.State)
						}
						continue
					}
					if one, other := e.keys(known), e.keys(steps); one != other {
						t.Fatalf("one state goes on with\n%s\nand another one with the same key with\n%s", one, other)
					}
				}
				rim = next
			}
			t.Logf("%d keys", len(futures))
		})
	}
}

// keys are those of what can follow, whichever controller it is that does it.
func (e *explorer) keys(steps []happening) string {
	all := make([]string, 0, len(steps))
	for _, s := range steps {
		all = append(all, fmt.Sprintf("%x", e.Key(s.State)))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "\n")
}
