package issuance_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/issuance"
	"github.com/varmenne/varmenne-issuer/internal/pki"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/vero"
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
	return want{verb: issuance.Create, operation: v1alpha1.OperationSignNew, attempt: number}
}

func createRenewal(number int32) want {
	return want{verb: issuance.Create, operation: v1alpha1.OperationRenew, attempt: number}
}

func waitFor(reason string, says ...string) want {
	return want{verb: issuance.Wait, reason: reason, says: says}
}

// TestOperation is the table of design.md, 2.
func TestOperation(t *testing.T) {
	open, closed := currentUntil(now.AddDate(0, 0, 30)), currentUntil(now.AddDate(1, 0, 0))
	waitForCredentials := waitFor(v1alpha1.ReasonWaitingForCredentials, "Secret vero-transfer does not exist")
	waitForCredentials.at = now.Add(issuance.CredentialsPollInterval)
	waitForWindow := waitFor(v1alpha1.ReasonWaitingForWindow, "Secret tls", "spec.renewBefore", "1440h")
	run(t, map[string]decision{
		"no certificate, credentials: SignNewCertificate":      {requested(credentials()), createSignNew(1)},
		"no certificate, no credentials: wait for credentials": {requested(), waitForCredentials},
		"unusable, credentials: SignNewCertificate": {
			requested(open, unusable("it has expired"), credentials()), createSignNew(1)},
		"unusable, no credentials: wait for them, and say what is wrong with the certificate": {
			requested(open, unusable("it has expired")),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "it has expired, so a new one needs", "does not exist")},
		"valid, window open, credentials: RenewCertificate":    {requested(open, credentials()), createRenewal(1)},
		"valid, window open, no credentials: RenewCertificate": {requested(open), createRenewal(1)},
		"valid, window closed, credentials: SignNewCertificate": {
			requested(closed, credentials()), createSignNew(1)},
		"valid, window closed, no credentials: hold, look hourly for credentials": {
			requested(closed), want{verb: issuance.Wait, reason: waitForWindow.reason, at: now.Add(time.Hour),
				says: append(waitForWindow.says, now.AddDate(1, 0, 0).Add(-window).Format(time.RFC3339))}},
		"the window opens within the hour: look again just then": {
			requested(currentUntil(edge.Add(window)), at(edge.Add(-time.Minute))),
			want{verb: issuance.Wait, reason: v1alpha1.ReasonWaitingForWindow, at: edge}},
		"a nanosecond before the window opens it is closed": {
			requested(currentUntil(edge.Add(window)), at(edge.Add(-1))), waitForWindow},
		"at the very edge the window is open": {
			requested(currentUntil(edge.Add(window)), at(edge)), createRenewal(1)},
		"credentials that nobody has looked for are none": {
			requested(func(s *issuance.Snapshot) { s.Transfer = issuance.Transfer{} }),
			waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"a key that nobody holds gets nothing": {
			requested(credentials(), func(s *issuance.Snapshot) { s.Request.Unbacked = "Certificate tls is gone" }),
			want{verb: issuance.Wait, reason: v1alpha1.ReasonWaitingForCertificate,
				at: now.Add(issuance.CredentialsPollInterval), says: []string{"Certificate tls is gone"}}},
	})
}

