package rotation

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// current is the snapshot with an object of its own, whose status is as it has to be read now: without what has passed,
// and in the time of a clock that was set back.
func (s Snapshot) current() Snapshot {
	s.Now = s.Now.UTC().Truncate(time.Microsecond)
	s.Object = s.Object.DeepCopy()
	status := s.status()
	if status.State == "" {
		status.State = v1alpha1.MessagesPasswordIdle
	}
	s.followClock()
	status.FailedLogins = nonEmpty(slices.DeleteFunc(status.FailedLogins, func(at metav1.MicroTime) bool {
		return !Counts(at.Time, s.Now)
	}))
	if passed(status.NextCallTime, s.Now) {
		status.NextCallTime = nil
	}
	if passed(status.NextProbeTime, s.Now) || status.NextProbeTime == nil && allRefused(status.Rotation) {
		s.askAgain()
	}
	s.replan()
	return s
}

// askAgain forgets what was refused so long ago that it is asked again.
func (s Snapshot) askAgain() {
	status := s.status()
	status.NextProbeTime, status.RefusedSecretVersion = nil, ""
	if rotation := status.Rotation; rotation != nil {
		for _, verdict := range []*v1alpha1.PasswordVerdict{&rotation.NewPassword, &rotation.CurrentPassword} {
			if *verdict == v1alpha1.PasswordRefused {
				*verdict = v1alpha1.PasswordUnknown
			}
		}
	}
}

func allRefused(rotation *v1alpha1.MessagesRotation) bool {
	return rotation != nil && rotation.NewPassword == v1alpha1.PasswordRefused &&
		rotation.CurrentPassword == v1alpha1.PasswordRefused
}

// followClock moves plans along with a clock that was set back: the last call cannot lie ahead. What has happened is
// taken to have happened just now, which only makes for longer pauses.
func (s Snapshot) followClock() {
	status := s.status()
	if status.LastCallTime == nil || !status.LastCallTime.After(s.Now) {
		return
	}
	back := status.LastCallTime.Sub(s.Now)
	plans := []*metav1.MicroTime{status.NextCallTime, status.NextProbeTime}
	events := []*metav1.MicroTime{status.LastCallTime, status.ProofTime}
	if rotation := status.Rotation; rotation != nil {
		plans, events = append(plans, rotation.NextSendTime), append(events, rotation.SendTime)
		events = append(events, pointers(rotation.UnclearSends)...)
	}
	events = append(events, pointers(status.FailedLogins)...)
	for _, plan := range plans {
		if plan != nil {
			plan.Time = plan.Add(-back)
		}
	}
	for _, event := range events {
		if event != nil && event.After(s.Now) {
			event.Time = s.Now
		}
	}
	if next := status.NextRotationTime; next != nil {
		next.Time = next.Add(-back)
	}
}

// replan plans the next rotation where there is no plan, or spec has changed since it was made. Otherwise a plan stays
// as it is: a start of the controller is no reason to rotate, and none not to.
func (s Snapshot) replan() {
	status := s.status()
	if status.NextRotationTime != nil && status.ObservedGeneration == s.Object.Generation {
		return
	}
	next := planned(&s.Object.Spec, s.Now)
	since := status.LastRotationTime
	if since == nil {
		since = status.PasswordSince
	}
	if since != nil && since.Time.Before(s.Now) {
		next = planned(&s.Object.Spec, since.Time)
	}
	status.NextRotationTime = &metav1.Time{Time: next}
}

func passed(at *metav1.MicroTime, now time.Time) bool { return at != nil && !at.After(now) }

func pointers(times []metav1.MicroTime) []*metav1.MicroTime {
	all := make([]*metav1.MicroTime, 0, len(times))
	for i := range times {
		all = append(all, &times[i])
	}
	return all
}

// nonEmpty is a list, or none at all: the API server refuses an empty one.
func nonEmpty(times []metav1.MicroTime) []metav1.MicroTime {
	if len(times) == 0 {
		return nil
	}
	return times
}

func micro(at time.Time) *metav1.MicroTime { return &metav1.MicroTime{Time: at} }

func metaTime(at time.Time) *metav1.Time { return &metav1.Time{Time: at} }
