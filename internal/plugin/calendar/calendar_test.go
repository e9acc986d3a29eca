package calendar_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/calendar"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

var now = time.Date(2026, time.November, 28, 12, 0, 0, 0, time.UTC)

func row(ends time.Time) overview.Row {
	return overview.Row{
		Namespace: "stamping", Name: "leimat", Kind: "Certificate", State: "Renewing", Turn: overview.Yours,
		Todo:    "carry the CSR, and note it; \\ " + strings.Repeat("ääkkösiä ", 12),
		Command: "kubectl varmenne csr -n stamping leimat",
		Chain:   []overview.Step{{Kind: "Certificate", Name: "leimat", UID: "0a1b"}},
		Dates: []overview.Date{
			{Time: now.AddDate(0, -2, 0), What: overview.Renewal}, {Time: now.AddDate(0, 0, -3), What: overview.LeadTime},
			{Time: now.Add(time.Minute), What: overview.Poll}, {Time: ends, What: overview.Ends},
		},
	}
}

func written(t *testing.T, rows ...overview.Row) string {
	t.Helper()
	text := &bytes.Buffer{}
	must.Do(t, calendar.Write(text, rows, now))
	return text.String()
}

// TestACalendarIsReadAsItWasMeant by the rules of RFC 5545 on lines and texts, and has the dates that somebody may care
// for: not those long past, and not every poll.
func TestACalendarIsReadAsItWasMeant(t *testing.T) {
	text := written(t, row(now.AddDate(0, 1, 0)))
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\r\n") || len(line) > 75+2 {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	must.Contain(t, text, "VERSION:2.0\r\n", "PRODID:", "METHOD:PUBLISH\r\n", "DTSTART:20261228T120000Z\r\n",
		"DTSTAMP:20261128T120000Z\r\n", "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n")
	read := must.Get(ics.ParseCalendar(strings.NewReader(text)))(t)
	summaries := make([]string, 0, len(read.Events()))
	for _, event := range read.Events() {
		summaries = append(summaries, event.GetProperty(ics.ComponentPropertySummary).Value)
		description := event.GetProperty(ics.ComponentPropertyDescription).Value
		must.Contain(t, description, "yours: "+row(now).Todo, "\nkubectl varmenne csr")
	}
	want := "stamping/leimat: lead time begins: the authority needs as long|stamping/leimat: the certificate ends"
	if got := strings.Join(summaries, "|"); got != want {
		t.Errorf("the events are %s", got)
	}
}

// TestAnEventThatMovesIsTheSameEvent, and those of other objects are others.
func TestAnEventThatMovesIsTheSameEvent(t *testing.T) {
	uids := func(text string) string {
		var found []string
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "UID:") {
				found = append(found, strings.TrimSpace(line))
			}
		}
		return strings.Join(found, " ")
	}
	before, after := uids(written(t, row(now.AddDate(0, 1, 0)))), uids(written(t, row(now.AddDate(2, 0, 0))))
	if before != after || !strings.Contains(before, "UID:0a1b-end@varmenne.dev") {
		t.Errorf("they are %s, and were %s", after, before)
	}
	other := row(now.AddDate(0, 1, 0))
	other.Chain[0].UID = "0a1c"
	if uids(written(t, other)) == before {
		t.Error("another object has the same")
	}
}

// TestNothingThatATenantWritesIsALineOfItsOwn, whatever a program takes for the end of one.
func TestNothingThatATenantWritesIsALineOfItsOwn(t *testing.T) {
	hostile := row(now.AddDate(0, 1, 0))
	hostile.State, hostile.Todo = "x\rATTACH:http://a.example", "y\r\nEND:VEVENT\x00\x1b\x85z"
	text := written(t, hostile)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if i := strings.IndexFunc(line, unicode.IsControl); i >= 0 {
			t.Errorf("%q has a control character", line)
		}
	}
	if got := len(must.Get(ics.ParseCalendar(strings.NewReader(text)))(t).Events()); got != 2 {
		t.Errorf("there are %d events", got)
	}
}

// fullAfter takes so many bytes.
type fullAfter int

func (f *fullAfter) Write(text []byte) (int, error) {
	if *f -= fullAfter(len(text)); *f < 0 {
		return 0, errors.New("no space left")
	}
	return len(text), nil
}

// TestACalendarThatIsNotWholeIsAnError, wherever it breaks off: subscribers would lose what is not in it.
func TestACalendarThatIsNotWholeIsAnError(t *testing.T) {
	whole := len(written(t, row(now.AddDate(0, 1, 0))))
	for _, room := range []int{0, 5, whole / 2, whole - 5, whole - 1} {
		if calendar.Write(new(fullAfter(room)), []overview.Row{row(now.AddDate(0, 1, 0))}, now) == nil {
			t.Errorf("with room for %d of %d bytes there is no error", room, whole)
		}
	}
}
