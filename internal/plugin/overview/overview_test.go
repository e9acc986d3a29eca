package overview_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const day = 24 * time.Hour

var (
	now   = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)
	asked = signingRequest()
)

func signingRequest() []byte {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, pkitest.Key("plugin"))
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func in(long time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(long)} }

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "stamps", Name: name, UID: types.UID(name), Generation: 1}
}

func ready(holds metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: "Ready", Status: holds, Reason: reason, Message: message, ObservedGeneration: 1}
}

func condition(kind string, holds bool, reason, message string) metav1.Condition {
	value := metav1.ConditionFalse
	if holds {
		value = metav1.ConditionTrue
	}
	return metav1.Condition{Type: kind, Status: value, Reason: reason, Message: message}
}

// certificate is a Certificate of an issuer of a kind, in use for so long yet; nil if it has none. It is being issued
// where there is none, or where that is said.
func certificate(kind string, left *time.Duration, issuing bool) *cmapi.Certificate {
	c := &cmapi.Certificate{ObjectMeta: meta("stamping")}
	c.Spec.IssuerRef = cmmeta.IssuerReference{Group: "varmenne.dev", Kind: kind, Name: "issuer"}
	set := func(kind cmapi.CertificateConditionType, holds cmmeta.ConditionStatus, reason string) {
		c.Status.Conditions = append(c.Status.Conditions, cmapi.CertificateCondition{
			Type: kind, Status: holds, Reason: reason})
	}
	if left == nil {
		set("Ready", "False", "DoesNotExist")
	} else {
		c.Status.NotBefore, c.Status.NotAfter, c.Status.RenewalTime = in(*left-730*day), in(*left), in(*left-45*day)
		set("Ready", "True", "Ready")
	}
	if issuing || left == nil {
		set("Issuing", "True", "DoesNotExist")
	}
	return c
}

type change func(*cmapi.CertificateRequest)

func approved(r *cmapi.CertificateRequest) {
	r.Status.Conditions = append(r.Status.Conditions, cmapi.CertificateRequestCondition{Type: "Approved", Status: "True"})
}

func says(kind cmapi.CertificateRequestConditionType, holds cmmeta.ConditionStatus, reason, message string) change {
	return func(r *cmapi.CertificateRequest) {
		r.Status.Conditions = append(r.Status.Conditions, cmapi.CertificateRequestCondition{
			Type: kind, Status: holds, Reason: reason, Message: message})
	}
}

// request is one of the Certificate's, to an issuer of a kind.
func request(kind string, changes ...change) *cmapi.CertificateRequest {
	r := &cmapi.CertificateRequest{ObjectMeta: meta("stamping-1")}
	r.OwnerReferences = []metav1.OwnerReference{{
		Kind: "Certificate", Name: "stamping", UID: "stamping", Controller: new(true)}}
	r.Spec.IssuerRef = cmmeta.IssuerReference{Group: "varmenne.dev", Kind: kind, Name: "issuer"}
	r.Spec.Request = asked
	for _, change := range changes {
		change(r)
	}
	return r
}

func vero(state v1alpha1.VeroOrderState, reason, message string) *v1alpha1.VeroOrder {
	o := &v1alpha1.VeroOrder{ObjectMeta: meta("vero-1")}
	o.Spec.RequestUID = "stamping-1"
	o.Status = v1alpha1.VeroOrderStatus{State: state, NextPollTime: new(metav1.NewMicroTime(now.Add(time.Minute))),
		NextSubmitTime: new(metav1.NewMicroTime(now.Add(time.Hour))),
		Conditions:     []metav1.Condition{ready("False", reason, message)}}
	return o
}

func manual(state v1alpha1.ManualOrderState, reason string, person bool) *v1alpha1.ManualOrder {
	o := &v1alpha1.ManualOrder{ObjectMeta: meta("manual-1")}
	parsed, _ := pki.ParseCertificateRequest(asked)
	digest, _ := pki.PublicKeyDigest(parsed.PublicKey)
	o.Spec = v1alpha1.ManualOrderSpec{Request: asked, PublicKeyDigest: digest,
		IssuerRef: v1alpha1.ManualIssuerReference{Kind: "ManualIssuer", Name: "issuer"}}
	o.Status = v1alpha1.ManualOrderStatus{State: state, NotBefore: in(5 * day), Conditions: []metav1.Condition{
		ready("False", reason, "the order says"), condition("PersonDue", person, reason, "the order says")}}
	return o
}

