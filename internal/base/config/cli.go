package config

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// FileFlag adds --config to a command: the configuration file, by default the
// one NOROSHI_CONFIG names, else none.
func FileFlag(e *cli.Env, c *cobra.Command, file *string) {
	c.PersistentFlags().StringVar(file, "config", os.Getenv("NOROSHI_CONFIG"), e.Printer().T("cli.flag.config"))
}

// Command returns `config check` and `config dump`. The checks are those of
// values that this package knows only the shape of.
func Command(e *cli.Env, checks ...func(Config) error) *cobra.Command {
	var file string
	root := &cobra.Command{Use: "config", Short: e.Printer().T("config.cli.short")}
	FileFlag(e, root, &file)
	root.AddCommand(&cobra.Command{
		Use: "check", Short: e.Printer().T("config.cli.check"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := Read(file, os.Environ())
			if err != nil {
				return err
			}
			for _, check := range checks {
				if err := check(l.Value); err != nil {
					return err
				}
			}
			return e.Emit(map[string]any{"ok": true, "keys": len(l.keys), "file": l.File}, func(w io.Writer, p text.Printer) error {
				if l.File == "" {
					fmt.Fprintln(w, p.T("config.read_none"))
				} else {
					fmt.Fprintln(w, p.T("config.read", "file", l.File))
				}
				_, err := fmt.Fprintln(w, p.T("config.ok", "n", len(l.keys)))
				return err
			})
		},
	}, &cobra.Command{
		Use: "dump", Short: e.Printer().T("config.cli.dump"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := Read(file, os.Environ())
			if err != nil {
				return err
			}
			return e.Emit(l.Settings(), func(w io.Writer, _ text.Printer) error { return l.Dump(w) })
		},
	})
	return root
}
