package metrics_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/outline"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

func newMetrics(t *testing.T) (*metrics.Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	series := must.Get(metrics.New(registry))(t)
	return series, registry
}

// compare fails the test unless the series of that name have these values, each by its labels as an exposition writes
// them; those with the value 0 may be left out.
func compare(t *testing.T, gatherer prometheus.Gatherer, name string, want map[string]float64) {
	t.Helper()
	families := must.Get(gatherer.Gather())(t)
	got := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, series := range family.GetMetric() {
			labels := make([]string, 0, len(series.GetLabel()))
			for _, label := range series.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", label.GetName(), label.GetValue()))
			}
			key := strings.Join(labels, ",")
			if value := series.GetCounter().GetValue() + series.GetGauge().GetValue(); value != 0 || want[key] != 0 {
				got[key] = value
			}
		}
	}
	if difference := cmp.Diff(want, got, cmpopts.EquateEmpty()); difference != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, difference)
	}
}

// everything is a registry in which every series of the controller has a value.
func everything(t *testing.T) prometheus.Gatherer {
	t.Helper()
	series, registry := newMetrics(t)
	series.IssuerReady(v1alpha1.KindVeroIssuer, "a", "vero", v1alpha1.ReasonChecked, true)
	series.IssuerChecked(v1alpha1.KindVeroIssuer, "a", "vero", time.Unix(1, 0))
	series.RequestUnserved(request("a", "tax", "tax-1"), v1alpha1.ReasonDenied)
	series.RenewalFailing("a", "tax", "tax-1", v1alpha1.ReasonDenied, time.Unix(1, 0))
	series.CredentialsUnspent(request("a", "tax", "tax-1"), "vero-transfer", time.Unix(1, 0))
	registry.MustRegister(metrics.BuildInfo(metrics.ComponentController, "1.2.3", "abc"),
		collector(order("a", v1alpha1.VeroOrderPending)),
		persons([]outline.ManualOrder{waiting(v1alpha1.ReasonApplicationDue, false)}, tracked()),
		passwords(inFlight()))
	other := prometheus.NewPedanticRegistry() // of another process
	must.Get(metrics.NewMessages(other, []string{"token"}, []string{"Done"}))(t)
	return prometheus.Gatherers{registry, other}
}

func TestNamesAndTexts(t *testing.T) {
	problems := must.Get(testutil.GatherAndLint(everything(t)))(t)
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestRegisteringTwiceFails(t *testing.T) {
	_, registry := newMetrics(t)
	if _, err := metrics.New(registry); err == nil {
		t.Error("no error")
	}
}

func TestBuildInfoTellsWhatIsRunning(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(metrics.BuildInfo(metrics.ComponentController, "1.2.3", "abc"))
	compare(t, registry, "varmenne_build_info", map[string]float64{
		fmt.Sprintf(`commit="abc",component="controller",go_version=%q,version="1.2.3"`, runtime.Version()): 1,
	})
}
