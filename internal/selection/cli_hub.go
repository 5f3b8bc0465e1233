package selection

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/deid"
)

// HubCommands returns all commands of this noun, those of [Commands] included:
// "selection run" can then redeem an approval of a hub, "selection" has the verbs
// that ask a hub, and "agreement" shows agreements. They use the hub's API with
// the caller's token.
func HubCommands(env *cli.Env) []*cobra.Command {
	p := env.Printer()
	all := Commands(env)
	for _, c := range all {
		if c.Name() != "selection" {
			continue
		}
		for _, sub := range c.Commands() {
			if sub.Name() == "run" {
				withHub(env, p, sub)
			}
		}
		for _, sub := range []*cobra.Command{runsCommand(env, p), sendCommand(env, p), recordsCommand(env, p), receiptsCommand(env, p), listCommand(env, p)} {
			env.HubFlags(sub)
			c.AddCommand(sub)
		}
	}
	return append(all, agreementCommand(env, p))
}

// withHub lets "selection run" take paper and list from a hub: with --approval it
// redeems that approval there, beats while it runs, and hands in records and
// statement; nothing is written on this machine.
func withHub(env *cli.Env, p text.Printer, c *cobra.Command) {
	env.HubFlags(c)
	var m machine
	f := c.Flags()
	f.StringVar(&m.approval, "approval", "", p.T("selection.hub.cli.approval"))
	f.StringVar(&m.link, "link", "", p.T("selection.hub.cli.link"))
	f.BoolVar(&m.madeUp, "made-up", false, p.T("selection.hub.cli.made_up"))
	files := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		if m.approval == "" {
			return files(c, args)
		}
		for _, no := range []string{"order", "selectors", "out", "executor", "deid"} {
			if f.Changed(no) {
				return fault.New(fault.Usage, "selection.hub.cli.not_with", "flag", "--"+no)
			}
		}
		authority, err := f.GetStringSlice("authority")
		if err != nil {
			return err
		}
		m.authority = authority
		if m.domestic, err = f.GetString("domestic"); err != nil {
			return err
		}
		return m.run(c.Context(), env, args)
	}
}

// machine is a run on this machine under an approval of a hub.
type machine struct {
	approval, link, domestic string
	authority                []string
	madeUp                   bool
	say                      func(key string, pairs ...any)

	hub  *fetch.Hub
	at   string // address of the run
	upTo approval.Quantity
	page int64
	buf  bytes.Buffer
	n    int

	vault bytes.Buffer // what pseudonyms stand for: sealed, so that this machine cannot read it again
}

func (m *machine) run(ctx context.Context, env *cli.Env, files []string) (err error) {
	authorities, err := verifiersOf(m.authority)
	if err != nil {
		return err
	}
	if len(authorities) == 0 {
		return fault.New(fault.Usage, "selection.run.needed", "flag", "--authority")
	}
	job := Job{Link: m.link, MadeUp: m.madeUp, Now: env.Now, Program: programHash(), Put: m.put, Reserve: func(q approval.Quantity) error { m.upTo = q; return m.beat(ctx) }, Alive: func() error { return m.beat(ctx) }}
	var table []byte
	if m.domestic != "" {
		if table, err = cli.ReadFile(m.domestic, MaxPrefixes); err != nil {
			return err
		}
	}
	if job.Prefixes, err = ReadPrefixes(m.domestic, table); err != nil {
		return err
	}
	if job.Sources, err = sources(env, files); err != nil {
		return err
	}
	if m.hub, err = env.Hub(); err != nil {
		return err
	}
	var begun Remote
	in := RunInput{Approval: m.approval, Link: m.link, Source: fmt.Sprintf("%d", len(files)), MadeUp: m.madeUp}
	if err := m.hub.Do(ctx, "POST", "/api/v1/selection-runs", in, &begun, ""); err != nil {
		return err
	}
	m.at = "/api/v1/selection-runs/" + begun.Run.ID
	unknown := ""
	job.Unknown = func(why string) { unknown = why }
	m.say = env.Say
	st, run, err := m.carry(ctx, job, begun, authorities)
	if err != nil {
		// Whatever broke, nothing that was handed in may stay.
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer stop()
		return errors.Join(err, m.hub.Do(end, "DELETE", m.at, nil, nil, ""))
	}
	if err := env.Emit(st, st.tell); err != nil {
		return err
	}
	if unknown != "" {
		env.Say("selection.run.all_unknown", "why", env.Printer().T("selection.run.unknown."+unknown))
	}
	env.Say("selection.hub.cli.countersigned", "run", run.ID, "records", run.Records)
	if st.forgot() {
		env.Say("selection.hub.cli.forgotten")
	}
	return nil
}

