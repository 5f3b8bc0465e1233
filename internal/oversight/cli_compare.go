package oversight

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// ErrDiverge says that ledgers do not agree.
var ErrDiverge = fault.New(fault.Unmet, "oversight.diverge")

func compareCommand(env *cli.Env) *cobra.Command {
	var key string
	p := env.Printer()
	c := &cobra.Command{
		Use: "compare DIR DIR...", Short: p.T("oversight.cli.compare"), Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := ReadKeys(key)
			if err != nil {
				return err
			}
			all, err := NewComparison()
			if err != nil {
				return err
			}
			for _, dir := range args {
				fsys, _, err := openLog(dir)
				if err != nil {
					return err
				}
				if err := all.Add(cmd.Context(), dir, fsys, keys); err != nil {
					return asFault(err)
				}
			}
			return all.conclude(env)
		},
	}
	c.Flags().StringVar(&key, "key", "", p.T("oversight.cli.keys"))
	return c
}

// conclude says what ledgers do not agree on.
func (c *Comparison) conclude(env *cli.Env) error {
	out := c.Close()
	r := Result{Alarms: out.Alarms}
	r.speak(env.Printer())
	for i := range out.Divergences {
		d := &out.Divergences[i]
		d.Text = env.Printer().T("oversight.diverge."+d.Code, "entry", fmt.Sprint(d.Places[0].Entry))
	}
	if err := env.Emit(out, out.print); err != nil {
		return err
	}
	if n := len(out.Divergences) + out.More; n+len(out.Alarms) > 0 {
		return fault.New(fault.Unmet, ErrDiverge.Code, "n", n, "alarms", len(out.Alarms))
	}
	return nil
}

func (c Compared) print(w io.Writer, p text.Printer) error {
	for _, a := range c.Alarms {
		fmt.Fprintln(w, text.Printable(a.Text))
	}
	for _, d := range c.Divergences {
		fmt.Fprintln(w, p.T("oversight.cli.divergence", "object", text.Printable(d.Object), "text", d.Text))
		for _, at := range d.Places {
			switch entry := fmt.Sprint(at.Entry); {
			case at.Folder == "":
				fmt.Fprintln(w, "    "+p.T("oversight.cli.place", "ledger", text.Printable(at.Ledger), "entry", entry))
			case at.Absent:
				fmt.Fprintln(w, "    "+p.T("oversight.cli.place_none", "folder", text.Printable(at.Folder), "entry", entry))
			default:
				fmt.Fprintln(w, "    "+p.T("oversight.cli.place_says", "folder", text.Printable(at.Folder), "entry", entry, "verb", verbWords(p, at.Verb), "at", moment(p, at.At)))
			}
		}
	}
	if c.More > 0 {
		fmt.Fprintln(w, p.T("oversight.cli.more", "n", c.More))
	}
	for _, h := range c.Ledgers {
		fmt.Fprintln(w, p.T("oversight.cli.head", "folder", text.Printable(h.Folder), "origin", text.Printable(h.Origin), "size", int64(h.Size)))
	}
	for _, x := range c.Copies {
		fmt.Fprintln(w, p.T("oversight.cli.copies", "a", text.Printable(x.Folders[0]), "b", text.Printable(x.Folders[1]), "n", int64(x.Alike)))
	}
	_, err := fmt.Fprintln(w, p.T("oversight.cli.compared", "approvals", c.Approvals, "shared", c.Shared, "runs", c.Runs, "same", c.Same, "n", len(c.Divergences)+c.More))
	if err == nil && c.Shared+c.Same+len(c.Copies)+len(c.Divergences)+len(c.Alarms) == 0 {
		_, err = fmt.Fprintln(w, p.T("oversight.cli.apart"))
	}
	return err
}
