package notice

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// closedCommand is "noroshi notice closed [ORG --key FILE [--to age1…] | ORG
// --end]": who is behind a closed network.
func closedCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var key, to string
	var end bool
	c := &cobra.Command{
		Use: "closed [ORG]", Short: p.T("notice.cli.closed"), Long: p.T("notice.cli.closed.long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 && (key == "") != end {
				return fault.New(fault.Usage, "notice.cli.closed.what")
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				var got listed[ClosedNetwork]
				if err := hub.Do(c.Context(), "GET", "/api/v1/closed-networks?limit=500", nil, &got, ""); err != nil {
					return err
				}
				return env.Emit(got, func(w io.Writer, p text.Printer) error {
					t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
					for _, n := range got.Items {
						fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", n.Org, n.Number, n.Name, p.Time(n.At))
					}
					return t.Flush()
				})
			}
			path := "/api/v1/closed-networks/" + url.PathEscape(args[0])
			if end {
				if err := hub.Do(c.Context(), "DELETE", path, nil, nil, ""); err != nil {
					return err
				}
				return env.Emit(map[string]string{"org": args[0]}, func(w io.Writer, p text.Printer) error {
					_, err := fmt.Fprintln(w, p.T("notice.cli.reopened"))
					return err
				})
			}
			raw, err := cli.ReadFile(key, 4096)
			if err != nil {
				return err
			}
			var got ClosedNetwork
			if err := hub.Do(c.Context(), "PUT", path, ClosedInput{Key: strings.TrimSpace(string(raw)), To: to}, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("notice.cli.closed.done", "name", got.Name))
				return err
			})
		},
	}
	c.Flags().StringVar(&key, "key", "", p.T("notice.cli.flag.key"))
	c.Flags().StringVar(&to, "to", "", p.T("notice.cli.flag.to"))
	c.Flags().BoolVar(&end, "end", false, p.T("notice.cli.flag.end"))
	env.HubFlags(c)
	return c
}
