package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/internal/must"
)

// flagsPage is generated.
const (
	flagsPage  = "docs/reference/flags.md"
	pluginPage = "docs/reference/kubectl-varmenne.md"
)

// ofOthers are flags of programs that are not ours.
var ofOthers = strings.Fields(`
	version help from-file from-literal cert key for timeout type patch as dry-run field-selector subresource replicas
	overwrite namespace create-namespace set values wait reuse-values reset-then-reuse-values show-only no-hooks
	take-ownership all from-backup include-namespaces exclude-resources status-include-resources
	rawfile arg patch-file cacert manifest archive check strict destination insecure-ignore-tlog cascade server-side
	validate plain-http`)

// ofTheTests are variables of the tests themselves, which only their page names.
var ofTheTests = []string{
	"VARMENNE_REQUIRE_ENVTEST", "VARMENNE_REQUIRE_NODE", "VARMENNE_REQUIRE_BROWSER", "VARMENNE_KEEP_NODE",
	"VARMENNE_KUBECONFIG", "VARMENNE_IMAGE", "VARMENNE_PREVIOUS_IMAGE", "VARMENNE_HELM",
	"VARMENNE_E2E_KUBERNETES", "VARMENNE_E2E_CERT_MANAGER",
}

// histogram are the ends of the names of series that one metric has.
var histogram = regexp.MustCompile(`_(bucket|sum|count)$`)

// name is a kind of name that pages mention.
type name struct {
	// pattern is what such names look like; the groups that match are the name.
	pattern string
	// right reports whether a page may name it.
	right func(page, name string) bool
	// least is how many names there are, so that a pattern that has become wrong is noticed.
	least int
}

// names are what pages mention, by the claim about it.
func names(t *testing.T) map[string]name {
	t.Helper()
	makefile, flags, values := read(t, "Makefile"), read(t, flagsPage)+read(t, pluginPage), chartValues(t)
	var chart struct {
		AppVersion string `json:"appVersion"`
	}
	must.Do(t, yaml.Unmarshal([]byte(read(t, "charts", "varmenne-issuer", "Chart.yaml")), &chart))
	// Names of metrics are looked for in the sources: many series appear only when something happens.
	sources := sourceOf(t, "internal/metrics", "internal/app")
	return map[string]name{
		"every make target that is named exists": {
			"(?m)(?:`|^\\$ |^|=1 )make ([a-z0-9-]+)",
			func(_, target string) bool { return strings.Contains(makefile, "\n"+target+":") }, 1,
		},
		"every flag that is named exists": {"(?:^|[\\s`(])--([a-z][a-z-]+)", func(_, flag string) bool {
			return slices.Contains(ofOthers, flag) || regexp.MustCompile("`--"+flag+"[ `]").MatchString(flags)
		}, 1},
		"every variable of controller and simulator that is named stands for a flag": {
			`(VARMENNE_[A-Z_]+[A-Z])`, func(page, variable string) bool {
				ofTests := slices.Contains(ofTheTests, variable) && page == "CONTRIBUTING.md"
				return ofTests || strings.Contains(flags, "`"+variable+"`")
			}, 1,
		},
		"every metric that is named exists": {`\b(varmenne_[a-z_]*[a-z])\b`, func(_, metric string) bool {
			plain := histogram.ReplaceAllString(metric, "")
			return strings.Contains(sources, `"`+metric+`"`) || strings.Contains(sources, `"`+plain+`"`)
		}, 1},
		// `words.with.dots` that begin as a value does, and --set. The first word "service" is a part of other names.
		"every value of the chart that is named exists": {
			"`([a-z][A-Za-z]*(?:\\.[A-Za-z]+)+)(?::[^`]*)?`|--set ([A-Za-z.]+)=", func(_, value string) bool {
				path := strings.Split(value, ".")
				_, ours := values[path[0]]
				return !ours || path[0] == "service" || exists(values, path)
			}, 1,
		},
		// With another tag, whoever follows the first steps waits for an image that nobody has.
		"the image that is made is the one that the chart asks for": {
			`make image VERSION=(\S+)|docker://\S+/varmenne-issuer:(\S+)`,
			func(_, version string) bool { return version == chart.AppVersion }, 4,
		},
		// Those belong to where something was made, not to what it is.
		"no registry and no machine is named": {
			`(?i)(\b(?:docker|ghcr|quay|gcr|registry)\.[a-z0-9.-]*(?:io|dev|com|org)\b|/(?:work|root)/)`,
			func(_, _ string) bool { return false }, 0,
		},
	}
}

func TestWhatPagesNameIsRight(t *testing.T) {
	all := pages(t)
	for claim, c := range names(t) {
		t.Run(claim, func(t *testing.T) {
			found := 0
			for page, content := range all {
				for _, match := range regexp.MustCompile(c.pattern).FindAllStringSubmatch(content, -1) {
					found++
					if named := strings.Join(match[1:], ""); !c.right(page, named) {
						t.Errorf("%s names %s", page, named)
					}
				}
			}
			if found < c.least {
				t.Errorf("only %d names were found", found)
			}
		})
	}
}
