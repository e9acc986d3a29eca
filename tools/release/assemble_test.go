package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	testVersion = "1.2.3"
	testCommit  = "0123456789abcdef0123456789abcdef01234567"
)

// helm is the one that the Makefile has built.
func helm(t *testing.T) string {
	t.Helper()
	path := os.Getenv("VARMENNE_HELM")
	if path == "" {
		t.Fatal("VARMENNE_HELM names no helm; make release-test does")
	}
	return path
}

// built is what a release is put together from: the images are those that tools/image makes of this test's program.
func built(t *testing.T) assembly {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := assembly{
		repository: tagged(t), version: testVersion, commit: testCommit, epoch: 1700000000, program: self,
		images: t.TempDir(), plugins: t.TempDir(), sbom: t.TempDir(), helm: helm(t), out: filepath.Join(t.TempDir(), "out"),
	}
	small := filepath.Join(t.TempDir(), "program")
	write(t, small, "a program")
	imageIn(t, a.images, "amd64="+small, "arm64="+small)
	inDirectory(t, "../..", "cp", "-R", "--parents", "charts", "LICENSE", a.repository)
	write(t, filepath.Join(a.sbom, "licenses.txt"), "licenses")
	for _, architecture := range architectures {
		write(t, filepath.Join(a.sbom, billOfMaterials(architecture)), `{"bomFormat": "CycloneDX"}`)
	}
	write(t, filepath.Join(a.sbom, "kubectl-varmenne_linux_amd64.cdx.json"), `{"bomFormat": "CycloneDX"}`)
	write(t, filepath.Join(a.plugins, "kubectl-varmenne_linux_amd64.tar.gz"), "a plugin")
	sum := sha256.Sum256([]byte("a plugin"))
	write(t, filepath.Join(a.plugins, krewManifest), fmt.Sprintf(
		"spec: {version: v%s, platforms: [{uri: https://example.com/kubectl-varmenne_linux_amd64.tar.gz, sha256: %x}]}\n",
		testVersion, sum))
	return a
}

// imageIn makes an image of programs by architecture.
func imageIn(t *testing.T, directory string, programs ...string) {
	t.Helper()
	inDirectory(t, "../image", "go", append([]string{"run", ".", "-out", directory, "-version", testVersion,
		"-commit", testCommit, "-epoch", "1700000000"}, programs...)...)
}

func inDirectory(t *testing.T, directory, name string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Dir = directory
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, arguments, err, output)
	}
	return string(output)
}

