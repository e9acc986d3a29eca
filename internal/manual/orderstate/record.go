package orderstate

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Record writes an outcome into an order.
func (o Outcome) Record(order *v1alpha1.ManualOrder, now time.Time) {
	status := &order.Status
	status.State = o.State
	status.ObservedGeneration = order.Generation
	if taken := o.Certificate; taken != nil {
		status.Certificate, status.CA, status.SerialNumber = taken.Chain, taken.CA, taken.SerialNumber
		status.NotBefore, status.NotAfter = &metav1.Time{Time: taken.NotBefore}, &metav1.Time{Time: taken.NotAfter}
		status.Changes = taken.Changes
	}
	if o.State == v1alpha1.ManualOrderIssued && status.CompletionTime == nil {
		status.CompletionTime = &metav1.Time{Time: now}
	}
	switch {
	case o.State != v1alpha1.ManualOrderStale:
		status.StaleTime = nil
	case status.StaleTime == nil:
		status.StaleTime = &metav1.Time{Time: now}
	}
	if o.Reminder != nil {
		status.RemindedDays = &o.Reminder.Days
	}
	status.Instructions = o.Instructions
	o.setCondition(order, v1alpha1.ConditionReady, o.State == v1alpha1.ManualOrderIssued, now)
	o.setCondition(order, v1alpha1.ConditionPersonDue, o.Person, now)
}

func (o Outcome) setCondition(order *v1alpha1.ManualOrder, kind string, holds bool, now time.Time) {
	condition := metav1.Condition{
		Type: kind, Status: metav1.ConditionFalse, Reason: o.Reason, Message: o.Message,
		ObservedGeneration: order.Generation, LastTransitionTime: metav1.Time{Time: now},
	}
	if holds {
		condition.Status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&order.Status.Conditions, condition)
}
