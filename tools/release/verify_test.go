package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// commandsOf are the commands of a section of the page, each with what it is shown to print.
func commandsOf(t *testing.T, section string) [][2]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\n## "+section+"\n")
	rest, _, _ = strings.Cut(rest, "\n## ")
	var commands [][2]string
	inside := false
	for line := range strings.Lines(rest) {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside
		case inside && isCommand:
			commands = append(commands, [2]string{command})
		case inside:
			commands[len(commands)-1][1] += line
		}
	}
	if len(commands) == 0 {
		t.Fatalf("the page shows no commands under %q", section)
	}
	return commands
}

// reader is somebody who has a release with its signature, the public key, and a registry that it is published in.
type reader struct {
	assembly
	host string
}

func newReader(t *testing.T) reader {
	t.Helper()
	r := reader{assembled(t), startRegistry(t, false).host}
	key, _ := newKey(t)
	if err := publish(t, r.out, r.host, "-key", key); err != nil {
		t.Fatal(err)
	}
	inDirectory(t, r.out, "openssl", "pkey", "-in", key, "-pubout", "-out", "release.pub")
	return r
}

// enter types a command as the page shows it, but for the version and the registry, which has no TLS here.
func (r reader) enter(t *testing.T, text string) (string, error) {
	t.Helper()
	programs := t.TempDir()
	if err := os.Symlink(r.helm, filepath.Join(programs, "helm")); err != nil {
		t.Fatal(err)
	}
	text = strings.NewReplacer("0.2.0", testVersion, "registry.example", r.host, "helm pull", "helm pull --plain-http").
		Replace(text)
	command := exec.CommandContext(t.Context(), "sh", "-e", "-c", text)
	command.Dir, command.Env = r.out, append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
	output, err := command.CombinedOutput()
	return string(output), err
}

// enterAll types the commands of sections one after the other, up to the first one that fails.
func (r reader) enterAll(t *testing.T, sections ...string) (command, output string, err error) {
	t.Helper()
	for _, section := range sections {
		for _, c := range commandsOf(t, section) {
			output, err := r.enter(t, c[0])
			if err != nil || !strings.Contains(output, c[1]) {
				return c[0], output, err
			}
			t.Logf("$ %s%s", c[0], output)
		}
	}
	return "", "", nil
}

// verifying are the sections of which a reader types everything.
var verifying = []string{"The files", "The provenance", "What is in a registry"}

func TestTheCommandsOfThePageVerifyARelease(t *testing.T) {
	r := newReader(t)
	if command, output, err := r.enterAll(t, verifying...); command != "" {
		t.Fatalf("$ %s%s%v", command, output, err)
	}
	source := commandsOf(t, "The provenance")
	_, pushed := published(t, r.host, imageRepository)
	for i, wants := range [][]string{{"refs/tags/v1.2.3", testCommit}, {"image index", pushed.Digest.Hex}} {
		said, err := r.enter(t, source[i][0])
		for _, want := range wants {
			if !strings.Contains(said, want) {
				t.Errorf("$ %s%s (%v), want %s", source[i][0], said, err, want)
			}
		}
	}
}

func TestTheCommandsOfThePageNoticeWhatIsWrong(t *testing.T) {
	for claim, c := range map[string]struct {
		spoil func(r reader)
		fails string
	}{
		"another file": {func(r reader) { write(t, filepath.Join(r.out, "LICENSE"), "none") }, "sha256sum "},
		"another list": {func(r reader) {
			write(t, filepath.Join(r.out, "LICENSE"), "none")
			inDirectory(t, r.out, "sh", "-c", "sha256sum LICENSE > "+sumsFile)
		}, "openssl "},
	} {
		t.Run(claim, func(t *testing.T) {
			r := newReader(t)
			c.spoil(r)
			if command, output, _ := r.enterAll(t, verifying...); !strings.HasPrefix(command, c.fails) {
				t.Errorf("what fails is %q (%s), want %s", command, output, c.fails)
			}
		})
	}
}
