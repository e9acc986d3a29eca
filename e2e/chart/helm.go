// Package chart renders and installs the product's Helm chart with the helm that the repository pins.
package chart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
)

const (
	// HelmVariable is the environment variable that names a helm to use in place of the pinned one.
	HelmVariable = "VARMENNE_HELM"
	// Name of the chart.
	Name = "varmenne-issuer"

	helmModule = "helm.sh/helm/v3"
)

// Helm runs helm.
type Helm struct {
	// Path of the program.
	Path string
	// Kubeconfig of the cluster that is worked on. Rendering needs none.
	Kubeconfig string
	// Chart is the directory or the package of the chart.
	Chart string
}

// Release is what a chart is rendered for.
type Release struct {
	Name, Namespace string
	// Values as a user would write them into a file.
	Values map[string]any
	// Args are further arguments of the command.
	Args []string
}

// Find returns the helm that HelmVariable names, or else the pinned one, which `make helm` builds. Its chart is the
// repository's.
func Find() (Helm, error) {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return Helm{}, err
	}
	helm := Helm{Path: os.Getenv(HelmVariable), Chart: filepath.Join(root, "charts", Name)}
	if helm.Path == "" {
		if helm.Path, err = pinned(root); err != nil {
			return Helm{}, err
		}
	}
	if _, err := os.Stat(helm.Path); err != nil {
		return Helm{}, fmt.Errorf("finding helm: %w; `make helm` builds it, or set %s", err, HelmVariable)
	}
	return helm, nil
}

// pinned is where the Makefile builds the helm of tools/helm/go.mod.
func pinned(root string) (string, error) {
	versions, err := binaries.RequiredVersions(filepath.Join(root, "tools", "helm"), helmModule)
	if err != nil {
		return "", fmt.Errorf("finding the version of helm: %w", err)
	}
	return filepath.Join(root, "bin", "tools", "helm-"+versions[helmModule]+"-"+runtime.Version()), nil
}

// Template renders the manifests of a release, without those that belong to `helm test`: what an installation applies.
func (h Helm) Template(ctx context.Context, release Release) ([]byte, error) {
	return h.onChart(ctx, release, "template", "--no-hooks")
}

// TemplateAll renders the manifests of a release with those that belong to `helm test`.
func (h Helm) TemplateAll(ctx context.Context, release Release) ([]byte, error) {
	return h.onChart(ctx, release, "template")
}

// Install installs a release and returns what helm says, NOTES.txt last.
func (h Helm) Install(ctx context.Context, release Release) (string, error) {
	said, err := h.onChart(ctx, release, "install", "--create-namespace")
	return string(said), err
}

// Upgrade upgrades a release.
func (h Helm) Upgrade(ctx context.Context, release Release) (string, error) {
	said, err := h.onChart(ctx, release, "upgrade")
	return string(said), err
}

// onChart runs a command that takes a release's name, a chart and values.
func (h Helm) onChart(ctx context.Context, release Release, command string, flags ...string) ([]byte, error) {
	values, err := yaml.Marshal(release.Values)
	if err != nil {
		return nil, fmt.Errorf("helm %s: encoding the values: %w", command, err)
	}
	arguments := []string{command, release.Name, h.Chart, "--namespace", release.Namespace, "--values", "-"}
	return h.Run(ctx, values, slices.Concat(arguments, flags, release.Args)...)
}

// Run runs helm with any arguments, and returns what it writes to standard output. The error holds its complaint.
func (h Helm) Run(ctx context.Context, input []byte, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, h.Path, arguments...)
	// Without a kubeconfig of ours, one of the person's must not be found.
	command.Env = append(os.Environ(), "KUBECONFIG="+h.Kubeconfig, "HELM_KUBECONTEXT=", "HELM_NAMESPACE=")
	command.Stdin = bytes.NewReader(input)
	output, err := command.Output()
	if failure, ok := errors.AsType[*exec.ExitError](err); ok {
		return output, fmt.Errorf("helm %s: %w: %s", arguments[0], err, bytes.TrimSpace(failure.Stderr))
	}
	if err != nil {
		return output, fmt.Errorf("helm %s: %w", arguments[0], err)
	}
	return output, nil
}
