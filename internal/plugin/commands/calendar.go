package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/varmenne/varmenne-issuer/internal/plugin/calendar"
	"github.com/varmenne/varmenne-issuer/internal/plugin/overview"
)

func (p *program) calendar() *cobra.Command {
	var all bool
	command := &cobra.Command{
		Use:   "calendar",
		Short: "Print every due date as iCalendar",
		Long: "Print every due date of certificates and passwords as iCalendar (RFC 5545). Put behind a URL, as a CronJob " +
			"can, " +
			"it is a calendar that others subscribe to: an event that moves stays the same event.",
		Example: "  kubectl varmenne calendar -A > certificates.ics",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return p.writeCalendar(command.Context(), all)
		},
	}
	command.Flags().BoolVarP(&all, "all-namespaces", "A", false, "those of all namespaces")
	return command
}

func (p *program) writeCalendar(ctx context.Context, all bool) error {
	inventory, _, err := p.list(ctx, all)
	if err != nil {
		return err
	}
	now := p.Clock.Now()
	rows := overview.Of(inventory.Objects(), now)
	p.warnOfUnread(inventory, rows)
	return calendar.Write(p.Streams.Out, rows, now)
}
