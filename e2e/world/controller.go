package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// pageTimeout bounds the reading of one page of the controller.
const pageTimeout = 10 * time.Second

// StartController starts the controller under its ServiceAccount and returns when it works: also after it was stopped
// or killed.
func (w *World) StartController(ctx context.Context) error {
	return w.start(ctx, w.issuing(1), (*Replica).working)
}

// Lease reads the lease that the controllers contend for.
func (w *World) Lease(ctx context.Context) (*coordinationv1.Lease, error) {
	return w.LeaseOf(ctx, name)
}

// FreeLease takes the lease from a controller that has ended without giving it back, so that the next one need not wait
// until it has run out.
func (w *World) FreeLease(ctx context.Context) error {
	return w.FreeLeaseOf(ctx, name)
}

// LeaseOf reads the lease of a controller, which has its name.
func (w *World) LeaseOf(ctx context.Context, of string) (*coordinationv1.Lease, error) {
	lease := &coordinationv1.Lease{}
	return lease, w.Client.Get(ctx, client.ObjectKey{Namespace: name, Name: of}, lease)
}

// FreeLeaseOf takes the lease from a controller that has ended without giving it back.
func (w *World) FreeLeaseOf(ctx context.Context, of string) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: of}}
	return client.IgnoreNotFound(w.Client.Delete(ctx, lease))
}

// StopController asks the controller to end and waits until it has.
func (w *World) StopController() error { return w.Controller().Stop() }

// Controller is the process of the controller; of several replicas, the first.
func (w *World) Controller() *process.Process { return w.Cluster.Process(name) }

// Metrics reads what the controller tells about itself.
func (w *World) Metrics(ctx context.Context) (string, error) { return w.Replica(1).Metrics(ctx) }

// get reads a page of the controller.
func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := (&http.Client{Timeout: pageTimeout}).Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", url, response.Status)
	}
	return string(body), err
}

// freeAddresses are two loopback addresses that were free a moment ago, both at once: so they differ.
func freeAddresses(ctx context.Context) (string, string, error) {
	const anyPort = "127.0.0.1:0"
	one, err := (&net.ListenConfig{}).Listen(ctx, "tcp", anyPort)
	if err != nil {
		return "", "", err
	}
	defer one.Close()
	other, err := (&net.ListenConfig{}).Listen(ctx, "tcp", anyPort)
	if err != nil {
		return "", "", err
	}
	defer other.Close()
	return one.Addr().String(), other.Addr().String(), nil
}

// elected is a series that only the replica with the lease has, once its caches are filled.
const elected = `varmenne_orders{state="Pending"}`

// Replica is one of the controller's processes, with a log of its own. The one that has the lease works.
type Replica struct {
	*process.Process

	probes, metrics string // URLs
}

