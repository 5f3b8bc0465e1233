package selection

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// verifyCommand is "noroshi selection verify DIR": the statement of a run against
// what is kept of it. Exit 3, naming what, when anything is wrong.
func verifyCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var authority []string
	var executor, journal string
	c := &cobra.Command{
		Use: "verify DIR --authority KEY.pub", Short: p.T("selection.verify.short"), Long: p.T("selection.verify.long"), Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(authority) == 0 {
				return fault.New(fault.Usage, "selection.run.needed", "flag", "--authority")
			}
			own, err := ReadPrefixes("", nil)
			if err != nil {
				return err
			}
			a := Against{Program: programHash(), Prefixes: own.digest}
			if a.Authorities, err = verifiersOf(authority); err != nil {
				return err
			}
			if executor != "" {
				one, err := verifiersOf([]string{executor})
				if err != nil {
					return err
				}
				a.Executor = one[0]
			}
			if journal != "" {
				if a.Journal, err = cli.ReadFile(journal, maxJournal); err != nil {
					return err
				}
			}
			v, err := Verify(args[0], a)
			if v == nil {
				return err
			}
			if e := env.Emit(v, v.tell); e != nil {
				return e
			}
			return err
		},
	}
	c.Flags().StringSliceVar(&authority, "authority", nil, p.T("selection.verify.flag.authority"))
	c.Flags().StringVar(&executor, "executor", "", p.T("selection.verify.flag.executor"))
	c.Flags().StringVar(&journal, "journal", "", p.T("selection.verify.flag.journal"))
	return c
}

// tell writes what was found for people: what holds, and what nobody can show. What
// is wrong is the error.
func (v *Verified) tell(w io.Writer, p text.Printer) error {
	if len(v.Wrong) > 0 { // what cannot be shown of a run that is false is nobody's concern
		return nil
	}
	holds := "selection.verify.holds"
	if !v.Anchored {
		holds = "selection.verify.consistent"
	}
	fmt.Fprintln(w, p.T(holds, "records", p.Number(int64(v.Records)), "order", v.order.ID, "authority", v.grant.Authority()))
	if v.Anchored {
		fmt.Fprintln(w, p.T("selection.verify.vouched."+v.Vouched, "journal", v.Beside))
	}
	if v.Beside != "" && v.Vouched != VouchedBeside && v.Vouched != VouchedJournal {
		fmt.Fprintln(w, p.T("selection.verify.not_believed", "journal", v.Beside))
	}
	fmt.Fprintln(w, p.T("selection.verify.signed."+v.Statement.ExecutorKey, "name", keyPerson(v.Statement.Executor)))
	if err := v.Statement.tell(w, p); err != nil {
		return err
	}
	if v.Uses > 0 {
		fmt.Fprintln(w, p.T("selection.verify.uses", "n", v.Uses, "this", v.Use))
	}
	if v.Opened+v.NotOpened > 0 {
		fmt.Fprintln(w, p.T("selection.verify.opened", "n", v.Opened, "refused", v.NotOpened))
	}
	if len(v.Strange) > 0 {
		fmt.Fprintln(w, p.T("selection.verify.strange", "files", strings.Join(v.Strange, ", ")))
	}
	for _, code := range v.Unchecked {
		fmt.Fprintln(w, p.T("selection.verify.unchecked."+code))
	}
	return nil
}
