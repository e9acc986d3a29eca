package rotator

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

// report writes an event for each condition whose reason is another one than before. NeedsPerson says what Ready says,
// and a rotation that was made has an event of its own.
func (p *pass) report(before *v1alpha1.MessagesPassword) {
	for _, kind := range []string{
		v1alpha1.ConditionReady, v1alpha1.ConditionRotating, v1alpha1.ConditionPasswordOld,
		v1alpha1.ConditionRetrievalLate,
	} {
		was := meta.FindStatusCondition(before.Status.Conditions, kind)
		is := meta.FindStatusCondition(p.object.Status.Conditions, kind)
		if is == nil || was != nil && was.Reason == is.Reason || !p.eventful(kind, was, is) {
			continue
		}
		p.Events.Report(p.object, !reasons.Of(is.Reason).Quiet, is.Reason, kind, is.Message)
	}
}

// eventful reports whether the new reason of a condition is worth an event: that all is well is one only where it was
// not.
func (p *pass) eventful(kind string, was, is *metav1.Condition) bool {
	switch {
	case kind == v1alpha1.ConditionReady:
		return p.decision.Verb != rotation.Commit
	case is.Status == metav1.ConditionTrue:
		return true
	default:
		return kind == v1alpha1.ConditionRetrievalLate && was != nil
	}
}

// reportRotated writes the event of a rotation that was made, which is the proof of it for people.
func (p *pass) reportRotated() {
	if ready := meta.FindStatusCondition(p.object.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		p.Events.Report(p.object, false, v1alpha1.ReasonRotated, v1alpha1.ConditionRotating, ready.Message)
	}
}
