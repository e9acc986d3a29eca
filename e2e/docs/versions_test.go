package docs

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
	"sigs.k8s.io/yaml"

	"github.com/varmenne/varmenne-issuer/e2e/compat"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// TestTheTableOfVersionsIsOfThePinnedOnes: a pin that changes has the stories run again.
func TestTheTableOfVersionsIsOfThePinnedOnes(t *testing.T) {
	rows := must.Get(compat.Rows(read(t, compat.Page)))(t)
	for _, pair := range compat.Pairs() {
		want := must.Get(compat.NewRow(pair))(t)
		if !slices.ContainsFunc(rows, func(row compat.Row) bool {
			return row.Kubernetes == want.Kubernetes && row.CertManager == want.CertManager
		}) {
			t.Errorf("%s has no row of Kubernetes %s with cert-manager %s; `make compat` writes it",
				compat.Page, want.Kubernetes, want.CertManager)
		}
	}
	if len(rows) != len(compat.Pairs()) {
		t.Errorf("%s has %d rows of versions, want %d", compat.Page, len(rows), len(compat.Pairs()))
	}
}

// TestTheOldestVersionsAreSaidAlike: the chart refuses a Kubernetes that is older than what was run, and pages name it.
func TestTheOldestVersionsAreSaidAlike(t *testing.T) {
	oldest := must.Get(compat.NewRow(compat.Pairs()[0]))(t)
	kubernetes := strings.TrimPrefix(semver.MajorMinor("v"+oldest.Kubernetes), "v")
	certManager := strings.TrimPrefix(semver.MajorMinor("v"+oldest.CertManager), "v")
	var chart struct {
		KubeVersion string `json:"kubeVersion"`
	}
	must.Do(t, yaml.Unmarshal([]byte(read(t, "charts/varmenne-issuer/Chart.yaml")), &chart))
	if want := ">= " + kubernetes + ".0-0"; chart.KubeVersion != want {
		t.Errorf("the chart's kubeVersion is %q, want %q", chart.KubeVersion, want)
	}
	for page, sentences := range map[string][]string{
		"README.md": {
			"Kubernetes " + kubernetes + " or later", "cert-manager " + certManager + " or later",
		},
		"docs/getting-started.md": {
			"Kubernetes " + kubernetes + " or later", "(https://cert-manager.io) " + certManager + " or later",
		},
		compat.Page: {
			"| Kubernetes | " + kubernetes + " or later", "| cert-manager | " + certManager + " or later",
		},
	} {
		for _, sentence := range sentences {
			if !strings.Contains(read(t, page), sentence) {
				t.Errorf("%s does not say %q", page, sentence)
			}
		}
	}
}
