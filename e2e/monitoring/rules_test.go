package monitoring_test

import (
	"slices"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/varmenne/varmenne-issuer/e2e/monitoring/alerts"
)

// quiet are the alerts about what does not happen in the scenarios; package alerts fires them from made-up series.
var quiet = []string{
	"VarmenneControllerDown", "VarmenneNoLeader", "VarmenneControllerErrors", "VarmenneWatchFailing",
	"VarmenneServiceUnreachable", "VarmenneIssuerNotChecked",
	"VarmenneMessagesDown", "VarmenneMessagesNoLeader", "VarmenneMessagesRotationLate", "VarmenneMessagesFailedLogins",
	"VarmenneMessagesPasswordOld", "VarmenneMessagesPasswordTooOld",
}

// TestAlertsSeeTheFaultsOfTheScenarios: how long a fault has to last is left out, since no scenario does.
func TestAlertsSeeTheFaultsOfTheScenarios(t *testing.T) {
	recorded := shared.Get(t).recording
	all, err := alerts.Load(root, recorded.Engine, recorded.DB)
	if err != nil {
		t.Fatal(err)
	}
	names, err := recorded.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range all {
		t.Run(alert.Name(), func(t *testing.T) {
			for _, name := range metricsIn(alert.Query()) {
				if !names[name] {
					t.Errorf("it asks for %s, which no replica tells of", name)
				}
			}
			found, err := recorded.At(t.Context(), alert.Query().String())
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(quiet, alert.Name()) == (len(found) > 0) {
				t.Errorf("it sees %v", found)
			}
		})
	}
}

// metricsIn are the names of the series that an expression asks for.
func metricsIn(expression parser.Expr) []string {
	var names []string
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if selector, isSelector := node.(*parser.VectorSelector); isSelector {
			names = append(names, selector.Name)
		}
		return nil
	})
	return names
}

// TestNoTwoReplicasTellTheSame: also while one takes over from the other.
func TestNoTwoReplicasTellTheSame(t *testing.T) {
	recorded := shared.Get(t).recording
	const since = "_timestamp_seconds"
	for claim, query := range map[string]string{
		"orders are counted by one": `count by (state) (varmenne_orders) > 1`,
		"issuers are shown once":    `count by (kind, namespace, name) (varmenne_issuer_ready) > 1`,
		"checks are shown once":     `count by (kind, namespace, name) (varmenne_issuer_last_check` + since + `) > 1`,
		"requests are shown once": `count ` +
			`by (namespace, request, reason) (varmenne_certificaterequest_pending_created` + since + `) > 1`,
		"orders are shown once": `count ` +
			`by (namespace, operation, state, reason) (varmenne_orders_pending_oldest_created` + since + `) > 1`,
		"renewals are shown once":   `count by (namespace, request) (varmenne_renewal_failing_expiration` + since + `) > 1`,
		"persons are told once":     `count by (namespace, name, reason) (varmenne_person_due` + since + `) > 1`,
		"passwords are told once":   `count by (namespace, name) (varmenne_messages_password_ready) > 1`,
		"one replica has the lease": `sum by (name) (leader_election_master_status) > 1`,
		"all replicas are scraped":  `count(up) != 3`,
	} {
		found, err := recorded.Over(t.Context(), query, interval)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) > 0 {
			t.Errorf("%s: not so at %v", claim, found)
		}
	}
	took, err := recorded.At(t.Context(), `count(count_over_time(varmenne_orders{state="Issued"}[1h])) == 2`)
	if err != nil || len(took) != 1 {
		t.Errorf("both replicas should have worked: %v, %v", took, err)
	}
}
