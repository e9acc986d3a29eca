//go:build !linux

package stories

import (
	"context"
	"testing"

	nodemachine "github.com/varmenne/varmenne-issuer/e2e/node/machine"
)

// mainOnNode skips the tests: this system has no containers of its own.
func mainOnNode(m *testing.M) int {
	provide = func(t *testing.T) provider {
		t.Helper()
		t.Skipf("%v; %s names a cluster", nodemachine.CanRunNode(context.Background()), kubeconfigVariable)
		return nil
	}
	return m.Run()
}