func TestCredentialsWorkOnce(t *testing.T) {
	accepted := sent(now.Add(-time.Minute), nil)
	refused := sent(now.Add(-time.Minute), vero.CredentialsRefused())
	lost := []edit{sent(now.Add(-2*time.Minute), errNoAnswer), refused}
	spent := waitFor(v1alpha1.ReasonWaitingForCredentials, "were spent on 2026-06-01T11:59:00Z by VeroOrder sign-1 "+
		"for CertificateRequest tls-1", "they work once")
	wasRefused := waitFor(v1alpha1.ReasonWaitingForCredentials, "were refused (VeroOrder sign-1", "PKI020")
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	leaf := leafUntil(t, "another's", now.AddDate(2, 0, 0))
	run(t, map[string]decision{
		"not while an order for another key is submitting": {
			requested(credentials(), with(forAnotherKey, intended(now.Add(-time.Minute)))), spent},
		"not when an order for another key was accepted": {requested(credentials(), with(forAnotherKey, accepted)), spent},
		"not when an order for another key has its certificate": {
			requested(credentials(), with(forAnotherKey, bore(leaf))), waitFor(v1alpha1.ReasonWaitingForCredentials, "spent")},
		"not when an order in the name of another issuer was accepted": {
			requested(credentials(), with(forAnotherIssuer, accepted)), spent},
		"reserved while another order is pending": {
			requested(credentials(), with(forAnotherKey)),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "are reserved for VeroOrder sign-1 for CertificateRequest tls-1",
				"credentials of its own", v1alpha1.AnnotationTransferSecret)},
		"an order with other credentials does not matter": {
			requested(newCredentials(), with(forAnotherKey, accepted)), createSignNew(1)},
		"refused with PKI020: wait for others": {requested(credentials(), with(refused)), wasRefused},
		"refused with PKI020 for another key: wait for others": {
			requested(credentials(), with(forAnotherKey, refused)), wasRefused},
		"refused, then the password was corrected": {requested(newPassword(), with(refused)), createSignNew(2)},
		"refused, then the customer id of the issuer was corrected": {
			requested(credentials(), with(forAnotherCustomer, refused)), createSignNew(2)},
		"refused, then replaced": {requested(newCredentials(), with(refused)), createSignNew(1)},
		"refused at GetCertificate: wait for others": {
			requested(credentials(), with(accepted, polled(now, vero.CredentialsRefused()))), wasRefused},
		"refused at GetCertificate, then corrected": {
			requested(newPassword(), with(accepted, polled(now, vero.CredentialsRefused()))), createSignNew(2)},
		"answer lost, then refused: wait for others": {
			requested(credentials(), with(lost...)),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "were refused", "an earlier answer was lost")},
		"answer lost, and abandoned before the service could refuse them: try": {
			requested(credentials(), with(sent(now.Add(-time.Minute), errNoAnswer), abandoned(v1alpha1.ReasonAnswerLost))),
			createSignNew(2)},
		"withdrawn before anything was sent: try": {
			requested(credentials(), with(abandoned(v1alpha1.ReasonWithdrawn))), createSignNew(2),
		},
		"the issuer named another customer: try": {
			requested(credentials(), with(abandoned(v1alpha1.ReasonIssuerChanged))), createSignNew(2),
		},
		"another request was refused (PKI030): try": {
			requested(credentials(), with(forAnotherKey, sent(now.Add(-time.Minute), vero.RequestRefused()))),
			createSignNew(2),
		},
		"failed for a reason that is not known: spent": {
			requested(credentials(), with(abandoned("Whatever"))),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "were spent by VeroOrder sign-1")},
	})
}

func TestCredentialsOfSeveralOrders(t *testing.T) {
	refused := sent(now.Add(-time.Minute), vero.CredentialsRefused())
	run(t, map[string]decision{
		"the last attempt counts": {
			requested(newPassword(), with(signNew(refused), signNew(named("sign-2"), secondAttempt, refused))),
			createSignNew(3)},
		"in whatever order they are listed": {
			requested(newPassword(), with(signNew(named("sign-2"), secondAttempt, refused), signNew(refused))),
			createSignNew(3)},
		"an early attempt that a late answer has revived has spent them": {
			requested(newPassword(), with(signNew(forAnotherKey, sent(now.Add(-time.Minute), nil)),
				signNew(forAnotherKey, named("sign-2"), secondAttempt, refused))),
			waitFor(v1alpha1.ReasonWaitingForCredentials, "spent", "sign-1")},
	})
}

