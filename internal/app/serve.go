package app

import (
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/config"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/obs"
)

func serveCommand(env *cli.Env) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "serve", Short: env.Printer().T("app.serve.short"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := config.Read(file, os.Environ())
			if err != nil {
				return err
			}
			cfg := l.Value
			log, err := obs.NewLog(env.Err, cfg.Log.Format, cfg.Log.Level)
			if err != nil {
				return err
			}
			hub, err := OpenHub(cmd.Context(), cfg, env.Words, log, Options{})
			if err != nil {
				return err
			}
			defer hub.Close()
			listener, err := listen(cfg.Hub.Listen)
			if err != nil {
				return err
			}
			env.Say("app.serve.ready", "url", address(cfg, listener))
			return hub.Run(cmd.Context(), listener)
		},
	}
	config.FileFlag(env, c, &file)
	return c
}

// listen opens a port, and says plainly when somebody else has it.
func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.New(fault.Conflict, "app.listen_busy", "addr", addr).Because(err)
	case err != nil:
		return nil, fault.New(fault.Usage, "app.listen", "addr", addr).Because(err)
	}
	return l, nil
}

// address is where people reach the hub.
func address(cfg config.Config, l net.Listener) string {
	if cfg.Hub.BaseURL != "" {
		return cfg.Hub.BaseURL
	}
	if cfg.TLS.Cert != "" {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}
