package rotation

import (
	"slices"
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// Verb is what is done next. Those that do not say otherwise need nothing but the status that Intend has written.
type Verb string

const (
	// Wait until Decision.At.
	Wait Verb = "Wait"
	// Done: there is nothing left to do for an object that is about to go.
	Done Verb = "Done"
	// AddFinalizer to the object.
	AddFinalizer Verb = "AddFinalizer"
	// RemoveFinalizer from the object.
	RemoveFinalizer Verb = "RemoveFinalizer"
	// LogIn has a token given for Decision.Password, and events for the token if Decision.Events is set; then
	// RecordLogin.
	LogIn Verb = "LogIn"
	// Stage makes the staging Secret: with username and password of the Secret as the current ones, and a new password.
	Stage Verb = "Stage"
	// Prepare takes on a staging Secret whose password was never sent.
	Prepare Verb = "Prepare"
	// Send has a token given for the current password of the staging Secret, and changes it to the new one with that
	// token; then RecordSend.
	Send Verb = "Send"
	// Commit writes username and new password of the staging Secret into the Secret, with the resourceVersion of the
	// snapshot, or creates it where it is missing; then RecordCommit. Where the Secret has them already, it is left as it
	// is.
	Commit Verb = "Commit"
	// Adopt takes on a staging Secret of an object that is gone, whose password may have been sent.
	Adopt Verb = "Adopt"
	// Retire says that the staging Secret is not needed any more, if there is one.
	Retire Verb = "Retire"
	// Unstage deletes the staging Secret that was retired, by its UID.
	Unstage Verb = "Unstage"
)

// Which password to log in with.
type Which string

// Passwords of the Secret, and of the staging Secret the one before the rotation and the new one.
const (
	InSecret Which = "the password of the Secret"
	Current  Which = "the current password"
	New      Which = "the new password"
)

// Decision is what to do next.
type Decision struct {
	// Verb says what.
	Verb Verb
	// Password to log in with.
	Password Which
	// Events are to be fetched with the token, as a proof that it is worth something.
	Events bool
	// At is when to look again.
	At time.Time
	// Release is set if the finalizer can go while it is waited: nothing is in flight that a deletion has to wait for. An
	// object that nobody works on any more, because the controller was uninstalled, can be deleted then.
	Release bool

	// report is what the object says from now on; nil leaves what it says.
	report *report
	// only is set if no other password is left to be asked about.
	only bool
	// snapshot that the decision is about, as it was read.
	snapshot Snapshot
}

// Decide is what to do next with the object of a snapshot.
func Decide(s Snapshot) Decision {
	s = s.current()
	decision := s.decide()
	if s.Rival != "" && (decision.Calls() && !s.sent() || decision.Verb == Adopt) {
		decision = s.shared(s.Rival) // whatever lies beside the Secret, anybody may have put it there
	}
	if decision.Calls() && s.Uncallable != (Uncallable{}) {
		decision = s.awaitSpec()
	}
	needed := s.hasStaging() && !s.retired()
	decision.Release = decision.Verb == Wait && s.held() && !needed && !s.inFlight()
	decision.snapshot = s
	return decision
}

// Calls reports whether the service is called.
func (d Decision) Calls() bool { return d.Verb == LogIn || d.Verb == Send }

func (s Snapshot) decide() Decision {
	status, staged, retired := s.status(), s.hasStaging(), s.retired()
	switch {
	case s.deleting() && !s.held():
		return Decision{Verb: Done}
	case s.deleting() && (!staged || s.Staging.Owner == Foreign || s.orphaned()):
		return Decision{Verb: RemoveFinalizer}
	case s.deleting() && retired && (s.needsStaging() || s.Staging.Deleting):
		return Decision{Verb: RemoveFinalizer} // whoever makes another object for the Secret goes on from there
	case staged && s.Staging.Owner == Foreign:
		return s.shared(s.Staging.Maker)
	case retired && s.needsStaging():
		return s.restore()
	case retired && !s.Staging.Deleting:
		return s.keep()
	case retired:
		return s.idle()
	case s.inFlight():
		return s.settle()
	case staged && s.Staging.Owner == Abandoned:
		return s.adopt()
	case staged:
		return s.staged()
	case status.State != v1alpha1.MessagesPasswordIdle || status.Rotation != nil:
		return Decision{Verb: Retire} // the staging Secret was deleted before anything was sent
	default:
		return s.idle()
	}
}

// hasStaging reports whether there is a staging Secret. Whatever else has its name is as good as none, but for the next
// one, which needs the name.
func (s Snapshot) hasStaging() bool { return s.Staging.UID != "" && s.Staging.Owner != Stranger }

// retired reports whether there is a staging Secret whose rotation has ended.
func (s Snapshot) retired() bool {
	return s.hasStaging() && s.Staging.UID == s.status().RetiredStagingUID
}

// needsStaging reports whether somebody has changed or deleted the Secret since the rotation has ended, so that the
// right password may be nowhere else but in the staging Secret. The password from before the rotation is wrong, too.
func (s Snapshot) needsStaging() bool { return !s.proved() }

// restore is for a Secret that was changed or deleted since the rotation has ended. What the service refuses is
// replaced by what it took then, should it still take that.
func (s Snapshot) restore() Decision {
	switch {
	case s.Secret.Deleting:
		return s.awaitSecret()
	case s.Secret.OtherUser || !s.committed():
		return s.idle()
	case s.usable() && !s.refused() && s.Secret.Holds != HoldsCurrent:
		return s.settleBrought()
	}
	decision := s.adopt() // which costs no failed log-in where somebody has put the password from before back
	decision.report = s.reportPutBack()
	return decision
}

// keep waits with the deletion of a staging Secret that is not needed any more until nobody is likely to put the
// password from before back, as whatever keeps the Secret as a repository has it does. The next rotation does not wait.
func (s Snapshot) keep() Decision {
	at, begins := s.due()
	until := s.keptUntil()
	if begins || s.deleting() || !s.committed() || !until.After(s.Now) {
		return Decision{Verb: Unstage}
	}
	if at.Before(until) {
		until = at
	}
	s.Staging = Staging{}
	decision := s.idle()
	if decision.Verb == Wait && until.Before(decision.At) {
		decision.At = until
	}
	return decision
}

// committed reports whether the Secret has had the new password of the staging Secret.
func (s Snapshot) committed() bool { return s.Staging.UID == s.status().CommittedStagingUID }

// keptUntil is when the staging Secret of the last rotation is deleted: some time after that, and after somebody has
// put anything into the Secret since.
func (s Snapshot) keptUntil() time.Time {
	last, written := s.status().LastRotationTime, s.status().SecretWriteTime
	switch {
	case last == nil:
		return s.Now
	case written != nil && written.After(last.Time) && !written.After(s.Now):
		return written.Add(keepStaging)
	default:
		return last.Add(keepStaging)
	}
}

// held reports whether a deletion waits for us.
func (s Snapshot) held() bool { return slices.Contains(s.Object.Finalizers, Finalizer) }

// orphaned reports whether a deletion does not wait for a rotation in flight.
func (s Snapshot) orphaned() bool {
	return s.Object.Spec.DeletionPolicy == v1alpha1.MessagesDeletionOrphan
}

// idle decides where there is no new password: the one of the Secret is proved when it was changed, and a rotation
// begins when it is due.
func (s Snapshot) idle() Decision {
	switch {
	case s.Rival != "":
		return s.shared(s.Rival)
	case !s.usable():
		return s.awaitSecret()
	case !s.proved():
		return s.prove(s.reportRefused())
	case s.Staging.UID != "":
		return s.awaitName()
	}
	at, begins := s.due()
	if !begins {
		return Decision{Verb: Wait, At: at, report: s.reportIdle(at)}
	}
	if decision, held := s.heldUp(ownFailedLogins); held {
		return decision
	}
	switch proof := s.status().ProofTime; {
	case proof == nil || s.Now.Sub(proof.Time) >= proofAge:
		return Decision{Verb: LogIn, Password: InSecret, Events: true, only: true}
	case !s.held():
		return Decision{Verb: AddFinalizer}
	default:
		return Decision{Verb: Stage}
	}
}

// due is when a rotation may begin, and whether that is now.
func (s Snapshot) due() (time.Time, bool) {
	spec, next := &s.Object.Spec, s.status().NextRotationTime.Time
	switch {
	case spec.Suspend, s.deleting(), s.badWindow() != "":
		return s.Now.Add(day), false
	case s.demanded():
		return s.Now, true
	case next.After(s.Now):
		return next, false
	}
	at := opens(spec, s.Now)
	return at, !at.After(s.Now)
}

// badWindow says what is wrong with spec.window that the API server cannot see.
func (s Snapshot) badWindow() string {
	if s.Object.Spec.Window == nil {
		return ""
	}
	if _, err := location(s.Object.Spec.Window); err != nil {
		return err.Error()
	}
	return ""
}

// prove logs in with the password of the Secret where no other one is left, or waits until that may be done again.
func (s Snapshot) prove(refused *report) Decision {
	if s.refused() && s.status().NextProbeTime != nil {
		return Decision{Verb: Wait, At: s.status().NextProbeTime.Time, report: refused}
	}
	if decision, held := s.heldUp(MaxFailedLogins); held {
		return decision
	}
	return Decision{Verb: LogIn, Password: InSecret, only: true}
}

// heldUp waits where the service must not be called, or there were too many failed log-ins.
func (s Snapshot) heldUp(mostFailed int) (Decision, bool) {
	if next := s.status().NextCallTime; next != nil {
		return Decision{Verb: Wait, At: next.Time, report: s.reportHeldUp()}, true
	}
	if next := s.nextLogin(mostFailed); next.After(s.Now) {
		return Decision{Verb: Wait, At: next, report: s.reportExhausted(next)}, true
	}
	return Decision{}, false
}

// staged decides where there is a new password that was never sent.
func (s Snapshot) staged() Decision {
	if s.Staging.Problem != "" || s.Staging.Deleting {
		return s.lost() // nothing is sent that may be gone in a moment
	}
	_, begins := s.due()
	begins = begins && s.Rival == ""
	if s.Secret.Holds == HoldsCurrent && !s.Secret.OtherUser {
		if !begins || !s.proved() {
			return Decision{Verb: Retire} // the Secret has all that the staging Secret is needed for
		}
		return s.advance()
	}
	// Somebody has put something else into the Secret. Should that be wrong, the current password is nowhere else but in
	// the staging Secret, and the rotation puts the Secret right.
	switch {
	case s.usable() && !s.refused():
		return s.settleBrought()
	case s.status().NextProbeTime != nil:
		return Decision{Verb: Wait, At: s.status().NextProbeTime.Time, report: s.reportRefused()}
	case !begins || s.Secret.OtherUser:
		return s.awaitReturn()
	default:
		return s.advance()
	}
}

// advance takes the staging Secret on, and sends the password in it.
func (s Snapshot) advance() Decision {
	if rotation := s.status().Rotation; rotation == nil || rotation.StagingUID != s.Staging.UID {
		return Decision{Verb: Prepare}
	}
	return s.send()
}

// send sends the new password as soon as it may be sent.
func (s Snapshot) send() Decision {
	if next := s.status().Rotation.NextSendTime; next != nil && next.After(s.Now) {
		return Decision{Verb: Wait, At: next.Time, report: s.reportResend(next.Time)}
	}
	if decision, held := s.heldUp(ownFailedLogins); held {
		return decision
	}
	return Decision{Verb: Send}
}

// adopt takes on what an object that is gone has left behind: it may hold the only copy of the service's password.
func (s Snapshot) adopt() Decision {
	switch {
	case s.Rival != "" && s.deleting() && !s.inFlight():
		return Decision{Verb: RemoveFinalizer}
	case s.Staging.Problem != "":
		return s.lost()
	case s.Rival == "" && !s.deleting() && !s.held():
		return Decision{Verb: AddFinalizer}
	default:
		return Decision{Verb: Adopt}
	}
}
