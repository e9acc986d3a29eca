//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

const (
	// pollInterval is how often something is asked whether it is ready.
	pollInterval = 50 * time.Millisecond
	// readyTimeout bounds the wait for one part to get ready. It is far above what a busy machine needs.
	readyTimeout = 2 * time.Minute
)

// Node is a running node with its control plane.
type Node struct {
	site    site
	client  kubernetes.Interface
	kubelet *process.Process
}

// boot makes the inside of the namespaces and starts the node in it. Nothing has to be stopped: all of it ends
// with this process.
func boot(ctx context.Context, at site) (*Node, error) {
	started := time.Now()
	n := &Node{site: at}
	if err := at.enclose(ctx); err != nil {
		return nil, err
	}
	if err := at.makeCgroups(); err != nil {
		return nil, err
	}
	if err := os.Setenv("PATH", at.debian("usr/sbin")+":"+at.debian("usr/bin")+":"+os.Getenv("PATH")); err != nil {
		return nil, err
	}
	if err := n.connect(); err != nil {
		return nil, err
	}
	for _, start := range []func(context.Context) error{
		n.startControlPlane, n.startRuntime, n.importImages, n.startKubelet, n.startNetworking, n.awaitReady,
	} {
		if err := start(ctx); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(os.Stderr, "node: ready after %.1f s\n", time.Since(started).Seconds())
	return n, nil
}

// Dir is the directory of the node: what Provision has put there, and the logs.
func (n *Node) Dir() string { return n.site.Dir }

// Kubeconfig is the path of the administrator's kubeconfig.
func (n *Node) Kubeconfig() string { return n.site.path("pki", "admin.kubeconfig") }

// Kubectl is the path of kubectl.
func (n *Node) Kubectl() string { return n.site.Programs.Kubectl() }

// AuditLog is the path of the API server's audit log: a line for every request, as JSON.
func (n *Node) AuditLog() string { return n.site.path("logs", "audit.log") }

// path returns a path in the directory of the node.
func (s site) path(elements ...string) string {
	return filepath.Join(append([]string{s.Dir}, elements...)...)
}

// debian returns a path among the unpacked packages.
func (s site) debian(path string) string { return filepath.Join(s.Programs.Debian, path) }

// kubernetes returns the path of a program of Kubernetes.
func (s site) kubernetes(name string) string { return filepath.Join(s.Programs.Kubernetes, name) }

// run starts a program of the node. Its log is in the directory of the logs.
func (s site) run(program string, environment []string, arguments ...string) (*process.Process, error) {
	return process.Start(process.Options{
		Path: program, Args: arguments, Env: environment,
		LogFile: s.path("logs", filepath.Base(program)+".log"),
	})
}

// await waits until what was started is ready.
func await(ctx context.Context, p *process.Process, ready func(context.Context) error) error {
	return p.Await(ctx, readyTimeout, pollInterval, ready)
}

// awaitReady waits until kubelet says that Pods can run.
func (n *Node) awaitReady(ctx context.Context) error {
	return await(ctx, n.kubelet, func(ctx context.Context) error {
		node, err := n.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.New("the node is not ready")
	})
}
