package trackedstate_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/tracked/trackedstate"
)

const day = 24 * time.Hour

// chain is a certificate and its authority, which is what a change is told of.
func chain(t *testing.T, authority, key string) (leaf, above *x509.Certificate) {
	t.Helper()
	root := pkitest.Root(t, authority)
	return root.Issue(t, pkitest.Key(key), "stamp"), root.Certificate
}

// snapshot is of a certificate with so much time left.
func snapshot(t *testing.T, left time.Duration) trackedstate.Snapshot {
	t.Helper()
	leaf, above := chain(t, "DVV", "one")
	return trackedstate.Snapshot{
		Now: leaf.NotAfter.Add(-left), Leaf: leaf, Above: []*x509.Certificate{above},
		Tracked: &v1alpha1.TrackedCertificate{
			ObjectMeta: metav1.ObjectMeta{Namespace: "stamps", Name: "stamp"},
			Spec: v1alpha1.TrackedCertificateSpec{
				Instructions: "order one in the e-service", Contact: "it@example.fi",
				ChangeNotice: &v1alpha1.ChangeNotice{
					To: "palvelut@example.fi", Subject: "Certificate change",
					When: []v1alpha1.ChangedFact{v1alpha1.ChangedCommonName, v1alpha1.ChangedAuthorityChain},
				},
			},
		},
	}
}

func TestTheEndOfACertificate(t *testing.T) {
	for claim, c := range map[string]struct {
		left            time.Duration
		ready, expiring string
		reminder        int32
		after           time.Duration
	}{
		"far away":                    {100 * day, "Tracked", "Tracked", 0, time.Hour},
		"just before reminders begin": {60*day + time.Minute, "Tracked", "Tracked", 0, time.Minute},
		"when they have begun":        {50 * day, "Tracked", "ExpiringSoon", 0, time.Hour},
		"when the first one is due":   {45 * day, "Tracked", "ExpiringSoon", 45, time.Hour},
		"just before the last one":    {day + time.Minute, "Tracked", "ExpiringSoon", 3, time.Minute},
		"just before the end":         {time.Minute, "Tracked", "ExpiringSoon", 1, time.Minute},
		"when it has ended":           {0, "Expired", "Expired", 1, time.Hour},
		"long after it was forgotten": {-100 * day, "Expired", "Expired", 1, time.Hour},
	} {
		t.Run(claim, func(t *testing.T) {
			s := snapshot(t, c.left)
			got := trackedstate.Decide(s)
			if got.Ready.Reason != c.ready || got.Expiring.Reason != c.expiring || got.Reminder != c.reminder {
				t.Errorf("it is %+v", got)
			}
			if got.Next.Sub(s.Now) != c.after {
				t.Errorf("it is looked at after %s, want %s", got.Next.Sub(s.Now), c.after)
			}
			says := got.Expiring.Message
			if got.Expiring.Holds && !strings.Contains(says, "e-service (contact: it@example.fi)") {
				t.Errorf("it says %q", says)
			}
		})
	}
}

func TestNobodyIsRemindedTwice(t *testing.T) {
	s := snapshot(t, 44*day)
	trackedstate.Decide(s).Record(s.Tracked, s)
	s.Now = s.Now.Add(day)
	if again := trackedstate.Decide(s); again.Reminder != 0 {
		t.Errorf("once more at %d days", again.Reminder)
	}
	s.Tracked.Spec.RemindBefore = &metav1.Duration{Duration: 20 * day}
	s.Now, s.Tracked.Status.RemindedDays = s.Leaf.NotAfter.Add(-20*day), nil
	if earlier := trackedstate.Decide(s); earlier.Reminder != 0 {
		t.Errorf("at %d days, which is before spec.remindBefore", earlier.Reminder)
	}
	s.Tracked.Spec.RemindBefore = nil
	s.Leaf, _ = chain(t, "DVV", "another key")
	if another := trackedstate.Decide(s); another.Reminder == 0 {
		t.Error("nobody is reminded of another certificate")
	}
}

