// Package bench measures the controller at work, in the same world as the user stories: `make bench`.
package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/world"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

const (
	customer = "0123456-7"
	crowd    = 200
	// firstGet is how long the service wants between its acceptance and the first GetCertificate (seed 004, 2).
	firstGet = 10 * time.Second
	patience = 5 * time.Minute
)

// BenchmarkTwoHundredCertificatesAtOnce reports how long after the moment at which the service has the certificate
// ready and a GetCertificate is allowed a CertificateRequest becomes Ready: median, 95th percentile and longest, in
// seconds. The distance between two polls is part of it; here the service is ready before the first poll. Beside it:
// how long all of them took, and the controller's memory.
func BenchmarkTwoHundredCertificatesAtOnce(b *testing.B) {
	w, err := world.Start(b.Context(), world.Options{
		Log: os.Stderr, SimulatorArgs: []string{"--processing-delay=1s"},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := w.Stop(); err != nil {
			b.Error(err)
		}
		if err := w.Cluster.Remove(); err != nil {
			b.Error(err)
		}
	})
	for round := 0; b.Loop(); round++ {
		namespace := "crowd-" + strconv.Itoa(round)
		prepare(b, w, namespace)
		started := time.Now()
		ready := issueAll(b, w, namespace)
		b.ReportMetric(time.Since(started).Seconds(), "s/all")
		report(b, w, ready)
	}
	b.ReportMetric(residentMiB(b, w.Controller().PID()), "MiB-resident")
}

// prepare makes the namespace with its issuer and a pair of transfer credentials for each Certificate.
func prepare(b *testing.B, w *world.World, namespace string) {
	b.Helper()
	ctx := b.Context()
	bundles, err := w.Service.Bundles(ctx)
	if err != nil {
		b.Fatal(err)
	}
	minted, err := w.Service.MintMany(ctx, admin.MintRequest{CustomerID: customer, Count: crowd})
	if err != nil {
		b.Fatal(err)
	}
	create(b, w, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	create(b, w, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero-trust"}, Data: bundles})
	create(b, w, issuer(namespace, w.Service.URL))
	for i, credential := range minted {
		create(b, w, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: nameOf(i)},
			StringData: map[string]string{
				v1alpha1.KeyTransferID: credential.TransferID, v1alpha1.KeyTransferPassword: credential.TransferPassword,
			},
		})
	}
}

func issuer(namespace, url string) *v1alpha1.VeroIssuer {
	bundle := func(key string) v1alpha1.BundleSource {
		return v1alpha1.BundleSource{ConfigMapRef: &v1alpha1.BundleReference{Name: "vero-trust", Key: key}}
	}
	tls := bundle("tls.pem")
	return &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "vero"},
		Spec: v1alpha1.VeroIssuerSpec{
			Environment: v1alpha1.EnvironmentTest, URL: url, CustomerID: customer,
			Trust: v1alpha1.Trust{TLS: &tls, Responses: bundle("responses.pem"), Issuance: bundle("issuance.pem")},
		},
	}
}

// issueAll creates the Certificates and returns when the request of each public key was seen Ready.
func issueAll(b *testing.B, w *world.World, namespace string) map[string]time.Time {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	watcher, err := client.NewWithWatch(w.Cluster.RESTConfig(), client.Options{Scheme: w.Client.Scheme()})
	if err != nil {
		b.Fatal(err)
	}
	events, err := watcher.Watch(ctx, &cmapi.CertificateRequestList{}, client.InNamespace(namespace))
	if err != nil {
		b.Fatal(err)
	}
	defer events.Stop()
	for i := range crowd {
		create(b, w, certificate(namespace, nameOf(i)))
	}
	ready := map[string]time.Time{}
	for len(ready) < crowd {
		event, open := <-events.ResultChan()
		if !open {
			b.Fatalf("only %d of %d Certificates were Ready within %s", len(ready), crowd, patience)
		}
		request, isRequest := event.Object.(*cmapi.CertificateRequest)
		if isRequest && event.Type == watch.Modified && isReady(request) && ready[retrievalID(request)].IsZero() {
			ready[retrievalID(request)] = time.Now()
		}
	}
	return ready
}

func certificate(namespace, name string) *cmapi.Certificate {
	return &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Annotations: map[string]string{v1alpha1.AnnotationTransferSecret: name},
		},
		Spec: cmapi.CertificateSpec{
			SecretName: name + "-tls", CommonName: customer,
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm, Size: 2048},
			IssuerRef: cmmeta.IssuerReference{
				Group: v1alpha1.GroupName, Kind: v1alpha1.KindVeroIssuer, Name: "vero",
			},
		},
	}
}

func isReady(request *cmapi.CertificateRequest) bool {
	return slices.ContainsFunc(request.Status.Conditions, func(c cmapi.CertificateRequestCondition) bool {
		return c.Type == cmapi.CertificateRequestConditionReady && c.Status == cmmeta.ConditionTrue
	})
}

func retrievalID(request *cmapi.CertificateRequest) string {
	for _, condition := range request.Status.Conditions {
		if condition.Type == v1alpha1.ConditionSubmitted {
			return condition.Message
		}
	}
	return ""
}

// report compares with the service's own log, which knows when it has accepted each request.
func report(b *testing.B, w *world.World, ready map[string]time.Time) {
	b.Helper()
	requests, err := w.Service.Requests(b.Context(), "SignNewCertificate", customer)
	if err != nil {
		b.Fatal(err)
	}
	var delays []float64
	for _, request := range requests {
		if seen, found := ready[request.RetrievalID]; found && request.Accepted {
			delays = append(delays, seen.Sub(request.Time.Add(firstGet)).Seconds())
		}
	}
	if len(delays) != crowd {
		b.Fatalf("the service has accepted %d of the %d requests that became Ready", len(delays), crowd)
	}
	slices.Sort(delays)
	b.ReportMetric(delays[crowd/2], "s/median")
	b.ReportMetric(delays[crowd*95/100], "s/p95")
	b.ReportMetric(delays[crowd-1], "s/longest")
}

func create(b *testing.B, w *world.World, object client.Object) {
	b.Helper()
	if err := w.Client.Create(b.Context(), object); err != nil {
		b.Fatalf("create %T %s: %v", object, object.GetName(), err)
	}
}

func nameOf(i int) string { return fmt.Sprintf("certificate-%03d", i) }

// residentMiB is the memory of a process as the kernel counts it.
func residentMiB(b *testing.B, pid int) float64 {
	b.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		b.Fatal(err)
	}
	var total, resident int
	if _, err := fmt.Sscan(string(content), &total, &resident); err != nil {
		b.Fatal(err)
	}
	return float64(resident*os.Getpagesize()) / (1 << 20)
}
