package howto

import (
	"strings"
	"testing"
)

const page = `# Title

Text with ` + "`$ code`" + `.

## First

` + "```console" + `
$ echo one \
    two
one two
$ true
` + "```" + `

` + "```yaml" + `
# not a heading
$ not: a command
` + "```" + `

### Second

` + "```console" + `
$ date
2027-11-14T09:12:44Z

more
` + "```" + `
`

func TestACommandIsEverythingAfterItsPrompt(t *testing.T) {
	got, err := Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	want := Page{
		{Section: "First", Line: 8, Text: "echo one \\\n    two", Output: "one two\n"},
		{Section: "First", Line: 11, Text: "true"},
		{Section: "Second", Line: 22, Text: "date", Output: "2027-11-14T09:12:44Z\n\nmore\n"},
	}
	if len(got) != len(want) {
		t.Fatalf("found %d commands, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("command %d is %+v, want %+v", i, got[i], want[i])
		}
	}
	if sections := strings.Join(got.Sections(), ", "); sections != "First, Second" {
		t.Errorf("the commands are under %s", sections)
	}
	if _, err := got.Section("Third"); err == nil {
		t.Error("a heading that does not exist has commands")
	}
}

func TestABlockThatNobodyWouldRunIsAnError(t *testing.T) {
	for claim, text := range map[string]string{
		"another language":      "```sh\nls\n```\n",
		"no language":           "```\n$ ls\n```\n",
		"output before prompts": "```console\nls\n```\n",
		"a block without end":   "```console\n$ ls\n",
	} {
		if commands, err := Parse(text); err == nil {
			t.Errorf("%s: read as %+v", claim, commands)
		}
	}
}

func TestAReplacementHasToFindSomething(t *testing.T) {
	got, err := Replace("a 1440h b 1440h", Replacement{Old: "1440h", New: "1m"}, Replacement{Old: "a 1m", New: "c"})
	if err != nil || got != "c b 1m" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Replace("1440h", Replacement{Old: "1441h", New: "1m"}); err == nil {
		t.Error("what is not there was replaced")
	}
}

func TestACommandThatFailsFailsThePage(t *testing.T) {
	for claim, commands := range map[string]Page{
		"it fails":                         {{Text: "false"}},
		"it does not exist":                {{Text: "no-such-program"}},
		"the first part of a pipe fails":   {{Text: "false | cat"}},
		"a later one":                      {{Text: "true"}, {Text: "exit 3"}},
		"a variable that nobody has set":   {{Text: "echo $NO_SUCH_VARIABLE"}},
		"its output is not what is shown":  {{Text: "echo one", Output: "two\n"}},
		"it prints nothing of what is":     {{Text: "true", Output: "two\n"}},
		"its errors are not what is shown": {{Text: "echo oops >&2; echo two", Output: "two\n"}},
	} {
		shell := Shell{Dir: t.TempDir(), Log: t.Logf}
		if err := shell.Run(t.Context(), commands); err == nil {
			t.Errorf("%s: the page passed", claim)
		}
	}
}

func TestACommandSeesTheFilesAndTheEnvironmentOfTheReader(t *testing.T) {
	shell := Shell{Dir: t.TempDir(), Env: []string{"NAME=vero"}, Log: t.Logf}
	err := shell.Run(t.Context(), Page{
		{Text: "echo $NAME > file"}, {Text: "cat \\\n  file", Output: "vero\n"},
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOnlyWhatDiffersFromRunToRunMayDiffer(t *testing.T) {
	const shown = "NAME        AGE\nrenew-0123456789abcdef0123   671d\n\nat 2027-11-14T09:12:44Z …\nsubject=CN = 1-2\n"
	const printed = "NAME AGE\nrenew-abcdefabcdefabcdefab 1m5s\n\nat 2026-01-01T00:00:00Z or so\nsubject=CN=1-2\n"
	if err := Compare(shown, printed); err != nil {
		t.Errorf("other times, names made up at random and widths: %v", err)
	}
	for claim, change := range map[string]Replacement{
		"another name":     {Old: "renew-", New: "sign-"},
		"another column":   {Old: "NAME", New: "NAME READY"},
		"another line":     {Old: "at 2026", New: "until 2026"},
		"a line more":      {Old: "CN=1-2\n", New: "CN=1-2\nmore\n"},
		"a line less":      {Old: "subject=CN=1-2\n", New: ""},
		"another value":    {Old: "CN=1-2", New: "CN=1-3"},
		"no time at all":   {Old: "2026-01-01T00:00:00Z", New: "<none>"},
		"nothing whatever": {Old: printed, New: ""},
	} {
		other, err := Replace(printed, change)
		if err != nil {
			t.Fatal(err)
		}
		if Compare(shown, other) == nil {
			t.Errorf("%s: not noticed", claim)
		}
	}
}
