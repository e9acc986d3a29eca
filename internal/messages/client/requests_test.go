package client_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/messages/client"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

func TestAValueThatJSONWouldChangeIsNotSent(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") }, nil)
	bad, good := password.New("First-password-\xff-of-the-owner-4711"), password.New(first)
	known := client.NewToken(token)
	for claim, got := range map[string]client.Result{
		"not UTF-8":       c.Token(t.Context(), "esimerkki", bad).Result,
		"no password":     c.Token(t.Context(), "esimerkki", password.Password{}).Result,
		"no username":     c.Token(t.Context(), "", good).Result,
		"no new password": c.ChangePassword(t.Context(), known, good, password.Password{}),
		"no token":        c.Events(t.Context(), client.Token{}),
		"a forged header": c.Events(t.Context(), client.NewToken("a\r\nX-Forged: b")),
	} {
		if got.Outcome != client.NotSent || got.Detail == "" {
			t.Errorf("%s: %+v", claim, got)
		}
	}
}

func TestTheRequestsAreThoseOfTheDescription(t *testing.T) {
	var seen []string
	url := listen(t, http.HandlerFunc(func(_ http.ResponseWriter, incoming *http.Request) {
		body, _ := io.ReadAll(incoming.Body)
		seen = append(seen, fmt.Sprintf("%s %s %q %q %q %d %s", incoming.Method, incoming.RequestURI,
			incoming.Header.Get("Authorization"), incoming.Header.Get("Content-Type"), incoming.UserAgent(),
			incoming.ContentLength, body))
	}), serverConfig(t))
	c := newClient(t, url+"/base/", []*x509.Certificate{pkitest.Root(t, serverCA).Certificate}, nil)
	c.Token(t.Context(), "esimerkki", password.New(`a"<&>b`))
	c.ChangePassword(t.Context(), client.NewToken("x"), password.New(`ä`), password.New(`new`))
	c.Events(t.Context(), client.NewToken("x"))
	want := []string{
		`POST /base/v1/token "" "application/json" "test/1" 45 {"username":"esimerkki","password":"a\"<&>b"}`,
		`POST /base/v1/change-password "" "application/json" "test/1" 62 ` +
			`{"accessToken":"x","currentPassword":"ä","newPassword":"new"}`,
		`GET /base/v2/events "Bearer x" "" "test/1" 0 `,
	}
	for i := range want {
		if i >= len(seen) || seen[i] != want[i] {
			t.Errorf("sent\n%s\nwant\n%s", strings.Join(seen, "\n"), want[i])
		}
	}
}

func TestATokenIsReadWithItsLifetimeIfThatIsOne(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for expires, want := range map[string]time.Duration{
		`"expires_in":3600,`: time.Hour, ``: 0, `"expires_in":null,`: 0, `"expires_in":"3600",`: 0, `"expires_in":-1,`: 0,
		`"expires_in":9223372036854775807,`: 0, `"expires_in":1e400,`: 0, `"expires_in":{},`: 0,
		`"expires_in":31536000,`: 365 * 24 * time.Hour,
	} {
		c := serve(t, say(200, "", `{`+expires+`"new":[{}],"access_token":"`+token+`","token_type":"Bearer"}`),
			func(o *client.Options) { o.Clock = clocktesting.NewFakePassiveClock(now) })
		got := c.Token(t.Context(), "esimerkki", password.New(first))
		if got.Outcome != client.Done || got.Token.Reveal() != token {
			t.Fatalf("%s: %+v", expires, got)
		}
		if end := got.ExpiresAt; want == 0 && !end.IsZero() || want != 0 && !end.Equal(now.Add(want)) {
			t.Errorf("%s ends at %s", expires, end)
		}
	}
}

func TestRetryAfterIsObeyedWithEveryStatus(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"120": 2 * time.Minute, now.Add(time.Hour).Format(http.TimeFormat): time.Hour, "4000000000": 24 * time.Hour,
		now.Add(999 * time.Hour).Format(http.TimeFormat): 24 * time.Hour, now.Add(-time.Hour).Format(http.TimeFormat): 0,
		"-1": 0, "soon": 0, first: 0,
	} {
		for _, status := range []int{400, 403, 429, 502, 503} {
			c := serve(t, func(writer http.ResponseWriter, _ *http.Request) {
				writer.Header().Set("Retry-After", value)
				writer.WriteHeader(status)
			}, func(o *client.Options) { o.Clock = clocktesting.NewFakePassiveClock(now) })
			if got := c.Events(t.Context(), client.NewToken(token)); got.RetryAfter != want {
				t.Errorf("%q with HTTP %d is %s, want %s", value, status, got.RetryAfter, want)
			}
		}
	}
}

// TestASuccessAsksForNoPause: after a change it would keep the new password from being proved and published.
func TestASuccessAsksForNoPause(t *testing.T) {
	c := serve(t, func(writer http.ResponseWriter, _ *http.Request) { writer.Header().Set("Retry-After", "86400") }, nil)
	got := c.ChangePassword(t.Context(), client.NewToken(token), password.New(first), password.New("another"))
	if got.Outcome != client.Done || got.RetryAfter != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAnOptionThatCannotWorkIsRefused(t *testing.T) {
	for _, options := range []client.Options{
		{URL: "http://api.example"}, {URL: "api.example"}, {URL: ""}, {URL: "https://"}, {URL: "HTTPS://api.example/\x7f"},
		{URL: client.TestURL, Timeout: -1}, {URL: client.TestURL, ConnectTimeout: -1},
		{URL: client.TestURL, ResponseTimeout: -1},
	} {
		if _, err := client.New(options); err == nil || !strings.Contains(err.Error(), "Suomi.fi Messages") {
			t.Errorf("%+v: %v", options, err)
		}
	}
	for url, rule := range map[string]endpoints.Rule{"https://127.0.0.1:1": {}, client.TestURL: {Bound: true}} {
		var forbidden *client.ForbiddenError
		if _, err := client.New(client.Options{URL: url, Endpoints: rule}); !errors.As(err, &forbidden) {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{client.TestURL, client.ProductionURL} {
		if _, err := client.New(client.Options{URL: url}); err != nil {
			t.Error(err)
		}
	}
}

func TestURLsOfOnePlaceAreToldFromOthers(t *testing.T) {
	for _, url := range []string{
		"https://api.messages.suomi.fi/", "https://API.messages.Suomi.fi.:443", "https://x@api.messages.suomi.fi//?a=b#c",
	} {
		if got := client.Place(url); got != client.Place(client.ProductionURL) {
			t.Errorf("%s is %s", url, got)
		}
	}
	for _, url := range []string{
		client.TestURL, "https://api.messages.suomi.fi:8443", "https://api.messages.suomi.fi/test", "https://", "x",
	} {
		if got := client.Place(url); got == client.Place(client.ProductionURL) {
			t.Errorf("%s is %s", url, got)
		}
	}
}
