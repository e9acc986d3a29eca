package docs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/varmenne/varmenne-issuer/e2e/howto"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// readersNamespace is what the pages call the namespace of their reader.
const readersNamespace = "tax-reporting"

// reader is somebody who types the commands of a page, in a directory of their own.
type reader struct {
	*scenario

	shell howto.Shell
}

func (s *scenario) reader() *reader {
	s.Helper()
	return &reader{scenario: s, shell: s.Shell()}
}

// follow does what a page says under a heading, in the scenario's namespace.
func (s *scenario) follow(page, heading string) {
	s.Helper()
	s.reader().follow(page, heading)
}

func (r *reader) follow(page, heading string, replacements ...howto.Replacement) {
	r.Helper()
	commands, err := commandsOf(r.T, page).Section(heading)
	if err != nil {
		r.Fatalf("%s: %v", page, err)
	}
	for i := range commands {
		text := testkit.Must(howto.Replace(commands[i].Text, replacementsIn(commands[i].Text, replacements)...))(r)
		commands[i].Text = strings.ReplaceAll(text, "-n "+readersNamespace, "-n "+r.Namespace)
	}
	if err := r.shell.Run(r.Context(), commands); err != nil {
		r.Fatalf("%s, %s: %v\n%s", page, heading, err, r.Picture())
	}
}

// replacementsIn are those that a text has something for.
func replacementsIn(text string, all []howto.Replacement) []howto.Replacement {
	var found []howto.Replacement
	for _, replacement := range all {
		if strings.Contains(text, replacement.Old) {
			found = append(found, replacement)
		}
	}
	return found
}

// write puts a file into the reader's directory.
func (r *reader) write(name, content string) {
	r.Helper()
	path := filepath.Join(r.shell.Dir, name)
	testkit.NoError(r, errors.Join(
		os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)))
}
