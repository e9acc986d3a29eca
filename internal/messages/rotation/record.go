package rotation

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Outcome is what came of a call.
type Outcome int

// Outcomes of a call. The zero one is the cautious one.
const (
	// Unclear: the service may have acted on it; a timeout, a reset, a status other than 200 and 400, a response that
	// cannot be read.
	Unclear Outcome = iota
	// Unsent: it has certainly not reached the service, or was not made.
	Unsent
	// Refused: 400.
	Refused
	// Accepted: 200.
	Accepted
)

// Login is what came of a LogIn.
type Login struct {
	// Token is what came of asking for a token.
	Token Outcome
	// Events is what came of fetching events with it, where that was asked for.
	Events Outcome
	// RetryAfter is how long the service wants to be left alone; zero if it has not said so.
	RetryAfter time.Duration
	// Problem says what went wrong, for people. It shows no password and no token.
	Problem string
}

// Sending is what came of a Send.
type Sending struct {
	// Token is what came of asking for a token.
	Token Outcome
	// Change is what came of the change; Unsent if it was not asked for.
	Change Outcome
	// Reason that the service gives for a refusal. It shows no password.
	Reason string
	// RetryAfter is how long the service wants to be left alone; zero if it has not said so.
	RetryAfter time.Duration
	// Problem says what went wrong, for people. It shows no password and no token.
	Problem string
}

// RecordLogin writes what came of the LogIn that a decision was into the object that Intend has changed.
func RecordLogin(object *v1alpha1.MessagesPassword, decision Decision, login Login, now time.Time) {
	s, status := decision.snapshot, &object.Status
	s.recordToken(status, login.Token)
	wantsEvents := decision.Events && login.Token == Accepted
	answered := login.Token == Accepted || login.Token == Refused
	if wantsEvents && login.Events != Accepted {
		answered = false
	}
	recordClarity(status, answered, login.RetryAfter, now)
	switch login.Token {
	case Accepted:
		decision.recordAccepted(status, wantsEvents && login.Events == Accepted, now)
	case Refused:
		status.RefusalReason = printable(login.Problem)
		decision.recordRefused(status, now)
	default:
	}
	decision.report = s.reportLogin(decision, login, status)
	decision.writeConditions(object)
}

// recordToken strikes out a log-in that was not a failed one.
func (s Snapshot) recordToken(status *v1alpha1.MessagesPasswordStatus, token Outcome) {
	if token == Accepted || token == Unsent {
		status.FailedLogins = strike(status.FailedLogins, s.Now)
	}
}

// recordClarity counts the calls that had no clear response, and plans the next one.
func recordClarity(status *v1alpha1.MessagesPasswordStatus, answered bool, retryAfter time.Duration, now time.Time) {
	if answered {
		status.UnclearResponses, status.NextCallTime = 0, nil
	} else {
		status.UnclearResponses++
		pause := doubling(firstUnclearPause, longestUnclearPause, status.UnclearResponses)
		status.NextCallTime = micro(now.Add(pause))
	}
	asked := now.Add(min(retryAfter, longestCallPause))
	if retryAfter > 0 && (status.NextCallTime == nil || status.NextCallTime.Time.Before(asked)) {
		status.NextCallTime = micro(asked)
	}
}

// recordAccepted writes that the service takes a password; proved is set if it also gave events for it.
func (d Decision) recordAccepted(status *v1alpha1.MessagesPasswordStatus, proved bool, now time.Time) {
	s, rotation := d.snapshot, status.Rotation
	status.RefusedProbes, status.NextProbeTime, status.RefusalReason = 0, nil, ""
	if d.Password == New {
		if proved {
			rotation.NewPassword = v1alpha1.PasswordAccepted
		}
		return
	}
	if d.Password == Current {
		rotation.CurrentPassword = v1alpha1.PasswordAccepted
		if s.Secret.Holds != HoldsCurrent {
			return
		}
	}
	status.ProvedSecretVersion, status.RefusedSecretVersion = s.Secret.Version, ""
	if proved {
		status.ProofTime = micro(now)
	}
	written := &metav1.Time{Time: s.Secret.Written}
	rewritten := status.SecretWriteTime == nil || written.After(status.SecretWriteTime.Time)
	if status.PasswordSince == nil || rewritten && !s.Secret.Unchanged {
		status.PasswordSince, status.PasswordOrigin = &metav1.Time{Time: now}, v1alpha1.PasswordFound
	}
	status.SecretWriteTime = written
}

// recordRefused writes that the service does not take a password. When it takes none of them, they are left alone for a
// while.
func (d Decision) recordRefused(status *v1alpha1.MessagesPasswordStatus, now time.Time) {
	all := d.only
	if d.Password == InSecret {
		if was := status.RefusedSecretVersion; was != d.snapshot.Secret.Version && (was != "" || !all) {
			status.RefusedProbes = 0 // somebody has brought another one, which was refused once only
			all = all || status.NextProbeTime != nil
		}
		status.RefusedSecretVersion, status.ProvedSecretVersion = d.snapshot.Secret.Version, ""
		distrust(status.Rotation)
	} else {
		rotation := status.Rotation
		*verdictOf(rotation, d.Password) = v1alpha1.PasswordRefused
		status.State = v1alpha1.MessagesPasswordSettling
		all = allRefused(rotation)
	}
	if all {
		recordAllRefused(status, now)
	}
}

