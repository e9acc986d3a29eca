package stories

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
)

// reliability is what users read.
const reliability = "../../docs/reliability.md"

// TestThePageShowsTheRowsAsTheyAreRun compares the tables of the page with the rows.
func TestThePageShowsTheRowsAsTheyAreRun(t *testing.T) {
	t.Parallel()
	content := testkit.Must(os.ReadFile(reliability))(t)
	page := string(content)
	for name, table := range map[string]string{
		"service": serviceTable(), "outcomes": outcomeTable(), "people": peopleTable(), "cluster": clusterTable(),
	} {
		first, last := "<!-- "+name+": from e2e/stories -->\n", "<!-- end of "+name+" -->\n"
		start, end := strings.Index(page, first), strings.Index(page, last)
		if start < 0 || end < start {
			t.Fatalf("the page has no place for the table: %q and %q", first, last)
		}
		start += len(first)
		if page[start:end] != table && !*update {
			t.Errorf("the table %s is not that of the rows; `go test ./stories -run TestThePage -update` writes it:\n%s",
				name, table)
		}
		page = page[:start] + table + page[end:]
	}
	if *update {
		testkit.NoError(t, os.WriteFile(reliability, []byte(page), 0o600))
	}
}

func serviceTable() string {
	text := table("The service …", "What is said of it", signNew, renew, get)
	for _, fault := range serviceFaults() {
		name := func(operation string) string { return cmp.Or(fault.outcomes[operation].name, "–") }
		text.line("… "+fault.when, quote(fault.says), name(signNew), name(renew), name(get))
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
	for _, action := range userActions() {
		text.line(append([]string{"… " + action.what, action.during}, action.cells()...)...)
	}
	return text.String()
}

func clusterTable() string {
	text := table("What happens", "While an order …", "Reason of the event", "What is said", "Wasted", "It goes on")
	for _, disturbance := range disturbances() {
		for _, state := range orderStates() {
			text.line(append([]string{disturbance.what, "… " + state.during}, state.cells()...)...)
		}
	}
	return text.String()
}

// cells are an outcome in four cells.
func (o outcome) cells() []string {
	reasons, says := make([]string, 0, len(o.expected)), make([]string, 0, len(o.expected))
	for _, what := range o.expected {
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
