package commands

import (
	"github.com/spf13/cobra"

	"github.com/varmenne/varmenne-issuer/internal/plugin/migration"
)

func (p *program) migrate() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Before an upgrade: carry objects of an older build over to the names of fields now",
		Long: "Before the upgrade of a build whose VeroOrders have a status.phase: carry issuers and orders over to the " +
			"names that fields have now, so that the upgrade loses nothing. No controller may run meanwhile: scale its " +
			"Deployment to 0. It can be run again, also after the upgrade.\n\nIt takes the rights to list " +
			"Deployments and their Pods, to update the definitions of this program, and to list and patch issuers and " +
			"orders with their status, everywhere: an administrator has them.",
		Example: "  kubectl varmenne migrate",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			access, _, err := p.connect()
			if err != nil {
				return err
			}
			if err := migration.Run(command.Context(), access, p.sayf); err != nil {
				return err
			}
			p.sayf("Nothing is left to carry over.")
			return nil
		},
	}
}
