package stories

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// publisher is the program behind `make publish`, and releaseDirectory has what it publishes.
const (
	publisher        = "bin/release"
	releaseDirectory = "release"
)

// provideRelease builds the publisher, and lays out what it pushes: the image as `make image` has written it, and the
// packed chart. What there is to say of them is not looked at here.
func provideRelease(ctx context.Context, root, directory, version, imageArchive string) error {
	if err := run(ctx, filepath.Join(root, "tools", "release"), "go", "build", "-o", filepath.Join(directory, publisher),
		"."); err != nil {
		return err
	}
	content := map[string][]byte{
		"provenance.intoto.json":                    []byte("{}"),
		issuer + "-" + runtime.GOARCH + ".cdx.json": []byte("{}"),
	}
	for name, path := range map[string]string{
		issuer + ".oci.tar": imageArchive, issuer + "-" + version + ".tgz": chartPath(directory, issuer+"-"+version),
	} {
		var err error
		if content[name], err = os.ReadFile(path); err != nil {
			return err
		}
	}
	var sums bytes.Buffer
	for name, file := range content {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(file), name)
	}
	content["SHA256SUMS"] = sums.Bytes()
	release := filepath.Join(directory, releaseDirectory)
	if err := os.Mkdir(release, 0o755); err != nil {
		return err
	}
	for name, file := range content {
		if err := os.WriteFile(filepath.Join(release, name), file, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// publish starts a registry on the node's loopback and publishes the release in it. No other image is there under the
// name of this one: the node has to pull it.
func (n builtNode) publish(t *testing.T) source {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	said := must.Get(process.Output(exec.CommandContext(t.Context(), filepath.Join(n.Dir(), publisher), "publish",
		"-directory", filepath.Join(n.Dir(), releaseDirectory), "-registry", host)))(t)
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(host) + `/varmenne/` + issuer + `:\S+@(sha256:\S+)$`)
	published := line.FindSubmatch(said)
	if published == nil {
		t.Fatalf("make publish says %q", said)
	}
	return source{
		chart:  []string{"oci://" + host + "/varmenne/charts/" + issuer, "--version=" + currentVersion(t), "--plain-http"},
		values: values{"image": values{"registry": host}},
		digest: string(published[1]),
	}
}
