package order

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
	"github.com/varmenne/varmenne-issuer/internal/vero/protocol"
	"github.com/varmenne/varmenne-issuer/internal/vero/xmlsig"
)

// knowing lists an order, whatever is looked for.
type knowing struct {
	client.Client
	order v1alpha1.VeroOrder
}

func (k knowing) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if orders, ok := list.(*v1alpha1.VeroOrderList); ok {
		orders.Items = []v1alpha1.VeroOrder{k.order}
	}
	return nil
}

// TestARetrievalIDOfAnotherOrderIsNotKept, whatever else the response is.
func TestARetrievalIDOfAnotherOrderIsNotKept(t *testing.T) {
	order, another := &v1alpha1.VeroOrder{}, v1alpha1.VeroOrder{}
	order.UID, another.UID, another.Name = "this", "another", "one-1"
	order.Status.RetrievalID, another.Status.RetrievalID = "r", "r"
	notFound := &protocol.HTTPError{Status: 404}
	untrusted := &xmlsig.VerifyError{Reason: xmlsig.UntrustedSigner, Err: errors.New("a stranger")}
	unverified := func(err error) error { return &protocol.UnverifiedError{RetrievalID: "r", Err: err} }
	for claim, c := range map[string]struct {
		knows v1alpha1.VeroOrder
		err   error
		want  string // what the call ends with; empty for what it ended with already
	}{
		"of this order, verified":   {*order, nil, ""},
		"of this order, unverified": {*order, unverified(notFound), ""},
		"no RetrievalId":            {another, notFound, ""},
		"verified":                  {another, nil, "its RetrievalId is the one that VeroOrder one-1 has had before"},
		"with HTTP 404":             {another, unverified(notFound), notFound.Error()},
		"with a strange signature":  {another, unverified(untrusted), (&protocol.UnverifiedError{Err: untrusted}).Error()},
	} {
		t.Run(claim, func(t *testing.T) {
			id := ""
			if c.err == nil {
				id = "r"
			}
			reconciler := NewReconciler(Options{Client: knowing{order: c.knows}})
			got := reconciler.checkNotReplayed(t.Context(), order, receivedID(id, c.err), c.err)
			said, left := "", ""
			if got != nil {
				said, left = responseProblem(got), receivedID("", got)
			}
			if said != c.want || left != "" {
				t.Errorf("it is %q with RetrievalId %q, want %q without", said, left, c.want)
			}
		})
	}
}

// TestARetrievalIDThatAnotherOrderHasGuessedIsNotLost: an annotation brings any into an order, in every namespace. The
// order that the service gives it to keeps it, and tries it.
func TestARetrievalIDThatAnotherOrderHasGuessedIsNotLost(t *testing.T) {
	const intent = 100
	notFound := &protocol.UnverifiedError{RetrievalID: "r", Err: &protocol.HTTPError{Status: 404}}
	adopts := func(o *v1alpha1.VeroOrder) { orderstate.RecordAdoption(o, "r", time.Unix(0, 0)) }
	// Whoever may create issuers may have a service, and trust what that signs.
	isGiven := func(o *v1alpha1.VeroOrder) { o.Spec.IssuerRef.UID, o.Status.RetrievalID = "theirs", "r" }
	for claim, c := range map[string]struct {
		guesses  func(*v1alpha1.VeroOrder)
		otherKey string
		err      error
		kept     string
	}{
		"verified":                              {adopts, "theirs", nil, "r"},
		"verified, with the same key":           {adopts, "ours", nil, "r"},
		"not verified":                          {adopts, "theirs", notFound, "r"},
		"not verified, with the same key":       {adopts, "ours", notFound, ""},
		"verified, by a service of theirs":      {isGiven, "theirs", nil, "r"},
		"not verified, by a service of theirs":  {isGiven, "theirs", notFound, "r"},
		"the same key, and a service of theirs": {isGiven, "ours", nil, "r"},
		"all of that, and not verified with us": {isGiven, "ours", notFound, ""},
	} {
		t.Run(claim, func(t *testing.T) {
			order, another := &v1alpha1.VeroOrder{}, v1alpha1.VeroOrder{}
			order.UID, order.Spec.PublicKeyDigest = "this", "ours"
			another.UID, another.Spec.PublicKeyDigest = "another", c.otherKey
			another.Namespace = "theirs"
			c.guesses(&another)
			orderstate.RecordIntent(order, "", 0, time.Unix(intent, 0))
			id, err := "", c.err
			if err == nil {
				id = "r"
			}
			reconciler := NewReconciler(Options{Client: knowing{order: another}})
			if replay := reconciler.checkNotReplayed(t.Context(), order, "r", err); replay != nil {
				err = replay
			}
			orderstate.RecordSubmission(order, id, err, orderstate.Call{
				Intended: time.Unix(intent, 0), Ended: time.Unix(intent+1, 0),
			})
			if got := order.Status; got.RetrievalID != c.kept || got.RetrievalIDUnverified != (c.kept != "") {
				t.Errorf("the order holds %q (unverified: %t): %s", got.RetrievalID, got.RetrievalIDUnverified,
					orderstate.Message(order))
			}
			if said := orderstate.Message(order); strings.Contains(said, "theirs") {
				t.Errorf("the order tells of another namespace: %s", said)
			}
		})
	}
}

// responseProblem is an error without the words that every one of its type begins with.
func responseProblem(err error) string {
	if wrong, is := errors.AsType[*protocol.ResponseError](err); is {
		return wrong.Problem
	}
	return err.Error()
}
