package main

import (
	"encoding/json"
)

// homepage is where the sources are.
const homepage = "https://github.com/varmenne/varmenne-issuer"

// statement says from what the files of a release were made: in-toto Statement v1 with SLSA Provenance v1.
type statement struct {
	Type          string       `json:"_type"`
	Subject       []descriptor `json:"subject"`
	PredicateType string       `json:"predicateType"`
	Predicate     provenance   `json:"predicate"`
}

// descriptor is a resource in the terms of in-toto.
type descriptor struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest"`
}

type provenance struct {
	BuildDefinition buildDefinition `json:"buildDefinition"`
	RunDetails      runDetails      `json:"runDetails"`
}

type buildDefinition struct {
	BuildType            string            `json:"buildType"`
	ExternalParameters   map[string]string `json:"externalParameters"`
	InternalParameters   map[string]string `json:"internalParameters"`
	ResolvedDependencies []descriptor      `json:"resolvedDependencies"`
}

type runDetails struct {
	Builder builder `json:"builder"`
}

type builder struct {
	ID string `json:"id"`
}

// provenanceOf is the statement about files, as JSON. There is no time in it, and no name of a machine: the same
// commit and Go make the same bytes. So it names as its builder what did the work, not where that ran.
func provenanceOf(version, commit, goVersion string, files []descriptor) ([]byte, error) {
	encoded, err := json.MarshalIndent(statement{
		Type:          "https://in-toto.io/Statement/v1",
		Subject:       files,
		PredicateType: predicateProvenance,
		Predicate: provenance{
			BuildDefinition: buildDefinition{
				BuildType:          homepage + "/blob/main/docs/operations/verify.md#the-provenance",
				ExternalParameters: map[string]string{"target": "release", "version": version},
				InternalParameters: map[string]string{"goVersion": goVersion},
				ResolvedDependencies: []descriptor{{
					URI:    "git+" + homepage + "@refs/tags/v" + version,
					Digest: map[string]string{"gitCommit": commit},
				}},
			},
			RunDetails: runDetails{Builder: builder{ID: homepage + "/blob/v" + version + "/tools/release"}},
		},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(encoded, '\n'), nil
}

// predicateProvenance is the type of what the statement says.
const predicateProvenance = "https://slsa.dev/provenance/v1"
