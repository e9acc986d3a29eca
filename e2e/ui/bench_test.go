package ui

import (
	"fmt"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/e2e/browser"
	"github.com/varmenne/varmenne-issuer/e2e/tenant"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const (
	// many Certificates there are, and allowedMilliseconds may pass from the click to the first letters of the overview.
	many, allowedMilliseconds = 500, 300
	// turns is how often the overview is opened, to take the median.
	turns = 9
)

// BenchmarkFirstPaintOf500Certificates reports how long it takes from the start of a navigation until the browser
// paints the first letters of the overview, and until all of it is there, in milliseconds: medians. It fails where the
// first is more than 300.
func BenchmarkFirstPaintOf500Certificates(b *testing.B) {
	chromium.Get(b)
	e := shared.Get(b)
	must.Do(b, e.Cluster.StopCertManager()) // it would make keys for them
	namespace := fmt.Sprintf("many-%d", time.Now().UnixNano())
	makeMany(b, e.World, namespace)
	s := launch(b, e, "-n", namespace)
	p := s.open(b, browser.Look{})
	for b.Loop() {
		painted, loaded := make([]float64, 0, turns), make([]float64, 0, turns)
		for range turns {
			s.visit(p, "/")
			p.Await("performance.getEntriesByName('first-contentful-paint').length === 1")
			painted = append(painted, browser.Evaluate[float64](p,
				"performance.getEntriesByName('first-contentful-paint')[0].startTime"))
			loaded = append(loaded, browser.Evaluate[float64](p,
				"performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"))
		}
		if rows := browser.Evaluate[int](p, "document.querySelectorAll('#table tbody tr').length"); rows != many {
			b.Fatalf("the table has %d rows", rows)
		}
		slices.Sort(painted)
		slices.Sort(loaded)
		b.ReportMetric(painted[turns/2], "ms-painted")
		b.ReportMetric(loaded[turns/2], "ms-loaded")
		b.ReportMetric(0, "ns/op")
		if painted[turns/2] > allowedMilliseconds {
			b.Errorf("the first letters take %.0f ms, more than %d", painted[turns/2], allowedMilliseconds)
		}
	}
}

// makeMany makes Certificates that were issued over the last two years, evenly.
func makeMany(b *testing.B, w *world.World, namespace string) {
	b.Helper()
	must.Do(b, w.Client.Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	must.Do(b, w.Client.Create(b.Context(), w.Service.Issuer(namespace, tenant.CustomerID)))
	group := errgroup.Group{}
	const atOnce = 16
	group.SetLimit(atOnce)
	for number := range many {
		group.Go(func() error {
			c := world.Certificate(namespace, fmt.Sprintf("certificate-%03d", number), tenant.CustomerID)
			if err := w.Client.Create(b.Context(), c); err != nil {
				return err
			}
			begins := time.Now().Add(-time.Duration(number) * day)
			c.Status.NotBefore, c.Status.NotAfter = &metav1.Time{Time: begins}, &metav1.Time{Time: begins.Add(730 * day)}
			c.Status.RenewalTime = &metav1.Time{Time: begins.Add(670 * day)}
			c.Status.Conditions = []cmapi.CertificateCondition{{
				Type: cmapi.CertificateConditionReady, Status: cmmeta.ConditionTrue, Reason: "Ready"}}
			return w.Client.Status().Update(b.Context(), c)
		})
	}
	must.Do(b, group.Wait())
}
