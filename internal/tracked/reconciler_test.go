package tracked_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/status"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/tracked"
)

const day = 24 * time.Hour

// watched is a tracked certificate and its reconciler.
type watched struct {
	*testing.T

	clock      *clocktesting.FakePassiveClock
	tracked    *v1alpha1.TrackedCertificate
	events     *events.FakeRecorder
	reconciler *tracked.Reconciler
}

// getOnly is an access that panics when somebody lists.
type getOnly struct{ client.Reader }

func (getOnly) List(context.Context, client.ObjectList, ...client.ListOption) error {
	panic("something uncached is listed")
}

func begin(t *testing.T, namespace string, spec v1alpha1.TrackedCertificateSpec) *watched {
	t.Helper()
	const enough = 20
	w := &watched{
		T: t, clock: clocktesting.NewFakePassiveClock(pkitest.Now), events: events.NewFakeRecorder(enough),
		tracked: &v1alpha1.TrackedCertificate{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "stamp-"}, Spec: spec,
		},
	}
	w.must(server.Client.Create(t.Context(), w.tracked))
	w.reconciler = &tracked.Reconciler{Options: tracked.Options{
		Client: server.Client, Reader: getOnly{server.Client}, Clock: w.clock, Events: status.Events{Recorder: w.events},
	}}
	return w
}

func (w *watched) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// reconcile looks at the certificate twice: the second look writes and tells nothing, and comes to the same.
func (w *watched) reconcile() ctrl.Result {
	w.Helper()
	var results [2]ctrl.Result
	var versions [2]string
	var told int
	name := client.ObjectKeyFromObject(w.tracked)
	for i := range results {
		told = len(w.events.Events)
		result, err := w.reconciler.Reconcile(w.Context(), reconcile.Request{NamespacedName: name})
		w.must(err)
		w.must(server.Client.Get(w.Context(), name, w.tracked))
		results[i], versions[i] = result, w.tracked.ResourceVersion
	}
	if results[0] != results[1] || versions[0] != versions[1] || told != len(w.events.Events) {
		w.Errorf("a second look writes: %v, %v, %d events before it and %d after", results, versions, told,
			len(w.events.Events))
	}
	return results[0]
}

func (w *watched) condition(kind string) metav1.Condition {
	w.Helper()
	condition := meta.FindStatusCondition(w.tracked.Status.Conditions, kind)
	if condition == nil {
		w.Fatalf("it has no condition %s", kind)
	}
	return *condition
}

func fromSecret(name, key string) v1alpha1.TrackedSource {
	return v1alpha1.TrackedSource{SecretKeyRef: &v1alpha1.KeyReference{Name: name, Key: key}}
}

func fromConfigMap(name, key string) v1alpha1.TrackedSource {
	return v1alpha1.TrackedSource{ConfigMapKeyRef: &v1alpha1.KeyReference{Name: name, Key: key}}
}

func fromCertificate(name string) v1alpha1.TrackedSource {
	return v1alpha1.TrackedSource{CertificateName: name}
}

