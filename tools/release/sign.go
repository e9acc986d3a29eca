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
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// The form of cosign: what is signed about a digest lies under tags that are made of that digest. A signature is
// beside what it signs, in an annotation; of an attestation it is inside, in the envelope.
const (
	signatureSuffix     = ".sig"
	signedType          = "application/vnd.dev.cosign.simplesigning.v1+json"
	attestationSuffix   = ".att"
	envelopeType        = "application/vnd.dsse.envelope.v1+json"
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

// aboutTag is where something is that is signed about a digest.
func aboutTag(repository name.Repository, digest v1.Hash, suffix string) name.Tag {
	return repository.Tag(digest.Algorithm + "-" + digest.Hex + suffix)
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
	return r.pushSigned(aboutTag(repository, digest, signatureSuffix), blob{signedType, payload},
		map[string]string{signatureAnnotation: signature})
}

// attest pushes a statement of in-toto about a digest, in a signed envelope (DSSE).
func (r registry) attest(repository name.Repository, digest v1.Hash, key *ecdsa.PrivateKey, statement []byte) error {
	signature, err := signatureOf(key, dsse.PAE(inTotoType, statement))
	if err != nil {
		return err
	}
	envelope, err := json.Marshal(dsse.Envelope{
		PayloadType: inTotoType, Payload: base64.StdEncoding.EncodeToString(statement),
		Signatures: []dsse.Signature{{Sig: signature}},
	})
	if err != nil {
		return err
	}
	return r.pushSigned(aboutTag(repository, digest, attestationSuffix), blob{envelopeType, envelope},
		map[string]string{signatureAnnotation: "", "predicateType": predicateProvenance})
}

// pushSigned pushes the layer that cosign looks for under a tag. What others have signed there stays.
func (r registry) pushSigned(tag name.Tag, content blob, annotations map[string]string) error {
	layer := static.NewLayer(content.content, content.mediaType)
	image, err := remote.Image(tag, r.options...)
	switch {
	case isNotFound(err):
		image = mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	case err != nil:
		return fmt.Errorf("looking for %s: %w", tag, err)
	default:
		if there, err := hasLayer(image, layer, annotations); there || err != nil {
			return err
		}
	}
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, Annotations: annotations})
	if err != nil {
		return err
	}
	return remote.Write(tag, image, r.options...)
}

// hasLayer reports whether an image has a layer with these annotations.
func hasLayer(image v1.Image, layer v1.Layer, annotations map[string]string) (bool, error) {
	manifest, err := image.Manifest()
	if err != nil {
		return false, err
	}
	digest, err := layer.Digest()
	return slices.ContainsFunc(manifest.Layers, func(there v1.Descriptor) bool {
		return there.Digest == digest && there.Annotations[signatureAnnotation] == annotations[signatureAnnotation]
	}), err
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

// passwordVariable of the environment has the password of a key that cosign has made.
const passwordVariable = "COSIGN_PASSWORD"

// readKey reads a private key as openssl or cosign writes it. What is wrong is said without any of its content.
func readKey(path string) (*ecdsa.PrivateKey, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// another is what to do about a key that will not do.
const another = "; one that will do is made by openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256"

func parseKey(content []byte) (*ecdsa.PrivateKey, error) {
	var block *pem.Block
	// Older ones of openssl write the parameters of the curve before the key.
	for block == nil || block.Type == "EC PARAMETERS" {
		if block, content = pem.Decode(content); block == nil {
			return nil, errors.New("no private key in PEM" + another)
		}
	}
	encoded := block.Bytes
	switch {
	case block.Type == "ENCRYPTED SIGSTORE PRIVATE KEY" || block.Type == "ENCRYPTED COSIGN PRIVATE KEY":
		var err error
		if encoded, err = decrypt(encoded); err != nil {
			return nil, err
		}
	case strings.Contains(block.Type, "ENCRYPTED"):
		return nil, fmt.Errorf("the key is encrypted (%s), and nobody is asked for its password; decrypt it first, where "+
			"nobody else reads it: openssl pkey -in FILE -out DECRYPTED", block.Type)
	}
	if key, err := x509.ParseECPrivateKey(encoded); err == nil {
		return onCurve(key)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(encoded)
	if err != nil {
		return nil, errors.New("no private key that can be read" + another)
	}
	key, isECDSA := parsed.(*ecdsa.PrivateKey)
	if !isECDSA {
		return nil, fmt.Errorf("a key of the type %T, want ECDSA%s", parsed, another)
	}
	return onCurve(key)
}

// decrypt decrypts a key that `cosign generate-key-pair` has written.
func decrypt(content []byte) ([]byte, error) {
	password, given := os.LookupEnv(passwordVariable)
	if !given {
		return nil, fmt.Errorf("the key is encrypted as cosign does it; its password has to be in the environment, as %s",
			passwordVariable)
	}
	decrypted, err := encrypted.Decrypt(content, []byte(password))
	if err != nil {
		return nil, fmt.Errorf("the key cannot be decrypted with the password in %s: %w", passwordVariable, err)
	}
	return decrypted, nil
}

// onCurve refuses a key on another curve than cosign's.
func onCurve(key *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	if key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("a key on the curve %s, want P-256%s", key.Curve.Params().Name, another)
	}
	return key, nil
}
