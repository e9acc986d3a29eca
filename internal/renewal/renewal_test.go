package renewal_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/renewal"
)

const day = 24 * time.Hour

var now = pkitest.Now

// TestWhenARenewalIsFailing: the moment from which on somebody is told, and not before.
func TestWhenARenewalIsFailing(t *testing.T) {
	for claim, c := range map[string]struct {
		reason        string
		left, created time.Duration // until the certificate expires, and since the request was made
		after         time.Duration // from now on
	}{
		"what a person must repair, at once":       {v1alpha1.ReasonWaitingForCredentials, 50 * day, 0, 0},
		"also long before the window opens":        {v1alpha1.ReasonRenewalRefused, 600 * day, 0, 0},
		"what the service has refused, at once":    {v1alpha1.ReasonSignatureRefused, 50 * day, 0, 0},
		"a request that was denied, at once":       {v1alpha1.ReasonDenied, 50 * day, 0, 0},
		"five failures, at once":                   {v1alpha1.ReasonSubmissionFailing, 50 * day, 0, 0},
		"an accepted one that is overdue, at once": {v1alpha1.ReasonRetrievalOverdue, 50 * day, day, 0},
		"a reason that nobody has thought of":      {"Unheard", 50 * day, 0, 0},
		"a passing failure, after ten minutes":     {v1alpha1.ReasonRetryingSubmission, 50 * day, 0, 10 * time.Minute},
		"an issuer that is not ready, too":         {v1alpha1.ReasonIssuerNotReady, 50 * day, time.Minute, 9 * time.Minute},
		"a missing approval, too":                  {v1alpha1.ReasonWaitingForApproval, 50 * day, 0, 10 * time.Minute},
		"counted from the opening of the window": {
			v1alpha1.ReasonIssuerNotReady, 61 * day, 100 * day, day + 10*time.Minute},
		"sooner where there is less time than that": {
			v1alpha1.ReasonRetryingSubmission, 10 * time.Minute, 0, 5 * time.Minute},
		"one that is being made, when half of the time is gone": {v1alpha1.ReasonAwaitingCertificate, 40 * day, 0, 20 * day},
		"one that the service finds too early, too": {
			v1alpha1.ReasonWaitingForWindow, 60 * day, 100 * day, 30 * day},
		"and never a wait for the window itself":         {v1alpha1.ReasonWaitingForWindow, 243 * day, 0, 213 * day},
		"a certificate that has expired before, at once": {v1alpha1.ReasonAwaitingCertificate, -day, 0, 0},
	} {
		t.Run(claim, func(t *testing.T) {
			request := renewal.Pending{
				Reason: c.reason, Created: now.Add(-c.created), Expires: now.Add(c.left), Window: v1alpha1.DefaultRenewalWindow,
			}
			at := now.Add(c.after)
			if c.after > 0 {
				before := request.Health(now)
				if before.Failing || !before.Next.Equal(at) {
					t.Errorf("at first it says %+v, want that it does not fail, and to be asked again at %s", before, at)
				}
				if request.Health(at.Add(-time.Nanosecond)).Failing {
					t.Error("it fails too early")
				}
			}
			if !request.Health(at).Failing {
				t.Error("it does not fail")
			}
		})
	}
}

// TestAFailingRenewalIsReportedMoreOftenAsTimeRunsOut walks from the first notice to the expiry as a controller does.
func TestAFailingRenewalIsReportedMoreOftenAsTimeRunsOut(t *testing.T) {
	expires := now.Add(70 * day)
	request := renewal.Pending{
		Reason: v1alpha1.ReasonWaitingForCredentials, Created: now, Expires: expires, Window: v1alpha1.DefaultRenewalWindow,
	}
	said := []string{}
	moment := now
	for {
		health := request.Health(moment)
		if !health.Failing || len(said) > 0 && health.Left == said[len(said)-1] {
			t.Fatalf("at %s it says %+v, which is no news after %q", moment, health, said)
		}
		said = append(said, health.Left)
		if health.Next.IsZero() {
			break
		}
		if early := request.Health(health.Next.Add(-time.Nanosecond)); early.Left != health.Left {
			t.Fatalf("it says %q before %s already", early.Left, health.Next)
		}
		moment = health.Next
	}
	if !moment.Equal(expires) {
		t.Errorf("the last word was at %s, want when it expires, %s", moment, expires)
	}
	want := []string{"in more than 60 days", "in less than 60 days", "in less than 30 days", "in less than 14 days",
		"in less than 7 days", "in less than 3 days", "in less than 1 day", "in less than 12 hours", "in less than 6 hours",
		"in less than 3 hours", "in less than 1 hour", "in less than 30 minutes", "in less than 10 minutes",
		"in less than 5 minutes", "in less than 1 minute", ""}
	if len(said) != len(want) {
		t.Fatalf("it says %q, want %q", said, want)
	}
	for i := range want {
		if said[i] != want[i] {
			t.Errorf("it says %q, want %q", said[i], want[i])
		}
	}
}
