// Package axe asks axe-core about the accessibility of a page. axe-core is not ours: it is the file axe.min.js of its
// release, unchanged, under the Mozilla Public License 2.0 (LICENSE), with parts of others (LICENSE-3RD-PARTY.txt). Its
// source is the repository github.com/dequelabs/axe-core. Only tests use it; it gets into no program.
package axe

import (
	_ "embed" // The script.

	"github.com/varmenne/varmenne-issuer/e2e/browser"
)

// Version is the release that the script is of.
const Version = "4.14.1"

//go:embed axe.min.js
var script string

// run returns what axe-core finds by all of its rules, also those that it counts as advice: in words, with where it is.
const run = `axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.flatMap(violation =>
	violation.nodes.map(node => violation.id + ' (' + violation.impact + '): ' + violation.help + ': ' +
		node.target.join(' ') + '\n' + node.html + '\n' + node.failureSummary)))`

// Check fails the test for each violation on the page as it is now; where names the page.
func Check(p *browser.Page, where string) {
	p.Helper()
	for _, violation := range Violations(p) {
		p.Errorf("%s: %s", where, violation)
	}
}

// Violations are what axe-core finds on the page as it is now.
func Violations(p *browser.Page) []string {
	p.Helper()
	const version = "globalThis.axe?.version ?? ''"
	if browser.Evaluate[string](p, version) == "" {
		browser.Evaluate[bool](p, script+"; true")
	}
	if loaded := browser.Evaluate[string](p, version); loaded != Version {
		p.Fatalf("axe-core %s is loaded, want %s", loaded, Version)
	}
	return browser.Evaluate[[]string](p, run)
}