func veroIssuer(holds metav1.ConditionStatus, reason, message string) *v1alpha1.VeroIssuer {
	i := &v1alpha1.VeroIssuer{ObjectMeta: meta("issuer")}
	i.Status.Conditions = []metav1.Condition{ready(holds, reason, message)}
	return i
}

func manualIssuer() *v1alpha1.ManualIssuer {
	i := &v1alpha1.ManualIssuer{ObjectMeta: meta("issuer")}
	i.Status.Conditions = []metav1.Condition{ready("True", "Checked", "")}
	return i
}

func tracked(left time.Duration, conditions ...metav1.Condition) *v1alpha1.TrackedCertificate {
	return &v1alpha1.TrackedCertificate{ObjectMeta: meta("stamp"), Status: v1alpha1.TrackedCertificateStatus{
		NotBefore: in(left - 730*day), NotAfter: in(left), Conditions: conditions}}
}

func password(since time.Duration, conditions ...metav1.Condition) *v1alpha1.MessagesPassword {
	return &v1alpha1.MessagesPassword{ObjectMeta: meta("messages"), Status: v1alpha1.MessagesPasswordStatus{
		State: "Idle", PasswordSince: in(-since), NextRotationTime: in(12 * time.Hour), Conditions: conditions}}
}

func TestWhoseTurnItIs(t *testing.T) {
	const vi, mi = "VeroIssuer", "ManualIssuer"
	pending := says("Ready", "False", "Pending", "the request says; and more")
	failing := says("varmenne.dev/RenewalFailing", "True", "SubmissionFailing", "")
	checked := veroIssuer("True", "Checked", "")
	for claim, c := range map[string]struct {
		objects []runtime.Object
		state   string
		turn    overview.Turn
		weighs  overview.Severity
		next    string
		says    []string // in what is to be done, or in the command
	}{
		"a certificate in use is nobody's": {
			[]runtime.Object{certificate(vi, new(400*day), false), checked}, "Ready", overview.Nobody, overview.OK,
			overview.WindowOpens, nil},
		"one that is fetched by a person has a lead time": {
			[]runtime.Object{certificate(mi, new(40*day), false), manualIssuer()}, "Ready", overview.Nobody, overview.OK,
			overview.LeadTime, nil},
		"what goes on at the service is the service's": {
			[]runtime.Object{certificate(vi, nil, true), request(vi, approved, pending), checked,
				vero("Submitted", "AwaitingCertificate", "")}, "Issuing", overview.Service, overview.OK, overview.Poll, nil},
		"what the service keeps refusing is a person's": {
			[]runtime.Object{certificate(vi, nil, true), request(vi, approved, pending), checked,
				vero("Pending", "SubmissionFailing", "the service refuses")}, "Issuing", overview.Yours, overview.Warning,
			overview.Submit, []string{"the service refuses", "kubectl varmenne why -n stamps stamping"}},
		"credentials that were refused are a person's": {
			[]runtime.Object{certificate(vi, nil, true), request(vi, approved, pending), checked,
				vero("Failed", "CredentialsRefused", "")}, "Issuing", overview.Yours, overview.Warning, "",
			[]string{"transfer credentials", "kubectl varmenne credentials -n stamps stamping"}},
		"a request without an order says what is to be done": {
			[]runtime.Object{certificate(vi, nil, true), request(vi, approved, pending), checked},
			"Issuing", overview.Yours, overview.Warning, "", []string{"the request says", "varmenne credentials"}},
		"one that waits for its turn is nobody's": {
			[]runtime.Object{certificate(vi, nil, true), request(vi, approved, says("Ready", "False", "Pending",
				"CertificateRequest stamping-1 waits for its turn behind others of VeroIssuer issuer")), checked},
			"Issuing", overview.Nobody, overview.OK, "", nil},
		"one before the window is nobody's": {
			[]runtime.Object{certificate(vi, new(90*day), true), request(vi, approved, pending), checked},
			"Renewing", overview.Nobody, overview.OK, overview.WindowOpens, nil},
		"one that nobody has approved is the approver's": {
			[]runtime.Object{certificate(vi, nil, true), request(vi, pending), checked},
			"Issuing", overview.Yours, overview.Warning, "", []string{"cmctl approve -n stamps stamping-1"}},
		"one that waits for its issuer is as that": {
			[]runtime.Object{certificate(vi, nil, true), request(vi, approved, pending),
				veroIssuer("False", "BundleNotFound", "ConfigMap ca does not exist; create it")},
			"Issuing", overview.Yours, overview.Warning, "",
			[]string{"correct VeroIssuer issuer: ConfigMap ca", "kubectl describe veroissuer.varmenne.dev -n stamps issuer"}},
		"an issuer that cannot reach the service is the service's": {
			[]runtime.Object{certificate(vi, new(400*day), false), veroIssuer("False", "EndpointUnreachable", "")},
			"Ready", overview.Service, overview.Warning, overview.WindowOpens, nil},
		"what an issuer says of another spec does not count": {
			[]runtime.Object{certificate(vi, new(400*day), false), func() runtime.Object {
				i := veroIssuer("False", "BundleNotFound", "")
				i.Generation = 2
				return i
			}()}, "Ready", overview.Nobody, overview.OK, overview.WindowOpens, nil},
		"a renewal that fails in its last days is critical": {
			[]runtime.Object{certificate(vi, new(10*day), true), request(vi, approved, pending, failing), checked},
			"Renewing", overview.Yours, overview.Critical, overview.Ends, nil},
		"a certificate that has ended is critical": {
			[]runtime.Object{certificate(vi, new(-time.Hour), false)}, "Expired", overview.Nobody, overview.Critical, "",
			nil},
		"a request that was refused is a person's": {
			[]runtime.Object{certificate(vi, nil, false), request(vi, says("InvalidRequest", "True", "", ""),
				says("Ready", "False", "Failed", "no SAN"))}, "Failed", overview.Yours, overview.Warning, "",
			[]string{"correct the Certificate", "cmctl renew -n stamps stamping"}},
		"a CSR that is to be carried is a person's": {
			[]runtime.Object{certificate(mi, new(30*day), true), request(mi, approved, pending), manualIssuer(),
				manual("AwaitingApplication", "ApplicationDue", true)}, "Renewing", overview.Yours, overview.Warning,
			overview.Ends, []string{"carry the CSR", "kubectl varmenne csr -n stamps manual-1 > manual-1.csr"}},
		"one that was carried is the authority's": {
			[]runtime.Object{certificate(mi, nil, true), request(mi, approved, pending), manualIssuer(),
				manual("Applied", "AwaitingAuthority", true)}, "Issuing", overview.Service, overview.OK, "", nil},
		"what begins later is nobody's": {
			[]runtime.Object{certificate(mi, new(20*day), true), request(mi, approved, pending), manualIssuer(),
				manual("AwaitingValidity", "AwaitingValidity", false)}, "Renewing", overview.Nobody, overview.OK,
			overview.Begins, nil},
		"unless there is a gap": {
			[]runtime.Object{certificate(mi, new(3*day), true), request(mi, approved, pending), manualIssuer(),
				manual("AwaitingValidity", "AwaitingValidity", true)}, "Renewing", overview.Yours, overview.Critical,
			overview.Ends, []string{"no day is without"}},
		"an application that nobody waits for is to be stopped": {
			[]runtime.Object{manual("Stale", "ApplicationStale", true)}, "Stale", overview.Yours, overview.Warning, "",
			[]string{"stop the application", "kubectl varmenne applied -n stamps manual-1 --stopped"}},
		"a request without a Certificate has a row of its own": {
			[]runtime.Object{func() runtime.Object {
				r := request(vi, approved, pending)
				r.OwnerReferences = nil
				return r
			}(), vero("Submitted", "AwaitingCertificate", "")}, "Issuing", overview.Service, overview.OK, overview.Poll, nil},
		"a tracked certificate is nobody's": {
			[]runtime.Object{tracked(400*day, ready("True", "Tracked", ""))}, "Tracked", overview.Nobody, overview.OK,
			overview.Reminder, nil},
		"until it ends soon": {
			[]runtime.Object{tracked(40*day, ready("True", "Tracked", ""),
				condition("ExpiringSoon", true, "ExpiringSoon", "call Maija"))}, "ExpiringSoon", overview.Yours,
			overview.Warning, overview.Ends, []string{"get another certificate"}},
		"a notice is to be sent": {
			[]runtime.Object{tracked(400*day, ready("True", "Tracked", ""), condition("NoticeDue", true, "Changed", ""))},
			"NoticeDue", overview.Yours, overview.Warning, overview.Reminder, []string{"varmenne notice -n stamps stamp"}},
		"a password that is rotated is nobody's": {
			[]runtime.Object{password(day, ready("True", "Rotated", ""))}, "Idle", overview.Nobody, overview.OK,
			overview.Rotation, nil},
		"one that nobody but a person can mend is critical": {
			[]runtime.Object{password(day, ready("False", "PasswordRefused", "ask DVV"),
				condition("NeedsPerson", true, "PasswordRefused", "ask DVV"))}, "Idle", overview.Yours, overview.Critical,
			overview.Rotation, []string{"ask DVV"}},
		"one that is a year old is critical": {
			[]runtime.Object{password(370*day, ready("True", "Rotated", ""),
				condition("PasswordOld", true, "OneYearOld", ""))}, "Idle", overview.Yours, overview.Critical,
			overview.Rotation, []string{"demanded", "kubectl varmenne rotate -n stamps messages"}},
		"a service that does not answer has its turn": {
			[]runtime.Object{password(day, ready("False", "ServiceUnavailable", ""))}, "Idle", overview.Service,
			overview.Warning, overview.Rotation, nil},
	} {
		t.Run(claim, func(t *testing.T) {
			rows := overview.Of(objectsOf(c.objects...), now)
			if len(rows) != 1 {
				t.Fatalf("there are %d rows: %+v", len(rows), rows)
			}
			row := rows[0]
			if row.State != c.state || row.Turn != c.turn || row.Severity != c.weighs {
				t.Errorf("it is %s, the turn %s, %s", row.State, row.Turn, row.Severity)
			}
			if got := row.Next; got == nil && c.next != "" || got != nil && got.What != c.next {
				t.Errorf("next is %+v of %+v", got, row.Dates)
			}
			for _, text := range c.says {
				if !strings.Contains(row.Todo+" "+row.Command, text) {
					t.Errorf("%q is not in %q, %q", text, row.Todo, row.Command)
				}
			}
			if c.turn == overview.Yours != (row.Todo != "") {
				t.Errorf("it is %s, and what is to be done is %q", row.Turn, row.Todo)
			}
		})
	}
}

