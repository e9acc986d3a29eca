package simulator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/spf13/pflag"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
	"github.com/varmenne/varmenne-issuer/internal/simulator/authority"
	"github.com/varmenne/varmenne-issuer/internal/simulator/protocol"
)

// running is a simulator started by Run.
type running struct {
	*service

	info admin.Info
	stop func() error
	log  *lines
}

// lines is a log that tests can read.
type lines struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// run starts Run with free ports and waits until it says that it serves.
func run(t *testing.T, change func(*simulator.Options)) *running {
	t.Helper()
	clock := clocktesting.NewFakeClock(time.Now())
	written, serving := &lines{}, make(chan struct{})
	options := simulator.DefaultOptions()
	options.Address, options.AdminAddress = "127.0.0.1:0", "127.0.0.1:0"
	options.InfoFile = filepath.Join(t.TempDir(), "info.json")
	options.Clock = clock
	options.Log = logTo(written, serving)
	if change != nil {
		change(&options)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- simulator.Run(ctx, options) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	select {
	case <-serving:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	info := must.Get(admin.ReadInfo(options.InfoFile))(t)
	r := &running{info: info, stop: stop, log: written}
	r.service = &service{t: t, clock: clock, url: info.ServiceURL, admin: admin.NewClient(info.AdminURL)}
	r.client = trusting(must.Get(r.admin.TLSBundle(t.Context()))(t))
	return r
}

func logTo(written *lines, serving chan struct{}) logr.Logger {
	once := sync.OnceFunc(func() { close(serving) })
	return funcr.New(func(_, arguments string) {
		written.mutex.Lock()
		written.text.WriteString(arguments + "\n")
		written.mutex.Unlock()
		if strings.Contains(arguments, `"Serving"`) {
			once()
		}
	}, funcr.Options{Verbosity: 1})
}

func TestRunServesUntilItsContextEnds(t *testing.T) {
	r := run(t, nil)
	key, _ := keys(t)
	credential := r.mint(admin.MintRequest{})
	accepted := r.signNew(credential, requestFor(t, key)).want(t, "OK")
	r.clock.Step(10 * time.Second)
	r.get(accepted.retrievalID).want(t, "OK")
	if r.info.Environment != "TEST" || !strings.HasSuffix(r.info.ServiceURL, protocol.Path) {
		t.Errorf("the info file says %+v", r.info)
	}
	must.Do(t, r.stop())
	log := r.log.String()
	if !strings.Contains(log, "NOT FOR PRODUCTION") || strings.Contains(log, credential.TransferPassword) {
		t.Errorf("the log is\n%s", log)
	}
	if got := r.get("NOTHING"); got.err == nil {
		t.Error("the service still answers")
	}
}

func TestTheInfoFileIsThereWhileTheSimulatorListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "info.json")
	r := run(t, func(o *simulator.Options) { o.InfoFile = path })
	must.Do(t, r.stop())
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
}

func TestRunEndsWhileAFaultHoldsAResponse(t *testing.T) {
	r := run(t, nil)
	r.script(admin.Fault{Kind: admin.TimeoutAfter})
	done := make(chan reply, 1)
	go func() { done <- r.get("NOTHING") }()
	r.awaitHeld(1)
	must.Do(t, r.stop())
	if got := <-done; got.err == nil {
		t.Errorf("the held response came: %s", got.body)
	}
}

func TestTrustSurvivesARestartWithADataDirectory(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "data")
	keep := func(o *simulator.Options) { o.DataDirectory = directory }
	key, next := keys(t)
	first := start(t, keep)
	certificate := first.issued(key)
	second := start(t, keep)
	for _, bundle := range []authority.Bundle{authority.TLSBundle, authority.ResponsesBundle, authority.IssuanceBundle} {
		if !bytes.Equal(first.simulator.Bundle(bundle), second.simulator.Bundle(bundle)) {
			t.Errorf("the bundle %s has changed", bundle)
		}
	}
	second.clock.SetTime(certificate.NotAfter.Add(-time.Hour))
	second.renew(message{request: requestFor(t, next)}, key, certificate).want(t, "OK")
	entries := must.Get(os.ReadDir(directory))(t)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v, error %v", entry.Name(), info.Mode(), err)
		}
	}
	must.Do(t, os.Remove(filepath.Join(directory, "issuance.pem")))
	options := simulator.DefaultOptions()
	keep(&options)
	_, err := simulator.New(options)
	must.Say(t, err, "issuance.pem")
}