// carry runs what was begun, and ends it with the statement. A run that the hub
// or a signal ended still ends with one.
func (m *machine) carry(ctx context.Context, job Job, begun Remote, authorities []note.Verifier) (st Statement, run HubRun, err error) {
	job.Run, job.Used = begun.Run.ID, begun.Used
	if job.Grant, err = approval.Open([]byte(begun.Paper), authorities...); err != nil {
		return st, run, err
	}
	for _, c := range job.Grant.Order().Conditions { // before anything is read
		m.say("selection.hub.cli.condition", "say", c)
	}
	var list []byte
	if err := m.hub.Do(ctx, "GET", m.at+"/selectors", nil, &list, ""); err != nil {
		return st, run, err
	}
	if job.Selectors, err = ReadSelectors("list", list); err != nil {
		return st, run, err
	}
	if begun.Vault != "" {
		public, err := deid.ParsePublic([]byte(begun.Vault))
		if err != nil {
			return st, run, err
		}
		if public.Approval != job.Grant.ID() {
			return st, run, ErrVault
		}
		job.Vault, job.Seal = &public, m.seal
	}
	st, err = Run(ctx, job)
	if st.Run == "" || st.Ended == EndOutput {
		return st, run, cmp.Or(err, error(ErrStated))
	}
	if err != nil && !errors.Is(err, context.Canceled) && !isKind(err, fault.Refused) && !errors.Is(err, ErrSource) {
		return st, run, err
	}
	ctx = context.WithoutCancel(ctx)
	if err := m.flush(ctx); err != nil {
		return st, run, err
	}
	if job.Vault != nil && st.Selected.Records > 0 {
		if err := m.sendVault(ctx); err != nil {
			return st, run, err
		}
	}
	return st, run, m.hub.Do(ctx, "POST", m.at+"/statement", st.encode(), &run, "")
}

func (m *machine) beat(ctx context.Context) error {
	return m.hub.Do(ctx, "POST", m.at+"/beat", BeatInput(m.upTo), nil, "")
}

// put gathers records into pages and hands them in.
func (m *machine) put(k Kept) error {
	m.buf.Write(k.Line)
	if m.n++; m.n < MaxPage && m.buf.Len() < MaxPageBytes-maxLineBytes {
		return nil
	}
	return m.flush(context.Background())
}

func (m *machine) flush(ctx context.Context) error {
	if m.n == 0 {
		return nil
	}
	err := m.hub.Do(ctx, "POST", fmt.Sprintf("%s/records/%d", m.at, m.page), m.buf.Bytes(), nil, "")
	clear(m.buf.Bytes())
	m.buf.Reset()
	m.n, m.page = 0, m.page+1
	return err
}

// seal gathers lines of the vault.
func (m *machine) seal(lines []byte) error {
	if m.vault.Len()+len(lines) > deid.MaxVault {
		return deid.ErrFull
	}
	m.vault.Write(lines)
	return nil
}

// sendVault hands the vault in, and says meanwhile that the run goes on.
func (m *machine) sendVault(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		tick := time.NewTicker(silence / 4)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				_ = m.beat(ctx) // what it refuses, the vault and the statement are refused too
			}
		}
	}()
	return m.hub.Do(ctx, "POST", m.at+"/vault", m.vault.Bytes(), nil, "")
}

// runsCommand is "noroshi selection runs [ID]".
func runsCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "runs [ID]", Short: p.T("selection.hub.cli.runs"), Args: cobra.MaximumNArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		if len(args) == 1 {
			var v RunView
			if err := hub.Do(c.Context(), "GET", "/api/v1/selection-runs/"+url.PathEscape(args[0]), nil, &v, ""); err != nil {
				return err
			}
			return env.Emit(v, func(w io.Writer, p text.Printer) error { return tellRun(w, p, v) })
		}
		var list httpd.Page[HubRun]
		if err := hub.Do(c.Context(), "GET", "/api/v1/selection-runs?limit=500", nil, &list, ""); err != nil {
			return err
		}
		return env.Emit(list.Items, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
			for _, r := range list.Items {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\n", r.ID, p.Time(r.StartedAt), p.T("selection.hub.kind."+string(r.Kind)), p.T("selection.hub.state."+string(r.State)), r.Left())
			}
			return t.Flush()
		})
	}}
}

func tellRun(w io.Writer, p text.Printer, v RunView) error {
	r := v.Run
	fmt.Fprintln(w, p.T("selection.hub.web.h1", "kind", p.T("selection.hub.kind."+string(r.Kind)), "at", p.Time(r.StartedAt))+"  "+p.T("selection.hub.state."+string(r.State)))
	fmt.Fprintln(w, p.T("selection.hub.web.kept_n", "records", r.Records, "erased", r.Erased))
	if len(r.Statement) > 0 {
		if st, err := statementOf(r); err == nil {
			if err := st.tell(w, p); err != nil {
				return err
			}
			if st.Seen.Packets > 0 && st.Dropped.Unknown == st.Seen {
				fmt.Fprintln(w, p.T("selection.hub.cli.all_unknown"))
			}
		}
	}
	for _, x := range v.Receipts {
		fmt.Fprintln(w, p.Time(x.At)+"  "+p.T("selection.record.why."+x.Why)+"  "+p.T("selection.record.web.n", "n", x.Records)+"  "+x.Digest)
	}
	return nil
}

