package overview_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varmenne/varmenne-issuer/internal/must"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// TestOneStatusDoesNotKeepEverybodyFromAll: whoever edits a namespace may write that of a Certificate.
func TestOneStatusDoesNotKeepEverybodyFromAll(t *testing.T) {
	outside := &metav1.Time{Time: time.Date(9999, time.December, 31, 23, 59, 59, 0, time.FixedZone("", -3600))}
	before := &metav1.Time{Time: time.Date(0, time.January, 1, 0, 0, 0, 0, time.FixedZone("", 3600))}
	for claim, at := range map[string]*metav1.Time{"after the last year": outside, "before the first": before} {
		t.Run(claim, func(t *testing.T) {
			c := certificate("VeroIssuer", new(100*day), false)
			c.Status.NotBefore, c.Status.NotAfter, c.Status.RenewalTime = at, at, at
			c.Status.Conditions[0].LastTransitionTime = at
			row := overview.Of(objectsOf(c), now)[0]
			must.Get(json.Marshal(row))(t)
			if row.End != nil || row.DaysLeft != nil || len(row.Dates) != 0 {
				t.Errorf("it has the dates %v, %v", row.End, row.Dates)
			}
		})
	}
}

// TestAStateIsAWord, whatever somebody has written there.
func TestAStateIsAWord(t *testing.T) {
	c := certificate("VeroIssuer", nil, false)
	c.Status.Conditions = c.Status.Conditions[:1]
	c.Status.Conditions[0].Reason = "Not\x1b[2J\rReady\nok  Certificate\u202e " + strings.Repeat("x", 1<<20)
	asks := request("VeroIssuer", approved, says("Ready", "False", "Pending", "send\x1b]0;it\a\rto me\u009b1A"))
	row := overview.Of(objectsOf(c, asks), now)[0]
	for _, text := range []string{row.State, row.Todo, row.Chain[0].Reason} {
		if utf8.RuneCountInString(text) > 100 || text == "" ||
			strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("it is %q", text)
		}
	}
}
