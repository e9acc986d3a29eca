package main

import (
	"encoding/json"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// artifact is what a registry holds beside images: a file, and what it is about.
type artifact struct {
	artifactType  string
	config, layer blob
	// title is the name of the file.
	title string
	// subject is what the artifact refers to, if it does.
	subject *v1.Descriptor
}

// push pushes an artifact by its digest or, where there is one, with a tag. It returns its digest.
func (r registry) push(a artifact, repository name.Repository, tag *name.Tag) (v1.Hash, error) {
	raw, digest, err := a.manifest()
	if err != nil {
		return v1.Hash{}, err
	}
	if tag != nil {
		if err := r.refuseOther(*tag, digest); err != nil {
			return v1.Hash{}, err
		}
	}
	for _, b := range []blob{a.config, a.layer} {
		if err := remote.WriteLayer(repository, static.NewLayer(b.content, b.mediaType), r.options...); err != nil {
			return v1.Hash{}, err
		}
	}
	if tag == nil {
		return digest, remote.Put(repository.Digest(digest.String()), raw, r.options...)
	}
	return digest, remote.Put(*tag, raw, r.options...)
}

// manifest is what an artifact is in a registry, and its digest.
func (a artifact) manifest() (manifest, v1.Hash, error) {
	config, err := a.config.describe()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	layer, err := a.layer.describe()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	layer.Annotations = map[string]string{"org.opencontainers.image.title": a.title}
	raw, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: a.artifactType,
		Config: config, Layers: []v1.Descriptor{layer}, Subject: a.subject,
	})
	if err != nil {
		return nil, v1.Hash{}, err
	}
	digest, err := static.NewLayer(raw, types.OCIManifestSchema1).Digest()
	return raw, digest, err
}

// describe describes a blob in the manifest of what it belongs to.
func (b blob) describe() (v1.Descriptor, error) {
	digest, err := static.NewLayer(b.content, b.mediaType).Digest()
	return v1.Descriptor{MediaType: b.mediaType, Size: int64(len(b.content)), Digest: digest}, err
}

// manifest is an OCI manifest as it is pushed.
type manifest []byte

// RawManifest implements remote.Taggable.
func (m manifest) RawManifest() ([]byte, error) { return m, nil }

// MediaType says what the manifest is pushed as.
func (m manifest) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
