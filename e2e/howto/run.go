package howto

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// timeout bounds a command that waits for what does not come.
const timeout = 2 * time.Minute

// conflicts is how often a command is typed again that meets a conflict.
const conflicts = 5

// Shell runs commands one by one, as they are typed.
type Shell struct {
	// Dir is where the commands run.
	Dir string
	// Env is added to the environment.
	Env []string
	// Log is told every command with what it printed.
	Log func(format string, arguments ...any)
}

// Run runs commands. It ends at the first one that fails, in whatever part of its pipeline, or prints something of
// another shape than the page shows.
func (s Shell) Run(ctx context.Context, commands Page) error {
	for _, command := range commands {
		printed, err := s.Type(ctx, command.Text)
		s.Log("$ %s\n%s", command.Text, printed)
		// Somebody else was at work on the same object: whoever reads it types it again.
		for again := 0; err != nil && again < conflicts && strings.Contains(printed, "(Conflict)"); again++ {
			printed, err = s.Type(ctx, command.Text)
			s.Log("$ %s\n%s", command.Text, printed)
		}
		if err == nil && command.Output != "" {
			err = Compare(command.Output, printed)
		}
		if err != nil {
			return fmt.Errorf("line %d: $ %s: %w\n%s", command.Line, command.Text, err, printed)
		}
	}
	return nil
}

// Type runs one command, and returns what it prints.
func (s Shell) Type(ctx context.Context, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", text)
	command.Dir = s.Dir
	command.Env = append(os.Environ(), s.Env...)
	command.WaitDelay = time.Second
	printed, err := command.CombinedOutput()
	return string(printed), errors.Join(err, context.Cause(ctx))
}

// volatile is what differs from run to run, and what is shown in its place when two outputs are compared.
var volatile = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "<time>"},
	{regexp.MustCompile(`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT`), "<date>"},
	{regexp.MustCompile(`\b[0-9a-f]{20,}\b`), "<digest>"},
	{regexp.MustCompile(`\b[0-9A-Z]{26}\b`), "<id>"},
	{regexp.MustCompile(`\b(\d+[dhms])+\b`), "<duration>"},
	{regexp.MustCompile(` *= *`), "="}, // OpenSSL has changed how it writes names.
	{regexp.MustCompile(`[ \t]+`), " "},
}

// ellipsis ends a shown line whose rest does not matter.
const ellipsis = "…"

// Compare says where what was printed is not of the shape that is shown: other lines, names or columns. Times,
// durations and names that are made up at random may differ, and so may the width of columns.
func Compare(shown, printed string) error {
	want, got := linesOf(shown), linesOf(printed)
	for i, line := range want {
		if i >= len(got) {
			return fmt.Errorf("it has not printed the line %q", line)
		}
		start, open := strings.CutSuffix(line, ellipsis)
		if got[i] != line && (!open || !strings.HasPrefix(got[i], start)) {
			return fmt.Errorf("it has printed the line %q, and the page shows %q", got[i], line)
		}
	}
	if len(got) > len(want) {
		return fmt.Errorf("it has also printed the line %q", got[len(want)])
	}
	return nil
}

// linesOf are the lines of an output without what is volatile, and without the empty ones at its end.
func linesOf(text string) []string {
	lines := strings.Split(strings.TrimRight(text, " \n"), "\n")
	for i := range lines {
		for _, part := range volatile {
			lines[i] = part.pattern.ReplaceAllString(lines[i], part.name)
		}
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}
