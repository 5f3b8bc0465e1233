package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/config"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/obs"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// demoCost makes the demo's passwords, which nobody knows, cheap to make.
var demoCost = org.Cost{Memory: 8, Time: 1, Lanes: 1}

// demoFlags is what the demo is asked for.
type demoFlags struct {
	story  bool
	seed   uint64
	listen string
	keep   string
	plant  string
}

func demoCommand(env *cli.Env) *cobra.Command {
	var o demoFlags
	p := env.Printer()
	c := &cobra.Command{
		Use: "demo", Short: p.T("app.demo.short"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			// Whoever reads the first lines only (| head) goes away early; the
			// folder is deleted all the same.
			signal.Ignore(syscall.SIGPIPE)
			if err := plantable(o); err != nil {
				return err
			}
			dir, drop, err := demoFolder(o.keep)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, drop()) }()
			if o.story {
				return storyCommand(cmd.Context(), env, dir, o)
			}
			return serveDemo(cmd.Context(), env, dir, o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.story, "story", false, p.T("app.demo.flag_story"))
	f.Uint64Var(&o.seed, "seed", 1, p.T("app.demo.flag_seed"))
	f.StringVar(&o.listen, "listen", config.Default().Hub.Listen, p.T("app.demo.flag_listen"))
	f.StringVar(&o.keep, "keep", "", p.T("app.demo.flag_keep"))
	f.StringVar(&o.plant, "plant", "none", p.T("app.demo.flag_plant"))
	return c
}

