package client_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
)

// The environment's proxies are read once per process, and not used for loopback. So these tests call a name that only
// the proxy knows, from a process of their own.

// childCommand makes the test binary such a process: it is followed by a URL and a directory with two bundles.
const childCommand = "call-the-service"

const hiddenHost = "service.invalid"

// child probes and calls the service, and writes both errors.
func child(output io.Writer, url, directory string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := childClient(url, directory)
	if err != nil {
		_, _ = fmt.Fprintln(output, err)
		return
	}
	_, _ = fmt.Fprintln(output, "probe:", client.Probe(ctx))
	_, err = client.Get(ctx, get("unknown"))
	_, _ = fmt.Fprintln(output, "call:", err)
}

func childClient(url, directory string) (*veroclient.Client, error) {
	bundles := map[authority.Bundle][]*x509.Certificate{}
	for _, name := range []authority.Bundle{authority.TLSBundle, authority.ResponsesBundle} {
		content, err := os.ReadFile(filepath.Join(directory, string(name)))
		if err != nil {
			return nil, err
		}
		bundle, err := pki.ParseBundle(content)
		if err != nil {
			return nil, err
		}
		bundles[name] = bundle.Certificates
	}
	trust, err := pki.NewTrust(bundles[authority.ResponsesBundle])
	if err != nil {
		return nil, err
	}
	return veroclient.New(veroclient.Options{URL: url, TLS: bundles[authority.TLSBundle], Responses: trust})
}

// proxy is an HTTP proxy for CONNECT that takes every name for one address.
type proxy struct {
	address string
	status  int

	mutex sync.Mutex
	asked []string
}

func startProxy(t *testing.T, target string, status int) *proxy {
	t.Helper()
	made := &proxy{status: status}
	made.address = rawServer(t, func(connection net.Conn) { made.serve(t.Context(), connection, target) })
	return made
}

// startSecureProxy is startProxy behind TLS.
func startSecureProxy(t *testing.T, target string, config *tls.Config) *proxy {
	t.Helper()
	made := &proxy{status: http.StatusOK}
	made.address = rawServer(t, func(connection net.Conn) {
		made.serve(t.Context(), tls.Server(connection, config), target)
	})
	return made
}

// TestAProxyOverTLSIsVerifiedByTheSystemsAuthorities: SSL_CERT_FILE is how the chart brings caBundle in.
func TestAProxyOverTLSIsVerifiedByTheSystemsAuthorities(t *testing.T) {
	s := start(t, func(options *simulator.Options) { options.TLSNames = []string{hiddenHost} })
	target := strings.TrimSuffix(strings.TrimPrefix(s.url, "https://"), protocol.Path)
	system := filepath.Join(t.TempDir(), "ca.crt")
	must.Do(t, os.WriteFile(system, pkitest.PEM(pkitest.Root(t, serverCA).Certificate), 0o600))
	secure := startSecureProxy(t, target, serverConfig(t, loopback))
	ours := startSecureProxy(t, target, s.simulator.TLSConfig())
	for claim, test := range map[string]struct {
		proxy *proxy
		call  string
	}{
		"of the system's authorities": {secure, "call: the certificate service answered PKI099 ("},
		"only of the service's authorities": {
			ours, "call: cannot connect to " + hiddenHost + ":443: the proxy cannot be reached: x509",
		},
	} {
		t.Run(claim, func(t *testing.T) {
			got := s.callFromChild(t, hiddenHost, "HTTPS_PROXY=https://"+test.proxy.address, "SSL_CERT_FILE="+system)
			if len(got) != 2 || !strings.HasPrefix(got[1], test.call) {
				t.Errorf("%q, want %q", got, test.call)
			}
		})
	}
}

