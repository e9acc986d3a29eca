package rotation_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

func nextProbe(in time.Duration, version string) change {
	return status(func(s *v1alpha1.MessagesPasswordStatus) {
		s.NextProbeTime, s.RefusedSecretVersion = ago(-in), version
		if version == "7" {
			s.ProvedSecretVersion = ""
		}
	})
}

// TestWhatIsDone: for each claim the verb, the password to log in with, and when to look again.
func TestWhatIsDone(t *testing.T) {
	const (
		unknown  = v1alpha1.PasswordUnknown
		accepted = v1alpha1.PasswordAccepted
		refused  = v1alpha1.PasswordRefused
	)
	bothRefused := inFlight(time.Hour, unknown, newRefused, currentRefused)
	lostResponse := inFlight(2*time.Minute, unknown)
	backOff := status(func(s *v1alpha1.MessagesPasswordStatus) { s.NextCallTime = ago(-time.Minute) })
	for claim, c := range map[string]struct {
		snapshot rotation.Snapshot
		verb     rotation.Verb
		password rotation.Which
		after    time.Duration
	}{
		// Nothing in flight.
		"a password that was found is proved": {snapshot(found), rotation.LogIn, rotation.InSecret, 0},
		"a proved one waits for its time":     {snapshot(), rotation.Wait, "", time.Hour},
		"a changed one is proved at once":     {snapshot(changed), rotation.LogIn, rotation.InSecret, 0},
		"a changed one also where one was refused": {
			snapshot(changed, nextProbe(time.Hour, "7")), rotation.LogIn, rotation.InSecret, 0},
		"a refused one waits":                      {snapshot(nextProbe(time.Hour, "7")), rotation.Wait, "", time.Hour},
		"a refused one is asked again":             {snapshot(nextProbe(0, "7")), rotation.LogIn, rotation.InSecret, 0},
		"a missing Secret waits for a person":      {snapshot(missing), rotation.Wait, "", time.Hour},
		"an unusable one costs no log-in":          {snapshot(unusable, due), rotation.Wait, "", time.Hour},
		"a rotation begins with a proof":           {snapshot(due), rotation.LogIn, rotation.InSecret, 0},
		"a fresh proof is enough":                  {snapshot(due, checked), rotation.Stage, "", 0},
		"the finalizer comes first":                {snapshot(due, checked, released), rotation.AddFinalizer, "", 0},
		"a demand does not wait":                   {snapshot(demanded, checked), rotation.Stage, "", 0},
		"a demand does not beat suspend":           {snapshot(demanded, suspended), rotation.Wait, "", day},
		"a suspended one does nothing":             {snapshot(due, suspended), rotation.Wait, "", day},
		"a suspended one is proved all the same":   {snapshot(changed, suspended), rotation.LogIn, rotation.InSecret, 0},
		"a rival goes first":                       {snapshot(due, rival), rotation.Wait, "", time.Hour},
		"a service that is not well is left alone": {snapshot(due, backOff), rotation.Wait, "", time.Minute},
		"three failed log-ins stop a rotation": {
			snapshot(due, failed(50*time.Minute, 40*time.Minute, 0)), rotation.Wait, "", 11 * time.Minute},
		"three failed log-ins do not stop a person": {
			snapshot(changed, failed(50*time.Minute, 40*time.Minute, 0)), rotation.LogIn, rotation.InSecret, 0},
		"four do": {
			snapshot(changed, failed(50*time.Minute, 40*time.Minute, 9, 9)), rotation.Wait, "", 11 * time.Minute},
		"a deleted one lets go":             {snapshot(deleted), rotation.RemoveFinalizer, "", 0},
		"one that has let go is left alone": {snapshot(deleted, released), rotation.Done, "", 0},
		"a window in a zone that is none stops all": {
			snapshot(due, window("02:00", "05:00", "Europe/Nowhere")), rotation.Wait, "", day},
		"a window that is shut is waited for": {
			snapshot(due, window("20:00", "22:00", "UTC")), rotation.Wait, "", 8 * time.Hour},
		"a demand does not wait for a window": {
			snapshot(demanded, checked, window("20:00", "22:00", "UTC")), rotation.Stage, "", 0},
		"the staging Secret of another is not touched": {
			snapshot(due, checked, staged, foreign), rotation.Wait, "", time.Hour},
		"nor what a stranger has put there": {snapshot(due, checked, stranger), rotation.Wait, "", time.Hour},
		"which keeps nobody from proving":   {snapshot(changed, stranger), rotation.LogIn, rotation.InSecret, 0},
		"and lets a deletion go on":         {snapshot(deleted, stranger), rotation.RemoveFinalizer, "", 0},
		"what cannot be called is not":      {snapshot(due, uncallable), rotation.Wait, "", time.Hour},
		"but what needs no call is done":    {snapshot(due, checked, uncallable), rotation.Stage, "", 0},
		"failed log-ins of another object count": {
			snapshot(changed, failed(9, 9), others(40, 50)), rotation.Wait, "", 11 * time.Minute},
		"for an hour": {
			snapshot(changed, failed(9, 9), others(40, 61)), rotation.LogIn, rotation.InSecret, 0},
		"also by a clock that is ahead": {snapshot(due, others(-5, -9, 9)), rotation.Wait, "", 52 * time.Minute},

		// Not sent.
		"a staging Secret is taken on":       {snapshot(due, checked, staged), rotation.Prepare, "", 0},
		"it is sent without a probe":         {snapshot(due, prepared), rotation.Send, "", 0},
		"it is not sent while it may not be": {snapshot(due, prepared, backOff), rotation.Wait, "", time.Minute},
		"nor with three failed log-ins": {
			snapshot(due, prepared, failed(0, 0, 0)), rotation.Wait, "", 61 * time.Minute},
		"it is dropped when nobody wants it": {snapshot(prepared, suspended), rotation.Retire, "", 0},
		"and when the object is deleted":     {snapshot(due, prepared, deleted), rotation.Retire, "", 0},
		"and when its window is over": {
			snapshot(due, prepared, window("20:00", "22:00", "UTC")), rotation.Retire, "", 0},
		"but not on demand": {
			snapshot(prepared, demanded, window("20:00", "22:00", "UTC")), rotation.Send, "", 0},
		"what was dropped is deleted":           {snapshot(retired), rotation.Unstage, "", 0},
		"but not while the Secret may be wrong": {snapshot(retired, changed), rotation.LogIn, rotation.InSecret, 0},
		"nor while there is none":               {snapshot(retired, missing), rotation.Wait, "", time.Hour},
		"what is from before is put right":      {snapshot(former, proved("6")), rotation.Adopt, "", 0},
		"what is wrong there is put right":      {snapshot(former, changed, refusedSecret), rotation.Adopt, "", 0},
		"and what is missing":                   {snapshot(former, missing), rotation.Adopt, "", 0},
		"but not for another account":           {snapshot(former, missing, rival), rotation.Wait, "", time.Hour},
		"for an hour it is kept": {
			snapshot(former, rotatedBefore(59*time.Minute)), rotation.Wait, "", time.Minute},
		"and no longer": {snapshot(former, rotatedBefore(time.Hour)), rotation.Unstage, "", 0},
		"nor when the next one is due": {
			snapshot(former, demanded, rotatedBefore(time.Minute)), rotation.Unstage, "", 0},
		"also before the object is let go":    {snapshot(retired, deleted), rotation.Unstage, "", 0},
		"but what may be the only copy stays": {snapshot(retired, deleted, changed), rotation.RemoveFinalizer, "", 0},
		"what is left behind is no way past a rival": {
			snapshot(staged, abandoned, released, rival), rotation.Wait, "", time.Hour},
		"nor does it keep a deletion waiting": {snapshot(staged, abandoned, deleted, rival), rotation.RemoveFinalizer, "", 0},
		"nor is what one has made oneself a way past": {
			snapshot(staged, changed, rival), rotation.Wait, "", time.Hour},
		"a person's password is proved first": {
			snapshot(due, prepared, changed), rotation.LogIn, rotation.InSecret, 0},
		"and after that the new one is dropped": {
			snapshot(due, prepared, changed, proved("8")), rotation.Retire, "", 0},
		"a wrong one is put right by the rotation": {
			snapshot(due, prepared, changed, refusedSecret), rotation.Send, "", 0},
		"a missing one, too": {snapshot(due, prepared, missing), rotation.Send, "", 0},
		"but not while it is suspended": {
			snapshot(due, prepared, missing, suspended), rotation.Wait, "", time.Hour},
		"a staging Secret that is gone is no loss":     {snapshot(due, prepared, unstaged), rotation.Retire, "", 0},
		"that of an object that is gone may be needed": {snapshot(staged, abandoned), rotation.Adopt, "", 0},
		"which is held first": {
			snapshot(staged, abandoned, released), rotation.AddFinalizer, "", 0},
		"a broken one is dropped with the Secret right": {snapshot(staged, abandoned, broken), rotation.Retire, "", 0},
		"and kept with the Secret wrong": {
			snapshot(staged, abandoned, broken, nextProbe(time.Hour, "7")), rotation.Wait, "", time.Hour},

		// Sent.
		"one on its way is waited for": {
			snapshot(inFlight(0, unknown), sent), rotation.Wait, "", time.Minute},
		"one that was taken is proved": {
			snapshot(inFlight(0, accepted), sent), rotation.LogIn, rotation.New, 0},
		"after a lost response the new one comes first": {snapshot(lostResponse), rotation.LogIn, rotation.New, 0},
		"and the current one next": {
			snapshot(inFlight(time.Hour, unknown, newRefused)), rotation.LogIn, rotation.Current, 0},
		"after a refusal the current one comes first": {
			snapshot(inFlight(0, refused)), rotation.LogIn, rotation.Current, 0},
		"and the new one next": {
			snapshot(inFlight(0, refused, currentRefused)), rotation.LogIn, rotation.New, 0},
		"a proved new one is published": {snapshot(inFlight(0, unknown, newTaken)), rotation.Commit, "", 0},
		"also into a Secret that is gone": {
			snapshot(inFlight(0, unknown, newTaken), missing), rotation.Commit, "", 0},
		"one that was published is written down": {
			snapshot(inFlight(0, unknown, newTaken), holdsNew), rotation.Commit, "", 0},
		"with the current one the same is sent again": {
			snapshot(inFlight(time.Hour, unknown, newRefused, currentTaken)), rotation.Send, "", 0},
		"but not at once": {
			snapshot(inFlight(0, unknown, newRefused, currentTaken, sendLater)), rotation.Wait, "", time.Hour},
		"suspend does not end it": {
			snapshot(lostResponse, suspended), rotation.LogIn, rotation.New, 0},
		"nor a deletion": {snapshot(lostResponse, deleted), rotation.LogIn, rotation.New, 0},
		"unless it was told not to wait": {
			snapshot(lostResponse, deleted, orphan), rotation.RemoveFinalizer, "", 0},
		"or nothing is left to wait for": {
			snapshot(lostResponse, deleted, unstaged), rotation.RemoveFinalizer, "", 0},
		"both refused are left alone": {
			snapshot(bothRefused, nextProbe(time.Hour, "")), rotation.Wait, "", time.Hour},
		"and asked again": {
			snapshot(bothRefused, nextProbe(0, "")), rotation.LogIn, rotation.New, 0},
		"a person's password comes before them": {
			snapshot(bothRefused, nextProbe(time.Hour, ""), changed), rotation.LogIn, rotation.InSecret, 0},
		"also when they are asked again": {
			snapshot(bothRefused, changed, nextProbe(0, "8")), rotation.LogIn, rotation.InSecret, 0},
		"without a time for that they are asked at once": {snapshot(bothRefused), rotation.LogIn, rotation.New, 0},
		"also before what was proved": {
			snapshot(inFlight(0, unknown, newTaken), changed), rotation.LogIn, rotation.InSecret, 0},
		"a wrong one of a person's is overwritten": {
			snapshot(inFlight(0, unknown, newTaken), changed, refusedSecret), rotation.Commit, "", 0},
		"a right one ends the rotation": {
			snapshot(bothRefused, changed, proved("8")), rotation.Retire, "", 0},
		"another account is not written to": {
			snapshot(inFlight(0, unknown, newTaken), otherUser), rotation.Wait, "", time.Hour},
		"what cannot be called is not, also in flight": {
			snapshot(lostResponse, uncallable), rotation.Wait, "", time.Hour},
		"one that was restored is taken on": {
			snapshot(lostResponse, restored), rotation.Adopt, "", 0},
		"a stranger's in its place is none": {
			snapshot(lostResponse, restored, stranger), rotation.LogIn, rotation.InSecret, 0},
		"with the staging Secret gone the rest counts": {
			snapshot(lostResponse, unstaged), rotation.LogIn, rotation.InSecret, 0},
		"and is enough if it is right, and nothing can come late": {
			snapshot(inFlight(0, accepted), unstaged, proved("7")), rotation.Retire, "", 0},
		"but not while the lost one may still come": {
			snapshot(inFlight(time.Hour, unknown), unstaged, proved("7")), rotation.Wait, "", 23 * time.Hour},

		// Refused by policy.
		"refusals on four days are not enough": {
			snapshot(inFlight(0, refused, currentTaken, refusedFor(4))), rotation.Send, "", 0},
		"after five another one is made": {
			snapshot(inFlight(0, refused, currentTaken, refusedFor(5))), rotation.Retire, "", 0},
		"not before the current one is proved": {
			snapshot(inFlight(0, refused, refusedFor(5))), rotation.LogIn, rotation.Current, 0},
		"not while an attempt may still come late": {
			snapshot(inFlight(0, refused, currentTaken, refusedFor(5), unclearLately)), rotation.Send, "", 0},
		"not after a lost response": {
			snapshot(inFlight(0, unknown, currentTaken, refusedFor(5))), rotation.Send, "", 0},
		"not with something else in the Secret": {
			snapshot(inFlight(0, refused, currentTaken, refusedFor(5)), changed, refusedSecret), rotation.Send, "", 0},
		"at once for an object that is deleted": {
			snapshot(inFlight(0, refused, currentTaken, refusedFor(1)), deleted), rotation.Retire, "", 0},
	} {
		t.Run(claim, func(t *testing.T) {
			before := c.snapshot.Object.DeepCopy()
			d := rotation.Decide(c.snapshot)
			after := time.Duration(0)
			if d.Verb == rotation.Wait {
				after = d.At.Sub(now)
			}
			if d.Verb != c.verb || d.Password != c.password || after != c.after {
				t.Errorf("it decides to %s %s after %s", d.Verb, d.Password, after)
			}
			if difference := cmp.Diff(before, c.snapshot.Object); difference != "" {
				t.Errorf("Decide has changed the object:\n%s", difference)
			}
		})
	}
}

