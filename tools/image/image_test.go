package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1"
)

// What the image under test is made as.
const (
	testVersion = "1.2.3-test"
	testCommit  = "0123456789abcdef0123456789abcdef01234567"
)

// repository is the root of the repository.
const repository = "../.."

// archives is the directory with the archives that `make image` has written for the tests.
var archives string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if archives, err = os.MkdirTemp("", "image-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(archives)
		if output, err := makeImage(repository, archives).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "make image: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}())
}

// makeImage is `make image` for the sources in a directory.
func makeImage(directory, out string) *exec.Cmd {
	command := exec.Command("make", "image", "VERSION="+testVersion, "COMMIT="+testCommit,
		"IMAGE_DIR="+out, "BIN="+filepath.Join(out, ".bin"), "IMAGE_TIME=1700000000")
	command.Dir = directory
	return command
}

func TestTheImageHoldsTheProgramAndCertificatesAndNothingElse(t *testing.T) {
	for _, architecture := range []string{"amd64", "arm64"} {
		files := filesOf(t, loaded(t, architecture))
		want := map[string]string{
			"etc/": "0755", "etc/ssl/": "0755", "etc/ssl/certs/": "0755",
			"etc/ssl/certs/ca-certificates.crt": "0644", "varmenne-issuer": "0755",
		}
		if got := modes(files); !maps.Equal(got, want) {
			t.Errorf("%s: the image holds %v, want %v", architecture, got, want)
		}
	}
}

func TestTheImageRunsTheProgramAsAUserWithoutPrivileges(t *testing.T) {
	for _, architecture := range []string{"amd64", "arm64"} {
		config := configOf(t, loaded(t, architecture))
		if config.OS != "linux" || config.Architecture != architecture {
			t.Errorf("the image for %s says it is for %s/%s", architecture, config.OS, config.Architecture)
		}
		if got := config.Config.User; got != "65532:65532" {
			t.Errorf("%s: runs as %q, want 65532:65532", architecture, got)
		}
		if got := config.Config.Entrypoint; !slices.Equal(got, []string{"/varmenne-issuer"}) {
			t.Errorf("%s: runs %q, want /varmenne-issuer", architecture, got)
		}
		if config.Config.Cmd != nil || config.Config.Env != nil {
			t.Errorf("%s: has the arguments %q and the environment %q, want none",
				architecture, config.Config.Cmd, config.Config.Env)
		}
	}
}

func TestTheImageSaysWhatItWasMadeFrom(t *testing.T) {
	config := configOf(t, loaded(t, "amd64"))
	if got := config.Created.UTC().String(); got != "2023-11-14 22:13:20 +0000 UTC" {
		t.Errorf("created %s, want the time of the commit", got)
	}
	for label, want := range map[string]string{
		"created": "2023-11-14T22:13:20Z", "licenses": "Apache-2.0", "revision": testCommit,
		"source": "https://github.com/varmenne/varmenne-issuer", "title": "varmenne-issuer", "version": testVersion,
	} {
		if got := config.Config.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
}

func TestTheProgramInTheImageIsStaticAndSaysItsVersion(t *testing.T) {
	program := filepath.Join(t.TempDir(), "varmenne-issuer")
	if err := os.WriteFile(program, filesOf(t, loaded(t, "amd64"))["varmenne-issuer"].content, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{program, programFor(t, "arm64")} {
		if linker := interpreter(t, path); linker != "" {
			t.Errorf("%s wants the dynamic linker %s, which the image has not", path, linker)
		}
	}
	output, err := exec.CommandContext(t.Context(), program, "--version").CombinedOutput()
	if err != nil || !strings.Contains(string(output), testVersion+" (commit "+testCommit) {
		t.Errorf("--version says %q (%v), want %s and the commit", output, err, testVersion)
	}
}

func TestTheImageTrustsTheRootsOfMozilla(t *testing.T) {
	rest := filesOf(t, loaded(t, "arm64"))["etc/ssl/certs/ca-certificates.crt"].content
	roots := 0
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !certificate.IsCA {
			t.Errorf("certificate %d: %v; CA: %t", roots+1, err, err == nil && certificate.IsCA)
		}
		roots++
	}
	if roots < 100 || len(bytes.TrimSpace(rest)) > 0 {
		t.Errorf("%d roots and %d bytes that are none, want more than 100 roots and nothing else", roots, len(rest))
	}
}

func TestTheImageForBothArchitecturesIsInOneArchive(t *testing.T) {
	index := indexOf(t, filepath.Join(archives, "varmenne-issuer.oci.tar"))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]v1.Hash{}
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		got[m.Platform.String()] = configName(t, image)
	}
	want := map[string]v1.Hash{
		"linux/amd64": configName(t, loaded(t, "amd64")), "linux/arm64": configName(t, loaded(t, "arm64")),
	}
	if !maps.Equal(got, want) {
		t.Errorf("the OCI archive has %v, the archives for one architecture %v", got, want)
	}
}

// Another directory, another umask, another time zone: nothing of where it is built gets into the image.
func TestTheSameSourcesMakeTheSameBytes(t *testing.T) {
	elsewhere, out := filepath.Join(t.TempDir(), "elsewhere"), t.TempDir()
	copySources(t, elsewhere)
	command := makeImage(elsewhere, out)
	command.Args = append([]string{"sh", "-c", `umask 077; exec "$@"`, "sh"}, command.Args...)
	command.Path = "/bin/sh"
	command.Env = append(os.Environ(), "TZ=Europe/Helsinki")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make image: %v\n%s", err, output)
	}
	names, err := filepath.Glob(filepath.Join(archives, "*.tar"))
	if err != nil || len(names) != 3 {
		t.Fatalf("made %q (%v), want three archives", names, err)
	}
	for _, name := range names {
		if !bytes.Equal(read(t, name), read(t, filepath.Join(out, filepath.Base(name)))) {
			t.Errorf("%s differs the second time", filepath.Base(name))
		}
	}
}
