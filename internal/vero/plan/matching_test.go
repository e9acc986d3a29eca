package plan_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/pki/pkitest"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
	"github.com/varmenne/varmenne-issuer/internal/vero/facts"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate/ordertest"
	"github.com/varmenne/varmenne-issuer/internal/vero/plan"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
)

// renewalOf is an order for the request that renews a certificate.
func renewalOf(leaf *x509.Certificate, edits ...edit) *v1alpha1.VeroOrder {
	signer := func(o *v1alpha1.VeroOrder) {
		o.Spec.Renewal.SerialNumber = facts.SerialNumber(leaf)
		o.Spec.Renewal.NotAfter = metav1.Time{Time: leaf.NotAfter}
	}
	return renewal(append([]edit{signer}, edits...)...)
}

// TestTheSecretChangesUnderARenewal: an order that has not been sent ends, and its request is decided anew by the table
// of the design.
func TestTheSecretChangesUnderARenewal(t *testing.T) {
	until := now.AddDate(0, 0, 30)
	leaf := leafUntil(t, "another's", until)
	foreign := pkitest.Root(t, "another CA").Issue(t, pkitest.Key("another's"), customer)
	strangers := pkitest.Root(t, "issuing CA").Issue(t, pkitest.Key("another's"), "7654321-0")
	submit := ordertest.Want{Verb: orderstate.Submit}
	abandon := func(reason string, says ...string) ordertest.Want {
		return ordertest.Want{Verb: orderstate.Fail, Reason: reason, Says: says}
	}
	replaced := abandon(v1alpha1.ReasonWithdrawn, "no longer holds the certificate that was to be renewed")
	useless := func(says string) ordertest.Want { return abandon(v1alpha1.ReasonWithdrawn, "cannot sign: ", says) }
	asked := func(says ...string) want { return waitFor(v1alpha1.ReasonWaitingForCredentials, says...) }
	for claim, c := range map[string]struct {
		moment               time.Time
		secret               change
		order                ordertest.Want
		request, credentials want
	}{
		"it does not":              {now, holding(t, leaf), submit, want{verb: plan.Follow}, want{verb: plan.Follow}},
		"its last second has come": {until, holding(t, leaf), submit, want{verb: plan.Follow}, want{verb: plan.Follow}},
		"its certificate expires": {
			until.Add(time.Second), holding(t, leaf),
			abandon(v1alpha1.ReasonCertificateExpired, "expired on 2026-07-01T12:00:00Z before it could be renewed"),
			asked("so a new one needs transfer credentials"), createSignNew(1)},
		"it holds another one, which can be renewed": {
			now, holding(t, leafUntil(t, "another's", until)), replaced, createRenewal(1), createRenewal(1)},
		"it holds another one, too young to be renewed": {
			now, holding(t, leafUntil(t, "another's", now.AddDate(2, 0, 0))), replaced,
			waitFor(v1alpha1.ReasonWaitingForWindow), waitFor(v1alpha1.ReasonWaitingForWindow, "does not name them")},
		"it holds a foreign one": {
			now, holding(t, foreign), replaced, asked("cannot be renewed", "only those pay that the Certificate itself names"),
			asked("does not name them")},
		"it holds another customer's": {now, holding(t, strangers), replaced, asked(`is for "7654321-0"`), createSignNew(1)},
		"its key does not match any more": {
			now, unreadable("a certificate and a key that do not fit together"), useless("do not fit together"),
			asked(), createSignNew(1)},
		"it is gone": {
			now, unreadable("Secret tls does not exist"), useless("Secret tls does not exist"), asked(), createSignNew(1)},
	} {
		t.Run(claim, func(t *testing.T) {
			order := renewalOf(leaf)
			action := orderstate.Decide(forOrder(order, requested(at(c.moment), c.secret)))
			c.order.Check(t, action)
			if action.Verb == orderstate.Fail {
				orderstate.RecordFailure(order, action, c.moment)
			}
			c.request.check(t, plan.Decide(requested(at(c.moment), c.secret, with(order))))
			c.credentials.check(t, plan.Decide(requested(at(c.moment), c.secret, with(order), credentials)))
		})
	}
}

