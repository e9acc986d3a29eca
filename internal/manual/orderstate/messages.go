package orderstate

import (
	"fmt"
	"strings"
	"time"

	"github.com/varmenne/varmenne-issuer/internal/manual/instructions"
	"github.com/varmenne/varmenne-issuer/internal/pki"
)

// application says how to carry the request to the authority.
func (s Snapshot) application() string {
	return fmt.Sprintf("carry the request to the authority: %#q writes it into a file; then note the application: %#q%s%s",
		instructions.WriteRequest(s.Order), instructions.NoteApplication(s.Order), s.hurry(), s.steps())
}

// applied says how to bring back what the authority sends.
func (s Snapshot) applied() string {
	return fmt.Sprintf("application %s is with the authority; put what it sends into a ConfigMap: %#q, and name that: "+
		"%#q%s%s", pki.Quote(s.Order.Spec.Application.Reference), instructions.StoreFile(s.Order),
		instructions.NameFile(s.Order), s.hurry(), s.steps())
}

// steps says where all of them are.
func (s Snapshot) steps() string {
	languages := make([]string, 0, len(s.Issuer.Instructions))
	for _, in := range s.Issuer.Instructions {
		languages = append(languages, in.Language)
	}
	if len(languages) == 0 {
		return ""
	}
	return fmt.Sprintf("; every step is in status.instructions (%s)", strings.Join(languages, ", "))
}

// hurry says how much time there is, where a certificate is in use.
func (s Snapshot) hurry() string {
	renews := s.Order.Spec.Renews
	if renews == nil {
		return ""
	}
	ends := fmt.Sprintf("; the certificate in use ends at %s", at(renews.NotAfter.Time))
	if !s.Now.Add(s.Issuer.Lead).Before(renews.NotAfter.Time) && s.Order.Spec.Application == nil {
		return ends + fmt.Sprintf(", and the issuer's leadTime of %s has begun", days(s.Issuer.Lead))
	}
	return ends
}

func quoted(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	return pki.Quote(strings.Join(values, ", "))
}

func at(moment time.Time) string { return moment.UTC().Format(time.RFC3339) }

// days is a time in whole days, or in hours or minutes where it is less than one.
func days(long time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case long < time.Hour:
		return counted(int(long/time.Minute), "minute")
	case long < day:
		return counted(int(long/time.Hour), "hour")
	default:
		return counted(int(long/day), "day")
	}
}

func counted(count int, unit string) string {
	if count == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", count, unit)
}
