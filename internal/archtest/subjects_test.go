package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// shell runs a script in a directory, in the environment of an author of commits, and returns what it says. The script
// finds the directory of ours in $CI.
func shell(t *testing.T, directory, script string, arguments ...string) (string, error) {
	t.Helper()
	ci := must.Get(filepath.Abs("../../.ci"))(t)
	for _, file := range []string{"hooks/commit-msg", "subjects"} { // so that go test runs again when they change
		must.Get(os.ReadFile(filepath.Join(ci, file)))(t)
	}
	process := exec.CommandContext(t.Context(), "sh", append([]string{"-euc", script, "sh"}, arguments...)...)
	process.Dir = directory
	process.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "CI=" + ci,
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.fi", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.fi",
	}
	output, err := process.CombinedOutput()
	return string(output), err
}

func TestTheHookRefusesACommitWhoseSubjectBreaksTheRule(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	if said, err := shell(t, directory, `git init -q && git config core.hooksPath "$CI/hooks"`); err != nil {
		t.Fatal(err, said)
	}
	for claim, c := range map[string]struct{ message, problem string }{
		"an area and what changes": {"pki: refuse an ECDSA key", ""},
		"two areas":                {"e2e/node,docs: wait for the kubelet", ""},
		"a body with long lines":   {"pki: refuse an ECDSA key\n\n" + strings.Repeat("Because. ", 20), ""},
		"72 characters, not bytes": {"pki: " + strings.Repeat("ä", 67), ""},
		"73 characters":            {"pki: " + strings.Repeat("a", 68), "73 characters, 72 are allowed"},
		"a second line":            {"pki: refuse an ECDSA key\n" + strings.Repeat("a", 60), "85 characters"},
		"no area":                  {"Refuse an ECDSA key", "does not begin with what it is about"},
		"capital letters":          {"PKI: refuse an ECDSA key", "does not begin"},
		"a blank between areas":    {"pki, docs: refuse an ECDSA key", "does not begin"},
		"no blank":                 {"pki:refuse an ECDSA key", "does not begin"},
		"an area alone":            {"pki: ", "does not begin"},
		"an empty area":            {"pki,: refuse an ECDSA key", "does not begin"},
		"a merge":                  {"Merge branch 'keys'", "does not begin"},
	} {
		said, err := shell(t, directory, `git commit -q --allow-empty -m "$1"`, c.message)
		if !strings.Contains(said, c.problem) || (err != nil) != (c.problem != "") {
			t.Errorf("%s: %v, and it says %q", claim, err, said)
		}
	}
}

func TestSubjectsAreCheckedSinceTheRuleHolds(t *testing.T) {
	t.Parallel()
	for claim, c := range map[string]struct {
		script, says string
		fails        bool
	}{
		"older ones are not": {script: `"$CI/subjects" -since HEAD~1`},
		"each newer one is":  {`"$CI/subjects" -since HEAD~2`, `the subject "Break the rule" of commit`, true},
		"none in a shallow clone": {
			`git clone -q --depth=1 "file://$PWD" s && cd s && "$CI/subjects" -since $since`, "not in the history here", false,
		},
		"none without a repository": {`rm -rf .git && "$CI/subjects" -since $since`, "not in the history here", false},
	} {
		history := `commit() { git commit -q --allow-empty -m "$1"; }
			git init -q && commit Begin && commit "Break the rule" && commit "pki: keep the rule"; since=$(git rev-parse HEAD~2)
			`
		said, err := shell(t, t.TempDir(), history+c.script)
		if (said != "") != (c.says != "") || !strings.Contains(said, c.says) || (err != nil) != c.fails {
			t.Errorf("%s: %v, and it says %q", claim, err, said)
		}
	}
}