// startReplicas starts as many as the options say. The first one works when the others come.
func (w *World) startReplicas(ctx context.Context) error {
	if err := w.StartController(ctx); err != nil {
		return err
	}
	for number := 2; number <= w.options.Replicas; number++ {
		if err := w.StartReplica(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

// StartReplica starts a replica, also after it was stopped or killed, and returns when it is ready: it may have to wait
// for the lease of another one. Replicas count from 1.
func (w *World) StartReplica(ctx context.Context, number int) error {
	return w.start(ctx, w.issuing(number), (*Replica).ready)
}

// start starts a replica and waits for it. Somebody else may have taken an address that was free: then it is started
// with others.
func (w *World) start(ctx context.Context, wanted program, reached func(*Replica, context.Context) error) error {
	const attempts = 3
	var failure error
	for range attempts {
		replica, err := w.launch(ctx, wanted)
		if err != nil {
			return err
		}
		failure = replica.Await(ctx, readyTimeout, 100*time.Millisecond, func(ctx context.Context) error {
			return reached(replica, ctx)
		})
		if failure == nil || !strings.Contains(failure.Error(), syscall.EADDRINUSE.Error()) {
			return failure
		}
	}
	return failure
}

// LaunchReplica starts a replica and returns at once.
func (w *World) LaunchReplica(ctx context.Context, number int) (*Replica, error) {
	return w.launch(ctx, w.issuing(number))
}

// program is what a replica runs.
type program struct {
	// process is its name, deployment that of the Deployment whose command line it has, and of its ServiceAccount.
	process, deployment string
	// more is added to the command line. What comes later counts.
	more []string
	// grace is how long it may take to end.
	grace time.Duration
}

// issuing is the controller of orders.
func (w *World) issuing(number int) program {
	return program{
		process: numbered(name, number), deployment: name, more: w.options.ControllerArgs,
		// It finishes and records the calls that run.
		grace: 30 * time.Second,
	}
}

func (w *World) launch(ctx context.Context, wanted program) (*Replica, error) {
	kubeconfig, err := w.Cluster.ServiceAccountKubeconfig(ctx, name, wanted.deployment)
	if err != nil {
		return nil, err
	}
	if kubeconfig, err = w.byLine(kubeconfig); err != nil {
		return nil, err
	}
	probes, metrics, err := freeAddresses(ctx)
	if err != nil {
		return nil, err
	}
	arguments := slices.Concat(w.chartArguments[wanted.deployment], []string{
		"--kubeconfig=" + kubeconfig, "--log-format=text",
		"--health-probe-bind-address=" + probes, "--metrics-bind-address=" + metrics,
	}, wanted.more)
	p, err := w.Cluster.StartProcess(process.Options{
		Name: wanted.process, Path: w.options.Binary, Args: arguments, Grace: wanted.grace,
	})
	if err != nil {
		return nil, err
	}
	replica := &Replica{Process: p, probes: "http://" + probes + "/readyz", metrics: "http://" + metrics + "/metrics"}
	if slices.Contains(arguments, "--metrics-secure") {
		replica.metrics = "https://" + metrics + "/metrics"
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.replicas[wanted.process] = replica
	return replica, nil
}

// byLine is a kubeconfig for the same, by the line if there is one.
func (w *World) byLine(kubeconfig string) (string, error) {
	if w.line == nil {
		return kubeconfig, nil
	}
	config, err := clientcmd.LoadFromFile(kubeconfig)
	if err != nil {
		return "", err
	}
	for _, server := range config.Clusters {
		server.Server = w.line.URL()
	}
	return kubeconfig + ".line", clientcmd.WriteToFile(*config, kubeconfig+".line")
}

// Replica is the one that was last started with a number, or nil.
func (w *World) Replica(number int) *Replica { return w.replica(numbered(name, number)) }

func (w *World) replica(title string) *Replica {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.replicas[title]
}

// Replicas are all that were started, of every controller, also those that have ended, by the names of their processes.
func (w *World) Replicas() map[string]*Replica {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return maps.Clone(w.replicas)
}

// numbered leaves a process the name of its controller where there is one replica only.
func numbered(controller string, number int) string {
	if number == 1 {
		return controller
	}
	return fmt.Sprintf("%s-%d", controller, number)
}

// Metrics reads what the replica tells about itself.
func (r *Replica) Metrics(ctx context.Context) (string, error) { return get(ctx, r.metrics) }

// Works reports whether the replica has the lease and its controllers run. One that is frozen, or has ended, does not
// work.
func (r *Replica) Works(ctx context.Context) bool {
	text, err := r.Metrics(ctx)
	return err == nil && strings.Contains(text, elected)
}

// ready returns why the replica is not ready.
func (r *Replica) ready(ctx context.Context) error {
	_, err := get(ctx, r.probes)
	return err
}

// MetricsURL is where the replica tells about itself.
func (r *Replica) MetricsURL() string { return r.metrics }

// working returns why the replica does not work: it does once the probes answer and the lease is its own. One that
// tells its metrics to friends only is taken at its probes' word.
func (r *Replica) working(ctx context.Context) error {
	err := r.ready(ctx)
	if err == nil && !strings.HasPrefix(r.metrics, "https:") && !r.Works(ctx) {
		err = errors.New("its caches are not filled, or another one has the lease")
	}
	return err
}
