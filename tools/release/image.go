package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// image is the image index that is in an OCI archive, unpacked into a directory of its own.
type image struct {
	index     v1.ImageIndex
	directory string
}

// close removes what was unpacked.
func (i image) close() { _ = os.RemoveAll(i.directory) }

// readImage unpacks an OCI archive, whose one image has to be of a version.
func readImage(path, version string) (_ image, err error) {
	directory, err := os.MkdirTemp("", "image-")
	if err != nil {
		return image{}, err
	}
	read := image{directory: directory}
	defer func() {
		if err != nil {
			read.close()
			err = fmt.Errorf("reading %s: %w", path, err)
		}
	}()
	if err := unpack(path, directory); err != nil {
		return image{}, err
	}
	outer, err := layout.ImageIndexFromPath(directory)
	if err != nil {
		return image{}, err
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		return image{}, err
	}
	if len(manifest.Manifests) != 1 {
		return image{}, fmt.Errorf("it has %d images, want one", len(manifest.Manifests))
	}
	if got := manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"]; got != version {
		return image{}, fmt.Errorf("its image is of version %q, want %s", got, version)
	}
	read.index, err = outer.ImageIndex(manifest.Manifests[0].Digest)
	return read, err
}

// unpack writes the files of an archive (.tar) into a directory, and nothing outside of it.
func unpack(path, directory string) error {
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	root, err := os.OpenRoot(directory)
	if err != nil {
		return err
	}
	defer root.Close()
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return err
		}
		if err := root.MkdirAll(filepath.Dir(header.Name), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(header.Name, content, 0o600); err != nil {
			return err
		}
	}
}

// pushed is one manifest of the image: of the index for all platforms, or of the image for one.
type pushed struct {
	platform     string // index, linux/amd64
	architecture string // of the image for one
	descriptor   v1.Descriptor
}

// descriptors are the manifests that there will be in a registry, the index first.
func (i image) descriptors() ([]pushed, error) {
	index, err := partial.Descriptor(i.index)
	if err != nil {
		return nil, err
	}
	manifest, err := i.index.IndexManifest()
	if err != nil {
		return nil, err
	}
	all := []pushed{{platform: "index", descriptor: plain(*index)}}
	seen := map[string]bool{}
	for _, m := range manifest.Manifests {
		if m.Platform == nil {
			return nil, fmt.Errorf("the manifest %s names no platform", m.Digest)
		}
		platform := m.Platform.String()
		if seen[platform] || !isReleased(platform) {
			return nil, fmt.Errorf("the image has the manifest %s for %s; want one for each of the architectures %s and no "+
				"other", m.Digest, platform, strings.Join(architectures[:], ", "))
		}
		seen[platform] = true
		all = append(all, pushed{m.Platform.String(), m.Platform.Architecture, plain(m)})
	}
	return all, nil
}

// isReleased reports whether there are images for a platform.
func isReleased(platform string) bool {
	architecture, isLinux := strings.CutPrefix(platform, "linux/")
	return isLinux && slices.Contains(architectures[:], architecture)
}

// compareArchives fails where the image is not for all architectures, or the archive for one of them in a directory
// has another image: one of before, which lay there, for instance.
func (i image) compareArchives(directory string) error {
	all, err := i.descriptors()
	if err != nil {
		return err
	}
	if got, want := len(all), 1+len(architectures); got != want {
		return fmt.Errorf("%s has the image for %d architectures, want %d", imageArchive, got-1, want-1)
	}
	for _, one := range all[1:] {
		inIndex, err := i.index.Image(one.descriptor.Digest)
		if err != nil {
			return err
		}
		want, err := inIndex.ConfigName()
		if err != nil {
			return err
		}
		path := filepath.Join(directory, program+"-"+one.architecture+".tar")
		alone, err := tarball.ImageFromPath(path, nil)
		if err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		switch got, err := alone.ConfigName(); {
		case err != nil:
			return fmt.Errorf("reading %s: %w", path, err)
		case got != want:
			return fmt.Errorf("%s has the image %s, and %s has %s for %s; make the release anew", path, got, imageArchive,
				want, one.platform)
		}
	}
	return nil
}

// plain is a descriptor as it stands in the manifest of what refers to it.
func plain(d v1.Descriptor) v1.Descriptor {
	return v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest}
}
