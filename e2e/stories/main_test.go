// Package stories holds the user stories: what a user does, what the user sees, and what was spent, with nothing
// replaced by a stand-in. A real API server, cert-manager's own controllers, the simulator of the certificate service
// over TLS with signatures in all variants, and the controller as it ships, under its own ServiceAccount.
//
// A part of them are rows of the tables of docs/reliability.md, which are Go values here: what the service, people and
// the cluster do wrong. Each row is run, checked for what the user reads, what was spent and how it goes on, and
// written into the page, which a test compares.
//
//	go test ./stories -run TestThePage -update   # writes the tables into docs/reliability.md
//
// All test cases share one world and run side by side, each in a namespace of its own with a simulator of its own.
// What disturbs the cluster or stops the controller is alone for that time. What has to hold whatever happened is
// checked when all of them are over; see closing_test.go.
package stories

import (
	"context"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

var update = flag.Bool("update", false, "write the tables into docs/reliability.md")

const (
	// atOnce is how many test cases run at once: many, because what they do most of the time is wait.
	atOnce = 100
	// callTimeout lets calls that hang end soon, and ones that go well do so on a busy machine, too.
	callTimeout = 15 * time.Second
)

// environment is what the test cases share.
type environment struct {
	*world.World
	*ledger
	*eventLog
}

var shared = &testkit.Shared[*environment]{Start: start}

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, shared, atOnce, closingChecks)) }

func start(ctx context.Context) (*environment, error) {
	options := world.Options{
		// The services of the test cases, and nothing else.
		Values: map[string]any{
			"allowedEndpoints": map[string]any{"hosts": []string{"127.0.0.1:*"}},
			"messages":         world.MessagesValues(mailNamespace),
		},
		AuditPolicy:  "testdata/audit-policy.yaml",
		MessagesArgs: []string{"--log-level=debug"},
		ControllerArgs: []string{
			"--log-level=debug", // What is said at this level must not be secret either.
			"--call-timeout=" + callTimeout.String(),
			// A machine that is very busy may be late with a renewal; an absence of the API server is longer.
			"--leader-elect-renew-deadline=" + (absence * 2 / 3).String(),
			"--leader-elect-lease-duration=" + (absence * 3 / 4).String(),
		},
		Line: true,
	}
	if testing.Verbose() {
		options.Log = os.Stderr
	}
	w, err := world.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	e := &environment{World: w, ledger: &ledger{}, eventLog: &eventLog{}}
	if err := errors.Join(
		e.keep(ctx, w), e.WatchSecrets(ctx, w.Cluster.RESTConfig()), w.StartMessages(ctx, 1)); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return e, nil
}
