package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ociregistry "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/sigstore/sigstore/pkg/signature"
	sigdsse "github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/payload"
)

// testRegistry is a registry on loopback.
type testRegistry struct {
	host string

	mutex sync.Mutex
	puts  int
	// refuses is after how many manifests it takes no more; zero is never.
	refuses int
}

// takes counts a manifest, unless it is refused.
func (r *testRegistry) takes() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.refuses > 0 && r.puts >= r.refuses {
		return false
	}
	r.puts++
	return true
}

// startRegistry starts one. An older one does not list what refers to a digest; that is kept under a tag then.
func startRegistry(t *testing.T, older bool) *testRegistry {
	t.Helper()
	handler := ociregistry.New(ociregistry.WithReferrersSupport(!older), ociregistry.Logger(log.New(io.Discard, "", 0)))
	var started testRegistry
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			if !started.takes() {
				http.Error(w, `{"errors": [{"code": "DENIED", "message": "the quota is exceeded"}]}`, http.StatusForbidden)
				return
			}
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	started.host = strings.TrimPrefix(server.URL, "http://")
	return &started
}

// newKey writes a private key, and returns its public key.
func newKey(t *testing.T) (path string, public *ecdsa.PublicKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "release.key")
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
	return path, &key.PublicKey
}

func publish(t *testing.T, directory, registry string, more ...string) error {
	t.Helper()
	return run(t.Context(), append([]string{"publish", "-directory", directory, "-registry", registry}, more...))
}

// published is what there is under a tag.
func published(t *testing.T, registry, repository string) (name.Repository, *remote.Descriptor) {
	t.Helper()
	tag, err := name.NewTag(registry + "/" + repository + ":" + testVersion)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Get(tag)
	if err != nil {
		t.Fatal(err)
	}
	return tag.Context(), got
}

func TestARegistryHasTheImageWithWhatRefersToIt(t *testing.T) {
	a := assembled(t)
	for claim, older := range map[string]bool{"a registry": false, "one without the API of referrers": true} {
		t.Run(claim, func(t *testing.T) {
			host := startRegistry(t, older).host + "/mirror"
			if err := publish(t, a.out, host); err != nil {
				t.Fatal(err)
			}
			repository, pushed := published(t, host, imageRepository)
			index, err := pushed.ImageIndex()
			if err != nil {
				t.Fatal(err)
			}
			manifest, err := index.IndexManifest()
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]v1.Hash{"index": pushed.Digest}
			for _, m := range manifest.Manifests {
				want[m.Platform.Architecture] = m.Digest
			}
			if len(want) != 3 {
				t.Fatalf("the image is for %v, want two platforms", want)
			}
			for of, digest := range want {
				files := []string{provenanceFile}
				if of != "index" {
					files = append(files, billOfMaterials(of))
				}
				checkReferrers(t, a.out, repository, digest, files)
			}
		})
	}
}