func sent(s *rotation.Snapshot) { s.Object.Status.State = v1alpha1.MessagesPasswordSent }

func proved(version string) change {
	return status(func(s *v1alpha1.MessagesPasswordStatus) { s.ProvedSecretVersion = version })
}

// refusedSecret has the service have refused what somebody has changed.
func refusedSecret(s *rotation.Snapshot) { s.Object.Status.RefusedSecretVersion = "8" }

func window(start, end, zone string, days ...v1alpha1.Weekday) change {
	return spec(func(s *v1alpha1.MessagesPasswordSpec) {
		s.Window = &v1alpha1.MessagesWindow{Days: days, Start: start, End: end, TimeZone: zone}
	})
}

// TestWhatTheObjectSays while it waits: what a person has to know, and whether it is their turn.
func TestWhatTheObjectSays(t *testing.T) {
	const unknown, refused = v1alpha1.PasswordUnknown, v1alpha1.PasswordRefused
	const quoted = ` ("` + traceProblem + `"): `
	for claim, c := range map[string]struct {
		snapshot rotation.Snapshot
		ready    metav1.ConditionStatus
		reason   string
		person   metav1.ConditionStatus
		says     string
	}{
		"all is well": {
			snapshot(), "True", "PasswordProved", "False", "the next rotation is due at 2026-11-28T13:00:00Z"},
		"it is suspended": {snapshot(suspended), "True", "Suspended", "False", "keeps rotations from beginning"},
		"so that a demand waits": {
			snapshot(suspended, demanded), "True", "Suspended", "False", "varmenne.dev/rotate demands, too"},
		"no Secret": {
			snapshot(missing), "False", "SecretNotFound", "True", "the owner of Suomi.fi Messages, has sent them"},
		"half a Secret":    {snapshot(unusable), "False", "SecretInvalid", "True", "lacks password"},
		"a wrong password": {snapshot(nextProbe(time.Hour, "7")), "False", "PasswordRefused", "True", "else ask DVV"},
		"what was said to it": {
			snapshot(nextProbe(time.Hour, "7"), said), "False", "PasswordRefused", "True", quoted},
		"a zone that is none": {
			snapshot(window("02:00", "05:00", "X/Y")), "False", "InvalidSpec", "True", "as Europe/Helsinki"},
		"two for one account": {snapshot(rival), "False", "SecretShared", "True", "delete one of the two"},
		"a name that is taken": {
			snapshot(stranger), "False", "StagingNameTaken", "True", "has no annotation varmenne.dev/rotation-of"},
		"a service that cannot be called": {
			snapshot(due, uncallable), "False", "BundleInvalid", "True", "spec.tls is none; nothing is sent before"},
		"another account": {
			snapshot(inFlight(0, unknown), otherUser), "False", "UsernameChanged", "True", "put the one of"},
		"too many log-ins": {
			snapshot(changed, failed(1, 1, 1, 1)), "False", "LoginsExhausted", "False", "does not lock the account"},
		"one on its way": {snapshot(inFlight(0, unknown), sent), "False", "RotationSent", "False", "on its way"},
		"one to be sent again": {
			snapshot(inFlight(0, unknown, currentTaken, sendLater)), "False", "RotationUncertain", "False", "the same one"},
		"a refusal": {
			snapshot(inFlight(0, refused, currentTaken, sendLater, refusedFor(1))), "False", "ChangeRefused", "False",
			"has refused once to change it"},
		"refusals for days": {
			snapshot(inFlight(0, refused, currentTaken, sendLater, refusedFor(2))), "False", "ChangeRefused", "True", "ask DVV"},
		"both refused": {snapshot(inFlight(0, unknown, newRefused, currentRefused), nextProbe(time.Hour, "")),
			"False", "PasswordRefused", "True", "both are kept in Secret messages-rotation"},
		"what was said to the last one": {snapshot(inFlight(0, unknown, newRefused, currentRefused), nextProbe(time.Hour, ""),
			said), "False", "PasswordRefused", "True", quoted},
		"a pause that the service asked for, after all was well": {
			snapshot(inFlight(time.Hour, unknown, newRefused), status(func(s *v1alpha1.MessagesPasswordStatus) {
				s.NextCallTime = ago(-day)
				s.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Rotated"}}
			})), "False", "ServiceUnavailable", "False", "it is called again at 2026-11-29T12:00:00Z"},
		"what a deletion waits for": {
			snapshot(inFlight(0, unknown), sent, deleted), "False", "RotationSent", "False", "; the deletion waits for that"},
		"a lost one": {snapshot(inFlight(time.Hour, unknown), unstaged, nextProbe(time.Hour, "7")),
			"False", "StagingLost", "True", "restore it from a backup"},
	} {
		t.Run(claim, func(t *testing.T) {
			object := c.snapshot.Object.DeepCopy()
			rotation.Intend(object, rotation.Decide(c.snapshot))
			ready, person := condition(object, "Ready"), condition(object, "NeedsPerson")
			if ready.Status != c.ready || ready.Reason != c.reason || person.Status != c.person ||
				!strings.Contains(ready.Message, c.says) {
				t.Errorf("it says %s %s, NeedsPerson %s: %s", ready.Status, ready.Reason, person.Status, ready.Message)
			}
			rotating := condition(object, "Rotating")
			if (rotating.Reason == "NotRotating") != (rotating.Status == metav1.ConditionFalse) {
				t.Errorf("Rotating is %s for the reason %s", rotating.Status, rotating.Reason)
			}
		})
	}
}

