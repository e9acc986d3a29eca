package ui

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// rowOf lasts from a time until another, with dates by what they are.
func rowOf(from, until time.Time, dates map[string]time.Time) overview.Row {
	row := overview.Row{Name: "any", Issued: &from, End: &until}
	for what, at := range dates {
		row.Dates = append(row.Dates, overview.Date{Time: at, What: what})
	}
	return row
}

// placed is where a coordinate of SVG is, in percent.
func placed(t *testing.T, coordinate string) float64 {
	t.Helper()
	return must.Get(strconv.ParseFloat(strings.TrimSuffix(coordinate, "%"), 64))(t)
}

// TestARegionLastsUntilTheEnd of its bar, and begins in it.
func TestARegionLastsUntilTheEnd(t *testing.T) {
	shown := timelineOf([]overview.Row{rowOf(now.Add(-300*day), now.Add(100*day), map[string]time.Time{
		overview.LeadTime: now.Add(-50 * day), overview.WindowOpens: now.Add(50 * day), overview.Poll: now.Add(day),
	})}, now)
	bar := shown.Bars[0]
	ends := placed(t, bar.From) + placed(t, bar.Width)
	for name, region := range map[string]*span{"lead time": bar.Lead, "window": bar.Window} {
		if region == nil {
			t.Fatalf("there is no %s", name)
		}
		if off := placed(t, region.From) + placed(t, region.Width) - ends; off < -0.02 || off > 0.02 {
			t.Errorf("the %s ends %.2f%% beside the bar", name, off)
		}
	}
	lead, today, window := placed(t, bar.Lead.From), placed(t, shown.Today), placed(t, bar.Window.From)
	if !(placed(t, bar.From) < lead && lead < today && today < window && window < ends) {
		t.Errorf("the lead time begins at %.2f%%, today is at %.2f%%, the window opens at %.2f%%", lead, today, window)
	}
	if len(bar.Marks) != 0 {
		t.Errorf("a poll is no date of the certificate, but marked at %v", bar.Marks)
	}
}

// TestWhatIsOutsideTheTimelineIsNotShownAtItsEdge, where people would read another date.
func TestWhatIsOutsideTheTimelineIsNotShownAtItsEdge(t *testing.T) {
	far := map[string]time.Time{
		overview.WindowOpens: now.AddDate(19, 0, 0), overview.Reminder: now.AddDate(18, 0, 0),
		overview.Begins: now.AddDate(-10, 0, 0), overview.LeadTime: now.AddDate(-9, 0, 0),
	}
	bar := timelineOf([]overview.Row{rowOf(now.AddDate(-20, 0, 0), now.AddDate(20, 0, 0), far)}, now).Bars[0]
	if bar.Window != nil || len(bar.Marks) != 0 {
		t.Errorf("it shows the window %v, and marks at %v", bar.Window, bar.Marks)
	}
	if bar.Lead == nil || *bar.Lead != bar.span {
		t.Errorf("the lead time that has begun long ago is %v of the bar %v", bar.Lead, bar.span)
	}
}

// TestABarStaysInTheTimeline and can be seen, however short and far away it is.
func TestABarStaysInTheTimeline(t *testing.T) {
	for claim, row := range map[string]overview.Row{
		"over for long":           rowOf(now.AddDate(-9, 0, 0), now.AddDate(-8, 0, 0), nil),
		"long to come":            rowOf(now.AddDate(8, 0, 0), now.AddDate(9, 0, 0), nil),
		"a minute":                rowOf(now, now.Add(time.Minute), nil),
		"of no length":            rowOf(now, now, nil),
		"ending before it begins": rowOf(now.Add(day), now.Add(-day), nil),
		"the end of time":         rowOf(now, time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC), nil),
		"a date of nobody's":      rowOf(time.Time{}, time.Time{}, nil),
	} {
		t.Run(claim, func(t *testing.T) {
			shown := timelineOf([]overview.Row{row}, now)
			from, width := placed(t, shown.Bars[0].From), placed(t, shown.Bars[0].Width)
			if from < 0 || width < thinnest || from+width > 100.01 {
				t.Errorf("the bar is %.2f%% wide at %.2f%%", width, from)
			}
			if today := placed(t, shown.Today); today <= 0 || today >= 100 {
				t.Errorf("today is at %.2f%%", today)
			}
			if len(shown.Ticks) == 0 || len(shown.Ticks) > mostTicks {
				t.Errorf("there are the dates %v", shown.Ticks)
			}
		})
	}
}

// TestSummerTimeMovesNothing: the timeline is the same in every time zone, over both changes of a year.
func TestSummerTimeMovesNothing(t *testing.T) {
	helsinki := must.Get(time.LoadLocation("Europe/Helsinki"))(t)
	for _, at := range []time.Time{
		time.Date(2026, time.March, 29, 0, 59, 59, 0, time.UTC), time.Date(2026, time.October, 25, 1, 0, 0, 0, time.UTC),
	} {
		row := rowOf(at.Add(-200*day), at.Add(200*day), map[string]time.Time{overview.WindowOpens: at.Add(day)})
		there := rowOf(row.Issued.In(helsinki), row.End.In(helsinki),
			map[string]time.Time{overview.WindowOpens: at.Add(day).In(helsinki)})
		here, moved := timelineOf([]overview.Row{row}, at), timelineOf([]overview.Row{there}, at.In(helsinki))
		if here.Bars[0].span != moved.Bars[0].span || *here.Bars[0].Window != *moved.Bars[0].Window ||
			here.Today != moved.Today || fmt.Sprint(here.Ticks) != fmt.Sprint(moved.Ticks) {
			t.Errorf("at %s it is\n%+v\nand in Helsinki\n%+v", at, here, moved)
		}
		if one, other := moment(at), moment(at.In(helsinki)); one != other {
			t.Errorf("%s is shown as %s", one, other)
		}
	}
}
