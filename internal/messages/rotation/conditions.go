package rotation

import (
	"strings"
	"time"
	"unicode"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// RecordClusterError writes that the cluster refuses something without which nothing goes on, into an object as it is
// stored.
func RecordClusterError(object *v1alpha1.MessagesPassword, problem string, now time.Time) {
	const longest = 4096 // a webhook may say what it likes, and the API server takes no more than 32768
	if len(problem) > longest {
		problem = strings.ToValidUTF8(problem[:longest], "") + "…"
	}
	s := Snapshot{Now: now}
	for kind, holds := range map[string]bool{v1alpha1.ConditionReady: false, v1alpha1.ConditionNeedsPerson: true} {
		s.write(object, kind, holds, v1alpha1.ReasonClusterError, problem+"; it is tried again")
	}
}

// writeConditions writes what the object says of itself.
func (d Decision) writeConditions(object *v1alpha1.MessagesPassword) {
	s := d.snapshot
	if told := d.report; told != nil {
		message := told.message
		if d.Verb == Wait && s.deleting() {
			message += "; the deletion waits for that, unless spec.deletionPolicy is Orphan"
		}
		s.write(object, v1alpha1.ConditionReady, told.ready, told.reason, message)
		s.write(object, v1alpha1.ConditionNeedsPerson, told.person, told.reason, message)
	} else if meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionReady) == nil {
		s.write(object, v1alpha1.ConditionReady, false, v1alpha1.ReasonProvingPassword, "the password is about to be proved")
	}
	reason, message := rotating(object)
	s.write(object, v1alpha1.ConditionRotating, object.Status.State != v1alpha1.MessagesPasswordIdle, reason, message)
	s.writeAge(object)
	s.writeRetrieval(object)
}

func rotating(object *v1alpha1.MessagesPassword) (reason, message string) {
	switch object.Status.State {
	case v1alpha1.MessagesPasswordPrepared:
		return v1alpha1.ReasonRotationPrepared, "a new password is there, and nothing was sent"
	case v1alpha1.MessagesPasswordSent:
		return v1alpha1.ReasonRotationSent, "the new password was sent, and is about to be proved"
	case v1alpha1.MessagesPasswordSettling:
		return v1alpha1.ReasonRotationUncertain, "it is not known for certain which password the service takes"
	default:
		return v1alpha1.ReasonNotRotating, "no rotation is in flight"
	}
}

func (s Snapshot) write(object *v1alpha1.MessagesPassword, kind string, holds bool, reason, message string) {
	condition := metav1.Condition{
		Type: kind, Status: metav1.ConditionFalse, Reason: reason, Message: message,
		ObservedGeneration: object.Generation, LastTransitionTime: metav1.Time{Time: s.Now},
	}
	if holds {
		condition.Status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&object.Status.Conditions, condition)
}

func at(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }

// printable is a text of the service as it may be shown: cut, and without what is no character to be read.
func printable(text string) string {
	const longest = 200
	var clean strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) && clean.Len() < longest {
			clean.WriteRune(r)
		}
	}
	return strings.TrimSpace(clean.String())
}