// TestWhatExistsComesFirst: what was paid for is followed and delivered, whatever else has changed.
func TestWhatExistsComesFirst(t *testing.T) {
	accepted := sent(now.Add(-time.Minute), nil)
	followed := want{verb: issuance.Follow, order: "sign-1", reason: v1alpha1.ReasonAwaitingCertificate}
	uncertain := want{verb: issuance.Follow, order: "sign-1", reason: v1alpha1.ReasonUncertain}
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	cases := map[string]decision{
		"an order in doubt is followed": {requested(with(sent(now, errNoAnswer))), uncertain},
		"an order that is submitting is followed": {
			requested(with(intended(now))), want{verb: issuance.Follow, order: "sign-1", reason: v1alpha1.ReasonSubmitting}},
		"an order in doubt that was refused since is followed": {
			requested(with(sent(now, errNoAnswer), sent(now, vero.TechnicalError()))),
			want{verb: issuance.Follow, order: "sign-1"}},
		"a pending order is followed": {
			requested(with()), want{verb: issuance.Follow, order: "sign-1", reason: v1alpha1.ReasonOrderCreated,
				says: []string{"VeroOrder sign-1 is about to be sent"}}},
		"a pending order waits with its request for the issuer": {
			requested(with(), issuerUnready), waitFor(v1alpha1.ReasonIssuerNotReady, "no connection")},
		"an order for another key is none of ours": {
			requested(newCredentials(), with(forAnotherKey, accepted)), createSignNew(1)},
		"an order of another issuer is none of ours": {
			requested(newCredentials(), with(forAnotherIssuer, accepted)), createSignNew(1)},
		"an order into which a person has written its RetrievalId is in flight": {
			requested(with(intended(now), func(o *v1alpha1.VeroOrder) { o.Status.RetrievalID = retrievalID })),
			want{verb: issuance.Follow, order: "sign-1"}},
	}
	for what, changed := range map[string]change{
		"nothing":                       func(*issuance.Snapshot) {},
		"the issuer is gone":            issuerMissing,
		"the issuer is not ready":       issuerUnready,
		"the customer has changed":      otherCustomer,
		"the environment has changed":   production,
		"the request has become wrong":  invalid("spec.commonName: …"),
		"there are other credentials":   newCredentials(),
		"there are no credentials":      noCredentials(),
		"there is a certificate to use": currentUntil(now.AddDate(0, 0, 30)),
		"the Certificate is gone":       func(s *issuance.Snapshot) { s.Request.Unbacked = "gone" },
	} {
		cases["an accepted order is followed, changed: "+what] = decision{requested(with(accepted), changed), followed}
	}
	run(t, cases)
}

