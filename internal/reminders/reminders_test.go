package reminders_test

import (
	"slices"
	"testing"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/reminders"
)

const day = 24 * time.Hour

// hourly are looks with so much time left and less, until the end and a while after.
func hourly(left time.Duration) []time.Duration {
	var looks []time.Duration
	for ; left > -2*day; left -= time.Hour {
		looks = append(looks, left)
	}
	return looks
}

// TestEachReminderIsGivenOnce to who looks now and then. All that is kept from one look to the next, also over a
// restart, is the last reminder.
func TestEachReminderIsGivenOnce(t *testing.T) {
	for claim, c := range map[string]struct {
		looks  []time.Duration // by what is left
		within time.Duration
		want   []int32
	}{
		"on each of the days": {hourly(60 * day), reminders.Always, []int32{45, 30, 14, 7, 3, 1}},
		"one for two that passed unseen": {
			[]time.Duration{46 * day, 13 * day, 12 * day}, reminders.Always, []int32{14}},
		"one at once of a short certificate": {hourly(20 * day), reminders.Always, []int32{30, 14, 7, 3, 1}},
		"one of what ended long ago":         {hourly(-day), reminders.Always, []int32{1}},
		"none before reminders begin":        {hourly(60 * day), 20 * day, []int32{14, 7, 3, 1}},
		"one on the day they begin":          {hourly(60 * day), 14 * day, []int32{14, 7, 3, 1}},
		"none again when the clock is set back": {
			append(hourly(44 * day)[:400], hourly(50*day)...), 60 * day, []int32{45, 30, 14, 7, 3, 1}},
		"the next ones where it was ahead": {
			append([]time.Duration{40 * day, 10 * day}, hourly(17*day)...), 60 * day, []int32{45, 14, 7, 3, 1}},
	} {
		var given *int32
		var got []int32
		for _, left := range c.looks {
			if days, due := reminders.Due(left, c.within, given); due {
				given, got = &days, append(got, days)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", claim, got, c.want)
		}
	}
}

func TestWhoLooksWhenToldToMissesNone(t *testing.T) {
	end := time.Date(2027, time.January, 27, 12, 0, 0, 0, time.UTC)
	var looks []time.Duration
	for now := end.Add(-60 * day); now.Before(end); {
		now = reminders.Next(end, now, end)
		looks = append(looks, end.Sub(now)/day)
	}
	if want := []time.Duration{45, 30, 14, 7, 3, 1, 0}; !slices.Equal(looks, want) {
		t.Errorf("it is looked at with %v days left, want %v", looks, want)
	}
}
