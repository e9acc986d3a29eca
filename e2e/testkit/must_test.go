package testkit_test

import (
	"errors"
	"runtime"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// ended is a test that keeps what it was ended with.
type ended struct {
	testing.TB
	with []any
}

func (e *ended) Helper() {}

func (e *ended) Fatal(with ...any) {
	e.with = with
	runtime.Goexit()
}

func TestAnErrorEndsTheTest(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	for claim, run := range map[string]func(testing.TB){
		"NoError": func(t testing.TB) { testkit.NoError(t, failure) },
		"Must":    func(t testing.TB) { testkit.Must(1, failure)(t) },
	} {
		e, goesOn, done := &ended{TB: t}, false, make(chan struct{})
		go func() {
			defer close(done)
			run(e)
			goesOn = true
		}()
		<-done
		if goesOn || len(e.with) != 1 || e.with[0] != failure {
			t.Errorf("%s: the test goes on: %t, and was ended with %v", claim, goesOn, e.with)
		}
	}
	testkit.NoError(t, nil)
	if got := testkit.Must(1, nil)(t); got != 1 {
		t.Errorf("the value is %d, want 1", got)
	}
}
