package bench

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmutil "github.com/cert-manager/cert-manager/pkg/api/util"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const (
	// carried is how many ManualOrders wait for a person, allowedMiB how much more memory than without any they may take.
	carried    = 5000
	allowedMiB = 40
	// restTime is how long the controller is watched while nothing happens. Orders and requests are looked at hourly.
	restTime = 2 * time.Minute
	// quiet is for how long nothing is looked at before that: a new request is looked at once more after half a minute.
	quiet = 40 * time.Second
	// forgotten is when client-go has forgotten an event, which it keeps to count further ones like it: it looks every six
	// minutes for those that are six minutes old.
	forgotten = 13 * time.Minute
	// seldom is how often the controller is asked meanwhile, since thousands of series are many.
	seldom = 5 * time.Second
	// busy bounds what takes minutes, since every order means a dozen writes.
	busy = 20 * time.Minute
	// controllerUser is who the controller is to the API server.
	controllerUser = "system:serviceaccount:varmenne-issuer:varmenne-issuer"
	stamping       = "stamping"
)

// reconciled are the controllers that look at an order that waits.
var reconciled = []string{"ManualOrder", "request"}

// BenchmarkFiveThousandManualOrders reports what 5,000 orders that wait for a person cost: how much more memory the
// controller has once it has made them (live), and when it was started beside them; how long it takes to make them, and
// to look at all of them after a start; how many requests to the API server an order means then; and how much CPU time
// the controller takes while nothing happens. It fails where that is more than 40 MiB, and where the controller writes
// anything after a start, or looks at one of them within two minutes.
func BenchmarkFiveThousandManualOrders(b *testing.B) {
	w := startWith(b, world.Options{AuditPolicy: auditPolicy(b)})
	must.Do(b, w.Cluster.StopCertManager()) // it would make keys of its own
	for b.Loop() {
		restart(b, w)
		idle := rest(b, w)
		must.Do(b, w.StopController())
		makeWaiting(b, w)
		started := time.Now()
		restart(b, w)
		b.ReportMetric(untilSeen(b, started, seldom, busy, made(w)).Seconds(), "s-made")
		reportRequests(b, w, started, "made")
		untilSeen(b, time.Now(), forgotten, busy, after(forgotten))
		live := rest(b, w)

		started = time.Now()
		b.ReportMetric(restart(b, w).Seconds(), "s-start")
		b.ReportMetric(untilSeen(b, started, seldom, busy, looked(w)).Seconds(), "s-looked")
		more := rest(b, w)
		if written := reportRequests(b, w, started, "looked"); written > 0 {
			b.Errorf("after the start it has written %d times", written)
		}
		b.ReportMetric(idle, "MiB-idle")
		b.ReportMetric(live-idle, "MiB-more-live")
		b.ReportMetric(more-idle, "MiB-more")
		b.ReportMetric(peakMiB(b, w.Controller().PID())-idle, "MiB-peak-more")
		if most := max(more, live) - idle; most > allowedMiB {
			b.Errorf("%.0f MiB, and with %d orders that wait %.0f more at once and %.0f after a start, where %d are allowed",
				idle, carried, live-idle, more-idle, allowedMiB)
		}
	}
}

// rest is the controller's resident memory in MiB after it was left alone for a while, in which it must not look at
// anything.
func rest(b *testing.B, w *world.World) float64 {
	b.Helper()
	var before float64
	untilSeen(b, time.Now(), quiet, busy, func(ctx context.Context) (bool, error) {
		earlier := before
		before = looks(ctx, b, w)
		return before == earlier, nil
	})
	busyBefore, resting := cpuSeconds(b, w), time.Now()
	untilSeen(b, resting, seldom, busy, after(restTime))
	resident := residentMiB(b, w.Controller().PID())
	if more := looks(b.Context(), b, w) - before; more > 0 {
		b.Errorf("%.0f looks within %s at what waits", more, restTime)
	}
	b.ReportMetric((cpuSeconds(b, w)-busyBefore)/restTime.Hours(), "cpu-s/h")
	return resident
}

// after reports whether so much time has passed since now.
func after(passed time.Duration) func(context.Context) (bool, error) {
	since := time.Now()
	return func(context.Context) (bool, error) { return time.Since(since) >= passed, nil }
}

