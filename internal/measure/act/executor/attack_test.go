package executor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/act/driver"
)

// contacts counts the contacts of a process with its hub within a second.
func (w *world) contacts(h *Hand) (n int) {
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	w.mu.Lock()
	w.asked = nil
	w.mu.Unlock()
	if err := h.Run(ctx, w, nil); err != nil {
		w.t.Error(err)
	}
	for _, a := range w.asked {
		if a == "POST /api/v1/act-work" {
			n++
		}
	}
	return n
}

// Equipment that does not forget costs neither the hub nor the journal a storm.
func TestNoStormWhileItStays(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.box.deaf = true
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "誤り。")
	w.must(err)
	before := h.journal.size
	if n := w.contacts(h); n > 20 {
		t.Errorf("%d contacts in a second, %d bytes of journal", n, h.journal.size-before)
	}
}

// A hub that was put back and does not know an order is not stormed either.
func TestNoStormAtAHubPutBack(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.must(w.DB.Write(context.Background(), dbPutBack(o.ID)))
	if n := w.contacts(h); n > 20 {
		t.Errorf("%d contacts in a second", n)
	}
}

// A journal that is full keeps nothing held beyond its end, and ends nothing else.
func TestFullJournalStillEnds(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	w.live(h, "bad.example")
	h.journal.size = maxJournal
	w.Clock.Pass(2 * time.Hour)
	h.looked = h.clock.Now() // not by looking
	_ = h.Tend(context.Background())
	w.holds()
}

// A full journal refuses a new order; the process goes on to end what it holds.
func TestFullJournalGoesOn(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	w.live(h, "bad.example")
	o := w.ask("worse.example")
	w.round(h)
	w.approve(o)
	h.journal.size = fullJournal + 1
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	if err := h.Run(ctx, w, nil); err != nil {
		t.Errorf("the process ended: %v", err)
	}
}

// A full disk keeps nothing held beyond its end.
func TestFullDiskStillEnds(t *testing.T) {
	w := newWorld(t)
	full := false
	w.inject = func(string) error {
		if full {
			return errors.New("no space left on device")
		}
		return nil
	}
	h := w.open()
	w.live(h, "bad.example")
	full = true
	w.Clock.Pass(2 * time.Hour)
	h.looked = h.clock.Now() // not by looking
	_ = h.Tend(context.Background())
	w.holds()
	h.Close()
}

// Two failures in a row behind the same line, such as a full disk, do not make a
// journal unreadable.
func TestHeadLagsOnce(t *testing.T) {
	w := newWorld(t)
	fails := false
	w.inject = func(step string) error {
		if fails && step == "write "+headName+".new" {
			return errors.New("no space left on device")
		}
		return nil
	}
	h := w.open()
	w.live(h, "bad.example")
	h.Close()
	for range 2 {
		fails = true
		x, err := Open(context.Background(), w.config())
		if err == nil {
			_ = x.write(Line{What: Numbered, Number: x.book.number})
			x.Close()
		}
		fails = false
	}
	h, err := Open(context.Background(), w.config())
	if err != nil {
		t.Fatalf("the folder is lost: %v", err)
	}
	h.Close()
}

// Without its head, a journal is not believed.
func TestHeadTakenAway(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	w.live(h, "bad.example")
	h.Close()
	w.must(os.Remove(filepath.Join(w.dir, "hand", headName)))
	if x, err := Open(context.Background(), w.config()); code(err) != ErrJournal.Code {
		t.Errorf("%v", err)
		if err == nil {
			x.Close()
		}
	}
}

// What is added to the guard while it is held back, is let go at the next start.
func TestGuardGrows(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	o := w.live(h, "bad.example")
	h.Close()
	c := w.config()
	c.Guard.Names = append(c.Guard.Names, "bad.example")
	h, err := Open(context.Background(), c)
	w.must(err)
	defer h.Close()
	w.holds()
	w.round(h)
	if v := w.show(o.ID); !(v.State == act.Failed || v.State == act.Undone) {
		t.Errorf("%s %s", v.State, v.Reason)
	}
}

// An order whose list is lost ends nevertheless, and holds up no other.
func TestListLost(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.must(os.Remove(filepath.Join(w.dir, "hand", targetFile(o.Task))))
	next := w.ask("worse.example")
	w.round(h)
	w.approve(next)
	w.round(h)
	w.stands(next.ID, act.Live)
	w.Clock.Pass(3 * time.Hour)
	_ = h.Tend(context.Background())
	w.holds()
}

// Lists of what was only tried, or failed, do not stay.
func TestListsDoNotPile(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	for i := range 3 {
		o := w.ask(fmt.Sprintf("bad%d.example", i))
		w.round(h)
		_, err := w.acts.Withdraw(w.as("reporter", gate.OperatorReporter), o.ID, "試行のみ。")
		w.must(err)
	}
	dir := filepath.Join(w.dir, "hand", "targets")
	lists, err := os.ReadDir(dir)
	w.must(err)
	for _, f := range lists {
		w.must(os.Chtimes(filepath.Join(dir, f.Name()), time.Time{}, time.Now().Add(-2*time.Hour)))
	}
	w.Clock.Pass(2 * time.Hour)
	w.must(h.Tend(context.Background()))
	left, err := os.ReadDir(dir)
	w.must(err)
	if len(left) > 0 {
		t.Errorf("%d lists of orders that are over", len(left))
	}
}

