package plan_test

import (
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
)

// TestWhatExistsComesFirst: what was paid for is followed and delivered, whatever else has changed.
func TestWhatExistsComesFirst(t *testing.T) {
	accepted := sent(now.Add(-time.Minute), nil)
	followed := want{verb: plan.Follow, order: "sign-1", reason: v1alpha1.ReasonAwaitingCertificate}
	uncertain := want{verb: plan.Follow, order: "sign-1", reason: v1alpha1.ReasonUncertain}
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	cases := map[string]decision{
		"an order in doubt is followed": {requested(with(sent(now, errNoResponse))), uncertain},
		"an order that is submitting is followed": {
			requested(with(intended(now))), want{verb: plan.Follow, order: "sign-1", reason: v1alpha1.ReasonSubmitting}},
		"an order in doubt that was refused since is followed": {
			requested(with(sent(now, errNoResponse), sent(now, pki099))),
			want{verb: plan.Follow, order: "sign-1"}},
		"a pending order is followed": {
			requested(with(created(now.Add(-time.Minute)))), want{
				verb: plan.Follow, order: "sign-1", reason: v1alpha1.ReasonOrderCreated,
				says: []string{"VeroOrder sign-1 is about to be sent"}}},
		"one that tells nothing for long is no good sign": {
			requested(with()), want{verb: plan.Follow, order: "sign-1", reason: v1alpha1.ReasonClusterError,
				says: []string{"VeroOrder sign-1 was made on", "tells nothing"}}},
		"a pending order waits with its request for the issuer": {
			requested(with(), issuerUnready),
			want{verb: plan.Wait, reason: v1alpha1.ReasonIssuerNotReady, at: now.Add(time.Minute)}},
		"of several the one that was made last is followed": {
			requested(with(accepted, created(now)), with(named("sign-2"), secondAttempt, accepted)), followed},
		"of several that were made at once the last attempt is": {
			requested(with(accepted), with(named("sign-2"), secondAttempt, accepted)),
			want{verb: plan.Follow, order: "sign-2"}},
		"in whatever order they are listed": {
			requested(with(named("sign-2"), secondAttempt, accepted), with(accepted)),
			want{verb: plan.Follow, order: "sign-2"}},
		"an order for another key is none of ours": {
			requested(newCredentials, with(forAnotherKey, accepted)), createSignNew(1)},
		"an order of another issuer is none of ours": {
			requested(newCredentials, with(forAnotherIssuer, accepted)), createSignNew(1)},
		"an order into which a person has written its RetrievalId is in flight": {
			requested(with(intended(now), func(o *v1alpha1.VeroOrder) { o.Status.RetrievalID = retrievalID })),
			want{verb: plan.Follow, order: "sign-1"}},
	}
	for what, changed := range map[string]change{
		"nothing":                       func(*plan.Snapshot) {},
		"the issuer is gone":            issuerMissing,
		"the issuer is not ready":       issuerUnready,
		"the customer has changed":      otherCustomer,
		"the environment has changed":   production,
		"the request has become wrong":  invalid("spec.commonName: …"),
		"there are other credentials":   newCredentials,
		"there are no credentials":      noCredentials,
		"there is a certificate to use": currentUntil(now.AddDate(0, 0, 30)),
		"the Certificate is gone":       func(s *plan.Snapshot) { s.Request.OwnerProblem = "gone" },
	} {
		cases["an accepted order is followed, changed: "+what] = decision{requested(with(accepted), changed), followed}
	}
	run(t, cases)
}

