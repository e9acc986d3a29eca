package browser

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
)

// RequireVariable makes tests fail, instead of being skipped, where there is no browser.
const RequireVariable = "VARMENNE_REQUIRE_BROWSER"

// Shared is a browser that the tests of a package share. The zero value is ready.
type Shared struct {
	once    sync.Once
	browser *Browser
	err     error
	missing bool
}

// Get returns the browser, and starts it when the first test asks. Where this machine has none and apt does not offer
// one, the test is skipped, or fails if RequireVariable demands a browser.
func (s *Shared) Get(t testing.TB) *Browser {
	t.Helper()
	s.once.Do(func() {
		ctx := context.WithoutCancel(t.Context())
		found, err := binaries.EnsureBrowser(ctx, binaries.Options{Log: os.Stderr})
		if s.missing = err != nil; s.missing {
			s.err = err
			return
		}
		s.browser, s.err = Start(ctx, found)
	})
	if s.missing && os.Getenv(RequireVariable) == "" {
		t.Skipf("no browser: %v", s.err)
	}
	if s.err != nil {
		t.Fatalf("no browser: %v", s.err)
	}
	return s.browser
}

// End ends the browser if it was started; see Browser.End.
func (s *Shared) End() error {
	if s.browser == nil {
		return nil
	}
	return s.browser.End()
}
