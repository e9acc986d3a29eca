package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"sigs.k8s.io/yaml"
)

// Where image and chart are below the registry that a user names. The first is what the chart's values say.
const (
	imageRepository = "varmenne/varmenne-issuer"
	chartRepository = "varmenne/charts/varmenne-issuer"
)

// Media types of what is pushed beside the image. Those of the chart are Helm's.
const (
	chartConfigType  = "application/vnd.cncf.helm.config.v1+json"
	chartContentType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	sbomType         = "application/vnd.cyclonedx+json"
	inTotoType       = "application/vnd.in-toto+json"
)

// publication pushes the directory of a release to a registry.
type publication struct {
	directory, registry string
	// key signs, if there is one.
	key      *ecdsa.PrivateKey
	progress io.Writer
}

// isRegistry matches a host, with a port or a path where it has one.
var isRegistry = regexp.MustCompile(`^(\[[0-9a-fA-F:]+\]|[0-9A-Za-z][0-9A-Za-z.-]*)(:[0-9]{1,5})?` +
	`(/[0-9a-z][0-9a-z._-]*)*$`)

// push pushes the image, its bills of materials and provenance, and the chart, and signs image, provenance and chart.
// What is there already stays as it is: pushed twice is pushed once, and a version that was another one is refused.
func (p publication) push(ctx context.Context) error {
	if err := verifySums(p.directory); err != nil {
		return err
	}
	metadata, err := chartMetadata(p.directory)
	if err != nil {
		return err
	}
	if !isRegistry.MatchString(p.registry) {
		// Without the value, which may have a password.
		return errors.New("say where to: REGISTRY=HOST[:PORT][/PATH], as in registry.example or " +
			"registry.example:5000/mirror; credentials are those of `docker login`")
	}
	r := registry{options: []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithTransport(newCautious()),
	}}
	chart, err := p.chart(metadata)
	if err != nil {
		return err
	}
	tag, err := p.tag(chartRepository, metadata.Version)
	if err != nil {
		return err
	}
	_, digest, err := chart.manifest()
	if err != nil {
		return err
	}
	if err := r.refuseOther(tag, digest); err != nil { // before anything is there
		return err
	}
	if err := p.pushImage(r, metadata.Version); err != nil {
		return err
	}
	if err := p.pushChart(r, chart, tag); err != nil {
		return err
	}
	if p.key == nil {
		_, err := fmt.Fprintln(p.progress, "Nothing is signed: there was no KEY.")
		return err
	}
	return signFile(p.key, filepath.Join(p.directory, sumsFile))
}

// tag names a version in a repository of the registry.
func (p publication) tag(repository, version string) (name.Tag, error) {
	return name.NewTag(p.registry+"/"+repository+":"+version, name.StrictValidation)
}

// pushImage pushes the image for all platforms with what refers to it.
func (p publication) pushImage(r registry, version string) error {
	read, err := readImage(filepath.Join(p.directory, imageArchive), version)
	if err != nil {
		return err
	}
	defer read.close()
	tag, err := p.tag(imageRepository, version)
	if err != nil {
		return err
	}
	all, err := read.descriptors()
	if err != nil {
		return err
	}
	if err := r.refuseOther(tag, all[0].descriptor.Digest); err != nil {
		return err
	}
	if err := remote.WriteIndex(tag, read.index, r.options...); err != nil {
		return fmt.Errorf("pushing %s: %w", tag, err)
	}
	for _, one := range all {
		if err := p.refer(r, tag.Context(), one); err != nil {
			return err
		}
	}
	if err := p.attest(r, tag.Context(), all[0].descriptor.Digest); err != nil {
		return err
	}
	return p.finish(r, tag, all[0].descriptor.Digest)
}

// attest pushes the provenance of the image once more, signed, if there is a key.
func (p publication) attest(r registry, repository name.Repository, digest v1.Hash) error {
	if p.key == nil {
		return nil
	}
	statement, err := os.ReadFile(filepath.Join(p.directory, provenanceFile))
	if err != nil {
		return err
	}
	if err := r.attest(repository, digest, p.key, statement); err != nil {
		return fmt.Errorf("pushing the signed %s: %w", provenanceFile, err)
	}
	return nil
}

// refer pushes the provenance, and of the image for one platform the bill of materials, as referrers.
func (p publication) refer(r registry, repository name.Repository, to pushed) error {
	files := map[string]string{provenanceFile: inTotoType}
	if to.architecture != "" {
		files[billOfMaterials(to.architecture)] = sbomType
	}
	for file, mediaType := range files {
		content, err := os.ReadFile(filepath.Join(p.directory, file))
		if err != nil {
			return err
		}
		_, err = r.push(artifact{
			artifactType: mediaType,
			config:       blob{"application/vnd.oci.empty.v1+json", []byte("{}")},
			layer:        blob{types.MediaType(mediaType), content},
			title:        file,
			subject:      &to.descriptor,
		}, repository, nil)
		if err != nil {
			return fmt.Errorf("pushing %s: %w", file, err)
		}
	}
	return nil
}