func (p *proxy) serve(ctx context.Context, connection net.Conn, target string) {
	reader := bufio.NewReader(connection)
	request, err := http.ReadRequest(reader)
	if err != nil {
		return
	}
	p.mutex.Lock()
	p.asked = append(p.asked, request.Method+" "+request.Host)
	p.mutex.Unlock()
	_, _ = fmt.Fprintf(connection, "HTTP/1.1 %d Something\r\n\r\n", p.status)
	if p.status != http.StatusOK {
		return
	}
	behind, err := new(net.Dialer).DialContext(ctx, "tcp", target)
	if err != nil {
		return
	}
	defer behind.Close()
	go func() {
		_, _ = io.Copy(behind, reader)
		_ = behind.Close()
	}()
	_, _ = io.Copy(connection, behind)
}

// callFromChild lets a process with that environment probe and call the service at a host, and returns what it writes.
func (s *service) callFromChild(t *testing.T, host string, environment ...string) []string {
	t.Helper()
	directory := t.TempDir()
	for _, name := range []authority.Bundle{authority.TLSBundle, authority.ResponsesBundle} {
		must.Do(t, os.WriteFile(filepath.Join(directory, string(name)), s.simulator.Bundle(name), 0o600))
	}
	command := exec.CommandContext(t.Context(), os.Args[0], childCommand, "https://"+host+protocol.Path, directory)
	command.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(variable), "=")
		return strings.HasSuffix(name, "_PROXY")
	}), append(environment, "GORACE=atexit_sleep_ms=0")...)
	return lines(must.Get(command.Output())(t))
}

func TestTheProxyOfTheEnvironmentIsUsed(t *testing.T) {
	s := start(t, func(options *simulator.Options) { options.TLSNames = []string{hiddenHost} })
	target := strings.TrimSuffix(strings.TrimPrefix(s.url, "https://"), protocol.Path)
	open, closed := startProxy(t, target, http.StatusOK), startProxy(t, target, http.StatusForbidden)
	untrusted := strings.TrimSuffix(tlsServer(t, nil, loopback), "/")
	const failure = "cannot connect to " + hiddenHost + ":443: "
	for claim, test := range map[string]struct {
		environment []string
		probe, call string // how the errors begin; call is as probe when it is empty
	}{
		"a proxy that lets through": {
			environment: []string{"HTTPS_PROXY=http://" + open.address},
			probe:       "<nil>", call: "the certificate service answered PKI099 (",
		},
		"one that refuses": {
			environment: []string{"HTTPS_PROXY=http://user:password@" + closed.address},
			probe:       failure + "the proxy " + closed.address + " answered HTTP 403",
		},
		"one that is not there": {
			environment: []string{"https_proxy=http://" + unused(t)},
			probe:       failure + "the proxy cannot be reached: connection refused",
		},
		"one with an untrusted certificate": {
			environment: []string{"HTTPS_PROXY=" + untrusted},
			probe:       failure + "the proxy cannot be reached: x509: certificate signed by unknown authority",
		},
		"a proxy for other hosts": {
			environment: []string{"HTTPS_PROXY=http://" + open.address, "NO_PROXY=.invalid"},
			probe:       failure + "the name " + hiddenHost,
		},
		"none": {probe: failure + "the name " + hiddenHost},
	} {
		t.Run(claim, func(t *testing.T) {
			got := s.callFromChild(t, hiddenHost, test.environment...)
			if test.call == "" {
				test.call = test.probe
			}
			if len(got) != 2 || !strings.HasPrefix(got[0], "probe: "+test.probe) ||
				!strings.HasPrefix(got[1], "call: "+test.call) {
				t.Errorf("%q\nwant %q and %q", got, test.probe, test.call)
			}
		})
	}
	asked := "CONNECT " + hiddenHost + ":443"
	for _, proxy := range []*proxy{open, closed} {
		if !slices.Equal(proxy.asked, []string{asked, asked}) {
			t.Errorf("a proxy was asked %q", proxy.asked)
		}
	}
	if requests := s.requests(t); len(requests) != 1 {
		t.Errorf("%d requests arrived: %+v", len(requests), requests)
	}
}
