package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

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
	return w.startReplica(ctx, number, func(ctx context.Context, replica *Replica) error {
		return replica.await(ctx, replica.ready)
	})
}

// startReplica starts a replica and waits for it. Somebody else may have taken an address that was free: then it is
// started with others.
func (w *World) startReplica(
	ctx context.Context, number int, await func(context.Context, *Replica) error,
) (err error) {
	const attempts = 3
	for range attempts {
		var replica *Replica
		if replica, err = w.LaunchReplica(ctx, number); err != nil {
			return err
		}
		err = await(ctx, replica)
		if err == nil || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return err
		}
	}
	return err
}

// LaunchReplica starts a replica and returns at once.
func (w *World) LaunchReplica(ctx context.Context, number int) (*Replica, error) {
	kubeconfig, err := w.Cluster.ServiceAccountKubeconfig(ctx, name, name)
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
	// What comes later counts.
	arguments := slices.Concat(w.chartArguments, []string{
		"--kubeconfig=" + kubeconfig, "--log-format=text",
		"--health-probe-bind-address=" + probes, "--metrics-bind-address=" + metrics,
	}, w.options.ControllerArgs)
	p, err := w.Cluster.StartProcess(process.Options{
		Name: replicaName(number), Path: w.options.Binary, Args: arguments,
		// It finishes and records the calls that run.
		Grace: 30 * time.Second,
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
	w.replicas[number] = replica
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
func (w *World) Replica(number int) *Replica {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.replicas[number]
}

// replicaName leaves the controller its name where there is one replica only.
func replicaName(number int) string {
	if number == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, number)
}

// Metrics reads what the replica tells about itself.
func (r *Replica) Metrics(ctx context.Context) (string, error) { return get(ctx, r.metrics) }

// Works reports whether the replica has the lease and its controllers run. One that is frozen, or has ended, does not
// work.
func (r *Replica) Works(ctx context.Context) bool {
	text, err := r.Metrics(ctx)
	return err == nil && strings.Contains(text, elected)
}

func (r *Replica) ready(ctx context.Context) bool {
	_, err := get(ctx, r.probes)
	return err == nil
}

// MetricsURL is where the replica tells about itself.
func (r *Replica) MetricsURL() string { return r.metrics }

// awaitWorking waits until the probes answer and the controllers run, which they do once the lease is theirs. One that
// tells its metrics to friends only is taken at its probes' word.
func (r *Replica) awaitWorking(ctx context.Context) error {
	if strings.HasPrefix(r.metrics, "https:") {
		return r.await(ctx, r.ready)
	}
	return r.await(ctx, func(ctx context.Context) bool { return r.ready(ctx) && r.Works(ctx) })
}

func (r *Replica) await(ctx context.Context, reached func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		return reached(ctx), r.ExitError()
	})
	if err != nil {
		return fmt.Errorf("the controller did not get ready: %w; see %s", err, r.LogFile())
	}
	return nil
}
