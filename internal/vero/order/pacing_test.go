package order_test

import (
	"context"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/vero/creation"
	"github.com/varmenne/varmenne-issuer/internal/vero/orderstate"
)

// TestAnOrderInWhoseCallsTheControllerHasEndedSaysUntilWhenItWaits, whatever the call was; and it makes none.
func TestAnOrderInWhoseCallsTheControllerHasEndedSaysUntilWhenItWaits(t *testing.T) {
	begun := &metav1.MicroTime{Time: now}
	const because = "the controller has ended in the middle of each of the last 4 calls for VeroOrders of this " +
		"namespace; perhaps a response of the service ends it; see the log of the ended container; " +
		"VeroOrder sign-1 goes on at 2026-11-21T12:01:20Z"
	for claim, c := range map[string]struct {
		status v1alpha1.VeroOrderStatus
		want   string
	}{
		"one that was being sent": {
			v1alpha1.VeroOrderStatus{
				State: v1alpha1.VeroOrderSubmitting, SubmissionTime: begun, Submissions: 4, Interruptions: 3,
			},
			"SubmissionUncertain: " + because},
		"one that was being polled": {
			v1alpha1.VeroOrderStatus{
				State: v1alpha1.VeroOrderSubmitted, RetrievalID: "r-1", AcceptanceTime: begun, PollStartTime: begun,
				Interruptions: 3,
			},
			"AwaitingCertificate: " + because},
	} {
		t.Run(claim, func(t *testing.T) {
			order := ended(server.Namespace(t), 0)
			order.Status = c.status
			result := must.Get(control(t, order, now.Add(20*time.Second)).step())(t)
			ready := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady)
			if result.RequeueAfter != time.Minute || ready == nil || ready.Reason+": "+ready.Message != c.want {
				t.Errorf("it is looked at in %s, and says %v", result.RequeueAfter, ready)
			}
			// Calls are spaced over all namespaces: left there, it would move the next case by a second.
			must.Do(t, server.Client.Delete(t.Context(), order))
		})
	}
}

// TestAnOrderThatIsMadeAndHeldSaysSoAtOnce: a controller that ends meanwhile must not leave it in doubt.
func TestAnOrderThatIsMadeAndHeldSaysSoAtOnce(t *testing.T) {
	namespace, made := server.Namespace(t), creation.NewIntents(clocktesting.NewFakePassiveClock(now))
	for _, name := range []string{"sign-2", "sign-3"} {
		interrupted := ended(namespace, 0)
		interrupted.Name, interrupted.Status = name, v1alpha1.VeroOrderStatus{
			State: v1alpha1.VeroOrderSubmitting, SubmissionTime: &metav1.MicroTime{Time: now}, Submissions: 1,
		}
		server.Create(t, interrupted)
		t.Cleanup(func() { must.Do(t, server.Client.Delete(context.WithoutCancel(t.Context()), interrupted)) })
	}
	order := ended(namespace, 0)
	order.Status = v1alpha1.VeroOrderStatus{}
	made.Express(order)
	c := control(t, order, now)
	if c.reconciler.Creations = made; !made.Own(order) {
		t.Fatal("it is not the controller's own")
	}
	result := must.Get(c.step())(t)
	reason := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionReady).Reason
	if result.RequeueAfter == 0 || reason != v1alpha1.ReasonRetryingSubmission || orderstate.InDoubt(order) {
		t.Errorf("it is looked at in %s, says %s, and has the status %+v", result.RequeueAfter, reason, order.Status)
	}
	must.Do(t, server.Client.Delete(t.Context(), order))
}
