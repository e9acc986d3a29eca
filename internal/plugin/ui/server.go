package ui

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// silence is after how long without a person the page ends.
	silence = time.Hour
	// silenceStep is how often that is looked at.
	silenceStep = time.Minute
	// Timeouts of a connection. What is sent takes milliseconds; a check reads the cluster.
	readTimeout, writeTimeout, idleTimeout = 20 * time.Second, time.Minute, 2 * time.Minute
	// maximumHeader is more than a browser sends.
	maximumHeader = 16 << 10
	// goodbye is how long calls may take that run when the page ends.
	goodbye = 2 * time.Second
)

// ErrSilence says that nobody has used the page for an hour.
var ErrSilence = errors.New("nobody has used the page for an hour")

// Options of a Server.
type Options struct {
	// Access is to the cluster, with the rights of the person.
	Access client.WithWatch
	// Namespace that is shown, empty for all.
	Namespace string
	// ControllerNamespace is where the bundles of a ManualClusterIssuer are.
	ControllerNamespace string
	// Clock tells the time.
	Clock clock.WithTicker
}

// Server is the page.
type Server struct {
	Options

	guard *guard
	board *board
	// used is when a person has last asked for something, in Unix nanoseconds.
	used atomic.Int64
}

// Start reads the cluster once, and makes a page of it. Without the right to read anything that is an error.
func Start(ctx context.Context, options Options) (*Server, error) {
	s := &Server{Options: options, board: &board{clock: options.Clock}, guard: &guard{
		start: rand.Text(), session: rand.Text(), form: rand.Text(),
	}}
	if _, err := s.board.read(ctx, s.Access, s.Namespace); err != nil {
		return nil, err
	}
	return s, nil
}

// Address is where a person starts, with the secret that lets them in.
func (s *Server) Address(listener net.Listener) string {
	return fmt.Sprintf("http://%s%s?secret=%s", listener.Addr(), pathStart, s.guard.start)
}

// Serve serves the page until the context ends, which is no error, or until nobody has used it for an hour, which is
// ErrSilence.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.seen()
	server := &http.Server{
		Handler: s.handler(listener.Addr().String()), ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maximumHeader,
		// A write that has begun may end: who closes the page should not have to guess what was written.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	go s.board.follow(ctx, s.Access, s.Namespace)
	go s.endInSilence(ctx, cancel)
	go func() {
		<-ctx.Done()
		ending, done := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
		defer done()
		if server.Shutdown(ending) != nil {
			_ = server.Close() // whoever is still connected has been asked
		}
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	if cause := context.Cause(ctx); errors.Is(cause, ErrSilence) {
		return ErrSilence
	}
	return nil
}

// seen notes that a person is there.
func (s *Server) seen() { s.used.Store(s.Clock.Now().UnixNano()) }

// endInSilence ends the page once nobody has used it for long. That it refreshes by itself is not a use.
func (s *Server) endInSilence(ctx context.Context, end context.CancelCauseFunc) {
	ticker := s.Clock.NewTicker(silenceStep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
			if s.Clock.Since(time.Unix(0, s.used.Load())) >= silence {
				end(ErrSilence)
				return
			}
		}
	}
}
