package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	jsonType = "application/json"
	limit    = 64 << 10
)

// attack is a response, and what each call makes of it; a call without an outcome is not made.
type attack struct {
	handler               http.HandlerFunc
	token, change, events client.Outcome
	says                  string
}

func all(outcome client.Outcome, says string, handler http.HandlerFunc) attack {
	return attack{handler: handler, token: outcome, change: outcome, events: outcome, says: says}
}

// logIn is an attack on a log-in alone.
func logIn(says, body string) attack {
	return attack{handler: say(200, jsonType, body), token: client.Unknown, says: says}
}

// raw is a response below HTTP, on a connection that is closed after it.
func raw(text string) http.HandlerFunc {
	return func(writer http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(writer).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(connection, text)
		_ = connection.Close()
	}
}

// endless goes on until nobody reads any more, which has to be soon.
func endless(t *testing.T, status int, begin string) http.HandlerFunc {
	t.Helper()
	return func(writer http.ResponseWriter, incoming *http.Request) {
		say(status, jsonType, begin)(writer, incoming)
		filler := []byte(strings.Repeat(" ", 4096))
		for range 16 << 20 / len(filler) { // what buffers on the way may take, and more
			if _, err := writer.Write(filler); err != nil {
				return
			}
		}
		t.Error("the client reads on and on")
	}
}

// trickle sends a byte now and then until nobody waits any more.
func trickle(status int) http.HandlerFunc {
	return func(writer http.ResponseWriter, incoming *http.Request) {
		writer.WriteHeader(status)
		for ticker := time.NewTicker(50 * time.Millisecond); ; {
			select {
			case <-incoming.Context().Done():
				ticker.Stop()
				return
			case <-ticker.C:
				_, _ = writer.Write([]byte(" "))
				_ = http.NewResponseController(writer).Flush()
			}
		}
	}
}

func attacks(t *testing.T) map[string]attack {
	t.Helper()
	bomb := func(writer http.ResponseWriter, _ *http.Request) {
		writer.Header().Set("X-Bomb", strings.Repeat("x", 1<<20))
	}
	return map[string]attack{
		"an endless refusal": all(client.Unknown, "more than 65536 bytes", endless(t, 400, `{"reason":"x"}`)),
		"an endless token": {
			handler: endless(t, 200, `{"access_token":"x"}`), token: client.Unknown, says: "65536",
		},
		"a refusal that trickles": all(client.Unknown, "no response in time", trickle(400)),
		"a token that trickles":   {handler: trickle(200), token: client.Unknown, says: "no response in time"},
		"a megabyte of headers":   all(client.Unknown, "more than 65536 bytes of headers", bomb),
		"headers without an end": all(client.Unknown, "headers",
			raw("HTTP/1.1 200 OK\r\n"+strings.Repeat("A: b\r\n", 1<<15))),
		"not HTTP": all(client.Unknown, "not HTTP",
			raw("SSH-2.0-server "+first+token+"\r\n\r\n")),
		"a status with the secrets": all(client.Unknown, "not HTTP", raw("HTTP/1.1 "+first+" "+token+"\r\n\r\n")),
		"a refusal that is cut off": all(client.Unknown, "not complete",
			raw("HTTP/1.1 400 Bad\r\nContent-Length: 99\r\n\r\n{")),
		"a compressed body": {
			handler: say(200, jsonType, "\x1f\x8b\x08\x00\x00"), token: client.Unknown, says: "not the JSON",
		},
		"a web page of HTTP 200": all(client.Unknown, "a web page",
			say(200, "text/html; charset=utf-8", "<html>Log in</html>")),
		"HTTP 201": all(client.Unknown, "HTTP 201", say(201, jsonType, "{}")),
		"HTTP 204": all(client.Unknown, "HTTP 204", say(204, "", "")),
		"a refusal in HTML": all(client.Unknown, "without a word",
			say(400, "text/html", "<html>"+first+"</html>")),
		"a refusal without a body": all(client.Unknown, "without a word", say(400, "", "")),
		"a refusal that is a list": all(client.Unknown, "without a word", say(400, jsonType, `["reason"]`)),
		"a refusal that is null":   all(client.Unknown, "without a word", say(400, jsonType, "null")),
		"a refusal of no words": all(client.Refused, "HTTP 400",
			say(400, jsonType, `{"reason":{"a":1},"traceId":5,"b":[]}`)),
		"a refusal of deep nesting": all(client.Unknown, "without a word",
			say(400, jsonType, strings.Repeat("[", 20000))),
		"HTTP 401": all(client.NotAllowed, "HTTP 401",
			say(401, jsonType, `{"reason":"Unauthorized"}`)),
		"HTTP 404":                      all(client.NotAllowed, "HTTP 404", say(404, "", "")),
		"HTTP 409":                      all(client.Unknown, "HTTP 409", say(409, jsonType, "{}")),
		"HTTP 429":                      all(client.Unknown, "HTTP 429", say(429, jsonType, "{}")),
		"HTTP 999":                      all(client.Unknown, "HTTP 999", say(999, jsonType, "{}")),
		"no token":                      logIn("without a token", `{}`),
		"an empty token":                logIn("without a token", `{"access_token":""}`),
		"a token that is a number":      logIn("not the JSON", `{"access_token":5}`),
		"a token with a line break":     logIn("without a token", `{"access_token":"a\r\nX-Forged: b"}`),
		"a token with a blank":          logIn("without a token", `{"access_token":"a b"}`),
		"a token that fits nowhere":     logIn("without a token", `{"access_token":"`+strings.Repeat("x", 8193)+`"}`),
		"two tokens":                    logIn("not the JSON", `{"access_token":"a"}{"access_token":"b"}`),
		"a list of tokens":              logIn("not the JSON", `[{"access_token":"a"}]`),
		"a 200 that is not JSON at all": logIn("not the JSON", first+" "+token),
		"a change with any body":        {handler: say(200, "", "\x00"), change: client.Done, events: client.Done},
	}
}

