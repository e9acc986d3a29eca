package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// rawServer accepts connections and leaves them to a handler, which need not close them. It returns its address.
func rawServer(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	listener := must.Get(net.Listen("tcp", "127.0.0.1:0"))(t)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				handle(connection)
			}()
		}
	}()
	return listener.Addr().String()
}

// unused is an address at which nobody listens.
func unused(t testing.TB) string {
	t.Helper()
	listener := must.Get(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer listener.Close()
	return listener.Addr().String()
}

// place is an endpoint that a connection to fails.
type place struct {
	url     string
	roots   []*x509.Certificate
	timeout time.Duration
	// untrusted says which of the two errors it is, words what it says.
	untrusted bool
	words     []string
}

func tlsServer(t testing.TB, change func(*tls.Config), modifiers ...pkitest.Modifier) string {
	t.Helper()
	config := serverConfig(t, modifiers...)
	if change != nil {
		change(config)
	}
	return listen(t, http.NotFoundHandler(), config).URL
}

func places(t *testing.T) map[string]place {
	t.Helper()
	roots := []*x509.Certificate{pkitest.Root(t, serverCA).Certificate}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	year := func(year int) time.Time { return time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC) }
	return map[string]place{
		"a port where nobody listens": {url: "https://" + unused(t), words: []string{"127.0.0.1:", "connection refused"}},
		"a name that does not exist": {
			url: "https://service.invalid/path", words: []string{"service.invalid:443", "the name service.invalid "},
		},
		"a server without TLS": {
			url: strings.Replace(plain.URL, "http:", "https:", 1), words: []string{"speaks HTTP without TLS"},
		},
		"another protocol": {
			url: "https://" + rawServer(t, func(connection net.Conn) {
				_, _ = connection.Write([]byte("SSH-2.0-server\r\n"))
				_, _ = io.Copy(io.Discard, connection)
			}),
			words: []string{"does not speak TLS"},
		},
		"a server that hangs up": {
			url:   "https://" + rawServer(t, func(net.Conn) {}),
			words: []string{"the other side closed it in the TLS", "tlsmlkem=0"},
		},
		"a server that says nothing": {
			url:     "https://" + rawServer(t, func(connection net.Conn) { _, _ = io.Copy(io.Discard, connection) }),
			timeout: 200 * time.Millisecond, words: []string{"no response in time in the TLS", "tlsmlkem=0"},
		},
		"a server of old versions of TLS": {
			url: tlsServer(t, func(config *tls.Config) {
				config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
			}, loopback),
			roots: roots, words: []string{"protocol version"},
		},
		"a server that wants a client certificate": {
			url: tlsServer(t, func(config *tls.Config) {
				config.ClientAuth, config.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
			}, loopback),
			roots: roots, words: []string{"tls: "},
		},
		"a CA that is not trusted": {
			url: tlsServer(t, nil, loopback), roots: []*x509.Certificate{pkitest.Root(t, "Another CA").Certificate},
			untrusted: true, words: []string{"unknown authority", serverCA},
		},
		"a CA that the system does not know": {
			url: tlsServer(t, nil, loopback), untrusted: true, words: []string{"unknown authority", serverCA},
		},
		"an expired certificate": {
			url: tlsServer(t, nil, loopback, pkitest.Dates(year(2020), year(2021))), roots: roots,
			untrusted: true, words: []string{"expired or is not yet valid", "now is after 2021-01-01T00:00:00Z"},
		},
		"a certificate of the future": {
			url: tlsServer(t, nil, loopback, pkitest.Dates(year(2059), year(2060))), roots: roots,
			untrusted: true, words: []string{"now is before 2059-01-01T00:00:00Z"},
		},
		"an expired CA": {
			url: tlsServer(t, nil, loopback), untrusted: true,
			words: []string{"now is after 2021", "about its authority", serverCA},
			roots: []*x509.Certificate{pkitest.Root(t, serverCA, pkitest.Dates(year(2020), year(2021))).Certificate},
		},
		"a certificate of another host": {
			url:   tlsServer(t, nil, func(template *x509.Certificate) { template.DNSNames = []string{"other.example"} }),
			roots: roots, untrusted: true, words: []string{"127.0.0.1"},
		},
	}
}

func TestACallThatDoesNotConnectSendsNothingAndSaysWhy(t *testing.T) {
	for claim, place := range places(t) {
		t.Run(claim, func(t *testing.T) {
			client := newClient(t, veroclient.Options{URL: place.url, TLS: place.roots, Timeout: place.timeout})
			probed := client.Probe(t.Context())
			_, called := client.Get(t.Context(), get("unknown"))
			if place.untrusted {
				want[*protocol.UntrustedServerError](t, probed, false)
			} else {
				want[*protocol.UnreachableError](t, probed, false)
			}
			same(t, probed, called)
			same(t, probed, client.Probe(t.Context()))
			must.Say(t, probed, place.words...)
		})
	}
}

func TestTheCauseOfAConnectionErrorCanBeAskedFor(t *testing.T) {
	client := newClient(t, veroclient.Options{URL: tlsServer(t, nil, loopback)})
	var unknown x509.UnknownAuthorityError
	if err := client.Probe(t.Context()); !errors.As(err, &unknown) {
		t.Errorf("error %#v", err)
	}
	client = newClient(t, veroclient.Options{URL: "https://service.invalid"})
	var lookup *net.DNSError
	if err := client.Probe(t.Context()); !errors.As(err, &lookup) {
		t.Errorf("error %#v", err)
	}
}

