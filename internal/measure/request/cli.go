package request

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// maxInput bounds a file of a request or an answer, in bytes.
const maxInput = 1 << 20

// draftExample is the file that draft reads, as its help shows it.
const draftExample = `{"kind": "takedown", "to": {"mail": "abuse@host.example", "provider": "Host Example", "lang": "en"},
  "subject": {"address": "198.51.100.7", "port": 443, "protocol": "tcp", "url": "https://login.bad.example/", "harm": "phishing", "does": "…"},
  "evidence": [{"says": "…", "from": "2026-11-22T01:02:03Z", "lines": "…", "digest": "…"}], "asked": "…", "by": "2026-11-25T00:00:00Z",
  "victim": {"who": "…", "hide": ["…"]}}`

// Commands returns the command "takedown" with its verbs, to stand under "act".
// They use the hub's API with the caller's token and know no more than it tells.
func Commands(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "takedown", Short: p.T("request.cli.short"), Long: p.T("request.cli.long"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	for _, sub := range []*cobra.Command{draftCommand(env, p), previewCommand(env, p), checkCommand(env, p), sendCommand(env, p), listCommand(env, p), statusCommand(env, p), answerCommand(env, p),
		figuresCommand(env, p), findCommand(env, p)} {
		env.HubFlags(sub)
		c.AddCommand(sub)
	}
	return c
}

func at1(id string) string { return "/api/v1/requests/" + url.PathEscape(id) }

// draftCommand is "noroshi act takedown draft FILE.json".
func draftCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var dry bool
	c := &cobra.Command{Use: "draft FILE.json", Short: p.T("request.cli.draft"), Long: p.T("request.cli.draft_long", "example", draftExample), Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var in Draft
			if err := cli.ReadJSON(args[0], maxInput, &in); err != nil {
				return err
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if dry {
				var v Shown
				if err := hub.Do(c.Context(), "POST", "/api/v1/request-previews", in, &v, ""); err != nil {
					return err
				}
				return env.Emit(v, v.print)
			}
			var got Request
			if err := hub.Do(c.Context(), "POST", "/api/v1/requests", in, &got, ""); err != nil {
				return err
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				_, err := fmt.Fprintln(w, p.T("request.cli.drafted", "number", got.Number))
				return err
			})
		}}
	c.Flags().BoolVar(&dry, "dry-run", false, p.T("request.cli.dry"))
	return c
}

// print shows a mail as its reader sees it: its head, its parts, its digest.
func (v Shown) print(w io.Writer, p text.Printer) error {
	for _, h := range [][2]string{{"From", v.From}, {"Reply-To", v.ReplyTo}, {"To", v.To}, {"Subject", v.Subject}, {"Date", v.Date.UTC().Format(time.RFC1123Z)}, {"Message-ID", v.MessageID}, {"Content-Type", v.Type}} {
		if h[1] != "" {
			fmt.Fprintln(w, h[0]+": "+h[1])
		}
	}
	for _, part := range v.Parts {
		fmt.Fprintf(w, "\n--- %s %s\n%s\n", part.Type, part.Name, strings.TrimRight(part.Text, "\n"))
	}
	_, err := fmt.Fprintf(w, "\n%s\n", p.T("request.cli.digest", "digest", v.Digest, "size", v.Size))
	return err
}

// previewCommand is "noroshi act takedown preview ID".
func previewCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var raw string
	c := &cobra.Command{Use: "preview ID", Short: p.T("request.cli.preview"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		v, err := preview(env, c, args[0])
		if err != nil {
			return err
		}
		if raw != "" {
			return os.WriteFile(raw, []byte(v.Raw), 0o600)
		}
		return env.Emit(v, v.print)
	}}
	c.Flags().StringVar(&raw, "raw", "", p.T("request.cli.raw"))
	return c
}

func preview(env *cli.Env, c *cobra.Command, id string) (v Shown, err error) {
	hub, err := env.Hub()
	if err != nil {
		return v, err
	}
	return v, hub.Do(c.Context(), "GET", at1(id)+"/preview", nil, &v, "")
}

// checkCommand is "noroshi act takedown check ID".
func checkCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "check ID", Short: p.T("request.cli.check"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		return acting(env, c, "POST", at1(args[0])+"/check", nil)
	}}
}

