package rotation

import (
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // the image holds no time zones

	"github.com/varmenne/varmenne-issuer/api/v1alpha1"
)

// defaultInterval is spec.interval where the API server has not filled it in.
const defaultInterval = day

// defaultTimeZone is spec.window.timeZone where the API server has not filled it in.
const defaultTimeZone = "Europe/Helsinki"

// week is over which a window repeats itself; one day more for one that began the day before.
const week = 7

// opening is one time of a window: from its start, and before its end.
type opening struct{ start, end time.Time }

func (o opening) contains(at time.Time) bool { return !at.Before(o.start) && at.Before(o.end) }

// interval is spec.interval or its default.
func interval(spec *v1alpha1.MessagesPasswordSpec) time.Duration {
	if spec.Interval == nil || spec.Interval.Duration <= 0 {
		return defaultInterval
	}
	return spec.Interval.Duration
}

// planned is when the next rotation is due after one at a time: an interval later, or with a window at its last opening
// in the second half of the interval, so that every day at 02:00 does not wander; without one, as soon as the window
// is open.
func planned(spec *v1alpha1.MessagesPasswordSpec, since time.Time) time.Time {
	due := since.Add(interval(spec))
	earliest := since.Add(interval(spec) / 2)
	openings := openingsAround(spec.Window, due)
	if openings == nil {
		return due
	}
	best := time.Time{}
	for _, o := range openings {
		if !o.start.Before(earliest) && !o.start.After(due) {
			best = o.start // the last one of them
		}
	}
	if !best.IsZero() {
		return best
	}
	return soonest(openings, due)
}

// opens is when a rotation that is due may begin: now, or when the window opens.
func opens(spec *v1alpha1.MessagesPasswordSpec, now time.Time) time.Time {
	openings := openingsAround(spec.Window, now)
	if openings == nil {
		return now
	}
	return soonest(openings, now)
}

// soonest is a time if one of the openings contains it, and else the start of the next one.
func soonest(openings []opening, at time.Time) time.Time {
	for _, o := range openings {
		if o.contains(at) {
			return at
		}
	}
	for _, o := range openings {
		if o.start.After(at) {
			return o.start
		}
	}
	return at
}

// openingsAround are those of a window from a week before a time to a week after it, in order; nil without a window,
// and for one whose time zone nobody knows.
func openingsAround(window *v1alpha1.MessagesWindow, at time.Time) []opening {
	if window == nil {
		return nil
	}
	zone, err := location(window)
	if err != nil {
		return nil
	}
	local := at.In(zone)
	openings := make([]opening, 0, 2*week+3)
	for offset := -week - 1; offset <= week+1; offset++ {
		year, month, date := local.Date()
		noon := time.Date(year, month, date+offset, 12, 0, 0, 0, zone) // an hour that each day has
		if len(window.Days) == 0 || slices.Contains(window.Days, v1alpha1.Weekday(noon.Weekday().String())) {
			openings = append(openings, openingOn(window, noon))
		}
	}
	return openings
}

// openingOn is that which begins on a day. Where a clock is put forward over start or end, the hours that there are not
// become those after or before; the opening is as long as it is meant to be at least where nothing else would be left.
func openingOn(window *v1alpha1.MessagesWindow, on time.Time) opening {
	startHour, startMinute := clockOf(window.Start)
	endHour, endMinute := clockOf(window.End)
	length := time.Duration(endHour-startHour)*time.Hour + time.Duration(endMinute-startMinute)*time.Minute
	days := 0
	if length <= 0 {
		length, days = length+day, 1
	}
	year, month, date := on.Date()
	start := time.Date(year, month, date, startHour, startMinute, 0, 0, on.Location())
	end := time.Date(year, month, date+days, endHour, endMinute, 0, 0, on.Location())
	if !end.After(start) {
		end = start.Add(length)
	}
	return opening{start, end}
}

// clockOf reads a time such as 02:30, and midnight where there is none.
func clockOf(text string) (hour, minute int) {
	_, _ = fmt.Sscanf(text, "%d:%d", &hour, &minute)
	return hour, minute
}

// location is the time zone of a window.
func location(window *v1alpha1.MessagesWindow) (*time.Location, error) {
	name := window.TimeZone
	if name == "" {
		name = defaultTimeZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("spec.window.timeZone %q is not in the IANA database: write it as Europe/Helsinki", name)
	}
	return zone, nil
}
