package main

import (
	"path"
	"regexp"
)

// relativeLink is the end of a link in Markdown to another file of the repository: neither a URL nor an anchor.
var relativeLink = regexp.MustCompile(`\]\(([^()#:\s][^():\s]*)\)`)

// resolveLinks has the links of a page in a directory of the repository lead to the tag of the version: where the page
// is read, in a release or in a chart, there are no such files beside it.
func resolveLinks(page, directory, version string) string {
	return relativeLink.ReplaceAllStringFunc(page, func(link string) string {
		target := relativeLink.FindStringSubmatch(link)[1]
		return "](" + homepage + "/blob/v" + version + "/" + path.Join(directory, target) + ")"
	})
}
