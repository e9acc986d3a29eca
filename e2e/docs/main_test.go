// Package docs checks the documentation: that what it shows is what is in the repository, that the API server takes its
// manifests, that its commands are run, and that what it says of a restore happens.
package docs

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// atOnce is how many tests run at once, once those that stop the controller are over.
const atOnce = 100

// shared is the world of the tests. Most only read, and start none.
var shared = &testkit.Shared[*world.World]{Start: func(ctx context.Context) (*world.World, error) {
	options := world.Options{Values: map[string]any{"messages": world.MessagesValues(messagesNamespace)}}
	if testing.Verbose() {
		options.Log = os.Stderr
	}
	w, err := world.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(installForeignKinds(ctx, w), w.StartMessages(ctx, 1)); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return w, nil
}}

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, shared, atOnce, nil)) }

// theWorld is there for tests that need a cluster. With -short only those are left that read.
func theWorld(t *testing.T) *world.World {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a cluster; left out by -short")
	}
	return shared.Get(t)
}
