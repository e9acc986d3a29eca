package orderstate_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/manual/orderstate"
)

const day = 24 * time.Hour

var now = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

// change makes a snapshot of another one.
type change func(*orderstate.Snapshot)

// snapshot is of an order that replaces a certificate with 60 days left, whose issuer is ready and that a request waits
// for.
func snapshot(changes ...change) orderstate.Snapshot {
	s := orderstate.Snapshot{
		Now: now,
		Order: &v1alpha1.ManualOrder{
			ObjectMeta: metav1.ObjectMeta{Namespace: "stamps", Name: "manual-1", Generation: 1},
			Spec: v1alpha1.ManualOrderSpec{
				IssuerRef: v1alpha1.ManualIssuerReference{Kind: "ManualIssuer", Name: "dvv"},
				Renews:    &v1alpha1.ManualRenewal{SerialNumber: "1", NotAfter: metav1.Time{Time: now.Add(60 * day)}},
			},
		},
		Issuer: orderstate.Issuer{
			Exists: true, Ready: true, Lead: 30 * day,
			Instructions: []v1alpha1.ManualInstructions{{Language: "en", Steps: "carry {{csrFile}}"}},
		},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func first(s *orderstate.Snapshot)    { s.Order.Spec.Renews = nil }
func unwanted(s *orderstate.Snapshot) { s.Unwanted = "no CertificateRequest waits for it" }

func applied(s *orderstate.Snapshot) {
	s.Order.Spec.Application = &v1alpha1.ManualApplication{Reference: "DVV-7"}
}

func fromConfigMap(s *orderstate.Snapshot) {
	s.Order.Spec.CertificateFrom = &v1alpha1.CertificateSource{}
}

func rejected(s *orderstate.Snapshot) {
	s.Delivery = orderstate.Delivery{Given: true, Problem: "it is the CSR itself"}
}

func recheck(s *orderstate.Snapshot) { s.Delivery.Recheck = true }
func answers(s *orderstate.Snapshot) { s.Delivery.Answers = true }
func sameKey(s *orderstate.Snapshot) { s.SameKey = "names differ" }

func left(long time.Duration) change {
	return func(s *orderstate.Snapshot) { s.Order.Spec.Renews.NotAfter.Time = now.Add(long) }
}

func reminded(days int32) change {
	return func(s *orderstate.Snapshot) { s.Order.Status.RemindedDays = &days }
}

func brought(begins time.Duration) change {
	return func(s *orderstate.Snapshot) {
		s.Delivery = orderstate.Delivery{Given: true, Certificate: &orderstate.Certificate{
			Chain: []byte("chain"), SerialNumber: "2", NotBefore: now.Add(begins), NotAfter: now.Add(730 * day),
			Changes: []v1alpha1.SubjectChange{{Field: "spec.subject.organizations", Old: []string{"A"}, New: []string{"B"}}},
		}}
	}
}

// kept is what was brought and begins in 14 days, once it has been recorded.
func kept(s *orderstate.Snapshot) {
	brought(14 * day)(s)
	orderstate.Decide(*s).Record(s.Order, now.Add(-day))
	s.Delivery, s.Keeps = orderstate.Delivery{}, true
}

// warned is what an order says that has a certificate, and that somebody has to do something about.
var warned = regexp.MustCompile("nothing valid|after it cannot be used")

func TestWhatAnOrderSays(t *testing.T) {
	for claim, c := range map[string]struct {
		snapshot orderstate.Snapshot
		state    v1alpha1.ManualOrderState
		reason   string
		says     []string
		person   bool
	}{
		"a new one says how to carry the request": {
			snapshot(), "AwaitingApplication", "ApplicationDue",
			[]string{"kubectl get manualorder -n stamps manual-1", "base64 -d > manual-1.csr", "2027-01-27",
				"status.instructions (en)"}, true},
		"a first one has no end to speak of": {
			snapshot(first), "AwaitingApplication", "ApplicationDue", []string{"carry the request"}, true},
		"one within the lead time says so": {
			snapshot(left(30 * day)), "AwaitingApplication", "ApplicationDue", []string{"leadTime of 30 days has begun"}, true},
		"one that was applied for says how to bring what comes": {
			snapshot(applied), "Applied", "AwaitingAuthority", []string{"DVV-7", "--from-file=certificate=FILE"}, true},
		"what somebody has noted is quoted": {
			snapshot(applied, func(s *orderstate.Snapshot) { s.Order.Spec.Application.Reference = "7\x1b[2J\"; `rm`" }),
			"Applied", "AwaitingAuthority", []string{`application "7\x1b[2J\"; ` + "`rm`" + `" is with the authority`}, true},
		"what cannot be used leaves the state": {
			snapshot(applied, rejected), "Applied", "CertificateRejected", []string{"it is the CSR itself"}, true},
		"what can be used is issued": {
			snapshot(applied, brought(-time.Hour)), "Issued", "Issued", []string{`organizations "A" → "B"`}, false},
		"it needs no note of an application": {
			snapshot(brought(-time.Hour)), "Issued", "Issued", nil, false},
		"what begins later is kept": {
			snapshot(brought(14 * day)), "AwaitingValidity", "AwaitingValidity", []string{"begins at 2026-12-12"}, false},
		"a gap is told, and how long it is": {
			snapshot(left(10*day), brought(14*day)), "AwaitingValidity", "AwaitingValidity",
			[]string{"4 days earlier", "nothing valid"}, true},
		"a short one, too": {
			snapshot(left(14*day-time.Minute), brought(14*day)), "AwaitingValidity", "AwaitingValidity",
			[]string{" 1 minute earlier", "nothing valid"}, true},
		"what was kept waits": {
			snapshot(kept), "AwaitingValidity", "AwaitingValidity", []string{`"A" → "B"`}, false},
		"what was brought beside it and cannot be used is told": {
			snapshot(kept, rejected), "AwaitingValidity", "AwaitingValidity",
			[]string{"begins at 2026-12-12", "after it cannot be used: it is the CSR"}, true},
		"what was kept is handed over when it begins": {
			snapshot(kept, func(s *orderstate.Snapshot) { s.Now = now.Add(14 * day) }), "Issued", "Issued", nil, false},
		"what was kept and cannot be handed over any more is not": {
			snapshot(kept, applied, rejected, func(s *orderstate.Snapshot) { s.Keeps = false }), "Applied",
			"CertificateRejected", []string{"it is the CSR itself"}, true},
		"one that nobody waits for is stale": {
			snapshot(unwanted), "Stale", "ApplicationStale", []string{"do not carry"}, false},
		"a stale application has to be stopped": {
			snapshot(applied, unwanted), "Stale", "ApplicationStale", []string{
				`stop the application "DVV-7"`, `--type merge -p '{"spec":{"application":null}}'`}, true},
		"what was brought to a stale one is refused where nobody has its key": {
			snapshot(unwanted, rejected), "Stale", "CertificateRejected",
			[]string{"no CertificateRequest waits for it; what was brought back cannot be used: it is the CSR itself"}, true},
		"a wrong file does not stop a stale application": {
			snapshot(applied, unwanted, rejected), "Stale", "CertificateRejected",
			[]string{`stop the application "DVV-7"`, `{"application":null}`, "used: it is the CSR itself"}, true},
		"one that was answered cannot be stopped": {
			snapshot(applied, unwanted, rejected, answers), "Stale", "CertificateRejected",
			[]string{"no CertificateRequest waits for it; what was brought back cannot be used"}, true},
		"what was brought to a stale one may be of use to another": {
			snapshot(applied, unwanted, func(s *orderstate.Snapshot) {
				s.Delivery = orderstate.Delivery{Given: true, UsedBy: "manual-2"}
			}), "Stale", "ApplicationStale", []string{"used for ManualOrder manual-2"}, false},
		"what another one was brought, for the same key, and is of no use": {
			snapshot(applied, sameKey), "Applied", "AwaitingAuthority", []string{"DVV-7", "names differ"}, true},
		"a missing issuer is told": {
			snapshot(func(s *orderstate.Snapshot) { s.Issuer = orderstate.Issuer{} }), "AwaitingApplication", "IssuerNotFound",
			[]string{"ManualIssuer dvv does not exist"}, false},
		"nothing is carried for an issuer that is not ready": {
			snapshot(func(s *orderstate.Snapshot) { s.Issuer.Ready, s.Issuer.Message = false, "no bundle" }),
			"AwaitingApplication", "IssuerNotReady", []string{"no bundle"}, false},
	} {
		t.Run(claim, func(t *testing.T) {
			outcome := orderstate.Decide(c.snapshot)
			if outcome.State != c.state || outcome.Reason != c.reason || outcome.Person != c.person {
				t.Errorf("it is %s, %s, a person's turn: %v", outcome.State, outcome.Reason, outcome.Person)
			}
			if outcome.Warning != warned.MatchString(outcome.Message) {
				t.Errorf("%q is a Warning: %v", outcome.Message, outcome.Warning)
			}
			if has := len(outcome.Instructions) > 0; has != (c.person && c.state != "Stale") {
				t.Errorf("the instructions are %+v", outcome.Instructions)
			}
			for _, text := range c.says {
				if !strings.Contains(outcome.Message, text) {
					t.Errorf("%q does not say %q", outcome.Message, text)
				}
			}
		})
	}
}

func TestAnIssuedOrderDoesNotChange(t *testing.T) {
	s := snapshot(brought(-time.Hour))
	orderstate.Decide(s).Record(s.Order, now)
	s.Unwanted = "the request is gone"
	before := s.Order.DeepCopy()
	orderstate.Decide(s).Record(s.Order, now.Add(day))
	if s.Order.Status.State != "Issued" || s.Order.Status.CompletionTime.Time != before.Status.CompletionTime.Time ||
		orderstate.Ready(s.Order).Message != orderstate.Ready(before).Message {
		t.Errorf("the status is %+v", s.Order.Status)
	}
}

func TestReminders(t *testing.T) {
	for claim, c := range map[string]struct {
		snapshot orderstate.Snapshot
		days     int32
		says     string
	}{
		"none while there is time": {snapshot(), 0, ""},
		"the first one":            {snapshot(left(45 * day)), 45, "ends within 45 days"},
		"not twice":                {snapshot(left(40*day), reminded(45)), 0, ""},
		"the next one":             {snapshot(left(30*day), reminded(45)), 30, "ends within 30 days"},
		"of several the last":      {snapshot(left(2 * day)), 3, "ends within 3 days"},
		"also of what was rejected": {
			snapshot(left(day), reminded(3), rejected), 1, "within 1 day, at 2026-11-29T12:00:00Z: it is the CSR itself"},
		"after the end":                      {snapshot(left(-day)), 1, "has ended"},
		"none for a first certificate":       {snapshot(first), 0, ""},
		"none where nobody has to do things": {snapshot(left(day), brought(-time.Hour)), 0, ""},
		"none to stop an application":        {snapshot(left(day), applied, unwanted), 0, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			reminder := orderstate.Decide(c.snapshot).Reminder
			switch {
			case c.days == 0 && reminder != nil:
				t.Errorf("somebody is reminded: %+v", reminder)
			case c.days > 0 && (reminder == nil || reminder.Days != c.days || !strings.Contains(reminder.Message, c.says)):
				t.Errorf("the reminder is %+v", reminder)
			}
		})
	}
}

func TestWhenAnOrderIsLookedAt(t *testing.T) {
	for claim, c := range map[string]struct {
		snapshot orderstate.Snapshot
		after    time.Duration
	}{
		"once an hour":                  {snapshot(), time.Hour},
		"when the next reminder is due": {snapshot(left(45*day + time.Minute)), time.Minute},
		"when the lead time begins": {
			snapshot(left(20*day+time.Minute), func(s *orderstate.Snapshot) { s.Issuer.Lead = 20 * day }), time.Minute},
		"once a minute where a ConfigMap is named": {snapshot(fromConfigMap, rejected), time.Minute},
		"also where it is stale":                   {snapshot(unwanted, fromConfigMap, rejected), time.Minute},
		"once an hour where the text is rejected":  {snapshot(rejected), time.Hour},
		"once a minute where the trust rejects it": {snapshot(rejected, recheck), time.Minute},
		"once a minute where another holds one":    {snapshot(sameKey), time.Minute},
		"once an hour while there will be a gap":   {snapshot(left(10*day), brought(14*day)), time.Hour},
		"when the certificate begins":              {snapshot(first, brought(14*day)), 14 * day},
	} {
		t.Run(claim, func(t *testing.T) {
			if next := orderstate.Decide(c.snapshot).Next; next.Sub(now) != c.after {
				t.Errorf("after %s", next.Sub(now))
			}
		})
	}
	if next := orderstate.Decide(snapshot(unwanted)).Next; !next.IsZero() {
		t.Errorf("a stale one at %s", next)
	}
}

// TestSinceWhenAnOrderIsStale: from then on it is kept for half a year, however long it has waited before.
func TestSinceWhenAnOrderIsStale(t *testing.T) {
	s := snapshot(applied)
	orderstate.Decide(s).Record(s.Order, now)
	if s.Order.Status.StaleTime != nil {
		t.Errorf("since %s, while somebody waits", s.Order.Status.StaleTime)
	}
	unwanted(&s)
	for _, later := range []time.Duration{200 * day, 201 * day} {
		orderstate.Decide(s).Record(s.Order, now.Add(later))
		if since := s.Order.Status.StaleTime; since == nil || !since.Time.Equal(now.Add(200*day)) {
			t.Errorf("since %s, at %s", since, later)
		}
	}
	s.Unwanted = ""
	orderstate.Decide(s).Record(s.Order, now.Add(202*day))
	if s.Order.Status.StaleTime != nil {
		t.Errorf("since %s, when somebody waits again", s.Order.Status.StaleTime)
	}
}