// TestWhatFollowsTheResponseToARenewal has a row for every code of the service: what becomes of the request that the
// renewal was made for, and of the next one of the same Certificate, without and with unspent credentials.
func TestWhatFollowsTheResponseToARenewal(t *testing.T) {
	leaf := leafUntil(t, "another's", now.AddDate(0, 0, 30))
	accepted := sent(now.Add(-time.Minute), nil)
	answered := func(err error) []edit { return []edit{sent(now, err)} }
	atGet := func(err error) []edit { return []edit{accepted, polled(now, err)} }
	followed := func(reason string) [4]want {
		follow := want{verb: plan.Follow, reason: reason, order: "renew-1"}
		return [...]want{follow, follow, follow, follow}
	}
	refused := func(reason string, next, credentials want) [4]want {
		refuse := want{verb: plan.Refuse, reason: reason, order: "renew-1"}
		return [...]want{refuse, refuse, next, credentials}
	}
	asked := waitFor(v1alpha1.ReasonWaitingForCredentials, "does not renew", "Secret tls (VeroOrder renew-1)")
	signNewInstead := [...]want{asked, createSignNew(1), asked, createSignNew(1)}
	again, signNew := createRenewal(2), createSignNew(1)
	retrying, awaiting := followed(v1alpha1.ReasonRetryingSubmission), followed(v1alpha1.ReasonAwaitingCertificate)
	for claim, c := range map[string]struct {
		responses []edit
		// Of this request without and with credentials, of the next one without and with them.
		want [4]want
	}{
		"accepted":      {[]edit{accepted}, awaiting},
		"PKI005":        {answered(pki005), followed(v1alpha1.ReasonWrongEnvironment)},
		"PKI010":        {answered(pki010), refused(v1alpha1.ReasonSignatureRefused, again, signNew)},
		"PKI015":        {answered(pki015), signNewInstead},
		"PKI020":        {answered(pki020), retrying},
		"PKI030":        {answered(pki030), refused(v1alpha1.ReasonRequestRefused, again, again)},
		"PKI080":        {answered(pki080), followed(v1alpha1.ReasonWaitingForWindow)},
		"PKI099":        {answered(pki099), retrying},
		"another code":  {answered(errUnknownCode), retrying},
		"no connection": {answered(errUnreachable), retrying},
		"no response":   {answered(errNoResponse), followed(v1alpha1.ReasonUncertain)},
		"given up by a clock that was ahead for a moment": {
			[]edit{abandoned(v1alpha1.ReasonCertificateExpired)}, [...]want{again, again, again, again}},
		"accepted, then PKI020 at GetCertificate": {
			atGet(pki020), refused(v1alpha1.ReasonCredentialsRefused, again, signNew)},
		"accepted, then PKI015 at GetCertificate": {atGet(pki015), awaiting},
		"accepted, then PKI099 at GetCertificate": {atGet(pki099), awaiting},
	} {
		t.Run(claim, func(t *testing.T) {
			order := renewalOf(leaf, c.responses...)
			next := func(s *plan.Snapshot) { s.Request.UID = otherRequest }
			for i, changes := range [...][]change{{}, {credentials}, {next}, {next, credentials}} {
				c.want[i].check(t, plan.Decide(requested(append(changes, holding(t, leaf), with(order))...)))
			}
		})
	}
}

// call is a renewal as the service sees it: when by its own clock, counted from the opening of the window, and what it
// answered.
type call struct {
	when     time.Duration
	response protocol.Code
}

