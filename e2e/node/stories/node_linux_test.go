package stories

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/node"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// environment is the node that is built where no other cluster is named.
var environment = node.Environment{Provision: provision}

// mainOnNode runs the tests on a node of their own.
func mainOnNode(m *testing.M) int {
	provide = func(t *testing.T) provider {
		t.Helper()
		return builtNode{environment.Node(t)}
	}
	return environment.Main(m)
}

// builtNode provides the cluster of the node that e2e/node builds. It is a machine, too.
type builtNode struct{ *node.Node }

// The images are imported under the names that the chart has as default.
func (n builtNode) image(version string) string { return "varmenne/" + issuer + ":" + version }

func (n builtNode) imageValues(string) values { return nil }

// provideCertManager installs it with its own chart.
func (n builtNode) provideCertManager(ctx context.Context, p *platform) error {
	_, err := p.helm(ctx, "install", certManager, chartPath(n.Dir(), certManager), "--namespace="+certManager,
		"--create-namespace", "--values=testdata/cert-manager.yaml", "--wait", "--timeout=2m")
	if err != nil {
		return fmt.Errorf("installing cert-manager: %w", errors.Join(err, p.describe(ctx, certManager)))
	}
	return nil
}

// programs finds the product's processes by the cgroup that kubelet has made for the Pod.
func (n builtNode) programs(t *testing.T, pod corev1.Pod) []program {
	t.Helper()
	files := must.Get(filepath.Glob("/proc/[0-9]*/cgroup"))(t)
	var found []program
	for _, file := range files {
		directory := filepath.Dir(file)
		content, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(content, []byte("/pod"+string(pod.UID)+"/")) {
			continue // It may have ended.
		}
		if executable, err := os.Readlink(filepath.Join(directory, "exe")); err != nil || executable != "/"+issuer {
			continue // That of the pause container.
		}
		pid := must.Get(strconv.Atoi(filepath.Base(directory)))(t)
		found = append(found, program{pid: pid, pod: pod})
	}
	return found
}

// provision makes images and charts, before there is a node.
func provision(ctx context.Context, at node.Provision) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	current, err := appVersion(root)
	if err != nil {
		return err
	}
	for _, version := range []string{previous, current} {
		if err := makeImage(ctx, root, at, version); err != nil {
			return err
		}
	}
	if err := provideHelm(ctx, at.Dir); err != nil {
		return err
	}
	archive := filepath.Join(imageWorkshop(at, current), issuer+".oci.tar")
	if err := provideRelease(ctx, root, at.Dir, current, archive); err != nil {
		return err
	}
	return provisionCertManager(ctx, at)
}

// imageWorkshop is where the image of a version is made.
func imageWorkshop(at node.Provision, version string) string {
	return filepath.Join(at.Dir, "image-"+version)
}

// makeImage makes the image of a version as `make image` does, for this machine.
func makeImage(ctx context.Context, root string, at node.Provision, version string) error {
	workshop := imageWorkshop(at, version)
	if err := run(ctx, root, "make", "image", "ARCHITECTURES="+runtime.GOARCH, "VERSION="+version, "BIN="+workshop,
		"IMAGE_DIR="+workshop); err != nil {
		return err
	}
	return os.Rename(filepath.Join(workshop, issuer+"-"+runtime.GOARCH+".tar"),
		filepath.Join(at.Images, issuer+"-"+version+".tar"))
}

// provisionCertManager packs cert-manager's own chart from its module, and its controllers into an image.
func provisionCertManager(ctx context.Context, at node.Provision) error {
	module, err := binaries.FindModule(ctx, "e2e", "github.com/cert-manager/cert-manager")
	if err != nil {
		return err
	}
	version := module.Version
	if err := packChart(ctx, at.Dir, filepath.Join(module.Dir, "deploy", "charts", certManager), version); err != nil {
		return err
	}
	return errors.Join(
		os.Rename(chartPath(at.Dir, certManager+"-"+version), chartPath(at.Dir, certManager)),
		node.WriteImage(filepath.Join(at.Images, certManager+".tar"), "varmenne/certmanager:"+version,
			at.Programs.CertManager, "1000:1000"))
}
