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
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

var update = flag.Bool("update", false, "write the tables into docs/reliability.md")

const (
	// atOnce is how many rows are played at once: what they do most of the time is wait.
	atOnce = "100"
	// callTimeout lets calls that hang end soon, and ones that go well do so on a busy machine, too.
	callTimeout = 15 * time.Second
)

// stage is where the rows are played.
type stage struct {
	*world.World
	*diary
	*secrecy.Ledger
}

// raised is the stage while there is one.
var raised struct {
	once  sync.Once
	stage *stage
	err   error
}

func TestMain(m *testing.M) {
	tenant.ManyAtOnce(atOnce)
	ctrl.SetLogger(logr.Discard()) // Of the clients that the stories use.
	os.Exit(run(m))
}

// run plays the rows, looks at what they have left behind, and ends the world whatever happened.
func run(m *testing.M) int {
	code := m.Run()
	if raised.stage == nil {
		return code
	}
	if err := errors.Join(checkLog(raised.stage), checkSecrecy(raised.stage)); err != nil {
		code = 1
		fmt.Fprintln(os.Stderr, "--- FAIL: what the rows have left behind:", err)
	}
	if err := raised.stage.End(code != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestEveryRowComesTrue(t *testing.T) {
	t.Run("side by side", func(t *testing.T) {
		t.Run("the service misbehaves", playTroubles)
		t.Run("people interfere", playDeeds)
	})
	t.Run("the cluster is disturbed", playDisturbances)
}

// theStage starts the world when the first row asks for it.
func theStage() (*stage, error) {
	raised.once.Do(func() { raised.stage, raised.err = raise() })
	return raised.stage, raised.err
}

func raise() (*stage, error) {
	ctx := context.Background()
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

// checkSecrecy looks for every password and every private key in everything that was told.
func checkSecrecy(s *stage) error {
	told, err := secrecy.Told(context.Background(), s.World)
	if err != nil {
		return err
	}
	return s.Check(told)
}
