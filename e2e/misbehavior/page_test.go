package misbehavior

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// reliability is what users read.
const reliability = "../../docs/reliability.md"

// TestThePageShowsTheRowsAsTheyArePlayed compares the tables of the page with the rows.
func TestThePageShowsTheRowsAsTheyArePlayed(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(reliability)
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	for name, table := range map[string]string{
		"service": serviceTable(), "outcomes": outcomeTable(), "people": peopleTable(), "cluster": clusterTable(),
	} {
		first, last := "<!-- "+name+": from e2e/misbehavior -->\n", "<!-- end of "+name+" -->\n"
		start, end := strings.Index(page, first), strings.Index(page, last)
		if start < 0 || end < start {
			t.Fatalf("the page has no place for the table: %q and %q", first, last)
		}
		start += len(first)
		if page[start:end] != table && !*update {
			t.Errorf("the table %s is not that of the rows; `go test ./misbehavior -run TestThePage -update` writes it:\n%s",
				name, table)
		}
		page = page[:start] + table + page[end:]
	}
	if *update {
		if err := os.WriteFile(reliability, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsToldElsewhereIsTold looks for the tests that rows name, and for the texts of the rows in them.
func TestWhatIsToldElsewhereIsTold(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../stories/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	files := make([]string, 0, len(paths))
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(content))
	}
	for _, deed := range deeds() {
		if (deed.elsewhere == "") == (deed.play == nil) {
			t.Errorf("%s %s: it is played here, or told elsewhere; which?", deed.what, deed.during)
		}
		if deed.elsewhere == "" {
			continue
		}
		index := slices.IndexFunc(files, func(file string) bool {
			return strings.Contains(file, "func "+deed.elsewhere+"(t *testing.T) {")
		})
		if index < 0 {
			t.Errorf("%s %s: there is no %s in e2e/stories", deed.what, deed.during, deed.elsewhere)
			continue
		}
		for _, what := range deed.told {
			for _, text := range what.says {
				if !strings.Contains(files[index], strings.TrimSpace(names.Replace(text))) {
					t.Errorf("%s %s: there is no %q where %s is", deed.what, deed.during, text, deed.elsewhere)
				}
			}
		}
	}
}

// names leaves out of a text what stands in a constant where it is compared.
var names = strings.NewReplacer(transferName, "", customerID, "")

func serviceTable() string {
	text := table("The service …", "What is said of it", signNew, renew, get)
	for _, trouble := range troubles() {
		name := func(operation string) string { return cmp.Or(trouble.outcomes[operation].name, "–") }
		text.line("… "+trouble.when, quote(trouble.says), name(signNew), name(renew), name(get))
	}
	return text.String()
}

func outcomeTable() string {
	text := table("Outcome", "Reason of the event", "What is said besides", "Wasted", "It goes on")
	for _, outcome := range outcomes() {
		text.line(append([]string{"**" + outcome.name + "**"}, outcome.cells()...)...)
	}
	return text.String()
}

func peopleTable() string {
	text := table("Somebody …", "When", "Reason of the event", "What is said", "Wasted", "It goes on")
	for _, deed := range deeds() {
		text.line(append([]string{"… " + deed.what, deed.during}, deed.cells()...)...)
	}
	return text.String()
}

func clusterTable() string {
	text := table("What happens", "While an order …", "Reason of the event", "What is said", "Wasted", "It goes on")
	for _, disturbance := range disturbances() {
		for _, plight := range plights() {
			text.line(append([]string{disturbance.what, "… " + plight.during}, plight.cells()...)...)
		}
	}
	return text.String()
}

// cells are an outcome in four cells.
func (o outcome) cells() []string {
	reasons, says := make([]string, 0, len(o.told)), make([]string, 0, len(o.told))
	for _, what := range o.told {
		reasons = append(reasons, "`"+what.reason+"`")
		says = append(says, quote(what.says))
	}
	const then = ", then "
	return []string{
		cmp.Or(strings.Join(reasons, then), "–"), cmp.Or(strings.Join(says, then), "–"), o.spent.words, o.then.words,
	}
}

// hidden is what makes a text something else to markdown.
var hidden = regexp.MustCompile("[|<>*`]")

// quote shows parts of a message.
func quote(parts []string) string {
	return "“" + hidden.ReplaceAllString(strings.Join(parts, " … "), `\$0`) + "”"
}

// lines are a table of the page.
type lines struct{ strings.Builder }

func table(headings ...string) *lines {
	begun := &lines{}
	begun.line(headings...)
	begun.line(slices.Repeat([]string{"---"}, len(headings))...)
	return begun
}

func (l *lines) line(cells ...string) { fmt.Fprintf(l, "| %s |\n", strings.Join(cells, " | ")) }
