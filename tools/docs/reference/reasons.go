package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/varmenne/varmenne-issuer/internal/reasons"
)

var renewals = map[reasons.Renewal]string{
	reasons.Fails:    "at once",
	reasons.Stalls:   "after ten minutes",
	reasons.Proceeds: "once half of the time for it is gone",
}

var credentials = map[reasons.Credentials]string{
	reasons.Spent:   "–",
	reasons.Unspent: "yes",
	reasons.Judged:  "yes, unless the service has refused exactly these",
}

// writeMeanings writes what the controllers conclude from each reason.
func writeMeanings(text *strings.Builder) {
	text.WriteString("\n## What the controller concludes from a reason\n\n" +
		"A renewal that a reason holds up gets the condition `varmenne.dev/RenewalFailing` at the time that the third " +
		"column tells. The fourth is about the transfer credentials of an order that has failed.\nEvents with a reason " +
		"that is not in the table are Warnings, but for `Checked` and `Issued`; there is none with `NotChecked`.\n\n" +
		"| Reason | Event | A renewal is failing | Transfer credentials may be used again | Alert |\n" +
		"| --- | --- | --- | --- | --- |\n")
	rows := reasons.All()
	for _, reason := range slices.Sorted(maps.Keys(rows)) {
		row, event, alert := rows[reason], "Warning", "–"
		if row == (reasons.Meaning{Turn: row.Turn}) ||
			row == (reasons.Meaning{Quiet: true, Usual: row.Usual, Turn: row.Turn}) {
			continue
		}
		switch {
		case row.Usual:
			event = "none while all goes as usual"
		case row.Quiet:
			event = "Normal"
		}
		if row.Alert != "" {
			alert = "`" + row.Alert + "`"
		}
		fmt.Fprintf(text, "| `%s` | %s | %s | %s | %s |\n",
			reason, event, renewals[row.Renewal], credentials[row.Credentials], alert)
	}
}
