package exposure

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Commands returns the command "exposure" with its verbs.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "exposure", Short: p.T("exposure.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(listCommand(env, p), showCommand(env, p), rematchCommand(env, p))
	return c
}

// listed is one page of the API's list.
type listed struct {
	Items []Exposure `json:"items"`
	Next  string     `json:"next,omitempty"`
}

// listCommand is "noroshi exposure list": what is open, by what to do next.
func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var q = map[string]*string{}
	var all, exploited bool
	var limit int
	c := &cobra.Command{
		Use: "list", Short: p.T("exposure.cli.list"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			v := url.Values{}
			for name, value := range q {
				if *value != "" {
					v.Set(name, *value)
				}
			}
			if all {
				v.Set("all", "true")
			}
			if exploited {
				v.Set("exploited", "true")
			}
			out := listed{Items: []Exposure{}}
			for limit > len(out.Items) {
				v.Set("limit", strconv.Itoa(min(500, limit-len(out.Items))))
				var got listed
				if err := hub.Do(c.Context(), "GET", "/api/v1/exposures?"+v.Encode(), nil, &got, ""); err != nil {
					return err
				}
				out.Items = append(out.Items, got.Items...)
				if out.Next = got.Next; got.Next == "" {
					break
				}
				v.Set("cursor", got.Next)
			}
			return env.Emit(out, func(w io.Writer, p text.Printer) error { return writeList(w, p, out.Items) })
		},
	}
	f := c.Flags()
	for _, name := range []string{"state", "priority", "kind", "org", "sector", "vulnerability", "sort"} {
		q[name] = f.String(name, "", p.T("exposure.cli."+name))
	}
	f.BoolVar(&all, "all", false, p.T("exposure.cli.all"))
	f.BoolVar(&exploited, "exploited", false, p.T("exposure.cli.exploited"))
	f.IntVar(&limit, "limit", 100, p.T("exposure.cli.limit"))
	env.HubFlags(c)
	return c
}

// writeList writes exposures in a line each, the id last.
func writeList(w io.Writer, p text.Printer, list []Exposure) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i := range list {
		e := &list[i]
		fmt.Fprintln(t, strings.Join([]string{p.T("exposure.priority." + e.Priority.String()), e.What(p), e.Product, e.OrgName, e.Say(p), p.T("exposure.devices", "n", e.Devices), string(e.ID)}, "\t"))
	}
	return t.Flush()
}

// showCommand is "noroshi exposure show ID": why, and which equipment. A CVE id
// lists its exposures.
func showCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: p.T("exposure.cli.show"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if id := strings.ToUpper(strings.TrimSpace(args[0])); strings.HasPrefix(id, "CVE-") {
				var got listed
				if err := hub.Do(c.Context(), "GET", "/api/v1/exposures?"+url.Values{"vulnerability": {id}, "all": {"true"}, "limit": {"500"}}.Encode(), nil, &got, ""); err != nil {
					return err
				}
				if len(got.Items) == 0 {
					return fault.New(fault.NotFound, ErrNone.Code)
				}
				return env.Emit(got, func(w io.Writer, p text.Printer) error { return writeList(w, p, got.Items) })
			}
			var e Exposure
			if err := hub.Do(c.Context(), "GET", "/api/v1/exposures/"+url.PathEscape(args[0]), nil, &e, ""); err != nil {
				return err
			}
			return env.Emit(e, func(w io.Writer, p text.Printer) error { return e.writeText(w, p) })
		},
	}
	env.HubFlags(c)
	return c
}

func (e *Exposure) writeText(w io.Writer, p text.Printer) error {
	var b strings.Builder
	fmt.Fprintln(&b, e.What(p), e.Title)
	fmt.Fprintln(&b, p.T("exposure.priority."+e.Priority.String()), e.Product, e.OrgName, e.Say(p), p.T("exposure.state."+string(e.State)))
	for _, r := range e.Reasons {
		fmt.Fprintln(&b, "  "+r.Say(p))
	}
	if e.Detail != nil {
		for _, l := range e.Detail.Lines {
			zone := p.T("exposure.web.zone." + cmp.Or(l.Zone, "unknown"))
			fmt.Fprintln(&b, "  "+strings.Join([]string{p.T("exposure.devices", "n", l.Devices), l.Version, zone, p.T("exposure.verdict." + l.Verdict), strings.Join(l.Items, " ")}, "  "))
		}
	}
	if j := e.Judgement; j != nil {
		fmt.Fprintln(&b, p.T("exposure.why."+string(j.Justification)), j.Words)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// rematchCommand is "noroshi exposure rematch": everything is matched again on
// the hub; what differed is counted.
func rematchCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := &cobra.Command{
		Use: "rematch", Short: p.T("exposure.cli.rematch"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var r Run
			if err := hub.Do(c.Context(), "POST", "/api/v1/exposure-rematch", struct{}{}, &r, ""); err != nil {
				return err
			}
			return env.Emit(r, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("exposure.cli.rematched", "subjects", r.Counts.Subjects, "rows", r.Counts.Rows, "found", r.Counts.Found, "changed", r.Counts.Changed, "ended", r.Counts.Ended))
				return err
			})
		},
	}
	env.HubFlags(c)
	return c
}
