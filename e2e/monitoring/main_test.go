package monitoring_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/recording"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// root of the repository.
const root = "../.."

// made is the recording while there is one.
var made struct {
	once      sync.Once
	world     *world.World
	recording *recording.Recording
	err       error
}

func TestMain(m *testing.M) {
	flag.Parse()
	ctrl.SetLogger(logr.Discard()) // Of the clients that the scenarios use.
	os.Exit(run(m))
}

// run runs the tests and ends the world whatever happened.
func run(m *testing.M) int {
	code := m.Run()
	if made.world == nil {
		return code
	}
	if made.recording != nil {
		if err := made.recording.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "--- FAIL: closing the recording:", err)
			code = 1
		}
	}
	if err := made.world.End(code != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// theRecording runs the scenarios when the first test asks for it.
func theRecording(t *testing.T) *recording.Recording {
	t.Helper()
	made.once.Do(func() { made.err = record(t.Context()) })
	if made.err != nil {
		t.Fatal(made.err)
	}
	return made.recording
}

// record starts a world with two replicas of the controller, runs all scenarios at once, and scrapes the replicas every
// second until everything has happened, and once more after the replicas have changed places.
func record(ctx context.Context) (err error) {
	options := world.Options{
		Replicas:       2,
		ControllerArgs: []string{"--call-timeout=" + callTimeout.String()},
	}
	if testing.Verbose() {
		options.Log = os.Stderr
	}
	if made.world, err = world.Start(ctx, options); err != nil {
		return err
	}
	directory, err := os.MkdirTemp(made.world.Cluster.Dir(), "recording-")
	if err != nil {
		return err
	}
	if made.recording, err = recording.Open(directory); err != nil {
		return err
	}
	recorder := newRecorder(made.world, made.recording)
	return errors.Join(recorder.during(ctx, func() error { return runScenarios(ctx, made.world, recorder) }))
}
