package asset

import (
	"bytes"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Commands returns the command "asset" with its verbs.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "asset", Short: p.T("asset.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(checkCommand(env, p), importCommand(env, p), listCommand(env, p), statementCommand(env, p))
	return c
}

// checkCommand is "noroshi asset check FILE [--json]": exit 0 when every row
// can be accepted, 2 when the file cannot be read as a list, 3 when rows are
// invalid. It works without a hub and without the network.
func checkCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: p.T("asset.check.short"), Long: p.T("asset.check.long"), Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			raw, err := cli.ReadFile(args[0], MaxFile)
			if err != nil {
				return err
			}
			rules, err := LoadRules(nil)
			if err != nil {
				return err
			}
			in := &watched{bytes.NewReader(raw), env.Progress(int64(len(raw)), p.T("asset.check.short"))}
			got, err := rules.Check(filepath.Base(args[0]), in, int64(len(raw)), DateOf(env.Now().In(text.JST)))
			if err != nil {
				return unlisted(err)
			}
			got.Speak(env.Printer())
			if err := env.Emit(got, func(w io.Writer, p text.Printer) error { return got.WriteText(w, p) }); err != nil {
				return err
			}
			if !got.Clean {
				return fault.New(fault.Unmet, "asset.check.bad", "n", got.Invalid)
			}
			return nil
		},
	}
}

// unlisted makes "this is no equipment list" exit 2, like every input that
// cannot be parsed: exit 3 is kept for a list that was read and has wrong rows.
func unlisted(err error) error {
	f := *fault.Of(err)
	if f.Kind == fault.Invalid {
		f.Kind = fault.Usage
	}
	return &f
}

// watched tells how far a file has been read.
type watched struct {
	io.ReaderAt
	done func(int64)
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	w.done(off + int64(n))
	return n, err
}
