package incident

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
)

// hubCommands are submit, list and show: they use the hub's API with the
// caller's token and know no more than it tells.
func hubCommands(env *cli.Env) []*cobra.Command {
	out := []*cobra.Command{submitCommand(env), listCommand(env), showCommand(env)}
	for _, c := range out {
		env.HubFlags(c)
	}
	return out
}

// shown is as much of a case as the commands say; --json gives all.
type shown struct {
	Case       CaseItem          `json:"case"`
	Deliveries []Delivery        `json:"deliveries"`
	Names      map[string]string `json:"names"`
	Receipt    struct {
		Entry string `json:"entry"`
	} `json:"receipt"`
	Promise string `json:"promise"`
}

// findCase returns the id of a case that is named by its id or its number.
func findCase(ctx context.Context, hub *fetch.Hub, name string) (ID, error) {
	if name = strings.TrimSpace(name); validID(name) {
		return name, nil
	}
	var got struct {
		Items []CaseItem `json:"items"`
	}
	q := url.Values{"number": {caseNumber(shorten(name))}, "limit": {"1"}}
	if err := hub.Do(ctx, "GET", "/api/v1/incidents?"+q.Encode(), nil, &got, ""); err != nil {
		return "", err
	}
	if len(got.Items) == 0 {
		return "", ErrNone
	}
	return got.Items[0].ID, nil
}

// head says which case it is, how it stands, who has it and who does not.
func (x shown) head(w io.Writer, p text.Printer) {
	fmt.Fprintf(w, "%s  %s  %s\n%s\n", x.Case.Number, p.T("incident.web.state."+string(x.Case.State)), x.Names[x.Case.Org], x.Case.ID)
	for _, d := range x.Deliveries {
		code := "incident.hub.sent"
		if d.Outside() {
			code = "incident.hub.by_hand"
		}
		fmt.Fprintln(w, p.T(code, "name", recipientName(d, x.Names, p), "profile", profileName(d.Profile, p)))
		if !d.AckedAt.IsZero() {
			fmt.Fprintln(w, "  "+p.T("incident.hub.acked", "name", recipientName(d, x.Names, p), "number", d.AckedNumber, "at", p.Time(d.AckedAt)))
		}
	}
}

// deadlines says every clock of the regimes that want the report.
func (res *Result) deadlines(w io.Writer, now time.Time, p text.Printer) {
	for i := range res.Profiles {
		pr := &res.Profiles[i]
		if !pr.running() {
			continue
		}
		for j := range pr.Clocks {
			c := &pr.Clocks[j]
			line := p.T("incident.sheet.pair", "stage", c.StageName.In(p.Lang), "says", c.Say(p))
			if left := c.SayLeft(now, p); left != "" {
				line += "  " + left
			}
			fmt.Fprintln(w, pr.Name.In(p.Lang)+"  "+line)
		}
	}
	fmt.Fprintln(w)
}

func submitCommand(env *cli.Env) *cobra.Command {
	var key string
	c := &cobra.Command{
		Use:   "submit REPORT.json",
		Short: env.Printer().T("incident.hub.submit"),
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			raw, err := cli.ReadFile(args[0], maxReportFile)
			if err != nil {
				return err
			}
			if _, err := DecodeReport(raw); err != nil { // here, where lines and columns are those of the file
				return err
			}
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			if key == "" { // the same file again, after a lost answer, is the same report
				sum := sha256.Sum256(raw)
				key = "report-" + hex.EncodeToString(sum[:16])
			}
			var got json.RawMessage
			if err := hub.Do(c.Context(), "POST", "/api/v1/incidents", raw, &got, key); err != nil {
				return err
			}
			return tell(env, got, func(w io.Writer, p text.Printer, x shown) {
				fmt.Fprintln(w, p.T("incident.hub.submitted", "number", x.Case.Number, "version", x.Case.Version))
				fmt.Fprintln(w, p.T("incident.hub.entry", "entry", x.Receipt.Entry))
				for _, d := range x.Deliveries {
					code := "incident.hub.sent"
					if d.Outside() {
						code = "incident.hub.by_hand"
					}
					fmt.Fprintln(w, p.T(code, "name", recipientName(d, x.Names, p), "profile", profileName(d.Profile, p)))
				}
			})
		},
	}
	c.Flags().StringVar(&key, "key", "", env.Printer().T("incident.hub.key"))
	return c
}

// tell writes the hub's answer: as it came with --json, otherwise in words.
func tell[T any](env *cli.Env, raw json.RawMessage, human func(w io.Writer, p text.Printer, x T)) error {
	return env.Emit(raw, func(w io.Writer, p text.Printer) error {
		var x T
		if err := json.Unmarshal(raw, &x); err != nil {
			return fmt.Errorf("read the hub's answer: %w", err)
		}
		human(w, p, x)
		return nil
	})
}

// profileName is the name of a regime this program knows; a hub may have more.
func profileName(id string, p text.Printer) string {
	if known, ok := Builtin().Get(id); ok {
		return known.Name.In(p.Lang)
	}
	return id
}

