// Package must fails a test whose calls do not end as they must, or do not say what they must.
package must

import (
	"strings"
	"testing"
)

// Get is the value of a call that must succeed, as in must.Get(os.ReadFile(path))(t). The test comes last, in a call of
// its own, because Go hands several results on only to a call that has no other arguments. Without that call nothing is
// checked: the linter refuses a Get that stands alone.
func Get[T any](value T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		Do(t, err)
		return value
	}
}

// Do ends the test if a call that must succeed has returned an error.
func Do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Cleanup ends something with the test, and fails the test where that fails.
func Cleanup(t testing.TB, end func() error) {
	t.Helper()
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// Say fails the test unless there is an error, whose text has each of the parts in it. The test goes on.
func Say(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("there is no error; want one that says %q", parts)
		return
	}
	Contain(t, err.Error(), parts...)
}

// Contain fails the test unless a text has each of the parts in it. The test goes on.
func Contain(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
}
