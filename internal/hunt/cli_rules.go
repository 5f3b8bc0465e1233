package hunt

import (
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// rulesCommand is "noroshi hunt rules check DIR...".
func rulesCommand(env *cli.Env, own fs.FS) *cobra.Command {
	p := env.Printer()
	rules := &cobra.Command{Use: "rules", Short: p.T("hunt.rules.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var values []string
	check := &cobra.Command{
		Use: "check [DIR...]", Short: p.T("hunt.check.short"), Long: p.T("hunt.check.long"),
		RunE: func(c *cobra.Command, dirs []string) error {
			f := ruleFlags{own: own, dirs: dirs, noBuiltin: len(dirs) > 0, values: values}
			set, err := f.load(c.Context())
			if err != nil {
				return err
			}
			if err := env.Emit(checked(p, set), func(w io.Writer, p text.Printer) error { return tellChecked(w, p, set) }); err != nil {
				return err
			}
			if len(set.Rejected) > 0 {
				return fault.New(fault.Unmet, "hunt.check.rejected", "n", len(set.Rejected))
			}
			return nil
		},
	}
	check.Flags().StringArrayVar(&values, "values", nil, p.T("hunt.flag.values"))
	rules.AddCommand(check)
	return rules
}

// Checked is what "hunt rules check --json" says.
type Checked struct {
	Files        int           `json:"files"`
	Rules        int           `json:"rules"`        // over events, read or not
	Correlations int           `json:"correlations"` // over hits
	Filters      int           `json:"filters"`
	Narrowed     int           `json:"narrowed_rules"` // that filters were added to
	Hidden       int           `json:"hidden_rules"`   // that only feed correlations
	Loaded       int           `json:"loaded"`         // rules and correlations that run
	SHA256       string        `json:"sha256"`
	Rejected     []CheckedNote `json:"rejected"`
	Warnings     []CheckedNote `json:"warnings"`
}

// CheckedNote is a rule that cannot be used, or a warning.
type CheckedNote struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Rule   string `json:"rule"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

func checked(p text.Printer, set *RuleSet) *Checked {
	c := &Checked{Files: set.Collection.Files, Rules: len(set.Rules), Correlations: len(set.Correlations), Filters: len(set.Filters), Narrowed: set.Narrowed(), Hidden: set.Hidden(), SHA256: set.Sum(),
		Loaded: len(set.Rules) + len(set.Correlations), Rejected: notes(p, set.Rejected), Warnings: notes(p, set.Warnings)}
	return c
}

func notes(p text.Printer, list []sigma.Note) []CheckedNote {
	out := make([]CheckedNote, 0, len(list))
	for _, n := range list {
		out = append(out, CheckedNote{n.File, n.Line, n.Rule, string(n.Code), reasonText(p, n)})
	}
	return out
}

// tellChecked writes what does not run first, then the sums.
func tellChecked(w io.Writer, p text.Printer, set *RuleSet) error {
	for _, n := range set.Rejected {
		fmt.Fprintln(w, p.T("hunt.check.no", "what", noteText(p, n)))
	}
	for _, n := range set.Warnings {
		fmt.Fprintln(w, p.T("hunt.check.warning", "what", noteText(p, n)))
	}
	_, err := fmt.Fprintln(w, p.T("hunt.check.sum", "files", set.Collection.Files, "rules", len(set.Rules), "correlations", len(set.Correlations), "rejected", len(set.Rejected), "warnings", len(set.Warnings)))
	if n := set.Narrowed(); n > 0 {
		_, err = fmt.Fprintln(w, p.T("hunt.say.narrowed", "n", n, "filters", len(set.Filters)))
	}
	if n := set.Hidden(); n > 0 {
		_, err = fmt.Fprintln(w, p.T("hunt.say.hidden", "n", n))
	}
	return err
}
