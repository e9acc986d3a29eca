package bench

import (
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/must"
)

// A life in which two years fit into two minutes: a certificate is due after 40 s, and the window leaves 80 s to renew
// it. The Certificates are created one after the other, within the same 40 s, so that their keys are made evenly: two
// cores that do everything else, too, make a few RSA keys in a second.
const (
	hundred  = 100
	renewals = 2
	life     = 2 * time.Minute
	window   = 80 * time.Second
	stagger  = (life - window) / hundred
)

// BenchmarkHundredCertificatesThroughTwoRenewals fails if a Secret holds an expired certificate for a moment, or if the
// service's log tells of anything that the service forbids (see serviceLog). It reports how much of its life a
// certificate had left when its successor was in the Secret, and how long a renewal takes from the creation of the
// CertificateRequest until it is Ready, less the 10 seconds that the service demands.
func BenchmarkHundredCertificatesThroughTwoRenewals(b *testing.B) {
	w := start(b)
	for round := 0; b.Loop(); round++ {
		service := must.Get(w.StartService(b.Context(),
			"--validity="+life.String(), "--renewal-window="+window.String(), "--processing-delay=1s"))(b)
		issuer := service.Issuer("renewals-"+strconv.Itoa(round), customer)
		issuer.Spec.RenewalWindow = &metav1.Duration{Duration: window}
		prepare(b, w, service, issuer, hundred)
		started := time.Now()
		seen := liveThroughRenewals(b, w, issuer.Namespace)
		b.ReportMetric(time.Since(started).Seconds(), "s/all")
		log := readLog(b, service)
		log.check(b, seen.worn)
		seen.report(b, log)
		must.Do(b, w.Client.DeleteAllOf(b.Context(), &cmapi.Certificate{}, client.InNamespace(issuer.Namespace)))
	}
	b.ReportMetric(residentMiB(b, w.Controller().PID()), "MiB-resident")
}

// observed is what a watcher has seen.
type observed struct {
	// worn are the certificates that each Secret has held, one after the other.
	worn map[string][]*x509.Certificate
	// margins are the seconds that a certificate had left when its successor was in the Secret.
	margins []float64
	// renewals are the CertificateRequests of all renewals.
	renewals map[types.UID]*renewal
}

// renewal is a CertificateRequest: when it was there first, when it was Ready first, and what it has brought.
type renewal struct {
	asked, ready time.Time
	serial       string
}

// liveThroughRenewals creates the Certificates one after the other, and returns when each was renewed often enough.
func liveThroughRenewals(b *testing.B, w *world.World, namespace string) *observed {
	b.Helper()
	secrets := follow(b, w, namespace, &corev1.SecretList{})
	requests := follow(b, w, namespace, &cmapi.CertificateRequestList{})
	late, turn := time.After(timeout), time.NewTicker(stagger)
	defer turn.Stop()
	seen := &observed{worn: map[string][]*x509.Certificate{}, renewals: map[types.UID]*renewal{}}
	for created := 0; !seen.renewed(); {
		select {
		case event, open := <-secrets:
			seen.secret(b, event, open)
		case event, open := <-requests:
			seen.request(b, event, open)
		case <-turn.C:
			if created < hundred {
				shortLived := world.Certificate(namespace, nameOf(created), customer)
				shortLived.Spec.RenewBefore = &metav1.Duration{Duration: window}
				create(b, w, shortLived)
				created++
			}
		case <-late:
			b.Errorf("not every Certificate was renewed %d times within %s: there were %d renewals (the controller: %v)",
				renewals, timeout, len(seen.margins), w.Controller().ExitError())
			return seen // The service's log may tell why.
		}
	}
	for name, certificates := range seen.worn {
		if last := certificates[len(certificates)-1]; !time.Now().Before(last.NotAfter) {
			b.Errorf("Secret %s holds a certificate that expired on %s", name, last.NotAfter)
		}
	}
	return seen
}

// renewed reports whether every Certificate has been renewed often enough.
func (o *observed) renewed() bool {
	for _, certificates := range o.worn {
		if len(certificates) <= renewals {
			return false
		}
	}
	return len(o.worn) == hundred
}