// acting makes an act and says where the request then stands.
func acting(env *cli.Env, c *cobra.Command, method, path string, body any) error {
	hub, err := env.Hub()
	if err != nil {
		return err
	}
	var got Request
	if err := hub.Do(c.Context(), method, path, body, &got, ""); err != nil {
		return err
	}
	return env.Emit(got, func(w io.Writer, p text.Printer) error {
		fmt.Fprintln(w, got.Number, p.T("request.state."+string(got.State)))
		if got.Digest != "" {
			fmt.Fprintln(w, p.T("request.cli.digest_only", "digest", got.Digest))
		}
		return nil
	})
}

// sendCommand is "noroshi act takedown send ID --digest HEX": the mail that the
// caller read, and no other.
func sendCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var digest string
	var dry bool
	c := &cobra.Command{Use: "send ID", Short: p.T("request.cli.send"), Long: p.T("request.cli.send_long"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		if dry {
			v, err := preview(env, c, args[0])
			if err != nil {
				return err
			}
			return env.Emit(v, v.print)
		}
		if len(digest) != 64 {
			return fault.New(fault.Usage, "request.cli.needs_digest")
		}
		return acting(env, c, "POST", at1(args[0])+"/send", SendInput{strings.ToLower(digest)})
	}}
	c.Flags().StringVar(&digest, "digest", "", p.T("request.cli.digest_flag"))
	c.Flags().BoolVar(&dry, "dry-run", false, p.T("request.cli.dry"))
	return c
}

func listCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var state string
	var late, closed bool
	c := &cobra.Command{Use: "list", Short: p.T("request.cli.list"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		q := url.Values{"limit": {"100"}, "late": {fmt.Sprint(late)}, "open": {fmt.Sprint(!closed && state == "")}}
		if state != "" {
			q.Set("state", state)
		}
		var got struct {
			Items []Listed `json:"items"`
			Next  string   `json:"next,omitempty"`
		}
		if err := hub.Do(c.Context(), "GET", "/api/v1/requests?"+q.Encode(), nil, &got, ""); err != nil {
			return err
		}
		return env.Emit(got, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, x := range got.Items {
				fmt.Fprintln(t, strings.Join([]string{x.Number, p.T("request.state." + string(x.State)), p.T("request.kind." + string(x.Kind)), p.T("request.harm." + string(x.Harm)), x.Machine, x.Provider}, "\t"))
			}
			return t.Flush()
		})
	}}
	c.Flags().StringVar(&state, "state", "", p.T("request.cli.state"))
	c.Flags().BoolVar(&late, "late", false, p.T("request.cli.late"))
	c.Flags().BoolVar(&closed, "closed", false, p.T("request.cli.closed"))
	return c
}

// statusCommand is "noroshi act takedown status ID".
func statusCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "status ID", Short: p.T("request.cli.status"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var v View
		if err := hub.Do(c.Context(), "GET", at1(args[0]), nil, &v, ""); err != nil {
			return err
		}
		return env.Emit(v, v.print)
	}}
}

func (v View) print(w io.Writer, p text.Printer) error {
	r := &v.Request
	fmt.Fprintln(w, r.Number, p.T("request.state."+string(r.State)), p.T("request.kind."+string(r.Kind)))
	fmt.Fprintln(w, p.T("request.cli.about", "machine", v.Draft.Subject.At(), "harm", p.T("request.harm."+string(r.Harm)), "to", cmp.Or(v.Draft.To.Mail, v.Draft.To.Name)))
	for _, x := range []struct {
		key string
		at  time.Time
	}{{"request.cli.sent_at", r.SentAt}, {"request.cli.by", r.By}, {"request.cli.gone_at", r.GoneAt}} {
		if !x.at.IsZero() {
			fmt.Fprintln(w, p.T(x.key, "at", x.at))
		}
	}
	for _, m := range v.Mails {
		if m.Outcome == Undelivered {
			fmt.Fprintln(w, p.T("request.cli.undelivered", "to", m.To, "why", m.Why))
		}
	}
	for _, h := range v.Past {
		fmt.Fprintln(w, "  "+p.Time(h.At), p.T("request.act."+h.Act), h.Name, h.Says)
	}
	if len(v.Acts) > 0 {
		fmt.Fprintln(w, p.T("request.cli.next", "acts", strings.Join(v.Acts, ", ")))
	}
	return nil
}