func TestAnIntermediateInTheBundleIsAnAnchor(t *testing.T) {
	intermediate := pkitest.Root(t, serverCA).Intermediate(t, "Server Issuing CA")
	key := pkitest.Key("server")
	config := serverConfig(t)
	config.Certificates[0].Certificate = [][]byte{intermediate.Issue(t, key, "server", loopback).Raw}
	url := listen(t, http.NotFoundHandler(), config).URL
	for claim, roots := range map[string][]*x509.Certificate{
		"alone":    {intermediate.Certificate},
		"and root": {pkitest.Root(t, serverCA).Certificate, intermediate.Certificate},
	} {
		if err := newClient(t, veroclient.Options{URL: url, TLS: roots}).Probe(t.Context()); err != nil {
			t.Errorf("%s: %v", claim, err)
		}
	}
}

func TestACallerCanCallOff(t *testing.T) {
	reached := make(chan struct{}, 1)
	f := serve(t, func(_ *fixture, _ http.ResponseWriter, incoming *http.Request) {
		reached <- struct{}{}
		<-incoming.Context().Done()
	})
	client := f.client(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		cancel()
	}()
	_, err := client.Get(ctx, get("unknown"))
	if find[*protocol.InterruptedError](t, err, true).Timeout || !errors.Is(err, context.Canceled) {
		t.Errorf("error %#v", err)
	}
	_, err = client.Get(ctx, get("unknown"))
	want[*protocol.UnreachableError](t, err, false)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %#v", err)
	}
	want[*protocol.UnreachableError](t, client.Probe(ctx), false)
}

func TestAnEmptyResponseToACallThatWasCalledOffIsNoResponse(t *testing.T) {
	f := serve(t, func(*fixture, http.ResponseWriter, *http.Request) {}) // an empty HTTP 200
	client := f.client(t, 0)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		// Whether the transport sees the end of the context or the response first is left to the scheduler.
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: cancel})
		_, err := client.Get(traced, get("unknown"))
		if find[*protocol.InterruptedError](t, err, true).Timeout || !errors.Is(err, context.Canceled) {
			t.Fatalf("error %#v", err)
		}
	}
}

func TestTheCallersDeadlineCountsWhenItIsTheEarlier(t *testing.T) {
	f := serve(t, func(_ *fixture, _ http.ResponseWriter, incoming *http.Request) { <-incoming.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	_, err := f.client(t, time.Hour).Get(ctx, get("unknown"))
	timedOut(t, err, "")
}

// A server that hangs up in the face of a client must not make it try again.
func TestARequestIsMadeOnOneConnectionOnly(t *testing.T) {
	config := serverConfig(t, loopback)
	for claim, reads := range map[string]int{
		"hung up after the handshake":  0,
		"hung up after the first byte": 1,
		"hung up after the request":    64 << 10,
	} {
		t.Run(claim, func(t *testing.T) {
			var connections atomic.Int32
			address := rawServer(t, func(connection net.Conn) {
				connections.Add(1)
				secured := tls.Server(connection, config)
				if err := secured.HandshakeContext(t.Context()); err != nil {
					return
				}
				if reads > 0 {
					_, _ = secured.Read(make([]byte, reads))
				}
				_ = secured.Close()
			})
			client := newClient(t, veroclient.Options{
				URL: "https://" + address, TLS: []*x509.Certificate{pkitest.Root(t, serverCA).Certificate},
			})
			_, first := client.SignNew(t.Context(), signNew(t, "s3cret"))
			_, again := client.SignNew(t.Context(), signNew(t, "s3cret"))
			if reads > 0 {
				want[*protocol.InterruptedError](t, first, true)
				same(t, first, again)
			} else { // who is faster decides whether the request had left: each call tells which it was
				for _, err := range []error{first, again} {
					interrupted, isInterrupted := errors.AsType[*protocol.InterruptedError](err)
					if !isInterrupted || interrupted.MayHaveBeenProcessed() == interrupted.Unsent {
						t.Errorf("the error is %v", err)
					}
				}
			}
			if got := connections.Load(); got != 2 {
				t.Errorf("%d connections for two calls", got)
			}
		})
	}
}

func TestAProbeCompletesTheHandshakeAndSendsNothing(t *testing.T) {
	const probes = 50
	type seen struct {
		handshake, ending error
		bytes             int
	}
	config := serverConfig(t, loopback)
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			config := config.Clone()
			config.MinVersion, config.MaxVersion = version, version
			found := make(chan seen, probes)
			address := rawServer(t, func(connection net.Conn) {
				secured := tls.Server(connection, config)
				handshake := secured.HandshakeContext(t.Context())
				content, ending := io.ReadAll(secured)
				found <- seen{handshake, ending, len(content)}
			})
			client := newClient(t, veroclient.Options{
				URL: "https://" + address, TLS: []*x509.Certificate{pkitest.Root(t, serverCA).Certificate},
			})
			for range probes {
				must.Do(t, client.Probe(t.Context()))
				if got := <-found; got != (seen{}) {
					t.Fatalf("the server saw %+v", got)
				}
			}
		})
	}
}

func TestAProbeLeavesNoTraceInTheRequestLog(t *testing.T) {
	s := start(t, nil)
	for range 10 {
		must.Do(t, s.client(t, nil).Probe(t.Context()))
	}
	// Requests are logged in order: what the probes had sent would stand before this one.
	if _, err := s.client(t, nil).Get(t.Context(), get("unknown")); err == nil {
		t.Error("an unknown RetrievalId is known")
	}
	if requests := s.requests(t); len(requests) != 1 {
		t.Errorf("%d requests: %+v", len(requests), requests)
	}
}
