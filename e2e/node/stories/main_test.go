//go:build linux

// Package stories is told on a real node: what a platform team does with Helm, and what happens to Pods. The image is
// the one that `make image` makes, the chart is installed with its default values, cert-manager with its own chart.
//
// All stories share one node and go one after the other, because most of them install and remove the chart.
package stories

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/go-logr/logr"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/node"
)

// stage is the node that the stories share.
var stage = node.Stage{Provision: provision}

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard()) // Of the clients that the stories use.
	os.Exit(stage.Main(m))
}

// platform is the node with cert-manager on it, and with what a platform team has at hand.
type platform struct {
	*node.Node
	client.Client
}

// raised is the platform once a story has asked for it.
var raised = struct {
	once     sync.Once
	platform *platform
	err      error
}{}

// onPlatform returns the platform. Where the machine cannot run a node, the story is skipped.
func onPlatform(t *testing.T) *platform {
	t.Helper()
	n := stage.Node(t)
	raised.once.Do(func() { raised.platform, raised.err = raise(t.Context(), n) })
	if raised.err != nil {
		t.Fatal(raised.err)
	}
	return raised.platform
}

// raise installs cert-manager.
func raise(ctx context.Context, n *node.Node) (*platform, error) {
	kinds := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		scheme.AddToScheme, apiextensionsv1.AddToScheme, cmapi.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(kinds); err != nil {
			return nil, err
		}
	}
	access, err := clientcmd.BuildConfigFromFlags("", n.Kubeconfig())
	if err != nil {
		return nil, err
	}
	access.QPS = -1 // No limit on the side of the client.
	admin, err := client.New(access, client.Options{Scheme: kinds})
	if err != nil {
		return nil, err
	}
	p := &platform{Node: n, Client: admin}
	_, err = p.helm(ctx, "install", certManager, chartPath(n.Dir(), certManager), "--namespace="+certManager,
		"--create-namespace", "--values=testdata/cert-manager.yaml", "--wait", "--timeout=2m")
	if err != nil {
		return nil, fmt.Errorf("installing cert-manager: %w", errors.Join(err, p.describe(ctx, certManager)))
	}
	return p, nil
}