// sendCommand is "noroshi selection send": a capture is selected at the hub while
// it is sent, and kept nowhere.
func sendCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var id, link, source string
	c := &cobra.Command{Use: "send --approval ID [--link LINK] PCAP", Short: p.T("selection.hub.cli.send"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		if id == "" {
			return fault.New(fault.Usage, "selection.run.needed", "flag", "--approval")
		}
		in := env.In
		if args[0] != "-" {
			f, err := os.Open(args[0])
			if err != nil {
				return fault.New(fault.Usage, ErrSource.Code, "file", args[0]).Because(err)
			}
			defer f.Close()
			in = f
		}
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		q := url.Values{"approval": {id}, "link": {link}, "source": {source}}
		var r HubRun
		if err := hub.Send(c.Context(), "/api/v1/selection-captures?"+q.Encode(), in, &r); err != nil {
			return err
		}
		return env.Emit(r, func(w io.Writer, p text.Printer) error { return tellRun(w, p, RunView{Run: r}) })
	}}
	c.Flags().StringVar(&id, "approval", "", p.T("selection.hub.cli.approval"))
	c.Flags().StringVar(&link, "link", "", p.T("selection.hub.cli.link"))
	c.Flags().StringVar(&source, "source", "", p.T("selection.hub.cli.source"))
	return c
}

// recordsCommand is "noroshi selection records RUN --purpose P": one JSON object a
// line; every page that is fetched is on the record.
func recordsCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var why Reason
	var selector, disclosure string
	c := &cobra.Command{Use: "records RUN --purpose analyse|warn|measure|other", Short: p.T("selection.hub.cli.records"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		if why.Purpose == "" {
			return ErrReadFirst
		}
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		q := url.Values{"run": {args[0]}, "purpose": {why.Purpose}, "consent": {why.Consent}, "selector": {selector}, "disclosure": {disclosure}, "limit": {"500"}}
		for {
			var list httpd.Page[Stored]
			if err := hub.Do(c.Context(), "GET", "/api/v1/selection-records?"+q.Encode(), nil, &list, ""); err != nil {
				return err
			}
			for _, x := range list.Items {
				if _, err := fmt.Fprintf(env.Out, "%s\n", x.Line); err != nil {
					return err
				}
			}
			if list.Next == "" {
				return nil
			}
			q.Set("cursor", list.Next)
		}
	}}
	c.Flags().StringVar(&why.Purpose, "purpose", "", p.T("selection.hub.cli.purpose"))
	c.Flags().StringVar(&why.Consent, "consent", "", p.T("selection.hub.cli.consent"))
	c.Flags().StringVar(&selector, "selector", "", p.T("selection.hub.cli.selector"))
	c.Flags().StringVar(&disclosure, "disclosure", "", p.T("selection.hub.cli.disclosure"))
	return c
}

// receiptsCommand is "noroshi selection receipts".
func receiptsCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "receipts", Short: p.T("selection.hub.cli.receipts"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var list httpd.Page[Receipt]
		if err := hub.Do(c.Context(), "GET", "/api/v1/selection-receipts?limit=500", nil, &list, ""); err != nil {
			return err
		}
		return env.Emit(list.Items, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
			for _, x := range list.Items {
				fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", p.Time(x.At), p.T("selection.record.why."+x.Why), x.Records, x.Digest)
			}
			return t.Flush()
		})
	}}
}

// listCommand is "noroshi selection list NAME FILE": makes a list at the hub.
func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var act, source, before string
	c := &cobra.Command{Use: "list NAME FILE", Short: p.T("selection.hub.cli.list"), Args: cobra.ExactArgs(2), RunE: func(c *cobra.Command, args []string) error {
		raw, err := cli.ReadFile(args[1], MaxListFile)
		if err != nil {
			return err
		}
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		q := url.Values{"name": {args[0]}, "act": {act}, "source": {source}, "before": {before}}
		var l List
		if err := hub.Do(c.Context(), "POST", "/api/v1/selector-lists?"+q.Encode(), raw, &l, ""); err != nil {
			return err
		}
		return env.Emit(l, func(w io.Writer, p text.Printer) error {
			_, err := fmt.Fprintln(w, l.ID+"  "+p.T("selection.list.state_of."+string(l.State))+"  "+l.SHA256)
			return err
		})
	}}
	c.Flags().StringVar(&act, "act", "", p.T("selection.list.web.act"))
	c.Flags().StringVar(&source, "source", "", p.T("selection.list.web.source"))
	c.Flags().StringVar(&before, "before", "", p.T("selection.hub.cli.before"))
	return c
}
