// Package calendar writes the dates of an overview as iCalendar (RFC 5545), for a calendar program to subscribe to: an
// event keeps its identifier when its date moves. It calls nothing and reads no clock.
package calendar

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// past is how long a date stays in the calendar.
const past = 30 * 24 * time.Hour

// summaries say what happens at a date. Others are no due dates: the service is asked for a certificate in a minute.
var summaries = map[string]string{
	overview.Renewal:             "renewal begins",
	overview.WindowOpens:         "renewal is possible from now on",
	overview.LeadTime:            "lead time begins: the authority needs as long",
	overview.Begins:              "the new certificate begins",
	overview.Ends:                "the certificate ends",
	overview.Reminder:            "the certificate ends soon: get another one",
	overview.Rotation:            "password rotation",
	overview.RotationRecommended: "password rotation is recommended by now",
	overview.RotationDemanded:    "password rotation is demanded by now",
}

// Write writes the dates of rows that are to come or have passed lately, as of a time.
func Write(to io.Writer, rows []overview.Row, now time.Time) error {
	calendar := ics.NewCalendarFor("varmenne-issuer")
	calendar.SetMethod(ics.MethodPublish)
	calendar.SetName("Certificates and passwords")
	calendar.SetRefreshInterval("PT1H")
	for i := range rows {
		for _, date := range rows[i].Dates {
			if summary := summaries[date.What]; summary != "" && date.Time.After(now.Add(-past)) {
				addEvent(calendar, &rows[i], date, summary, now)
			}
		}
	}
	text := &bytes.Buffer{} // the library does not say that its last line could not be written
	if err := calendar.SerializeTo(text, ics.WithNewLineWindows); err != nil {
		return err
	}
	_, err := text.WriteTo(to)
	return err
}

func addEvent(calendar *ics.Calendar, row *overview.Row, date overview.Date, summary string, now time.Time) {
	event := calendar.AddEvent(uid(row, date))
	event.SetDtStampTime(now)
	event.SetStartAt(date.Time)
	event.SetSummary(fmt.Sprintf("%s/%s: %s", row.Namespace, row.Name, summary))
	event.SetTimeTransparency(ics.TransparencyTransparent)
	description := fmt.Sprintf("%s %s/%s is %s; %s.", row.Kind, row.Namespace, row.Name, row.State, row.Text())
	if row.Command != "" {
		description += "\n" + row.Command
	}
	event.SetDescription(strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) { // which no text may have (RFC 5545, 3.3.11), and some take for a line's end
			return unicode.ReplacementChar
		}
		return r
	}, description))
}

// uid is the same for the same object and what happens to it, whenever that is.
func uid(row *overview.Row, date overview.Date) string {
	what := strings.ReplaceAll(date.What, " ", "-")
	if len(row.Chain) > 0 && row.Chain[0].UID != "" {
		return fmt.Sprintf("%s-%s@varmenne.dev", row.Chain[0].UID, what)
	}
	return fmt.Sprintf("%s.%s.%s-%s@varmenne.dev", row.Name, row.Namespace, strings.ToLower(row.Kind), what)
}
