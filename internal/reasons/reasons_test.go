package reasons_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

const root = "../../"

func TestEveryReasonOfTheAPIHasARow(t *testing.T) {
	var defined []string
	const file = root + "api/v1alpha1/conditions.go"
	source := must.Get(parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution))(t)
	ast.Inspect(source, func(node ast.Node) bool {
		spec, isSpec := node.(*ast.ValueSpec)
		if isSpec && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			defined = append(defined, must.Get(strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value))(t))
		}
		return true
	})
	slices.Sort(defined)
	if difference := cmp.Diff(defined, slices.Sorted(maps.Keys(reasons.All()))); difference != "" {
		t.Errorf("the constants and the rows differ (-constants +rows):\n%s", difference)
	}
}

func TestAnUnknownReasonIsTakenSeriously(t *testing.T) {
	if got := reasons.Of("SomethingNew"); got.Quiet || got.Renewal != reasons.Fails || got.Credentials != reasons.Spent {
		t.Errorf("it means %+v", got)
	}
}

// otherReasons in the alerts are cert-manager's own.
var otherReasons = []string{"Failed"}

// generalAlerts name no reasons: they take all that are not another alert's, or go by a time.
var generalAlerts = []string{
	"VarmenneIssuerNotReady", "VarmenneMessagesNeedsPerson", "VarmenneMessagesPasswordNotReady",
	"VarmenneMessagesPasswordOld", "VarmenneMessagesPasswordTooOld", "VarmenneMessagesRetrievalLate",
}

// TestTheAlertsNameTheReasonsOfTheTable in both directions.
func TestTheAlertsNameTheReasonsOfTheTable(t *testing.T) {
	content := must.Get(os.ReadFile(root + "charts/varmenne-issuer/files/rules.yaml"))(t)
	named := map[string]string{}
	for _, general := range generalAlerts {
		if !strings.Contains(string(content), "- alert: "+general+"\n") {
			t.Errorf("there is no alert %s", general)
		}
	}
	for alert := range strings.SplitSeq(string(content), "- alert: ") {
		name, rule, _ := strings.Cut(alert, "\n")
		for _, selector := range regexp.MustCompile(`reason=~?"([^"]+)"`).FindAllStringSubmatch(rule, -1) {
			for reason := range strings.SplitSeq(selector[1], "|") {
				// Of two alerts that differ in the time that is left, the first.
				if _, isNamed := named[reason]; !isNamed && !slices.Contains(otherReasons, reason) {
					named[reason] = name
				}
			}
		}
	}
	want := map[string]string{}
	for reason, meaning := range reasons.All() {
		if meaning.Alert != "" && !slices.Contains(generalAlerts, meaning.Alert) {
			want[reason] = meaning.Alert
		}
	}
	if difference := cmp.Diff(want, named); difference != "" {
		t.Errorf("the alerts and the table differ (-table +alerts):\n%s", difference)
	}
}
