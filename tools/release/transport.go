package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// responseTimeout is how long a registry may take to answer what has been sent.
const responseTimeout = 2 * time.Minute

// cautious is how a registry is spoken to. The library tries plain HTTP with private addresses where HTTPS fails or is
// slow. Whoever is on the way could have the password like that.
type cautious struct{ inner http.RoundTripper }

func newCautious() cautious { return cautious{within(responseTimeout)} }

// within is how the library speaks to registries, with a bound.
func within(timeout time.Duration) http.RoundTripper {
	transport, is := remote.DefaultTransport.(*http.Transport)
	if !is {
		return remote.DefaultTransport
	}
	transport = transport.Clone()
	transport.ResponseHeaderTimeout = timeout
	return transport
}

// RoundTrip implements http.RoundTripper. Credentials are in a header, or in a form for what exchanges them for tokens.
func (c cautious) RoundTrip(request *http.Request) (*http.Response, error) {
	credentials := request.Header.Get("Authorization") != "" ||
		request.Header.Get("Content-Type") == "application/x-www-form-urlencoded"
	if request.URL.Scheme != "https" && credentials && !isLoopback(request.URL.Hostname()) {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, fmt.Errorf("%s answers without TLS, and would be sent the credentials readable for anybody on the way; "+
			"have it answer with TLS", request.URL.Host)
	}
	return c.inner.RoundTrip(request)
}

func isLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}
