// Package healthcheck asks a URL until it answers HTTP 200: what `helm test` runs, in an image that has no shell.
package healthcheck

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/wait"
)

// interval is the pause between two requests; one request takes at most requestTimeout.
const (
	interval       = time.Second
	requestTimeout = 5 * time.Second
)

// Options of a check.
type Options struct {
	// URL to get, http or https.
	URL string
	// Timeout is how long to try, in all.
	Timeout time.Duration
}

// AddFlags declares the flags and sets the defaults.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.DurationVar(&o.Timeout, "timeout", 30*time.Second, "`time` to keep trying")
}

// Check returns nil as soon as the URL answers HTTP 200, and what came last once the time is over. It does not verify
// a server certificate: it brings no secret, and believes nothing but the status.
func Check(ctx context.Context, options Options) error {
	target, err := url.Parse(options.URL)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return errors.New("name a URL that begins with http:// or https://")
	}
	ctx, cancel := context.WithTimeout(ctx, options.Timeout)
	defer cancel()
	client := &http.Client{Timeout: requestTimeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}}
	last := errors.New("there was no time to ask")
	err = wait.PollUntilContextCancel(ctx, interval, true, func(ctx context.Context) (bool, error) {
		problem := ask(ctx, client, target)
		if ctx.Err() == nil {
			last = problem
		}
		return problem == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%s is not ready: %w", target.Redacted(), last)
	}
	return nil
}

func ask(ctx context.Context, client *http.Client, target *url.URL) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if failure, ok := errors.AsType[*url.Error](err); ok {
		return failure.Err
	}
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered HTTP %d", response.StatusCode)
	}
	return nil
}
