package cluster

import (
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// ForTest starts a cluster that lives as long as the test: it is stopped and removed when the test ends,
// or stopped and left for inspection when the test failed, in which case the test says where.
func ForTest(tb testing.TB, options Options) *Cluster {
	tb.Helper()
	if options.Log == nil {
		options.Log = tb.Output()
	}
	c := must.Get(Start(tb.Context(), options))(tb)
	must.Cleanup(tb, func() error { return c.End(tb.Failed()) })
	return c
}
