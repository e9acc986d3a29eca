package client_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/must"
	veroclient "github.com/varmenne/varmenne-issuer/internal/vero/client"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// rule is one with a list of these entries.
func rule(t testing.TB, entries ...string) endpoints.Rule {
	t.Helper()
	return endpoints.Rule{Allowed: must.Get(endpoints.Parse(entries))(t), Bound: true}
}

// The name localhost is in every hosts file: it is allowed, and then leads to an address that is not.
func TestAnEndpointThatIsNotAllowedIsNotConnectedTo(t *testing.T) {
	var connections atomic.Int32
	address := rawServer(t, func(net.Conn) { connections.Add(1) })
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for claim, c := range map[string]struct {
		host  string
		rule  endpoints.Rule
		cause error
	}{
		"a host that is not listed":          {"127.0.0.1", rule(t, "127.0.0.1", "x.example"), endpoints.ErrNotListed},
		"loopback":                           {"127.0.0.1", rule(t, "*"), endpoints.ErrNeverCalled},
		"loopback for an administrator":      {"127.0.0.1", endpoints.Rule{}, endpoints.ErrNeverCalled},
		"loopback that is mapped":            {"[::ffff:127.0.0.1]", endpoints.Rule{}, endpoints.ErrNeverCalled},
		"a name for loopback":                {"localhost", rule(t, "localhost:*"), endpoints.ErrNeverCalled},
		"a name for loopback, and all hosts": {"LOCALHOST", rule(t, "*"), endpoints.ErrNeverCalled},
	} {
		t.Run(claim, func(t *testing.T) {
			client := must.Get(veroclient.New(veroclient.Options{URL: "https://" + c.host + ":" + port, Endpoints: c.rule}))(t)
			_, called := client.SignNew(t.Context(), signNew(t, "s3cret"))
			for _, err := range []error{client.Probe(t.Context()), called} {
				found := find[*protocol.ForbiddenEndpointError](t, err, false)
				if !errors.Is(err, c.cause) || found.Host != net.JoinHostPort(strings.Trim(c.host, "[]"), port) ||
					!strings.Contains(err.Error(), "--allowed-endpoints") ||
					strings.Contains(strings.ReplaceAll(err.Error(), found.Host, ""), "127.0.0.1") {
					t.Errorf("the error is %v", err)
				}
			}
		})
	}
	if got := connections.Load(); got > 0 {
		t.Errorf("%d connections came", got)
	}
	client := newClient(t, veroclient.Options{URL: "https://localhost:" + port})
	want[*protocol.UnreachableError](t, client.Probe(t.Context()), false)
	if got := connections.Load(); got != 1 {
		t.Errorf("where the address is listed, %d connections came", got)
	}
}

// The proxies of these tests are on loopback, which is not listed.
func TestAProxyHearsNothingOfAnAddressThatIsNeverCalled(t *testing.T) {
	s := start(t, nil)
	open := startProxy(t, "127.0.0.1:1", http.StatusForbidden)
	for _, host := range []string{"169.254.169.254", "[64:ff9b::169.254.169.254]", "2852039166"} {
		got := s.callFromChild(t, host, "HTTPS_PROXY=http://"+open.address)
		if len(got) != 2 || !strings.Contains(got[0], endpoints.ErrNeverCalled.Error()) ||
			!strings.Contains(got[1], endpoints.ErrNeverCalled.Error()) {
			t.Errorf("%s: %q", host, got)
		}
	}
	if len(open.asked) > 0 {
		t.Errorf("the proxy was asked %q", open.asked)
	}
	if got := s.callFromChild(t, "10.255.255.1", "HTTPS_PROXY=http://"+open.address); len(open.asked) != 2 {
		t.Errorf("the proxy was asked %q for another address: %q", open.asked, got)
	}
}
