package bench

import (
	"bufio"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// BenchmarkStartBesideKeptOrders reports what orders that have ended cost a controller at its start: memory in MiB
// without any and with them, when that is steady and after a minute of rest; GETs until all were looked at; how long
// that takes, in seconds.
func BenchmarkStartBesideKeptOrders(b *testing.B) {
	const kept = 2000
	w := start(b)
	for b.Loop() {
		issuers := make([]*v1alpha1.VeroIssuer, 0, shares)
		for i := range shares {
			issuer := w.Service.Issuer("share-"+strconv.Itoa(i), customer)
			prepare(b, w, w.Service, issuer, 1)
			issuers = append(issuers, issuer)
		}
		restart(b, w)
		resident, _ := settled(b, w.Controller().PID())
		b.ReportMetric(resident, "MiB-none")
		b.ReportMetric(later(b, w), "MiB-none-later")
		gets := told(b.Context(), b, w, "rest_client_requests_total{", `method="GET"`)
		keep(b, w, issuers, kept)
		began := time.Now()
		restart(b, w)
		b.ReportMetric(awaitQuiet(b, w).Sub(began).Seconds(), "s-start")
		b.ReportMetric(told(b.Context(), b, w, "rest_client_requests_total{", `method="GET"`)-gets, "GETs-more")
		resident, peak := settled(b, w.Controller().PID())
		b.ReportMetric(resident, "MiB-kept")
		b.ReportMetric(peak, "MiB-kept-peak")
		b.ReportMetric(later(b, w), "MiB-kept-later")
		page := must.Get(w.Metrics(b.Context()))(b)
		b.ReportMetric(float64(len(page))/1000, "kB-scrape")
	}
}

// later is the memory of the controller in MiB when it has given back what its start has left behind.
func later(b *testing.B, w *world.World) float64 {
	b.Helper()
	untilSeen(b, time.Now(), time.Second, busy, after(time.Minute))
	return residentMiB(b, w.Controller().PID())
}

// awaitQuiet waits until the controller has reconciled no order for a while. It returns when that began.
func awaitQuiet(b *testing.B, w *world.World) (quiet time.Time) {
	b.Helper()
	const often, while = 100 * time.Millisecond, 2 * time.Second
	before := -1.0
	err := wait.PollUntilContextTimeout(b.Context(), often, timeout, true, func(ctx context.Context) (bool, error) {
		now := told(ctx, b, w, "controller_runtime_reconcile_total{", `controller="veroorder"`)
		if now > before {
			before, quiet = now, time.Now()
		}
		return time.Since(quiet) > while, nil
	})
	must.Do(b, err)
	return quiet
}

// told adds the values of a controller's series up whose line begins so, and has a label so.
func told(ctx context.Context, b *testing.B, w *world.World, name, label string) (sum float64) {
	b.Helper()
	lines := bufio.NewScanner(strings.NewReader(must.Get(w.Metrics(ctx))(b)))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, name) && strings.Contains(line, label) {
			sum += must.Get(strconv.ParseFloat(line[strings.LastIndexByte(line, ' ')+1:], 64))(b)
		}
	}
	return sum
}
