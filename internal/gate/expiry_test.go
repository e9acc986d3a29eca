package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/gate"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/kube/find"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/metrics"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/secrets"
	"github.com/varmenne/varmenne-issuer/internal/vero/backend"
)

const (
	series = "varmenne_renewal_failing_expiration_timestamp_seconds"
	day    = 24 * time.Hour
)

// renewal is a CertificateRequest that is to replace the certificate of a Certificate, and who watches it.
type renewal struct {
	*testing.T

	certificate *cmapi.Certificate
	request     *cmapi.CertificateRequest
	expires     time.Time
	clock       *clocktesting.FakeClock
	events      *events.FakeRecorder
	registry    *prometheus.Registry
	reconciler  *gate.Reconciler
	backend     *backend.Backend
}

// renew makes a request for a Certificate whose certificate has twenty days left.
func renew(t *testing.T) *renewal {
	t.Helper()
	namespace := server.Namespace(t)
	issuer := cmmeta.IssuerReference{Group: "varmenne.dev", Kind: "VeroIssuer", Name: "vero"}
	r := &renewal{
		T: t,
		certificate: &cmapi.Certificate{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tax"},
			Spec:       cmapi.CertificateSpec{SecretName: "tax-tls", CommonName: "0123456-7", IssuerRef: issuer},
		},
		request: &cmapi.CertificateRequest{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "tax-2"},
			Spec:       cmapi.CertificateRequestSpec{Request: []byte("not looked at"), IssuerRef: issuer},
		},
	}
	server.Create(t, r.certificate)
	r.request.OwnerReferences = []metav1.OwnerReference{
		*metav1.NewControllerRef(r.certificate, cmapi.SchemeGroupVersion.WithKind("Certificate")),
	}
	server.Create(t, r.request)
	r.clock = clocktesting.NewFakeClock(r.request.CreationTimestamp.Time)
	r.expires = r.clock.Now().Add(20 * day)
	r.issuing(true)
	r.holds(r.expires.Add(-730*day), r.expires)
	r.restart()
	return r
}

// holds lets cert-manager say what the Secret holds.
func (r *renewal) holds(notBefore, notAfter time.Time) {
	r.Helper()
	r.certificate.Status.NotBefore = new(metav1.NewTime(notBefore))
	r.certificate.Status.NotAfter = new(metav1.NewTime(notAfter))
	must.Do(r, server.Client.Status().Update(r.Context(), r.certificate))
}

// restart starts a controller that remembers nothing.
func (r *renewal) restart() {
	r.Helper()
	const enough = 100
	r.events, r.registry = events.NewFakeRecorder(enough), prometheus.NewPedanticRegistry()
	numbers := must.Get(metrics.New(r.registry))(r)
	r.backend = &backend.Backend{}
	r.reconciler = gate.NewReconciler(gate.Options{
		Outlines: server.Outlines, Clock: r.clock, Metrics: numbers, Events: status.Events{Recorder: r.events},
		Backends: []gate.Backend{r.backend},
	})
	r.uses(server.Client, server.Client)
}

// uses lets the controller reach the API server in that way from now on.
func (r *renewal) uses(access client.Client, reader client.Reader) {
	r.reconciler.Client, r.reconciler.Reader = access, reader
	r.backend.Client, r.backend.Reader = server.Indexed(r.T, access, find.Index), reader
	r.backend.Bundles = secrets.NewKeptBundles(reader, "default", r.clock)
}

// issuing lets cert-manager say that it is, or that it has failed.
func (r *renewal) issuing(issuing bool) {
	r.Helper()
	value := cmmeta.ConditionTrue
	if !issuing {
		value = cmmeta.ConditionFalse
		r.certificate.Status.LastFailureTime = new(metav1.NewTime(r.clock.Now()))
	}
	r.certificate.Status.Conditions = []cmapi.CertificateCondition{
		{Type: cmapi.CertificateConditionIssuing, Status: value, Reason: "Test"},
	}
	must.Do(r, server.Client.Status().Update(r.Context(), r.certificate))
}

