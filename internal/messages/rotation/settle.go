package rotation

import (
	"time"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// settle decides for a new password that may have been sent. It ends when one password was proved after the last
// attempt, and the Secret has it.
func (s Snapshot) settle() Decision {
	rotation := s.status().Rotation
	another := s.Staging.UID != rotation.StagingUID
	switch {
	case another && s.Staging.ours(): // restored from a backup, or that of an object that is gone
		return s.adopt()
	case another || s.Staging.Problem != "":
		return s.lost()
	case s.Secret.OtherUser:
		return s.awaitUsername()
	case s.brought():
		return s.settleBrought()
	case rotation.NewPassword == v1alpha1.PasswordAccepted && s.Secret.Deleting:
		return s.awaitSecret()
	case rotation.NewPassword == v1alpha1.PasswordAccepted:
		return Decision{Verb: Commit}
	case s.sending():
		return Decision{Verb: Wait, At: rotation.SendTime.Add(CallTimeout), report: s.reportSent()}
	case s.notApplied():
		return Decision{Verb: Retire}
	case rotation.CurrentPassword == v1alpha1.PasswordAccepted:
		return s.send()
	default:
		return s.probe()
	}
}

// brought reports whether a person has put another password into the Secret, which the service has not refused yet.
func (s Snapshot) brought() bool {
	return s.usable() && s.Secret.Holds == HoldsOther && !s.refused()
}

// settleBrought proves it, and needs neither of the others when it is proved: there is one password at a time.
func (s Snapshot) settleBrought() Decision {
	if s.proved() {
		return Decision{Verb: Retire}
	}
	if decision, held := s.heldUp(MaxFailedLogins); held {
		return decision
	}
	return Decision{Verb: LogIn, Password: InSecret}
}

// sending reports whether the new password may just be on its way, by another controller or one that was ended. To ask
// for it now would cost a failed log-in and tell nothing.
func (s Snapshot) sending() bool {
	rotation := s.status().Rotation
	return s.status().State == v1alpha1.MessagesPasswordSent && rotation.SendTime != nil &&
		rotation.Change == v1alpha1.PasswordUnknown && s.Now.Before(rotation.SendTime.Add(CallTimeout))
}

// notApplied reports whether it is settled that the service has not taken the new password and never will: it has
// refused it in so many words, takes the current one since then, and has no attempt left that it could still act on.
// That ends a rotation after refusals on different days, since another value may pass, or where nobody wants it.
func (s Snapshot) notApplied() bool {
	rotation := s.status().Rotation
	if rotation.Change != v1alpha1.PasswordRefused || rotation.CurrentPassword != v1alpha1.PasswordAccepted ||
		s.Secret.Holds != HoldsCurrent || s.mayComeUntil().After(s.Now) {
		return false
	}
	return len(rotation.RefusalTimes) >= refusalDays || s.Object.Spec.Suspend || s.deleting()
}

// mayComeUntil is until when the service may still act on an attempt whose response was lost.
func (s Snapshot) mayComeUntil() time.Time {
	var last time.Time
	if rotation := s.status().Rotation; rotation != nil {
		for _, unclear := range rotation.UnclearSends {
			if until := unclear.Add(lateness); until.After(last) {
				last = until
			}
		}
	}
	return last
}

// probe asks which password the service takes: the new one first, since the current one was right before; but the
// current one first where the service has refused the change. What was refused is not asked again until all were, and
// then some time later.
func (s Snapshot) probe() Decision {
	rotation := s.status().Rotation
	order := []Which{New, Current}
	if rotation.Change == v1alpha1.PasswordRefused {
		order = []Which{Current, New}
	}
	for _, which := range order {
		if *verdictOf(rotation, which) == v1alpha1.PasswordRefused {
			continue
		}
		if decision, held := s.heldUp(ownFailedLogins); held {
			return decision
		}
		return Decision{Verb: LogIn, Password: which, Events: which == New}
	}
	at := s.Now
	if next := s.status().NextProbeTime; next != nil {
		at = next.Time
	}
	return Decision{Verb: Wait, At: at, report: s.reportBothRefused(at)}
}

// lost decides where somebody has deleted the staging Secret, or broken it, before the rotation was settled: only what
// the Secret has is left. No other new password is made for as long as the lost one may still come to be.
func (s Snapshot) lost() Decision {
	switch until := s.mayComeUntil(); {
	case !s.usable():
		return s.awaitSecret()
	case s.proved() && until.After(s.Now):
		return Decision{Verb: Wait, At: until, report: s.reportLosable(until)}
	case s.proved():
		return Decision{Verb: Retire}
	default:
		return s.prove(s.reportLost())
	}
}

func verdictOf(rotation *v1alpha1.MessagesRotation, which Which) *v1alpha1.PasswordVerdict {
	if which == New {
		return &rotation.NewPassword
	}
	return &rotation.CurrentPassword
}
