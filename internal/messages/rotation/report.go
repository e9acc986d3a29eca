package rotation

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// owner is whom a person turns to who has no password that the service takes. It has no other way to get one.
const owner = "DVV, the owner of Suomi.fi Messages,"

// report is what an object says of itself.
type report struct {
	ready           bool
	reason, message string
	// person is set if nothing goes on without one, or not for long.
	person bool
}

func (s Snapshot) secretName() string { return "Secret " + s.Object.Spec.SecretRef.Name }

func (s Snapshot) stagingName() string {
	return "Secret " + StagingName(s.Object.Spec.SecretRef.Name)
}

// shared is for one of two objects that rotate the same account.
func (s Snapshot) shared(rival string) Decision {
	return Decision{Verb: Wait, At: s.Now.Add(time.Hour), report: &report{
		reason: v1alpha1.ReasonSecretShared, person: true,
		message: fmt.Sprintf("%s rotates the same account: delete one of the two; this one does nothing meanwhile", rival),
	}}
}

// awaitName is for somebody else's Secret that has the name which the next rotation needs.
func (s Snapshot) awaitName() Decision {
	if s.Staging.Owner != Stranger {
		return Decision{Verb: Wait, At: s.Now.Add(time.Hour), report: &report{
			reason: v1alpha1.ReasonStagingNameTaken, person: true,
			message: fmt.Sprintf("%s was deleted, and its finalizers keep it: remove them; no rotation begins before, since "+
				"the new password is kept under this name until it is proved", s.stagingName()),
		}}
	}
	return Decision{Verb: Wait, At: s.Now.Add(time.Hour), report: &report{
		reason: v1alpha1.ReasonStagingNameTaken, person: true,
		message: fmt.Sprintf("%s was not made by a rotation (it has no annotation %s), and is not touched: give it another "+
			"name, or delete it if nobody needs it; no rotation begins before, since the new password is kept under this "+
			"name until it is proved", s.stagingName(), v1alpha1.AnnotationRotationOf),
	}}
}

// awaitSpec is for a service that cannot be called as the spec has it.
func (s Snapshot) awaitSpec() Decision {
	return Decision{Verb: Wait, At: s.Now.Add(time.Hour), report: &report{
		reason: s.Uncallable.Reason, person: true, message: s.Uncallable.Problem + "; nothing is sent before",
	}}
}

// awaitSecret is for a Secret that a person has to put right.
func (s Snapshot) awaitSecret() Decision {
	told := &report{reason: v1alpha1.ReasonSecretInvalid, person: true,
		message: fmt.Sprintf("%s %s", s.secretName(), s.Secret.Problem)}
	if s.Secret.Missing {
		told = &report{reason: v1alpha1.ReasonSecretNotFound, person: true, message: fmt.Sprintf(
			"%s does not exist: create it with the keys %s and %s, as %s has sent them", s.secretName(),
			v1alpha1.KeyUsername, v1alpha1.KeyPassword, owner)}
	}
	if s.hasStaging() {
		told.message += fmt.Sprintf("; %s has those of the last rotation", s.stagingName())
	}
	return Decision{Verb: Wait, At: s.Now.Add(time.Hour), report: told}
}

// awaitUsername is for a person who has changed the account while the password of another one is in flight.
func (s Snapshot) awaitUsername() Decision {
	return Decision{Verb: Wait, At: s.Now.Add(time.Hour), report: &report{
		reason: v1alpha1.ReasonUsernameChanged, person: true,
		message: fmt.Sprintf("%s has another username than the rotation in flight: put the one of %s back until the "+
			"rotation has ended, or delete %s if the account of that username is not needed any more", s.secretName(),
			s.stagingName(), s.stagingName()),
	}}
}

// awaitReturn is for a person who has put something wrong into the Secret while nothing can be done about it.
func (s Snapshot) awaitReturn() Decision {
	return Decision{Verb: Wait, At: s.Now.Add(time.Hour), report: &report{
		reason: v1alpha1.ReasonPasswordRefused, person: true,
		message: fmt.Sprintf("%s was changed, and no log-in can be made with what it has now: put username and current "+
			"password of %s back", s.secretName(), s.stagingName()),
	}}
}

