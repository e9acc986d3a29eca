package main

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	annotationMark  = "@schema "
	descriptionMark = "-- "
)

// typeNote is what helm-docs is to call the type: `# -- (int) …`.
var typeNote = regexp.MustCompile(`^\([a-z ]+\) `)

// comment is what the comment above a key says.
type comment struct {
	description string
	schema      object
}

// parseComment reads the last paragraph of a comment: what comes before an empty line belongs to something else. The
// description ends at the next line with a mark (`@default --`), as it does for helm-docs.
func parseComment(text string) (comment, error) {
	paragraphs := strings.Split(text, "\n\n")
	result := comment{schema: object{}}
	var description []string
	for line := range strings.SplitSeq(paragraphs[len(paragraphs)-1], "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#"))
		annotation, annotated := strings.CutPrefix(line, annotationMark)
		begin, described := strings.CutPrefix(line, descriptionMark)
		switch {
		case annotated:
			if err := yaml.Unmarshal([]byte(annotation), &result.schema); err != nil {
				return comment{}, fmt.Errorf("the annotation %q is no YAML map: %w", annotation, err)
			}
		case described:
			description = append(description[:0], typeNote.ReplaceAllString(begin, ""))
		case strings.HasPrefix(line, "@"):
		case len(description) > 0:
			description = append(description, line)
		}
	}
	result.description = strings.Join(description, " ")
	return result, nil
}
