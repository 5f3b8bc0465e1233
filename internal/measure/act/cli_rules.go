package act

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
)

// rulesCommand is "noroshi act rules": the numbers and legal grounds that bind
// own-network orders at a hub, each with where it is from.
func rulesCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "rules", Short: p.T("act.cli.rules"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var n Numbers
		if err := hub.Do(c.Context(), "GET", "/api/v1/act-rules", nil, &n, ""); err != nil {
			return err
		}
		return env.Emit(n, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, x := range n.rows() {
				fmt.Fprintln(t, strings.Join([]string{x.name, strconv.Itoa(x.n.Value), x.n.Source.In(p.Lang)}, "\t"))
			}
			for _, g := range n.Grounds {
				fmt.Fprintln(t, strings.Join([]string{g.ID, g.Name.In(p.Lang), g.Source.In(p.Lang)}, "\t"))
			}
			return t.Flush()
		})
	}}
}