func TestDelivery(t *testing.T) {
	first, second := leafUntil(t, "ours", now.AddDate(0, 1, 0)), leafUntil(t, "ours", now.AddDate(2, 0, 0))
	expired := leafUntil(t, "ours", now.Add(-time.Second))
	stranger := leafUntil(t, "another's", now.AddDate(2, 0, 0))
	deliver := want{verb: issuance.Deliver, reason: v1alpha1.ReasonIssued, order: "sign-1", says: []string{"sign-1"}}
	deliverSecond := deliver
	deliverSecond.order, deliverSecond.says = "sign-2", nil
	older := signNew(forAnotherRequest, bore(first))
	newer := signNew(named("sign-2"), forAnotherRequest, secondAttempt, created(now), bore(second))
	held := want{verb: issuance.Wait, reason: v1alpha1.ReasonInvalidRequest, order: "sign-1",
		says: []string{"it asks for names", "sign-1 holds a certificate", "delete the VeroOrder"}}
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	both := func(s *issuance.Snapshot) { s.Orders = append(s.Orders, *newer, *older) }
	run(t, map[string]decision{
		"what was issued for this request is delivered":      {requested(with(bore(second))), deliver},
		"also when the issuer is gone":                       {requested(with(bore(second)), issuerMissing), deliver},
		"also when the issuer names another customer":        {requested(with(bore(second)), otherCustomer), deliver},
		"also when the request looks wrong to a changed one": {requested(with(bore(second)), invalid("wrong")), deliver},
		"also when it is in the Secret":                      {requested(with(bore(second)), current(second)), deliver},
		"what was issued for a request that is gone is delivered": {
			requested(with(forAnotherRequest, bore(second))), deliver},
		"also while the issuer is not ready": {requested(with(forAnotherRequest, bore(second)), issuerUnready), deliver},
		"also where credentials are there":   {requested(with(forAnotherRequest, bore(second)), credentials()), deliver},
		"also where the current certificate is foreign, however long it lasts": {
			requested(with(forAnotherRequest, bore(first)), currentUntil(now.AddDate(9, 0, 0)), unusable("foreign")), deliver},
		"also while another order is in flight": {
			requested(both, with(named("sign-3"), sent(now, errNoAnswer)), current(first)), deliverSecond},
		"the certificate in the Secret is not delivered again: it is the one to be renewed": {
			requested(with(forAnotherRequest, bore(first)), current(first)), createRenewal(1)},
		"nor is the one before it, with rotationPolicy Never": {
			requested(both, current(second)), waitFor(v1alpha1.ReasonWaitingForWindow)},
		"nor one that ends before a certificate that was renewed by hand": {
			requested(with(forAnotherRequest, bore(first)), currentUntil(now.AddDate(1, 0, 0))),
			waitFor(v1alpha1.ReasonWaitingForWindow)},
		"nor any while nobody has looked into the Secret": {
			requested(with(forAnotherRequest, bore(first)), issuerUnready,
				func(s *issuance.Snapshot) { s.Current.SecretName = "tls" }), waitFor(v1alpha1.ReasonIssuerNotReady)},
		"nor any while the Certificate behind the request is not proven": {
			requested(with(forAnotherRequest, bore(first)),
				func(s *issuance.Snapshot) { s.Request.Unbacked = "not proven" }), waitFor(v1alpha1.ReasonWaitingForCertificate)},
		"of several that were not delivered the one that lasts longest is": {requested(both), deliverSecond},
		"the newer is delivered when the older is in use":                  {requested(both, current(first)), deliverSecond},
		"an expired one is not delivered": {
			requested(with(bore(expired))), waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"one of another customer is not adopted": {
			requested(with(forAnotherRequest, forAnotherCustomer, bore(second))),
			waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"one for another key is not delivered, whoever wrote it there": {
			requested(with(bore(stranger))), waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"what is no certificate is not delivered": {
			requested(with(bore(second), func(o *v1alpha1.VeroOrder) { o.Status.Certificate = []byte("?") })),
			waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"a request that can never work is held, not refused, while a certificate for its key waits": {
			requested(with(forAnotherRequest, bore(second)), invalid("it asks for names")), held},
	})
}

func TestRefusal(t *testing.T) {
	refused := want{verb: issuance.Refuse, reason: v1alpha1.ReasonRequestRefused, order: "sign-1",
		says: []string{"VeroOrder sign-1 has failed", "PKI030"}}
	unsigned := want{verb: issuance.Refuse, reason: v1alpha1.ReasonSignatureRefused, order: "renew-1",
		says: []string{"PKI010"}}
	wrong := want{verb: issuance.Refuse, reason: v1alpha1.ReasonInvalidRequest, says: []string{"it has names"}}
	open := currentUntil(now.AddDate(0, 0, 30))
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	pki010 := sent(now.Add(-time.Minute), vero.SignatureRefused())
	run(t, map[string]decision{
		"PKI030 fails the request": {
			requested(with(sent(now, vero.RequestRefused())), credentials()), refused,
		},
		"also when the issuer is not ready": {
			requested(with(sent(now, vero.RequestRefused())), issuerUnready), refused,
		},
		"but not another request with the same key": {
			requested(with(forAnotherRequest, sent(now, vero.RequestRefused())), credentials()), createSignNew(2),
		},
		"PKI010 fails the request": {requested(open, withRenewal(pki010)), unsigned},
		"but not the next one, which tries again": {
			requested(open, withRenewal(forAnotherRequest, pki010)), createRenewal(2),
		},
		"or uses credentials, if somebody has bought some to get past it": {
			requested(open, credentials(), withRenewal(forAnotherRequest, pki010)), createSignNew(1)},
		"PKI020 on the Get of a renewal fails the request": {
			requested(open, withRenewal(sent(now, nil), polled(now, vero.CredentialsRefused()))),
			want{verb: issuance.Refuse, reason: v1alpha1.ReasonCredentialsRefused, order: "renew-1"}},
		"a request that can never work is refused": {requested(invalid("it has names"), credentials()), wrong},
		"but not by an issuer that is not ready": {
			requested(invalid("it has names"), issuerUnready), waitFor(v1alpha1.ReasonIssuerNotReady),
		},
		"nor by one that does not exist": {
			requested(invalid("it has names"), issuerMissing),
			waitFor(v1alpha1.ReasonIssuerNotFound, "VeroIssuer vero does not exist"),
		},
		"an order that is pending does not spare it": {requested(invalid("it has names"), with()), wrong},
		"an unreadable request is refused, not found": {
			requested(invalid("it has names"), with(), func(s *issuance.Snapshot) { s.Request.PublicKeyDigest = "" }), wrong,
		},
		"an issuer that is not ready: wait": {
			requested(issuerUnready, credentials()),
			waitFor(v1alpha1.ReasonIssuerNotReady, "VeroIssuer vero is not ready: no connection"),
		},
		"an issuer that does not exist: wait": {
			requested(issuerMissing, credentials()), waitFor(v1alpha1.ReasonIssuerNotFound, "somebody creates it"),
		},
	})
}

func withRenewal(edits ...edit) change { return with(renewal(edits...)) }

func TestRenewalThatFailed(t *testing.T) {
	open := currentUntil(now.AddDate(0, 0, 30))
	refused := sent(now.Add(-time.Minute), vero.CertificateRefused())
	run(t, map[string]decision{
		"PKI015: credentials": {requested(open, credentials(), withRenewal(refused)), createSignNew(1)},
		"PKI015, no credentials: wait for them, and say why": {
			requested(open, withRenewal(refused)),
			waitFor(v1alpha1.ReasonWaitingForCredentials,
				"the service does not renew the certificate in Secret tls (VeroOrder renew-1)")},
		"PKI015 said of it for another key counts, too": {
			requested(open, credentials(), withRenewal(forAnotherKey, refused)), createSignNew(1)},
		"PKI015 said of another customer does not": {
			requested(open, withRenewal(forAnotherKey, forAnotherCustomer, refused)), createRenewal(1)},
		"PKI015 said of an earlier certificate does not": {
			requested(open, withRenewal(refused, func(o *v1alpha1.VeroOrder) { o.Spec.Renewal.SerialNumber = "fff" })),
			createRenewal(1)},
		"withdrawn: again, with the next number": {
			requested(open, withRenewal(abandoned(v1alpha1.ReasonWithdrawn))), createRenewal(2)},
		"withdrawn in the name of another issuer: the number is used up all the same": {
			requested(open, withRenewal(forAnotherIssuer, abandoned(v1alpha1.ReasonWithdrawn))), createRenewal(2)},
		"given up after many refusals, and the credentials are gone again: renew": {
			requested(open, withRenewal(abandoned(v1alpha1.ReasonSubmissionFailing))), createRenewal(2)},
		"given up after many refusals: credentials": {
			requested(open, credentials(), withRenewal(abandoned(v1alpha1.ReasonSubmissionFailing))), createSignNew(1)},
	})
}

func TestNeedsAuthorisation(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	for claim, c := range map[string]struct {
		snapshot issuance.Snapshot
		want     bool
	}{
		"a request without an order":                    {requested(), true},
		"a pending order":                               {requested(with(signNew())), true},
		"not while an order is in flight":               {requested(with(signNew(sent(now, nil)))), false},
		"not when its certificate is there":             {requested(with(signNew(bore(leaf)))), false},
		"where a certificate of another request may be": {requested(with(signNew(forAnotherRequest, bore(leaf)))), true},
		"also while an order is in flight": {
			requested(with(signNew(forAnotherRequest, bore(leaf)), signNew(sent(now, nil)))), true},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := c.snapshot.NeedsAuthorisation(); got != c.want {
				t.Errorf("NeedsAuthorisation is %t, want %t", got, c.want)
			}
		})
	}
}

func TestExamine(t *testing.T) {
	root, stranger := pkitest.Root(t, "issuing CA"), pkitest.Root(t, "another CA")
	trust, err := pki.NewTrust([]*x509.Certificate{root.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	key := pkitest.Key("ours")
	valid := root.Issue(t, key, customer)
	dated := func(from, until time.Time) *x509.Certificate {
		return root.Issue(t, key, customer, pkitest.Dates(from, until))
	}
	for claim, c := range map[string]struct {
		leaf    *x509.Certificate
		trust   pki.Trust
		problem string
	}{
		"a valid certificate is usable":   {valid, trust, ""},
		"at its last moment it is usable": {dated(now.AddDate(-2, 0, 0), now), trust, ""},
		"an expired one is not":           {dated(now.AddDate(-2, 0, 0), now.Add(-time.Second)), trust, "expired at"},
		"one for another customer is not": {root.Issue(t, key, "7654321-0"), trust, `is for "7654321-0", not for`},
		"one by another authority is not": {stranger.Issue(t, key, customer), trust, "cannot be renewed"},
		"without bundles none is":         {valid, pki.Trust{}, "cannot be renewed"},
		"one by a clock that is fast is":  {dated(now.Add(pki.NotBeforeTolerance), now.AddDate(2, 0, 0)), trust, ""},
		"one that is valid from tomorrow isn't": {
			dated(now.AddDate(0, 0, 1), now.AddDate(2, 0, 0)), trust, "valid only from",
		},
	} {
		t.Run(claim, func(t *testing.T) {
			got := issuance.Examine("tls", c.leaf, "", customer, c.trust, now)
			if got.SerialNumber != issuance.SerialNumber(c.leaf) || !got.NotAfter.Equal(c.leaf.NotAfter) {
				t.Errorf("it is taken for %s until %s", got.SerialNumber, got.NotAfter)
			}
			if got.Usable() != (c.problem == "") || !strings.Contains(got.Problem, c.problem) {
				t.Errorf("the problem is %q, want %q", got.Problem, c.problem)
			}
		})
	}
	if got := issuance.Examine("tls", nil, "Secret tls does not exist", customer, trust, now); got.Usable() ||
		got.Problem != "Secret tls does not exist" || got.SecretName != "tls" {
		t.Errorf("without a certificate: %+v", got)
	}
}

func TestWarnings(t *testing.T) {
	for reason, warns := range map[string]bool{
		v1alpha1.ReasonIssued: false, v1alpha1.ReasonSubmitting: false, v1alpha1.ReasonRetryingSubmission: false,
		v1alpha1.ReasonWaitingForCredentials: false, v1alpha1.ReasonWaitingForCertificate: false,
		v1alpha1.ReasonSubmissionFailing: true, v1alpha1.ReasonRetrievalOverdue: true, v1alpha1.ReasonAnswerLost: true,
		v1alpha1.ReasonCredentialsRefused: true, v1alpha1.ReasonUncertain: true, v1alpha1.ReasonIssuerChanged: true,
		"SomethingNew": true,
	} {
		if issuance.Warns(reason) != warns {
			t.Errorf("%s warns: %t, want %t", reason, !warns, warns)
		}
	}
}
