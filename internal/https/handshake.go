package https

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"
)

// traceHello lets a call tell whether the TLS handshake with the service has begun and is not complete.
func traceHello(ctx context.Context) (context.Context, *atomic.Bool) {
	greeting := &atomic.Bool{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeStart: func() { greeting.Store(true) },
		// A call that runs out of time does not wait for it.
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) { greeting.Store(err != nil) },
	}), greeting
}

// endedSilently reports whether a handshake has ended without a word of the other side that says why.
func endedSilently(err error) bool {
	timeout, isNet := errors.AsType[net.Error](err)
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, context.DeadlineExceeded) ||
		isNet && timeout.Timeout()
}

// helloHint follows the cause of a handshake that has ended in silence. Old middleboxes drop a ClientHello that does
// not fit into one packet, which the key share of a post-quantum key exchange makes of it.
const helloHint = " in the TLS handshake; a middlebox on the way may drop its first message, which " +
	"GODEBUG=tlsmlkem=0 makes smaller"

// secureProxy verifies a proxy that is spoken to over TLS by the system's authorities, which the chart adds caBundle
// to: those of the service say nothing of it, and it needs no place among them.
func (e *Endpoint) secureProxy(transport *http.Transport) {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: e.url})
	if err != nil || proxy == nil || proxy.Scheme != "https" {
		return
	}
	transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dial := transport.DialContext
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		connection, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secured := tls.Client(connection, &tls.Config{ServerName: proxy.Hostname(), MinVersion: tls.VersionTLS12})
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = connection.Close()
			return nil, err
		}
		return secured, nil
	}
}
