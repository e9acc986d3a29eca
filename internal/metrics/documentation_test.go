package metrics_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// page is where all series are explained.
const page = "../../docs/monitoring.md"

// row is a metric in the table of the page: its name, type and labels.
var row = regexp.MustCompile("(?m)^\\| `(varmenne_\\w+)` \\| (\\w+) \\| ([^|]*) \\| [^|]+ \\|$")

// TestThePageExplainsEveryMetricAndNoOther: with its type and labels.
func TestThePageExplainsEveryMetricAndNoOther(t *testing.T) {
	content := must.Get(os.ReadFile(page))(t)
	documented := map[string]string{}
	for _, found := range row.FindAllStringSubmatch(string(content), -1) {
		documented[found[1]] = found[2] + " of " + strings.ReplaceAll(found[3], "`", "")
	}
	families := must.Get(everything(t).Gather())(t)
	registered := map[string]string{}
	for _, family := range families {
		pairs := family.GetMetric()[0].GetLabel()
		labels := make([]string, 0, len(pairs))
		for _, label := range pairs {
			labels = append(labels, label.GetName())
		}
		slices.Sort(labels)
		registered[family.GetName()] = strings.ToLower(family.GetType().String()) + " of " + strings.Join(labels, ", ")
	}
	if difference := cmp.Diff(registered, documented); difference != "" {
		t.Errorf("%s differs from what is registered (-registered +documented):\n%s", page, difference)
	}
}
