package testkit

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// Environment is what tests share: a world, or what is built around one.
type Environment interface {
	// End stops it, and keeps what is needed to find out why the tests have failed.
	End(failed bool) error
}

// Shared is an environment that is started once, when the first test asks for it.
type Shared[T any] struct {
	// Start starts it. The context outlives the test that has asked first.
	Start func(context.Context) (T, error)

	once        sync.Once
	started     bool
	environment T
	err         error
}

// Get returns the environment, and fails the test when it could not be started.
func (s *Shared[T]) Get(t testing.TB) T {
	t.Helper()
	s.once.Do(func() {
		s.environment, s.err = s.Start(context.WithoutCancel(t.Context()))
		s.started = s.err == nil
	})
	if s.err != nil {
		t.Fatalf("the tests have no environment: %v", s.err)
	}
	return s.environment
}

// Checks are claims about an environment that hold after all tests, whatever happened in them.
type Checks[T any] map[string]func(context.Context, T) error

// Main is what TestMain does with a shared environment: it runs the tests, so many at once unless -parallel says
// otherwise, then the checks, and ends the environment whatever happened. It returns the exit code.
func Main[T Environment](m *testing.M, shared *Shared[T], atOnce int, checks Checks[T]) int {
	runAtOnce(atOnce)
	ctrl.SetLogger(logr.Discard()) // Of the clients that the tests use.
	code := m.Run()
	if !shared.started {
		return code
	}
	for _, claim := range slices.Sorted(maps.Keys(checks)) {
		if err := checks[claim](context.Background(), shared.environment); err != nil {
			code = 1
			fmt.Fprintf(os.Stderr, "--- FAIL: %s:\n%v\n", claim, err)
		}
	}
	if err := shared.environment.End(code != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// runAtOnce replaces the default of -parallel, which is right for tests that compute: these wait most of the time.
func runAtOnce(number int) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		_ = flag.Set("test.parallel", strconv.Itoa(number))
	}
}
