package status_test

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	kubestatus "github.com/varmenne/varmenne-issuer/internal/kube/status"
	manualissuer "github.com/varmenne/varmenne-issuer/internal/manual/issuer"
	manualorder "github.com/varmenne/varmenne-issuer/internal/manual/order"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/tracked"
)

// applied is an object of one of the kinds for certificates that a person fetches, or watches over.
type applied struct {
	object client.Object
	// set changes the spec to what can be used, or cannot.
	set func(good bool)
	// first is what it is after a first look at it as it was applied.
	first status.Status
}

// TestOnlyWhatIsGoodIsCurrent for kstatus. A ManualOrder is in progress for as long as a person has not brought its
// certificate. A TrackedCertificate that ends soon is current: it is watched over, as was wanted. And who looks again
// and finds the same writes nothing.
func TestOnlyWhatIsGoodIsCurrent(t *testing.T) {
	namespace := server.Namespace(t)
	all := applyAll(t, namespace)
	are := func(when string, want func(applied) status.Status) {
		t.Helper()
		for _, a := range all {
			server.Kstatus(t, a.object, want(a), when)
		}
	}
	inProgress := func(applied) status.Status { return status.InProgressStatus }
	are("with no controller", inProgress)
	t.Run("first", func(t *testing.T) { lookedAt(t, namespace, all) })
	are("after the first look", func(a applied) status.Status { return a.first })

	change(t, all, false)
	are("with another spec", inProgress)
	t.Run("wrong", func(t *testing.T) { lookedAt(t, namespace, all) })
	are("with a wrong spec", inProgress)

	change(t, all, true)
	are("with a spec that may be right", inProgress)
	t.Run("good", func(t *testing.T) { lookedAt(t, namespace, all) })
	are("with a good spec", func(applied) status.Status { return status.CurrentStatus })

	before := versions(all)
	t.Run("the same", func(t *testing.T) { lookedAt(t, namespace, all) })
	if after := versions(all); !slices.Equal(before, after) {
		t.Errorf("who has found the same has written: %v, then %v", before, after)
	}
	t.Run("gone", func(t *testing.T) { heartbeatsEnd(t, namespace, all) })
}

// heartbeatsEnd: issuers that are checked have one each, and none when they are gone.
func heartbeatsEnd(t *testing.T, namespace string, all []applied) {
	t.Helper()
	series := lookedAt(t, namespace, all)
	const name = "varmenne_issuer_last_check_timestamp_seconds"
	beats := func() int {
		return len(slices.DeleteFunc(slices.Collect(maps.Values(values(t, series, name, "kind"))), func(beat float64) bool {
			return beat != float64(pkitest.Now.Unix())
		}))
	}
	if got := beats(); got != 2 {
		t.Errorf("%d issuers have a heartbeat", got)
	}
	for _, a := range all {
		if err := server.Client.Delete(t.Context(), a.object); err != nil {
			t.Fatal(err)
		}
	}
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 10*time.Second, true,
		func(context.Context) (bool, error) { return beats() == 0, nil })
	if err != nil {
		t.Errorf("%v: %d heartbeats go on", err, beats())
	}
}

// values are those of the series of a name, by one of their labels: of several, their sum.
func values(t *testing.T, from prometheus.Gatherer, name, label string) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, series := range family.GetMetric() {
			for _, pair := range series.GetLabel() {
				if pair.GetName() == label {
					found[pair.GetValue()] += series.GetGauge().GetValue() + series.GetCounter().GetValue()
				}
			}
		}
	}
	return found
}

// applyAll applies an object of each kind. The order is one that an approved request waits for.
func applyAll(t *testing.T, namespace string) []applied {
	t.Helper()
	root := pkitest.Root(t, "authority")
	ends := pkitest.Dates(pkitest.NotBefore, pkitest.Now.AddDate(0, 0, 20)) // soon
	leaf := pkitest.PEM(root.Issue(t, pkitest.Key("leaf"), "stamping"))
	ending := string(pkitest.PEM(root.Issue(t, pkitest.Key("leaf"), "stamp", ends)))
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "stamping"}
	trusting := v1alpha1.ManualIssuerSpec{Trust: v1alpha1.BundleSource{CABundle: pkitest.PEM(root.Certificate)}}
	issuer := &v1alpha1.ManualIssuer{ObjectMeta: meta, Spec: trusting}
	everywhere := &v1alpha1.ManualClusterIssuer{ObjectMeta: metav1.ObjectMeta{GenerateName: "stamping-"}, Spec: trusting}
	order := &v1alpha1.ManualOrder{ObjectMeta: meta, Spec: orderSpec(t, namespace)}
	watched := &v1alpha1.TrackedCertificate{ObjectMeta: meta}
	watched.Spec.Source.Certificate = ending
	all := []applied{
		{issuer, bundle(&issuer.Spec.Trust.CABundle), status.CurrentStatus},
		{everywhere, bundle(&everywhere.Spec.Trust.CABundle), status.CurrentStatus},
		{order, text(&order.Spec.Certificate, string(leaf)), status.InProgressStatus},
		{watched, text(&watched.Spec.Source.Certificate, ending), status.CurrentStatus},
	}
	for _, a := range all {
		if err := server.Client.Create(t.Context(), a.object); err != nil { // its status is the API server's
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Client.Delete(context.WithoutCancel(t.Context()), a.object) })
	}
	return all
}

