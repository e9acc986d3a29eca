package alerts_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// testCase is what Prometheus has recorded, and the one alert that comes of it.
type testCase struct {
	series []string
	alert  string
	// from is when it fires for the first time, until when it does no more; zero if it goes on.
	from, until time.Duration
	// says are parts of its description.
	says []string
}

func TestNoAlertFiresWhileAllIsWell(t *testing.T) {
	for i, firing := range replay(t, healthy(), 4*time.Hour) {
		if len(firing) > 0 {
			t.Fatalf("after %d minutes there are %v", i, names(firing))
		}
	}
}

func TestAnAlertFiresInTimeAndResolves(t *testing.T) {
	for claim, c := range testCases() {
		t.Run(claim, func(t *testing.T) {
			end := c.until
			if end == 0 {
				end = c.from
			}
			firing := replay(t, with(healthy(), c.series...), end+10*time.Minute)
			for i, now := range firing {
				at := time.Duration(i) * step
				var want []string
				if at >= c.from && (c.until == 0 || at < c.until) {
					want = []string{c.alert}
				}
				if got := names(now); !slices.Equal(got, want) {
					t.Fatalf("after %s there are %v, want %v", at, got, want)
				}
			}
			c.reads(t, firing[c.from/step][c.alert][0].Annotations.Get("description"))
		})
	}
}

func (c testCase) reads(t *testing.T, description string) {
	t.Helper()
	for _, words := range c.says {
		if !strings.Contains(description, words) {
			t.Errorf("the description does not say %q: %s", words, description)
		}
	}
	if strings.Contains(description, "<error") || strings.Contains(description, "  ") {
		t.Errorf("the description is not rendered well: %s", description)
	}
}
