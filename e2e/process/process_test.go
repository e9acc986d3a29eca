package process_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/e2e/process"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// timeout is far above what anything takes here on a busy machine.
const timeout = 30 * time.Second

// shell runs the preparations in a shell, which then does nothing for ever. It returns when the
// preparations are done.
func shell(t *testing.T, preparations string) *process.Process {
	t.Helper()
	return shellWithGrace(t, preparations, timeout)
}

// shellWithGrace is one that Stop waits for that long.
func shellWithGrace(t *testing.T, preparations string, grace time.Duration) *process.Process {
	t.Helper()
	p := must.Get(process.Start(process.Options{
		Name:    "script",
		Path:    "/bin/sh",
		Args:    []string{"-c", preparations + "\necho prepared\nwhile :; do :; done"},
		LogFile: filepath.Join(t.TempDir(), "log"),
		Grace:   grace,
	}))(t)
	must.Cleanup(t, p.Kill)
	eventually(t, "the preparations", func() bool {
		return p.State() != nil || strings.Contains(p.LogTail(10), "prepared")
	})
	return p
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	holds := func(context.Context) (bool, error) { return condition(), nil }
	if err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, timeout, true, holds); err != nil {
		t.Fatalf("waited without success for %s: %v", what, err)
	}
}

func TestStopAsksBeforeItKills(t *testing.T) {
	p := shell(t, "trap 'echo asked; exit 3' TERM")
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if got := p.State().ExitCode(); got != 3 {
		t.Errorf("exit code %d, want the 3 of the script's own ending", got)
	}
	if err := p.ExitError().Error(); !strings.Contains(err, "exit status 3") || !strings.Contains(err, "asked") {
		t.Errorf("the exit error tells neither the code nor the log: %s", err)
	}
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	p := shellWithGrace(t, "trap '' TERM", 200*time.Millisecond)
	err := p.Stop()
	if err == nil || !strings.Contains(err.Error(), "was killed") || !strings.Contains(err.Error(), p.LogFile()) {
		t.Errorf("got error %v, want one that says that it was killed and where the log is", err)
	}
	if p.State() == nil {
		t.Error("the process runs after Stop")
	}
}

func TestStopEndsAPausedProcess(t *testing.T) {
	p := shell(t, ":")
	must.Do(t, p.Pause())
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

func TestStoppingTwiceIsNoError(t *testing.T) {
	p := shell(t, ":")
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestSecondStartKeepsTheLogOfTheFirst(t *testing.T) {
	first := shell(t, "echo first; exit")
	must.Get(first.Wait(t.Context()))(t)
	second := must.Get(process.Start(first.Options()))(t)
	must.Get(second.Wait(t.Context()))(t)
	content := must.Get(os.ReadFile(second.LogFile()))(t)
	if got := strings.Count(string(content), "first"); got != 2 {
		t.Errorf("%d starts are in the log, want 2:\n%s", got, content)
	}
}

func TestChildLeadsItsOwnProcessGroup(t *testing.T) {
	p := shell(t, ":")
	group := must.Get(syscall.Getpgid(p.PID()))(t)
	if group != p.PID() {
		t.Errorf("the child is in process group %d, so Ctrl-C would reach it; want its own, %d", group, p.PID())
	}
}

func TestMissingProgramIsNamed(t *testing.T) {
	_, err := process.Start(process.Options{Path: "/nowhere/at-all", LogFile: filepath.Join(t.TempDir(), "log")})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/at-all") {
		t.Errorf("got error %v, want one that names the program", err)
	}
}
