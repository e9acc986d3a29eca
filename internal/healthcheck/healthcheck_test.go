package healthcheck_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/healthcheck"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestItWaitsUntilTheURLAnswers(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{
		"over HTTP": httptest.NewServer, "over TLS of an unknown authority": httptest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			server := start(http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) == 1 {
					writer.WriteHeader(http.StatusServiceUnavailable)
				}
			}))
			defer server.Close()
			must.Do(t, healthcheck.Check(t.Context(), healthcheck.Options{URL: server.URL, Timeout: time.Minute}))
			if asked.Load() != 2 {
				t.Errorf("asked %d times", asked.Load())
			}
		})
	}
}

func TestWhatIsNotReadyIsToldWithItsReason(t *testing.T) {
	// Enough for a response on a busy machine, and it ends between two requests.
	const brief = 3500 * time.Millisecond
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for url, want := range map[string]string{
		server.URL:     "HTTP 404",
		closed.URL:     "refused",
		"readyz":       "begins with http",
		"ftp://host/x": "begins with http",
		"":             "begins with http",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			err := healthcheck.Check(t.Context(), healthcheck.Options{URL: url, Timeout: brief})
			must.Say(t, err, want)
		})
	}
}

func TestACheckCanBeCalledOff(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := healthcheck.Check(ctx, healthcheck.Options{URL: "http://127.0.0.1:1", Timeout: time.Hour}); err == nil {
		t.Error("a check that was called off succeeded")
	}
}