// demoFolder returns the folder to build in, and what to do with it at the
// end: a temporary one is deleted. One that is kept must be new or empty, so
// that nothing of anybody's is mixed with the invented.
func demoFolder(keep string) (dir string, drop func() error, err error) {
	if keep == "" {
		if dir, err = os.MkdirTemp("", "noroshi-demo-"); err != nil {
			return "", nil, fault.New(fault.Usage, "app.demo.folder", "dir", os.TempDir()).Because(err)
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if err := os.MkdirAll(keep, 0o700); err != nil {
		return "", nil, fault.New(fault.Usage, "app.demo.folder", "dir", keep).Because(err)
	}
	have, err := os.ReadDir(keep)
	if err != nil {
		return "", nil, fault.New(fault.Usage, "app.demo.folder", "dir", keep).Because(err)
	}
	if len(have) > 0 {
		return "", nil, fault.New(fault.Conflict, "app.demo.not_empty", "dir", keep)
	}
	return keep, func() error { return nil }, nil
}

// openDemo opens a hub in the folder, with a clock that the demo sets.
func openDemo(ctx context.Context, words *text.Catalog, dir, listen string, log *slog.Logger) (*Hub, *clock, error) {
	cfg := config.Default()
	cfg.Hub.DataDir, cfg.Hub.Listen, cfg.Hub.BaseURL = dir, listen, "http://"+listen
	cfg.Ledger.Origin = "demo.noroshi.invalid/ledger"
	c := newClock(time.Now())
	h, err := OpenHub(ctx, cfg, words, log, Options{Demo: true, Now: c.Now, Cost: demoCost})
	if err != nil {
		return nil, nil, err
	}
	return h, c, publishKey(h, dir)
}

// publishKey puts the verifier key of the ledger where people look for it. The
// signing key stays with the other keys.
func publishKey(h *Hub, dir string) error {
	return os.WriteFile(filepath.Join(dir, "ledger.vkey"), []byte(h.Ledger.VKey+"\n"), 0o644)
}

// serveDemo builds the country and serves it until ctx ends.
func serveDemo(ctx context.Context, env *cli.Env, dir string, o demoFlags) (err error) {
	began := time.Now()
	log, err := obs.NewLog(env.Err, obs.Text, "warn")
	if err != nil {
		return err
	}
	l, err := listen(o.listen) // before the work: a busy port is said at once
	if err != nil {
		return err
	}
	defer l.Close()
	h, clock, err := openDemo(ctx, env.Words, dir, reachable(l.Addr()), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	c, err := newCountry(h, clock, o.seed)
	if err != nil {
		return err
	}
	if err := c.build(ctx); err != nil {
		return err
	}
	doors, err := c.doors(ctx, env.Lang(), "http://"+reachable(l.Addr()))
	if err != nil {
		return err
	}
	h.doors = c.entrances()
	stop := c.box.start(ctx)
	defer stop()
	if err := env.Emit(demoReady{URL: doors[0].at, Seconds: time.Since(began).Seconds(), Doors: doors}, func(w io.Writer, p text.Printer) error {
		return c.welcome(w, p, doors, o)
	}); err != nil {
		return err
	}
	env.Say("app.demo.ready", "url", doors[0].at, "took", time.Since(began).Round(100*time.Millisecond))
	return h.Run(ctx, l)
}

// reachable is an address that a browser on this machine can open.
func reachable(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if ok && t.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(t.Port))
	}
	return a.String()
}

// build makes the whole country: who there is two months ago, what they run
// since, and what happened in the last weeks.
func (c *country) build(ctx context.Context) error {
	if err := c.found(ctx, c.now.AddDate(0, 0, -60)); err != nil {
		return err
	}
	b, err := c.openBox(ctx, "telecom")
	if err != nil {
		return err
	}
	c.box = b
	if err := c.tell(ctx, slices.Concat(c.registers(), c.affairs(c.Incidents), c.warnings(), c.traffic(), c.hunting(ctx), c.power(), c.measures(), b.moments(), c.requests(), c.oversight())); err != nil {
		return err
	}
	c.clock.Run()
	return c.h.Ledger.Settle(ctx)
}

// demoReady is what the demo says in JSON once it can be used.
type demoReady struct {
	URL     string  `json:"url"`
	Seconds float64 `json:"seconds"` // it took
	Doors   []door  `json:"links"`
}

// door is a way in, as somebody.
type door struct {
	Role   gate.Role `json:"role"`
	Org    string    `json:"organisation"`
	Person string    `json:"person"`
	URL    string    `json:"url"` // signs in once; /demo makes more

	at string // the demo's own page
}

// someone is who the demo lets people in as, for a role and a language.
type someone struct {
	role   gate.Role
	lang   text.Lang
	person org.PersonID
	name   string
	org    text.Both
}

// entrances lists one person for each role and language: one who speaks it,
// best where others write it too, and at a lead of their kind.
func (c *country) entrances() (out []someone) {
	for _, role := range gate.Roles {
		for _, l := range text.Langs {
			best, rank := someone{}, -1
			for _, m := range c.all {
				for _, p := range m.people {
					if p.State != org.Active || !p.Has(role) {
						continue
					}
					fit := 0
					for i, yes := range []bool{m.Lead, m.lang() == l, p.Lang == l} {
						if yes {
							fit += 1 << i
						}
					}
					if fit > rank {
						best, rank = someone{role, l, p.ID, p.Name, m.orgPlan.Name}, fit
					}
				}
			}
			if rank >= 0 {
				out = append(out, best)
			}
		}
	}
	return out
}

// doors makes a sign-in link for every role, for people of a language.
func (c *country) doors(ctx context.Context, l text.Lang, base string) (out []door, err error) {
	for _, s := range c.entrances() {
		if s.lang != l {
			continue
		}
		secret, err := c.h.Orgs.SignInLink(ctx, s.person)
		if err != nil {
			return nil, err
		}
		out = append(out, door{s.role, s.org.In(l), s.name, base + "/demo/" + secret, base + "/demo"})
	}
	return out, nil
}

// welcome prints the ways in.
func (c *country) welcome(w io.Writer, p text.Printer, doors []door, o demoFlags) error {
	fmt.Fprintln(w, p.T("app.demo.invented"))
	fmt.Fprintln(w, p.T("app.demo.links"))
	for _, d := range doors {
		fmt.Fprintf(w, "\n  %s  %s  %s\n  %s\n", p.T("org.role."+string(d.Role)), d.Org, d.Person, d.URL)
	}
	fmt.Fprintln(w)
	fmt.Fprintln(w, p.T("app.demo.again", "url", doors[0].at))
	if o.keep != "" {
		fmt.Fprintln(w, p.T("app.demo.kept", "dir", o.keep))
	}
	_, err := fmt.Fprintln(w, p.T("app.demo.stop"))
	return err
}
