//go:build linux

package stories

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/node"
)

const (
	issuer      = "varmenne-issuer"
	certManager = "cert-manager"
	// previous is the version to upgrade from. There has been no release so far, so what is upgraded is the same
	// chart and the same program, which call themselves older; what an upgrade does to Pods is real all the same.
	previous = "0.0.1"
)

// provision makes images and charts, before there is a node.
func provision(ctx context.Context, at node.Provision) error {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	helm, err := chart.Find()
	if err != nil {
		return err
	}
	current, err := appVersion(helm.Chart)
	if err != nil {
		return err
	}
	for _, version := range []string{previous, current} {
		if err := makeImage(ctx, root, at, version); err != nil {
			return err
		}
		destination := filepath.Dir(chartPath(at.Dir, issuer+"-"+version))
		if err := run(ctx, "", helm.Path, "package", helm.Chart, "--version="+version, "--app-version="+version,
			"--destination="+destination); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(at.Dir, "bin"), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(helm.Path, filepath.Join(at.Dir, "bin", "helm")); err != nil {
		return err
	}
	return provisionCertManager(ctx, root, helm.Path, at)
}

// makeImage makes the image of a version as `make image` does, for this machine.
func makeImage(ctx context.Context, root string, at node.Provision, version string) error {
	workshop := filepath.Join(at.Dir, "image-"+version)
	if err := run(ctx, root, "make", "image", "ARCHITECTURES="+runtime.GOARCH, "VERSION="+version, "BIN="+workshop,
		"IMAGE_DIR="+workshop); err != nil {
		return err
	}
	return os.Rename(filepath.Join(workshop, issuer+"-"+runtime.GOARCH+".tar"),
		filepath.Join(at.Images, issuer+"-"+version+".tar"))
}

// productProgram is the program of the image, for what runs beside the Pods.
func productProgram(directory, version string) string {
	return filepath.Join(directory, "image-"+version, "image", runtime.GOARCH, issuer)
}

// provisionCertManager packs cert-manager's own chart from its module, and its controllers into an image.
func provisionCertManager(ctx context.Context, root, helm string, at node.Provision) error {
	module, version, err := certManagerModule(ctx, root)
	if err != nil {
		return err
	}
	target := chartPath(at.Dir, certManager)
	if err := run(ctx, "", helm, "package", filepath.Join(module, "deploy", "charts", certManager),
		"--version="+version, "--app-version="+version, "--destination="+filepath.Dir(target)); err != nil {
		return err
	}
	packed := filepath.Join(filepath.Dir(target), certManager+"-"+version+".tgz")
	return errors.Join(os.Rename(packed, target), node.WriteImage(
		filepath.Join(at.Images, certManager+".tar"), "varmenne/certmanager:"+version, at.Programs.CertManager, "1000:1000"))
}

// certManagerModule returns where cert-manager's module is, and its version.
func certManagerModule(ctx context.Context, root string) (directory, version string, err error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", "github.com/cert-manager/cert-manager")
	command.Dir = filepath.Join(root, "e2e")
	command.Env = append(os.Environ(), "GOWORK=off")
	output, err := command.Output()
	if err != nil {
		return "", "", fmt.Errorf("finding cert-manager's module: %w: %s", err, output)
	}
	var module struct {
		Dir     string `json:"Dir"`
		Version string `json:"Version"`
	}
	err = json.Unmarshal(output, &module)
	return module.Dir, module.Version, err
}

// chartPath is where a packed chart lies in the directory of the node.
func chartPath(directory, name string) string { return filepath.Join(directory, "charts", name+".tgz") }

// appVersion is the version of the program that a chart installs.
func appVersion(directory string) (string, error) {
	content, err := os.ReadFile(filepath.Join(directory, "Chart.yaml"))
	if err != nil {
		return "", err
	}
	var metadata struct {
		AppVersion string `json:"appVersion"`
	}
	err = yaml.Unmarshal(content, &metadata)
	return metadata.AppVersion, err
}

// run runs a command in a directory; the error says what it printed.
func run(ctx context.Context, directory, program string, arguments ...string) error {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir = directory
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command, err, output)
	}
	return nil
}
