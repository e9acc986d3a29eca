package chart_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// shared is the cluster of all tests of this package. It has the kinds that a chart can create objects of, and no
// controllers.
var shared = &testkit.Shared[*cluster.Cluster]{Start: startCluster}

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, shared, renders, nil)) }

func startCluster(ctx context.Context) (*cluster.Cluster, error) {
	c, err := cluster.Start(ctx, cluster.Options{})
	if err != nil {
		return nil, err
	}
	definitions, err := foreignDefinitions(ctx)
	if err == nil {
		err = c.Apply(ctx, definitions...)
	}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// foreignDefinitions are the definitions of other people's kinds that the chart writes objects of, and the classes that
// its Pods may name.
func foreignDefinitions(ctx context.Context) ([]string, error) {
	certManager, err := binaries.FindModule(ctx, "e2e", "github.com/cert-manager/cert-manager")
	if err != nil {
		return nil, err
	}
	prometheus, err := binaries.FindModule(ctx, "e2e/chart/definitions",
		"github.com/prometheus-operator/prometheus-operator")
	if err != nil {
		return nil, err
	}
	paths := []string{
		filepath.Join(certManager.Dir, "deploy", "crds"),
		filepath.Join("testdata", "grafanadashboards.yaml"), filepath.Join("testdata", "classes.yaml"),
	}
	for _, kind := range []string{"podmonitors", "prometheusrules", "servicemonitors"} {
		paths = append(paths,
			filepath.Join(prometheus.Dir, "example", "prometheus-operator-crd", "monitoring.coreos.com_"+kind+".yaml"))
	}
	return paths, nil
}

// helm is the helm that renders.
func helm(t *testing.T) chart.Helm {
	t.Helper()
	return testkit.Must(chart.Find())(t)
}

// helmOn is the helm that works on the shared cluster.
func helmOn(t *testing.T, c *cluster.Cluster) chart.Helm {
	t.Helper()
	found := helm(t)
	found.Kubeconfig = c.KubeconfigPath()
	return found
}

// create creates an object, which goes with the test.
func create(t *testing.T, c *cluster.Cluster, object client.Object) {
	t.Helper()
	testkit.NoError(t, c.Client().Create(t.Context(), object))
	testkit.Cleanup(t, func() error {
		return client.IgnoreNotFound(c.Client().Delete(context.WithoutCancel(t.Context()), object))
	})
}
