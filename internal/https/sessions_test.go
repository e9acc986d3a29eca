package https_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/https"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestACallResumesTheSessionOfAnEarlierOne on a connection of its own, and a handshake proves everything anew.
func TestACallResumesTheSessionOfAnEarlierOne(t *testing.T) {
	var resumed []bool
	handshakes, connections := make(chan struct{}, 10), map[string]bool{}
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		resumed = append(resumed, request.TLS.DidResume)
		connections[request.RemoteAddr] = true
	}))
	service.TLS = &tls.Config{VerifyConnection: func(state tls.ConnectionState) error {
		if !state.DidResume {
			handshakes <- struct{}{}
		}
		return nil
	}}
	service.StartTLS()
	t.Cleanup(service.Close)
	options := https.Options{
		URL: service.URL, Roots: []*x509.Certificate{service.Certificate()}, Rule: endpoints.Rule{
			Allowed: must.Get(endpoints.Parse([]string{"127.0.0.1:*"}))(t), Bound: true,
		},
	}
	endpoint := must.Get(https.New(options))(t)
	call := func(endpoint *https.Endpoint) {
		t.Helper()
		request := must.Get(http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint.URL(), http.NoBody))(t)
		response, failure := endpoint.Do(request)
		if failure != nil {
			t.Fatal(failure)
		}
		must.Do(t, response.Body.Close())
	}
	call(endpoint)
	call(endpoint)
	call(endpoint)
	if len(connections) != 3 || resumed[0] || !resumed[1] || !resumed[2] || len(handshakes) != 1 {
		t.Errorf("three calls have had %d connections and %d handshakes, and have resumed: %t",
			len(connections), len(handshakes), resumed)
	}
	<-handshakes
	if failure := endpoint.Handshake(t.Context()); failure != nil {
		t.Fatal(failure)
	}
	select {
	case <-handshakes:
	case <-time.After(time.Minute):
		t.Error("a handshake has taken the word of an earlier one")
	}
	call(must.Get(https.New(options))(t))
	if len(handshakes) != 1 {
		t.Error("another endpoint, which may trust others, has resumed a session")
	}
}
