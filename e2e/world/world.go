// Package world is everything that a user story needs, all of it real: a control plane, cert-manager's controllers, the
// simulator of the certificate service over TLS, and the controller, which is the program that ships and runs with the
// permissions that ship. Stories, benchmarks and the demo share it.
package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// name of the controller: its process, namespace and ServiceAccount.
const name = "varmenne-issuer"

// BinaryVariable is the environment variable that names a program to run, instead of building this repository's.
const BinaryVariable = "VARMENNE_BINARY"

// readyTimeout bounds the wait for a process to get ready. A controller that follows a killed one waits for its lease.
// Many may start at once on a busy machine.
const readyTimeout = 4 * time.Minute

// Options for Start. The zero value is good.
type Options struct {
	// Dir receives everything that is written. Default: a new temporary directory.
	Dir string
	// Log receives one line per step, for a person. Default: discarded.
	Log io.Writer
	// AuditPolicy is the path of an audit policy for the API server. Default: no audit.
	AuditPolicy string
	// Binary is the program to run. Default: the one that BinaryVariable names, else it is built from this repository.
	Binary string
	// Replicas of the controller that Start starts. Default: 1.
	Replicas int
	// Line lays a line between the controllers and the API server, which can be cut.
	Line bool
	// Values of the chart. Default: its own, with every endpoint and 127.0.0.1 allowed.
	Values map[string]any
	// MessagesArgs are added to the command line of the controller that StartMessages starts.
	MessagesArgs []string
	// ControllerArgs are added to the controller's command line.
	ControllerArgs []string
	// SimulatorArgs are added to the simulator's command line.
	SimulatorArgs []string
}

// World is a running world.
type World struct {
	// Cluster is the control plane, with cert-manager.
	Cluster *cluster.Cluster
	// Service is the simulator that Start has started.
	Service *Service
	// Client acts as the administrator of the cluster.
	Client client.Client

	options        Options
	line           *Line
	chartArguments map[string][]string // of the Deployments, as the chart writes them, by name
	mutex          sync.Mutex
	started        int                 // simulators so far; part of their names
	replicas       map[string]*Replica // of the controllers, as they were last started, by process
}

// Start starts the world and returns when every part of it is ready. When it fails nothing goes on running.
func Start(ctx context.Context, options Options) (*World, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	if options.Binary == "" {
		options.Binary = os.Getenv(BinaryVariable)
	}
	c, err := cluster.Start(ctx, cluster.Options{Dir: options.Dir, Log: options.Log, AuditPolicy: options.AuditPolicy})
	if err != nil {
		return nil, err
	}
	w := &World{Cluster: c, options: options, replicas: map[string]*Replica{}}
	if err := w.populate(ctx); err != nil {
		return nil, errors.Join(err, w.Stop())
	}
	return w, nil
}

func (w *World) populate(ctx context.Context) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	w.step("Rendering the chart of varmenne-issuer: its definitions, permissions and command line.")
	manifests, err := w.render(ctx)
	if err != nil {
		return err
	}
	if err := w.Cluster.InstallCertManager(ctx, manifests); err != nil {
		return err
	}
	if w.Client, err = cluster.NewClient(w.Cluster.RESTConfig(), v1alpha1.AddToScheme); err != nil {
		return err
	}
	if err := w.build(ctx, root); err != nil {
		return err
	}
	w.step("Starting the simulator of the certificate service (TLS).")
	if w.Service, err = w.StartService(ctx, w.options.SimulatorArgs...); err != nil {
		return err
	}
	if w.options.Line {
		if w.line, err = layLine(ctx, w.Cluster.RESTConfig().Host); err != nil {
			return err
		}
	}
	w.step("Starting the controller of varmenne-issuer.")
	return w.startReplicas(ctx)
}

// build builds the program where none was given, the way `make build` does.
func (w *World) build(ctx context.Context, root string) error {
	if w.options.Binary != "" {
		return nil
	}
	w.options.Binary = filepath.Join(w.Cluster.Dir(), name)
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", w.options.Binary, ".")
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	_, err := process.Output(command)
	return err
}

// Line is what the controllers reach the API server by, nil unless Options.Line asked for it.
func (w *World) Line() *Line { return w.line }

// Stop stops everything. It leaves the directory; see cluster.Cluster.Remove.
func (w *World) Stop() error {
	err := w.Cluster.Stop()
	if w.line != nil {
		err = errors.Join(err, w.line.stop())
	}
	return err
}

// End stops everything, and removes what was written unless something has failed, before or now: then it says where the
// logs are.
func (w *World) End(failed bool) error {
	if err := w.Stop(); err != nil || failed {
		return errors.Join(err, fmt.Errorf("the logs of the world are in %s", w.Cluster.LogDir()))
	}
	return w.Cluster.Remove()
}

func (w *World) step(text string) { fmt.Fprintln(w.options.Log, text) }