func (r *renewal) reconcile() ctrl.Result {
	r.Helper()
	name := client.ObjectKeyFromObject(r.request)
	result := must.Get(r.reconciler.Reconcile(r.Context(), reconcile.Request{NamespacedName: name}))(r)
	must.Do(r, client.IgnoreNotFound(server.Client.Get(r.Context(), name, r.request)))
	return result
}

// deny lets an approver deny the request.
func (r *renewal) deny() {
	r.Helper()
	status.Set(r.request, cmapi.CertificateRequestConditionDenied, cmmeta.ConditionTrue, "Policy", "no", r.clock.Now())
	must.Do(r, server.Client.Status().Update(r.Context(), r.request))
}

// says fails the test unless the condition, the metric and the events since the last time say this; an empty condition
// stands for none, and no event for none.
func (r *renewal) says(reason, condition string, wanted ...string) {
	r.Helper()
	told := conditions.Find(r.request, v1alpha1.ConditionRenewalFailing)
	failing := condition != ""
	switch {
	case told == nil && failing:
		r.Error("there is no condition")
	case told != nil && (told.Status == cmmeta.ConditionTrue) != failing:
		r.Errorf("the condition is %+v", told)
	case failing && (!strings.Contains(told.Message, condition) || told.Reason != reason):
		r.Errorf("the condition is %+v, want %s, saying %q", told, reason, condition)
	}
	r.measures(failing, reason)
	for _, want := range wanted {
		select {
		case event := <-r.events.Events:
			if !strings.Contains(event, want) {
				r.Errorf("the event is %q, want that it says %q", event, want)
			}
		default:
			r.Errorf("there is no event that says %q", want)
		}
	}
	if more := len(r.events.Events); more > 0 {
		r.Errorf("there are %d more events, the first: %s", more, <-r.events.Events)
	}
}

func (r *renewal) measures(failing bool, reason string) {
	r.Helper()
	want := ""
	if failing {
		want = fmt.Sprintf("# HELP %[1]s When the certificate in use expires, in seconds since 1970, for each "+
			"CertificateRequest that is to replace one and needs attention. There is no series where no renewal is "+
			"failing.\n# TYPE %[1]s gauge\n%[1]s{certificate=\"tax\",namespace=%[2]q,reason=%[3]q,request=\"tax-2\"} %[4]g\n",
			series, r.request.Namespace, reason, float64(r.expires.Unix()))
	}
	must.Do(r, testutil.GatherAndCompare(r.registry, strings.NewReader(want), series))
}

func TestARenewalThatWaitsForApprovalIsReportedAfterAWhile(t *testing.T) {
	r := renew(t)
	r.reconcile()
	r.says("", "")
	r.clock.Step(10 * time.Second)
	result := r.reconcile()
	r.says("", "", "no approver has approved")
	r.clock.Step(result.RequeueAfter)
	result = r.reconcile()
	r.says("", "")
	r.clock.Step(result.RequeueAfter)
	if waited := r.clock.Since(r.request.CreationTimestamp.Time); waited != 10*time.Minute {
		t.Errorf("it is looked at again after %s, want 10 minutes", waited)
	}
	result = r.reconcile()
	r.says(v1alpha1.ReasonWaitingForApproval, "in less than 30 days, and is not renewed yet: no approver has approved",
		"Warning RenewalFailing the certificate in Secret tax-tls expires on "+r.expires.UTC().Format(time.RFC3339))

	if result.RequeueAfter != 10*time.Minute {
		t.Errorf("it is looked at again after %s, want 10 minutes: something may have changed unseen", result.RequeueAfter)
	}
	r.clock.SetTime(r.expires.Add(-14 * day))
	r.reconcile()
	r.says(v1alpha1.ReasonWaitingForApproval, "in less than 14 days", "in less than 14 days")
	r.reconcile()
	r.says(v1alpha1.ReasonWaitingForApproval, "in less than 14 days")
}

