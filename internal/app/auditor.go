package app

import (
	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/oversight"
)

// auditorCommand is the role of the commission's own machine: it needs the files
// of a ledger or its address, and neither a database nor a hub of its own.
func auditorCommand(env *cli.Env) *cobra.Command {
	return oversight.Commands(env)
}
