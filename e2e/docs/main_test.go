// Package docs checks the documentation: that what it shows is what is in the repository, that the API server takes its
// manifests, that its commands are run, and that what it says of a restore happens.
package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// atOnce is how many tests run at once, once those that stop the controller are over.
const atOnce = "100"

// raised is the world while there is one. Most checks only read, and start none.
var raised struct {
	once  sync.Once
	world *world.World
	err   error
}

func TestMain(m *testing.M) {
	tenant.ManyAtOnce(atOnce)
	ctrl.SetLogger(logr.Discard()) // Of the clients that the tests use.
	os.Exit(run(m))
}

// run ends the world, if there is one, whatever happened.
func run(m *testing.M) int {
	code := m.Run()
	if raised.world == nil {
		return code
	}
	if err := raised.world.End(code != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// theWorld starts the world when the first test asks for it. With -short only the checks are left that read.
func theWorld(t *testing.T) *world.World {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a cluster; left out by -short")
	}
	raised.once.Do(func() {
		options := world.Options{}
		if testing.Verbose() {
			options.Log = os.Stderr
		}
		ctx := context.WithoutCancel(t.Context()) // it outlives the test that needs it first
		if raised.world, raised.err = world.Start(ctx, options); raised.err == nil {
			raised.err = installForeignKinds(ctx, raised.world)
		}
	})
	if raised.err != nil {
		t.Fatal(errors.Join(errors.New("there is no world to check the documentation in"), raised.err))
	}
	return raised.world
}
