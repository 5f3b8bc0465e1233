package sensor

import (
	"os"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/config"
)

// Commands returns the commands "flow" and "geo". They read files and sockets
// of this machine; only "flow send" speaks to a hub.
func Commands(env *cli.Env) []*cobra.Command {
	p := env.Printer()
	flow := &cobra.Command{Use: "flow", Short: p.T("sensor.flow.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, reads := range []*cobra.Command{readCommand(env), detectCommand(env), listenCommand(env)} {
		ruled(env, reads)
		flow.AddCommand(reads)
	}
	flow.AddCommand(countCommand(env), sendCommand(env, p))
	return []*cobra.Command{flow, geoCommand(env)}
}

// ruled holds a command with the flag --basis to what the configuration says of
// the machine it runs on.
func ruled(env *cli.Env, c *cobra.Command) {
	var file string
	config.FileFlag(env, c, &file)
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		l, err := config.Read(file, os.Environ())
		if err != nil {
			return err
		}
		if basis := c.Flags().Lookup("basis"); l.Value.Sensor.State {
			named := basis.Value.String()
			if !basis.Changed {
				named = ""
			}
			if _, err := PermitState(named); err != nil {
				return err
			}
		}
		return run(c, args)
	}
}
