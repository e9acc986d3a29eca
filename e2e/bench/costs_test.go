package bench

import (
	"context"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// Flags of a test.
var (
	atOnce = flag.Int("certificates", 100, "how many certificates are ordered at once to count what each costs")
	bare   = flag.Bool("bare-requests", false, "order with CertificateRequests that belong to no Certificate")
	beside = flag.Int("kept-orders", 0, "how many orders that have ended are there meanwhile")
)

const (
	// polling is how long polls are counted, and slow how long the service takes meanwhile, also where ten thousand are
	// accepted first: there are polls at 10, 20 and 30 s after the acceptance, then every half of the time waited.
	polling = 40 * time.Second
	slow    = time.Hour
	// announced is how long it takes at most until the request says that its first poll has brought nothing.
	announced = 2 * time.Second
)

// BenchmarkCostOfACertificate reports what one of many certificates that are ordered at once costs: the requests to
// the API server, by verb and resource, from its audit log; CPU time in milliseconds, of the controller and of all
// processes but this one; how often the controllers look at a request and an order; and how many seconds beyond the
// service's own 10 a request takes from its creation until it is Ready. cert-manager's own work is not part of it:
// its objects are there before.
func BenchmarkCostOfACertificate(b *testing.B) {
	w := startWith(b, world.Options{AuditPolicy: auditPolicy(b), SimulatorArgs: []string{"--processing-delay=1s"}})
	must.Do(b, w.Cluster.StopCertManager())
	for round := 0; b.Loop(); round++ {
		apply := applicants(b, w, "cost-"+strconv.Itoa(round))
		pid := w.Controller().PID()
		forgetPeak(b, pid)
		events := follow(b, w, "cost-"+strconv.Itoa(round), &cmapi.CertificateRequestList{})
		cost := measure(b, w)
		delays := beyondFirstGet(b, events, apply)
		took := time.Since(cost.since)
		untilSeen(b, time.Now(), time.Second, busy, after(time.Second)) // what follows the last certificate costs, too
		cost.report(b, float64(*atOnce))
		b.ReportMetric(median(delays), "s/median")
		b.ReportMetric(percentile95(delays), "s/p95")
		b.ReportMetric(took.Seconds(), "s/all")
		b.ReportMetric(peakMiB(b, pid), "MiB-peak")
	}
}

// BenchmarkCostOfAPoll reports the same of one further poll, while the service takes long.
func BenchmarkCostOfAPoll(b *testing.B) {
	w := startWith(b, world.Options{
		AuditPolicy: auditPolicy(b), SimulatorArgs: []string{"--processing-delay=" + slow.String()},
	})
	must.Do(b, w.Cluster.StopCertManager())
	for round := 0; b.Loop(); round++ {
		apply := applicants(b, w, "poll-"+strconv.Itoa(round))
		pid := w.Controller().PID()
		forgetPeak(b, pid)
		must.Do(b, apply())
		counted := func(calls string) float64 {
			return sumOf(must.Get(w.Metrics(b.Context()))(b), "varmenne_"+calls+"_total{")
		}
		sent := func(context.Context) (bool, error) { return counted("submissions") >= float64(*atOnce), nil }
		untilSeen(b, time.Now(), time.Second, busy, sent)
		untilSeen(b, time.Now(), time.Second, busy, after(firstGet+announced))
		before := counted("polls")
		cost := measure(b, w)
		untilSeen(b, time.Now(), time.Second, busy, after(polling))
		cost.report(b, counted("polls")-before)
		b.ReportMetric(peakMiB(b, pid), "MiB-peak")
	}
}

// applicants prepares what cert-manager has before it makes requests, and returns what makes all of these at once.
func applicants(b *testing.B, w *world.World, namespace string) func() error {
	b.Helper()
	issuer := w.Service.Issuer(namespace, customer)
	prepare(b, w, w.Service, issuer, *atOnce)
	if *beside > 0 {
		keep(b, w, []*v1alpha1.VeroIssuer{issuer}, *beside)
		restart(b, w)
	}
	prepared, ctx := errgroup.WithContext(b.Context())
	prepared.SetLimit(writers)
	requests, ctxOfRequests := errgroup.WithContext(b.Context())
	requests.SetLimit(writers)
	ready := make([]func() error, 0, *atOnce)
	for key := range keys(b) {
		certificate := world.Certificate(namespace, nameOf(len(ready)), customer)
		a := applicant{access: w.Client, key: key, subject: pkix.Name{CommonName: customer}}
		if !*bare {
			prepared.Go(func() error { return a.prepare(ctx, certificate) })
		}
		if ready = append(ready, func() error { return a.apply(ctxOfRequests, certificate) }); len(ready) == *atOnce {
			break
		}
	}
	must.Do(b, prepared.Wait())
	return func() error {
		for _, apply := range ready {
			requests.Go(apply)
		}
		return requests.Wait()
	}
}

// writers is how many objects a benchmark writes at once.
const writers = 16

// beyondFirstGet makes the requests, and returns, sorted, how many seconds each took from its creation until it was
// Ready, beyond those that the service wants to pass before the first GetCertificate.
func beyondFirstGet(b *testing.B, events <-chan watch.Event, apply func() error) []float64 {
	b.Helper()
	applied := make(chan error, 1)
	go func() { applied <- apply() }()
	late := time.After(busy)
	created, delays := map[string]time.Time{}, make([]float64, 0, *atOnce)
	for len(delays) < *atOnce {
		select {
		case err := <-applied:
			must.Do(b, err)
		case event, open := <-events:
			request, isRequest := event.Object.(*cmapi.CertificateRequest)
			if !open || !isRequest {
				b.Fatalf("the watch has ended: %v", event.Object)
			}
			if event.Type == watch.Added {
				created[request.Name] = time.Now()
			}
			if since, waits := created[request.Name]; waits && isReady(request) {
				delays = append(delays, (time.Since(since) - firstGet).Seconds())
				delete(created, request.Name)
			}
		case <-late:
			b.Fatalf("only %d of %d requests were Ready within %s", len(delays), *atOnce, busy)
		}
	}
	slices.Sort(delays)
	return delays
}

// cost is what the controller, and all processes of the world, have used up at a moment.
type cost struct {
	world *world.World
	since time.Time
	cpu   map[string]time.Duration
	looks map[string]float64
}

func measure(b *testing.B, w *world.World) cost {
	b.Helper()
	page := must.Get(w.Metrics(b.Context()))(b)
	looks := map[string]float64{}
	for _, controller := range []string{"request", "veroorder", "VeroIssuer"} {
		looks[controller] = reconciles(page, controller)
	}
	return cost{world: w, since: time.Now(), cpu: cpuOfAll(b, w), looks: looks}
}

// cpuOfAll is what each process of the world has used that runs, by its name. This process is none of them.
func cpuOfAll(b *testing.B, w *world.World) map[string]time.Duration {
	b.Helper()
	all := map[string]time.Duration{}
	for _, p := range w.Cluster.Processes() {
		if p.State() == nil {
			all[p.Name()] = cpuTime(b, p.PID())
		}
	}
	return all
}

// report reports what has been used up since, for each of a number of things. What is about the lease has nothing to do
// with them.
func (c cost) report(b *testing.B, number float64) {
	b.Helper()
	used, ours := cpuOfAll(b, c.world), c.world.Controller().Name()
	requests, total, written := map[string]int{}, 0, 0
	for _, entry := range audited(b, c.world) {
		if entry.StageTimestamp.Before(c.since) || entry.ObjectRef.Resource == "leases" || entry.Verb == "watch" {
			continue
		}
		of := entry.ObjectRef.Resource
		if entry.ObjectRef.Subresource != "" {
			of += "/" + entry.ObjectRef.Subresource
		}
		requests[fmt.Sprintf("%-7s %s", entry.Verb, of)]++
		total++
		if entry.Verb != "get" && entry.Verb != "list" {
			written++
		}
	}
	var table strings.Builder
	row := func(what string, value float64) { fmt.Fprintf(&table, "%-48s %9.2f\n", what, value/number) }
	fmt.Fprintf(&table, "for each of %.0f:\n", number)
	for _, what := range slices.Sorted(maps.Keys(requests)) {
		row(what, float64(requests[what]))
	}
	row("API requests", float64(total))
	row("API requests that write", float64(written))
	now := measure(b, c.world)
	for _, controller := range slices.Sorted(maps.Keys(c.looks)) {
		row("reconciles of "+controller, now.looks[controller]-c.looks[controller])
	}
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	var all time.Duration
	for _, name := range slices.Sorted(maps.Keys(used)) {
		row("CPU time of "+name+" in ms", milliseconds(used[name]-c.cpu[name]))
		all += used[name] - c.cpu[name]
	}
	row("CPU time of all in ms", milliseconds(all))
	fmt.Fprint(os.Stderr, table.String()) // the log of a benchmark is cut off after ten lines
	b.ReportMetric(float64(total)/number, "requests")
	b.ReportMetric(float64(written)/number, "writes")
	b.ReportMetric(milliseconds(used[ours]-c.cpu[ours])/number, "cpu-ms")
	b.ReportMetric(milliseconds(all)/number, "cpu-ms-all")
}

// cpuTime is what a process has used, in user and system mode.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	content := string(must.Get(os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)))(b))
	_, content, _ = strings.Cut(content, ") ") // the name may hold blanks
	const user, system, tick = 11, 12, 10 * time.Millisecond
	fields := strings.Fields(content)
	ticks := must.Get(strconv.Atoi(fields[user]))(b) + must.Get(strconv.Atoi(fields[system]))(b)
	return time.Duration(ticks) * tick
}
