package issuance_test

import (
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
)

type decision struct {
	snapshot issuance.Snapshot
	want     want
}

func run(t *testing.T, cases map[string]decision) {
	t.Helper()
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) { c.want.check(t, issuance.Decide(c.snapshot)) })
	}
}

// edge is when the window of a certificate opens that ends at edge + window.
var edge = now

func createSignNew(number int32) want {
	return want{verb: issuance.Create, reason: v1alpha1.ReasonOrderCreated,
		operation: v1alpha1.OperationSignNew, attempt: number}
}

func createRenewal(number int32) want {
	return want{verb: issuance.Create, reason: v1alpha1.ReasonOrderCreated,
		operation: v1alpha1.OperationRenew, attempt: number}
}

func waitFor(reason string, says ...string) want {
	return want{verb: issuance.Wait, reason: reason, says: says}
}

// TestOperation is the table of docs/architecture.md, Which operation a request needs.
// cautious has something to say about the request.
func cautious(s *issuance.Snapshot) { s.Request.Caution = "the key is large" }

func TestOperation(t *testing.T) {
	open, closed := currentUntil(now.AddDate(0, 0, 30)), currentUntil(now.AddDate(1, 0, 0))
	bought := leafUntil(t, "another's", now.AddDate(1, 0, 0))
	waitForCredentials := waitFor(v1alpha1.ReasonWaitingForCredentials, "Secret vero-transfer does not exist")
	waitForCredentials.at = now.Add(facts.CredentialsPollInterval)
	waitForWindow := waitFor(v1alpha1.ReasonWaitingForWindow, "Secret tls", "spec.renewBefore", "1440h")
	run(t, map[string]decision{
		"no certificate, credentials: SignNewCertificate":      {requested(credentials), createSignNew(1)},
		"no certificate, no credentials: wait for credentials": {requested(), waitForCredentials},
		"unusable, credentials: SignNewCertificate": {
			requested(open, unusable("it has expired"), credentials), createSignNew(1)},
		"a key of an uncertain size, no credentials: wait for them, and say so": {
			requested(cautious), waitFor(v1alpha1.ReasonWaitingForCredentials, "does not exist; the key is large")},
		"a key of an uncertain size, window closed: hold, and say so": {
			requested(closed, cautious), waitFor(v1alpha1.ReasonWaitingForWindow, "; the key is large")},
		"a key of an uncertain size, credentials: SignNewCertificate": {
			requested(cautious, credentials), createSignNew(1)},
		"unusable, no credentials: wait for them, and say what is wrong with the certificate": {
			requested(open, unusable("it has expired")),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "it has expired, so a new one needs", "does not exist")},
		"valid, window open, credentials: RenewCertificate":    {requested(open, credentials), createRenewal(1)},
		"valid, window open, no credentials: RenewCertificate": {requested(open), createRenewal(1)},
		"valid, window closed, credentials that the Certificate names: SignNewCertificate": {
			requested(closed, credentials, ownCredentials), createSignNew(1)},
		"valid, window closed, the issuer's default credentials: hold, and say how they are used": {
			requested(closed, credentials),
			waitFor(v1alpha1.ReasonWaitingForWindow, "Secret vero-transfer are not used", "set its annotation "+
				v1alpha1.AnnotationTransferSecret+" to vero-transfer")},
		"refused by the service, window closed, the issuer's default credentials: SignNewCertificate": {
			requested(closed, credentials, with(renewal(sent(now.Add(-time.Minute), pki015)))), createSignNew(1)},
		"valid, window closed, of another issuer as cert-manager sees it: hold, and say so": {
			requested(closed, func(s *issuance.Snapshot) { s.Current.NotOurs = "says that it is of VeroIssuer old" }),
			waitFor(v1alpha1.ReasonWaitingForWindow, "because the Secret says that it is of VeroIssuer old",
				"cert-manager.io/issuer-name to vero", "cert-manager.io/issuer-kind to VeroIssuer",
				"cert-manager.io/issuer-group to varmenne.dev")},
		"valid, window closed, no credentials: hold, look hourly for credentials": {
			requested(closed), want{verb: issuance.Wait, reason: waitForWindow.reason, at: now.Add(time.Hour),
				says: append(waitForWindow.says, now.AddDate(1, 0, 0).Add(-window).Format(time.RFC3339))}},
		"valid, window closed, credentials that were refused: hold, and say so": {
			requested(closed, credentials, ownCredentials, with(signNew(sent(now.Add(-time.Minute), pki020)))),
			want{verb: issuance.Wait, reason: waitForWindow.reason, at: now.Add(time.Hour),
				says: append(waitForWindow.says, "; the transfer credentials in Secret vero-transfer were refused", "PKI020")}},
		"valid, window closed, credentials that bought the certificate: hold": {
			requested(closed, credentials, ownCredentials, with(signNew(forAnotherKey, bore(bought)))),
			want{verb: issuance.Wait, reason: waitForWindow.reason, at: now.Add(time.Hour), says: waitForWindow.says}},
		"the window opens within the hour: look again just then": {
			requested(currentUntil(edge.Add(window)), at(edge.Add(-time.Minute))),
			want{verb: issuance.Wait, reason: v1alpha1.ReasonWaitingForWindow, at: edge}},
		"a nanosecond before the window opens it is closed": {
			requested(currentUntil(edge.Add(window)), at(edge.Add(-1))), waitForWindow},
		"at the very edge the window is open": {
			requested(currentUntil(edge.Add(window)), at(edge)), createRenewal(1)},
		"credentials that nobody has looked for are none": {
			requested(func(s *issuance.Snapshot) { s.Transfer = facts.Transfer{} }),
			waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"a key that nobody holds gets nothing": {
			requested(credentials, func(s *issuance.Snapshot) { s.Request.Unbacked = "Certificate tls is gone" }),
			want{verb: issuance.Wait, reason: v1alpha1.ReasonWaitingForCertificate,
				at: now.Add(facts.CredentialsPollInterval), says: []string{"Certificate tls is gone"}}},
	})
}

