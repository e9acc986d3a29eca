package monitoring_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/recording"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

// root of the repository.
const root = "../.."

// shared is the recording, which is made when the first test asks for it.
var shared = testkit.Shared[*environment]{Start: record}

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, &shared, runtime.GOMAXPROCS(0), nil)) }

// environment is a world in which every scenario has happened, and what was recorded of it.
type environment struct {
	*world.World

	recording *recording.Recording
}

// End closes the recording and ends the world.
func (e *environment) End(failed bool) error {
	var err error
	if e.recording != nil {
		err = e.recording.Close()
	}
	return errors.Join(err, e.World.End(failed || err != nil))
}

// record starts a world with two replicas of the controller and one of the process that rotates passwords, runs all
// scenarios at once, and scrapes the replicas every second until everything has happened, and once more after those of
// the controller have changed places.
func record(ctx context.Context) (e *environment, err error) {
	options := world.Options{
		Replicas:       2,
		Values:         map[string]any{"messages": world.MessagesValues(mail)},
		ControllerArgs: []string{"--call-timeout=" + callTimeout.String()},
		// Nobody takes over from it: on a busy machine it need not end for want of a renewal.
		MessagesArgs: []string{"--leader-elect-lease-duration=5m", "--leader-elect-renew-deadline=4m"},
	}
	if testing.Verbose() {
		options.Log = os.Stderr
	}
	e = &environment{}
	if e.World, err = world.Start(ctx, options); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.End(true))
		}
	}()
	if err := e.StartMessages(ctx, 1); err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp(e.Cluster.Dir(), "recording-")
	if err != nil {
		return nil, err
	}
	if e.recording, err = recording.Open(directory); err != nil {
		return nil, err
	}
	recorder := newRecorder(e.World, e.recording)
	return e, recorder.during(ctx, func() error { return runScenarios(ctx, e.World, recorder) })
}
