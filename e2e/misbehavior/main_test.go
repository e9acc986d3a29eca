// Package misbehavior plays what docs/reliability.md promises. The rows of that page's tables are Go values here: each
// is played in a world where everything is real, is checked for what the user reads, what was spent and how it goes on,
// and is written into the page, which a test compares.
//
//	go test ./misbehavior -run TestThePage -update   # writes the tables into docs/reliability.md
//
// All rows share one world and are played side by side, each in a namespace of its own with a certificate service of
// its own. What strikes the cluster itself is played last, alone.
package misbehavior

import (
	"context"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

var update = flag.Bool("update", false, "write the tables into docs/reliability.md")

const (
	// atOnce is how many rows are played at once: what they do most of the time is wait.
	atOnce = 100
	// callTimeout lets calls that hang end soon, and ones that go well do so on a busy machine, too.
	callTimeout = 15 * time.Second
)

// stage is where the rows are played.
type stage struct {
	*world.World
	*diary
	*secrecy.Ledger
}

// shared is the stage of all.
var shared = &testkit.Shared[*stage]{Start: raise}

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(m, shared, atOnce, closingChecks))
}

func TestEveryRowComesTrue(t *testing.T) {
	t.Run("side by side", func(t *testing.T) {
		t.Run("the service misbehaves", playTroubles)
		t.Run("people interfere", playDeeds)
	})
	t.Run("the cluster is disturbed", playDisturbances)
}

func raise(ctx context.Context) (*stage, error) {
	options := world.Options{
		Line:           true,
		ControllerArgs: []string{"--log-level=debug", "--call-timeout=" + callTimeout.String()},
	}
	if testing.Verbose() {
		options.Log = os.Stderr
	}
	w, err := world.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	s := &stage{World: w, diary: &diary{}, Ledger: &secrecy.Ledger{}}
	if err := errors.Join(s.keep(ctx, w), s.WatchKeys(ctx, w.Cluster.RESTConfig())); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return s, nil
}

// closingChecks are what has to hold after all rows.
var closingChecks = testkit.Checks[*stage]{
	"the controller's log has no panic, and few errors of namespaces that are gone": checkLog,
	"no password and no private key is told anywhere":                               checkSecrecy,
}

// checkSecrecy looks for every password and every private key in everything that was told.
func checkSecrecy(ctx context.Context, s *stage) error {
	told, err := secrecy.Told(ctx, s.World)
	if err != nil {
		return err
	}
	return s.Check(told)
}
