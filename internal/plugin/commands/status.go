package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/varmenne/varmenne-issuer/internal/plugin/cluster"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

// statusOptions are the flags of status.
type statusOptions struct {
	all, watch bool
	output     string
	failOn     string
	noHeaders  bool
}

// foundError says that what status was to look for is there.
type foundError struct {
	severity overview.Severity
	rows     int
}

func (e *foundError) Error() string {
	return fmt.Sprintf("rows that are %s or worse: %d", e.severity, e.rows)
}

func (p *program) status() *cobra.Command {
	var options statusOptions
	command := &cobra.Command{
		Use:   "status",
		Short: "Show every certificate and password, and whose turn it is",
		Long: "Show every Certificate of varmenne-issuer, every TrackedCertificate and every MessagesPassword in one " +
			"table, " +
			"the most urgent first: state, days left, the next date, and whose turn it is.\n\nThe days of a password are " +
			"those until the owner of the service demands that it has been rotated. The right to view a namespace is " +
			"enough; no Secret is read.\n\nWith --fail-on the exit code is 2 if something is as urgent, and 1 if not all " +
			"could be read.",
		Example: "  kubectl varmenne status -A\n  kubectl varmenne status -n stamping -o wide\n" +
			"  kubectl varmenne status -A --fail-on=critical",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := options.validate(); err != nil {
				return err
			}
			if options.watch {
				return p.watchStatus(command.Context(), options)
			}
			return p.showStatus(command.Context(), options)
		},
	}
	flags := command.Flags()
	flags.BoolVarP(&options.all, "all-namespaces", "A", false, "show all namespaces")
	flags.BoolVarP(&options.watch, "watch", "w", false, "go on, and show each row again when it has changed")
	flags.StringVarP(&options.output, "output", "o", "", "`format`: wide, json or yaml")
	flags.StringVar(&options.failOn, "fail-on", "", "exit with 2 if a row is of that `severity` or a worse one: warning "+
		"or "+
		"critical")
	flags.BoolVar(&options.noHeaders, "no-headers", false, "print no headers")
	return command
}

func (o statusOptions) validate() error {
	switch {
	case !slices.Contains([]string{"", formatWide, formatJSON, formatYAML}, o.output):
		return fmt.Errorf("--output=%s: write wide, json or yaml", o.output)
	case !slices.Contains([]string{"", string(overview.Warning), string(overview.Critical)}, o.failOn):
		return fmt.Errorf("--fail-on=%s: write warning or critical", o.failOn)
	case o.watch && o.failOn != "":
		return errors.New("--watch never ends, so that --fail-on would not be looked at: take one of the two")
	case o.watch && (o.output == formatJSON || o.output == formatYAML):
		return fmt.Errorf("--watch prints rows of a table: leave --output=%s out", o.output)
	default:
		return nil
	}
}

func (p *program) showStatus(ctx context.Context, options statusOptions) error {
	inventory, _, err := p.list(ctx, options.all)
	if err != nil {
		return err
	}
	rows := overview.Of(inventory.Objects(), p.Clock.Now())
	p.warnOfUnread(inventory, rows)
	if err := p.printRows(rows, options, options.noHeaders); err != nil {
		return err
	}
	return options.judge(rows, inventory.Unread)
}

// warnOfUnread says what rows do not show.
func (p *program) warnOfUnread(inventory *cluster.Inventory, rows []overview.Row) {
	for _, unread := range inventory.Missing(rows) {
		if unread.Supplement {
			p.warnf("note: dates that depend on %s are missing, and whether those are ready: %v", unread.Resource, unread.Err)
		} else {
			p.warnf("warning: not shown: %s: %v", unread.Resource, unread.Err)
		}
	}
}

// judge is the error that --fail-on asks for.
func (o statusOptions) judge(rows []overview.Row, unread []cluster.Unread) error {
	if o.failOn == "" {
		return nil
	}
	found := foundError{severity: overview.Severity(o.failOn)}
	for i := range rows {
		if rows[i].Severity.AtLeast(found.severity) {
			found.rows++
		}
	}
	if found.rows > 0 {
		return &found
	}
	var missing []string
	for _, kind := range unread {
		if !kind.Supplement {
			missing = append(missing, kind.Resource)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("--fail-on cannot tell, because these could not be read: %s", strings.Join(missing, ", "))
	}
	return nil
}