// assembled is a release in a directory.
func assembled(t *testing.T) assembly {
	t.Helper()
	a := built(t)
	if err := a.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func filesOf(t *testing.T, directory string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(directory)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			continue
		}
		if files[entry.Name()], err = os.ReadFile(filepath.Join(directory, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestAReleaseHasAllThatBelongsToIt(t *testing.T) {
	a := assembled(t)
	want := []string{
		"LICENSE", "RELEASE_NOTES.md", "SHA256SUMS", "kubectl-varmenne_linux_amd64.cdx.json",
		"kubectl-varmenne_linux_amd64.tar.gz", "licenses.txt", "provenance.intoto.json", "varmenne-issuer-1.2.3.tgz",
		"varmenne-issuer-amd64.cdx.json",
		"varmenne-issuer-amd64.tar", "varmenne-issuer-arm64.cdx.json", "varmenne-issuer-arm64.tar",
		"varmenne-issuer.oci.tar", "varmenne.yaml",
	}
	if got := slices.Sorted(maps.Keys(filesOf(t, a.out))); !slices.Equal(got, want) {
		t.Errorf("it has %q, want %q", got, want)
	}
	checked := inDirectory(t, a.out, "sha256sum", "--check", "--strict", sumsFile)
	if got := strings.Count(checked, ": OK\n"); got != len(want)-1 {
		t.Errorf("sha256sum checks %d files, want all but the list itself:\n%s", got, checked)
	}
}

// Twice, of a chart whose files have other times and permissions the second time.
func TestTheSameReleaseIsTheSameBytes(t *testing.T) {
	a := assembled(t)
	first := filesOf(t, a.out)
	inDirectory(t, a.repository, "sh", "-c", "chmod -R go-rwx charts && find charts -exec touch -d 2001-02-03 {} +")
	a.out = filepath.Join(t.TempDir(), "elsewhere")
	if err := a.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, content := range filesOf(t, a.out) {
		if !bytes.Equal(content, first[name]) {
			t.Errorf("%s differs the second time", name)
		}
	}
}

func TestADirectoryWithOtherFilesIsNotReplaced(t *testing.T) {
	a := assembled(t)
	write(t, filepath.Join(a.out, "SHA256SUMS.sig"), "of before")
	write(t, filepath.Join(a.out, "varmenne-issuer-1.2.2.tgz"), "of before")
	if err := a.write(t.Context()); err != nil {
		t.Errorf("a release of before stays: %v", err)
	}
	if files := filesOf(t, a.out); files["SHA256SUMS.sig"] != nil || files["varmenne-issuer-1.2.2.tgz"] != nil {
		t.Error("something is left of the release before")
	}
	write(t, filepath.Join(a.out, "thesis.odt"), "years")
	if err := a.write(t.Context()); err == nil || !strings.Contains(err.Error(), "has thesis.odt, which is no part") {
		t.Errorf("got %v, want a refusal", err)
	}
	if filesOf(t, a.out)["thesis.odt"] == nil {
		t.Error("the file is gone all the same")
	}
}

// What `make plugin` packs does not depend on the umask. It is built for one platform, to be quick.
func TestTheSamePluginIsTheSameBytes(t *testing.T) {
	var made [2][]byte
	for i, umask := range []string{"022", "077"} {
		out := t.TempDir()
		inDirectory(t, "../..", "sh", "-c", `umask "$1"; shift; exec "$@"`, "sh", umask, "make", "plugin",
			"VERSION=v"+testVersion, "COMMIT="+testCommit, "BIN="+out, "PLUGIN_PLATFORMS=linux/amd64", "IMAGE_TIME=1700000000")
		made[i] = filesOf(t, filepath.Join(out, "plugin"))["kubectl-varmenne_linux_amd64.tar.gz"]
	}
	if len(made[0]) == 0 || !bytes.Equal(made[0], made[1]) {
		t.Error("the archive of the plugin differs with another umask")
	}
}

func TestTheChartIsOfTheVersionAndAsksForItsImage(t *testing.T) {
	a := assembled(t)
	rendered := inDirectory(t, a.out, a.helm, "template", "release", chartArchive(testVersion))
	for _, want := range []string{"helm.sh/chart: varmenne-issuer-1.2.3", "image: varmenne/varmenne-issuer:1.2.3"} {
		if !strings.Contains(strings.ReplaceAll(rendered, `"`, ""), want) {
			t.Errorf("the chart renders nothing with %q", want)
		}
	}
}

// Nobody who has pulled a chart has the pages beside it.
func TestThePageOfTheChartLinksToTheTag(t *testing.T) {
	page := inDirectory(t, assembled(t).out, "tar", "-xzOf", chartArchive(testVersion), program+"/README.md")
	if want := "](" + homepage + "/blob/v1.2.3/docs/operations/install.md#the-image)"; !strings.Contains(page, want) {
		t.Errorf("the page has no link that ends in %q", want)
	}
	if left := relativeLink.FindAllString(page, -1); len(left) > 0 {
		t.Errorf("these lead to files that are not there: %q", left)
	}
}

// Helm writes the time at which it packages: within one second two archives are the same, and later no more.
func TestTheFilesOfTheChartHaveTheTimeOfTheCommit(t *testing.T) {
	listed := inDirectory(t, assembled(t).out, "tar", "--utc", "--numeric-owner", "-tvzf", chartArchive(testVersion))
	for line := range strings.Lines(listed) {
		if !strings.HasPrefix(line, "-rw-r--r-- 0/0 ") || !strings.Contains(line, " 2023-11-14 22:13 ") {
			t.Errorf("the chart has %s", line)
		}
	}
}

func TestTheProvenanceSaysWhatWasMadeFromWhat(t *testing.T) {
	a := assembled(t)
	files := filesOf(t, a.out)
	var got statement
	if err := json.Unmarshal(files[provenanceFile], &got); err != nil {
		t.Fatal(err)
	}
	read, err := readImage(filepath.Join(a.out, imageArchive), testVersion)
	if err != nil {
		t.Fatal(err)
	}
	defer read.close()
	images, err := read.descriptors()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, content := range files {
		if sum := sha256.Sum256(content); name != provenanceFile && name != sumsFile {
			want[name] = hex.EncodeToString(sum[:])
		}
	}
	for i, name := range []string{"image index", "image linux/amd64", "image linux/arm64"} {
		want[name] = images[i].descriptor.Digest.Hex
	}
	subjects := map[string]string{}
	for _, subject := range got.Subject {
		subjects[subject.Name] = subject.Digest["sha256"]
	}
	if !maps.Equal(subjects, want) {
		t.Errorf("its subjects are %v, want %v", subjects, want)
	}
	build := got.Predicate.BuildDefinition
	source := build.ResolvedDependencies[0]
	if source.Digest["gitCommit"] != testCommit || !strings.HasSuffix(source.URI, "@refs/tags/v1.2.3") {
		t.Errorf("the source is %+v, want the commit and tag", source)
	}
	if version := build.InternalParameters["goVersion"]; version != runtime.Version() {
		t.Errorf("built by %s, want %s", version, runtime.Version())
	}
}

func TestWhatIsOfAnotherVersionIsNotReleased(t *testing.T) {
	for claim, c := range map[string]struct {
		spoil func(a *assembly)
		want  string
	}{
		"the image": {func(a *assembly) {
			a.version = "1.2.2"
			manifest := filepath.Join(a.plugins, krewManifest)
			write(t, manifest, strings.ReplaceAll(string(filesOf(t, a.plugins)[krewManifest]), "v1.2.3", "v1.2.2"))
		}, `its image is of version "1.2.3", want 1.2.2`},
		"the image for one platform": {func(a *assembly) {
			of := filesOf(t, a.images)["varmenne-issuer-arm64.tar"]
			imageIn(t, a.images, "amd64="+a.program, "arm64="+a.program)
			write(t, filepath.Join(a.images, "varmenne-issuer-arm64.tar"), string(of))
		}, "varmenne-issuer-arm64.tar has the image sha256:"},
		"an image for less": {func(a *assembly) {
			imageIn(t, a.images, "amd64="+a.program)
		}, "has the image for 1 architectures, want 2"},
		"an image for more": {func(a *assembly) {
			imageIn(t, a.images, "amd64="+a.program, "arm64="+a.program, "s390x="+a.program)
		}, "for linux/s390x; want one for each of the architectures amd64, arm64 and no other"},
		"the manifest of Krew": {func(a *assembly) { a.version = "1.2.2" }, "is of v1.2.3, want v1.2.2"},
		"an archive of the plugin": {func(a *assembly) {
			write(t, filepath.Join(a.plugins, "kubectl-varmenne_linux_amd64.tar.gz"), "another plugin")
		}, "has the SHA-256"},
	} {
		t.Run(claim, func(t *testing.T) {
			a := built(t)
			c.spoil(&a)
			if err := a.write(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