func TestAFailedRenewalIsReportedUntilThereIsANewCertificate(t *testing.T) {
	r := renew(t)
	r.deny()
	r.reconcile()
	r.says(v1alpha1.ReasonDenied, "in less than 30 days", "an approver has denied", "Warning RenewalFailing")

	r.issuing(false)
	r.restart()
	result := r.reconcile()
	r.says(v1alpha1.ReasonDenied, "in less than 30 days")
	r.clock.Step(result.RequeueAfter)
	r.reconcile()
	r.says(v1alpha1.ReasonDenied, "in less than 14 days", "in less than 14 days")
	r.clock.SetTime(r.expires)
	if result := r.reconcile(); result.RequeueAfter != 0 {
		t.Errorf("there is nothing left to say, and it is looked at again after %s", result.RequeueAfter)
	}
	r.says(v1alpha1.ReasonDenied, "expired on", "Warning CertificateExpired")

	r.holds(r.clock.Now().Add(time.Second), r.clock.Now().Add(730*day))
	r.reconcile()
	r.measures(false, "")
}

func TestAFailingRenewalIsForgottenWithItsRequest(t *testing.T) {
	r := renew(t)
	r.deny()
	r.reconcile()
	r.measures(true, v1alpha1.ReasonDenied)
	must.Do(t, server.Client.Delete(t.Context(), r.request))
	r.reconcile()
	r.measures(false, "")
}

func TestARequestThatReplacesNothingFailsNoRenewal(t *testing.T) {
	for claim, change := range map[string]func(*renewal){
		"because it is the first": func(r *renewal) {
			r.certificate.Status.NotBefore, r.certificate.Status.NotAfter = nil, nil
			must.Do(t, server.Client.Status().Update(t.Context(), r.certificate))
		},
		"because its Certificate is another one": func(r *renewal) {
			r.request.OwnerReferences[0].UID = "another"
			must.Do(t, server.Client.Update(t.Context(), r.request))
		},
		"because nothing is being issued": func(r *renewal) {
			r.certificate.Status.Conditions = nil
			must.Do(t, server.Client.Status().Update(t.Context(), r.certificate))
		},
		"because the Secret holds cert-manager's temporary certificate": func(r *renewal) {
			local := pkitest.Root(t, "cert-manager.local")
			server.Create(t, &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Namespace: r.request.Namespace, Name: "tax-tls"},
				Data:       map[string][]byte{"tls.crt": pkitest.PEM(local.Issue(t, pkitest.Key("staged"), "0123456-7"))},
			})
		},
		"because nobody claims it": func(r *renewal) {
			r.request.OwnerReferences = nil
			must.Do(t, server.Client.Update(t.Context(), r.request))
		},
	} {
		t.Run(claim, func(t *testing.T) {
			r := renew(t)
			change(r)
			r.deny()
			r.reconcile()
			r.says("", "", "an approver has denied")
		})
	}
}

// TestWhatARenewalWaitsForIsToldWithTheWarning, so that it comes once the request says it.
func TestWhatARenewalWaitsForIsToldWithTheWarning(t *testing.T) {
	r := prepared(t)
	r.expires = r.clock.Now().Add(-time.Hour)
	r.holds(r.expires.Add(-730*day), r.expires)
	r.clock.Step(20 * time.Second)
	r.order(v1alpha1.VeroOrderSubmitted)
	order := r.onlyOrder()
	order.Status.AcceptanceTime = &metav1.MicroTime{Time: r.clock.Now()}
	must.Do(t, server.Client.Status().Update(t.Context(), order))
	r.clock.Step(11 * time.Second)
	if again := r.reconcile().RequeueAfter; again != 4*time.Second {
		t.Errorf("it is looked at again in %s", again)
	}
	r.says("", "")
	r.clock.Step(4 * time.Second)
	r.reconcile()
	const said = "was not renewed: the service makes the certificate"
	r.says(v1alpha1.ReasonAwaitingCertificate, said, said)
}
