package orderstate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// outcome is what matters of an order after something was recorded.
type outcome struct {
	Phase     v1alpha1.VeroOrderState
	Reason    string
	ID        string
	Uncertain bool
	// Again is the time to the next submission or poll, 0 if none is planned.
	Again time.Duration
	// Blamed is the reason of the problem that is reported of the issuer.
	Blamed string
	// Code is that of the last error.
	Code string
}

// but is the outcome with some of it different.
func (o outcome) but(differences ...func(*outcome)) outcome {
	for _, differ := range differences {
		differ(&o)
	}
	return o
}

func inDoubt(o *outcome) { o.Uncertain = true }

func code(code string) func(*outcome) { return func(o *outcome) { o.Code = code } }

func again(after time.Duration) func(*outcome) { return func(o *outcome) { o.Again = after } }

func withID(id string) func(*outcome) { return func(o *outcome) { o.ID = id } }

func withProblem(reason string) func(*outcome) {
	return func(o *outcome) { o.Reason, o.Blamed = reason, reason }
}

// outcomeOf reads an order, to which something happened at a moment.
func outcomeOf(order *v1alpha1.VeroOrder, moment time.Time) outcome {
	status := &order.Status
	got := outcome{Phase: status.State, ID: status.RetrievalID, Uncertain: status.Uncertain}
	if condition := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady); condition != nil {
		got.Reason = condition.Reason
	}
	switch {
	case status.NextSubmitTime != nil:
		got.Again = status.NextSubmitTime.Sub(moment)
	case status.NextPollTime != nil:
		got.Again = status.NextPollTime.Sub(moment)
	}
	if status.IssuerProblem != nil {
		got.Blamed = status.IssuerProblem.Reason
	}
	if status.LastError != nil {
		got.Code = status.LastError.Code
	}
	return got
}

// recorded is an order and what it must have become; says is what its message must contain, never what it must not.
type recorded struct {
	order *v1alpha1.VeroOrder
	want  outcome
	says  []string
	never string
}

func check(t *testing.T, cases map[string]recorded) {
	t.Helper()
	for claim, c := range cases {
		t.Run(claim, func(t *testing.T) {
			if difference := cmp.Diff(c.want, outcomeOf(c.order, now)); difference != "" {
				t.Errorf("the outcome differs (-want +got):\n%s", difference)
			}
			must.Contain(t, orderstate.Message(c.order), c.says...)
			if c.never != "" && strings.Contains(orderstate.Message(c.order), c.never) {
				t.Errorf("the message says %q: %s", c.never, orderstate.Message(c.order))
			}
		})
	}
}

const (
	pending    = v1alpha1.VeroOrderPending
	submitting = v1alpha1.VeroOrderSubmitting
	submitted  = v1alpha1.VeroOrderSubmitted
	failed     = v1alpha1.VeroOrderFailed
)

// retrying is an order that was certainly not accepted, accepted one that certainly was.
var (
	retrying = outcome{
		Phase: pending, Reason: v1alpha1.ReasonRetryingSubmission, Again: 10 * time.Second, Code: "NoResponse",
	}
	accepted = outcome{
		Phase: submitted, Reason: v1alpha1.ReasonAwaitingCertificate, ID: retrievalID, Again: 10 * time.Second,
	}
)

func refusedFor(reason, code string) outcome {
	return outcome{Phase: failed, Reason: reason, Code: code}
}
