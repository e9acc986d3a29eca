package app

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// deadProxy is an address where nobody listens.
const deadProxy = "http://127.0.0.1:1"

// inPod runs a test again in a process whose environment names a dead proxy for everything: net/http reads it only once
// in a process.
func inPod(t *testing.T) (inside bool) {
	t.Helper()
	const mark = "VARMENNE_TEST_IN_POD"
	if os.Getenv(mark) != "" {
		return true
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), mark+"=yes",
		"HTTPS_PROXY="+deadProxy, "https_proxy="+deadProxy, "NO_PROXY=", "no_proxy=")
	output, err := command.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: "+t.Name()) {
		t.Errorf("%v: %s", err, output)
	}
	return false
}

// apiServer answers over TLS. Its address is this machine's, and not one of those that Go never calls through a proxy.
func apiServer(t *testing.T) *rest.Config {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return &rest.Config{
		Host:            strings.Replace(server.URL, "127.0.0.1", "0.0.0.0", 1),
		TLSClientConfig: rest.TLSClientConfig{CAData: authority, ServerName: "example.com"},
	}
}

func call(t *testing.T, connection *rest.Config) error {
	t.Helper()
	client := must.Get(rest.HTTPClientFor(connection))(t)
	request := must.Get(http.NewRequestWithContext(t.Context(), http.MethodGet, connection.Host, http.NoBody))(t)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func TestAPodReachesItsAPIServerWhateverProxyTheEnvironmentNames(t *testing.T) {
	if !inPod(t) {
		return
	}
	server := apiServer(t)
	if err := call(t, server); err == nil || !strings.Contains(err.Error(), "proxyconnect") {
		t.Fatalf("without our doing, the proxy is not asked: %v", err)
	}
	connection := must.Get(restConfig("", func() (*rest.Config, error) { return server, nil }))(t)
	must.Do(t, call(t, connection))
}

func TestAKubeconfigsOwnProxyIsUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c,
clusters: [{name: c, cluster: {server: "https://api.example", proxy-url: %q}}],
users: [{name: u}], contexts: [{name: c, context: {cluster: c, user: u}}]}`, deadProxy)
	must.Do(t, os.WriteFile(file, []byte(content), 0o600))
	connection := must.Get(restConfig(file, rest.InClusterConfig))(t)
	must.Say(t, call(t, connection), "proxyconnect")
}

func TestOutsideOfAPodAKubeconfigIsAskedFor(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	_, err := restConfig("", rest.InClusterConfig)
	must.Say(t, err, "--kubeconfig")
}