func TestDelivery(t *testing.T) {
	first, second := leafUntil(t, "ours", now.AddDate(0, 1, 0)), leafUntil(t, "ours", now.AddDate(2, 0, 0))
	expired := leafUntil(t, "ours", now.Add(-time.Second))
	stranger := leafUntil(t, "another's", now.AddDate(2, 0, 0))
	deliver := want{verb: plan.Deliver, reason: v1alpha1.ReasonIssued, order: "sign-1", says: []string{"sign-1"}}
	deliverSecond := deliver
	deliverSecond.order, deliverSecond.says = "sign-2", nil
	older := signNew(forAnotherRequest, bore(first))
	newer := signNew(named("sign-2"), forAnotherRequest, secondAttempt, created(now), bore(second))
	held := want{verb: plan.Wait, reason: v1alpha1.ReasonInvalidRequest, order: "sign-1",
		says: []string{"it asks for names", "sign-1 holds a certificate", "delete the VeroOrder"}}
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	both := func(s *plan.Snapshot) { s.Orders = append(s.Orders, *newer, *older) }
	run(t, map[string]decision{
		"what was issued for this request is delivered":      {requested(with(bore(second))), deliver},
		"also when the issuer is gone":                       {requested(with(bore(second)), issuerMissing), deliver},
		"also when the issuer names another customer":        {requested(with(bore(second)), otherCustomer), deliver},
		"also when the request looks wrong to a changed one": {requested(with(bore(second)), invalid("wrong")), deliver},
		"also when it is in the Secret":                      {requested(with(bore(second)), current(second)), deliver},
		"what was issued for a request that is gone is delivered": {
			requested(with(forAnotherRequest, bore(second))), deliver},
		"also while the issuer is not ready": {requested(with(forAnotherRequest, bore(second)), issuerUnready), deliver},
		"also where credentials are there":   {requested(with(forAnotherRequest, bore(second)), credentials), deliver},
		"also where the current certificate is foreign, however long it lasts": {
			requested(with(forAnotherRequest, bore(first)), currentUntil(now.AddDate(9, 0, 0)), unusable("foreign")), deliver},
		"also while another order is in flight": {
			requested(both, with(named("sign-3"), sent(now, errNoResponse)), current(first)), deliverSecond},
		"the certificate in the Secret is not delivered again: it is the one to be renewed": {
			requested(with(forAnotherRequest, bore(first)), current(first)), createRenewal(1)},
		"nor is the one before it, with rotationPolicy Never": {
			requested(both, current(second)), waitFor(v1alpha1.ReasonWaitingForWindow)},
		"nor one that ends before a certificate that was renewed by hand": {
			requested(with(forAnotherRequest, bore(first)), currentUntil(now.AddDate(1, 0, 0))),
			waitFor(v1alpha1.ReasonWaitingForWindow)},
		"nor any while nobody has looked into the Secret": {
			requested(with(forAnotherRequest, bore(first)), issuerUnready,
				func(s *plan.Snapshot) { s.Current.SecretName = "tls" }), waitFor(v1alpha1.ReasonIssuerNotReady)},
		"nor any while the Certificate behind the request is not proven": {
			requested(with(forAnotherRequest, bore(first)),
				func(s *plan.Snapshot) { s.Request.OwnerProblem = "not proven" }), waitFor(v1alpha1.ReasonWaitingForCertificate)},
		"of several that were not delivered the one that lasts longest is": {requested(both), deliverSecond},
		"the newer is delivered when the older is in use":                  {requested(both, current(first)), deliverSecond},
		"an expired one is not delivered": {
			requested(with(bore(expired))), waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"one of another customer is not adopted": {
			requested(with(forAnotherRequest, forAnotherCustomer, bore(second))),
			waitFor(v1alpha1.ReasonWaitingForCredentials)},
		"one of another issuer is not adopted": {
			requested(with(forAnotherRequest, forAnotherIssuer, bore(second))),
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
	refused := want{verb: plan.Refuse, reason: v1alpha1.ReasonRequestRefused, order: "sign-1",
		says: []string{"VeroOrder sign-1 has failed", "PKI030"}}
	unsigned := want{verb: plan.Refuse, reason: v1alpha1.ReasonSignatureRefused, order: "renew-1",
		says: []string{"PKI010"}}
	wrong := want{verb: plan.Refuse, reason: v1alpha1.ReasonInvalidRequest, says: []string{"it has names"}}
	open := currentUntil(now.AddDate(0, 0, 30))
	with := func(edits ...edit) change { return with(signNew(edits...)) }
	pki010 := sent(now.Add(-time.Minute), pki010)
	run(t, map[string]decision{
		"PKI030 fails the request":          {requested(with(sent(now, pki030)), credentials), refused},
		"also when the issuer is not ready": {requested(with(sent(now, pki030)), issuerUnready), refused},
		"but not another request with the same key": {
			requested(with(forAnotherRequest, sent(now, pki030)), credentials), createSignNew(2),
		},
		"PKI010 fails the request": {requested(open, withRenewal(pki010)), unsigned},
		"but not the next one, which tries again": {
			requested(open, withRenewal(forAnotherRequest, pki010)), createRenewal(2),
		},
		"or uses credentials, if somebody has bought some to get past it": {
			requested(open, credentials, withRenewal(forAnotherRequest, pki010)), createSignNew(1)},
		"PKI020 on the Get of a renewal fails the request": {
			requested(open, withRenewal(sent(now, nil), polled(now, pki020))),
			want{verb: plan.Refuse, reason: v1alpha1.ReasonCredentialsRefused, order: "renew-1"}},
		"a request that can never work is refused": {requested(invalid("it has names"), credentials), wrong},
		"but not by an issuer that is not ready": {
			requested(invalid("it has names"), issuerUnready), waitFor(v1alpha1.ReasonIssuerNotReady),
		},
		"nor by one that does not exist": {
			requested(invalid("it has names"), issuerMissing),
			waitFor(v1alpha1.ReasonIssuerNotFound, "VeroIssuer vero does not exist"),
		},
		"an order that is pending does not spare it": {requested(invalid("it has names"), with()), wrong},
		"an unreadable request is refused, not found": {
			requested(invalid("it has names"), with(), func(s *plan.Snapshot) { s.Request.PublicKeyDigest = "" }), wrong,
		},
		"an issuer that is not ready: wait": {
			requested(issuerUnready, credentials),
			waitFor(v1alpha1.ReasonIssuerNotReady, "VeroIssuer vero is not ready: no connection"),
		},
		"an issuer that does not exist: wait": {
			requested(issuerMissing, credentials), waitFor(v1alpha1.ReasonIssuerNotFound, "somebody creates it"),
		},
	})
}

func withRenewal(edits ...edit) change { return with(renewal(edits...)) }

func TestRenewalThatFailed(t *testing.T) {
	open := currentUntil(now.AddDate(0, 0, 30))
	refused := sent(now.Add(-time.Minute), pki015)
	run(t, map[string]decision{
		"PKI015: credentials": {requested(open, credentials, withRenewal(refused)), createSignNew(1)},
		"PKI015, no credentials: wait for them, and say why": {
			requested(open, withRenewal(refused)),
			waitFor(v1alpha1.ReasonWaitingForCredentials,
				"the service does not renew the certificate in Secret tls (VeroOrder renew-1)")},
		"PKI015 said of it for another key counts, too": {
			requested(open, credentials, withRenewal(forAnotherKey, refused)), createSignNew(1)},
		"PKI015 said of another customer does not": {
			requested(open, withRenewal(forAnotherKey, forAnotherCustomer, refused)), createRenewal(1)},
		"PKI015 said of an earlier certificate does not": {
			requested(open, withRenewal(refused, func(o *v1alpha1.VeroOrder) { o.Spec.Renewal.SerialNumber = "fff" })),
			createRenewal(1)},
		"withdrawn: that is no reason to use credentials": {
			requested(open, credentials, withRenewal(abandoned(v1alpha1.ReasonWithdrawn))), createRenewal(2)},
		"nor is a renewal for another key that is on its way": {
			requested(open, credentials, withRenewal(forAnotherKey, sent(now, nil))), createRenewal(1)},
		"nor is a failed SignNewCertificate": {
			requested(open, newCredentials, with(signNew(sent(now, pki020)))), createRenewal(1)},
		"withdrawn: again, with the next number": {
			requested(open, withRenewal(abandoned(v1alpha1.ReasonWithdrawn))), createRenewal(2)},
		"withdrawn in the name of another issuer: the number is used up all the same": {
			requested(open, withRenewal(forAnotherIssuer, abandoned(v1alpha1.ReasonWithdrawn))), createRenewal(2)},
		"given up after many refusals, and the credentials are gone again: renew": {
			requested(open, withRenewal(abandoned(v1alpha1.ReasonSubmissionFailing))), createRenewal(2)},
		"given up after many refusals: credentials": {
			requested(open, credentials, withRenewal(abandoned(v1alpha1.ReasonSubmissionFailing))), createSignNew(1)},
	})
}

func TestNeedsAuthorization(t *testing.T) {
	leaf := leafUntil(t, "ours", now.AddDate(2, 0, 0))
	for claim, c := range map[string]struct {
		snapshot plan.Snapshot
		want     bool
	}{
		"a request without an order":                    {requested(), true},
		"a pending order":                               {requested(with(signNew())), true},
		"not while an order is in flight":               {requested(with(signNew(sent(now, nil)))), false},
		"nor while one is in doubt":                     {requested(with(signNew(sent(now, errNoResponse)))), false},
		"not when its certificate is there":             {requested(with(signNew(bore(leaf)))), false},
		"where a certificate of another request may be": {requested(with(signNew(forAnotherRequest, bore(leaf)))), true},
		"also while an order is in flight": {
			requested(with(signNew(forAnotherRequest, bore(leaf)), signNew(sent(now, nil)))), true},
	} {
		t.Run(claim, func(t *testing.T) {
			if got := c.snapshot.NeedsAuthorization(); got != c.want {
				t.Errorf("NeedsAuthorization is %t, want %t", got, c.want)
			}
		})
	}
}
