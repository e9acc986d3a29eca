package binaries

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// AssetsVariable is the environment variable that names a directory with kube-apiserver, etcd and kubectl, as envtest
// takes it: whoever has the programs need not build them.
const AssetsVariable = "KUBEBUILDER_ASSETS"

// given returns the directory that AssetsVariable names, or nothing where it names none, or one whose programs are not
// of the minor version that is wanted: that is told to the log, and they are built.
func (g group) given(ctx context.Context, options Options) string {
	directory := os.Getenv(AssetsVariable)
	if directory == "" || directory == g.directory(options.Directory) {
		return ""
	}
	for _, p := range g.programs {
		if err := p.fits(ctx, directory); err != nil {
			fmt.Fprintf(options.Log, "Not using %s=%s: %v.\n", AssetsVariable, directory, err)
			return ""
		}
	}
	return directory
}

// fits says why the program below a directory cannot stand in for the one that would be built.
func (p program) fits(ctx context.Context, directory string) error {
	version := []string{"--version"}
	if p.name == "kubectl" {
		version = []string{"version", "--client"}
	}
	path := filepath.Join(directory, p.name)
	output, err := process.Output(exec.CommandContext(ctx, path, version...)) //nolint:gosec // The user names it.
	if err != nil {
		return err
	}
	minor := strings.Join(strings.SplitN(strings.TrimPrefix(p.version, "v"), ".", 3)[:2], ".") + "."
	for word := range strings.FieldsSeq(string(output)) {
		if strings.HasPrefix(strings.TrimPrefix(word, "v"), minor) {
			return nil
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	return fmt.Errorf("its %s is not of version %sx, but says %q", p.name, minor, first)
}
