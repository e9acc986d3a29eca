package https

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
)

// MaximumHeaderBytes bounds the HTTP headers of a response.
const MaximumHeaderBytes = 64 << 10

// ErrURL ends a sentence that begins with whose URL it is.
var ErrURL = errors.New("must be an absolute https URL")

// Options of an endpoint.
type Options struct {
	// URL of the service; https only.
	URL string
	// Roots verify the service's server certificate; none means the system's. Intermediates are anchors too: a server
	// that forgets to send its own is common, and a bundle names only what its owner trusts.
	Roots []*x509.Certificate
	// Rule says whether the URL may be called. The zero Rule refuses loopback and the like.
	Rule endpoints.Rule
	// ConnectTimeout bounds the connection (name resolution included), and the TLS handshake, each by itself;
	// ResponseTimeout the time from the request to the headers of its response. 0 leaves it to the context of the call.
	ConnectTimeout, ResponseTimeout time.Duration
}

// Endpoint is a service as it is called. It keeps no connections: one that the service is about to close could take a
// request with it, of which nobody knows then whether it was processed. It keeps TLS sessions, so that the next call's
// handshake needs no proof that was given before, to the same roots. It is safe for concurrent use.
type Endpoint struct {
	url      *url.URL
	roots    *x509.CertPool
	sessions tls.ClientSessionCache
	options  Options
}

// New makes an endpoint. Its only error is ErrURL.
func New(options Options) (*Endpoint, error) {
	parsed, err := url.Parse(options.URL)
	_, absolute := url.ParseRequestURI(options.URL) // as the API server's rule for a URL has it
	if errors.Join(err, absolute) != nil || !strings.HasPrefix(options.URL, "https://") || parsed.Hostname() == "" {
		return nil, ErrURL
	}
	made := &Endpoint{url: parsed, options: options, sessions: &sessions{}}
	if len(options.Roots) > 0 {
		made.roots = x509.NewCertPool()
		for _, certificate := range options.Roots {
			// AddCert would keep it as it was parsed, in several times the memory, while many wait for their handshakes.
			made.roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
		}
	}
	made.options.Roots = nil
	return made, nil
}

// URL is the address that was given.
func (e *Endpoint) URL() string { return e.url.String() }

// Below is the URL of what lies below the address that was given.
func (e *Endpoint) Below(path string) string { return e.url.JoinPath(path).String() }

// Host is the host and port of the endpoint, for errors: not longer than a host's name can be.
func (e *Endpoint) Host() string {
	return net.JoinHostPort(shortened(e.url.Hostname()), shortened(e.port()))
}

// port is that of the URL, or the one of https.
func (e *Endpoint) port() string {
	if port := e.url.Port(); port != "" {
		return port
	}
	return endpoints.DefaultPort
}

// longestHost is the length of the longest name of a host, in bytes.
const longestHost = 253

// shortened is what an error repeats of a host's name: whoever may create an issuer may write anything there.
func shortened(host string) string {
	if len(host) <= longestHost {
		return host
	}
	return strings.ToValidUTF8(host[:longestHost], "") + "…"
}

// Do sends a request to a URL of the endpoint and returns what came back, whatever its status; the caller closes its
// body. A request with a GetBody would be repeated on some failures, so it loses that.
func (e *Endpoint) Do(request *http.Request) (*http.Response, *ConnectionError) {
	if failure := e.Permitted(); failure != nil {
		return nil, failure
	}
	var connected, sent, answered atomic.Bool
	ctx, greeting := traceHello(request.Context())
	request = request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
		// It is told of what has left the request's own buffer at least; RoundTrip does not return before it was told.
		WroteRequest:         func(info httptrace.WroteRequestInfo) { sent.Store(info.Err == nil) },
		GotFirstResponseByte: func() { answered.Store(true) },
	}))
	// Without GetBody the transport cannot repeat the request, whatever happens to the connection.
	request.GetBody = nil
	// Not through an http.Client, which follows redirections and, even when told not to, reads where they lead.
	response, err := e.transport(e.sessions).RoundTrip(request)
	switch {
	case err != nil && connected.Load():
		failure := Interrupted(err, answered.Load())
		failure.Unsent = !sent.Load() && !answered.Load()
		return nil, failure
	case err != nil:
		return nil, connectFailure(err, greeting.Load())
	}
	return response, nil
}

// Handshake connects as a call would, proxy included, and hangs up before a request is written. The service has to
// prove itself anew.
func (e *Endpoint) Handshake(ctx context.Context) *ConnectionError {
	if failure := e.Permitted(); failure != nil {
		return failure
	}
	var connected atomic.Bool
	ctx, greeting := traceHello(ctx)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport calls this before it writes, and waits for it.
		GotConn: func(info httptrace.GotConnInfo) {
			connected.Store(true)
			_ = info.Conn.Close()
		},
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, e.url.String(), http.NoBody)
	if err != nil {
		return &ConnectionError{Kind: Unreachable, Unsent: true, Err: err}
	}
	response, err := e.transport(nil).RoundTrip(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if err != nil && !connected.Load() {
		return connectFailure(err, greeting.Load())
	}
	return nil
}

// bufferBytes is the size of the two buffers that a connection has, each of which serves one message. Longer ones go by
// them.
const bufferBytes = 2 << 10

// transport for one call, which may resume one of the sessions; nil for a whole handshake. It keeps no connections, so
// that Go's own retry on a stale one can never send twice.
func (e *Endpoint) transport(sessions tls.ClientSessionCache) *http.Transport {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            e.dial,
		OnProxyConnectResponse: checkProxy,
		// TLS 1.3 is what a handshake begins with; 1.2 is the least that it may end with.
		TLSClientConfig:        &tls.Config{RootCAs: e.roots, MinVersion: tls.VersionTLS12, ClientSessionCache: sessions},
		TLSHandshakeTimeout:    e.options.ConnectTimeout,
		ResponseHeaderTimeout:  e.options.ResponseTimeout,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: MaximumHeaderBytes,
		ReadBufferSize:         bufferBytes,
		WriteBufferSize:        bufferBytes,
	}
	e.secureProxy(transport)
	return transport
}

// checkProxy says who refused a connection: the status text alone, which the transport would give, reads as if the
// service had said it.
func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return &networkError{text: fmt.Sprintf("the proxy %s answered HTTP %d", shortened(proxy.Host), response.StatusCode)}
}
