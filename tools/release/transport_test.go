package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// plainRegistry answers without TLS, wherever it is said to be, and wants a password.
type plainRegistry struct{ passwords int }

func (r *plainRegistry) RoundTrip(request *http.Request) (*http.Response, error) {
	response := &http.Response{StatusCode: http.StatusUnauthorized, Request: request, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(""))}
	response.Header.Set("WWW-Authenticate", `Basic realm="x"`)
	if request.URL.Scheme == "https" {
		response.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	if _, _, sent := request.BasicAuth(); sent {
		r.passwords++
		response.StatusCode = http.StatusNotFound
	}
	return response, nil
}

func TestAPasswordIsNotSentWithoutTLS(t *testing.T) {
	for host, wanted := range map[string]int{"192.168.1.9": 0, "10.0.0.5:5000": 0, "127.0.0.1:5000": 1} {
		t.Run(host, func(t *testing.T) {
			tag, err := name.NewTag(host + "/" + imageRepository + ":" + testVersion)
			if err != nil {
				t.Fatal(err)
			}
			answering := &plainRegistry{}
			err = registry{options: []remote.Option{
				remote.WithContext(t.Context()), remote.WithTransport(cautious{answering}),
				remote.WithAuth(&authn.Basic{Username: "publisher", Password: "secret"}),
			}}.refuseOther(tag, v1.Hash{})
			if answering.passwords != wanted {
				t.Errorf("the password was sent %d times, want %d", answering.passwords, wanted)
			}
			if refused := err != nil && strings.Contains(err.Error(), "have it answer with TLS"); refused != (wanted == 0) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestARegistryThatDoesNotAnswerIsNotWaitedForForever(t *testing.T) {
	done := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(done) })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, silent.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := cautious{within(time.Millisecond)}.RoundTrip(request)
	if err == nil {
		response.Body.Close()
		t.Error("it answered")
	}
}

func TestARegistryWithAPasswordIsRefusedWithoutShowingIt(t *testing.T) {
	a := assembled(t)
	for _, given := range []string{
		"https://publisher:hunter2@registry.example", "publisher:hunter2@registry.example", "registry.example/", "../hunter2",
		"", "-hunter2", "registry.example/../hunter2", "registry.example/hunter2;ls", "registry.example:hunter2",
	} {
		err := publish(t, a.out, given)
		if err == nil || !strings.Contains(err.Error(), "HOST[:PORT][/PATH]") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error is %v", given, err)
		}
	}
}

func TestARegistryThatIsNoneIsNoticed(t *testing.T) {
	a := assembled(t)
	key, _ := newKey(t)
	for claim, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"one that keeps nothing of what it takes": {func(w http.ResponseWriter, r *http.Request) {
			switch w.Header().Set("Location", "/v2/upload"); {
			case r.URL.Path == "/v2/":
			case r.Method == http.MethodHead || r.Method == http.MethodGet:
				w.WriteHeader(http.StatusNotFound)
			case r.Method == http.MethodPut:
				w.WriteHeader(http.StatusCreated)
			default:
				w.WriteHeader(http.StatusAccepted)
			}
		}, "and does not show it"},
		"one that knows nobody": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		}, "`docker login "},
		"a page to log in": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<html>")
		}, "did not include Docker-Content-Digest"},
	} {
		t.Run(claim, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			t.Cleanup(server.Close)
			err := publish(t, a.out, strings.TrimPrefix(server.URL, "http://"), "-key", key)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
			if filesOf(t, a.out)["SHA256SUMS.sig"] != nil {
				t.Error("the checksums are signed all the same")
			}
		})
	}
}
