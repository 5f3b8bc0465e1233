package intel

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/intel/feed"
)

// FeedCommands returns the command "feed" with its verbs. csaf reads CSAF
// documents for checks without a hub; it may be nil.
func FeedCommands(env *cli.Env, csaf CSAFReader) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "feed", Short: p.T("intel.cli.feed"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(importCommand(env, p, csaf), statusCommand(env, p), bundleCommand(env, p))
	return c
}

// Commands returns the command "intel" with its verbs.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "intel", Short: p.T("intel.cli.intel"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(addCommand(env, p), showCommand(env, p))
	return c
}

// importCommand is "noroshi feed import PATH|URL": a file or folder is sent to
// the hub, a URL is fetched by the hub. With --check nothing leaves this
// machine: the file is read and what is in it is said.
func importCommand(env *cli.Env, p text.Printer, csaf CSAFReader) *cobra.Command {
	var q Request
	var check bool
	var key string
	c := &cobra.Command{
		Use: "import PATH|URL", Short: p.T("intel.cli.import"), Long: p.T("intel.cli.import.long"), Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && q.Feed == "" {
				return fault.New(fault.Usage, "intel.cli.what")
			}
			if check {
				if len(args) == 0 {
					return fault.New(fault.Usage, "intel.cli.what")
				}
				return checkFeed(c.Context(), env, csaf, args[0])
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if key != "" {
				if len(args) == 0 {
					return fault.New(fault.Usage, "intel.cli.what")
				}
				return takeBundle(c.Context(), env, hub, args[0], key, "")
			}
			var got Imported
			if len(args) == 0 || strings.HasPrefix(args[0], "https://") || strings.HasPrefix(args[0], "http://") {
				if len(args) > 0 {
					q.URL = args[0]
				}
				err = hub.Do(c.Context(), "POST", "/api/v1/feed-fetches", fetchIn(q), &got, "")
			} else {
				err = sendFeed(c.Context(), env, hub, q, args[0], &got)
			}
			if err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error { return got.writeText(w, p) })
		},
	}
	c.Flags().StringVar(&q.Feed, "feed", "", p.T("intel.cli.flag.feed"))
	c.Flags().BoolVar(&q.Whole, "whole", false, p.T("intel.cli.flag.whole"))
	c.Flags().StringVar(&key, "key", "", p.T("intel.cli.flag.key"))
	c.Flags().BoolVar(&check, "check", false, p.T("intel.cli.flag.check"))
	env.HubFlags(c)
	return c
}

func (i *Imported) writeText(w io.Writer, p text.Printer) error {
	c := i.Counts
	if i.Same {
		_, err := fmt.Fprintln(w, p.T("intel.cli.same", "feed", i.Feed, "records", c.Records))
		return err
	}
	_, err := fmt.Fprintln(w, p.T("intel.cli.imported", "feed", i.Feed, "kind", string(i.Kind), "records", c.Records, "added", c.Added, "changed", c.Changed, "removed", c.Removed, "unchanged", c.Unchanged))
	return err
}

// sendFeed sends a file to the hub as it is read; a folder goes as an archive.
func sendFeed(ctx context.Context, env *cli.Env, hub *fetch.Hub, q Request, path string, out any) error {
	info, err := os.Stat(path)
	if err != nil {
		return fault.New(fault.Usage, "intel.cannot_read", "file", path).Because(err)
	}
	name := filepath.Base(path)
	var body io.ReadCloser
	if info.IsDir() {
		name += ".zip"
		r, w := io.Pipe()
		go func() { w.CloseWithError(zipFolder(w, path)) }()
		body = r
	} else if body, err = os.Open(path); err != nil {
		return fault.New(fault.Usage, "intel.cannot_read", "file", path).Because(err)
	}
	defer body.Close()
	to := "/api/v1/feed-imports?" + url.Values{"name": {name}, "feed": {q.Feed}, "whole": {strconv.FormatBool(q.Whole)}}.Encode()
	return hub.Send(ctx, to, &watched{Reader: body, done: env.Progress(info.Size(), p0(env))}, out)
}

func p0(env *cli.Env) string { return env.Printer().T("intel.cli.import") }

// watched tells how far a file has been read.
type watched struct {
	io.Reader
	n    int64
	done func(int64)
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.n += int64(n)
	w.done(w.n)
	return n, err
}

// zipFolder writes the ordinary files of a folder as an archive. Links are not
// followed.
func zipFolder(w io.Writer, root string) error {
	z := zip.NewWriter(w)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != root && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		to, err := z.Create(filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		_, err = io.Copy(to, f)
		return err
	})
	return errors.Join(err, z.Close())
}

// Checked is what a check without a hub found in a file.
type Checked struct {
	Files    []feed.File `json:"files"`
	Products int         `json:"products"` // product keys that statements name
	Newest   string      `json:"newest,omitempty"`
	Clean    bool        `json:"clean"`
	Problem  *Failure    `json:"problem,omitempty"`
}

