// Package cluster runs a Kubernetes control plane of its own: etcd, kube-apiserver and, on request,
// cert-manager's controllers, all real, as child processes in a private directory. Tests, benchmarks
// and the demo share it. It needs no privileges, no container runtime and no network but loopback.
//
// What a real cluster has and this one has not: kube-controller-manager (nothing deletes what an owner
// reference points from, a deleted namespace stays in Terminating, no default ServiceAccounts), nodes
// (no Pods), cert-manager's webhook (approval.yaml takes its place where an issuer can notice).
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/clusterpki"
	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// Names of the processes, for Cluster.Process.
const (
	Etcd        = "etcd"
	APIServer   = "kube-apiserver"
	CertManager = "cert-manager"
)

// readyTimeout bounds the wait for one process to get ready. It is far above what a busy machine needs.
const readyTimeout = 2 * time.Minute

// Options for Start. The zero value is good.
type Options struct {
	// Dir receives everything the cluster writes: data, keys, kubeconfigs and logs. It is created when it
	// does not exist. Default: a new directory below the system's temporary one.
	Dir string
	// Log receives one line per step, for a person. Default: discarded.
	Log io.Writer
	// AuditPolicy is the path of an audit policy. With it the API server writes AuditLog. Default: no audit.
	AuditPolicy string
}

// Cluster is a running control plane. Its methods may be called from several goroutines, those that
// start and stop etcd or the API server from one at a time.
type Cluster struct {
	dir       string
	log       io.Writer
	audit     string
	binaries  binaries.Set
	version   string // of Kubernetes
	authority *clusterpki.Authority
	address   *address
	admin     *rest.Config
	client    client.Client

	mutex     sync.Mutex
	processes []*process.Process // In the order in which they were first started.
}

// Start builds what is missing, starts etcd and kube-apiserver, and returns when the API server is ready.
// When it fails, or the context ends, nothing it started goes on running; its directory remains, and the
// error names the log that says why.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if options.Log == nil {
		options.Log = io.Discard
	}
	set, err := binaries.Ensure(ctx, binaries.Options{Log: options.Log})
	if err != nil {
		return nil, err
	}
	version, _, err := set.Pins.Versions()
	if err != nil {
		return nil, err
	}
	c := &Cluster{log: options.Log, binaries: set, version: version}
	if err := c.prepare(options); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing a cluster: %w", err), c.Stop())
	}
	if err := c.startControlPlane(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting a cluster: %w", err), c.Stop())
	}
	return c, nil
}

// prepare lays out the directory, reserves the address and issues the certificates.
func (c *Cluster) prepare(options Options) (err error) {
	if c.dir, err = directory(options.Dir); err != nil {
		return err
	}
	if socket := c.path(etcdAddress); len(socket) > socketPathLimit {
		return fmt.Errorf("the directory is too deep for a Unix socket: %s has more than %d bytes", socket, socketPathLimit)
	}
	if options.AuditPolicy != "" {
		if c.audit, err = filepath.Abs(options.AuditPolicy); err != nil {
			return fmt.Errorf("finding the audit policy: %w", err)
		}
	}
	for _, name := range []string{"logs", "pki", "kubeconfigs"} {
		if err := os.MkdirAll(filepath.Join(c.dir, name), 0o700); err != nil {
			return err
		}
	}
	if c.authority, err = clusterpki.Write(c.path("pki"), nil); err != nil {
		return err
	}
	if c.address, err = reserveAddress(); err != nil {
		return err
	}
	return c.connectAdmin()
}

// directory returns the absolute path of the cluster's directory, which now exists and is private.
func directory(wanted string) (string, error) {
	if wanted == "" {
		return os.MkdirTemp("", "varmenne-e2e-")
	}
	if err := os.MkdirAll(wanted, 0o700); err != nil {
		return "", err
	}
	return filepath.Abs(wanted)
}

// Stop ends every process of the cluster, the last one started first, and returns when all are gone. etcd
// and the API server are killed: nobody will miss what they have to say. The directory is left; see
// Remove. The error lists the other processes that had to be killed. Stopping twice is fine.
func (c *Cluster) Stop() error {
	var problems []error
	for _, p := range slices.Backward(c.Processes()) {
		end := p.Stop
		if p.Name() == Etcd || p.Name() == APIServer {
			end = p.Kill
		}
		problems = append(problems, end())
	}
	c.address.release()
	return errors.Join(problems...)
}

// Remove deletes the directory of the cluster with everything in it. Stop the cluster before.
func (c *Cluster) Remove() error { return os.RemoveAll(c.dir) }

// End stops the cluster, and removes its directory unless something has failed, before or now: then the error says
// where the logs are.
func (c *Cluster) End(failed bool) error {
	if err := c.Stop(); err != nil || failed {
		return errors.Join(err, fmt.Errorf("the logs of the cluster are in %s", c.LogDir()))
	}
	return c.Remove()
}

// Dir returns the directory that holds everything the cluster writes.
func (c *Cluster) Dir() string { return c.dir }

// LogDir returns the directory with one log file per process.
func (c *Cluster) LogDir() string { return c.path("logs") }

// AuditLog returns the path of the API server's audit log, one JSON object per line, which exists when
// Options.AuditPolicy was given.
func (c *Cluster) AuditLog() string { return c.path("logs", "audit.log") }

// Kubectl returns the path of a kubectl of the API server's version.
func (c *Cluster) Kubectl() string { return c.binaries.Kubectl() }

// StartProcess starts a program of the caller's as part of the cluster: Stop stops it before everything
// that was started earlier. Its log file is <name>.log in LogDir unless the options name one. A process of
// the same name must have ended; the new one takes its place.
func (c *Cluster) StartProcess(options process.Options) (*process.Process, error) {
	if options.Name == "" {
		options.Name = filepath.Base(options.Path)
	}
	if options.LogFile == "" {
		options.LogFile = filepath.Join(c.LogDir(), options.Name+".log")
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	index := c.indexOf(options.Name)
	if index >= 0 && c.processes[index].State() == nil {
		return nil, fmt.Errorf("starting %s: a process of this name runs already", options.Name)
	}
	started, err := process.Start(options)
	if err != nil {
		return nil, err
	}
	if index >= 0 {
		c.processes[index] = started
	} else {
		c.processes = append(c.processes, started)
	}
	return started, nil
}

// Process returns the process that was last started under the name, or nil.
func (c *Cluster) Process(name string) *process.Process {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if index := c.indexOf(name); index >= 0 {
		return c.processes[index]
	}
	return nil
}

// Processes returns the processes that were last started under each name, in the order in which the names came up.
func (c *Cluster) Processes() []*process.Process {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.processes)
}

func (c *Cluster) indexOf(name string) int {
	return slices.IndexFunc(c.processes, func(p *process.Process) bool { return p.Name() == name })
}

// path returns a path inside the cluster's directory.
func (c *Cluster) path(elements ...string) string {
	return filepath.Join(append([]string{c.dir}, elements...)...)
}

// step tells the person who watches what happens.
func (c *Cluster) step(text string) { fmt.Fprintln(c.log, text) }
