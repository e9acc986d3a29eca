package issuer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/issuer"
)

// TestIssuersAreChecked beside dead ones, whose address takes connections and says nothing. Each of four workers would
// be kept for ten seconds by each of them.
func TestIssuersAreChecked(t *testing.T) {
	dead, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dead.Close() })
	service := httptest.NewTLSServer(nil)
	t.Cleanup(service.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: service.Certificate().Raw})
	hostile := server.Namespace(t)
	for i := range 40 {
		server.Create(t, issuerFor(hostile, fmt.Sprintf("dead-%d", i), "https://"+dead.Addr().String(), authority))
	}
	reported := work(t)
	t.Run("a good one is ready", func(t *testing.T) { isReadySoon(t, service.URL, authority) })
	t.Run("one with a certificate that is not used warns of it", func(t *testing.T) {
		warnsOfUnused(t, reported, service.URL, authority)
	})
}

func isReadySoon(t *testing.T, endpoint string, authority []byte) {
	t.Helper()
	good := issuerFor(server.Namespace(t), "good", endpoint, authority)
	if err := server.Client.Create(t.Context(), good); err != nil { // its status is the controller's
		t.Fatal(err)
	}
	server.Await(t, good, 5*time.Second, func() bool {
		return meta.IsStatusConditionTrue(good.Status.Conditions, v1alpha1.ConditionReady)
	})
}

// warnsOfUnused: the rest of the bundle is used.
func warnsOfUnused(t *testing.T, reported <-chan string, endpoint string, authority []byte) {
	t.Helper()
	old := issuerFor(server.Namespace(t), "old", endpoint, authority)
	old.Spec.Trust.Issuance.CABundle = append(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pkitest.Unreadable(t)}), authority...)
	if err := server.Client.Create(t.Context(), old); err != nil { // its status is the controller's
		t.Fatal(err)
	}
	const said = "the endpoint answers; not used: spec.trust.issuance: block 1, the certificate with the SHA-256 " +
		"fingerprint "
	timeout := time.After(5 * time.Second)
	for {
		select {
		case event := <-reported:
			if strings.HasPrefix(event, "Warning Checked ") && strings.Contains(event, said) {
				return
			}
		case <-timeout:
			t.Fatalf("there is no Warning that says %q", said)
		}
	}
}

func issuerFor(namespace, name, endpoint string, authority []byte) *v1alpha1.VeroIssuer {
	bundle := v1alpha1.BundleSource{CABundle: authority}
	return &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.VeroIssuerSpec{
			Environment: v1alpha1.VeroEnvironmentTest, URL: endpoint, CustomerID: "0123456-7",
			Trust: v1alpha1.VeroTrust{TLS: &bundle, Responses: bundle, Issuance: bundle},
		},
	}
}

// work starts the controller for every namespace, until the test ends. It returns the events.
func work(t *testing.T) <-chan string {
	t.Helper()
	reported, _ := start(t, issuer.Options{Probe: shakeHands, Clock: clock.RealClock{}}, metav1.NamespaceAll)
	return reported
}

// start starts the controller with four workers for one namespace, or all, and for issuers of the whole cluster, until
// the test ends. It returns the events, and the metrics.
func start(t *testing.T, options issuer.Options, namespace string) (<-chan string, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	options.Metrics = must.Get(metrics.New(registry))(t)
	const plenty = 1000
	recorder := events.NewFakeRecorder(plenty)
	options.Events = status.Events{Recorder: recorder}
	server.Run(t, namespace, func(manager ctrl.Manager) error {
		options.Client, options.Reader = manager.GetClient(), manager.GetAPIReader()
		options.Bundles = secrets.NewKeptBundles(options.Reader, "default", options.Clock)
		return errors.Join(find.Index(t.Context(), manager.GetFieldIndexer()), issuer.Register(manager, options,
			controller.Options{MaxConcurrentReconciles: 4, SkipNameValidation: new(true)}))
	})
	return recorder.Events, registry
}

func shakeHands(ctx context.Context, with v1alpha1.GenericVeroIssuer, bundles *secrets.Bundles) error {
	address, err := url.Parse(with.VeroSpec().Endpoint())
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	for _, certificate := range bundles.TLS {
		roots.AddCert(certificate)
	}
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	connection, err := dialer.DialContext(ctx, "tcp", address.Host)
	if err != nil {
		return err
	}
	return connection.Close()
}