// checkReferrers compares what refers to a digest with files of the release.
func checkReferrers(t *testing.T, directory string, repository name.Repository, digest v1.Hash, files []string) {
	t.Helper()
	referrers, err := remote.Referrers(repository.Digest(digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := referrers.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range manifest.Manifests {
		title, content := onlyLayer(t, repository.Digest(m.Digest.String()))
		got[title] = artifactType(t, repository.Digest(m.Digest.String()))
		if want := filesOf(t, directory)[title]; !bytes.Equal(content, want) {
			t.Errorf("%s is %q in the registry, want %q", title, content, want)
		}
	}
	want := map[string]string{}
	for _, file := range files {
		want[file] = map[bool]string{true: inTotoType, false: sbomType}[file == provenanceFile]
	}
	if !maps.Equal(got, want) {
		t.Errorf("what refers to %s is %v, want %v", digest, got, want)
	}
}

// artifactType is what an artifact says it is. The registry of the tests lists the type of the configuration instead.
func artifactType(t *testing.T, reference name.Reference) string {
	t.Helper()
	got, err := remote.Get(reference)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
	if err != nil {
		t.Fatal(err)
	}
	return manifest.ArtifactType
}

// onlyLayer is the title and the content of the one layer of an artifact.
func onlyLayer(t *testing.T, reference name.Reference) (title string, content []byte) {
	t.Helper()
	artifact, err := remote.Image(reference)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := artifact.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := artifact.LayerByDigest(manifest.Layers[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Layers) != 1 {
		t.Fatalf("%d layers", len(manifest.Layers))
	}
	return manifest.Layers[0].Annotations["org.opencontainers.image.title"], read(t, layer)
}

func read(t *testing.T, layer v1.Layer) []byte {
	t.Helper()
	stream, err := layer.Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	content, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestHelmPullsTheChart(t *testing.T) {
	a, host := assembled(t), startRegistry(t, false).host
	if err := publish(t, a.out, host); err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	said := inDirectory(t, directory, a.helm, "pull", "oci://"+host+"/"+chartRepository, "--version", testVersion,
		"--plain-http")
	pulled := filesOf(t, directory)[chartArchive(testVersion)]
	if !bytes.Equal(pulled, filesOf(t, a.out)[chartArchive(testVersion)]) {
		t.Error("helm pulls another chart than the one of the release")
	}
	if _, pushed := published(t, host, chartRepository); !strings.Contains(said, pushed.Digest.String()) {
		t.Errorf("helm says %q, want the digest %s", said, pushed.Digest)
	}
	shown := inDirectory(t, directory, a.helm, "show", "chart", "oci://"+host+"/"+chartRepository, "--plain-http")
	if !strings.Contains(shown, "appVersion: "+testVersion) {
		t.Errorf("helm shows %q, want the version", shown)
	}
}

// signedAbout is the one layer that is there under a tag that cosign makes of a digest, and its description.
func signedAbout(t *testing.T, repository name.Repository, digest v1.Hash, suffix string) (v1.Descriptor, []byte) {
	t.Helper()
	tag := repository.Tag(strings.Replace(digest.String(), ":", "-", 1) + suffix)
	image, err := remote.Image(tag)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Config.MediaType != types.OCIConfigJSON || manifest.MediaType != types.OCIManifestSchema1 {
		t.Errorf("%s is a %s with a %s", tag, manifest.MediaType, manifest.Config.MediaType)
	}
	_, content := onlyLayer(t, tag)
	return manifest.Layers[0], content
}

// verifier judges signatures by the library of cosign.
func verifier(t *testing.T, public *ecdsa.PublicKey) signature.Verifier {
	t.Helper()
	loaded, err := signature.LoadVerifier(public, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestAKeySignsImageChartAndChecksums(t *testing.T) {
	a, host := assembled(t), startRegistry(t, false).host
	key, public := newKey(t)
	if err := publish(t, a.out, host, "-key", key); err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{imageRepository, chartRepository} {
		in, pushed := published(t, host, repository)
		described, content := signedAbout(t, in, pushed.Digest, ".sig")
		if got := string(described.MediaType); got != "application/vnd.dev.cosign.simplesigning.v1+json" {
			t.Errorf("the signature is of the type %s", got)
		}
		verify(t, public, content, described.Annotations["dev.cosignproject.cosign/signature"])
		var statement payload.Cosign
		if err := json.Unmarshal(content, &statement); err != nil {
			t.Fatal(err)
		}
		if got, want := statement.Image.String(), in.Digest(pushed.Digest.String()).String(); got != want {
			t.Errorf("signed is a statement about %s, want %s", got, want)
		}
	}
	files := filesOf(t, a.out)
	verify(t, public, files[sumsFile], strings.TrimSpace(string(files[sumsFile+".sig"])))
}

// verify judges a signature.
func verify(t *testing.T, public *ecdsa.PublicKey, content []byte, encoded string) {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier(t, public).VerifySignature(bytes.NewReader(decoded), bytes.NewReader(content)); err != nil {
		t.Errorf("the signature of %q is not by the key: %v", content, err)
	}
}

func TestAKeySignsTheProvenanceOfTheImage(t *testing.T) {
	a, host := assembled(t), startRegistry(t, false).host
	key, public := newKey(t)
	if err := publish(t, a.out, host, "-key", key); err != nil {
		t.Fatal(err)
	}
	in, pushed := published(t, host, imageRepository)
	described, content := signedAbout(t, in, pushed.Digest, ".att")
	if got := string(described.MediaType); got != "application/vnd.dsse.envelope.v1+json" {
		t.Errorf("the attestation is of the type %s", got)
	}
	enveloped := sigdsse.WrapVerifier(verifier(t, public))
	if err := enveloped.VerifySignature(bytes.NewReader(content), nil); err != nil {
		t.Errorf("the envelope is not signed by the key: %v", err)
	}
	var envelope dsse.Envelope
	if err := json.Unmarshal(content, &envelope); err != nil {
		t.Fatal(err)
	}
	inside, err := envelope.DecodeB64Payload()
	if err != nil || envelope.PayloadType != "application/vnd.in-toto+json" {
		t.Errorf("in the envelope is %q: %v", envelope.PayloadType, err)
	}
	if want := filesOf(t, a.out)[provenanceFile]; !bytes.Equal(inside, want) {
		t.Errorf("in the envelope is %s, want the file %s", inside, want)
	}
	if !bytes.Contains(inside, []byte(pushed.Digest.Hex)) {
		t.Errorf("the provenance does not name the image, which cosign asks for: %s", inside)
	}
	changed := bytes.Replace(content, []byte(`"sig":"M`), []byte(`"sig":"N`), 1)
	if err := enveloped.VerifySignature(bytes.NewReader(changed), nil); err == nil {
		t.Error("another signature would do as well")
	}
}

func TestPublishedTwiceIsPublishedOnce(t *testing.T) {
	a, registry := assembled(t), startRegistry(t, false)
	key, _ := newKey(t)
	var seen [2][]v1.Hash
	for i := range seen {
		if err := publish(t, a.out, registry.host, "-key", key); err != nil {
			t.Fatal(err)
		}
		for _, repository := range []string{imageRepository, chartRepository} {
			in, pushed := published(t, registry.host, repository)
			signed, err := remote.Head(aboutTag(in, pushed.Digest, signatureSuffix))
			if err != nil {
				t.Fatal(err)
			}
			seen[i] = append(seen[i], pushed.Digest, signed.Digest)
		}
	}
	if !slices.Equal(seen[0], seen[1]) {
		t.Errorf("the second time there is %v, the first time %v", seen[1], seen[0])
	}
}

// TestAPublicationThatWasCutOffGoesOn wherever the registry has refused to take more: published again all is there.
func TestAPublicationThatWasCutOffGoesOn(t *testing.T) {
	a := assembled(t)
	key, _ := newKey(t)
	cutOff := 0
	for whole := false; !whole; cutOff++ {
		registry := startRegistry(t, false)
		registry.refuses = cutOff + 1
		err := publish(t, a.out, registry.host, "-key", key)
		if whole = err == nil; !whole && !strings.Contains(err.Error(), "the quota is exceeded") {
			t.Errorf("after %d manifests the error is %v; it should say what the registry says", cutOff+1, err)
		}
		registry.refuses = 0
		if err := publish(t, a.out, registry.host, "-key", key); err != nil {
			t.Fatalf("cut off after %d manifests, it does not go on: %v", cutOff+1, err)
		}
		for repository, suffixes := range map[string][]string{imageRepository: {".sig", ".att"}, chartRepository: {".sig"}} {
			in, pushed := published(t, registry.host, repository)
			for _, suffix := range suffixes {
				signedAbout(t, in, pushed.Digest, suffix)
			}
			if repository == imageRepository {
				checkReferrers(t, a.out, in, pushed.Digest, []string{provenanceFile})
			}
		}
	}
	if cutOff < 10 {
		t.Errorf("there were only %d manifests", cutOff)
	}
}

func TestAVersionThatWasAnotherOneIsRefused(t *testing.T) {
	a, registry := assembled(t), startRegistry(t, false)
	if err := publish(t, a.out, registry.host); err != nil {
		t.Fatal(err)
	}
	puts := registry.puts
	other := built(t)
	changed := filepath.Join(t.TempDir(), "program")
	write(t, changed, "another program")
	inDirectory(t, "../image", "go", "run", ".", "-out", other.images, "-version", testVersion, "amd64="+changed,
		"arm64="+changed)
	if err := other.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := publish(t, other.out, registry.host)
	if err == nil || !strings.Contains(err.Error(), "a version is published once") {
		t.Errorf("got %v, want a refusal", err)
	}
	if registry.puts != puts {
		t.Errorf("%d manifests were pushed all the same", registry.puts-puts)
	}
}

func TestAChartThatWasAnotherOneKeepsTheImageFromBeingPushed(t *testing.T) {
	a, registry := assembled(t), startRegistry(t, false)
	tag, err := name.NewTag(registry.host + "/" + chartRepository + ":" + testVersion)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, empty.Image); err != nil {
		t.Fatal(err)
	}
	puts := registry.puts
	err = publish(t, a.out, registry.host)
	if err == nil || !strings.Contains(err.Error(), "a version is published once") {
		t.Errorf("got %v, want a refusal", err)
	}
	if registry.puts != puts {
		t.Errorf("%d manifests were pushed all the same", registry.puts-puts)
	}
}

func TestWhatIsNotInTheChecksumsIsNotPublished(t *testing.T) {
	for claim, spoil := range map[string]func(directory string){
		"a file that has changed": func(directory string) { write(t, filepath.Join(directory, "LICENSE"), "none") },
		"one more file":           func(directory string) { write(t, filepath.Join(directory, "new"), "") },
		"one file less": func(directory string) {
			if err := os.Remove(filepath.Join(directory, "LICENSE")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(claim, func(t *testing.T) {
			a, registry := assembled(t), startRegistry(t, false)
			spoil(a.out)
			if err := publish(t, a.out, registry.host); err == nil || !strings.Contains(err.Error(), "make the release anew") {
				t.Errorf("got %v, want a refusal", err)
			}
			if registry.puts > 0 {
				t.Errorf("%d manifests were pushed all the same", registry.puts)
			}
		})
	}
}

func TestAReleaseThatIsNotWholeIsNotPublished(t *testing.T) {
	for claim, c := range map[string]struct {
		spoil func(directory string)
		want  string
	}{
		"one that was cut off": {func(directory string) {
			if err := os.Remove(filepath.Join(directory, sumsFile)); err != nil {
				t.Fatal(err)
			}
		}, "the release is not whole; make it anew"},
		"a chart with another byte, among the checksums too": {func(directory string) {
			packed := filesOf(t, directory)[chartArchive(testVersion)]
			packed[len(packed)-8] ^= 1
			write(t, filepath.Join(directory, chartArchive(testVersion)), string(packed))
			inDirectory(t, directory, "sh", "-c", "rm SHA256SUMS && sha256sum * > ../sums && mv ../sums SHA256SUMS")
		}, "gzip: invalid checksum"},
	} {
		t.Run(claim, func(t *testing.T) {
			a, registry := assembled(t), startRegistry(t, false)
			c.spoil(a.out)
			if err := publish(t, a.out, registry.host); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if registry.puts > 0 {
				t.Errorf("%d manifests were pushed all the same", registry.puts)
			}
		})
	}
}

func TestWhereThereIsNoReleaseItIsSaidHowToMakeOne(t *testing.T) {
	err := publish(t, filepath.Join(t.TempDir(), "none"), "registry.example")
	if err == nil || !strings.Contains(err.Error(), "make release") {
		t.Errorf("got %v, want what to do", err)
	}
}

func TestAKeyThatWillNotDoIsRefusedWithoutShowingIt(t *testing.T) {
	for claim, c := range map[string]struct{ arguments, want string }{
		"RSA":           {"genpkey -algorithm RSA", "want ECDSA"},
		"another curve": {"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", "want P-256"},
		"encrypted": {"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:x",
			"openssl pkey -in FILE -out DECRYPTED"},
		"no key":         {"version", "no private key in PEM"},
		"the older form": {"ecparam -name prime256v1 -genkey", ""},
	} {
		t.Run(claim, func(t *testing.T) {
			content := inDirectory(t, t.TempDir(), "openssl", strings.Fields(c.arguments)...)
			path := filepath.Join(t.TempDir(), "key")
			write(t, path, content)
			_, err := readKey(path)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Somebody else may have signed the release, too, or its publisher has another key since.
func TestSignaturesOfOthersStay(t *testing.T) {
	a, host := assembled(t), startRegistry(t, false).host
	first, firstPublic := newKey(t)
	second, secondPublic := newKey(t)
	for _, key := range []string{first, second, first} {
		if err := publish(t, a.out, host, "-key", key); err != nil {
			t.Fatal(err)
		}
	}
	in, pushed := published(t, host, imageRepository)
	for _, suffix := range []string{signatureSuffix, attestationSuffix} {
		image, err := remote.Image(aboutTag(in, pushed.Digest, suffix))
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil || len(manifest.Layers) != 2 {
			t.Fatalf("%s has %+v (%v), want one layer of each key", suffix, manifest, err)
		}
		if suffix == attestationSuffix {
			continue
		}
		for i, public := range []*ecdsa.PublicKey{firstPublic, secondPublic} {
			layer, err := image.LayerByDigest(manifest.Layers[i].Digest)
			if err != nil {
				t.Fatal(err)
			}
			verify(t, public, read(t, layer), manifest.Layers[i].Annotations[signatureAnnotation])
		}
	}
}

// A key as `cosign generate-key-pair` writes it.
func TestAKeyOfCosignNeedsItsPassword(t *testing.T) {
	plain, public := newKey(t)
	block, _ := pem.Decode(filesOf(t, filepath.Dir(plain))[filepath.Base(plain)])
	content, err := encrypted.Encrypt(block.Bytes, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cosign.key")
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: content})))
	const refused = "cannot be decrypted"
	for password, want := range map[string]string{"": refused, "wrong": refused, "secret": ""} {
		t.Setenv(passwordVariable, password)
		key, err := readKey(path)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("with the password %q: got %v, want %q", password, err, want)
		}
		if want == "" && (err != nil || !key.PublicKey.Equal(public)) {
			t.Errorf("with its password: %v, or another key", err)
		}
	}
	if err := os.Unsetenv(passwordVariable); err != nil {
		t.Fatal(err)
	}
	if _, err := readKey(path); err == nil || !strings.Contains(err.Error(), "as COSIGN_PASSWORD") {
		t.Errorf("without a password: %v", err)
	}
}
