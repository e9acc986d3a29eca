package stories

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/chart"
	"github.com/varmenne/varmenne-issuer/e2e/process"
)

const (
	issuer      = "varmenne-issuer"
	certManager = "cert-manager"
	// previous is the version to upgrade from. There has been no release so far, so what is upgraded is the same
	// chart and the same program, which call themselves older; what an upgrade does to Pods is real all the same.
	previous = "0.0.1"
)

// provideHelm puts helm and the packed charts of both versions into a directory.
func provideHelm(ctx context.Context, directory string) error {
	helm, err := chart.Find()
	if err != nil {
		return err
	}
	bin := filepath.Join(directory, "bin")
	if err := errors.Join(os.Mkdir(bin, 0o755), os.Symlink(helm.Path, filepath.Join(bin, "helm"))); err != nil {
		return err
	}
	current, err := appVersion(filepath.Dir(filepath.Dir(helm.Chart)))
	if err != nil {
		return err
	}
	for _, version := range []string{previous, current} {
		if err := packChart(ctx, directory, helm.Chart, version); err != nil {
			return err
		}
	}
	return nil
}

// packChart packs a chart under a version.
func packChart(ctx context.Context, directory, source, version string) error {
	return run(ctx, "", filepath.Join(directory, "bin", "helm"), "package", source, "--version="+version,
		"--app-version="+version, "--destination="+filepath.Dir(chartPath(directory, issuer)))
}

// chartPath is where a packed chart lies in the directory of a provider.
func chartPath(directory, name string) string { return filepath.Join(directory, "charts", name+".tgz") }

// appVersion is the version of the program that the repository's chart installs.
func appVersion(root string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, "charts", issuer, "Chart.yaml"))
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
	_, err := process.Output(command)
	return err
}
