package https

import (
	"context"
	"net"
	"net/http"
	"syscall"
)

// Permitted refuses to call an endpoint by its URL: before a name is looked up, and before a proxy hears of it. Do and
// Handshake ask it themselves.
func (e *Endpoint) Permitted() *ConnectionError {
	if err := e.options.Rule.CheckHost(e.url.Hostname(), e.port()); err != nil {
		return forbidden(err)
	}
	return nil
}

// dial connects to the endpoint, or to the proxy. The rule is held against the address that is connected to, not one
// that was looked up before: a name may lead elsewhere the next time. A proxy is the administrator's and may be
// anywhere; what names lead to behind it is its to watch.
func (e *Endpoint) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: e.options.ConnectTimeout}
	// It is the transport's own question, with the same response: without a proxy, it connects to the endpoint alone.
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: e.url}); err != nil || proxy == nil {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if err := e.options.Rule.CheckAddress(address); err != nil {
				return forbidden(err)
			}
			return nil
		}
	}
	return dialer.DialContext(ctx, network, address)
}

func forbidden(rule error) *ConnectionError {
	return &ConnectionError{Kind: Forbidden, Unsent: true, Err: rule}
}
