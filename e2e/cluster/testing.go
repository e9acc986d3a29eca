package cluster

import (
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// ForTest starts a cluster that lives as long as the test: it is stopped and removed when the test ends,
// or stopped and left for inspection when the test failed, in which case the test says where.
func ForTest(tb testing.TB, options Options) *Cluster {
	tb.Helper()
	if options.Log == nil {
		options.Log = tb.Output()
	}
	c := testkit.Must(Start(tb.Context(), options))(tb)
	testkit.Cleanup(tb, func() error { return c.End(tb.Failed()) })
	return c
}