// TestADeletionWaitsForNothingButARotation: also where nobody is left who could remove the finalizer.
func TestADeletionWaitsForNothingButARotation(t *testing.T) {
	for claim, c := range map[string]struct {
		snapshot rotation.Snapshot
		released bool
	}{
		"all is well":                       {snapshot(), true},
		"there is no Secret":                {snapshot(missing), true},
		"another object is there":           {snapshot(rival), true},
		"there is no finalizer":             {snapshot(released), false},
		"a rotation is about to begin":      {snapshot(due, checked), false},
		"a new password is there":           {snapshot(due, prepared), false},
		"a former one may be needed":        {snapshot(former, changed, otherUser, nextProbe(time.Hour, "8")), true},
		"a former one is kept for a while":  {snapshot(former, rotatedBefore(time.Minute)), true},
		"nobody knows which password it is": {snapshot(inFlight(0, v1alpha1.PasswordUnknown), sent), false},
		"the new password is lost": {
			snapshot(inFlight(time.Hour, v1alpha1.PasswordUnknown), unstaged, nextProbe(time.Hour, "7")), false},
	} {
		if got := rotation.Decide(c.snapshot).Release; got != c.released {
			t.Errorf("%s: the finalizer goes: %t, want %t", claim, got, c.released)
		}
	}
}
