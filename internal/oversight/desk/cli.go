package desk

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
)

// Commands returns noroshi oversight: what the commission does at its desk, by the
// hub's API with its own token, or from a ledger's files alone.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "oversight", Short: p.T("desk.cli.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, sub := range []*cobra.Command{inspectCommand(env, p), sampleCommand(env, p), openCommand(env, p)} {
		env.HubFlags(sub)
		c.AddCommand(sub)
	}
	return c
}

// inspectCommand is "noroshi oversight inspect [DIR]": the hub's desk, or a folder
// as noroshi auditor replay has it.
func inspectCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := oversight.ReplayCommand(env)
	offline := c.RunE
	c.Use, c.Short, c.Long, c.Args = "inspect [DIR]", p.T("desk.cli.inspect"), p.T("desk.cli.inspect_long"), cobra.MaximumNArgs(1)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return offline(c, args)
		}
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var b Board
		if err := hub.Do(c.Context(), "POST", "/api/v1/oversight/inspection", struct{}{}, &b, ""); err != nil {
			return err
		}
		if err := env.Emit(b, func(w io.Writer, p text.Printer) error { return b.print(w, p) }); err != nil {
			return err
		}
		return b.Fault()
	}
	return c
}

// print writes the board for a terminal. The sentences come from the hub, in the
// caller's language.
func (b *Board) print(w io.Writer, p text.Printer) error {
	for _, a := range append(b.Alarms, b.Gaps...) {
		fmt.Fprintln(w, plain(a.Text))
	}
	for _, v := range b.Violations {
		fmt.Fprintln(w, p.T("oversight.cli.violation", "rule", v.Rule, "text", plain(v.Text), "entries", places(v.Entries)))
	}
	checks := uint64(0)
	for _, r := range b.Rules {
		checks += r.Checked
		if r.Checked > 0 {
			fmt.Fprintf(w, "%10d  %-18s %s\n", r.Checked, r.Rule, plain(r.Text))
		}
	}
	for _, l := range b.Late {
		fmt.Fprintln(w, p.T("desk.cli.late", "what", p.T("desk.late."+l.What), "object", plain(l.Object), "due", l.Due, "entries", places(l.Entries)))
	}
	fmt.Fprintln(w, say{p}.use(b.Uses))
	_, err := fmt.Fprintln(w, p.T("desk.cli.sum", "entries", int64(b.Entries), "checks", int64(checks), "violations", len(b.Violations)+int(b.More), "gaps", len(b.Gaps), "alarms", len(b.Alarms)))
	return err
}