func TestCredentialsWorkOnce(t *testing.T) {
	accepted := sent(now.Add(-time.Minute), nil)
	refused := sent(now.Add(-time.Minute), pki020)
	lost := []edit{sent(now.Add(-2*time.Minute), errNoAnswer), refused}
	spent := waitFor(v1alpha1.ReasonWaitingForCredentials, "were spent on 2026-06-01T11:59:00Z by VeroOrder sign-1 "+
		"for CertificateRequest tls-1", "they work once")
	wasRefused := waitFor(v1alpha1.ReasonWaitingForCredentials, "were refused (VeroOrder sign-1", "PKI020")
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	leaf := leafUntil(t, "another's", now.AddDate(2, 0, 0))
	run(t, map[string]decision{
		"not while an order for another key is submitting": {
			requested(credentials, with(forAnotherKey, intended(now.Add(-time.Minute)))), spent},
		"not when an order for another key was accepted": {requested(credentials, with(forAnotherKey, accepted)), spent},
		"not when an order for another key has its certificate": {
			requested(credentials, with(forAnotherKey, bore(leaf))), waitFor(v1alpha1.ReasonWaitingForCredentials, "spent")},
		"not when an order in the name of another issuer was accepted": {
			requested(credentials, with(forAnotherIssuer, accepted)), spent},
		"reserved while another order is pending": {
			requested(credentials, with(forAnotherKey)),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "are reserved for VeroOrder sign-1 for CertificateRequest tls-1",
				"credentials of its own", v1alpha1.AnnotationTransferSecret)},
		"an order with other credentials does not matter": {
			requested(newCredentials, with(forAnotherKey, accepted)), createSignNew(1)},
		"refused with PKI020: wait for others": {requested(credentials, with(refused)), wasRefused},
		"refused with PKI020 for another key: wait for others": {
			requested(credentials, with(forAnotherKey, refused)), wasRefused},
		"refused, then the password was corrected": {requested(newPassword, with(refused)), createSignNew(2)},
		"refused, then the customer id of the issuer was corrected": {
			requested(credentials, with(forAnotherCustomer, refused)), createSignNew(2)},
		"refused, then replaced": {requested(newCredentials, with(refused)), createSignNew(1)},
		"refused at GetCertificate: wait for others": {
			requested(credentials, with(accepted, polled(now, pki020))), wasRefused},
		"refused at GetCertificate, then corrected": {
			requested(newPassword, with(accepted, polled(now, pki020))), createSignNew(2)},
		"answer lost, then refused: wait for others": {
			requested(credentials, with(lost...)),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "were refused", "an earlier answer was lost")},
		"answer lost, and abandoned before the service could refuse them: try": {
			requested(credentials, with(sent(now.Add(-time.Minute), errNoAnswer), abandoned(v1alpha1.ReasonAnswerLost))),
			createSignNew(2)},
		"withdrawn before anything was sent: try": {
			requested(credentials, with(abandoned(v1alpha1.ReasonWithdrawn))), createSignNew(2),
		},
		"the issuer named another customer: try": {
			requested(credentials, with(abandoned(v1alpha1.ReasonIssuerChanged))), createSignNew(2),
		},
		"another request was refused (PKI030): try": {
			requested(credentials, with(forAnotherKey, sent(now.Add(-time.Minute), pki030))),
			createSignNew(2),
		},
		"failed for a reason that is not known: spent": {
			requested(credentials, with(abandoned("Whatever"))),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "were spent by VeroOrder sign-1")},
	})
}

func TestCredentialsOfSeveralOrders(t *testing.T) {
	refused := sent(now.Add(-time.Minute), pki020)
	run(t, map[string]decision{
		"the last attempt counts": {
			requested(newPassword, with(signNew(refused), signNew(named("sign-2"), secondAttempt, refused))),
			createSignNew(3)},
		"in whatever order they are listed": {
			requested(newPassword, with(signNew(named("sign-2"), secondAttempt, refused), signNew(refused))),
			createSignNew(3)},
		"an early attempt that a late answer has revived has spent them": {
			requested(newPassword, with(signNew(forAnotherKey, sent(now.Add(-time.Minute), nil)),
				signNew(forAnotherKey, named("sign-2"), secondAttempt, refused))),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "spent", "sign-1")},
	})
}

// TestTheHintAtRenewBefore: it is not given to somebody who has followed it already.
func TestTheHintAtRenewBefore(t *testing.T) {
	for before, hinted := range map[time.Duration]bool{
		0: true, window + time.Second: true, window: false, time.Hour: false,
	} {
		action := issuance.Decide(requested(currentUntil(now.AddDate(1, 0, 0)),
			func(s *issuance.Snapshot) { s.Request.RenewBefore = before }))
		waitFor(v1alpha1.ReasonWaitingForWindow, "stays in use until then").check(t, action)
		if got := strings.Contains(action.Message, "spec.renewBefore"); got != hinted {
			t.Errorf("with a renewBefore of %s it is hinted at: %t: %s", before, got, action.Message)
		}
	}
	waitFor(v1alpha1.ReasonWaitingForWindow, "or less, in place of spec.renewBeforePercentage, to be spared").check(t,
		issuance.Decide(requested(currentUntil(now.AddDate(1, 0, 0)),
			func(s *issuance.Snapshot) { s.Request.RenewBefore, s.Request.ByPercentage = 2*window, true })))
}
