//go:build linux

package node

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"

	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// socket of containerd.
const socket = "/run/containerd/containerd.sock"

// configurations of the programs, with the paths and addresses of the node to be filled in.
//
//go:embed files
var configurations embed.FS

// configure writes a configuration and returns its path.
func (s site) configure(file string) (string, error) {
	text, err := template.ParseFS(configurations, "files/"+file)
	if err != nil {
		return "", err
	}
	var filled bytes.Buffer
	err = text.Execute(&filled, map[string]string{
		"Dir": s.Dir, "Debian": s.Programs.Debian, "Socket": socket, "Cgroup": s.Cgroup, "PauseImage": pauseImage,
		"NodeIP": nodeIP, "PodNetwork": podNetwork, "FirstPodIP": firstPodIP, "Bridge": bridge, "Domain": clusterDomain,
	})
	if err != nil {
		return "", err
	}
	path := s.path(file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, filled.Bytes(), 0o600)
}

// startRuntime starts containerd.
func (n *Node) startRuntime(ctx context.Context) error {
	if _, err := n.site.configure("cni/node.conflist"); err != nil {
		return err
	}
	config, err := n.site.configure("containerd.toml")
	if err != nil {
		return err
	}
	containerd, err := n.site.run(n.site.debian("usr/bin/containerd"), n.site.libraries(), "--config="+config)
	if err != nil {
		return err
	}
	return await(ctx, containerd, func(ctx context.Context) error { return n.ctr(ctx, "version") })
}

// importImages imports every archive that was prepared.
func (n *Node) importImages(ctx context.Context) error {
	archives, err := filepath.Glob(filepath.Join(n.site.images(), "*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if err := n.ctr(ctx, "--namespace=k8s.io", "images", "import", archive); err != nil {
			return fmt.Errorf("importing an image: %w", err)
		}
	}
	return nil
}

// ctr runs containerd's own client.
func (n *Node) ctr(ctx context.Context, arguments ...string) error {
	_, err := process.Output(exec.CommandContext(ctx, n.site.debian("usr/bin/ctr"),
		append([]string{"--address=" + socket}, arguments...)...))
	return err
}

// libraries is the environment in which programs of the unpacked packages find their libraries.
func (s site) libraries() []string {
	directories, err := filepath.Glob(s.debian("usr/lib/*-linux-gnu"))
	if err != nil || len(directories) == 0 {
		return nil // The system may have them.
	}
	return []string{"LD_LIBRARY_PATH=" + directories[0]}
}
