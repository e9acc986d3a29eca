package main

import (
	"archive/tar"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// read returns the content of a file.
func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// loaded reads the image for one architecture from its archive.
func loaded(t *testing.T, architecture string) v1.Image {
	t.Helper()
	image, err := tarball.ImageFromPath(filepath.Join(archives, "varmenne-issuer-"+architecture+".tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func configOf(t *testing.T, image v1.Image) *v1.ConfigFile {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// configName identifies what is in an image and how it runs, whatever the archive around it.
func configName(t *testing.T, image v1.Image) v1.Hash {
	t.Helper()
	name, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// entry is what an archive says about one of its entries.
type entry struct {
	header  *tar.Header
	content []byte
}

// filesOf unpacks the layers of an image.
func filesOf(t *testing.T, image v1.Image) map[string]entry {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]entry{}
	for _, layer := range layers {
		stream, err := layer.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		unpack(t, stream, func(header *tar.Header, content []byte) {
			files[header.Name] = entry{header: header, content: content}
		})
		if err := stream.Close(); err != nil {
			t.Error(err)
		}
	}
	return files
}

func unpack(t *testing.T, stream io.Reader, each func(*tar.Header, []byte)) {
	t.Helper()
	for archive := tar.NewReader(stream); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		each(header, content)
	}
}

// modes are the permissions of the files by name. A file of another owner than root fails the test.
func modes(files map[string]entry) map[string]string {
	modes := map[string]string{}
	for name, file := range files {
		modes[name] = fmt.Sprintf("%04o", file.header.Mode)
		if file.header.Uid != 0 || file.header.Gid != 0 {
			modes[name] += " not root's"
		}
	}
	return modes
}

// indexOf unpacks an OCI archive and returns the image index that it was made for.
func indexOf(t *testing.T, path string) v1.ImageIndex {
	t.Helper()
	archive, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	directory := t.TempDir()
	unpack(t, archive, func(header *tar.Header, content []byte) {
		target := filepath.Join(directory, header.Name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, content, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	outer, err := layout.ImageIndexFromPath(directory)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 ||
		manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != testVersion {
		t.Fatalf("the OCI archive has %+v, want one image of version %s", manifest.Manifests, testVersion)
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// programFor writes the program of an image to a file.
func programFor(t *testing.T, architecture string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "varmenne-issuer")
	content := filesOf(t, loaded(t, architecture))["varmenne-issuer"].content
	if err := os.WriteFile(program, content, 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

// interpreter is the dynamic linker that a program names, or nothing.
func interpreter(t *testing.T, path string) string {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	section := program.Section(".interp")
	if section == nil {
		return ""
	}
	name, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}
	return string(name)
}

// sources are what the program and the image are built from. The Makefile reads the versions of tools from three more.
var sources = []string{
	"Makefile", "api", "go.mod", "go.sum", "internal", "main.go",
	"tools/go.mod", "tools/helm/go.mod", "tools/image", "tools/sbom/go.mod",
}

// copySources copies the sources, and nothing else, into a directory.
func copySources(t *testing.T, target string) {
	t.Helper()
	if err := os.MkdirAll(target, 0o755); err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{"-R", "--parents"}, sources...)
	command := exec.CommandContext(t.Context(), "cp", append(arguments, target)...)
	command.Dir = repository
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("copying the sources: %v\n%s", err, output)
	}
}