// chart is the chart as Helm pulls it.
func (p publication) chart(metadata metadata) (artifact, error) {
	content, err := os.ReadFile(filepath.Join(p.directory, chartArchive(metadata.Version)))
	return artifact{
		config: blob{chartConfigType, metadata.json},
		layer:  blob{chartContentType, content},
		title:  chartArchive(metadata.Version),
	}, err
}

// pushChart pushes the chart with its version.
func (p publication) pushChart(r registry, chart artifact, tag name.Tag) error {
	digest, err := r.push(chart, tag.Context(), &tag)
	if err != nil {
		return fmt.Errorf("pushing %s: %w", tag, err)
	}
	return p.finish(r, tag, digest)
}

// finish looks whether what has been pushed is there, signs it, if there is a key, and says what is there.
func (p publication) finish(r registry, tag name.Tag, digest v1.Hash) error {
	switch there, err := remote.Head(tag, r.options...); {
	case err != nil:
		return fmt.Errorf("the registry has taken %s, and does not show it: %w", tag, err)
	case there.Digest != digest:
		return fmt.Errorf("the registry has taken %s with the digest %s, and shows %s; somebody else has pushed it, too",
			tag, digest, there.Digest)
	}
	if p.key != nil {
		if err := r.sign(tag.Context(), digest, p.key); err != nil {
			return fmt.Errorf("signing %s: %w", tag, err)
		}
	}
	_, err := fmt.Fprintf(p.progress, "%s@%s\n", tag, digest)
	return err
}

// metadata is what a chart says of itself.
type metadata struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	json    []byte
}

// chartMetadata reads Chart.yaml of the one chart in a directory.
func chartMetadata(directory string) (metadata, error) {
	paths, err := filepath.Glob(filepath.Join(directory, program+"-*.tgz"))
	if err != nil || len(paths) != 1 {
		return metadata{}, fmt.Errorf("%s has %d charts, want one; make release makes it", directory, len(paths))
	}
	packed, err := os.Open(paths[0])
	if err != nil {
		return metadata{}, err
	}
	defer packed.Close()
	var read metadata
	err = eachFile(packed, func(name string, content []byte) error {
		if name != program+"/Chart.yaml" {
			return nil
		}
		if read.json, err = yaml.YAMLToJSON(content); err != nil {
			return err
		}
		return json.Unmarshal(read.json, &read)
	})
	if err == nil {
		err = checkVersion(read.Version)
	}
	if err != nil {
		return metadata{}, fmt.Errorf("reading %s: %w", paths[0], err)
	}
	return read, nil
}

// verifySums fails where a file of the release is not the one in the list of checksums, or is in none.
func verifySums(directory string) error {
	files, err := digests(directory)
	if err != nil {
		return noRelease(directory, err)
	}
	listed, err := os.ReadFile(filepath.Join(directory, sumsFile))
	if err != nil { // It is written last.
		return fmt.Errorf("the release is not whole; make it anew: %w", err)
	}
	for _, file := range files {
		line := file.Digest["sha256"] + "  " + file.Name + "\n"
		if !strings.Contains("\n"+string(listed), "\n"+line) {
			return fmt.Errorf("%s is not the file that %s lists; make the release anew",
				filepath.Join(directory, file.Name), sumsFile)
		}
	}
	if got := strings.Count(string(listed), "\n"); got != len(files) {
		return fmt.Errorf("%s lists %d files, and %s has %d; make the release anew", sumsFile, got, directory, len(files))
	}
	return nil
}

// noRelease says what to do where there is nothing to publish yet.
func noRelease(directory string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no release; make it first: make release VERSION=1.2.3", directory)
	}
	return err
}

// registry is what artifacts are pushed to.
type registry struct{ options []remote.Option }

// refuseOther fails where a tag is there already, and is something else: nobody expects that a version changes.
func (r registry) refuseOther(tag name.Tag, digest v1.Hash) error {
	there, err := remote.Head(tag, r.options...)
	switch {
	case isNotFound(err):
		return nil
	case isUnauthorized(err):
		return fmt.Errorf("looking for %s: the registry wants other credentials than there are; `docker login %s` "+
			"stores them: %w", tag, tag.RegistryStr(), err)
	case err != nil:
		return fmt.Errorf("looking for %s: %w", tag, err)
	case there.Digest != digest:
		return fmt.Errorf("%s is there already, with the digest %s and not %s; a version is published once",
			tag, there.Digest, digest)
	default:
		return nil
	}
}

// isNotFound reports whether a registry has said that it has no such thing.
func isNotFound(err error) bool { return hasStatus(err, http.StatusNotFound) }

// isUnauthorized reports whether a registry does not know who asks.
func isUnauthorized(err error) bool { return hasStatus(err, http.StatusUnauthorized) }

func hasStatus(err error, status int) bool {
	refused, isRefused := errors.AsType[*transport.Error](err)
	return isRefused && refused.StatusCode == status
}

// blob is the content of a layer, or of a configuration.
type blob struct {
	mediaType types.MediaType
	content   []byte
}
