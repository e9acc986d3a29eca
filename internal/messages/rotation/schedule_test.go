package rotation_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
	"github.com/varmenne/varmenne-issuer/internal/messages/rotation"
)

func every(long time.Duration) change {
	return spec(func(s *v1alpha1.MessagesPasswordSpec) { s.Interval = &metav1.Duration{Duration: long} })
}

func in(t *testing.T, zone string) *time.Location {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return location
}

// commit has a rotation end at a time, and returns the object as it is stored.
func commit(t *testing.T, at time.Time, changes ...change) *v1alpha1.MessagesPassword {
	t.Helper()
	s := snapshot(append([]change{inFlight(0, v1alpha1.PasswordAccepted, newTaken)}, changes...)...)
	s.Now = at
	s.Object.Status.LastCallTime = &metav1.MicroTime{Time: at}
	d := rotation.Decide(s)
	if d.Verb != rotation.Commit {
		t.Fatalf("it decides to %s", d.Verb)
	}
	rotation.Intend(s.Object, d)
	rotation.RecordCommit(s.Object, d, "9", at, at)
	return stored(t, s.Object)
}

// TestTheNextRotation after one at a time in Helsinki.
func TestTheNextRotation(t *testing.T) {
	helsinki := in(t, "Europe/Helsinki")
	at := func(text string) time.Time {
		moment, err := time.ParseInLocation("2006-01-02 15:04:05", text, helsinki)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	const zone = "Europe/Helsinki"
	night, late := window("02:00", "05:00", zone), window("22:00", "04:00", zone)
	for claim, c := range map[string]struct {
		since  string
		spec   []change
		wanted string
	}{
		"an interval later": {"2026-11-28 12:00:00", nil, "2026-11-29 12:00:00"},
		"every year": {
			"2026-11-28 12:00:00", []change{every(8760 * time.Hour)}, "2027-11-28 12:00:00"},
		"every night at the same time":          {"2026-11-28 02:00:40", []change{night}, "2026-11-29 02:00:00"},
		"every night after a late one":          {"2026-11-28 05:00:10", []change{night}, "2026-11-29 02:00:00"},
		"in the night after a demand at noon":   {"2026-11-28 12:00:00", []change{night}, "2026-11-29 02:00:00"},
		"not twice in the night after a demand": {"2026-11-28 23:00:00", []change{night}, "2026-11-30 02:00:00"},
		"in a night that began the day before":  {"2026-11-28 23:30:00", []change{late}, "2026-11-29 22:00:00"},
		"several times in one window": {
			"2026-11-28 02:00:10", []change{night, every(time.Hour)}, "2026-11-28 03:00:10"},
		"once a week on Sundays": {
			"2026-11-29 00:00:10", []change{window("", "", zone, "Sunday")}, "2026-12-06 00:00:00"},
		"at the last chance before a year": {
			"2026-11-28 12:00:00", []change{window("", "", zone, "Sunday"), every(8760 * time.Hour)}, "2027-11-28 00:00:00"},
		"in the night that loses an hour": {
			"2026-03-28 03:15:00", []change{window("03:15", "03:45", zone)}, "2026-03-29 04:15:00"},
		"in the night that has one twice": {
			"2026-10-24 03:00:00", []change{window("03:00", "04:00", zone)}, "2026-10-25 03:00:00"},
		"in the time zone of a window": {
			"2026-11-28 02:00:40", []change{window("02:00", "05:00", "UTC")}, "2026-11-29 04:00:00"},
	} {
		t.Run(claim, func(t *testing.T) {
			got := commit(t, at(c.since), c.spec...).Status.NextRotationTime.Time
			if wanted := at(c.wanted); !got.Equal(wanted) {
				t.Errorf("it is %s, not %s", got.In(helsinki), wanted)
			}
		})
	}
}

// TestEveryNightHasOneRotation for two years with both changes of the clock, whenever within the window it ends.
func TestEveryNightHasOneRotation(t *testing.T) {
	helsinki, at := in(t, "Europe/Helsinki"), now
	for night := range 800 {
		next := commit(t, at, window("02:30", "05:00", "Europe/Helsinki")).Status.NextRotationTime.Time
		if apart := next.Sub(at); night > 0 && (apart < 20*time.Hour || apart > 28*time.Hour) {
			t.Fatalf("after %s it is %s", at.In(helsinki), next.In(helsinki))
		}
		at = next.Add(time.Duration(night%90) * time.Minute)
	}
}

// TestWhatTheClockDoes: a jump of a day leads to one rotation too early at most, and never past one.
func TestWhatTheClockDoes(t *testing.T) {
	at := now
	committed := commit(t, at)
	look := func(object *v1alpha1.MessagesPassword, clock time.Time) (rotation.Decision, *v1alpha1.MessagesPassword) {
		s := snapshot(proved("9"))
		s.Now, s.Object, s.Secret.Version = clock, object.DeepCopy(), "9"
		d := rotation.Decide(s)
		rotation.Intend(s.Object, d)
		return d, stored(t, s.Object)
	}
	for claim, c := range map[string]struct {
		after []time.Duration // of the clock since the rotation, one look after the other
		verb  rotation.Verb
		next  time.Duration // of the last look
	}{
		"it goes on":                 {[]time.Duration{time.Hour}, rotation.Wait, 23 * time.Hour},
		"a day back":                 {[]time.Duration{-23 * time.Hour}, rotation.Wait, 24 * time.Hour},
		"a day back, and on":         {[]time.Duration{-23 * time.Hour, -13 * time.Hour}, rotation.Wait, 14 * time.Hour},
		"a day back, and due":        {[]time.Duration{-23 * time.Hour, time.Hour}, rotation.LogIn, 0},
		"a day forward":              {[]time.Duration{25 * time.Hour}, rotation.LogIn, 0},
		"a year without a look":      {[]time.Duration{8760 * time.Hour}, rotation.LogIn, 0},
		"a day back and forth again": {[]time.Duration{-23 * time.Hour, 2 * time.Hour}, rotation.LogIn, 0},
	} {
		t.Run(claim, func(t *testing.T) {
			object, d := committed, rotation.Decision{}
			for _, after := range c.after {
				d, object = look(object, at.Add(after))
			}
			clock := at.Add(c.after[len(c.after)-1])
			if d.Verb != c.verb || d.Verb == rotation.Wait && d.At.Sub(clock) != c.next {
				t.Errorf("it decides to %s, next after %s", d.Verb, d.At.Sub(clock))
			}
		})
	}
	// However long nobody looked, one rotation makes up for all.
	if again := commit(t, at.Add(8760*time.Hour)).Status.NextRotationTime.Sub(at); again != 8784*time.Hour {
		t.Errorf("the one after is due after %s", again)
	}
}

// TestAPlanChangesWithTheSpecAlone: not with a start of the controller, which is a look like any other.
func TestAPlanChangesWithTheSpecAlone(t *testing.T) {
	for claim, c := range map[string]struct {
		changes []change
		next    time.Duration
	}{
		"it stays":                         {nil, time.Hour},
		"an interval changes it":           {[]change{every(48 * time.Hour), edited}, 25 * time.Hour},
		"one that has passed is due":       {[]change{every(time.Hour), edited}, -22 * time.Hour},
		"a password at its first sight":    {[]change{found}, day},
		"a rotation ahead of the clock":    {[]change{edited, lastRotation(-100 * day)}, day},
		"the last rotation before the age": {[]change{edited, lastRotation(6 * time.Hour)}, 18 * time.Hour},
	} {
		t.Run(claim, func(t *testing.T) {
			s := snapshot(c.changes...)
			rotation.Intend(s.Object, rotation.Decide(s))
			if next := s.Object.Status.NextRotationTime.Sub(now); next != c.next {
				t.Errorf("the next one is due after %s", next)
			}
		})
	}
}

func edited(s *rotation.Snapshot) { s.Object.Generation++ }

func lastRotation(long time.Duration) change {
	return status(func(s *v1alpha1.MessagesPasswordStatus) { s.LastRotationTime = &metav1.Time{Time: now.Add(-long)} })
}
