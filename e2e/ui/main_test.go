// Package ui tests the page of `kubectl varmenne ui` in a browser, as people use it: with the mouse, the keyboard
// alone, on a phone, without script, in the dark, in three languages; and as an attacker's page would. Nothing is
// replaced by a stand-in: the program that ships serves the page, with the rights of the chart's roles for people, from
// a real API server with cert-manager, the controllers and the simulator of both services behind it.
//
//	go test ./ui -run TestThePicturesOfTheDocumentation -update   # takes the screenshots in docs/images
package ui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/e2e/secrecy"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
)

var update = flag.Bool("update", false, "take the screenshots in docs/images")

// atOnce is how many tests run at once: what they do most of the time is wait.
const atOnce = 20

// environment is what the tests share.
type environment struct {
	*world.World
	secrecy.Ledger

	plugin string // path of kubectl-varmenne
}

var (
	shared = &testkit.Shared[*environment]{Start: start}
	// chromium is the browser of all tests.
	chromium browser.Shared
)

func TestMain(m *testing.M) {
	code := testkit.Main(m, shared, atOnce, testkit.Checks[*environment]{
		"no private key that came in a mail, and no secret of a page, is told anywhere": checkSecrecy,
		"the page reads no Secret": checkSecrets,
	})
	if err := chromium.End(); err != nil {
		fmt.Fprintln(os.Stderr, "--- FAIL: the browser keeps to this machine:", err)
		code = 1
	}
	os.Exit(code)
}

func start(ctx context.Context) (*environment, error) {
	options := world.Options{
		Values:      map[string]any{"messages": world.MessagesValues(payroll)},
		AuditPolicy: "testdata/audit-policy.yaml",
	}
	if testing.Verbose() {
		options.Log = os.Stderr
	}
	w, err := world.Start(ctx, options)
	if err != nil {
		return nil, err
	}
	e := &environment{World: w, plugin: filepath.Join(w.Cluster.Dir(), "kubectl-varmenne")}
	if err := errors.Join(e.build(ctx), e.StartMessages(ctx, 1)); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return e, nil
}

// build builds the plugin the way `make build` does.
func (e *environment) build(ctx context.Context) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", e.plugin, "./cmd/kubectl-varmenne")
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	_, err = process.Output(command)
	return err
}

func checkSecrecy(ctx context.Context, e *environment) error {
	told, err := secrecy.Told(ctx, e.World)
	return errors.Join(err, e.Check(told))
}

// checkSecrets reads in the API server's audit log what people have asked for.
func checkSecrets(_ context.Context, e *environment) error {
	entries, err := testkit.ReadAuditLog(e.Cluster.AuditLog(), personPrefix)
	if err != nil {
		return err
	}
	var failures []error
	for _, entry := range entries {
		if entry.ObjectRef.Resource == "secrets" {
			failures = append(failures, fmt.Errorf("%s %s", entry.Verb, entry.RequestURI))
		}
	}
	return errors.Join(failures...)
}
