package gate_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/backend"
)

// watched is a CertificateRequest that somebody has made by hand, and what a scrape tells of it.
type watched struct {
	*testing.T
	request  *cmapi.CertificateRequest
	registry *prometheus.Registry
	last     reconcile.Result
}

// watch makes a request that is approved, of an issuer that does not exist.
func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{T: t, request: &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: server.Namespace(t), Name: "by-hand"},
		Spec: cmapi.CertificateRequestSpec{
			Request:   signingRequest(t, pkitest.Key("measured")),
			IssuerRef: cmmeta.IssuerReference{Group: "varmenne.dev", Kind: "VeroIssuer", Name: "vero"},
		},
	}}
	server.Create(t, w.request)
	w.condition(cmapi.CertificateRequestConditionApproved)
	return w
}

// signingRequest is one for a key.
func signingRequest(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	csr := must.Get(x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: "0123456-7"}}, key))(t)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})
}

// condition lets somebody else set a condition of the request.
func (w *watched) condition(kind cmapi.CertificateRequestConditionType) {
	w.Helper()
	status.Set(w.request, kind, cmmeta.ConditionTrue, "Test", "", time.Now())
	must.Do(w, server.Client.Status().Update(w.Context(), w.request))
}

// issuer makes one that cannot be used: its bundles are not there.
func (w *watched) issuer() {
	w.Helper()
	missing := v1alpha1.BundleSource{ConfigMapKeyRef: &v1alpha1.BundleReference{Name: "missing"}}
	server.Create(w.T, &v1alpha1.VeroIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.request.Namespace, Name: "vero"},
		Spec: v1alpha1.VeroIssuerSpec{
			Environment: v1alpha1.VeroEnvironmentTest, CustomerID: "0123456-7",
			TransferSecretRef: &v1alpha1.TransferSecretReference{Name: "vero-transfer"},
			Trust:             v1alpha1.VeroTrust{Responses: missing, Issuance: missing},
		},
	})
}

func (w *watched) credentials() *corev1.Secret {
	w.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.request.Namespace, Name: "vero-transfer"},
		StringData: map[string]string{"transferId": "12345678901", "transferPassword": "kq7Rz-49xWbT"},
	}
	server.Create(w.T, secret)
	return secret
}

// reconcile reconciles the request in a controller that remembers nothing.
func (w *watched) reconcile() {
	w.Helper()
	w.registry = prometheus.NewPedanticRegistry()
	series := must.Get(metrics.New(w.registry))(w)
	const enough = 100
	reconciler := gate.NewReconciler(gate.Options{
		Client: server.Client, Outlines: server.Outlines, Reader: server.Client, Clock: clock.RealClock{}, Metrics: series,
		Events: status.Events{Recorder: events.NewFakeRecorder(enough)},
		Backends: []gate.Backend{&backend.Backend{
			Client: server.Indexed(w.T, server.Client, find.Index), Reader: server.Client,
			Bundles: secrets.NewKeptBundles(server.Client, "default", clock.RealClock{}),
		}},
	})
	name := client.ObjectKeyFromObject(w.request)
	// What it writes brings the request back at once.
	for range 2 {
		w.last = must.Get(reconciler.Reconcile(w.Context(), reconcile.Request{NamespacedName: name}))(w)
	}
	must.Do(w, client.IgnoreNotFound(server.Client.Get(w.Context(), name, w.request)))
}

// tells fails the test unless the series about requests are these: each name with the value of one of its labels.
func (w *watched) tells(want map[string]string) {
	w.Helper()
	families := must.Get(w.registry.Gather())(w)
	labels := map[string]string{
		"varmenne_certificaterequest_pending_created_timestamp_seconds": "reason",
		"varmenne_transfer_credentials_written_timestamp_seconds":       "secret",
	}
	got := map[string]string{}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			for _, label := range series.GetLabel() {
				if label.GetName() == labels[family.GetName()] {
					got[family.GetName()] = label.GetValue()
				}
			}
		}
	}
	if difference := cmp.Diff(want, got); difference != "" {
		w.Errorf("the series differ (-want +got):\n%s", difference)
	}
}

func TestARequestIsToldOfWithItsReasonUntilItIsServed(t *testing.T) {
	const unserved = "varmenne_certificaterequest_pending_created_timestamp_seconds"
	w := watch(t)
	w.reconcile()
	w.tells(map[string]string{unserved: v1alpha1.ReasonIssuerNotFound})
	w.issuer()
	w.reconcile()
	w.tells(map[string]string{unserved: v1alpha1.ReasonIssuerNotReady})
	w.condition(cmapi.CertificateRequestConditionReady)
	w.reconcile()
	w.tells(map[string]string{})
}

func TestARequestThatHasFailedIsToldOfWithWhatItSaysItself(t *testing.T) {
	const unserved = "varmenne_certificaterequest_pending_created_timestamp_seconds"
	for claim, c := range map[string]struct {
		fail   func(*cmapi.CertificateRequest)
		reason string
	}{
		"denied": {func(r *cmapi.CertificateRequest) { status.SetDenied(r, "", time.Now()) }, v1alpha1.ReasonDenied},
		"invalid": {
			func(r *cmapi.CertificateRequest) { status.SetFailed(r, true, "", time.Now()) }, v1alpha1.ReasonInvalidRequest},
		"refused": {
			func(r *cmapi.CertificateRequest) { status.SetFailed(r, false, "", time.Now()) },
			cmapi.CertificateRequestReasonFailed},
	} {
		t.Run(claim, func(t *testing.T) {
			w := watch(t)
			c.fail(w.request)
			must.Do(t, server.Client.Status().Update(t.Context(), w.request))
			w.reconcile()
			w.tells(map[string]string{unserved: c.reason})
		})
	}
}

func TestTransferCredentialsAreToldOfWhileTheyLieUnspent(t *testing.T) {
	waiting := map[string]string{
		"varmenne_certificaterequest_pending_created_timestamp_seconds": v1alpha1.ReasonIssuerNotReady,
	}
	unspent := map[string]string{
		"varmenne_certificaterequest_pending_created_timestamp_seconds": v1alpha1.ReasonIssuerNotReady,
		"varmenne_transfer_credentials_written_timestamp_seconds":       "vero-transfer",
	}
	w := watch(t)
	w.issuer()
	w.reconcile()
	w.tells(waiting)
	secret := w.credentials()
	w.reconcile()
	w.tells(unspent)
	if w.last.RequeueAfter == 0 || w.last.RequeueAfter > 10*time.Minute {
		t.Errorf("they are looked at again after %s: somebody may replace them", w.last.RequeueAfter)
	}
	must.Do(t, server.Client.Delete(t.Context(), secret))
	w.reconcile()
	w.tells(waiting)
}
