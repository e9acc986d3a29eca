package overview

import (
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/kube/conditions"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/tracked/trackedstate"
)

// strays are the rows of what waits without a Certificate behind it: requests that others than Certificates have made,
// and orders that a person still has to do something for.
func (in *index) strays(now time.Time) []Row {
	var rows []Row
	for _, request := range in.requests {
		owner := metav1.GetControllerOf(request)
		if in.shown[request.UID] || owner != nil && owner.Kind == cmapi.CertificateKind ||
			conditions.IsTrue(request, cmapi.CertificateRequestConditionReady) {
			continue
		}
		reference := request.Spec.IssuerRef
		row := Row{
			Namespace: request.Namespace, Name: request.Name, Kind: KindCertificateRequest, State: stateIssuing,
			Severity: OK, Turn: Nobody, Issuer: reference.Kind + "/" + reference.Name,
		}
		issuer := in.issuer(reference.Kind, request.Namespace, reference.Name)
		in.follow(&row, request, issuer, now)
		if issuer != nil {
			in.judgeIssuer(&row, issuer)
		}
		if endOf(request) != nil {
			row.State = stateFailed
		}
		judgeTime(&row, request, now)
		rows = append(rows, row)
	}
	for _, order := range in.manualOrders {
		due := meta.FindStatusCondition(order.Status.Conditions, v1alpha1.ConditionPersonDue)
		if !in.shown[order.UID] && due != nil && due.Status == metav1.ConditionTrue {
			rows = append(rows, strayOrder(order))
		}
	}
	return rows
}

// strayOrder is the row of an order that no Certificate stands behind any more. An application that goes on all the
// same costs money and brings nothing.
func strayOrder(order *v1alpha1.ManualOrder) Row {
	row := Row{
		Namespace: order.Namespace, Name: order.Name, Kind: KindManualOrder, State: string(order.Status.State),
		Severity: Warning, Turn: Yours, Issuer: order.Spec.IssuerRef.Kind + "/" + order.Spec.IssuerRef.Name,
		Chain: []Step{manualStep(order)},
	}
	waits := manualWaits(&row, order)
	row.Reason, row.Message = waits.reason, waits.message
	row.help(nil)
	return row
}

// trackedRow is the row of a certificate that lives elsewhere.
func trackedRow(tracked *v1alpha1.TrackedCertificate, now time.Time) Row {
	status := &tracked.Status
	step := stepOf(KindTrackedCertificate, tracked)
	ready, expiring := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady),
		meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionExpiringSoon)
	step.take(ready)
	row := Row{
		Namespace: tracked.Namespace, Name: tracked.Name, Kind: KindTrackedCertificate, State: "Tracked", Severity: OK,
		Turn: Nobody, Issued: moment(status.NotBefore), End: moment(status.NotAfter), Chain: []Step{step},
	}
	if status.NotAfter != nil {
		row.addDate(status.NotAfter.Add(-trackedstate.RemindBefore(&tracked.Spec)), Reminder)
		row.addDate(status.NotAfter.Time, Ends)
	}
	notice := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionNoticeDue)
	switch {
	case ready == nil || ready.Status == metav1.ConditionUnknown:
		row.State = v1alpha1.ReasonNotChecked
	case ready.Status != metav1.ConditionTrue:
		row.demand(ready)
	case expiring != nil && expiring.Status == metav1.ConditionTrue:
		row.demand(expiring)
	case notice != nil && notice.Status == metav1.ConditionTrue:
		row.demand(notice)
		row.State = v1alpha1.ConditionNoticeDue
	}
	judgeTime(&row, nil, now)
	return row
}

// demand makes it a person's turn, for what a condition says.
func (r *Row) demand(told *metav1.Condition) {
	r.State, r.Reason, r.Message, r.Turn = told.Reason, told.Reason, told.Message, Yours
	r.raise(Warning)
	r.help(nil)
}

// passwordRow is the row of a password. Its end is when the owner of the service demands that it has been rotated.
func passwordRow(password *v1alpha1.MessagesPassword, now time.Time) Row {
	status := &password.Status
	step := stepOf(v1alpha1.KindMessagesPassword, password)
	step.State = string(status.State)
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	step.take(ready)
	row := Row{
		Namespace: password.Namespace, Name: password.Name, Kind: v1alpha1.KindMessagesPassword,
		State: step.State, Severity: OK, Turn: Nobody, Issued: moment(status.PasswordSince), Chain: []Step{step},
	}
	if since := status.PasswordSince; since != nil {
		demanded := rotation.Demanded(since.Time)
		row.End = &demanded
		row.addDate(rotation.Recommended(since.Time), RotationRecommended)
		row.addDate(demanded, RotationDemanded)
	}
	if next := status.NextRotationTime; next != nil && !password.Spec.Suspend {
		row.addDate(next.Time, Rotation)
	}
	if ready != nil && ready.Status != metav1.ConditionUnknown {
		row.Reason, row.Message = ready.Reason, ready.Message
		row.judgePassword(status.Conditions, ready)
	} else {
		row.State = v1alpha1.ReasonNotChecked
	}
	judgeTime(&row, nil, now)
	return row
}

// judgePassword says whose turn it is, by what the object itself says.
func (r *Row) judgePassword(told []metav1.Condition, ready *metav1.Condition) {
	holds := func(kind string) *metav1.Condition {
		if found := meta.FindStatusCondition(told, kind); found != nil && found.Status == metav1.ConditionTrue {
			return found
		}
		return nil
	}
	person, old, late := holds(v1alpha1.ConditionNeedsPerson), holds(v1alpha1.ConditionPasswordOld),
		holds(v1alpha1.ConditionRetrievalLate)
	switch state := r.State; {
	case person != nil:
		r.demand(person)
		r.State = state
		r.raise(Critical)
	case old != nil:
		r.demand(old)
		r.State = state
		if old.Reason == v1alpha1.ReasonOneYearOld {
			r.raise(Critical)
		}
	case late != nil:
		r.demand(late)
		r.State = state
	case ready.Status == metav1.ConditionTrue:
		r.Turn = Nobody
	case turnOf(ready.Reason) != Nobody:
		r.Turn = Service
		r.raise(Warning)
	}
}

// moment is a time of the API, nil if there is none.
func moment(at *metav1.Time) *time.Time {
	if at == nil {
		return nil
	}
	return &at.Time
}

// describe is the command that shows an object.
func describe(step Step) string {
	if step.Namespace == "" {
		return fmt.Sprintf("kubectl describe %s.%s %s", resource(step.Kind), v1alpha1.GroupName, step.Name)
	}
	return fmt.Sprintf("kubectl describe %s.%s -n %s %s", resource(step.Kind), v1alpha1.GroupName, step.Namespace,
		step.Name)
}
