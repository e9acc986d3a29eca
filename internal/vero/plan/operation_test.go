package plan_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// edge is when the window of a certificate opens that ends at edge + window.
var edge = now

// cautious has something to say about the request.
func cautious(s *plan.Snapshot) { s.Request.Caution = "the key is large" }

// TestOperation is the table of docs/architecture.md, Which operation a request needs.
func TestOperation(t *testing.T) {
	open, closed := currentUntil(now.AddDate(0, 0, 30)), currentUntil(now.AddDate(1, 0, 0))
	bought := leafUntil(t, "another's", now.AddDate(1, 0, 0))
	waitForCredentials := waitFor(v1alpha1.ReasonWaitingForCredentials, "Secret vero-transfer does not exist")
	waitForCredentials.at = now.Add(facts.CredentialsPollInterval)
	waitForWindow := waitFor(v1alpha1.ReasonWaitingForWindow, "Secret tls", "spec.renewBefore", "1440h")
	run(t, map[string]decision{
		"no certificate, no credentials: wait for credentials": {requested(), waitForCredentials},
		"a key of an uncertain size, no credentials: wait for them, and say so": {
			requested(cautious), waitFor(v1alpha1.ReasonWaitingForCredentials, "does not exist; the key is large")},
		"a key of an uncertain size, window closed: hold, and say so": {
			requested(closed, cautious), waitFor(v1alpha1.ReasonWaitingForWindow, "; the key is large")},
		"a key of an uncertain size, credentials: SignNewCertificate": {requested(cautious, credentials), createSignNew(1)},
		"unusable, no credentials: wait for them, and say what is wrong with the certificate": {
			requested(open, unusable("it has expired")),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "it has expired, so a new one needs", "does not exist")},
		"valid, window closed, the issuer's default credentials: hold, and say how they are used": {
			requested(closed, credentials),
			waitFor(v1alpha1.ReasonWaitingForWindow, "Secret vero-transfer are not used", "set its annotation "+
				v1alpha1.AnnotationTransferSecret+" to vero-transfer")},
		"refused by the service, window closed, the issuer's default credentials: SignNewCertificate": {
			requested(closed, credentials, with(renewal(sent(now.Add(-time.Minute), pki015)))), createSignNew(1)},
		"valid, window closed, of another issuer as cert-manager sees it: hold, and say so": {
			requested(closed, func(s *plan.Snapshot) { s.Current.NotOurs = "says that it is of VeroIssuer old" }),
			waitFor(v1alpha1.ReasonWaitingForWindow, "because the Secret says that it is of VeroIssuer old",
				"cert-manager.io/issuer-name to vero", "cert-manager.io/issuer-kind to VeroIssuer",
				"cert-manager.io/issuer-group to varmenne.dev")},
		"valid, window closed, in a form that cert-manager does not read: hold, and say so": {
			requested(closed, func(s *plan.Snapshot) { s.Current.Unreadable, s.Current.NotOurs = true, "says another" }),
			waitFor(v1alpha1.ReasonWaitingForWindow, "cert-manager cannot read it as it is there", "plain PEM")},
		"valid, window closed, no credentials: hold, look hourly for credentials": {
			requested(closed), want{verb: plan.Wait, reason: waitForWindow.reason, at: now.Add(time.Hour),
				says: append(waitForWindow.says, now.AddDate(1, 0, 0).Add(-window).Format(time.RFC3339))}},
		"valid, window closed, credentials that were refused: hold, and say so": {
			requested(closed, credentials, ownCredentials, with(signNew(sent(now.Add(-time.Minute), pki020)))),
			want{verb: plan.Wait, reason: waitForWindow.reason, at: now.Add(time.Hour),
				says: append(waitForWindow.says, "; the transfer credentials in Secret vero-transfer were refused", "PKI020")}},
		"valid, window closed, credentials that bought the certificate: hold": {
			requested(closed, credentials, ownCredentials, with(signNew(forAnotherKey, bore(bought)))),
			want{verb: plan.Wait, reason: waitForWindow.reason, at: now.Add(time.Hour), says: waitForWindow.says}},
		"the window opens within the hour: look again just then": {
			requested(currentUntil(edge.Add(window)), at(edge.Add(-time.Minute))),
			want{verb: plan.Wait, reason: v1alpha1.ReasonWaitingForWindow, at: edge}},
		"a nanosecond before the window opens it is closed": {
			requested(currentUntil(edge.Add(window)), at(edge.Add(-1))), waitForWindow},
		"at the very edge the window is open": {requested(currentUntil(edge.Add(window)), at(edge)), createRenewal(1)},
		"credentials that nobody has looked for are none": {
			requested(func(s *plan.Snapshot) { s.Transfer = facts.Transfer{} }),
			waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"a key that nobody holds gets nothing": {
			requested(credentials, func(s *plan.Snapshot) { s.Request.OwnerProblem = "Certificate tls is gone" }),
			want{verb: plan.Wait, reason: v1alpha1.ReasonWaitingForCertificate,
				at: now.Add(facts.CredentialsPollInterval), says: []string{"Certificate tls is gone"}}},
	})
}

func TestATemporaryCertificateOfCertManagerIsNone(t *testing.T) {
	local := pkitest.Root(t, "cert-manager.local")
	trust := must.Get(pki.NewTrust([]*x509.Certificate{pkitest.Root(t, "issuing CA").Certificate}))(t)
	temporary := facts.Examine("tls", local.Issue(t, pkitest.Key("ours"), customer), "", customer, trust, now)
	action := plan.Decide(requested(func(s *plan.Snapshot) { s.Current = temporary }))
	waitFor(v1alpha1.ReasonWaitingForCredentials, "Secret vero-transfer does not exist").check(t, action)
	if strings.Contains(action.Message, "cert-manager") || strings.Contains(action.Message, "spec.trust") {
		t.Errorf("the request says %s", action.Message)
	}
	createSignNew(1).check(t,
		plan.Decide(requested(credentials, func(s *plan.Snapshot) { s.Current = temporary })))
}
