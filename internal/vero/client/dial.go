package client

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// permitted refuses to call an endpoint by its URL, with a *protocol.ForbiddenEndpointError: before a name is looked
// up, and before a proxy hears of it.
func (c *Client) permitted() error {
	return c.forbidden(c.endpoints.CheckHost(c.endpoint.Hostname(), portOf(c.endpoint)))
}

// dial connects to the endpoint, or to the proxy. The rule is held against the address that is connected to, not one
// that was looked up before: a name may lead elsewhere the next time. A proxy is the administrator's and may be
// anywhere; what names lead to behind it is its to watch.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{}
	// It is the transport's own question, with the same response: without a proxy, it connects to the endpoint alone.
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: c.endpoint}); err != nil || proxy == nil {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			return c.forbidden(c.endpoints.CheckAddress(address))
		}
	}
	return dialer.DialContext(ctx, network, address)
}

func (c *Client) forbidden(err error) error {
	if err == nil {
		return nil
	}
	return &protocol.ForbiddenEndpointError{Host: c.host, Err: err}
}

// portOf is the port of an endpoint.
func portOf(endpoint *url.URL) string {
	if port := endpoint.Port(); port != "" {
		return port
	}
	return endpoints.DefaultPort
}