// answerCommand is "noroshi act takedown answer ID --says acted --file answer.eml".
func answerCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var in AnswerInput
	var file, says, by, gone string
	c := &cobra.Command{Use: "answer ID", Short: p.T("request.cli.answer"), Long: p.T("request.cli.answer_long"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		in.Says, in.By = Verdict(says), Teller(by)
		if file != "" {
			raw, err := cli.ReadFile(file, maxInput)
			if err != nil {
				return err
			}
			in.Text = string(raw)
		}
		if gone != "" {
			at, err := time.Parse(time.RFC3339, gone)
			if err != nil {
				return fault.New(fault.Usage, "request.cli.time", "flag", "--gone-at")
			}
			in.GoneAt = at
		}
		return acting(env, c, "POST", at1(args[0])+"/answers", in)
	}}
	f := c.Flags()
	f.StringVar(&says, "says", "", p.T("request.cli.says"))
	f.StringVar(&by, "by", "", p.T("request.cli.told_by"))
	f.StringVar(&file, "file", "", p.T("request.cli.file"))
	f.StringVar(&in.Text, "text", "", p.T("request.cli.text"))
	f.StringVar(&gone, "gone-at", "", p.T("request.cli.gone"))
	return c
}

func figuresCommand(env *cli.Env, p text.Printer) *cobra.Command {
	return &cobra.Command{Use: "figures", Short: p.T("request.cli.figures"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		var f Figures
		if err := hub.Do(c.Context(), "GET", "/api/v1/request-figures", nil, &f, ""); err != nil {
			return err
		}
		return env.Emit(f, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			row := func(name string, x Figure) {
				fmt.Fprintln(t, strings.Join([]string{name, fmt.Sprint(x.Sent), fmt.Sprint(x.Answered), fmt.Sprint(x.Gone), fmt.Sprintf("%.1f", hours(x.Median)), fmt.Sprintf("%.1f", hours(x.Ninth)), fmt.Sprint(x.Open)}, "\t"))
			}
			fmt.Fprintln(t, strings.Join([]string{"", p.T("request.figure.sent"), p.T("request.figure.answered"), p.T("request.figure.gone"), p.T("request.figure.median"), p.T("request.figure.ninth"), p.T("request.figure.open")}, "\t"))
			row(p.T("request.figure.all"), f.Total)
			for _, x := range f.Kinds {
				row(p.T("request.kind."+string(x.Kind)), x)
			}
			for _, x := range f.Providers {
				row(x.Provider, x)
			}
			return t.Flush()
		})
	}}
}

// findCommand is "noroshi act takedown find ADDRESS|NAME|ASn".
func findCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var fresh bool
	c := &cobra.Command{Use: "find ADDRESS|NAME|AS64500", Short: p.T("request.cli.find"), Long: p.T("request.cli.find_long"), Args: cobra.ExactArgs(1), RunE: func(c *cobra.Command, args []string) error {
		hub, err := env.Hub()
		if err != nil {
			return err
		}
		in := LookInput{Fresh: fresh}
		var asn uint32
		if _, err := netip.ParseAddr(args[0]); err == nil {
			in.Address = args[0]
		} else if n, _ := fmt.Sscanf(strings.ToUpper(args[0]), "AS%d", &asn); n == 1 {
			in.ASN = asn
		} else {
			in.Name = args[0]
		}
		var f Found
		if err := hub.Do(c.Context(), "POST", "/api/v1/request-contacts", in, &f, ""); err != nil {
			return err
		}
		return env.Emit(f, func(w io.Writer, p text.Printer) error {
			t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			for _, x := range f.Found {
				fmt.Fprintln(t, strings.Join([]string{cmp.Or(x.Mail, x.Form), p.T("request.role." + x.Role), p.T("request.of." + string(x.Of)), x.Provider, x.Server}, "\t"))
			}
			if err := t.Flush(); err != nil {
				return err
			}
			for _, r := range f.Remarks {
				fmt.Fprintln(w, p.T("request.of."+string(r.Of))+": "+p.T("request.remark."+r.Code)+" "+r.Detail)
			}
			return nil
		})
	}}
	c.Flags().BoolVar(&fresh, "fresh", false, p.T("request.cli.fresh"))
	return c
}