func objectsOf(objects ...runtime.Object) overview.Objects {
	var all overview.Objects
	for _, object := range objects {
		all.Add(object)
	}
	return all
}

func TestTheMostUrgentComesFirst(t *testing.T) {
	named := func(name string, left *time.Duration, issuing bool) *cmapi.Certificate {
		c := certificate("VeroIssuer", left, issuing)
		c.Name, c.UID = name, types.UID(name)
		return c
	}
	waiting := request("VeroIssuer")
	waiting.OwnerReferences[0].UID = "to-approve"
	rows := overview.Of(objectsOf(named("far", new(400*day), false), named("near", new(100*day), false),
		named("to-approve", nil, true), waiting, named("ended", new(-36*time.Hour), false)), now)
	names := make([]string, 0, len(rows))
	for i := range rows {
		names = append(names, rows[i].Name)
	}
	if got := strings.Join(names, " "); got != "ended to-approve near far" {
		t.Errorf("the order is %s", got)
	}
	if days := rows[0].DaysLeft; days == nil || *days != -2 {
		t.Errorf("what ended 36 hours ago has %v days left", *days)
	}
}

// TestTheChainLeadsToTheIssuer past a request that has ended, and one that only names the Certificate.
func TestTheChainLeadsToTheIssuer(t *testing.T) {
	old := request("ManualIssuer", says("Ready", "False", "Failed", ""))
	old.Name, old.UID, old.CreationTimestamp = "stamping-0", "stamping-0", *in(-day)
	latest := request("ManualIssuer", approved)
	latest.CreationTimestamp = *in(-time.Hour)
	stale := manual("Stale", "ApplicationStale", false)
	stale.Name, stale.UID, stale.CreationTimestamp = "manual-0", "manual-0", *in(0)
	rows := overview.Of(objectsOf(certificate("ManualIssuer", nil, true), latest, old, stale,
		manual("Applied", "AwaitingAuthority", true), manualIssuer()), now)
	chain := make([]string, 0, len(rows[0].Chain))
	for _, step := range rows[0].Chain {
		chain = append(chain, step.Kind+"/"+step.Name)
	}
	want := "Certificate/stamping CertificateRequest/stamping-1 ManualOrder/manual-1 ManualIssuer/issuer"
	if got := strings.Join(chain, " "); len(rows) != 1 || got != want {
		t.Errorf("of %d rows the first has the chain %s", len(rows), got)
	}
}

func TestCertificatesOfOtherIssuersArePassedOver(t *testing.T) {
	foreign := certificate("ClusterIssuer", nil, true)
	foreign.Spec.IssuerRef.Group = "cert-manager.io"
	var objects overview.Objects
	if objects.Add(foreign) || len(overview.Of(objects, now)) != 0 {
		t.Error("one is shown")
	}
}
