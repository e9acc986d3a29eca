package main

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
)

var (
	// transition is a line of a stateDiagram-v2: Pending --> Submitting: intent written.
	transition = regexp.MustCompile(`^(\S+) --> (\S+?)(?:: (.+))?$`)
	// connection is a line of a flowchart: P["a program"] -- "calls" --> D[a service].
	connection = regexp.MustCompile(`^(\w+)(?:\["?([^]"]+)"?\])? -[.-] "?([^"]+?)"? [.-]->\s*(\w+)(?:\["?([^]"]+)"?\])?$`)
)

// edge is an arrow of a diagram.
type edge struct{ from, label, to string }

// renderDiagram shows a diagram of Mermaid as the table of its arrows, which needs no script of others, is read on a
// phone and aloud, and can be searched. The repository draws it.
func renderDiagram(w io.Writer, code string) error {
	lines := strings.Split(strings.TrimSpace(code), "\n")
	edges, names := make([]edge, 0, len(lines)), map[string]string{"[*]": ""}
	for _, line := range lines[1:] {
		line = strings.TrimSpace(line)
		if match := transition.FindStringSubmatch(line); match != nil && strings.HasPrefix(lines[0], "stateDiagram") {
			edges = append(edges, edge{match[1], match[3], match[2]})
			continue
		}
		match := connection.FindStringSubmatch(line)
		if match == nil {
			return fmt.Errorf("a line of a diagram that has no form known here: %s", line)
		}
		for _, node := range [][]string{match[1:3], match[4:6]} {
			if node[1] != "" {
				names[node[0]] = strings.ReplaceAll(node[1], "<br>", ": ")
			}
		}
		edges = append(edges, edge{match[1], match[3], match[4]})
	}
	fmt.Fprint(w, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Diagram\">\n<table>\n"+
		"<thead><tr><th>From</th><th>To</th><th>How</th></tr></thead>\n<tbody>\n")
	for _, e := range edges {
		from, is := names[e.from]
		if !is {
			from = e.from
		}
		to, is := names[e.to]
		if !is {
			to = e.to
		}
		fmt.Fprintf(w, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", html.EscapeString(cmp.Or(from, "the beginning")),
			html.EscapeString(cmp.Or(to, "the end")), html.EscapeString(e.label))
	}
	_, err := fmt.Fprint(w, "</tbody>\n</table>\n</div>\n")
	return err
}
