package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"

	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

// shutdownGrace is how long requests may take to end once the simulator is told to.
const shutdownGrace = 5 * time.Second

// Run serves the certificate service and its admin interface until the context ends. It returns nil after an orderly
// end, and an error that names the listener or the file that failed otherwise.
func Run(ctx context.Context, options Options) error {
	simulator, err := New(options)
	if err != nil {
		return err
	}
	var listen net.ListenConfig
	service, err := listen.Listen(ctx, "tcp", options.Address)
	if err != nil {
		return fmt.Errorf("listening for the service (--address): %w", err)
	}
	defer func() { _ = service.Close() }()
	control, err := listen.Listen(ctx, "tcp", options.AdminAddress)
	if err != nil {
		return fmt.Errorf("listening for the admin interface (--admin-address): %w", err)
	}
	defer func() { _ = control.Close() }()
	info := simulator.info(service.Addr(), control.Addr())
	if options.InfoFile != "" {
		if err := writeInfo(options.InfoFile, info); err != nil {
			return err
		}
		defer func() { _ = os.Remove(options.InfoFile) }()
	}
	simulator.announce(info, control.Addr())
	end := beside(ctx, options.Started, info)
	defer end()
	return simulator.serveUntil(ctx, service, control)
}

// beside starts what is to run beside the simulator, and returns what ends it and waits for it.
func beside(ctx context.Context, started func(context.Context, admin.Info), info admin.Info) func() {
	if started == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		started(ctx, info)
	}()
	return func() {
		cancel()
		<-done
	}
}

// serveUntil serves both listeners until the context ends or one of them fails.
func (s *Simulator) serveUntil(ctx context.Context, service, control net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	main, side := s.newServer(ctx, s.Handler()), s.newServer(ctx, s.AdminHandler())
	main.TLSConfig = s.TLSConfig()
	failures := make(chan error, 2)
	go func() { failures <- ended("the service", main.ServeTLS(service, "", "")) }()
	go func() { failures <- ended("the admin interface", side.Serve(control)) }()

	var first error
	running := 2
	select {
	case <-ctx.Done():
	case first = <-failures:
		running--
	}
	// Responses that a fault holds back end with the context; the rest may finish.
	cancel()
	deadline, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer stop()
	for _, server := range []*http.Server{main, side} {
		if err := server.Shutdown(deadline); err != nil {
			_ = server.Close()
		}
	}
	for ; running > 0; running-- {
		first = errors.Join(first, <-failures)
	}
	s.log.Info("The simulator has ended; its state is gone")
	return first
}

func (s *Simulator) newServer(ctx context.Context, handler http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           handler,
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          stdlog.New(lineLogger{s.log.V(1)}, "", 0),
	}
}

// ended makes nil of the error that every orderly shutdown ends with.
func ended(what string, err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving %s: %w", what, err)
}

// info is where the two listeners can be reached.
func (s *Simulator) info(service, control net.Addr) admin.Info {
	return admin.Info{
		ServiceURL:  "https://" + reachable(service) + protocol.Path,
		MessagesURL: "https://" + reachable(service),
		AdminURL:    "http://" + reachable(control),
		Environment: s.options.Environment,
	}
}

// reachable replaces the unspecified address by localhost, which the server certificate names.
func reachable(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	if parsed := net.ParseIP(host); parsed != nil && parsed.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// announce says where the simulator is, and what it is not.
func (s *Simulator) announce(info admin.Info, control net.Addr) {
	s.log.Info("CERTIFICATE SERVICE SIMULATOR - NOT FOR PRODUCTION: it checks nobody's identity and its state is volatile")
	s.log.Info("Serving", "service", info.ServiceURL, "messages", info.MessagesURL, "admin", info.AdminURL,
		"environment", info.Environment,
		"signatureVariant", s.options.SignatureVariant)
	if tcp, ok := control.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		s.log.Info("The admin interface is reachable from other machines, and whoever reaches it gets certificates",
			"admin", info.AdminURL)
	}
}

// writeInfo writes the file at once, so that whoever waits for it never reads half of it.
func writeInfo(path string, info admin.Info) error {
	content, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the info file: %w", err)
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, append(content, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the info file (--info-file): %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing the info file (--info-file): %w", err)
	}
	return nil
}

// lineLogger passes the lines of net/http's error log, mostly failed handshakes, to a structured log.
type lineLogger struct{ log logr.Logger }

func (l lineLogger) Write(line []byte) (int, error) {
	l.log.Info("HTTP server", "message", strings.TrimSpace(string(line)))
	return len(line), nil
}
