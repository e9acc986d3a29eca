// Package stories tests on a real cluster with Pods what a platform team does with Helm, and what happens to Pods.
// The cluster is a node that e2e/node builds, with the image that `make image` makes, or the one that
// VARMENNE_KUBECONFIG names. The chart is installed with its default values.
//
// All stories share one cluster and go one after the other, because most of them install and remove the chart.
package stories

import (
	"context"
	"os"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// provide returns who provides the cluster, or skips the test. TestMain decides.
var provide func(*testing.T) provider

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard()) // Of the clients that the stories use.
	if kubeconfig := os.Getenv(kubeconfigVariable); kubeconfig != "" {
		os.Exit(mainOnForeign(m, kubeconfig))
	}
	os.Exit(mainOnNode(m))
}

// platform is a cluster with cert-manager in it, and with what a platform team has at hand.
type platform struct {
	provider
	client.Client

	// services is how many services were started.
	services int
}

var (
	// provided is who provides the cluster, once a story has asked for it.
	provided provider
	// shared is the platform that the stories share.
	shared = testkit.Shared[*platform]{Start: connect}
)

// onPlatform returns the platform. Where the machine cannot run a node, and no cluster is named, the story is skipped.
func onPlatform(t *testing.T) *platform {
	t.Helper()
	provided = provide(t)
	return shared.Get(t)
}

// connect makes an administrator's client, and sees to it that cert-manager is there.
func connect(ctx context.Context) (*platform, error) {
	access, err := clientcmd.BuildConfigFromFlags("", provided.Kubeconfig())
	if err != nil {
		return nil, err
	}
	admin, err := cluster.NewClient(access, v1alpha1.AddToScheme)
	if err != nil {
		return nil, err
	}
	p := &platform{provider: provided, Client: admin}
	return p, provided.provideCertManager(ctx, p)
}
