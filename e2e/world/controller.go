package world

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// pageTimeout bounds the reading of one page of the controller.
const pageTimeout = 10 * time.Second

// StartController starts the controller under its ServiceAccount and returns when it works: also after it was stopped
// or killed.
func (w *World) StartController(ctx context.Context) error {
	return w.startReplica(ctx, 1, func(ctx context.Context, replica *Replica) error { return replica.awaitWorking(ctx) })
}

// FreeLease takes the lease from a controller that has ended without giving it back, so that the next one need not wait
// until it has run out.
func (w *World) FreeLease(ctx context.Context) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: name}}
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
