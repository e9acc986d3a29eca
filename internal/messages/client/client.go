package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/utils/clock"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/https"
	"github.com/varmenne/varmenne-issuer/internal/messages/password"
	"github.com/varmenne/varmenne-issuer/internal/sensitive"
)

// The addresses of the service. Each environment has accounts of its own.
const (
	ProductionURL = "https://api.messages.suomi.fi"
	TestURL       = "https://api.messages-qa.suomi.fi"
)

// PublicHosts are those of both environments.
func PublicHosts() []string {
	hosts := []string{TestURL, ProductionURL}
	for i := range hosts {
		hosts[i] = strings.TrimPrefix(hosts[i], "https://")
	}
	return hosts
}

// Options of a client.
type Options struct {
	// URL of the service, above the paths of its calls; https only.
	URL string
	// TLS verifies the service's server certificate; none means the system's roots.
	TLS []*x509.Certificate
	// Endpoints says whether the URL may be called. The zero Rule refuses loopback and the like.
	Endpoints endpoints.Rule
	// ConnectTimeout bounds the connection, and the TLS handshake, each by itself. 0 means DefaultConnectTimeout.
	ConnectTimeout time.Duration
	// ResponseTimeout bounds the wait for the headers of a response. 0 means DefaultResponseTimeout.
	ResponseTimeout time.Duration
	// Timeout bounds one call, from name resolution to the last byte of the response. 0 means DefaultTimeout.
	Timeout time.Duration
	// UserAgent is sent as the HTTP header of that name.
	UserAgent string
	// Clock tells when a token ends, and how far a date is; nil means the real one. TLS always has the real one.
	Clock clock.PassiveClock
}

// The timeouts of a call.
const (
	DefaultConnectTimeout  = 10 * time.Second
	DefaultResponseTimeout = 30 * time.Second
	DefaultTimeout         = 60 * time.Second
)

// Client calls one environment of the service. It keeps TLS sessions, and nothing else. It is safe for concurrent
// use.
type Client struct {
	endpoint  *https.Endpoint
	timeout   time.Duration
	userAgent string
	clock     clock.PassiveClock
}

// ForbiddenError is of a URL that Options.Endpoints does not let be called.
type ForbiddenError struct {
	// Host is its host and port.
	Host string
	// Err is the rule.
	Err error
}

func (e *ForbiddenError) Error() string {
	return fmt.Sprintf("%s must not be called: %v", e.Host, e.Err)
}

// Unwrap is the rule.
func (e *ForbiddenError) Unwrap() error { return e.Err }

// Place is the host, port and path of a URL of the service in the one way in which they can be compared: the same for
// all that lead to the same place, as far as they show it. Of what is no URL it is the text.
func Place(text string) string {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" {
		return text
	}
	port := cmp.Or(parsed.Port(), endpoints.DefaultPort)
	return net.JoinHostPort(endpoints.Canonical(parsed.Hostname()), port) + strings.TrimRight(parsed.JoinPath().Path, "/")
}

// New makes a client. It fails on a URL that is not https, on a negative timeout, and with *ForbiddenError on a host
// that must not be called. A name that only leads to such an address is found out with each call.
func New(options Options) (*Client, error) {
	if min(options.ConnectTimeout, options.ResponseTimeout, options.Timeout) < 0 {
		return nil, errors.New("the timeouts of calls to Suomi.fi Messages cannot be negative")
	}
	endpoint, err := https.New(https.Options{
		URL: options.URL, Roots: options.TLS, Rule: options.Endpoints,
		ConnectTimeout:  cmp.Or(options.ConnectTimeout, DefaultConnectTimeout),
		ResponseTimeout: cmp.Or(options.ResponseTimeout, DefaultResponseTimeout),
	})
	if err != nil {
		return nil, fmt.Errorf("the URL of Suomi.fi Messages %w", err)
	}
	if refused := endpoint.Permitted(); refused != nil {
		return nil, &ForbiddenError{Host: endpoint.Host(), Err: refused.Err}
	}
	made := &Client{
		endpoint: endpoint, timeout: cmp.Or(options.Timeout, DefaultTimeout), userAgent: options.UserAgent,
		clock: options.Clock,
	}
	if made.clock == nil {
		made.clock = clock.RealClock{}
	}
	return made, nil
}

// Token logs in to the account that the owner of the service calls systemId, and returns a token for its password.
func (c *Client) Token(ctx context.Context, username string, with password.Password) TokenResult {
	asked := c.clock.Now()
	response, result := c.call(ctx, request{
		path: "v1/token", secrets: []string{with.Reveal()}, sent: []string{username, with.Reveal()},
		body: struct {
			Username string `json:"username"`
			Password string `json:"password"`
		}{username, with.Reveal()},
		readDone: true,
	})
	if result.Outcome != Done {
		return TokenResult{Result: result}
	}
	token, lifetime, problem := readToken(response)
	if problem != "" {
		result.Outcome, result.Detail = Unknown, problem
		return TokenResult{Result: result}
	}
	made := TokenResult{Result: result, Token: Token{Text: sensitive.New(token), password: with}}
	if lifetime > 0 {
		made.ExpiresAt = asked.Add(lifetime)
	}
	return made
}

