package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The form of cosign: a signed statement about a digest, which lies under a tag that is made of that digest.
const (
	signedType          = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
)

// signed is the statement, in the form that is called simple signing.
type signed struct {
	Critical struct {
		Identity struct {
			DockerReference string `json:"docker-reference"`
		} `json:"identity"`
		Image struct {
			DockerManifestDigest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
	Optional map[string]string `json:"optional"`
}

// signatureTag is where the signature of a digest is.
func signatureTag(repository name.Repository, digest v1.Hash) name.Tag {
	return repository.Tag(digest.Algorithm + "-" + digest.Hex + ".sig")
}

// sign pushes a signature of what a repository has under a digest.
func (r registry) sign(repository name.Repository, digest v1.Hash, key *ecdsa.PrivateKey) error {
	var statement signed
	statement.Critical.Identity.DockerReference = repository.Name()
	statement.Critical.Image.DockerManifestDigest = digest.String()
	statement.Critical.Type = "cosign container image signature"
	payload, err := json.Marshal(statement)
	if err != nil {
		return err
	}
	signature, err := signatureOf(key, payload)
	if err != nil {
		return err
	}
	image, err := mutate.Append(
		mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON),
		mutate.Addendum{
			Layer:       static.NewLayer(payload, signedType),
			Annotations: map[string]string{signatureAnnotation: signature},
		})
	if err != nil {
		return err
	}
	return remote.Write(signatureTag(repository, digest), image, r.options...)
}

// signFile writes the signature of a file beside it.
func signFile(key *ecdsa.PrivateKey, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	signature, err := signatureOf(key, content)
	if err != nil {
		return err
	}
	return os.WriteFile(path+".sig", []byte(signature+"\n"), 0o644)
}

// signatureOf signs content. Without a source of randomness the same content always has the same signature (RFC 6979).
func signatureOf(key *ecdsa.PrivateKey, content []byte) (string, error) {
	sum := sha256.Sum256(content)
	signature, err := key.Sign(nil, sum[:], crypto.SHA256)
	return base64.StdEncoding.EncodeToString(signature), err
}

// readKey reads a private key as openssl writes it. What is wrong is said without any of its content.
func readKey(path string) (*ecdsa.PrivateKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; one that will do is made by "+
			"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", path, err)
	}
	return key, nil
}

func parseKey(content []byte) (*ecdsa.PrivateKey, error) {
	var block *pem.Block
	// Older ones of openssl write the parameters of the curve before the key.
	for block == nil || block.Type == "EC PARAMETERS" {
		if block, content = pem.Decode(content); block == nil {
			return nil, errors.New("no private key in PEM")
		}
	}
	if strings.Contains(block.Type, "ENCRYPTED") {
		return nil, fmt.Errorf("the key is encrypted (%s), and nobody is asked for its password", block.Type)
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return onCurve(key)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("no private key that can be read")
	}
	key, isECDSA := parsed.(*ecdsa.PrivateKey)
	if !isECDSA {
		return nil, fmt.Errorf("a key of the type %T, want ECDSA", parsed)
	}
	return onCurve(key)
}

// onCurve refuses a key on another curve than cosign's.
func onCurve(key *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	if key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("a key on the curve %s, want P-256", key.Curve.Params().Name)
	}
	return key, nil
}
