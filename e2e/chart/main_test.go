package chart_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/cluster"
)

// shared is the cluster of all tests of this package, started when the first one asks for it. It has the kinds that a
// chart can create objects of, and no controllers.
var shared struct {
	once    sync.Once
	cluster *cluster.Cluster
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if c := shared.cluster; c != nil {
		err := c.Stop()
		if code == 0 && err == nil {
			err = c.Remove()
		} else {
			fmt.Fprintln(os.Stderr, "the logs of the cluster are in", c.LogDir())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// theCluster returns the shared cluster, without anything of the chart in it.
func theCluster(t *testing.T) *cluster.Cluster {
	t.Helper()
	// The cluster outlives the test that asks first.
	shared.once.Do(func() { shared.cluster, shared.err = startCluster(context.WithoutCancel(t.Context())) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

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
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return nil, err
	}
	certManager, err := moduleDirectory(ctx, filepath.Join(root, "e2e"), "github.com/cert-manager/cert-manager")
	if err != nil {
		return nil, err
	}
	prometheus, err := moduleDirectory(ctx, filepath.Join(root, "e2e", "chart", "definitions"),
		"github.com/prometheus-operator/prometheus-operator")
	if err != nil {
		return nil, err
	}
	paths := []string{
		filepath.Join(certManager, "deploy", "crds"),
		filepath.Join("testdata", "grafanadashboards.yaml"), filepath.Join("testdata", "classes.yaml"),
	}
	for _, kind := range []string{"podmonitors", "prometheusrules", "servicemonitors"} {
		paths = append(paths,
			filepath.Join(prometheus, "example", "prometheus-operator-crd", "monitoring.coreos.com_"+kind+".yaml"))
	}
	return paths, nil
}

// moduleDirectory is where the source of a module lies, of the version that the go.mod in a directory requires.
func moduleDirectory(ctx context.Context, directory, module string) (string, error) {
	if _, err := goOutput(ctx, directory, "mod", "download", module); err != nil {
		return "", err
	}
	return goOutput(ctx, directory, "list", "-m", "-f", "{{.Dir}}", module)
}

func goOutput(ctx context.Context, directory string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = directory
	command.Env = append(os.Environ(), "GOWORK=off")
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s in %s: %w: %s", strings.Join(arguments, " "), directory, err, output)
	}
	return strings.TrimSpace(string(output)), nil
}

// helm is the helm that renders.
func helm(t *testing.T) chart.Helm {
	t.Helper()
	found, err := chart.Find()
	if err != nil {
		t.Fatal(err)
	}
	return found
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
	if err := c.Client().Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(c.Client().Delete(context.WithoutCancel(t.Context()), object)); err != nil {
			t.Error(err)
		}
	})
}
