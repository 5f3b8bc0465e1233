package asset

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// importCommand is "noroshi asset import FILE [--dry-run] [--remove]": exit 3
// when rows are invalid, and then nothing has changed.
func importCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var dry, remove bool
	c := &cobra.Command{
		Use: "import FILE", Short: p.T("asset.cli.import"), Long: p.T("asset.cli.import.long"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			raw, err := cli.ReadFile(args[0], MaxFile)
			if err != nil {
				return err
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			q := url.Values{"name": {filepath.Base(args[0])}, "remove": {strconv.FormatBool(remove)}}
			var v Preview
			if err := hub.Do(c.Context(), "POST", "/api/v1/asset-imports?"+q.Encode(), raw, &v, ""); err != nil {
				return err
			}
			if v.Counts.Invalid > 0 || dry {
				if err := env.Emit(v, func(w io.Writer, p text.Printer) error { return v.writeText(w, p) }); err != nil {
					return err
				}
				if n := v.Counts.Invalid; n > 0 {
					return fault.New(fault.Unmet, "asset.plan.invalid", "n", n)
				}
				return nil
			}
			var done Applied
			if err := hub.Do(c.Context(), "POST", "/api/v1/asset-imports/"+url.PathEscape(v.Token)+"/apply", struct{}{}, &done, v.Token); err != nil {
				return err
			}
			return env.Emit(done, func(w io.Writer, p text.Printer) error {
				sayEncoding(w, p, v.File)
				_, err := fmt.Fprintln(w, p.T("asset.cli.applied", "added", done.Counts.Added, "changed", done.Counts.Changed, "removed", done.Counts.Removed, "unchanged", done.Counts.Unchanged))
				return err
			})
		},
	}
	c.Flags().BoolVar(&dry, "dry-run", false, p.T("asset.cli.dry"))
	c.Flags().BoolVar(&remove, "remove", false, p.T("asset.cli.remove"))
	env.HubFlags(c)
	return c
}

// sayEncoding says as what the text of a list was read, so that a person can
// look when its words come out wrong.
func sayEncoding(w io.Writer, p text.Printer, f File) {
	if f.Encoding != "" {
		fmt.Fprintln(w, p.T("asset.check.encoding", "encoding", f.Encoding))
	}
}

