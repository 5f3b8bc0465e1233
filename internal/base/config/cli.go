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
func FileFlag(c *cobra.Command, file *string) {
	c.PersistentFlags().StringVar(file, "config", os.Getenv("NOROSHI_CONFIG"), "configuration file (NOROSHI_CONFIG)")
}

// Command returns `config check` and `config dump`.
func Command(e *cli.Env) *cobra.Command {
	var file string
	root := &cobra.Command{Use: "config", Short: "check or show the configuration"}
	FileFlag(root, &file)
	root.AddCommand(&cobra.Command{
		Use: "check", Short: "read the configuration and say what is wrong with it", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := Read(file, os.Environ())
			if err != nil {
				return err
			}
			return e.Emit(map[string]any{"ok": true, "keys": len(l.keys)}, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("config.ok", "n", len(l.keys)))
				return err
			})
		},
	}, &cobra.Command{
		Use: "dump", Short: "show every setting and where it comes from, secrets hidden", Args: cobra.NoArgs,
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
