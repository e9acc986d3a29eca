package world

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// elected is a series that only the replica with the lease has, once its caches are filled.
const elected = `varmenne_orders{phase="Pending"}`

// pageTimeout bounds the reading of one page of the controller.
const pageTimeout = 10 * time.Second

// StartController starts the controller under its ServiceAccount and returns when it works: also after it was stopped
// or killed.
func (w *World) StartController(ctx context.Context) error {
	kubeconfig, err := w.Cluster.ServiceAccountKubeconfig(ctx, name, name)
	if err != nil {
		return err
	}
	probes, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	arguments := append([]string{
		"controller", "--kubeconfig=" + kubeconfig, "--namespace=" + name, "--log-format=text",
		"--health-probe-bind-address=" + probes, "--metrics-bind-address=" + metrics,
	}, w.options.ControllerArgs...)
	p, err := w.Cluster.StartProcess(process.Options{
		Name: name, Path: w.options.Binary, Args: arguments,
		// It finishes and records the calls that run.
		Grace: 30 * time.Second,
	})
	if err != nil {
		return err
	}
	w.mutex.Lock()
	w.metrics = "http://" + metrics + "/metrics"
	w.mutex.Unlock()
	return awaitWorking(ctx, p, w.metrics, probes)
}

// StopController asks the controller to end and waits until it has.
func (w *World) StopController() error { return w.Controller().Stop() }

// Metrics reads what the controller tells about itself.
func (w *World) Metrics(ctx context.Context) (string, error) {
	w.mutex.Lock()
	url := w.metrics
	w.mutex.Unlock()
	return get(ctx, url)
}

// awaitWorking waits until the probes answer and the controllers run, which they do once the lease is theirs.
func awaitWorking(ctx context.Context, p *process.Process, metrics, probes string) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		if err := p.ExitError(); err != nil {
			return false, err
		}
		_, unready := get(ctx, "http://"+probes+"/readyz")
		text, unmeasured := get(ctx, metrics)
		return unready == nil && unmeasured == nil && strings.Contains(text, elected), nil
	})
	if err != nil {
		return fmt.Errorf("the controller did not get ready: %w; see %s", err, p.LogFile())
	}
	return nil
}

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

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