// reportIdle is for a password that the service takes.
func (s Snapshot) reportIdle(next time.Time) *report {
	status := s.status()
	told := &report{ready: true, reason: v1alpha1.ReasonPasswordProved, message: fmt.Sprintf(
		"the service takes the password of %s", s.secretName())}
	if status.PasswordOrigin == v1alpha1.PasswordRotated && status.PasswordSince != nil {
		told.reason = v1alpha1.ReasonRotated
		told.message = fmt.Sprintf("%s has had a new password since %s", s.secretName(), at(status.PasswordSince.Time))
	}
	switch problem := s.badWindow(); {
	case s.Object.Spec.Suspend:
		told.reason = v1alpha1.ReasonSuspended
		told.message += "; spec.suspend keeps rotations from beginning"
		if s.demanded() {
			told.message += ", the one that annotation " + v1alpha1.AnnotationRotate + " demands, too"
		}
	case problem != "":
		told.ready, told.person, told.reason, told.message = false, true, v1alpha1.ReasonInvalidSpec, problem
	default:
		told.message += "; the next rotation is due at " + at(next)
	}
	return told
}

// reportRotated is for the moment of the commit.
func (s Snapshot) reportRotated(status *v1alpha1.MessagesPasswordStatus) *report {
	s.Object = s.Object.DeepCopy()
	s.Object.Status = *status
	return s.reportIdle(status.NextRotationTime.Time)
}

// reportExhausted is for an account that would be locked by further failed log-ins.
func (s Snapshot) reportExhausted(next time.Time) *report {
	return &report{reason: v1alpha1.ReasonLoginsExhausted, message: fmt.Sprintf("there were %d log-ins in the last hour "+
		"for the account that failed, or may have: the next one is made at %s, so that the service does not lock the account",
		len(s.failedLogins()), at(next))}
}