// TestSources: what is there is read, what is not is told, and nothing of a private key is.
func TestSources(t *testing.T) {
	namespace, key := server.Namespace(t), pkitest.KeyPEM(t, "stamp")
	leaf := pkitest.PEM(pkitest.Root(t, "DVV").Issue(t, pkitest.Key("stamp"), "stamp"))
	object := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }
	certificate := func(name, secret string) client.Object {
		return &cmapi.Certificate{ObjectMeta: object(name), Spec: cmapi.CertificateSpec{
			SecretName: secret, CommonName: "stamp", IssuerRef: cmmeta.IssuerReference{Name: "other"},
		}}
	}
	server.Create(t,
		&corev1.Secret{ObjectMeta: object("tls"), Data: map[string][]byte{"tls.crt": leaf, "tls.key": key}},
		&corev1.Secret{ObjectMeta: object("mixed"), Data: map[string][]byte{"all.pem": append(key, leaf...)}},
		&corev1.ConfigMap{ObjectMeta: object("came"), Data: map[string]string{
			"large": strings.Repeat("a", 64<<10+1), "text": "no certificate",
		}, BinaryData: map[string][]byte{"der": pkitest.Root(t, "DVV").Certificate.Raw}},
		certificate("issued", "tls"), certificate("pending", "not-there"),
	)
	for claim, c := range map[string]struct {
		source       v1alpha1.TrackedSource
		reason, says string
	}{
		"text":                             {v1alpha1.TrackedSource{Certificate: string(leaf)}, "Tracked", "CN=stamp"},
		"another text":                     {v1alpha1.TrackedSource{Certificate: "x"}, "SourceInvalid", "no certificate"},
		"a certificate beside its key":     {fromSecret("tls", "tls.crt"), "Tracked", "CN=stamp"},
		"an authority, as DER":             {fromConfigMap("came", "der"), "Tracked", "CN=DVV"},
		"a private key":                    {fromSecret("tls", "tls.key"), "SourceInvalid", "such as tls.crt"},
		"a private key and a certificate":  {fromSecret("mixed", "all.pem"), "SourceInvalid", "such as tls.crt"},
		"more than 64 KiB":                 {fromConfigMap("came", "large"), "SourceInvalid", "more than the 65536 bytes"},
		"no certificate":                   {fromConfigMap("came", "text"), "SourceInvalid", "no certificate is in it"},
		"a ConfigMap that is missing":      {fromConfigMap("gone", "der"), "SourceNotFound", "does not exist"},
		"a key that is missing":            {fromSecret("tls", "gone"), "SourceNotFound", "has no key gone"},
		"a Certificate":                    {fromCertificate("issued"), "Tracked", "CN=stamp"},
		"a Certificate that is missing":    {fromCertificate("gone"), "SourceNotFound", "gone does not exist"},
		"a Certificate not issued yet":     {fromCertificate("pending"), "SourceNotFound", "not-there does not exist"},
		"what is no name of a Certificate": {fromCertificate("../x"), "SourceNotFound", "that is no name of one"},
	} {
		t.Run(claim, func(t *testing.T) {
			t.Parallel()
			w := begin(t, namespace, v1alpha1.TrackedCertificateSpec{Source: c.source})
			after := time.Minute // and a look at which nothing is new writes nothing
			if c.reason == v1alpha1.ReasonTracked || c.source.Certificate != "" {
				after = time.Hour
			}
			if result := w.reconcile(); result.RequeueAfter != after {
				t.Errorf("it is looked at after %s", result.RequeueAfter)
			}
			ready := w.condition(v1alpha1.ConditionReady)
			if ready.Reason != c.reason || !strings.Contains(ready.Message, c.says) {
				t.Errorf("it is %s: %s", ready.Reason, ready.Message)
			}
			subject := w.tracked.Status.Subject
			if c.reason == v1alpha1.ReasonTracked && !strings.HasPrefix(subject, c.says+",") {
				t.Errorf("its subject is %s", subject)
			}
			if len(w.events.Events) != 1 {
				t.Errorf("there are %d events, want one, whatever the conditions say alike", len(w.events.Events))
			}
			told, err := json.Marshal(w.tracked.Status)
			w.must(err)
			for len(w.events.Events) > 0 {
				told = append(told, <-w.events.Events...)
			}
			for line := range bytes.Lines(key) {
				if bytes.Contains(told, bytes.TrimSpace(line)) {
					t.Fatal("a line of the private key is told")
				}
			}
		})
	}
}

