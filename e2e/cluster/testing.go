package cluster

import "testing"

// ForTest starts a cluster that lives as long as the test: it is stopped and removed when the test ends,
// or stopped and left for inspection when the test failed, in which case the test's log says where.
func ForTest(tb testing.TB, options Options) *Cluster {
	tb.Helper()
	if options.Log == nil {
		options.Log = tb.Output()
	}
	c, err := Start(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Stop(); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Logf("the logs of the cluster are in %s", c.LogDir())
			return
		}
		if err := c.Remove(); err != nil {
			tb.Error(err)
		}
	})
	return c
}
