package ordertest

import (
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// Want is what a decision must be. Zero fields are not looked at, but for the Verb.
type Want struct {
	Verb   orderstate.Verb
	Reason string
	At     time.Time
	// Says is what the message must contain.
	Says []string
}

// Check compares a decision with what it must be.
func (w Want) Check(t *testing.T, got orderstate.Action) {
	t.Helper()
	if got.Verb != w.Verb {
		t.Fatalf("decided to %s (%s: %s), want %s", got.Verb, got.Reason, got.Message, w.Verb)
	}
	if w.Reason != "" && got.Reason != w.Reason {
		t.Errorf("the reason is %s (%s), want %s", got.Reason, got.Message, w.Reason)
	}
	if !w.At.IsZero() && !got.At.Equal(w.At) {
		t.Errorf("looks again at %s, want %s", got.At, w.At)
	}
	for _, text := range w.Says {
		if !strings.Contains(got.Message, text) {
			t.Errorf("the message does not say %q: %s", text, got.Message)
		}
	}
}