// TestTheEndOfATrackedCertificate: it is looked at when a reminder is due, and every reminder is given once.
func TestTheEndOfATrackedCertificate(t *testing.T) {
	t.Parallel()
	leaf := pkitest.Root(t, "DVV").Issue(t, pkitest.Key("stamp"), "stamp",
		pkitest.Dates(pkitest.NotBefore, pkitest.Now.Add(61*day)))
	w := begin(t, server.Namespace(t), v1alpha1.TrackedCertificateSpec{
		Source: v1alpha1.TrackedSource{Certificate: string(pkitest.PEM(leaf))},
	})
	for _, c := range []struct {
		left             time.Duration
		after            time.Duration
		expiring, reason string
		warnings         int
	}{
		{61 * day, time.Hour, "False", "Tracked", 0},
		{60*day + time.Minute, time.Minute, "False", "Tracked", 0},
		{60 * day, time.Hour, "True", "ExpiringSoon", 1},
		{45*day + time.Minute, time.Minute, "True", "ExpiringSoon", 0},
		{45 * day, time.Hour, "True", "ExpiringSoon", 1},
		{44 * day, time.Hour, "True", "ExpiringSoon", 0},
		{2 * day, time.Hour, "True", "ExpiringSoon", 1}, // of several that have passed the last
		{time.Minute, time.Minute, "True", "ExpiringSoon", 1},
		{0, time.Hour, "True", "Expired", 1}, // which two conditions say
	} {
		w.clock.SetTime(leaf.NotAfter.Add(-c.left))
		if result := w.reconcile(); result.RequeueAfter != c.after {
			t.Errorf("with %s left it is looked at after %s, want %s", c.left, result.RequeueAfter, c.after)
		}
		expiring := w.condition(v1alpha1.ConditionExpiringSoon)
		if string(expiring.Status) != c.expiring || expiring.Reason != c.reason {
			t.Errorf("with %s left it is %s, %s", c.left, expiring.Status, expiring.Reason)
		}
		var warnings int
		for len(w.events.Events) > 0 {
			if strings.HasPrefix(<-w.events.Events, corev1.EventTypeWarning) {
				warnings++
			}
		}
		if warnings != c.warnings {
			t.Errorf("with %s left there are %d Warnings, want %d", c.left, warnings, c.warnings)
		}
	}
}

// TestWhatIsToldOfAChange, until spec.acknowledgedDigest says that it was.
func TestWhatIsToldOfAChange(t *testing.T) {
	t.Parallel()
	issue := func(authority *pkitest.Authority, commonName string) string {
		return string(pkitest.PEM(authority.Issue(t, pkitest.Key("stamp"), commonName), authority.Certificate))
	}
	dvv := pkitest.Root(t, "DVV")
	renewedKey := pkitest.Root(t, "DVV renewed", func(template *x509.Certificate) {
		template.Subject = dvv.Certificate.Subject
	})
	w := begin(t, server.Namespace(t), v1alpha1.TrackedCertificateSpec{
		Source: v1alpha1.TrackedSource{Certificate: issue(dvv, "stamp")},
		ChangeNotice: &v1alpha1.ChangeNotice{
			To: "palvelut@example.fi", Subject: "Certificate change",
			When: []v1alpha1.ChangedFact{v1alpha1.ChangedCommonName, v1alpha1.ChangedAuthorityChain},
		},
	})
	for _, c := range []struct {
		what, text string
		due        bool
	}{
		{"the first one", w.tracked.Spec.Source.Certificate, false},
		{"a renewal", issue(dvv, "stamp"), false},
		{"another common name", issue(dvv, "another"), true},
		{"the authority's renewed key", issue(renewedKey, "another"), true},
	} {
		w.tracked.Spec.Source.Certificate = c.text
		w.must(server.Client.Update(t.Context(), w.tracked))
		w.reconcile()
		notice := w.tracked.Status.Notice
		due := w.condition(v1alpha1.ConditionNoticeDue).Status == metav1.ConditionTrue
		if due != c.due || due != (notice != nil) {
			t.Fatalf("%s is due to be told: %v, %+v", c.what, due, notice)
		}
		if !c.due {
			continue
		}
		if !strings.HasPrefix(c.text, string(notice.Certificate)) || notice.To != "palvelut@example.fi" {
			t.Errorf("%s: the notice is %+v", c.what, notice)
		}
		w.tracked.Spec.AcknowledgedDigest = notice.Digest
		w.must(server.Client.Update(t.Context(), w.tracked))
		w.reconcile()
		if w.condition(v1alpha1.ConditionNoticeDue).Status != metav1.ConditionFalse || w.tracked.Status.Notice != nil {
			t.Errorf("%s is still due after the acknowledgment", c.what)
		}
	}
}