// writeText writes a preview for a person, row by row.
func (v *Preview) writeText(w io.Writer, p text.Printer) error {
	var b strings.Builder
	c := v.Counts
	fmt.Fprintln(&b, p.T("asset.cli.preview", "file", v.Name, "rows", c.Rows, "added", c.Added, "changed", c.Changed, "removed", c.Removed, "duplicate", c.Duplicate, "invalid", c.Invalid))
	sayEncoding(&b, p, v.File)
	for i := range v.Rows {
		r := &v.Rows[i]
		place := r.Place
		if r.Row > 0 && v.File.Format != FormatCycloneDX {
			place = p.T("asset.check.row", "n", strconv.Itoa(r.Row))
		}
		fmt.Fprintln(&b, strings.TrimSpace(strings.Join([]string{place, p.T("asset.outcome." + string(r.Outcome)), r.Key, r.Maker, r.Product}, "  ")))
		for _, pl := range r.Problems {
			fmt.Fprintln(&b, "    "+sayPlace(p, pl))
		}
		for _, ch := range r.Changes {
			name, from, to := sayChange(p, ch)
			fmt.Fprintln(&b, "    "+p.T("asset.statement.change_line", "field", name, "from", from, "to", to))
		}
		if r.SameAs != "" {
			fmt.Fprintln(&b, "    "+p.T("asset.check.same_as", "place", place, "other", r.SameAs))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// items is a page of equipment as the API gives it.
type items struct {
	Items []Entry `json:"items"`
	Next  string  `json:"next"`
}

func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var q, zone, kind, gap string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: p.T("asset.cli.list"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			query := url.Values{}
			for k, v := range map[string]string{"q": q, "zone": zone, "kind": kind, "gap": gap} {
				if v != "" {
					query.Set(k, v)
				}
			}
			all := items{Items: []Entry{}}
			for {
				query.Set("limit", strconv.Itoa(max(1, min(500, limit-len(all.Items)))))
				var page items
				if err := hub.Do(c.Context(), "GET", "/api/v1/assets?"+query.Encode(), nil, &page, ""); err != nil {
					return err
				}
				all.Items, all.Next = append(all.Items, page.Items...), page.Next
				if query.Set("cursor", page.Next); page.Next == "" || len(all.Items) >= limit {
					break
				}
			}
			return env.Emit(all, func(w io.Writer, p text.Printer) error {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				var heads []string
				fields := []Field{FieldKey, FieldKind, FieldMaker, FieldProduct, FieldVersion, FieldZone, FieldQuantity, FieldOperatedBy, FieldSupportEnds}
				for _, f := range fields {
					heads = append(heads, p.T("asset.field."+f.String()))
				}
				fmt.Fprintln(t, strings.Join(heads, "\t"))
				for i := range all.Items {
					var cells []string
					for _, f := range fields {
						cells = append(cells, SayValue(p, &all.Items[i].Item, f))
					}
					fmt.Fprintln(t, strings.Join(cells, "\t"))
				}
				return t.Flush()
			})
		},
	}
	f := c.Flags()
	f.StringVar(&q, "search", "", p.T("asset.cli.search"))
	f.StringVar(&zone, "zone", "", p.T("asset.cli.zone"))
	f.StringVar(&kind, "kind", "", p.T("asset.cli.kind"))
	f.StringVar(&gap, "gap", "", p.T("asset.cli.gap"))
	f.IntVar(&limit, "limit", 100, p.T("asset.cli.limit"))
	env.HubFlags(c)
	return c
}

// scopeFlags are the answers to the scope check on a command line.
type scopeFlags struct{ designated, used, affects string }

func (s *scopeFlags) given() bool { return s.designated != "" || s.used != "" || s.affects != "" }

// over returns the answers of a register with those on the command line put
// over them; what nobody answered is unknown.
func (s *scopeFlags) over(f ScopeFacts) ScopeFacts {
	put := func(now *Answer, flag string) {
		if flag != "" {
			*now = Answer(flag)
		} else if *now == "" {
			*now = Unknown
		}
	}
	put(&f.Designated, s.designated)
	put(&f.Used, s.used)
	put(&f.Affects, s.affects)
	return f
}

// statementCommand is "noroshi asset statement": the next statement as it
// stands; with --submit it is submitted, with --out its forms are saved. The
// flags of scope answer for the whole register first.
func statementCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var submit bool
	var sector, out string
	var scope scopeFlags
	c := &cobra.Command{
		Use: "statement", Short: p.T("asset.cli.statement"), Long: p.T("asset.cli.statement.long"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var d DraftMade
			draft := func() error {
				d = DraftMade{}
				return hub.Do(c.Context(), "GET", "/api/v1/statement-draft?"+url.Values{"sector": {sector}}.Encode(), nil, &d, "")
			}
			if err := draft(); err != nil {
				return err
			}
			if scope.given() {
				if err := hub.Do(c.Context(), "PUT", "/api/v1/asset-scope", scope.over(d.Register.Facts), nil, ""); err != nil {
					return err
				}
				if err := draft(); err != nil {
					return err
				}
			}
			if d.Statement == nil {
				if err := env.Emit(d, func(w io.Writer, _ text.Printer) error { return nil }); err != nil {
					return err
				}
				if d.Code == codeNothing || d.Code == codeOutside {
					env.Say(d.Code)
					return nil
				}
				if n := d.Verdicts[ScopeUnsure]; n > 0 {
					return fault.New(fault.Unmet, "asset.cli.unsure", "n", n)
				}
				return fault.New(fault.Unmet, "asset.cli.blocked", "why", d.Blocked)
			}
			if n := d.Verdicts[ScopeUnsure]; n > 0 { // the statement is not about them
				env.Say("asset.cli.unsure", "n", n)
			}
			if !submit {
				return env.Emit(d, func(w io.Writer, p text.Printer) error { return writeDraft(w, d.Statement, p) })
			}
			var got Submitted
			if err := hub.Do(c.Context(), "POST", "/api/v1/statements", SubmitInput{sector, d.Register.Revision}, &got, fmt.Sprintf("%s-%d", d.Register.Org, d.Register.Revision)); err != nil {
				return err
			}
			if out != "" {
				if err := saveForms(c.Context(), hub, got.Notice, out); err != nil {
					return err
				}
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("asset.cli.submitted", "n", got.Notice.Number, "entry", got.Receipt.Entry))
				return err
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&submit, "submit", false, p.T("asset.cli.submit"))
	f.StringVar(&sector, "sector", "", p.T("asset.cli.sector"))
	f.StringVar(&out, "out", "", p.T("asset.cli.out"))
	f.StringVar(&scope.designated, "designated", "", p.T("asset.cli.designated"))
	f.StringVar(&scope.used, "used", "", p.T("asset.cli.used"))
	f.StringVar(&scope.affects, "affects", "", p.T("asset.cli.affects"))
	env.HubFlags(c)
	return c
}

func writeDraft(w io.Writer, s *Statement, p text.Printer) error {
	var b strings.Builder
	fmt.Fprintln(&b, p.T("asset.statement.title"), p.T("asset.statement.number", "n", s.Number))
	fmt.Fprintln(&b, p.T("asset.statement.counts_text", "introduced", s.Counts.Introduced, "changed", s.Counts.Changed, "withdrawn", s.Counts.Withdrawn))
	for i := range s.Entries {
		e := &s.Entries[i]
		fmt.Fprintln(&b, strings.Join([]string{strconv.Itoa(e.No), p.T("asset.event." + string(e.Event)), e.Item.Key, e.Item.Maker, e.Item.Product, e.Due.Say(p)}, "  "))
		for _, ch := range e.Changes {
			name, from, to := sayChange(p, ch)
			fmt.Fprintln(&b, "    "+p.T("asset.statement.change_line", "field", name, "from", from, "to", to))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func saveForms(ctx context.Context, hub *fetch.Hub, n Notice, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save forms: %w", err)
	}
	for _, format := range []string{"xlsx", "json", "html"} {
		var raw []byte
		if err := hub.Do(ctx, "GET", "/api/v1/statements/"+url.PathEscape(n.ID)+"/form?format="+format, nil, &raw, ""); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "statement-"+strconv.Itoa(n.Number)+"."+format), raw, 0o600); err != nil {
			return fmt.Errorf("save forms: %w", err)
		}
	}
	return nil
}
