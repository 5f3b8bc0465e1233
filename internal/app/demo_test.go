package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// built makes the demo's country in a temporary folder, as if it were later.
func built(t *testing.T, seed uint64, later time.Duration) *country {
	t.Helper()
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	h, clock, err := openDemo(t.Context(), words, t.TempDir(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	clock.ahead += later
	c, err := newCountry(h, clock, seed)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := c.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("built in %s", time.Since(began).Round(time.Millisecond))
	return c
}

// as is somebody of a member with a role.
func (c *country) as(t *testing.T, id string, role gate.Role) context.Context {
	t.Helper()
	p, err := c.by[id].with(role, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p.ctx
}

// The demo promises what the issue says: who there is, how much they run, and
// an incident at every stage. All of it is read back as the people see it.
func TestDemoHasEverybodyAndEveryStage(t *testing.T) {
	c := built(t, 1, 0)
	kinds, sectors := map[org.Kind]int{}, map[string]int{}
	for _, m := range c.all {
		kinds[m.orgPlan.Kinds[0]]++
		if m.Is(org.Operator) {
			sectors[m.orgPlan.Sectors[0]]++
		}
	}
	if kinds[org.Operator] < 14 || len(sectors) != 15 || kinds[org.Maker] != 4 || kinds[org.Contractor] != 3 || kinds[org.Supplier] != 10 || kinds[org.Commission] != 1 {
		t.Errorf("kinds %v, sectors %v", kinds, sectors)
	}

	pieces, seen, zones := 0, map[asset.Kind]int{}, map[asset.Zone]int{}
	states, stages, clocks := map[incident.State]int{}, map[incident.Stage]int{}, map[incident.ClockState]int{}
	cases, drafts, clashes, asked, answered, fed, held, acked, read, files := 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
	statements := 0
	for _, m := range c.operators() {
		ctx := c.as(t, m.orgPlan.ID, gate.OperatorReporter)
		o, err := c.h.Assets.Overview(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		pieces += o.Register.Items
		statements += o.Register.Statements
		for _, x := range m.pieces {
			seen[x.Kind]++
			zones[x.zone]++
		}
		list, next, err := c.h.Incidents.List(ctx, incident.Filter{Limit: 100})
		if err != nil || next != "" {
			t.Fatal(err)
		}
		cases += len(list)
		for _, x := range list {
			states[x.State]++
			stages[x.Stage]++
			if !x.HoldAt.IsZero() {
				held++
			}
			v, err := c.h.Incidents.Open(ctx, x.ID, 0, "")
			if err != nil {
				t.Fatal(err)
			}
			files += len(v.Files)
			fed += len(v.Feedback)
			for _, q := range v.Messages {
				if q.From == string(m.Org.ID) {
					answered++
				} else {
					asked++
				}
			}
			for _, d := range v.Deliveries {
				if d.Acked > 0 {
					acked++
				}
			}
			readings, _, err := c.h.Incidents.Readings(ctx, x.ID, "", 100)
			if err != nil {
				t.Fatal(err)
			}
			read += len(readings)
			for _, p := range v.Result.Profiles {
				if p.Ready != incident.ReadyYes {
					continue
				}
				for _, k := range p.Clocks {
					clocks[k.State]++
				}
			}
		}
		ds, err := c.h.Incidents.Drafts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			if d.Case == "" {
				drafts++
			}
			clashes += d.Clashes
		}
	}
	t.Logf("%d pieces, %d statements; %d cases %v %v, %d drafts; clocks %v; acks %d, readings %d, questions %d, answers %d, feedback %d, holds %d, files %d",
		pieces, statements, cases, states, stages, drafts, clocks, acked, read, asked, answered, fed, held, files)
	if pieces < 2000 || len(seen) != len(asset.Kinds()) || len(zones) != len(asset.Zones())+1 {
		t.Errorf("%d pieces of %d kinds in zones %v", pieces, len(seen), zones)
	}
	if cases+drafts != 40 || clashes == 0 || statements < 14 {
		t.Errorf("%d cases and %d drafts, %d clashes, %d statements", cases, drafts, clashes, statements)
	}
	for name, n := range map[string]int{
		"running": clocks[incident.ClockRunning], "soon": clocks[incident.ClockSoon], "late": clocks[incident.ClockLate], "met": clocks[incident.ClockMet],
		"open": states[incident.Open], "closed": states[incident.Closed], "withdrawn": states[incident.Withdrawn],
		"first": stages[incident.First], "follow-up": stages[incident.Followup], "final": stages[incident.Final],
		"waiting": waits(t, c), "supervised": supervised(t, c), "delayed": delayed(t, c),
		"acknowledged": acked, "read": read, "asked": asked, "answered": answered, "feedback": fed, "held": held, "files": files,
	} {
		if n == 0 {
			t.Errorf("none is %s", name)
		}
	}
}

// waits counts the reports that wait for the ministries' stamps.
func waits(t *testing.T, c *country) (n int) {
	for _, m := range c.all {
		if m.Is(org.Ministry) {
			list, _, err := c.h.Incidents.List(c.as(t, m.orgPlan.ID, gate.MinistryClerk), incident.Filter{Waiting: true, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			n += len(list)
		}
	}
	return n
}

// supervised counts the supervisions that reporters were told of.
func supervised(t *testing.T, c *country) (n int) {
	for _, m := range c.operators() {
		ctx := c.as(t, m.orgPlan.ID, gate.OperatorReporter)
		list, _, err := c.h.Incidents.List(ctx, incident.Filter{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			told, err := c.h.Incidents.Supervisions(ctx, x.ID)
			if err != nil {
				t.Fatal(err)
			}
			n += len(told)
		}
	}
	return n
}

// delayed counts the readings that only the commission sees yet.
func delayed(t *testing.T, c *country) (n int) {
	for cursor := ""; ; {
		list, next, err := c.h.Incidents.Readings(c.as(t, "commission", gate.CommissionMember), "", cursor, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if r.HiddenUntil.After(c.now) {
				n++
			}
		}
		if cursor = next; next == "" {
			return n
		}
	}
}

// Every role can be entered in either language, and the log that the seeding
// left behind is whole.
func TestDemoLetsEveryRoleIn(t *testing.T) {
	c := built(t, 7, 200*day+7*time.Hour)
	for _, l := range text.Langs {
		doors, err := c.doors(t.Context(), l, "http://hub.invalid")
		if err != nil {
			t.Fatal(err)
		}
		if len(doors) != len(gate.Roles) {
			t.Errorf("%s: %d of %d roles", l, len(doors), len(gate.Roles))
		}
		for _, d := range doors {
			signed, err := c.h.Orgs.SignInByLink(t.Context(), strings.TrimPrefix(d.URL, "http://hub.invalid/demo/"), org.Device{})
			if err != nil {
				t.Fatalf("%s: %v", d.Role, err)
			}
			who, err := c.h.Orgs.Session(t.Context(), signed.Secret)
			if err != nil || !who.Has(d.Role) || who.Lang != string(l) {
				t.Errorf("%s in %s enters as %v in %s: %v", d.Role, l, who.Roles, who.Lang, err)
			}
		}
	}
	if err := c.h.Ledger.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &story{country: c, ctx: t.Context(), dir: c.h.Config.Hub.DataDir}
	res, err := s.verify(os.DirFS(s.folder()))
	if err != nil || res.Entries < 500 {
		t.Errorf("%d entries: %v", res.Entries, err)
	}
}

// A folder with something in it is left alone.
func TestDemoKeepsOutOfFoldersInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := demoFolder(dir); err == nil || fault.KindOf(err) != fault.Conflict {
		t.Errorf("%v", err)
	}
	made, drop, err := demoFolder("")
	if err != nil {
		t.Fatal(err)
	}
	if err := drop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(made); !os.IsNotExist(err) {
		t.Errorf("the temporary folder stays: %v", err)
	}
}

// The page of the demo lets a visitor in as anybody, again and again.
func TestDemoPageOpensASession(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	h, clock, err := openDemo(t.Context(), words, t.TempDir(), "127.0.0.1:0", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	c, err := newCountry(h, clock, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.found(t.Context(), c.now.AddDate(0, 0, -9), cast...); err != nil {
		t.Fatal(err)
	}
	c.clock.Run()
	h.doors = c.entrances()
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listen(l.Addr().String()); err == nil || fault.KindOf(err) != fault.Conflict {
		t.Errorf("a busy port: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx, l) }()
	base := "http://" + l.Addr().String()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 20 * time.Second}
	read := func(res *http.Response, err error) (int, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(raw)
	}
	status, body := read(client.Get(base + "/demo"))
	if status != http.StatusOK || strings.Count(body, `name="role"`) != len(gate.Roles) {
		t.Errorf("%d, %d roles", status, strings.Count(body, `name="role"`))
	}
	for range 2 {
		status, body = read(client.PostForm(base+"/demo", url.Values{"role": {string(gate.OperatorReporter)}}))
		person, err := c.by["power"].with(gate.OperatorReporter, 0)
		if err != nil {
			t.Fatal(err)
		}
		if status != http.StatusOK || !strings.Contains(body, person.Name) {
			t.Errorf("%d, and %s is not signed in", status, person.Name)
		}
	}
	if status, _ = read(client.PostForm(base+"/demo", url.Values{"role": {"king"}})); status != http.StatusNotFound {
		t.Errorf("a role nobody has: %d", status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
