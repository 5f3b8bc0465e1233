package executor

import (
	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// templateCommand is "noroshi act run template": a configuration to be filled in.
func templateCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "template", Short: p.T("executor.cli.template"), Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		env.Say("executor.cli.template_say")
		return Template(env.Out, env.Printer())
	}}
}
