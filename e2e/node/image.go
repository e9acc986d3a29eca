//go:build linux

package node

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
	"github.com/varmenne/varmenne-issuer/e2e/process"
)

// pauseImage is the image of the process that keeps the namespaces of a Pod.
const pauseImage = "varmenne/pause:node"

// WriteImage writes an archive with an image that holds one static program and runs it as the user. Images
// of the product are not made this way but by `make image`.
func WriteImage(archive, reference, program, user string) error {
	layer, err := layerOf(program)
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/" + filepath.Base(program)}, "User": user},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return err
	}
	manifest, err := json.Marshal([]map[string]any{
		{"Config": "config.json", "RepoTags": []string{reference}, "Layers": []string{"layer.tar"}},
	})
	if err != nil {
		return err
	}
	var image bytes.Buffer
	out := tar.NewWriter(&image)
	err = errors.Join(
		add(out, "config.json", 0o644, config), add(out, "layer.tar", 0o644, layer),
		add(out, "manifest.json", 0o644, manifest), out.Close())
	if err != nil {
		return fmt.Errorf("making the image %s: %w", reference, err)
	}
	return os.WriteFile(archive, image.Bytes(), 0o600)
}

// layerOf packs the program into the root of a file system.
func layerOf(program string) ([]byte, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	out := tar.NewWriter(&layer)
	err = errors.Join(add(out, filepath.Base(program), 0o755, content), out.Close())
	return layer.Bytes(), err
}

func add(out *tar.Writer, name string, mode int64, content []byte) error {
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := out.Write(content)
	return err
}

// writePauseImage builds the program and its image.
func writePauseImage(ctx context.Context, directory string) (err error) {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	workshop, err := os.MkdirTemp(directory, ".pause-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(workshop)) }()
	program := filepath.Join(workshop, "pause")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
		"-o", program, "./cmd/pause")
	command.Dir = filepath.Join(root, "e2e")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if _, err := process.Output(command); err != nil {
		return err
	}
	return WriteImage(filepath.Join(directory, "pause.tar"), pauseImage, program, "65532:65532")
}
