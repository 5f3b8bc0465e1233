package hunt

import (
	"io/fs"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
)

// Commands returns the command "hunt". It reads files of this machine; only send
// talks to a hub. Own are the starter rules; version is that of the program, for
// evidence packs.
func Commands(env *cli.Env, own fs.FS, version string) []*cobra.Command {
	p := env.Printer()
	hunt := &cobra.Command{Use: "hunt", Short: p.T("hunt.short"), Long: p.T("hunt.long"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	hunt.AddCommand(scanCommand(env, own), eventsCommand(env), rulesCommand(env, own), sealCommand(env, own, version), unsealCommand(env), watchCommand(env, own), sendCommand(env, version))
	return []*cobra.Command{hunt}
}