// secret notes that a Secret has changed. What is seen was written before, so the margins are not flattered.
func (o *observed) secret(b *testing.B, event watch.Event, open bool) {
	b.Helper()
	now := time.Now()
	secret, isSecret := event.Object.(*corev1.Secret)
	if !open || !isSecret || event.Type == watch.Deleted {
		checkWatch(b, open, event)
		return
	}
	leaf := leafOf(b, secret.Name, secret.Data[corev1.TLSCertKey])
	if leaf == nil {
		return // transfer credentials, or a private key that has no certificate yet
	}
	before := o.worn[secret.Name]
	if len(before) > 0 && before[len(before)-1].Equal(leaf) {
		return
	}
	o.worn[secret.Name] = append(before, leaf)
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		b.Errorf("Secret %s holds a certificate that is valid from %s to %s", secret.Name, leaf.NotBefore, leaf.NotAfter)
	}
	if len(before) == 0 {
		return
	}
	margin := before[len(before)-1].NotAfter.Sub(now)
	if margin <= 0 {
		b.Errorf("the certificate in Secret %s had expired for %s when it was replaced", secret.Name, -margin)
	}
	o.margins = append(o.margins, margin.Seconds())
}

// request notes when a CertificateRequest of a renewal comes, and when it is Ready.
func (o *observed) request(b *testing.B, event watch.Event, open bool) {
	b.Helper()
	request, isRequest := event.Object.(*cmapi.CertificateRequest)
	if !open || !isRequest || event.Type == watch.Deleted {
		checkWatch(b, open, event)
		return
	}
	if request.Annotations[cmapi.CertificateRequestRevisionAnnotationKey] == "1" {
		return
	}
	known := o.renewals[request.UID]
	if known == nil {
		known = &renewal{asked: time.Now()}
		o.renewals[request.UID] = known
	}
	if known.ready.IsZero() && isReady(request) {
		known.ready, known.serial = time.Now(), serialOf(leafOf(b, request.Name, request.Status.Certificate))
	}
}

// leafOf is the first certificate of a chain, nil if there is none.
func leafOf(b *testing.B, holder string, chain []byte) *x509.Certificate {
	b.Helper()
	block, _ := pem.Decode(chain)
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		b.Fatalf("%s: %v", holder, err)
	}
	return leaf
}

// serialOf is a serial number as the service writes it.
func serialOf(certificate *x509.Certificate) string { return certificate.SerialNumber.Text(16) }

// checkWatch ends the benchmark if events may have been missed.
func checkWatch(b *testing.B, open bool, event watch.Event) {
	b.Helper()
	if !open || event.Type == watch.Error {
		b.Fatalf("the watch has ended: %v", event.Object)
	}
}

// report counts a renewal from its window on where it was asked for earlier: cert-manager asks once more when it sees
// its own Secret late, and such a request waits.
func (o *observed) report(b *testing.B, log *serviceLog) {
	b.Helper()
	var took []float64
	early := 0
	for _, renewal := range o.renewals {
		if renewal.ready.IsZero() {
			continue
		}
		begin := renewal.asked
		if opens := log.expiresAt[log.ordered[renewal.serial].SignerSerial].Add(-window); begin.Before(opens) {
			begin = opens
			early++
		}
		took = append(took, (renewal.ready.Sub(begin) - firstGet).Seconds())
	}
	if len(o.margins) == 0 || len(took) == 0 {
		return
	}
	slices.Sort(o.margins)
	slices.Sort(took)
	b.ReportMetric(o.margins[0], "s/margin-smallest")
	b.ReportMetric(median(o.margins), "s/margin-median")
	b.ReportMetric(median(took), "s/renewal-median")
	b.ReportMetric(percentile95(took), "s/renewal-p95")
	b.ReportMetric(took[len(took)-1], "s/renewal-longest")
	b.ReportMetric(float64(len(o.margins)), "renewals")
	b.ReportMetric(float64(early), "asked-early")
}
