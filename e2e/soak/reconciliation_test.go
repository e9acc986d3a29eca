package soak

import (
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/e2e/testkit"
	"github.com/varmenne/varmenne-issuer/internal/simulator/admin"
)

// Operations, as the service's log names them.
const (
	signNew = "SignNewCertificate"
	renewal = "RenewCertificate"
	get     = "GetCertificate"
)

// wholeLog is how many requests the service's log remembers.
const wholeLog = 10_000

// recording is how long it takes at most, on a busy machine, from the service's response until it is in the order.
const recording = 5 * time.Second

// reconciliation compares what the service says with what the cluster holds.
type reconciliation struct {
	*environment

	log    []admin.Request
	orders []v1alpha1.VeroOrder
}

// figures are what the log of a test shows.
type figures struct {
	// signNews, renewals and gets are what was sent; paid and renewed what of it was accepted.
	signNews, renewals, gets, paid, renewed int
	// lost are RetrievalIds whose response was lost; the order says so. recalled are those that a person gave up.
	lost, recalled int
	// faults are the calls that a scripted fault has hit.
	faults int
}

// reconcile compares the two when everything is over: the orders come from the API server itself.
func (s *environment) reconcile() figures {
	s.Helper()
	list := &v1alpha1.VeroOrderList{}
	testkit.NoError(s, s.Client.List(s.Context(), list, client.InNamespace(namespace)))
	b := &reconciliation{environment: s, log: s.Asked(""), orders: list.Items}
	if len(b.log) >= wholeLog {
		s.Error("the service's log has forgotten what came first")
	}
	found := b.count()
	b.checkFirstGets()
	b.checkPayments(&found)
	b.checkNothingIsStuck()
	b.checkSecrets()
	s.Logf("%d SignNewCertificate were sent and %d accepted, %d RenewCertificate and %d, %d GetCertificate; faults hit "+
		"%d calls; %d responses with a RetrievalId were lost, %d orders given up, %d credentials bought again",
		found.signNews, found.paid, found.renewals, found.renewed, found.gets, found.faults, found.lost, found.recalled,
		s.replaced)
	return found
}

func (b *reconciliation) count() figures {
	found := figures{}
	for _, request := range b.log {
		accepted := 0
		if request.Accepted {
			accepted = 1
		}
		if request.Fault != "" {
			found.faults++
		}
		switch request.Operation {
		case signNew:
			found.signNews++
			found.paid += accepted
		case renewal:
			found.renewals++
			found.renewed += accepted
		case get:
			found.gets++
		}
	}
	return found
}

// checkFirstGets: no certificate is asked for within ten seconds of the acceptance.
func (b *reconciliation) checkFirstGets() {
	b.Helper()
	given := map[string]time.Time{}
	for _, request := range b.log {
		if request.Operation != get && request.Accepted {
			given[request.RetrievalID] = request.Time
		}
		accepted, known := given[request.RetrievalID]
		if after := request.Time.Sub(accepted); request.Operation == get && known && after < 10*time.Second &&
			!b.isReplayed(request.RetrievalID) {
			b.Errorf("RetrievalId %s was used after %s", request.RetrievalID, after)
		}
	}
}

// isReplayed reports whether the service has given a RetrievalId to others than the one that it belongs to: they cannot
// know when it was made.
func (b *reconciliation) isReplayed(retrievalID string) bool {
	holders := 0
	for i := range b.orders {
		if b.orders[i].Status.RetrievalID == retrievalID {
			holders++
		}
	}
	for i := range b.recalled {
		if b.recalled[i].Status.RetrievalID == retrievalID {
			holders++
		}
	}
	return holders > 1
}

// checkPayments: a TransferId is accepted once, its RetrievalId is in the order or the order says that it was lost, and
// for each Certificate no more was paid than one certificate and what was lost.
func (b *reconciliation) checkPayments(found *figures) {
	b.Helper()
	spent, paid, lost := map[string]int{}, map[string]int{}, map[string]int{}
	for _, request := range b.log {
		if request.Operation != signNew || !request.Accepted {
			continue
		}
		if spent[request.TransferID]++; spent[request.TransferID] > 1 {
			b.Errorf("TransferId %s was accepted %d times", request.TransferID, spent[request.TransferID])
		}
		payer := b.payers[request.TransferID]
		paid[payer]++
		switch fate := b.fate(request); fate {
		case kept:
		case responseLost:
			found.lost++
			lost[payer]++
			if !b.isExcused(request) {
				b.Errorf("RetrievalId %s was lost with a response that could be read (fault %q, at %s, kills at %v)",
					request.RetrievalID, request.Fault, request.Time, b.killed)
			}
		case givenUp:
			found.recalled++
			lost[payer]++
		default:
			b.Errorf("RetrievalId %s, which was paid for with TransferId %s of %s, %s (fault %q, at %s)",
				request.RetrievalID, request.TransferID, payer, fate, request.Fault, request.Time)
		}
	}
	for payer, times := range paid {
		if times != 1+lost[payer] {
			b.Errorf("for Certificate %s %d TransferIds were accepted and %d responses lost, want one more than were lost",
				payer, times, lost[payer])
		}
	}
}

// isExcused reports whether a response may have been lost: a fault has left nothing of it that could be read, or the
// process that waited for it was killed.
func (b *reconciliation) isExcused(request admin.Request) bool {
	switch request.Fault {
	case "", admin.StrangerSignature, admin.Unsigned:
	default:
		return true
	}
	return slices.ContainsFunc(b.killed, func(killed time.Time) bool {
		return killed.After(request.Time) && killed.Before(request.Time.Add(recording))
	})
}

// What may become of a RetrievalId.
const (
	kept         = "is in the order"
	responseLost = "was lost, and the order says so"
	givenUp      = "was given up by a person"
)

// fate is what has become of the RetrievalId that the service gave for a request.
func (b *reconciliation) fate(request admin.Request) string {
	digest, found := digestOf(request.TransferID), "is in no order"
	for i := range b.orders {
		order := &b.orders[i]
		if order.Spec.Transfer == nil || order.Spec.Transfer.TransferIDDigest != digest {
			continue
		}
		switch {
		case order.Status.RetrievalID == request.RetrievalID:
			return kept
		case testkit.ReasonOf(order.Status.Conditions) == v1alpha1.ReasonResponseLost:
			return responseLost
		}
		found = fmt.Sprintf("is not in order %s, which is %s (%s) with RetrievalId %q",
			order.Name, order.Status.State, testkit.ReasonOf(order.Status.Conditions), order.Status.RetrievalID)
	}
	for i := range b.recalled {
		if transfer := b.recalled[i].Spec.Transfer; transfer != nil && transfer.TransferIDDigest == digest {
			return givenUp
		}
	}
	return found
}
