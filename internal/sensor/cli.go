package sensor

import (
	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
)

// Commands returns the commands "flow" and "geo". They read files and sockets
// of this machine and need no hub.
func Commands(env *cli.Env) []*cobra.Command {
	p := env.Printer()
	flow := &cobra.Command{Use: "flow", Short: p.T("sensor.flow.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	flow.AddCommand(countCommand(env), readCommand(env), sendCommand(env, p))
	geo := geoCommand(env)
	return []*cobra.Command{flow, geo}
}
