package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// program builds the demo once more, as the Makefile does, so that the test can send it signals.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "demo")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build the demo: %v: %s", err, output)
	}
	return path
}

// demo runs the demo with a temporary directory of its own, by which its processes are recognized.
type demo struct {
	command *exec.Cmd
	dir     string
	log     string
	ended   chan struct{}
	failure error // of the command, once ended is closed
}

func start(t *testing.T, environment ...string) *demo {
	t.Helper()
	// Unix sockets have short paths, and the cluster puts its own below the temporary directory.
	dir, err := os.MkdirTemp("", "demo") //nolint:usetesting // t.TempDir is too deep for a Unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &demo{dir: dir, log: filepath.Join(t.TempDir(), "log"), ended: make(chan struct{})}
	log, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d.command = exec.Command(program(t))
	d.command.Env = append(append(os.Environ(), "TMPDIR="+dir), environment...)
	d.command.Stdout, d.command.Stderr = log, log
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		d.failure = d.command.Wait()
	}()
	return d
}

func (d *demo) said(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(d.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// until waits until the demo has printed a text.
func (d *demo) until(t *testing.T, text string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, readyTimeout, true,
		func(context.Context) (bool, error) {
			select {
			case <-d.ended:
				return false, errors.New("it has ended")
			default:
				return strings.Contains(d.said(t), text), nil
			}
		})
	if err != nil {
		t.Fatalf("the demo did not print %q: %v\n%s", text, err, d.said(t))
	}
}

// end waits for the demo and checks that nothing of it is left.
func (d *demo) end(t *testing.T) error {
	t.Helper()
	<-d.ended
	if left := processesOf(t, d.dir); len(left) > 0 {
		t.Errorf("the demo has ended and left %v", left)
	}
	return d.failure
}

// processesOf are the command lines that name a directory, by the directory of each process below /proc.
func processesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range must.Get(filepath.Glob("/proc/[0-9]*/cmdline"))(t) {
		content, err := os.ReadFile(file)
		if err == nil && bytes.Contains(content, []byte(dir)) {
			found[filepath.Dir(file)] = string(bytes.ReplaceAll(content, []byte{0}, []byte{' '}))
		}
	}
	return found
}

// process is the one of the demo that runs a program.
func (d *demo) process(t *testing.T, program string) *os.Process {
	t.Helper()
	for path, line := range processesOf(t, d.dir) {
		if executable, _, _ := strings.Cut(line, " "); filepath.Base(executable) == program {
			return must.Get(os.FindProcess(must.Get(strconv.Atoi(filepath.Base(path)))(t)))(t)
		}
	}
	t.Fatalf("the demo runs no %s", program)
	return nil
}

func TestDemoShowsAVerifiedCertificateAndEndsByItself(t *testing.T) {
	t.Parallel()
	d := start(t, "DEMO_EXIT=1")
	if err := d.end(t); err != nil {
		t.Fatalf("the demo has failed: %v\n%s", err, d.said(t))
	}
	for _, text := range []string{"Certificate tax-reporting is Ready", "varmenne.dev/Submitted=True, SignNewCertificate",
		"RETRIEVAL-ID", "CN=0123456-7", "The chain verifies against the simulator's root.",
		"base64 -d > manual-", "DVV's form is filled in and sent", "--from-file=certificate=",
		"Certificate stamping is Ready, and its chain verifies against DVV's root",
		"trackedcertificate.varmenne.dev/stamp condition met", "manualorder.varmenne.dev/manual-",
		"messagespassword.varmenne.dev/suomifi-messages condition met",
		"Secret suomifi-messages has had a new password since",
		"The service takes the password that Secret suomifi-messages has now, and does not take the one of before."} {
		if !strings.Contains(d.said(t), text) {
			t.Errorf("the demo did not print %q:\n%s", text, d.said(t))
		}
	}
	if strings.Contains(d.said(t), "Owner-1~") {
		t.Errorf("the demo has printed a password:\n%s", d.said(t))
	}
	left, err := os.ReadDir(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("the demo left %v behind", left)
	}
}

func TestDemoStaysUpUntilInterruptedAndTakesEverythingWithIt(t *testing.T) {
	t.Parallel()
	d := start(t, "DEMO_EXIT=")
	d.until(t, "stays up until Ctrl-C")
	if len(processesOf(t, d.dir)) == 0 {
		t.Error("no process of the demo can be seen; the test would not notice one that stays")
	}
	if err := d.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := d.end(t); err != nil {
		t.Errorf("the demo has failed on Ctrl-C: %v\n%s", err, d.said(t))
	}
}

func TestDemoThatIsInterruptedHalfWayLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	d := start(t, "DEMO_EXIT=1")
	d.until(t, "Installing cert-manager.")
	if err := d.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.end(t); err == nil {
		t.Error("the demo was interrupted before it had shown anything, and calls that a success")
	}
}

func TestDemoWhoseAPIServerHangsSaysSoAndLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	d := start(t, "DEMO_EXIT=")
	d.until(t, "Applying docs/samples")
	server := d.process(t, "kube-apiserver")
	must.Do(t, server.Signal(syscall.SIGSTOP))
	if err := d.end(t); err == nil || !strings.Contains(d.said(t), "the API server of the demo has not answered") {
		t.Errorf("the demo has ended with %v:\n%s", err, d.said(t))
	}
}

func TestDemoThatCannotStartTheControllerFailsAndLeavesNothingRunning(t *testing.T) {
	t.Parallel()
	d := start(t, "DEMO_EXIT=1", "VARMENNE_BINARY=/bin/false")
	if err := d.end(t); err == nil {
		t.Errorf("the demo could not run the controller, and calls that a success:\n%s", d.said(t))
	}
}