// TestClocksThatDiffer: a controller whose clock is wrong by minutes sends a renewal too early and is held for an hour,
// or sends it too late; in both cases the certificate is renewed.
func TestClocksThatDiffer(t *testing.T) {
	const early, accepted = protocol.CodeTooEarly, protocol.Code("")
	for claim, c := range map[string]struct {
		ahead time.Duration // how much our clock is ahead of the service's
		want  []call
	}{
		"the clocks are the same":   {0, []call{{0, accepted}}},
		"ours is a second ahead":    {time.Second, []call{{-time.Second, early}, {time.Hour - time.Second, accepted}}},
		"ours is 5 minutes ahead":   {5 * time.Minute, []call{{-5 * time.Minute, early}, {55 * time.Minute, accepted}}},
		"ours is two hours ahead":   {2 * time.Hour, []call{{-2 * time.Hour, early}, {-time.Hour, early}, {0, accepted}}},
		"ours is a second behind":   {-time.Second, []call{{time.Second, accepted}}},
		"ours is 5 minutes behind":  {-5 * time.Minute, []call{{5 * time.Minute, accepted}}},
		"ours is two hours behind":  {-2 * time.Hour, []call{{2 * time.Hour, accepted}}},
		"ours is 50 minutes behind": {-50 * time.Minute, []call{{50 * time.Minute, accepted}}},
	} {
		t.Run(claim, func(t *testing.T) {
			got := liveToRenewal(t, c.ahead)
			if difference := cmp.Diff(c.want, got, cmp.AllowUnexported(call{})); difference != "" {
				t.Errorf("the service was asked otherwise (-want +got):\n%s", difference)
			}
		})
	}
}

// liveToRenewal lets a request wait for its window and be renewed, and lists what the service was asked. Our clock is
// ahead of the service's by some time.
func liveToRenewal(t *testing.T, ahead time.Duration) []call {
	t.Helper()
	opens := now.Add(6 * time.Hour)
	leaf := leafUntil(t, "another's", opens.Add(window))
	var order *v1alpha1.VeroOrder
	var calls []call
	moment := now // by the service's clock
	for range 40 {
		ours := moment.Add(ahead)
		if order == nil {
			action := plan.Decide(requested(at(ours), holding(t, leaf)))
			if action.Verb == plan.Create {
				createRenewal(1).check(t, action)
				order = renewalOf(leaf, created(ours))
				continue
			}
			waitFor(v1alpha1.ReasonWaitingForWindow).check(t, action)
			moment = moment.Add(action.At.Sub(ours))
			continue
		}
		action := orderstate.Decide(forOrder(order, requested(at(ours), holding(t, leaf))))
		if action.Verb == orderstate.Wait {
			checkHeld(t, order, at(ours), holding(t, leaf))
			moment = moment.Add(action.At.Sub(ours))
			continue
		}
		ordertest.Want{Verb: orderstate.Submit}.Check(t, action)
		if !moment.Before(opens) {
			return append(calls, call{moment.Sub(opens), ""})
		}
		calls = append(calls, call{moment.Sub(opens), protocol.CodeTooEarly})
		sent(ours, pki080)(order)
	}
	t.Fatalf("it was not renewed until %s, after %v", moment, calls)
	return nil
}

// checkHeld checks that a renewal which the service finds too early (PKI080) waits for the window, the request with it,
// and that nobody is alarmed.
func checkHeld(t *testing.T, order *v1alpha1.VeroOrder, changes ...change) {
	t.Helper()
	says := []string{"PKI080", "every hour"}
	ordertest.Want{Verb: orderstate.Wait, Reason: v1alpha1.ReasonWaitingForWindow, Says: says}.Check(t,
		orderstate.Decide(forOrder(order, requested(changes...))))
	want{verb: plan.Follow, reason: v1alpha1.ReasonWaitingForWindow, says: says}.check(t,
		plan.Decide(requested(append(changes, with(order))...)))
	if !reasons.Of(v1alpha1.ReasonWaitingForWindow).Quiet {
		t.Error("a renewal that waits for its window is a Warning")
	}
}
