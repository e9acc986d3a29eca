package order_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/apitest"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/manual/order"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
)

const name = "stamping.example.fi"

// waiting is an order that a request waits for, and its reconciler.
type waiting struct {
	*testing.T

	namespace  string
	clock      *clocktesting.FakePassiveClock
	order      *v1alpha1.ManualOrder
	authority  *pkitest.Authority
	events     *events.FakeRecorder
	reconciler *order.Reconciler
}

// begin makes the order, which is as changes want it.
func begin(t *testing.T, changes ...func(*v1alpha1.ManualOrderSpec)) *waiting {
	t.Helper()
	const enough = 20
	key := pkitest.Key("staged")
	digest, err := pki.PublicKeyDigest(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	w := &waiting{
		T: t, namespace: server.Namespace(t), clock: clocktesting.NewFakePassiveClock(pkitest.Now),
		authority: pkitest.Root(t, "DVV"), events: events.NewFakeRecorder(enough),
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	w.order = &v1alpha1.ManualOrder{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "manual-1"},
		Spec: v1alpha1.ManualOrderSpec{
			IssuerRef: v1alpha1.ManualIssuerReference{Kind: v1alpha1.KindManualIssuer, Name: "dvv"},
			Request:   text, PublicKeyDigest: digest,
		},
	}
	for _, change := range changes {
		change(&w.order.Spec)
	}
	request := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "stamping-1"},
		Spec: cmapi.CertificateRequestSpec{Request: text, Usages: []cmapi.KeyUsage{cmapi.UsageDigitalSignature},
			IssuerRef: cmmeta.IssuerReference{Group: v1alpha1.GroupName, Kind: v1alpha1.KindManualIssuer, Name: "dvv"}},
	}
	status.Set(request, cmapi.CertificateRequestConditionApproved, cmmeta.ConditionTrue, "Tested", "approved", pkitest.Now)
	issuer := &v1alpha1.ManualIssuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "dvv"},
		Spec:       v1alpha1.ManualIssuerSpec{Trust: v1alpha1.BundleSource{CABundle: pkitest.PEM(w.authority.Certificate)}},
	}
	server.Create(t, request, issuer, w.order)
	issuer.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonChecked,
		ObservedGeneration: issuer.Generation, LastTransitionTime: metav1.Time{Time: pkitest.Now},
	}}
	w.must(server.Client.Status().Update(t.Context(), issuer))
	indexes := apitest.Indexes{}
	w.must(find.Index(t.Context(), indexes))
	w.must(find.IndexManual(t.Context(), indexes))
	w.reconciler = &order.Reconciler{Options: order.Options{
		Client: server.Client, Outlines: apitest.Indexed{Client: server.Outlines, Indexes: indexes},
		Reader: getOnly{server.Client}, Clock: w.clock, Events: status.Events{Recorder: w.events}, Retention: time.Hour,
	}}
	return w
}

// getOnly is an access that panics when somebody lists.
type getOnly struct{ client.Reader }

func (getOnly) List(context.Context, client.ObjectList, ...client.ListOption) error {
	panic("something uncached is listed")
}

func (w *waiting) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// reconcile looks at the order, and returns what it says and when it is looked at again.
func (w *waiting) reconcile() (*metav1.Condition, ctrl.Result) {
	w.Helper()
	name := client.ObjectKeyFromObject(w.order)
	result, err := w.reconciler.Reconcile(w.Context(), reconcile.Request{NamespacedName: name})
	w.must(err)
	w.must(server.Client.Get(w.Context(), name, w.order))
	return orderstate.Ready(w.order), result
}

func fromConfigMap(name string) func(*v1alpha1.ManualOrderSpec) {
	return func(spec *v1alpha1.ManualOrderSpec) {
		spec.CertificateFrom = &v1alpha1.CertificateSource{ConfigMapKeyRef: &v1alpha1.KeyReference{Name: name, Key: "came"}}
	}
}

func fromSecret(key string) func(*v1alpha1.ManualOrderSpec) {
	return func(spec *v1alpha1.ManualOrderSpec) {
		spec.CertificateFrom = &v1alpha1.CertificateSource{SecretKeyRef: &v1alpha1.KeyReference{Name: "came", Key: key}}
	}
}