// What nobody put on an order's account does not keep orders from ending.
func TestNobodysRule(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.live(h, "bad.example")
	w.must(w.box.Apply(context.Background(), []driver.Rule{{Kind: driver.Sinkhole, Name: "nobody.example"}}, nil))
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "終わり。")
	w.must(err)
	w.round(h)
	w.stands(o.ID, act.Undone)
	for range 2 { // what is there at two looks does not lag behind
		w.Clock.Pass(time.Minute)
		w.must(h.Tend(context.Background()))
	}
	w.holds()
	w.round(h)
	if n := w.Entries(t, "act.alarm", "done"); n == 0 {
		t.Error("nobody heard that the equipment holds what nobody ordered")
	}
}

// A guard of mapped addresses guards.
func TestGuardMapped(t *testing.T) {
	for _, g := range []string{"::ffff:192.0.2.1", "::ffff:192.0.2.0/120", "192.0.2.1"} {
		guard, err := newGuard(Guarded{Prefixes: []string{g}})
		if err != nil {
			continue // refused is as good
		}
		for _, to := range []string{"192.0.2.0/28", "64:ff9b::c000:200/120", "2002:c000:200::/40"} {
			p, err := netip.ParsePrefix(to)
			if err != nil {
				t.Fatal(err)
			}
			if guard.check([]driver.Rule{{Kind: driver.Filter, To: p}}) == nil {
				t.Errorf("guard %s, rule to %s: told", g, to)
			}
		}
	}
}

// The second time that somebody meddles is told like the first.
func TestToldAgain(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	w.live(h, "bad.example")
	alien := []driver.Rule{{Order: "x", Kind: driver.Sinkhole, Name: "nobody.example"}}
	var n [2]int
	for i := range n {
		w.must(w.box.Apply(context.Background(), alien, nil))
		w.Clock.Pass(24 * time.Hour / 20)
		w.must(h.Tend(context.Background()))
		w.round(h)
		n[i] = w.Entries(t, "act.alarm", "done")
	}
	if n[0] == 0 || n[1] == n[0] {
		t.Errorf("alarms after each: %v", n)
	}
}

// Orders that no dry run comes back for keep nothing from being undone.
func TestUndoIsFirst(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	for i := range 25 {
		_, err := w.acts.Ask(w.as("reporter", gate.OperatorReporter), act.Ask{Kind: driver.Proxy, Targets: []string{fmt.Sprintf("x%d.example", i)}, Hours: 2, Grounds: "試し。", Basis: act.OwnBasis})
		w.must(err)
	}
	h.Equipment[0].Kinds = []driver.Kind{driver.Sinkhole}
	o := w.live(h, "bad.example")
	_, err := w.acts.Undo(w.as("reporter", gate.OperatorReporter), o.ID, "終わり。")
	w.must(err)
	j, err := w.acts.Work(w.machine("machine"), act.Contact{Actuator: h.Actuator(), Kinds: driver.Kinds, Number: h.book.number, Holds: []act.Held{}})
	w.must(err)
	for _, raw := range j.Told {
		if strings.Contains(raw, `"what":"undo"`) {
			return
		}
	}
	t.Errorf("%d instructions, none of which undoes", len(j.Told))
}

// An alarm about something else does not hide that nobody knows what came of an
// intent.
func TestNoOutcomeIsToldAnyway(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.ask("bad.example")
	w.round(h)
	w.approve(o)
	_, err := w.acts.Take(w.machine("machine"), o.ID, act.Claim{Actuator: h.Actuator()})
	w.must(err)
	w.must(w.acts.Warn(w.machine("machine"), act.Warning{Actuator: h.Actuator(), What: "forged", Order: o.ID}))
	w.Clock.Pass(6 * time.Minute)
	_, err = w.acts.Tick(context.Background())
	w.must(err)
	for _, p := range w.show(o.ID).Past {
		if p.Act == "alarm" && p.Said == "no_outcome" {
			return
		}
	}
	t.Error("no alarm no_outcome")
}

// Routers discard for nobody who has registered no network.
func TestFlowWithoutOwn(t *testing.T) {
	w := newWorld(t)
	for _, k := range []driver.Kind{driver.FlowSpec, driver.Blackhole} {
		if _, err := w.acts.Ask(w.as("reporter", gate.OperatorReporter), act.Ask{Kind: k, Targets: []string{"203.0.113.0/32"}, Hours: 2, Grounds: "試し。", Basis: act.OwnBasis}); err == nil {
			t.Errorf("%s of another's address is asked for", k)
		}
	}
}