// ChangePassword puts another password in place of the current one, with a token that is fresh: to an old one the
// service answers as to a password that it does not like.
func (c *Client) ChangePassword(ctx context.Context, token Token, current, next password.Password) Result {
	_, result := c.call(ctx, request{
		path: "v1/change-password", secrets: append(token.secrets(), current.Reveal(), next.Reveal()),
		sent: []string{token.Reveal(), current.Reveal(), next.Reveal()},
		body: struct {
			AccessToken     string `json:"accessToken"`
			CurrentPassword string `json:"currentPassword"`
			NewPassword     string `json:"newPassword"`
		}{token.Reveal(), current.Reveal(), next.Reveal()},
	})
	return result
}

// Events asks for the first page of events, to see that a token opens them; what they say is not read.
func (c *Client) Events(ctx context.Context, token Token) Result {
	_, result := c.call(ctx, request{
		path: "v2/events", secrets: token.secrets(), sent: []string{token.Reveal()},
		authorization: "Bearer " + token.Reveal(),
	})
	return result
}

// request is a call as it is to be made: a POST if it has a body.
type request struct {
	path          string
	body          any
	authorization string
	// sent is what the request is made of; secrets must not show in anything that is said of the call.
	sent, secrets []string
	// readDone reports whether the body of HTTP 200 is wanted.
	readDone bool
}

// call makes a call and says what came of it; response is the body of HTTP 200 where it is wanted.
func (c *Client) call(ctx context.Context, asked request) (response []byte, result Result) {
	for _, text := range asked.sent {
		// JSON would carry another text, and a log-in with a wrong password costs.
		if text == "" || !utf8.ValidString(text) {
			return nil, Result{Outcome: NotSent, Detail: "a value to be sent is empty, or not UTF-8"}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	outgoing, err := c.outgoing(ctx, asked)
	if err != nil {
		return nil, Result{Outcome: NotSent, Detail: "the request cannot be made"}
	}
	incoming, failure := c.endpoint.Do(outgoing)
	if failure != nil {
		return nil, withoutSecrets(c.failed(failure), asked.secrets)
	}
	defer func() { _ = incoming.Body.Close() }()
	got := read(ctx, incoming, asked.readDone)
	result = got.interpret()
	if result.Outcome != Done { // where all is well there is nothing to wait for
		result.RetryAfter = min(https.RetryAfter(incoming.Header, c.clock.Now()), longestRetryAfter)
	}
	return got.body, withoutSecrets(result, asked.secrets)
}

// longestRetryAfter bounds what the service may ask for.
const longestRetryAfter = 24 * time.Hour

func (c *Client) outgoing(ctx context.Context, asked request) (*http.Request, error) {
	method, content := http.MethodGet, []byte(nil)
	if asked.body != nil {
		method = http.MethodPost
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(asked.body); err != nil {
			return nil, err
		}
		content = bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
	}
	made, err := http.NewRequestWithContext(ctx, method, c.endpoint.Below(asked.path), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	if asked.body != nil {
		made.Header.Set("Content-Type", "application/json")
	}
	if asked.authorization != "" {
		made.Header.Set("Authorization", asked.authorization)
	}
	made.Header.Set("Accept", "application/json")
	made.Header.Set("User-Agent", c.userAgent)
	return made, nil
}

// failed is the result of a call that brought no response.
func (c *Client) failed(failure *https.ConnectionError) Result {
	result := Result{Outcome: NotSent}
	switch {
	case failure.Kind == https.Forbidden:
		result.Detail = fmt.Sprintf("%s must not be called: %v", c.endpoint.Host(), failure.Err)
	case failure.Kind == https.Untrusted:
		result.Detail = fmt.Sprintf("the TLS certificate of %s does not verify: %v", c.endpoint.Host(), failure.Err)
	case failure.Kind == https.Unreachable:
		result.Detail = fmt.Sprintf("cannot connect to %s: %v", c.endpoint.Host(), failure.Err)
	case failure.Unsent:
		result.Detail = fmt.Sprintf("the connection ended before the request was sent (%v)", failure.Err)
	case failure.Timeout:
		result.Outcome, result.Detail = Unknown, "no response in time"
	default:
		result.Outcome = Unknown
		result.Detail = fmt.Sprintf("the connection ended before the response was complete (%v)", failure.Err)
	}
	result.Detail = strings.ToValidUTF8(result.Detail, "")
	return result
}
