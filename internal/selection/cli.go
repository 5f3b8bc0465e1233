package selection

import (
	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
)

// Commands returns the commands "selection", "selector" and "deid". They work on
// files of this machine.
func Commands(env *cli.Env) []*cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "selection", Short: p.T("selection.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(keyCommand(env, p), orderCommand(env, p), runCommand(env, p), verifyCommand(env, p), selftestCommand(env), drillCommand(env, p))
	return []*cobra.Command{c, selectorCommand(env), deidCommand(env)}
}