// All of a protocol's addresses are not held back by another name.
func TestEverythingByAnotherName(t *testing.T) {
	w := newWorld(t)
	for _, target := range []string{"64:ff9b::/96", "::ffff:0:0/96", "::ffff:1.2.3.0/120", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/0", "::/0", "64:ff9b:1::/48", "2002::/16", "010.0.0.0/8", "fe80::1%eth0", "2000::/3"} {
		if o, err := w.acts.Ask(w.as("reporter", gate.OperatorReporter), act.Ask{Kind: driver.Filter, Targets: []string{target}, Hours: 2, Grounds: "試し。", Basis: act.OwnBasis}); err == nil {
			t.Errorf("%s is asked for as %v", target, o.Words.Sample)
		}
	}
}

// What equipment says steers no terminal, and its reasons stand in the ledger as
// codes alone.
func TestEquipmentsWords(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o := w.ask("bad.example")
	d := act.Dried{Actuator: h.Actuator(), Digest: o.Digest, Rules: 1, Lines: []string{"\x1b]0;x\x07+\x1b[2J\u202Ebad.example\r\n"}, Fits: true, Says: "\x1b[31mno\x00"}
	_, err := w.acts.Work(w.machine("machine"), act.Contact{Actuator: h.Actuator(), Name: "\x1b[2Jdevice", Kinds: driver.Kinds, Holds: []act.Held{}})
	w.must(err)
	_, err = w.acts.Dry(w.machine("machine"), o.ID, d)
	w.must(err)
	v := w.show(o.ID)
	list, err := w.acts.Actuators(w.as("admin", gate.OperatorAdmin))
	w.must(err)
	said := v.Shown.Says + strings.Join(v.Shown.Lines, "") + fmt.Sprint(list)
	if strings.ContainsAny(said, "\x1b\x00\x07\r\n\u202e") {
		t.Errorf("%q", said)
	}
	d.Fits, d.Reason = false, "被害者の名前は山田 \x1b[2J"
	if _, err = w.acts.Dry(w.machine("machine"), o.ID, d); err == nil && w.show(o.ID).Reason == d.Reason {
		t.Errorf("free words as a reason, which the ledger says in clear")
	}
}

// A reason is words.
func TestOverrideIsWords(t *testing.T) {
	w := newWorld(t)
	h := w.open()
	defer h.Close()
	o, err := w.acts.Ask(w.as("reporter", gate.OperatorReporter), act.Ask{Kind: driver.Filter, Targets: []string{"8.8.8.8"}, Hours: 2, Grounds: "試し。", Basis: act.OwnBasis})
	w.must(err)
	if o.WarnedCount == 0 {
		t.Skip("no warning list names it")
	}
	w.round(h)
	if _, err := w.acts.Approve(w.as("admin", gate.OperatorAdmin), o.ID, act.Decision{Digest: o.Digest, Override: "。"}); err == nil {
		t.Error("overridden without a word")
	}
}

// A hub that was taken over orders nothing for longer than this machine lets
// anything last.
func TestLongest(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Longest = time.Hour
	h, err := Open(context.Background(), c)
	w.must(err)
	defer h.Close()
	o := w.ask("bad.example") // two hours
	w.round(h)
	if v := w.show(o.ID); v.Shown == nil || v.Shown.Fits || v.Shown.Reason != ErrLong.Code {
		t.Errorf("%+v", v.Shown)
	}
}

// What is tried by a configuration, without a hub, touches nothing and needs
// nobody to tell.
func TestPreviewWithoutAHub(t *testing.T) {
	for section, r := range map[string]driver.Rule{
		"[rpz]\nzone = \"rpz.hub.example\"\nown = [\"hub.example\"]":                                                 {Kind: driver.Sinkhole, Name: "bad.example", Answer: driver.NoDomain},
		"[bgp]\nas = 64512\nrouter_id = \"192.0.2.9\"\nown = [\"203.0.113.0/24\"]\npeers = [\"192.0.2.1 as=64512\"]": {Kind: driver.FlowSpec, To: netip.MustParsePrefix("203.0.113.7/32")},
	} {
		r.Order, r.Until = "0190a000-0000-7000-8000-000000000001", time.Now().Add(time.Hour)
		lines, _, err := Preview("test.toml", []byte("[guard]\nnames = [\"www.wind.example\"]\n"+section), []driver.Rule{r})
		if err != nil || len(lines) == 0 {
			t.Errorf("%.5s: %v, %v", section, lines, err)
		}
	}
}

// A hub that was taken over does not put this machine's clock forward by years.
func TestClockOfTheHub(t *testing.T) {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	c := newClock(func() time.Time { return start }, func() time.Duration { return 0 }, time.Time{})
	c.atLeast(start.Add(20 * time.Hour))
	c.atLeast(start.Add(30 * time.Hour))
	c.atLeast(start.AddDate(70, 0, 0))
	if d := c.Now().Sub(start); d != 20*time.Hour || !c.jumped() {
		t.Errorf("put forward by %s", d)
	}
}