// TestWhatCertificateFromNames: it is read once a minute, told in one write, and nothing of a private key is told.
func TestWhatCertificateFromNames(t *testing.T) {
	elsewhere := server.Namespace(t)
	server.Create(t, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: elsewhere, Name: "elsewhere"}, Data: map[string]string{"came": "it"},
	})
	key := pkitest.KeyPEM(t, "staged")
	for claim, c := range map[string]struct {
		from func(*v1alpha1.ManualOrderSpec)
		says string
	}{
		"a ConfigMap that is missing":  {fromConfigMap("missing"), "does not exist: create it with the key came"},
		"a key that is missing":        {fromConfigMap("without"), "has no key came"},
		"one of another namespace":     {fromConfigMap("elsewhere"), "elsewhere does not exist"},
		"a name with a namespace":      {fromConfigMap(elsewhere + "/elsewhere"), "that is no name of a ConfigMap"},
		"more than 64 KiB":             {fromConfigMap("large"), "more than the 65536 bytes"},
		"a private key":                {fromSecret("tls.key"), "holds a private key"},
		"a Secret that is missing":     {fromSecret("missing"), "has no key missing"},
		"a certificate beside its key": {fromSecret("tls.crt"), "the certificate is issued"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			w := begin(t, c.from)
			object := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: w.namespace, Name: name} }
			server.Create(t,
				&corev1.ConfigMap{ObjectMeta: object("without"), Data: map[string]string{"other": "it"}},
				&corev1.ConfigMap{ObjectMeta: object("large"), Data: map[string]string{"came": strings.Repeat("a", 64<<10+1)}},
				&corev1.Secret{ObjectMeta: object("came"), Data: map[string][]byte{
					"tls.crt": pkitest.PEM(w.authority.Issue(t, pkitest.Key("staged"), name)), "tls.key": key,
				}})
			ready, result := w.reconcile()
			written := w.order.ResourceVersion
			if !strings.Contains(ready.Message, c.says) {
				t.Errorf("it says %q", ready.Message)
			}
			if ready.Status != metav1.ConditionTrue && result.RequeueAfter != time.Minute {
				t.Errorf("it is looked at after %s", result.RequeueAfter)
			}
			told, err := json.Marshal(w.order.Status)
			w.must(err)
			for len(w.events.Events) > 0 {
				told = append(told, <-w.events.Events...)
			}
			for line := range bytes.Lines(key) {
				if bytes.Contains(told, bytes.TrimSpace(line)) {
					t.Fatal("a line of the private key is told")
				}
			}
			if _, again := w.reconcile(); w.order.ResourceVersion != written || len(w.events.Events) > 0 {
				t.Errorf("a second look has written or told something, and wants another after %s", again.RequeueAfter)
			}
		})
	}
}

// TestWhenAWaitingOrderIsLookedAt: at the next reminder, and at most an hour later. A look at which nothing is new
// writes nothing.
func TestWhenAWaitingOrderIsLookedAt(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	w := begin(t, func(spec *v1alpha1.ManualOrderSpec) {
		spec.Renews = &v1alpha1.ManualRenewal{
			SerialNumber: "1", NotAfter: metav1.Time{Time: pkitest.Now.Add(45*day + 90*time.Minute)},
		}
		spec.Application = &v1alpha1.ManualApplication{Reference: "DVV-7"}
	})
	versions := make([]string, 0, 6)
	for _, c := range []struct {
		at, after time.Duration
		days      int32
	}{
		{0, time.Hour, 0}, {time.Hour, 30 * time.Minute, 0}, {90 * time.Minute, time.Hour, 45}, {day, time.Hour, 45},
		{15*day + 60*time.Minute, 30 * time.Minute, 45}, {40 * day, time.Hour, 7},
	} {
		w.clock.SetTime(pkitest.Now.Add(c.at))
		_, result := w.reconcile()
		if result.RequeueAfter != c.after {
			t.Errorf("after %s it is looked at in %s, want %s", c.at, result.RequeueAfter, c.after)
		}
		if given := w.order.Status.RemindedDays; (given == nil) != (c.days == 0) || given != nil && *given != c.days {
			t.Errorf("after %s somebody was reminded %v days before the end, want %d", c.at, given, c.days)
		}
		versions = append(versions, w.order.ResourceVersion)
	}
	if versions[0] != versions[1] || versions[2] != versions[3] || versions[3] != versions[4] {
		t.Errorf("a look at which nothing was new has written: %v", versions)
	}
	if told := len(w.events.Events); told != 3 {
		t.Errorf("%d events, want what it says first, and two reminders", told)
	}
}

// TestAStaleOrderIsKeptHalfAYearFromThenOn, although it has waited for longer than that before.
func TestAStaleOrderIsKeptHalfAYearFromThenOn(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	w := begin(t, func(spec *v1alpha1.ManualOrderSpec) {
		spec.Application = &v1alpha1.ManualApplication{Reference: "DVV-7"}
	})
	w.reconcile()
	w.clock.SetTime(pkitest.Now.Add(200 * day))
	w.must(server.Client.DeleteAllOf(t.Context(), &cmapi.CertificateRequest{}, client.InNamespace(w.namespace)))
	w.reconcile()
	w.clock.SetTime(pkitest.Now.Add(382 * day))
	if ready, result := w.reconcile(); ready.Reason != v1alpha1.ReasonApplicationStale || result.RequeueAfter != day {
		t.Errorf("it is %+v, for another %s", ready, result.RequeueAfter)
	}
}
