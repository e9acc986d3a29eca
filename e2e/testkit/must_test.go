package testkit_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// ended is a test that keeps the error that it was ended with.
type ended struct {
	testing.TB
	with error
}

func (e *ended) Helper() {}

func (e *ended) Fatal(with ...any) {
	e.with, _ = with[0].(error)
	runtime.Goexit()
}

func TestAnErrorEndsTheTest(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	for claim, run := range map[string]func(*ended){
		"NoError": func(e *ended) { testkit.NoError(e, failure) },
		"Must":    func(e *ended) { testkit.Must(1, failure)(e) },
	} {
		e, goesOn, done := &ended{TB: t}, false, make(chan struct{})
		go func() {
			defer close(done)
			run(e)
			goesOn = true
		}()
		<-done
		if goesOn || !errors.Is(e.with, failure) {
			t.Errorf("%s: the test goes on: %t, and was ended with %v", claim, goesOn, e.with)
		}
	}
	testkit.NoError(t, nil)
	if got := testkit.Must(1, nil)(t); got != 1 {
		t.Errorf("the value is %d, want 1", got)
	}
}
