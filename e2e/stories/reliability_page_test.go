package stories

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// cost is what was wasted: spent beside the credentials that have brought the certificate.
type cost struct {
	// words are those of the page.
	words string
	// orders is how many SignNewCertificate the service has accepted beside the one that has led to the certificate.
	orders int
}

var (
	nothing     = cost{words: "nothing"}
	credentials = cost{words: "the transfer credentials", orders: 1}
	underWay    = cost{words: "what was under way"}
)

// continuation is how it goes on.
type continuation struct {
	// words are those of the page.
	words string
	// do is what a person does for that; nil where it goes on by itself.
	do func(*testCase)
}

var (
	byItself = continuation{words: "by itself"}
	afterNew = continuation{
		words: "with new transfer credentials in the Secret",
		do:    func(s *testCase) { s.ReplaceCredentials(s.Mint()) },
	}
)

// outcome is what comes of a fault, an action or a disturbance.
type outcome struct {
	// name is what the table of faults calls it.
	name string
	// expected is what the user reads. The first message also has the words that say what the fault is.
	expected []expectation
	spent    cost
	then     continuation
	// repeats is how many calls of an operation come of it beside the one that it hits. None are counted for
	// GetCertificate, which is repeated in any case.
	repeats map[string]int
}

// saying is the outcome whose first message has further words, before its own.
func (o outcome) saying(words ...string) outcome {
	if len(words) == 0 {
		return o // there may be no message at all
	}
	o.expected = slices.Clone(o.expected)
	o.expected[0].says = slices.Concat(words, o.expected[0].says)
	return o
}

// follow checks what the user reads, and does what is then to be done.
func (o outcome) follow(s *testCase, words ...string) {
	s.Helper()
	for _, what := range o.saying(words...).expected {
		s.expect(what)
	}
	if o.then.do != nil {
		o.then.do(s)
	}
}

// spends fails the test case unless the service has accepted as much as that: bought is what was bought on purpose.
func (s *testCase) spends(spent cost, bought int) {
	s.Helper()
	if accepted := s.Accepted(); len(accepted) != bought+spent.orders {
		s.Errorf("the service has accepted %d SignNewCertificate, want %d: %+v",
			len(accepted), bought+spent.orders, accepted)
	}
}

// certificateKey is where the sample Certificate is.
func (s *testCase) certificateKey() client.ObjectKey {
	return client.ObjectKey{Namespace: s.Namespace, Name: certificateName}
}

// theCertificate is the sample Certificate as the API server has it.
func (s *testCase) theCertificate() *cmapi.Certificate {
	s.Helper()
	return tenant.Get(s.Tenant, certificateName, &cmapi.Certificate{})
}

// held is how long the service holds a response back: enough to interfere, less than a call may take.
const held = admin.Duration(12 * time.Second)

// unnoticed is what comes of something that harms nobody.
var unnoticed = outcome{spent: nothing, then: byItself}

// reliability is what users read.
const reliability = "../../docs/reliability.md"

// TestThePageShowsTheRowsAsTheyAreRun compares the tables of the page with the rows.
func TestThePageShowsTheRowsAsTheyAreRun(t *testing.T) {
	t.Parallel()
	content := must.Get(os.ReadFile(reliability))(t)
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
		must.Do(t, os.WriteFile(reliability, []byte(page), 0o600))
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
	text := table("Outcome", "Reason", "What is said besides", "Wasted", "It goes on")
	for _, outcome := range outcomes() {
		text.line(append([]string{"**" + outcome.name + "**"}, outcome.cells()...)...)
	}
	return text.String()
}

func peopleTable() string {
	text := table("Somebody …", "When", "Reason", "What is said", "Wasted", "It goes on")
	for _, action := range userActions() {
		text.line(append([]string{"… " + action.what, action.during}, action.cells()...)...)
	}
	return text.String()
}

func clusterTable() string {
	text := table("What happens", "While an order …", "Reason", "What is said", "Wasted", "It goes on")
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
