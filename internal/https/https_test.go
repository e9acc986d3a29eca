package https_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/endpoints"
	"github.com/varmenne/varmenne-issuer/internal/https"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func TestRetryAfterIsReadAsTheStandardHasIt(t *testing.T) {
	now := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	for claim, c := range map[string]struct {
		value string
		want  time.Duration
	}{
		"seconds":              {"120", 2 * time.Minute},
		"a date":               {now.Add(time.Hour).Format(http.TimeFormat), time.Hour},
		"a date far ahead":     {now.Add(999 * time.Hour).Format(http.TimeFormat), 999 * time.Hour},
		"a date that is past":  {now.Add(-time.Hour).Format(http.TimeFormat), 0},
		"nothing":              {"", 0},
		"words":                {"later", 0},
		"a fraction":           {"1.5", 0},
		"less than nothing":    {"-1", 0},
		"more than any number": {"99999999999999999999", 0},
		"years":                {"4000000000", 24 * time.Hour},
	} {
		if got := https.RetryAfter(http.Header{"Retry-After": {c.value}}, now); got != c.want {
			t.Errorf("%s: %q is read as %s, want %s", claim, c.value, got, c.want)
		}
	}
}

func TestAnEndpointIsAnAbsoluteURLOfHTTPS(t *testing.T) {
	for _, url := range []string{
		"", "api.example", "http://api.example", "HTTPS://api.example", "//api.example", "https://", "https:///path",
		"https://:443", "https://api.example/\x7f", "https://api.example:port", "ftp://api.example",
	} {
		if _, err := https.New(https.Options{URL: url}); !errors.Is(err, https.ErrURL) {
			t.Errorf("%q: %v", url, err)
		}
	}
	for url, host := range map[string]string{
		"https://api.example":             "api.example:443",
		"https://api.example:8443/a/":     "api.example:8443",
		"https://[2001:db8::1]":           "[2001:db8::1]:443",
		"https://" + long("a") + ".fi/a/": long("a")[:253] + "…:443",
	} {
		made := must.Get(https.New(https.Options{URL: url}))(t)
		if made.Host() != host || made.URL() != url || made.Below("v1/x") != strings.TrimRight(url, "/")+"/v1/x" {
			t.Errorf("%s is %s, and below it is %s", url, made.Host(), made.Below("v1/x"))
		}
	}
}

func long(text string) string { return strings.Repeat(text, 300) }

// TestWhatARuleForbidsIsNotConnectedTo, neither with a request nor for a handshake.
func TestWhatARuleForbidsIsNotConnectedTo(t *testing.T) {
	listener := must.Get(net.Listen("tcp", "127.0.0.1:0"))(t)
	connected := make(chan struct{})
	go func() {
		if connection, err := listener.Accept(); err == nil {
			_ = connection.Close()
			close(connected)
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	for host, rule := range map[string]endpoints.Rule{
		"127.0.0.1": {}, "localhost": {}, "api.example": {Bound: true},
	} {
		made := must.Get(https.New(https.Options{URL: "https://" + net.JoinHostPort(host, port), Rule: rule}))(t)
		request := must.Get(http.NewRequestWithContext(t.Context(), http.MethodGet, made.URL(), http.NoBody))(t)
		response, asked := made.Do(request)
		if response != nil {
			_ = response.Body.Close()
		}
		for _, failure := range []*https.ConnectionError{asked, made.Handshake(t.Context())} {
			if failure == nil || failure.Kind != https.Forbidden || !failure.Unsent {
				t.Errorf("%s: %+v", host, failure)
			}
		}
	}
	must.Do(t, listener.Close())
	select {
	case <-connected:
		t.Error("it was connected to")
	default:
	}
}

// TestABrokenConnectionReadsTheSameEachTime, whatever the standard library says of addresses, ports and times.
func TestABrokenConnectionReadsTheSameEachTime(t *testing.T) {
	operation := func(err error) error {
		return &net.OpError{Op: "read", Addr: &net.TCPAddr{Port: 40123}, Err: os.NewSyscallError("read", err)}
	}
	for claim, c := range map[string]struct {
		err      error
		answered bool
		timeout  bool
		says     string
	}{
		"the end of it":          {io.EOF, false, false, "the other side closed it"},
		"half a response":        {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true, false, "the other side closed it"},
		"a reset":                {operation(syscall.ECONNRESET), false, false, "the other side closed it"},
		"a pipe that is gone":    {operation(syscall.EPIPE), false, false, "the other side closed it"},
		"a deadline":             {context.DeadlineExceeded, true, true, "no response in time"},
		"a timeout of a socket":  {operation(syscall.ETIMEDOUT), false, true, "no response in time"},
		"a call that was ended":  {context.Canceled, false, false, "the call was canceled"},
		"another number":         {operation(syscall.EHOSTUNREACH), false, false, syscall.EHOSTUNREACH.Error()},
		"words after a response": {errors.New("malformed \"s3cret\""), true, false, "it is not HTTP, or has more than"},
		"words before one":       {errors.New("server closed idle connection"), false, false, "the other side closed it"},
	} {
		got := https.Interrupted(c.err, c.answered)
		if got.Kind != https.Broken || got.Timeout != c.timeout || !strings.HasPrefix(got.Error(), c.says) ||
			strings.Contains(got.Error(), "s3cret") || strings.Contains(got.Error(), "40123") {
			t.Errorf("%s: %+v: %v", claim, got, got)
		}
	}
}