func TestAChangeIsToldUntilItIsAcknowledged(t *testing.T) {
	s := snapshot(t, 100*day)
	first := trackedstate.Decide(s)
	if first.Notice != nil || first.Changed.Holds {
		t.Fatalf("the first certificate is told: %+v", first.Changed)
	}
	first.Record(s.Tracked, s)
	s.Leaf, _ = chain(t, "DVV", "another key") // which is no fact that has to be told
	if same := trackedstate.Decide(s); same.Notice != nil {
		t.Errorf("another key is told: %+v", same.Changed)
	}
	changed, above := chain(t, "DVV 2", "one")
	s.Leaf, s.Above = changed, []*x509.Certificate{above}
	told := trackedstate.Decide(s)
	if told.Notice == nil || told.Notice.To != "palvelut@example.fi" || !told.Changed.Holds ||
		!strings.HasPrefix(told.Changed.Message, "the authority chain has changed: send") ||
		!strings.Contains(told.Changed.Message, told.Notice.Digest) {
		t.Fatalf("another authority is not told: %+v", told)
	}
	told.Record(s.Tracked, s)
	s.Tracked.Spec.AcknowledgedDigest = told.Notice.Digest
	if done := trackedstate.Decide(s); done.Notice != nil || done.Changed.Holds {
		t.Errorf("after the acknowledgment: %+v", done.Changed)
	}
}

// TestWhoChangesWhatIsToldChangesNoFact: it is compared with what was known before, also of what nobody had to be told.
func TestWhoChangesWhatIsToldChangesNoFact(t *testing.T) {
	for claim, acknowledged := range map[string]bool{"seen first": false, "acknowledged": true} {
		s := snapshot(t, 100*day)
		s.Tracked.Spec.ChangeNotice.When = []v1alpha1.ChangedFact{v1alpha1.ChangedCommonName}
		first := trackedstate.Decide(s)
		first.Record(s.Tracked, s)
		if acknowledged {
			s.Tracked.Spec.AcknowledgedDigest = first.FirstDigest
		}
		s.Tracked.Spec.ChangeNotice.When = []v1alpha1.ChangedFact{v1alpha1.ChangedAuthorityChain, v1alpha1.ChangedAny}
		if got := trackedstate.Decide(s); got.Changed.Holds {
			t.Errorf("%s: it says %q", claim, got.Changed.Message)
		}
		s.Leaf, _ = chain(t, "DVV", "another key")
		if got := trackedstate.Decide(s); !strings.HasPrefix(got.Changed.Message, "the certificate has changed") {
			t.Errorf("%s: of another certificate it says %q", claim, got.Changed.Message)
		}
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	s := snapshot(t, 100*day)
	s.Leaf, s.Problem = nil, "it is a zip"
	if got := trackedstate.Decide(s).Ready; got.Holds || got.Reason != "SourceInvalid" || got.Message != "it is a zip" {
		t.Errorf("it is %+v", got)
	}
	s.Missing = true
	if got := trackedstate.Decide(s); got.Ready.Reason != "SourceNotFound" {
		t.Errorf("it is %+v", got.Ready)
	}
}

func TestTheAuthorityChain(t *testing.T) {
	root := pkitest.Root(t, "DVV")
	between, stranger := root.Intermediate(t, "DVV Service"), pkitest.Root(t, "stranger").Certificate
	leaf := between.Issue(t, pkitest.Key("one"), "stamp")
	facts := []v1alpha1.ChangedFact{v1alpha1.ChangedAuthorityChain}
	first := trackedstate.Digest(leaf, []*x509.Certificate{between.Certificate, root.Certificate})
	renewed := pkitest.Root(t, "DVV").Certificate // another certificate with the same name and key
	sameName := pkitest.Root(t, "other key", func(c *x509.Certificate) {
		c.Subject = root.Certificate.Subject
	}).Certificate
	for claim, c := range map[string]struct {
		above []*x509.Certificate
		same  bool
	}{
		"in another order":               {[]*x509.Certificate{root.Certificate, between.Certificate}, true},
		"beside those of others":         {[]*x509.Certificate{stranger, between.Certificate, root.Certificate}, true},
		"beside one that bears its name": {[]*x509.Certificate{sameName, between.Certificate, root.Certificate}, true},
		"with a renewed root, same key":  {[]*x509.Certificate{between.Certificate, renewed}, true},
		"with a root twice":              {[]*x509.Certificate{between.Certificate, root.Certificate, renewed}, true},
		"without the root":               {[]*x509.Certificate{between.Certificate}, false},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := trackedstate.Digest(leaf, c.above); (len(trackedstate.Changed(facts, got, first)) == 0) != c.same {
				t.Error("it is the other way round")
			}
		})
	}
}
