// Package compat says with which versions of Kubernetes and cert-manager the stories have been run, and where that is
// written down. The older versions are pinned by modules below this directory, the newest by those that everything else
// is run with.
package compat

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/varmenne/varmenne-issuer/e2e/binaries"
)

// Page has the table, relative to the repository, between the lines that begin and end it.
const (
	Page  = "docs/operations/install.md"
	first = "<!-- versions: from make compat -->\n"
	last  = "<!-- end of versions -->\n"
)

// heading begins the table.
const heading = "| Kubernetes | cert-manager | Last run | Result |\n| --- | --- | --- | --- |\n"

// The modules of the oldest versions that are supported.
const (
	oldestKubernetes  = "e2e/compat/kubernetes-1.29"
	oldestCertManager = "e2e/compat/certmanager-1.14"
)

// Pairs are what the stories are run with: the oldest of both, the newest of both, and each of the oldest with the
// newest of the other.
func Pairs() []binaries.Pins {
	newest := binaries.NewestPins()
	return []binaries.Pins{
		{Kubernetes: oldestKubernetes, CertManager: oldestCertManager},
		{Kubernetes: oldestKubernetes, CertManager: newest.CertManager},
		{Kubernetes: newest.Kubernetes, CertManager: oldestCertManager},
		newest,
	}
}

// Row is what came of a pair.
type Row struct {
	// Kubernetes and CertManager are versions without "v".
	Kubernetes, CertManager string
	// Date is the day of the run.
	Date string
	// Result is in words.
	Result string
}

// Pair names the versions of a row, as whoever wants to run that one alone writes them.
func (r Row) Pair() string { return r.Kubernetes + "," + r.CertManager }

// NewRow returns the row of a pair, in which nothing is said of a run.
func NewRow(pair binaries.Pins) (Row, error) {
	kubernetes, certManager, err := pair.Versions()
	return Row{Kubernetes: strings.TrimPrefix(kubernetes, "v"), CertManager: strings.TrimPrefix(certManager, "v")}, err
}

// rowPattern is a row in the table.
var rowPattern = regexp.MustCompile(`^\| ([0-9.]+) \| ([0-9.]+) \| ([^|]*) \| ([^|]*) \|$`)

// Rows reads the table of a page. A line that cannot be read is an error, or what it says would be lost.
func Rows(page string) ([]Row, error) {
	table, _, _, err := find(page)
	if err != nil {
		return nil, err
	}
	lines, begun := strings.CutPrefix(table, heading)
	if !begun {
		return nil, fmt.Errorf("%s: the table of versions does not begin with %q; put it back as it was written",
			Page, heading)
	}
	var rows []Row
	for line := range strings.Lines(lines) {
		match := rowPattern.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if match == nil {
			return nil, fmt.Errorf("%s: the table of versions has %q, which is no row; put it back as it was written",
				Page, line)
		}
		rows = append(rows, Row{Kubernetes: match[1], CertManager: match[2], Date: match[3], Result: match[4]})
	}
	return rows, nil
}

// Earlier is a row as it was in a table, or as it is if the table has none of these versions.
func Earlier(table []Row, row Row) Row {
	for _, earlier := range table {
		if earlier.Kubernetes == row.Kubernetes && earlier.CertManager == row.CertManager {
			return earlier
		}
	}
	return row
}

// Replace returns the page with another table.
func Replace(page string, rows []Row) (string, error) {
	_, before, after, err := find(page)
	if err != nil {
		return "", err
	}
	var table strings.Builder
	table.WriteString(heading)
	for _, row := range rows {
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n",
			row.Kubernetes, row.CertManager, cmp.Or(row.Date, "–"), cmp.Or(row.Result, "was not run"))
	}
	return before + table.String() + after, nil
}

// find takes a page apart.
func find(page string) (table, before, after string, err error) {
	start, end := strings.Index(page, first), strings.Index(page, last)
	if start < 0 || end < start {
		return "", "", "", fmt.Errorf("%s has no place for the table between %q and %q", Page, first, last)
	}
	start += len(first)
	return page[start:end], page[:start], page[end:], nil
}