// reportHeldUp is for a service that must not be called yet. RecordLogin and RecordSend have said why, and it says so
// still, unless the cluster has refused something meanwhile. That all is well is what it must not go on saying.
func (s Snapshot) reportHeldUp() *report {
	ready := meta.FindStatusCondition(s.status().Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status != metav1.ConditionTrue && ready.Reason != v1alpha1.ReasonClusterError {
		return nil
	}
	return unavailable(s.status(), "")
}

// reportRefused is for the only password that there is.
func (s Snapshot) reportRefused() *report {
	return &report{reason: v1alpha1.ReasonPasswordRefused, person: true, message: fmt.Sprintf("the service refuses the "+
		"password of %s%s: it is wrong, or the account is locked for a while; it is asked again at %s; if somebody knows "+
		"the right one, or there is a %s, which has those of the last rotation, put it there, else ask %s for a new one",
		s.secretName(), s.refusal(), s.nextProbe(), s.stagingName(), owner)}
}

// reportPutBack is for what somebody has put into the Secret since the last rotation, or has deleted.
func (s Snapshot) reportPutBack() *report {
	reason, what := v1alpha1.ReasonPasswordRefused, "has another password since the last rotation, which is wrong"
	switch {
	case s.Secret.Missing:
		reason, what = v1alpha1.ReasonSecretNotFound, "was deleted since the last rotation"
	case s.Secret.Problem != "":
		reason, what = v1alpha1.ReasonSecretInvalid, "was changed since the last rotation, and "+s.Secret.Problem
	}
	return &report{reason: reason, message: fmt.Sprintf("%s %s: the password of that rotation, which %s has, is put back "+
		"if the service takes it; leave the Secret out of whatever else writes it", s.secretName(), what, s.stagingName())}
}

// reportBothRefused is for two passwords of which one was right before the new one was sent.
func (s Snapshot) reportBothRefused(next time.Time) *report {
	return &report{reason: v1alpha1.ReasonPasswordRefused, person: true, message: fmt.Sprintf("the service refuses the "+
		"current and the new password%s: most likely the account is locked for a while, unless somebody has changed the "+
		"password elsewhere; both are kept in %s, and it is asked again at %s; if somebody knows the right one, put it "+
		"into %s; if this lasts for more than a day, ask %s for a new one", s.refusal(), s.stagingName(), at(next),
		s.secretName(), owner)}
}

// refusal is what the service has said, for whoever writes to its owner.
func (s Snapshot) refusal() string { return quotedReason(s.status().RefusalReason) }

// reportLost is for a new password that somebody has deleted.
func (s Snapshot) reportLost() *report {
	return &report{reason: v1alpha1.ReasonStagingLost, person: true, message: fmt.Sprintf("%s was deleted or changed "+
		"while the password in it was in flight, and the service refuses the password of %s%s: restore it from a "+
		"backup, or ask %s for a new one and put that into %s; it is asked again at %s", s.stagingName(), s.secretName(),
		s.refusal(), owner, s.secretName(), s.nextProbe())}
}

// reportLosable is for one that the service may still come to take.
func (s Snapshot) reportLosable(until time.Time) *report {
	return &report{reason: v1alpha1.ReasonStagingLost, message: fmt.Sprintf("%s was deleted or changed while the "+
		"password in it was in flight; the service takes the password of %s, and may change it to the lost one until %s: no "+
		"rotation begins before; restore it from a backup if you can", s.stagingName(), s.secretName(), at(until))}
}

func (s Snapshot) nextProbe() string {
	if next := s.status().NextProbeTime; next != nil {
		return at(next.Time)
	}
	return "once"
}

// reportSent is for a new password on its way.
func (s Snapshot) reportSent() *report {
	return &report{reason: v1alpha1.ReasonRotationSent, message: "the new password is on its way to the service"}
}

// reportResend is for a current password that the service still takes.
func (s Snapshot) reportResend(next time.Time) *report {
	rotation := s.status().Rotation
	if rotation.Change != v1alpha1.PasswordRefused {
		return &report{reason: v1alpha1.ReasonRotationUncertain, message: fmt.Sprintf("the service takes the current "+
			"password, and may still change it to the new one, which it was sent %s: the same one is sent again at %s",
			times(rotation.Attempts), at(next))}
	}
	const days = 2
	return &report{reason: v1alpha1.ReasonChangeRefused, person: len(rotation.RefusalTimes) >= days,
		message: fmt.Sprintf("the service takes the current password and has refused %s to change it%s: it is tried "+
			"again at %s, and with another new password after refusals on %d days; if this lasts, ask %s for the reason",
			times(rotation.Refusals), quotedReason(rotation.RefusalReason), at(next), refusalDays, owner)}
}

func times(count int32) string {
	if count == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", count)
}

func quotedReason(reason string) string {
	if reason == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", reason)
}

// reportLogin is for what came of a log-in, where nothing else is decided at once.
func (s Snapshot) reportLogin(d Decision, login Login, status *v1alpha1.MessagesPasswordStatus) *report {
	switch {
	case login.Token == Unclear || login.Token == Unsent:
		return unavailable(status, login.Problem)
	case login.Token == Accepted && d.Events && login.Events == Unclear || login.Events == Unsent && d.Events:
		return unavailable(status, login.Problem)
	case login.Token == Accepted && d.Events && login.Events == Refused:
		return &report{reason: v1alpha1.ReasonEventsRefused, person: true, message: fmt.Sprintf("the service gives a token "+
			"for %s and refuses /v2/events with it%s: no rotation begins or ends while it does; ask %s whether the "+
			"account may fetch events", d.Password, quotedReason(printable(login.Problem)), owner)}
	default:
		return nil
	}
}

// reportSending is for what came of a sending.
func (s Snapshot) reportSending(sending Sending, status *v1alpha1.MessagesPasswordStatus) *report {
	switch {
	case sending.Token == Accepted && sending.Change == Unclear:
		return &report{reason: v1alpha1.ReasonRotationUncertain, message: "the new password was sent and no response came " +
			"back that can be relied on" + quotedReason(printable(sending.Problem)) + ": both are kept, and the service is " +
			"asked which it takes" + s.nextCall(status)}
	case sending.Token == Unclear, sending.Token == Unsent, sending.Token == Accepted && sending.Change == Unsent:
		return unavailable(status, sending.Problem)
	default:
		return nil
	}
}

func (Snapshot) nextCall(status *v1alpha1.MessagesPasswordStatus) string {
	if status.NextCallTime == nil {
		return ""
	}
	return ", at " + at(status.NextCallTime.Time)
}

func unavailable(status *v1alpha1.MessagesPasswordStatus, problem string) *report {
	return &report{reason: v1alpha1.ReasonServiceUnavailable, message: fmt.Sprintf("the service cannot be called, or did "+
		"not answer as it should%s: it is called again at %s", quotedReason(printable(problem)),
		at(status.NextCallTime.Time))}
}
