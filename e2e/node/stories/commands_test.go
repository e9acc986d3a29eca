package stories

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// helm runs helm as the administrator and returns what it prints.
func (p *platform) helm(ctx context.Context, arguments ...string) (string, error) {
	return p.command(ctx, p.path("bin/helm"), arguments...)
}

// kubectl runs kubectl as the administrator and returns what it prints.
func (p *platform) kubectl(ctx context.Context, arguments ...string) (string, error) {
	return p.command(ctx, p.Kubectl(), arguments...)
}

// mustHelm is helm for what has to succeed.
func (p *platform) mustHelm(t *testing.T, arguments ...string) {
	t.Helper()
	must.Get(p.helm(t.Context(), arguments...))(t)
}

// mustKubectl is kubectl for what has to succeed.
func (p *platform) mustKubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	return must.Get(p.kubectl(t.Context(), arguments...))(t)
}

// command runs a program in the environment of the administrator.
func (p *platform) command(ctx context.Context, program string, arguments ...string) (string, error) {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = p.environment()
	output, err := process.Output(command)
	return string(output), err
}

// environment is that of a shell in which kubectl and helm are at hand, without the settings of whoever runs the tests.
// HOME stays: a kubeconfig may name a program that looks for credentials there.
func (p *platform) environment() []string {
	path := filepath.Dir(p.Kubectl()) + ":" + p.path("bin") + ":" + os.Getenv("PATH")
	return append(os.Environ(), "KUBECONFIG="+p.Kubeconfig(), "PATH="+path, "KUBERC=off", "KUBECACHEDIR="+p.path("cache"),
		"HELM_CACHE_HOME="+p.path("cache"), "HELM_CONFIG_HOME="+p.path("config"), "HELM_DATA_HOME="+p.path("data"))
}

// path is a path in the directory of the provider.
func (p *platform) path(name string) string { return filepath.Join(p.Dir(), name) }

// describe tells, as an error, how the Pods of a namespace are and what has happened to them.
func (p *platform) describe(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	pods, _ := p.kubectl(ctx, "-n", namespace, "get", "pods,events", "-o", "wide")
	return fmt.Errorf("in namespace %s:\n%s", namespace, pods)
}
