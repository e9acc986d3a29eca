package binaries

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestProgramsOfAFittingVersionAreNotBuilt(t *testing.T) {
	g := group{key: "controlplane-v1.36.3", programs: []program{
		{name: "etcd", version: "v3.6.8"},
		{name: "kube-apiserver", version: "v1.36.3"}, {name: "kubectl", version: "v1.36.3"},
	}}
	for name, c := range map[string]struct{ etcd, apiServer, says string }{
		"others of the same minor version": {etcd: "etcd Version: 3.6.11", apiServer: "Kubernetes v1.36.0"},
		"an older API server": {
			etcd: "etcd Version: 3.6.11", apiServer: "Kubernetes v1.3.6",
			says: `its kube-apiserver is not of version 1.36.x, but says "Kubernetes v1.3.6"`,
		},
		"no etcd": {apiServer: "Kubernetes v1.36.3", says: "etcd: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			for program, says := range map[string]string{
				"etcd": c.etcd, "kube-apiserver": c.apiServer, "kubectl": "Client Version: v1.36.2",
			} {
				if says != "" {
					script := "#!/bin/sh\necho '" + says + "'\n"
					must.Do(t, os.WriteFile(filepath.Join(directory, program), []byte(script), 0o700))
				}
			}
			t.Setenv(AssetsVariable, directory)
			want := directory
			if c.says != "" {
				want = ""
			}
			var log strings.Builder
			if got := g.given(t.Context(), Options{Log: &log}); got != want || !strings.Contains(log.String(), c.says) {
				t.Errorf("got %q, want %q, and it says %q, want %q in it", got, want, log.String(), c.says)
			}
		})
	}
}
