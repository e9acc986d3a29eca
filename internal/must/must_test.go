package must_test

import (
	"io"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// recorder is a test that notes what becomes of it.
type recorder struct {
	testing.TB

	outcome string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(string, ...any) { r.outcome = "failed" }

func (r *recorder) Error(...any) { r.outcome = "failed" }

func (r *recorder) Fatal(...any) { r.outcome = "ended" }

func (*recorder) Cleanup(end func()) { end() }

func TestATestFailsOverWhatItMustNotGet(t *testing.T) {
	for claim, c := range map[string]struct {
		call func(t testing.TB)
		want string
	}{
		"not over a value without an error": {func(t testing.TB) { t.Helper(); must.Get(1, nil)(t) }, ""},
		"over an error beside a value":      {func(t testing.TB) { t.Helper(); must.Get(1, io.EOF)(t) }, "ended"},
		"not over no error":                 {func(t testing.TB) { t.Helper(); must.Do(t, nil) }, ""},
		"over an error":                     {func(t testing.TB) { t.Helper(); must.Do(t, io.EOF) }, "ended"},
		"over an end that fails": {func(t testing.TB) {
			t.Helper()
			must.Cleanup(t, func() error { return io.EOF })
		}, "failed"},
		"not over an error that says all": {func(t testing.TB) { t.Helper(); must.Say(t, io.EOF, "E", "F") }, ""},
		"over one that says only a part":  {func(t testing.TB) { t.Helper(); must.Say(t, io.EOF, "E", "G") }, "failed"},
		"over no error, whatever it says": {func(t testing.TB) { t.Helper(); must.Say(t, nil) }, "failed"},
		"not over a text with all of it":  {func(t testing.TB) { t.Helper(); must.Contain(t, "abc", "a", "c") }, ""},
		"over a text with only a part":    {func(t testing.TB) { t.Helper(); must.Contain(t, "abc", "a", "d") }, "failed"},
	} {
		t.Run(claim, func(t *testing.T) {
			r := &recorder{TB: t}
			c.call(r)
			if r.outcome != c.want {
				t.Errorf("the test %q, want %q", r.outcome, c.want)
			}
		})
	}
}
