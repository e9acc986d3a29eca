package ui

import (
	"fmt"
	"strconv"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

const (
	// The timeline shows no more than this before and after now: what ends in twenty years has no scale with the rest.
	shownBefore, shownAfter = 2, 4 // years
	// mostTicks is how many dates there may be below it.
	mostTicks = 9
	// margin is what is left free at either end, as a part of the whole.
	margin = 0.02
	// thinnest is how wide a bar or region is at least, in percent, so that it can be seen.
	thinnest = 0.4
)

// timeline is one bar for each certificate and password.
type timeline struct {
	Bars  []bar
	Ticks []tick
	// Today is where now is, as a coordinate of SVG.
	Today string
}

// bar is a certificate or password from issue to end.
type bar struct {
	*overview.Row
	span

	// Window is when it can be renewed, Lead when people and the authority need the time; nil if there is none.
	Window, Lead *span
	// Marks are other dates.
	Marks []string
}

// span is a part of the timeline, as coordinates of SVG.
type span struct{ From, Width string }

// tick is a date below the timeline.
type tick struct{ At, Label string }

// scale is the time that is shown.
type scale struct{ from, until time.Time }

// at is where a moment is, in percent.
func (s scale) at(moment time.Time) float64 {
	part := float64(moment.Sub(s.from)) / float64(s.until.Sub(s.from))
	return 100 * min(max(part, 0), 1) //nolint:mnd // percent
}

func (s scale) span(from, until time.Time) span {
	begins, ends := s.at(from), s.at(until)
	width := max(ends-begins, thinnest)
	return span{percent(min(begins, 100-width)), percent(width)} //nolint:mnd // percent
}

func percent(of float64) string { return strconv.FormatFloat(of, 'f', 2, 64) + "%" }

// timelineOf places the rows that have a beginning and an end; without any it is empty.
func timelineOf(rows []overview.Row, now time.Time) timeline {
	s := scaleOf(rows, now)
	made := timeline{Today: percent(s.at(now)), Ticks: s.ticks()}
	for i := range rows {
		if row := &rows[i]; row.Issued != nil && row.End != nil {
			made.Bars = append(made.Bars, s.bar(row))
		}
	}
	return made
}

// scaleOf is long enough for all rows, as far as they are near.
func scaleOf(rows []overview.Row, now time.Time) scale {
	s := scale{now.AddDate(0, -1, 0), now.AddDate(0, 1, 0)}
	first, last := now.AddDate(-shownBefore, 0, 0), now.AddDate(shownAfter, 0, 0)
	for i := range rows {
		if row := &rows[i]; row.Issued != nil && row.End != nil {
			s.from, s.until = earlier(s.from, *row.Issued), later(s.until, *row.End)
		}
	}
	s.from, s.until = later(s.from, first), earlier(s.until, last)
	free := time.Duration(margin * float64(s.until.Sub(s.from)))
	return scale{s.from.Add(-free), s.until.Add(free)}
}

// has reports whether there is anything of a date to be shown: what begins before the scale does reaches into it.
func (s scale) has(date overview.Date) bool {
	reaches := date.What == overview.WindowOpens || date.What == overview.LeadTime
	return !date.Time.After(s.until) && (reaches || !date.Time.Before(s.from))
}

func (s scale) bar(row *overview.Row) bar {
	placed := bar{Row: row, span: s.span(*row.Issued, *row.End)}
	for _, date := range row.Dates {
		if date.Time.After(*row.End) || !s.has(date) {
			continue
		}
		switch date.What {
		case overview.WindowOpens:
			placed.Window = new(s.span(date.Time, *row.End))
		case overview.LeadTime:
			placed.Lead = new(s.span(date.Time, *row.End))
		case overview.Ends, overview.Poll, overview.Submit:
		default:
			placed.Marks = append(placed.Marks, percent(s.at(date.Time)))
		}
	}
	return placed
}

// ticks are the beginnings of months, quarters or years, as many as there is room for.
func (s scale) ticks() []tick {
	for _, months := range []int{1, 3, 6, 12, 24} { //nolint:mnd // months
		if ticks := s.every(months); len(ticks) <= mostTicks {
			return ticks
		}
	}
	return nil
}

func (s scale) every(months int) []tick {
	var ticks []tick
	at := time.Date(s.from.Year(), time.January, 1, 0, 0, 0, 0, time.UTC)
	for ; at.Before(s.until); at = at.AddDate(0, months, 0) {
		if at.Before(s.from) {
			continue
		}
		ticks = append(ticks, tick{percent(s.at(at)), fmt.Sprintf("%d-%02d", at.Year(), at.Month())})
	}
	return ticks
}

func earlier(one, other time.Time) time.Time {
	if one.Before(other) {
		return one
	}
	return other
}

func later(one, other time.Time) time.Time {
	if one.After(other) {
		return one
	}
	return other
}