func TestTheServerCertificateBearsItsNames(t *testing.T) {
	r := run(t, func(o *simulator.Options) { o.TLSNames = []string{"simulator.example", "192.0.2.1"} })
	parsed := must.Get(url.Parse(r.info.ServiceURL))(t)
	connection := must.Get(tls.Dial("tcp", parsed.Host,
		&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}))(t)
	defer func() { _ = connection.Close() }()
	certificate := connection.ConnectionState().PeerCertificates[0]
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "simulator.example", "192.0.2.1"} {
		if err := certificate.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	if negotiated := connection.ConnectionState().NegotiatedProtocol; negotiated != "http/1.1" {
		t.Errorf("negotiated %s", negotiated)
	}
}

func TestRunNamesTheListenerThatFails(t *testing.T) {
	taken := must.Get(net.Listen("tcp", "127.0.0.1:0"))(t)
	defer func() { _ = taken.Close() }()
	options := simulator.DefaultOptions()
	options.Address, options.AdminAddress = "127.0.0.1:0", taken.Addr().String()
	must.Say(t, simulator.Run(t.Context(), options), "--admin-address")
}

func TestFlagsSetTheOptions(t *testing.T) {
	var options simulator.Options
	flags := pflag.NewFlagSet("simulator", pflag.ContinueOnError)
	options.AddFlags(flags)
	if err := options.Validate(); err != nil {
		t.Fatalf("the defaults are not valid: %v", err)
	}
	err := flags.Parse([]string{"--tls-name=a", "--tls-name=b", "--validity=10m", "--renewal-window=5m", "--seed=3",
		"--processing-delay=0s", "--mail-delay=3h", "--signature-variant=inclusive", "--environment=PRODUCTION"})
	if err != nil || options.Validate() != nil {
		t.Fatal(err, options.Validate())
	}
	if len(options.TLSNames) != 2 || options.Validity != 10*time.Minute || options.ProcessingDelay != 0 ||
		options.Seed != 3 || options.MailDelay != 3*time.Hour {
		t.Errorf("parsed %+v", options)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	for claim, change := range map[string]func(*simulator.Options){
		"--address":             func(o *simulator.Options) { o.Address = "localhost" },
		"--admin-address":       func(o *simulator.Options) { o.AdminAddress = "" },
		"--environment":         func(o *simulator.Options) { o.Environment = "test" },
		"--validity":            func(o *simulator.Options) { o.Validity = 0 },
		"--renewal-window":      func(o *simulator.Options) { o.RenewalWindow = -1 },
		"--processing-delay":    func(o *simulator.Options) { o.ProcessingDelay = -1 },
		"--min-retrieval-delay": func(o *simulator.Options) { o.MinimumRetrievalDelay = -1 },
		"--mail-delay":          func(o *simulator.Options) { o.MailDelay = -1 },
		"--credential-validity": func(o *simulator.Options) { o.CredentialValidity = 0 },
		"--signature-variant":   func(o *simulator.Options) { o.SignatureVariant = "pretty" },
		"--tls-name":            func(o *simulator.Options) { o.TLSNames = []string{""} },
	} {
		options := simulator.DefaultOptions()
		change(&options)
		if err := options.Validate(); err == nil || !strings.Contains(err.Error(), claim) {
			t.Errorf("%s: the error is %v", claim, err)
		}
		if _, err := simulator.New(options); err == nil {
			t.Errorf("%s: New accepts it", claim)
		}
	}
}