// distrust forgets what the service took before somebody put another password into the Secret. That one may be right
// although it was refused, because the account is locked, and must not be overwritten with one that was right once.
func distrust(rotation *v1alpha1.MessagesRotation) {
	if rotation == nil {
		return
	}
	for _, verdict := range []*v1alpha1.PasswordVerdict{&rotation.NewPassword, &rotation.CurrentPassword} {
		if *verdict == v1alpha1.PasswordAccepted {
			*verdict = v1alpha1.PasswordUnknown
		}
	}
}

func recordAllRefused(status *v1alpha1.MessagesPasswordStatus, now time.Time) {
	status.RefusedProbes++
	status.NextProbeTime = micro(now.Add(probePause(status.RefusedProbes)))
}

// RecordSend writes what came of the Send that a decision was into the object that Intend has changed.
func RecordSend(object *v1alpha1.MessagesPassword, decision Decision, sending Sending, now time.Time) {
	s, status := decision.snapshot, &object.Status
	s.recordToken(status, sending.Token)
	unread := sending.Change == Unsent || sending.Token != Accepted
	answered := sending.Token == Refused || !unread && sending.Change != Unclear
	recordClarity(status, answered, sending.RetryAfter, now)
	switch {
	case unread:
		s.withdraw(status)
		if sending.Token == Refused {
			status.RefusalReason = printable(sending.Problem)
			s.recordCurrentRefused(status, now)
		}
	case sending.Change == Refused:
		status.State = v1alpha1.MessagesPasswordSettling
		s.recordRefusal(status.Rotation, sending.Reason, now)
	default:
		s.recordSent(status, sending.Change, now)
	}
	decision.report = s.reportSending(sending, status)
	decision.writeConditions(object)
}

// withdraw takes back what the intent has assumed: the new password was not sent this time.
func (s Snapshot) withdraw(status *v1alpha1.MessagesPasswordStatus) {
	before := s.status()
	status.State = before.State
	status.Rotation = before.Rotation.DeepCopy()
	status.ProvedSecretVersion, status.ProofTime = before.ProvedSecretVersion, before.ProofTime.DeepCopy()
}

// recordCurrentRefused is for a current password that gave tokens before: somebody has changed it elsewhere, an earlier
// attempt was applied late, or the account is locked.
func (s Snapshot) recordCurrentRefused(status *v1alpha1.MessagesPasswordStatus, now time.Time) {
	status.ProvedSecretVersion = ""
	if s.Secret.Holds == HoldsCurrent {
		status.RefusedSecretVersion = s.Secret.Version
	}
	if status.State == v1alpha1.MessagesPasswordPrepared {
		recordAllRefused(status, now)
		return
	}
	status.Rotation.CurrentPassword, status.Rotation.NewPassword = v1alpha1.PasswordRefused, v1alpha1.PasswordUnknown
}

// recordSent is for a change that the service has made, or may have.
func (s Snapshot) recordSent(status *v1alpha1.MessagesPasswordStatus, change Outcome, now time.Time) {
	rotation := status.Rotation
	rotation.NextSendTime = micro(now.Add(doubling(firstResend, longestResend, rotation.Attempts)))
	if change == Accepted {
		rotation.Change = v1alpha1.PasswordAccepted
		rotation.UnclearSends = strike(rotation.UnclearSends, s.Now)
		return
	}
	status.State = v1alpha1.MessagesPasswordSettling
}

// recordRefusal is for a change that the service has refused.
func (s Snapshot) recordRefusal(rotation *v1alpha1.MessagesRotation, reason string, now time.Time) {
	rotation.Change = v1alpha1.PasswordRefused
	rotation.UnclearSends = strike(rotation.UnclearSends, s.Now)
	rotation.Refusals++
	rotation.RefusalReason = printable(reason)
	rotation.NextSendTime = micro(now.Add(doubling(firstRefusalPause, longestRefusalPause, rotation.Refusals)))
	days := len(rotation.RefusalTimes)
	if days == 0 || days < refusalDays && dayOf(rotation.RefusalTimes[days-1].Time).Before(dayOf(now)) {
		rotation.RefusalTimes = append(rotation.RefusalTimes, metav1.Time{Time: now})
	}
}

// dayOf is the beginning of a day, in UTC.
func dayOf(at time.Time) time.Time { return at.UTC().Truncate(day) }

// RecordCommit writes that the Secret has the new password, under which resourceVersion, and when the API server says
// that it was written.
func RecordCommit(object *v1alpha1.MessagesPassword, decision Decision, version string, written, now time.Time) {
	s, status := decision.snapshot, &object.Status
	if status.Rotation.Demand != "" {
		status.LastHandledDemand = status.Rotation.Demand
	}
	// What is put back is as old as it was: nobody may take that for a rotation.
	if last := status.LastRotationTime; last == nil || status.Rotation.SendTime != nil {
		status.LastRotationTime = &metav1.Time{Time: now}
	}
	retire(status, s.Staging)
	status.CommittedStagingUID = s.Staging.UID
	status.PasswordSince, status.PasswordOrigin = status.LastRotationTime.DeepCopy(), v1alpha1.PasswordRotated
	status.NextRotationTime = &metav1.Time{Time: planned(&object.Spec, status.LastRotationTime.Time)}
	status.ProvedSecretVersion, status.RefusedSecretVersion = version, ""
	status.SecretWriteTime, status.ProofTime = &metav1.Time{Time: written}, nil
	status.StagingSecretName = ""
	decision.report = s.reportRotated(status)
	decision.writeConditions(object)
}
