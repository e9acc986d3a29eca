package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// release is what the image says about itself.
type release struct {
	repository, version, commit string
	created                     time.Time
}

// reference is the name and tag of the image.
func (r release) reference() string { return r.repository + ":" + r.version }

// labels are those that the OCI image specification defines.
func (r release) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "created":     r.created.Format(time.RFC3339),
		prefix + "description": "cert-manager issuer for the certificate service of the Finnish Tax Administration",
		prefix + "licenses":    "Apache-2.0",
		prefix + "revision":    r.commit,
		prefix + "source":      "https://github.com/varmenne/varmenne-issuer",
		prefix + "title":       program,
		prefix + "version":     r.version,
	}
}

// writeArchives writes one OCI archive with the image for every architecture, and for each of them an archive
// of the older form, which `docker load` and `ctr images import` take.
func writeArchives(directory string, build release, binaries []binary) error {
	tag, err := name.NewTag(build.reference())
	if err != nil {
		return fmt.Errorf("naming the image: %w", err)
	}
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	index := v1.ImageIndex(empty.Index)
	for _, b := range binaries {
		image, err := imageOf(build, b)
		if err != nil {
			return fmt.Errorf("making the image for %s: %w", b.architecture, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: b.architecture}},
		})
		path := filepath.Join(directory, fmt.Sprintf("%s-%s.tar", program, b.architecture))
		if err := tarball.WriteToFile(path, tag, image); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
	}
	return writeOCIArchive(filepath.Join(directory, program+".oci.tar"), build, index)
}

// imageOf makes the image for one architecture: the root filesystem in one layer, and how to run it.
func imageOf(build release, b binary) (v1.Image, error) {
	files, err := rootfs(b.path)
	if err != nil {
		return nil, err
	}
	packed, err := pack(files)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(
		func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
	if err != nil {
		return nil, err
	}
	created := v1.Time{Time: build.created}
	image, err := mutate.Append(
		mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		mutate.Addendum{Layer: layer, History: v1.History{Created: created, CreatedBy: "make image"}})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile() // With the digest of the layer.
	if err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, configure(*config.DeepCopy(), build, b.architecture))
}

// configure completes the configuration of an image.
func configure(config v1.ConfigFile, build release, architecture string) *v1.ConfigFile {
	config.OS, config.Architecture, config.Created = "linux", architecture, v1.Time{Time: build.created}
	config.Config = v1.Config{
		Entrypoint: []string{entrypoint}, User: user, WorkingDir: "/", Labels: build.labels(),
	}
	return &config
}

// writeOCIArchive writes an OCI image layout as one file.
func writeOCIArchive(path string, build release, index v1.ImageIndex) (err error) {
	directory, err := os.MkdirTemp(filepath.Dir(path), ".oci-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	tree, err := layout.Write(directory, empty.Index)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	annotations := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": build.version})
	if err := tree.AppendIndex(index, annotations); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	var archive bytes.Buffer
	if err := packTree(&archive, os.DirFS(directory)); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.WriteFile(path, archive.Bytes(), 0o644)
}

// packTree writes the regular files of a tree, in the order of their names, without times and owners.
func packTree(target io.Writer, tree fs.FS) error {
	archive := tar.NewWriter(target)
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o644, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = archive.Write(content)
		return err
	})
	return errors.Join(err, archive.Close())
}