func TestWhateverComesBackHasAnOutcomeAndShowsNothing(t *testing.T) {
	for claim, c := range attacks(t) {
		for operation, want := range map[admin.MessagesOperation]client.Outcome{
			admin.MessagesToken: c.token, admin.MessagesChange: c.change, admin.MessagesEvents: c.events,
		} {
			if want == "" {
				continue
			}
			t.Run(claim+", "+string(operation), func(t *testing.T) {
				t.Parallel()
				hasty := serve(t, c.handler, func(o *client.Options) {
					if strings.Contains(claim, "trickles") {
						o.Timeout = time.Second
					}
				})
				got := calls[operation](t, hasty, "esimerkki", token)
				checkShown(t, got)
				if got.Outcome != want || !strings.Contains(got.Detail, c.says) {
					t.Errorf("%+v, want %s %q", got, want, c.says)
				}
				if strings.Contains(claim, "trickles") {
					return // it takes its time
				}
				if again := calls[operation](t, hasty, "esimerkki", token); again.Detail != got.Detail {
					t.Errorf("the same failure reads %q and %q", got.Detail, again.Detail)
				}
			})
		}
	}
}

func TestARedirectionToAnotherHostIsNotFollowed(t *testing.T) {
	var reached atomic.Int32
	count := func(http.ResponseWriter, *http.Request) { reached.Add(1) }
	elsewhere := listen(t, http.HandlerFunc(count), serverConfig(t))
	for _, status := range []int{301, 302, 303, 307, 308} {
		c := serve(t, func(writer http.ResponseWriter, incoming *http.Request) {
			http.Redirect(writer, incoming, elsewhere+"/v1/token", status)
		}, nil)
		for operation, call := range calls {
			if got := call(t, c, "esimerkki", token); got.Outcome != client.Unknown || got.Status != status {
				t.Errorf("%s: %+v", operation, got)
			}
		}
	}
	if reached.Load() != 0 {
		t.Errorf("%d calls went elsewhere", reached.Load())
	}
}

func TestNothingIsSentWhereNoConnectionIsTrusted(t *testing.T) {
	var asked atomic.Int32
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	plain := httptest.NewServer(count)
	t.Cleanup(plain.Close)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	old := serverConfig(t)
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	stranger := pkitest.Root(t, first+" "+token).Issue(t, pkitest.Key("server"), "server", loopback)
	strange := serverConfig(t)
	strange.Certificates[0].Certificate = [][]byte{stranger.Raw}
	elsewhere := func(template *x509.Certificate) {
		template.IPAddresses = nil
		template.DNSNames = []string{"x.example"}
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // connections wait for somebody to accept them
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	for claim, c := range map[string]struct {
		url, says string
		change    func(*client.Options)
	}{
		"a server that says nothing": {
			url: "https://" + silent.Addr().String(), says: "no response in time in the TLS handshake",
			change: func(o *client.Options) { o.ConnectTimeout = 200 * time.Millisecond },
		},
		"plain HTTP behind https":    {url: strings.Replace(plain.URL, "http:", "https:", 1), says: "HTTP without TLS"},
		"nobody listens":             {url: "https://" + nobody.Addr().String(), says: "connection refused"},
		"a name that does not exist": {url: "https://messages.invalid", says: "the name messages.invalid"},
		"TLS 1.1":                    {url: listen(t, count, old), says: "protocol version"},
		"another authority, whose name the service has chosen": {url: listen(t, count, strange), says: "not shown"},
		"another host": {url: listen(t, count, serverConfig(t, elsewhere)), says: "does not verify"},
		"a name that leads to an address that is not allowed": {
			url:  strings.Replace(listen(t, count, serverConfig(t)), "127.0.0.1", "localhost", 1),
			says: "must not be called", change: func(o *client.Options) { o.Endpoints = endpoints.Rule{} },
		},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			made := newClient(t, c.url, []*x509.Certificate{pkitest.Root(t, serverCA).Certificate}, c.change)
			began := time.Now()
			for operation, call := range calls {
				got := call(t, made, "esimerkki", token)
				checkShown(t, got)
				if time.Since(began) > client.DefaultTimeout/2 || got.Outcome != client.NotSent ||
					got.Outcome.MayHaveBeenActedOn() || !strings.Contains(got.Detail, c.says) {
					t.Errorf("%s: %+v, want %q", operation, got, c.says)
				}
			}
		})
	}
	if asked.Load() != 0 {
		t.Errorf("%d calls were sent", asked.Load())
	}
}

func TestTheNewestTLSIsTriedFirstAndTheOldestIs12(t *testing.T) {
	for most, want := range map[uint16]uint16{0: tls.VersionTLS13, tls.VersionTLS12: tls.VersionTLS12} {
		config, negotiated := serverConfig(t), uint16(0)
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, most
		url := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, incoming *http.Request) {
			negotiated = incoming.TLS.Version
		}), config)
		c := newClient(t, url, []*x509.Certificate{pkitest.Root(t, serverCA).Certificate}, nil)
		if got := c.Events(t.Context(), client.NewToken(token)); got.Outcome != client.Done || negotiated != want {
			t.Errorf("%+v by %s, want %s", got, tls.VersionName(negotiated), tls.VersionName(want))
		}
	}
}
