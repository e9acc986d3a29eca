package alerts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/alerts"
)

const (
	page      = "docs/monitoring.md"
	pageInWeb = "https://github.com/varmenne/varmenne-issuer/blob/main/" + page
)

func load(t *testing.T) []*alerts.Alert {
	t.Helper()
	data := promqltest.LoadedStorage(t, "")
	t.Cleanup(func() { _ = data.Close() })
	all, err := alerts.Load(root, promqltest.NewTestEngine(t, false, lookback, samples), data)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryAlertIsPlayed(t *testing.T) {
	played := map[string]bool{}
	for _, c := range testCases() {
		played[c.alert] = true
	}
	for _, alert := range load(t) {
		if !played[alert.Name()] {
			t.Errorf("no row lets %s fire", alert.Name())
		}
	}
}

func TestEveryAlertSaysHowBadItIsAndWhatToDo(t *testing.T) {
	for _, alert := range load(t) {
		t.Run(alert.Name(), func(t *testing.T) {
			if severity := alert.Labels().Get("severity"); severity != "warning" && severity != "critical" {
				t.Errorf("the severity is %q", severity)
			}
			for _, name := range []string{"summary", "description"} {
				if text := alert.Annotations().Get(name); text == "" || strings.HasSuffix(text, "\n") {
					t.Errorf("the %s is %q", name, text)
				}
			}
			// That is how GitHub names a heading.
			if want := pageInWeb + "#" + strings.ToLower(alert.Name()); alert.Annotations().Get("runbook_url") != want {
				t.Errorf("the runbook is %q, want %q", alert.Annotations().Get("runbook_url"), want)
			}
			if alert.HoldDuration() > time.Hour {
				t.Errorf("it waits for %s", alert.HoldDuration())
			}
		})
	}
}

func TestThePageExplainsEveryAlertAndNoOther(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	headings := regexp.MustCompile(`(?m)^### Varmenne\w+$`).FindAllString(string(content), -1)
	for i := range headings {
		headings[i] = strings.TrimPrefix(headings[i], "### ")
	}
	all := load(t)
	names := make([]string, 0, len(all))
	for _, alert := range all {
		names = append(names, alert.Name())
	}
	// Prometheus keeps the groups in no order.
	slices.Sort(headings)
	slices.Sort(names)
	if !slices.Equal(headings, names) {
		t.Errorf("%s has the headings\n%s\nand the alerts are\n%s",
			page, strings.Join(headings, "\n"), strings.Join(names, "\n"))
	}
}
