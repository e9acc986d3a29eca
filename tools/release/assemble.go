package main

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// Names of what is in a release.
const (
	program        = "varmenne-issuer"
	imageArchive   = program + ".oci.tar"
	krewManifest   = "varmenne.yaml"
	notesFile      = "RELEASE_NOTES.md"
	provenanceFile = "provenance.intoto.json"
	sumsFile       = "SHA256SUMS"
)

// architectures are those of the image.
var architectures = [...]string{"amd64", "arm64"}

// billSuffix ends the name of a bill of materials, in CycloneDX.
const billSuffix = ".cdx.json"

// billOfMaterials is the name of the file for an architecture of the image.
func billOfMaterials(architecture string) string { return program + "-" + architecture + billSuffix }

// assembly is what a release is put together from, and where.
type assembly struct {
	repository, version, commit          string
	epoch                                int64
	images, program, plugins, sbom, helm string
	out                                  string
}

// write makes the directory of the release anew.
func (a assembly) write(ctx context.Context) error {
	if err := checkVersion(a.version); err != nil {
		return err
	}
	if err := a.clear(); err != nil {
		return err
	}
	if err := os.MkdirAll(a.out, 0o755); err != nil {
		return err
	}
	if err := a.collect(); err != nil {
		return err
	}
	chart, err := packageChart(ctx, a.helm, filepath.Join(a.repository, chartDirectory), a.version,
		time.Unix(a.epoch, 0).UTC())
	if err != nil {
		return err
	}
	notes, err := releaseNotes(a.repository, a.version)
	if err != nil {
		return err
	}
	if err := errors.Join(a.put(chartArchive(a.version), chart), a.put(notesFile, []byte(notes))); err != nil {
		return err
	}
	if err := a.testify(); err != nil {
		return err
	}
	files, err := digests(a.out)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, file := range files {
		fmt.Fprintf(&sums, "%s  %s\n", file.Digest["sha256"], file.Name)
	}
	return a.put(sumsFile, []byte(sums.String()))
}

// ofRelease matches what make release writes, and what the commands of docs/operations/verify.md leave beside that.
var ofRelease = regexp.MustCompile(`^(varmenne-issuer[-.].+\.(tar|tgz|json)|varmenne\.yaml|` +
	`kubectl-varmenne_.+\.(tar\.gz|cdx\.json)|LICENSE|` +
	`licenses\.txt|RELEASE_NOTES\.md|provenance\.intoto\.json|SHA256SUMS(\.sig|\.der)?|release\.pub|pulled)$`)

// clear removes a release that was there before, and nothing else: a slip in RELEASE must not cost anybody's files.
func (a assembly) clear() error {
	entries, err := os.ReadDir(a.out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !ofRelease.MatchString(entry.Name()) {
			return fmt.Errorf("%s has %s, which is no part of a release, and would be removed; name another directory",
				a.out, entry.Name())
		}
	}
	return os.RemoveAll(a.out)
}

// put writes a file of the release.
func (a assembly) put(name string, content []byte) error {
	return os.WriteFile(filepath.Join(a.out, name), content, 0o644)
}

// collect copies what has been built, after it has seen that it is of this version.
func (a assembly) collect() error {
	plugins, err := a.pluginArchives()
	if err != nil {
		return err
	}
	sources := slices.Concat(plugins, []string{
		filepath.Join(a.plugins, krewManifest), filepath.Join(a.images, imageArchive),
		filepath.Join(a.sbom, "licenses.txt"), filepath.Join(a.repository, "LICENSE"),
	})
	for _, archive := range plugins {
		name := strings.TrimSuffix(filepath.Base(archive), ".tar.gz") + billSuffix
		sources = append(sources, filepath.Join(a.sbom, name))
	}
	for _, architecture := range architectures {
		sources = append(sources, filepath.Join(a.images, program+"-"+architecture+".tar"),
			filepath.Join(a.sbom, billOfMaterials(architecture)))
	}
	for _, source := range sources {
		content, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		if err := a.put(filepath.Base(source), content); err != nil {
			return err
		}
	}
	return nil
}

// pluginArchives are the archives that the manifest of Krew names. It has to be of this version, and they have to be
// the ones whose checksums it has.
func (a assembly) pluginArchives() ([]string, error) {
	path := filepath.Join(a.plugins, krewManifest)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Spec struct {
			Version   string `json:"version"`
			Platforms []struct {
				URI    string `json:"uri"`
				SHA256 string `json:"sha256"`
			} `json:"platforms"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(content, &manifest); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if got := manifest.Spec.Version; got != "v"+a.version {
		return nil, fmt.Errorf("%s is of %s, want v%s", path, got, a.version)
	}
	var archives []string
	for _, platform := range manifest.Spec.Platforms {
		archive := filepath.Join(a.plugins, filepath.Base(platform.URI))
		digest, err := sha256Of(archive)
		if err != nil {
			return nil, err
		}
		if digest != platform.SHA256 {
			return nil, fmt.Errorf("%s has the SHA-256 %s, and %s says %s", archive, digest, path, platform.SHA256)
		}
		archives = append(archives, archive)
	}
	return archives, nil
}

// testify writes the provenance of all files that are there already, and of the images in the archive.
func (a assembly) testify() error {
	built, err := buildinfo.ReadFile(a.program)
	if err != nil {
		return fmt.Errorf("reading what Go built the program: %w", err)
	}
	index, err := readImage(filepath.Join(a.out, imageArchive), a.version)
	if err != nil {
		return err
	}
	defer index.close()
	if err := index.compareArchives(a.out); err != nil {
		return err
	}
	subjects, err := digests(a.out)
	if err != nil {
		return err
	}
	pushed, err := index.descriptors()
	if err != nil {
		return err
	}
	for _, image := range pushed {
		subjects = append(subjects, descriptor{
			Name:   "image " + image.platform,
			Digest: map[string]string{image.descriptor.Digest.Algorithm: image.descriptor.Digest.Hex},
		})
	}
	statement, err := provenanceOf(a.version, a.commit, built.GoVersion, subjects)
	if err != nil {
		return err
	}
	return a.put(provenanceFile, statement)
}

// digests are the files of a directory in the order of their names, but for the list of their checksums itself.
func digests(directory string) ([]descriptor, error) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), sumsFile) })
	files := make([]descriptor, 0, len(entries))
	for _, entry := range entries {
		digest, err := sha256Of(filepath.Join(directory, entry.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, descriptor{Name: entry.Name(), Digest: map[string]string{"sha256": digest}})
	}
	return files, nil
}

func sha256Of(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}
