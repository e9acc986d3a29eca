package commands

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/varmenne/varmenne-issuer/internal/plugin/actions"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

func (p *program) why() *cobra.Command {
	var output string
	command := &cobra.Command{
		Use:   "why NAME",
		Short: "Show what a certificate or password waits for, object by object",
		Long: "Show what a certificate or password waits for: the Certificate, its request, its order and its issuer, each " +
			"with its message; the newest events; and the command that helps.\n\nNAME is that of any of these objects, or " +
			"KIND/NAME where several have it.",
		Example: "  kubectl varmenne why -n stamping interface\n  kubectl varmenne why -n stamping certificate/interface",
		Args:    cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			if !slices.Contains([]string{"", formatJSON, formatYAML}, output) {
				return fmt.Errorf("--output=%s: write json or yaml", output)
			}
			return p.explain(command.Context(), arguments[0], output)
		},
		ValidArgsFunction: p.completeRows(anyKind, isAny),
	}
	command.Flags().StringVarP(&output, "output", "o", "", "`format`: json or yaml")
	return command
}

// explained is a row with the events of its objects.
type explained struct {
	overview.Row `json:",inline"`

	Events []actions.Event `json:"events"`
}

func (p *program) explain(ctx context.Context, name, output string) error {
	inventory, access, err := p.list(ctx, false)
	if err != nil {
		return err
	}
	rows := overview.Of(inventory.Objects(), p.Clock.Now())
	row, err := pick(rows, name)
	if err != nil {
		p.warnOfUnread(inventory, nil)
		return err
	}
	p.warnOfUnread(inventory, []overview.Row{*row})
	events, err := actions.Events(ctx, access, row.Chain)
	if err != nil {
		p.warnf("warning: not all events are shown: %v", err)
	}
	if output != "" {
		return printDocument(p.Streams.Out, output, explained{Row: *row, Events: events})
	}
	text := &bytes.Buffer{}
	p.printExplained(text, row, events)
	_, err = text.WriteTo(p.Streams.Out)
	return err
}

// pick is the row that a name means: that of an object in its chain, and of several the one whose own name it is.
func pick(rows []overview.Row, name string) (*overview.Row, error) {
	kind, bare, hasKind := strings.Cut(name, "/")
	if !hasKind {
		kind, bare = "", name
	}
	var own, other []*overview.Row
	for i := range rows {
		row := &rows[i]
		for j, step := range row.Chain {
			if step.Name != bare || hasKind && !isKind(kind, step.Kind) {
				continue
			}
			if j == 0 {
				own = append(own, row)
			} else {
				other = append(other, row)
			}
			break
		}
	}
	found := own
	if len(found) == 0 {
		found = other
	}
	switch len(found) {
	case 0:
		what := "nothing"
		if hasKind {
			what = fmt.Sprintf("no %q", kind)
		}
		return nil, fmt.Errorf("%s of varmenne-issuer has the name %q in this namespace: `kubectl varmenne status` "+
			"shows what there is; name another namespace with -n", what, bare)
	case 1:
		return found[0], nil
	default:
		names := make([]string, 0, len(found))
		for _, row := range found {
			names = append(names, strings.ToLower(row.Kind)+"/"+row.Name)
		}
		return nil, fmt.Errorf("%q may be any of %s: write which", name, strings.Join(names, ", "))
	}
}

// isKind reports whether a word of a command line means a kind: its name, or its plural.
func isKind(word, kind string) bool {
	return strings.EqualFold(word, kind) || strings.EqualFold(word, kind+"s")
}

func (p *program) printExplained(to io.Writer, row *overview.Row, events []actions.Event) {
	fmt.Fprintf(to, "%s %s/%s: %s, %s\n", row.Kind, row.Namespace, row.Name, actions.Visible(row.State),
		actions.Visible(row.Text()))
	for _, step := range row.Chain {
		fmt.Fprintf(to, "\n%s\n", p.stepLine(step))
		if step.Message != "" {
			fmt.Fprintf(to, "  %s\n", actions.Visible(step.Message))
		}
	}
	if len(row.Dates) > 0 {
		fmt.Fprintf(to, "\nDates\n")
		for _, date := range row.Dates {
			fmt.Fprintf(to, "  %s  %s (%s)\n", date.Time.UTC().Format(time.RFC3339), date.What, p.distance(date.Time))
		}
	}
	if len(events) > 0 {
		fmt.Fprintf(to, "\nNewest events\n")
		for _, event := range events {
			fmt.Fprintf(to, "  %s  %s %s %s: %s\n", p.distance(event.Time), actions.Visible(event.Type),
				actions.Visible(event.Reason), actions.Visible(event.Object), actions.Visible(event.Message))
		}
	}
	if row.Command != "" {
		fmt.Fprintf(to, "\nWhat helps\n  %s\n", actions.Visible(row.Command))
	}
}

// stepLine is what an object says of itself in a word or two.
func (p *program) stepLine(step overview.Step) string {
	parts := []string{step.Kind, step.Name}
	if step.State != "" {
		parts = append(parts, step.State)
	}
	switch {
	case step.Ready:
		parts = append(parts, "ready")
	default:
		parts = append(parts, "not ready")
	}
	if step.Reason != "" && step.Reason != step.State {
		parts = append(parts, step.Reason)
	}
	if step.Since.Unix() > 0 {
		parts = append(parts, p.distance(step.Since))
	}
	return actions.Visible(strings.Join(parts, "  "))
}

// distance is how long ago a time is, or how far ahead.
func (p *program) distance(at time.Time) string {
	since := p.Clock.Since(at)
	if since < 0 {
		return "in " + duration.HumanDuration(-since)
	}
	return duration.HumanDuration(since) + " ago"
}