func bundle(field *[]byte) func(bool) {
	usable := *field
	return func(good bool) {
		*field = usable
		if !good {
			*field = []byte("none")
		}
	}
}

func text(field *string, usable string) func(bool) {
	return func(good bool) {
		*field = usable
		if !good {
			*field = "none"
		}
	}
}

// orderSpec is that of an order, for whose key a request waits.
func orderSpec(t *testing.T, namespace string) v1alpha1.ManualOrderSpec {
	t.Helper()
	key := pkitest.Key("leaf")
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "stamping"}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := pki.PublicKeyDigest(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "stamping-1"},
		Spec: cmapi.CertificateRequestSpec{
			Request: csr, Usages: []cmapi.KeyUsage{cmapi.UsageDigitalSignature},
			IssuerRef: cmmeta.IssuerReference{
				Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "stamping",
			},
		},
	}
	kubestatus.Set(request, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Approved", "", pkitest.Now)
	server.Create(t, request)
	return v1alpha1.ManualOrderSpec{
		IssuerRef: v1alpha1.ManualIssuerReference{Kind: v1alpha1.KindManualIssuer, Name: "stamping"},
		Request:   csr, PublicKeyDigest: digest,
	}
}

func change(t *testing.T, all []applied, good bool) {
	t.Helper()
	for _, a := range all {
		before := a.object.DeepCopyObject().(client.Object)
		a.set(good)
		if err := server.Client.Patch(t.Context(), a.object, client.MergeFrom(before)); err != nil {
			t.Fatal(err)
		}
	}
}

// lookedAt runs the controllers until each has looked at its object as it is now, and reads what they have written. It
// returns their metrics.
func lookedAt(t *testing.T, namespace string, all []applied) prometheus.Gatherer {
	t.Helper()
	const ended = "controller_runtime_reconcile_total"
	before := values(t, ctrlmetrics.Registry, ended, "controller")
	series := run(t, namespace)
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 20*time.Second, true,
		func(ctx context.Context) (bool, error) {
			seen := true
			number := values(t, ctrlmetrics.Registry, ended, "controller")
			for _, a := range all {
				kind := reflect.TypeOf(a.object).Elem().Name()
				seen = seen && number[kind] > before[kind]
				if err := server.Client.Get(ctx, client.ObjectKeyFromObject(a.object), a.object); err != nil {
					return false, err
				}
				seen = seen && observedGeneration(a.object) == a.object.GetGeneration()
			}
			return seen, nil
		})
	if err != nil {
		t.Fatalf("%v: %+v", err, all)
	}
	return series
}

func observedGeneration(object client.Object) int64 {
	switch object := object.(type) {
	case v1alpha1.GenericManualIssuer:
		return object.ManualStatus().ObservedGeneration
	case *v1alpha1.ManualOrder:
		return object.Status.ObservedGeneration
	case *v1alpha1.TrackedCertificate:
		return object.Status.ObservedGeneration
	default:
		return 0
	}
}

// run starts the controllers of the four kinds, until the test ends.
func run(t *testing.T, namespace string) prometheus.Gatherer {
	t.Helper()
	registry := prometheus.NewRegistry()
	series, err := metrics.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	const plenty = 100
	reported := kubestatus.Events{Recorder: events.NewFakeRecorder(plenty)}
	moment := clocktesting.NewFakePassiveClock(pkitest.Now)
	again := controller.Options{SkipNameValidation: new(true)}
	server.Run(t, namespace, func(manager ctrl.Manager) error {
		cached, reader := manager.GetClient(), manager.GetAPIReader()
		return errors.Join(
			find.Index(t.Context(), manager.GetFieldIndexer()), find.IndexManual(t.Context(), manager.GetFieldIndexer()),
			manualissuer.Register(manager, manualissuer.Options{
				Client: cached, Reader: reader, Clock: moment, Events: reported, Metrics: series,
			}, again),
			manualorder.Register(manager, manualorder.Options{
				Client: cached, Outlines: manager.GetCache(), Reader: reader, Clock: moment, Events: reported,
				Retention: time.Hour,
			}, again),
			tracked.Register(manager, tracked.Options{
				Client: cached, Reader: reader, Clock: moment, Events: reported,
			}, again))
	})
	return registry
}

func versions(all []applied) []string {
	found := make([]string, 0, len(all))
	for _, a := range all {
		found = append(found, a.object.GetResourceVersion())
	}
	return found
}