// reportRequests reports how many requests to the API server an order has meant since a moment, and returns how many of
// all of them were writes. What is in other namespaces, such as the lease, has nothing to do with orders.
func reportRequests(b *testing.B, w *world.World, since time.Time, phase string) int {
	b.Helper()
	requests, written := map[string]int{}, 0
	for _, entry := range audited(b, w) {
		of := entry.ObjectRef.Resource
		if entry.StageTimestamp.Before(since) || entry.ObjectRef.Namespace != stamping {
			continue
		}
		switch entry.Verb {
		case "list", "watch":
		case "get":
			requests["reads"]++
			requests["reads of "+of]++
		default:
			written++
			requests["writes"]++
			requests[entry.Verb+" "+of]++
		}
	}
	b.Logf("%s: %v", phase, requests)
	b.ReportMetric(float64(requests["reads"])/carried, "reads/"+phase)
	b.ReportMetric(float64(requests["writes"])/carried, "writes/"+phase)
	return written
}

// auditPolicy has the API server write down what the controller asks for.
func auditPolicy(b *testing.B) string {
	b.Helper()
	policy := filepath.Join(b.TempDir(), "audit.yaml")
	must.Do(b, os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"+
		"rules:\n- {level: Metadata, users: ["+controllerUser+"]}\n- {level: None}\n"), 0o600))
	return policy
}

// audited are the entries about the controller. The API server begins a new log after every 100 MB.
func audited(b *testing.B, w *world.World) []testkit.AuditEntry {
	b.Helper()
	logs := must.Get(filepath.Glob(filepath.Join(filepath.Dir(w.Cluster.AuditLog()), "audit*.log")))(b)
	entries := make([]testkit.AuditEntry, 0, len(logs))
	for _, log := range logs {
		entries = append(entries, must.Get(testkit.ReadAuditLog(log, controllerUser))(b)...)
	}
	return entries
}

// made reports whether every order waits for a person, and every request says so.
func made(w *world.World) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		requests := &cmapi.CertificateRequestList{}
		if err := w.Client.List(ctx, requests, client.InNamespace(stamping)); err != nil {
			return false, err
		}
		number := 0
		for i := range requests.Items {
			ready := cmutil.GetCertificateRequestCondition(&requests.Items[i], cmapi.CertificateRequestConditionReady)
			if ready != nil && strings.Contains(ready.Message, "carry the request to the authority") {
				number++
			}
		}
		return number == carried, nil
	}
}

// looked reports whether the controller has looked at every order and every request since its start.
func looked(w *world.World) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		page, err := w.Metrics(ctx)
		if err != nil {
			return false, err
		}
		for _, controller := range reconciled {
			if reconciles(page, controller) < carried {
				return false, nil
			}
		}
		return true, nil
	}
}

// looks is how often the controller has looked at an order or a request since its start.
func looks(ctx context.Context, b *testing.B, w *world.World) float64 {
	b.Helper()
	page := must.Get(w.Metrics(ctx))(b)
	var sum float64
	for _, controller := range reconciled {
		sum += reconciles(page, controller)
	}
	return sum
}

// reconciles is how often a controller has reconciled, by its metrics.
func reconciles(page, controller string) float64 {
	return sumOf(page, `controller_runtime_reconcile_total{controller="`+controller+`"`)
}

// sumOf is the sum of the series of a page of metrics that begin in this way.
func sumOf(page, begin string) float64 {
	var sum, value float64
	lines := bufio.NewScanner(strings.NewReader(page))
	for lines.Scan() {
		name, number, _ := strings.Cut(lines.Text(), "} ")
		if strings.HasPrefix(name, begin) {
			if _, err := fmt.Sscan(number, &value); err == nil {
				sum += value
			}
		}
	}
	return sum
}

// cpuSeconds is how much CPU time the controller has taken, by its metrics.
func cpuSeconds(b *testing.B, w *world.World) float64 {
	b.Helper()
	for line := range strings.Lines(must.Get(w.Metrics(b.Context()))(b)) {
		var seconds float64
		if _, err := fmt.Sscanf(line, "process_cpu_seconds_total %g", &seconds); err == nil {
			return seconds
		}
	}
	b.Fatal("the controller tells no CPU time")
	return 0
}
