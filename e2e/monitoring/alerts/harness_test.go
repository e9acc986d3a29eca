package alerts_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/alerts"
)

const (
	root = "../../.."
	// step is how often series have a value and alerts are evaluated.
	step = time.Minute
	// lookback is Prometheus' own.
	lookback = 5 * time.Minute
	samples  = 1_000_000
)

// healthy is what two replicas tell while all is well, in the notation of promtool's tests.
func healthy() []string {
	const leader, standby = `job="varmenne",namespace="issuers",pod="a",instance="a:8080"`,
		`job="varmenne",namespace="issuers",pod="b",instance="b:8080"`
	const rotator = `job="varmenne-messages",namespace="issuers",pod="m",instance="m:8080"`
	return []string{
		`varmenne_build_info{component="controller",` + leader + `} 1x300`,
		`varmenne_build_info{component="controller",` + standby + `} 1x300`,
		`varmenne_orders{state="Issued",` + leader + `} 3+1x300`,
		`varmenne_issuer_ready{kind="VeroIssuer",namespace="tax",name="vero",reason="Checked",pod="a"} 1x300`,
		lastCheck + `pod="a"} ` + checkedFrom(0, 300*time.Minute),
		`varmenne_certificaterequest_pending_created_timestamp_seconds` +
			`{namespace="tax",certificate="next",request="next-2",reason="WaitingForWindow",pod="a"} 0x300`,
		`varmenne_orders_pending_oldest_created_timestamp_seconds` +
			`{namespace="tax",operation="SignNewCertificate",reason="AwaitingCertificate",pod="a"} 0x300`,
		`varmenne_person_due_timestamp_seconds{namespace="tax",certificate="stamping",name="later",kind="ManualOrder",` +
			`reason="ApplicationDue",pod="a"} 86400x300`,
		`varmenne_tracked_certificate_expiration_timestamp_seconds{namespace="tax",name="stamp",pod="a"} 864000x300`,
		`varmenne_transfer_credentials_written_timestamp_seconds` +
			`{namespace="tax",secret="fresh",request="new-1",pod="a"} 0x300`,
		`varmenne_service_requests_total{operation="SignNewCertificate",code="OK",pod="a"} 0+1x300`,
		`varmenne_service_requests_total{operation="SignNewCertificate",code="PKI020",pod="a"} 0x300`,
		`varmenne_service_requests_total{operation="GetCertificate",code="OK",pod="a"} 0+1x300`,
		`varmenne_service_requests_total{operation="GetCertificate",code="PKI099",pod="a"} 0+2x300`,
		`varmenne_service_requests_total{operation="GetCertificate",code="NoResponse",pod="a"} 0x300`,
		`varmenne_service_requests_total{operation="GetCertificate",code="UntrustedResponse",pod="a"} 0x300`,
		`varmenne_service_requests_total{operation="GetCertificate",code="NoResponse",pod="b"} 0x300`,
		`controller_runtime_reconcile_errors_total{controller="request",` + leader + `} 0x300`,
		`varmenne_build_info{component="messages",` + rotator + `} 1x300`,
		`leader_election_master_status{` + rotator + `} 1x300`,
		`varmenne_messages_password_ready{namespace="mail",name="other",reason="Rotated",pod="m"} 1x300`,
		`varmenne_messages_password_since_timestamp_seconds{namespace="mail",name="other",origin="Rotated",pod="m"} 0x300`,
		`varmenne_messages_next_rotation_timestamp_seconds{namespace="mail",name="other",pod="m"} 86400x300`,
		`varmenne_messages_failed_logins{namespace="mail",name="other",pod="m"} 2x300`,
		`varmenne_messages_retrieval_late{namespace="mail",name="other",pod="m"} 0x300`,
		// Of somebody else's operator.
		`controller_runtime_reconcile_errors_total{controller="request",job="other",instance="c:8080"} 0+5x300`,
	}
}

// checkedFrom are the values of an issuer's last check, which is made every ten minutes from a moment on to another.
func checkedFrom(start, end time.Duration) string {
	const interval = 10 * time.Minute
	var values []string
	for ; start < end; start += interval {
		values = append(values, fmt.Sprintf("%.0fx%d", start.Seconds(), interval/step-1))
	}
	return strings.Join(values, " ")
}

// with replaces those of the series that are given, and adds the others.
func with(series []string, given ...string) []string {
	known := map[string]int{}
	result := slices.Clone(series)
	for i, line := range result {
		known[identity(line)] = i
	}
	for _, line := range given {
		if i, isKnown := known[identity(line)]; isKnown {
			result[i] = line
		} else {
			result = append(result, line)
		}
	}
	return result
}

// identity is a line without its values.
func identity(line string) string { return line[:strings.LastIndex(line, "}")+1] }

// replay evaluates every alert each minute, and returns what fires at a time, by the name of the alert.
func replay(t *testing.T, series []string, duration time.Duration) []map[string][]*rules.Alert {
	t.Helper()
	data := promqltest.LoadedStorage(t, fmt.Sprintf("load %s\n  %s", step, strings.Join(series, "\n  ")))
	t.Cleanup(func() { _ = data.Close() })
	all, err := alerts.Load(root, promqltest.NewTestEngine(t, false, lookback, samples), data)
	if err != nil {
		t.Fatal(err)
	}
	var firing []map[string][]*rules.Alert
	for now := time.Duration(0); now <= duration; now += step {
		at := map[string][]*rules.Alert{}
		for _, alert := range all {
			found, err := alert.Firing(t.Context(), time.Unix(0, 0).Add(now))
			if err != nil {
				t.Fatal(err)
			}
			if len(found) > 0 {
				at[alert.Name()] = found
			}
		}
		firing = append(firing, at)
	}
	return firing
}

// names are those of the alerts that fire.
func names(firing map[string][]*rules.Alert) []string { return slices.Sorted(maps.Keys(firing)) }
