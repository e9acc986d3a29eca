package chart_test

import (
	"context"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// installDefinitions has the product's kinds served.
func installDefinitions(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	testkit.NoError(t, c.Apply(t.Context(), filepath.Join(helm(t).Chart, "files", "crds")))
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
	testkit.Must(helm.Install(t.Context(), wanted))(t)
	testkit.Cleanup(t, func() error { return takeOut(context.WithoutCancel(t.Context()), helm, wanted) })
}

// takeOut uninstalls a release, if it is there. The Job that ends its Pods is left out: no node is here to run it.
func takeOut(ctx context.Context, helm chart.Helm, installed chart.Release) error {
	_, err := helm.Run(ctx, nil, "uninstall", installed.Name, "--namespace", installed.Namespace, "--no-hooks",
		"--ignore-not-found")
	return err
}