// checkFeed reads a file or folder and says what is in it: exit 0 when the hub
// would take it, 2 when it is no feed, 3 when it lies.
func checkFeed(ctx context.Context, env *cli.Env, csaf CSAFReader, path string) error {
	b, err := newBodies()
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	var newest string
	files, err := feed.Reader{Now: env.Now(), CSAF: csaf}.Open(ctx, path, func(r *feed.Record) error {
		if err := lies(r, env.Now()); err != nil {
			return err
		}
		row, _, _, err := b.prepare(r)
		for _, k := range row.keys {
			keys[k] = true
		}
		if !r.Modified.IsZero() {
			newest = max(newest, r.Modified.UTC().Format("2006-01-02"))
		}
		return err
	})
	out := Checked{Files: files, Products: len(keys), Newest: newest, Clean: err == nil}
	if out.Files == nil {
		out.Files = []feed.File{}
	}
	if err != nil {
		f := *fault.Of(err)
		if f.Code == "feed.unknown_kind" || f.Code == "feed.empty" { // cannot be parsed, rather than wrong
			f.Kind = fault.Usage
		}
		err = &f
		m := env.Printer().Fault(err)
		out.Problem = &Failure{Code: f.Code, Args: f.Args, Say: m.Title, Hint: m.Hint}
		if !env.JSON() {
			return err
		}
	}
	if e := env.Emit(out, func(w io.Writer, p text.Printer) error {
		for _, f := range out.Files {
			fmt.Fprintln(w, p.T("intel.cli.checked", "name", f.Name, "kind", string(f.Kind), "files", f.Files, "records", f.Records, "withdrawn", f.Withdrawn))
		}
		_, err := fmt.Fprintln(w, p.T("intel.cli.products", "n", out.Products))
		return err
	}); e != nil {
		return e
	}
	return err
}

// statusCommand is "noroshi feed status": exit 3 when a feed is failing or
// stale.
func statusCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := &cobra.Command{
		Use: "status", Short: p.T("intel.cli.status"), Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var got struct {
				Items []Health `json:"items"`
			}
			if err := hub.Do(c.Context(), "GET", "/api/v1/feeds", nil, &got, ""); err != nil {
				return err
			}
			bad := 0
			for _, h := range got.Items {
				if h.State == Failing || h.State == Stale {
					bad++
				}
			}
			err = env.Emit(got, func(w io.Writer, p text.Printer) error {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, strings.Join([]string{p.T("intel.web.feed"), p.T("intel.web.state"), p.T("intel.web.records"), p.T("intel.web.done"), p.T("intel.web.next"), p.T("intel.web.why")}, "\t"))
				for _, h := range got.Items {
					why, done, next := "", "", ""
					if h.Failed != nil {
						why = h.Failed.Say
					}
					if !h.DoneAt.IsZero() {
						done = p.Time(h.DoneAt)
					}
					if !h.NextAt.IsZero() {
						next = p.Time(h.NextAt)
					}
					fmt.Fprintln(t, strings.Join([]string{h.ID, p.T("intel.state." + string(h.State)), p.Number(h.Records), done, next, why}, "\t"))
				}
				return t.Flush()
			})
			if err == nil && bad > 0 {
				err = fault.New(fault.Unmet, "intel.cli.bad", "n", bad)
			}
			return err
		},
	}
	env.HubFlags(c)
	return c
}

// showCommand is "noroshi intel show ID".
func showCommand(env *cli.Env, p text.Printer) *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: p.T("intel.cli.show"), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if uuid.Validate(args[0]) == nil { // ours, and no vulnerability's
				var it Item
				if err := hub.Do(c.Context(), "GET", "/api/v1/intel-items/"+args[0], nil, &it, ""); err != nil {
					return err
				}
				return env.Emit(it, func(w io.Writer, p text.Printer) error { return it.writeText(w, p) })
			}
			var v Shown
			if err := hub.Do(c.Context(), "GET", "/api/v1/vulnerabilities/"+url.PathEscape(args[0]), nil, &v, ""); err != nil {
				return err
			}
			return env.Emit(v, func(w io.Writer, p text.Printer) error { return v.writeText(w, p) })
		},
	}
	env.HubFlags(c)
	return c
}

func (v *Shown) writeText(w io.Writer, p text.Printer) error {
	var b strings.Builder
	fmt.Fprintln(&b, v.ID, v.In(string(p.Lang)))
	line := func(key, value string, by Said) {
		fmt.Fprintln(&b, "  "+p.T(key)+": "+value+" ("+sayBy(p, by)+")")
	}
	if e := v.Exploited; e != nil {
		line("intel.web.exploited", p.Date(e.Added), e.Said)
	}
	if s := v.Severity; s != nil {
		line("intel.web.score", sayScore(s), s.Said)
	}
	if l := v.Likelihood; l != nil {
		line("intel.web.likelihood", sayLikelihood(l), l.Said)
	}
	if d := v.Decision; d != nil {
		line("intel.web.decision", sayDecision(p, d), d.Said)
	}
	for i := range v.Accounts {
		a := &v.Accounts[i]
		fmt.Fprintln(&b, "  - "+sayBy(p, a.Said)+" "+p.Date(a.At))
	}
	fmt.Fprintln(&b, "  "+p.T("intel.web.stated", "n", len(v.Statements)))
	_, err := io.WriteString(w, b.String())
	return err
}
