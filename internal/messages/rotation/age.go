package rotation

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// The owner of the service recommends a rotation every six months, and demands one a year (its page on technical
// maintenance, REST API password rotation).
const (
	recommendedMonths = 6
	demandedYears     = 1
)

// Recommended is when the owner of the service recommends that a password has been rotated which came at a time.
func Recommended(since time.Time) time.Time { return since.AddDate(0, recommendedMonths, 0) }

// Demanded is when the owner of the service demands that.
func Demanded(since time.Time) time.Time { return since.AddDate(demandedYears, 0, 0) }

// writeAge writes how old the password is.
func (s Snapshot) writeAge(object *v1alpha1.MessagesPassword) {
	since := object.Status.PasswordSince
	if since == nil {
		return
	}
	known := fmt.Sprintf("%s has had its password since %s", s.secretName(), at(since.Time))
	reason, age := v1alpha1.ReasonPasswordFresh, known
	if object.Status.PasswordOrigin == v1alpha1.PasswordFound {
		reason = v1alpha1.ReasonAgeUnknown
		age = fmt.Sprintf("nobody knows how old the password of %s is; it was first seen at %s", s.secretName(),
			at(since.Time))
	}
	const remedy = ": have it rotated (annotation " + v1alpha1.AnnotationRotate + "), and see why it was not"
	old := false
	switch {
	case !s.Now.Before(Demanded(since.Time)):
		old, reason = true, v1alpha1.ReasonOneYearOld
		age += ", more than a year ago, after which the owner of the service demands a rotation" + remedy
	case !s.Now.Before(Recommended(since.Time)):
		old, reason = true, v1alpha1.ReasonSixMonthsOld
		age += ", more than six months ago, after which the owner of the service recommends a rotation" + remedy
	}
	s.write(object, v1alpha1.ConditionPasswordOld, old, reason, age)
}

// writeRetrieval writes whether somebody fetches what end users send.
func (s Snapshot) writeRetrieval(object *v1alpha1.MessagesPassword) {
	watched := object.Spec.Retrieval
	if watched == nil || watched.MaxAge == nil {
		meta.RemoveStatusCondition(&object.Status.Conditions, v1alpha1.ConditionRetrievalLate)
		object.Status.LastRetrievalTime = nil
		return
	}
	if !s.Retrieval.Last.IsZero() {
		object.Status.LastRetrievalTime = metaTime(s.Retrieval.Last)
	}
	last := object.Status.LastRetrievalTime
	if last != nil && last.After(s.Now) {
		// A clock was set back, or runs behind the one that this is by. Taken as it is, it would hide a delay.
		object.Status.LastRetrievalTime = metaTime(s.Now)
		last = object.Status.LastRetrievalTime
	}
	switch {
	case s.Retrieval.Problem != "":
		s.write(object, v1alpha1.ConditionRetrievalLate, true, v1alpha1.ReasonRetrievalLate, s.Retrieval.Problem)
	case last == nil || s.Now.Sub(last.Time) > watched.MaxAge.Duration:
		message := "nothing shows that messages of end users were ever fetched"
		if last != nil {
			message = "messages of end users were last fetched at " + at(last.Time)
		}
		if s.Retrieval.Remark != "" {
			message += ", and " + s.Retrieval.Remark
		}
		s.write(object, v1alpha1.ConditionRetrievalLate, true, v1alpha1.ReasonRetrievalLate, fmt.Sprintf("%s; "+
			"spec.retrieval.maxAge is %s: see why; the service does not tell", message, watched.MaxAge.Duration))
	default:
		s.write(object, v1alpha1.ConditionRetrievalLate, false, v1alpha1.ReasonRetrieved,
			"messages of end users are fetched in time")
	}
}
