package bench

import (
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

const crowd = 200

// BenchmarkTwoHundredCertificatesAtOnce reports how long after the moment at which the service has the certificate
// ready and a GetCertificate is allowed a CertificateRequest becomes Ready: median, 95th percentile and longest, in
// seconds. The distance between two polls is part of it; here the service is ready before the first poll. Beside it:
// how long all of them took, and the controller's memory.
func BenchmarkTwoHundredCertificatesAtOnce(b *testing.B) {
	w := start(b, "--processing-delay=1s")
	for round := 0; b.Loop(); round++ {
		namespace := "crowd-" + strconv.Itoa(round)
		prepare(b, w, w.Service, w.Service.Issuer(namespace, customer), crowd)
		started := time.Now()
		seen := issueAll(b, w, namespace)
		b.ReportMetric(time.Since(started).Seconds(), "s/all")
		report(b, w, seen)
	}
	b.ReportMetric(residentMiB(b, w.Controller().PID()), "MiB-resident")
}

// issueAll creates the Certificates and returns when the request of each RetrievalId was seen Ready.
func issueAll(b *testing.B, w *world.World, namespace string) map[string]time.Time {
	b.Helper()
	events := follow(b, w, namespace, &cmapi.CertificateRequestList{})
	late := time.After(timeout)
	for i := range crowd {
		create(b, w, world.Certificate(namespace, nameOf(i), customer))
	}
	seen := map[string]time.Time{}
	for len(seen) < crowd {
		select {
		case event, open := <-events:
			if !open {
				b.Fatal("the watch has ended")
			}
			request, isRequest := event.Object.(*cmapi.CertificateRequest)
			if isRequest && event.Type == watch.Modified && isReady(request) &&
				seen[retrievalID(request)].IsZero() {
				seen[retrievalID(request)] = time.Now()
			}
		case <-late:
			b.Fatalf("only %d of %d Certificates were Ready within %s", len(seen), crowd, timeout)
		}
	}
	return seen
}

func retrievalID(request *cmapi.CertificateRequest) string {
	if submitted := conditions.Find(request, v1alpha1.ConditionSubmitted); submitted != nil {
		return submitted.Message
	}
	return ""
}

// report compares with the service's own log, which knows when it has accepted each request.
func report(b *testing.B, w *world.World, readyAt map[string]time.Time) {
	b.Helper()
	requests := must.Get(w.Service.Requests(b.Context(), "SignNewCertificate", customer))(b)
	var delays []float64
	for _, request := range requests {
		if seen, found := readyAt[request.RetrievalID]; found && request.Accepted {
			delays = append(delays, seen.Sub(request.Time.Add(firstGet)).Seconds())
		}
	}
	if len(delays) != crowd {
		b.Fatalf("the service has accepted %d of the %d requests that became Ready", len(delays), crowd)
	}
	slices.Sort(delays)
	b.ReportMetric(median(delays), "s/median")
	b.ReportMetric(percentile95(delays), "s/p95")
	b.ReportMetric(delays[crowd-1], "s/longest")
}