// recipientName is the organisation on the hub, or what the profile calls a
// body that is not.
func recipientName(d Delivery, names map[string]string, p text.Printer) string {
	if n := names[d.Org]; n != "" {
		return n
	}
	if known, ok := Builtin().Get(d.Profile); ok {
		for _, rc := range known.Recipients {
			if rc.Role == d.Role {
				return rc.Name.In(p.Lang)
			}
		}
	}
	return string(d.Role)
}

func listCommand(env *cli.Env) *cobra.Command {
	q := url.Values{}
	var waiting bool
	var state, cursor string
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: env.Printer().T("incident.hub.list"),
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for name, v := range map[string]string{"state": state, "cursor": cursor} {
				if v != "" {
					q.Set(name, v)
				}
			}
			if waiting {
				q.Set("waiting", "true")
			}
			q.Set("limit", strconv.Itoa(limit))
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			var got json.RawMessage
			if err := hub.Do(c.Context(), "GET", "/api/v1/incidents?"+q.Encode(), nil, &got, ""); err != nil {
				return err
			}
			type page struct {
				Items []CaseItem `json:"items"`
				Next  string     `json:"next"`
			}
			return tell(env, got, func(w io.Writer, p text.Printer, x page) {
				p.Zone = text.JST // as everywhere else
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				if len(x.Items) > 0 {
					var heads []string
					for _, h := range []string{"number", "id", "kind", "stage", "state", "severity", "updated", "from"} {
						heads = append(heads, p.T("incident.hub.col."+h))
					}
					fmt.Fprintln(t, strings.Join(heads, "\t"))
				}
				for _, i := range x.Items {
					fmt.Fprintln(t, strings.Join([]string{i.Number, i.ID, headline(Dictionary().Kinds, string(i.Kind), p), headline(Dictionary().Stages, string(i.Stage), p),
						p.T("incident.web.state." + string(i.State)), headline(Dictionary().Severities, string(i.Severity), p), p.Time(i.UpdatedAt), i.OrgName}, "\t"))
				}
				_ = t.Flush() // what cannot be written is reported where it is written
				if len(x.Items) == 0 {
					env.Say("incident.hub.none")
				}
				if x.Next != "" {
					env.Say("incident.hub.more", "cursor", x.Next)
				}
			})
		},
	}
	say := env.Printer()
	c.Flags().BoolVar(&waiting, "waiting", false, say.T("incident.hub.waiting"))
	c.Flags().StringVar(&state, "state", "", say.T("incident.hub.state"))
	c.Flags().IntVar(&limit, "limit", 50, say.T("incident.hub.limit"))
	c.Flags().StringVar(&cursor, "cursor", "", say.T("incident.hub.cursor"))
	return c
}

// headline is the wording of a kind, stage or severity; the id when there is
// none.
func headline(list []Heading, id string, p text.Printer) string {
	for _, h := range list {
		if h.ID == id {
			return h.Label.In(p.Lang)
		}
	}
	return id
}

func showCommand(env *cli.Env) *cobra.Command {
	var purpose string
	var version int
	c := &cobra.Command{
		Use:   "show NUMBER|ID",
		Short: env.Printer().T("incident.hub.show"),
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			hub, err := env.Hub()
			if err != nil {
				return err
			}
			id, err := findCase(c.Context(), hub, args[0])
			if err != nil {
				return err
			}
			q := url.Values{"version": {strconv.Itoa(version)}}
			if purpose != "" {
				q.Set("purpose", purpose)
			}
			var got json.RawMessage
			if err := hub.Do(c.Context(), "GET", "/api/v1/incidents/"+url.PathEscape(id)+"?"+q.Encode(), nil, &got, ""); err != nil {
				return err
			}
			type view struct {
				shown
				Report json.RawMessage `json:"report"`
				Result Result          `json:"result"`
			}
			return env.Emit(got, func(w io.Writer, p text.Printer) error {
				var x view
				if err := json.Unmarshal(got, &x); err != nil {
					return fmt.Errorf("read the hub's answer: %w", err)
				}
				r, err := DecodeReport(x.Report)
				if err != nil {
					return fmt.Errorf("read the hub's answer: %w", err)
				}
				p.Zone = text.JST
				x.head(w, p)
				x.Result.deadlines(w, env.Now(), p)
				r.write(w, p)
				return nil
			})
		},
	}
	say := env.Printer()
	c.Flags().StringVar(&purpose, "purpose", "", say.T("incident.hub.purpose"))
	c.Flags().IntVar(&version, "version", 0, say.T("incident.hub.version"))
	return c
}

// write says the report question by question, as the form groups them.
func (r *Report) write(w io.Writer, p text.Printer) {
	d := Dictionary()
	fmt.Fprintf(w, "%s  %s  v%d  %s\n", headline(d.Kinds, string(r.Kind), p), headline(d.Stages, string(r.Stage), p), r.Version, r.TLP.Label())
	for _, g := range d.Groups {
		title := "\n" + g.Label.In(p.Lang) + "\n"
		for _, f := range d.In(g.ID, r.Kind) {
			if v := r.Value(f.ID); v.Answered() {
				fmt.Fprintf(w, "%s  %s: %s\n", title, f.Label.In(p.Lang), strings.ReplaceAll(f.Echo(v, p), "\n", "\n    "))
				title = ""
			}
		}
	}
	fmt.Fprintln(w)
}
