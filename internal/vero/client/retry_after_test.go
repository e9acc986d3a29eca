package client_test

import (
	"net/http"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// How the header is written is for package https to test.
func TestRetryAfterIsReadWhereTheStandardHasIt(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for claim, test := range map[string]struct {
		status int
		value  string
		want   time.Duration
	}{
		"seconds":        {429, "120", 2 * time.Minute},
		"of 503":         {503, "7", 7 * time.Second},
		"a date":         {429, now.Add(time.Hour).Format(http.TimeFormat), time.Hour},
		"another status": {502, "120", 0},
	} {
		t.Run(claim, func(t *testing.T) {
			f := serve(t, func(_ *fixture, writer http.ResponseWriter, _ *http.Request) {
				writer.Header().Set("Retry-After", test.value)
				writer.WriteHeader(test.status)
			})
			client := newClient(t, veroclient.Options{
				URL: f.url, TLS: f.roots, Responses: f.trust, Clock: clocktesting.NewFakePassiveClock(now),
			})
			_, err := client.SignNew(t.Context(), signNew(t, "s3cret"))
			if got := find[*protocol.HTTPError](t, err, true).RetryAfter; got != test.want {
				t.Errorf("%s is read as %s, want %s", test.value, got, test.want)
			}
		})
	}
}

// Users rehearse with the simulator what a gateway asks for.
func TestTheSimulatorAsksToBeLeftAloneInWholeSeconds(t *testing.T) {
	s := start(t, nil)
	s.script(t, admin.Fault{
		Kind: admin.HTTPStatus, Status: http.StatusTooManyRequests, RetryAfter: admin.Duration(119_001 * time.Millisecond),
	})
	_, err := s.client(t, nil).SignNew(t.Context(), s.signNew(t))
	if got := find[*protocol.HTTPError](t, err, true).RetryAfter; got != 2*time.Minute {
		t.Errorf("it asks for %s", got)
	}
}
