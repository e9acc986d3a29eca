package chart_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/must"
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
	return must.Get(chart.Find())(t)
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
	must.Do(t, c.Client().Create(t.Context(), object))
	must.Cleanup(t, func() error {
		return client.IgnoreNotFound(c.Client().Delete(context.WithoutCancel(t.Context()), object))
	})
}

// installDefinitions has the product's kinds served.
func installDefinitions(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	must.Do(t, c.Apply(t.Context(), filepath.Join(helm(t).Chart, "files", "crds")))
}

// ensureNamespace creates a namespace where there is none. Without controllers no namespace is ever gone.
func ensureNamespace(t *testing.T, c *cluster.Cluster, name string) {
	t.Helper()
	err := c.Client().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// ensureNamespaces creates those that objects are in.
func ensureNamespaces(t *testing.T, c *cluster.Cluster, of objects) {
	t.Helper()
	known := map[string]bool{"": true}
	for _, object := range of {
		if namespace := object.GetNamespace(); !known[namespace] {
			known[namespace] = true
			ensureNamespace(t, c, namespace)
		}
	}
}

// takeOwnership lets a release have the definitions that another one, or none, has installed.
const takeOwnership = "--take-ownership"

// install installs a release on the cluster, which is uninstalled with the test.
func install(t *testing.T, c *cluster.Cluster, wanted chart.Release) {
	t.Helper()
	helm := helmOn(t, c)
	must.Get(helm.Install(t.Context(), wanted))(t)
	must.Cleanup(t, func() error { return takeOut(context.WithoutCancel(t.Context()), helm, wanted) })
}

// takeOut uninstalls a release, if it is there. The Job that ends its Pods is left out: no node is here to run it.
func takeOut(ctx context.Context, helm chart.Helm, installed chart.Release) error {
	_, err := helm.Run(ctx, nil, "uninstall", installed.Name, "--namespace", installed.Namespace, "--no-hooks",
		"--ignore-not-found")
	return err
}
