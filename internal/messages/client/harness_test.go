package client_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
)

const (
	first  = "First-password-of-the-owner-4711"
	second = `Sälä-Qz7$<&"kissa>'+Mänty_0815%zu`
	token  = "eyJraWQiOiJ0ZXN0In0.AbCdEfGhIjKlMnOpQrStUvWxYz0123456789.sIgNaTuReSiGnAtUrE"
)

// service is a simulator behind real TLS whose clock stands still.
type service struct {
	url   string
	roots []*x509.Certificate
	admin *admin.Client
	clock *clocktesting.FakeClock
}

// authorities are those of all simulators: their keys take a while.
var authorities = sync.OnceValues(func() (*authority.Authorities, error) { return authority.Create(time.Now()) })

func start(t *testing.T) *service {
	t.Helper()
	known, err := authorities()
	if err != nil {
		t.Fatal(err)
	}
	options := simulator.DefaultOptions()
	clock := clocktesting.NewFakeClock(time.Now())
	options.Clock, options.Authorities = clock, known
	made, err := simulator.New(options)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := pki.ParseBundle(made.Bundle(authority.TLSBundle))
	if err != nil {
		t.Fatal(err)
	}
	control := httptest.NewServer(made.AdminHandler())
	t.Cleanup(control.Close)
	return &service{
		url: listen(t, made.Handler(), made.TLSConfig()), roots: bundle.Certificates, admin: admin.NewClient(control.URL),
		clock: clock,
	}
}

// listen serves a handler over TLS and returns its URL.
func listen(t *testing.T, handler http.Handler, config *tls.Config) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// account makes an account whose password is the first one.
func (s *service) account(t *testing.T, systemID string) {
	t.Helper()
	if _, err := s.admin.CreateMessagesAccount(t.Context(), admin.MessagesAccount{
		SystemID: systemID, Password: first, Events: 1,
	}); err != nil {
		t.Fatal(err)
	}
}

// client is one that may call loopback and waits for a quarter of a second, unless the change says otherwise.
func newClient(t *testing.T, url string, roots []*x509.Certificate, change func(*client.Options)) *client.Client {
	t.Helper()
	list, err := endpoints.Parse([]string{"127.0.0.1:*"})
	if err != nil {
		t.Fatal(err)
	}
	options := client.Options{URL: url, TLS: roots, Endpoints: endpoints.Rule{Allowed: list}, UserAgent: "test/1"}
	if change != nil {
		change(&options)
	}
	made, err := client.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

const serverCA = "Server CA"

// serverConfig is that of a TLS server for loopback.
func serverConfig(t *testing.T, modifiers ...pkitest.Modifier) *tls.Config {
	t.Helper()
	key := pkitest.Key("server")
	certificate := pkitest.Root(t, serverCA).Issue(t, key, "server", append([]pkitest.Modifier{loopback}, modifiers...)...)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}
}

func loopback(template *x509.Certificate) { template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }

// shared is one server for all services of the tests' own, each below a path: a key is slow to sign with.
var shared struct {
	start    sync.Once
	url      string
	last     atomic.Int64
	handlers sync.Map
}

// serve starts a service of the test's own, and returns a client of it.
func serve(t *testing.T, handler http.HandlerFunc, change func(*client.Options)) *client.Client {
	t.Helper()
	shared.start.Do(func() {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(writer http.ResponseWriter, incoming *http.Request) {
			// A server that answers before it has read resets the connection under its response.
			_, _ = io.Copy(io.Discard, incoming.Body)
			base, _, _ := strings.Cut(strings.TrimPrefix(incoming.URL.Path, "/"), "/")
			found, _ := shared.handlers.Load(base)
			found.(http.HandlerFunc)(writer, incoming)
		}))
		server.TLS = serverConfig(t)
		server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
		server.StartTLS()
		shared.url = server.URL
	})
	base := strconv.FormatInt(shared.last.Add(1), 10)
	shared.handlers.Store(base, handler)
	return newClient(t, shared.url+"/"+base, []*x509.Certificate{pkitest.Root(t, serverCA).Certificate}, change)
}

// say is a handler that gives one response; of a content type that is empty there is none.
func say(status int, contentType, body string) http.HandlerFunc {
	return func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header()["Content-Type"] = nil
		if contentType != "" {
			writer.Header().Set("Content-Type", contentType)
		}
		writer.WriteHeader(status)
		_, _ = io.WriteString(writer, body)
	}
}

// the calls, each with everything that it may know.
var calls = map[admin.MessagesOperation]func(t *testing.T, c *client.Client, systemID, token string) client.Result{
	admin.MessagesToken: func(t *testing.T, c *client.Client, systemID, _ string) client.Result {
		t.Helper()
		got := c.Token(t.Context(), systemID, password.New(first))
		if (got.Token.Reveal() != "") != (got.Outcome == client.Done) {
			t.Errorf("%s with or without a token", got.Outcome)
		}
		checkShown(t, got)
		return got.Result
	},
	admin.MessagesChange: func(t *testing.T, c *client.Client, _, token string) client.Result {
		t.Helper()
		return c.ChangePassword(t.Context(), client.NewToken(token), password.New(first), password.New(second))
	},
	admin.MessagesEvents: func(t *testing.T, c *client.Client, _, token string) client.Result {
		t.Helper()
		return c.Events(t.Context(), client.NewToken(token))
	},
}

// checkShown fails the test if a value shows a secret, or 15 characters of one, however it is printed.
func checkShown(t *testing.T, value any, secrets ...string) {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("message", "value", value)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", value, value, value), string(encoded), log.String()} {
		if hidden := found(text, append(secrets, first, second, token)...); hidden != "" {
			t.Errorf("%q is shown in %s", hidden, text)
		}
	}
}

// found is what a text has of secrets.
func found(text string, secrets ...string) string {
	text = bare(text)
	for _, secret := range secrets {
		characters := []rune(bare(secret))
		for begin := 0; begin+15 <= len(characters); begin++ {
			if part := string(characters[begin : begin+15]); strings.Contains(text, part) {
				return part
			}
		}
	}
	return ""
}

func bare(text string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && !unicode.IsSpace(r) && r != '\\' {
			return r
		}
		return -1
	}, text))
}
