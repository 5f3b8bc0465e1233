package oversight

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/ledger"
)

// heard is an entry of a ledger that is compared.
type heard struct {
	n      int // of its id; the same in two ledgers is one receipt
	verb   string
	object string
	grant  string
	after  time.Duration
	public map[string]any
}

func (s heard) leaf(t *testing.T) []byte {
	t.Helper()
	at := time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC).Add(s.after)
	ms := at.UnixMilli()
	e := ledger.Entry{V: 1, ID: fmt.Sprintf("%08x-%04x-7%03x-8000-%012x", ms>>16, ms&0xffff, s.n&0xfff, s.n), At: at, Who: "P-1", Org: "O-1", Verb: s.verb, Object: s.object, Grant: s.grant,
		Outcome: ledger.Done, Public: s.public}
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const (
	caseA = "018f2a00-0000-7000-8000-00000000000a"
	runA  = "018f2a00-0000-7000-8000-0000000000aa"
)

func decideSaid(n int, order string) heard {
	return heard{n: n, verb: "approval.decide", object: "approval/" + caseA, after: time.Hour, public: map[string]any{"to": "approved", "order": order, "kind": "ff", "from_at": "2028-03-01T00:00:00Z",
		"until_at": "2028-09-01T00:00:00Z", "packets": 1000, "bytes": 100000}}
}

func beginSaid(n int, order string, after time.Duration) heard {
	return heard{n: n, verb: "selection.run", object: "selection_run/" + runA, grant: caseA, after: after, public: map[string]any{"approval": caseA, "order": order}}
}

func confirmSaid(n int, after time.Duration, stopped bool) heard {
	return heard{n: n, verb: "approval.confirm", object: "approval/" + caseA, grant: caseA, after: after, public: map[string]any{"stopped": stopped}}
}

// TestLedgersAreHeldAgainstEachOther has a commission's, a body's and a carrier's
// ledger tell of one approval, and each way in which they may not agree.
func TestLedgersAreHeldAgainstEachOther(t *testing.T) {
	order, other := strings.Repeat("a", 64), strings.Repeat("b", 64)
	h := time.Hour
	for _, c := range []struct {
		name string
		logs [][]heard
		want []string
	}{
		{"all agree", [][]heard{{decideSaid(1, order)}, {beginSaid(2, order, 3*h)}, {confirmSaid(3, 2*h, false), confirmSaid(4, 9*h, true)}}, nil},
		{"another order", [][]heard{{decideSaid(1, order)}, {beginSaid(2, other, 3*h)}}, []string{divOrder}},
		{"other terms", [][]heard{{decideSaid(1, order)}, {func() heard {
			d := decideSaid(5, order)
			d.public = maps.Clone(d.public)
			d.public["packets"] = 2000
			return d
		}()}}, []string{divTerms}},
		{"nobody approved it", [][]heard{{{n: 1, verb: "approval.ask", object: "approval/" + caseA, public: map[string]any{"kind": "ff"}}}, {beginSaid(2, order, 3*h)}}, []string{divUnapproved}},
		{"nobody approved what a carrier confirms", [][]heard{{decideSaid(9, order)}, {{n: 2, verb: "approval.confirm", object: "approval/" + runA, after: h, public: map[string]any{"carrier": "x"}}}}, []string{divUnapproved}},
		{"after it was revoked", [][]heard{{decideSaid(1, order), {n: 7, verb: "approval.revoke", object: "approval/" + caseA, after: 2 * h, public: map[string]any{"kind": "ff", "from": "approved", "to": "revoked"}}},
			{beginSaid(2, order, 3*h)}}, []string{divEnded}},
		{"within what clocks may differ", [][]heard{{decideSaid(1, order), {n: 7, verb: "approval.revoke", object: "approval/" + caseA, after: 2 * h, public: map[string]any{"kind": "ff", "from": "approved", "to": "revoked"}}},
			{beginSaid(2, order, 2*h+time.Minute)}}, nil},
		{"after the carrier confirmed its stop", [][]heard{{decideSaid(1, order), beginSaid(2, order, 12*h)}, {confirmSaid(4, 9*h, true)}}, []string{divStopped}},
		{"confirmed before it was approved", [][]heard{{decideSaid(1, order)}, {confirmSaid(3, 10*time.Minute, false)}}, []string{divEarly}},
		{"one receipt, two entries", [][]heard{{decideSaid(1, order)}, {func() heard {
			d := decideSaid(1, order)
			d.grant = caseA
			return d
		}()}}, []string{divEntry}},
		{"two statements of one run", [][]heard{{decideSaid(1, order), {n: 5, verb: "selection.run", object: "selection_run/" + runA, after: 4 * h, public: map[string]any{"statement": order}}},
			{{n: 6, verb: "selection.run", object: "selection_run/" + runA, after: 4 * h, public: map[string]any{"statement": other}}}}, []string{divStatement}},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, err := NewComparison()
			if err != nil {
				t.Fatal(err)
			}
			for i, log := range c.logs {
				f := newFolder(t, t.TempDir(), fmt.Sprintf("log.example/%d", i))
				for _, s := range log {
					f.add(t, s.leaf(t))
				}
				if err := all.Add(t.Context(), f.dir, os.DirFS(f.dir), []note.Verifier{f.verifier}); err != nil {
					t.Fatal(err)
				}
			}
			out := all.Close()
			var got []string
			for _, d := range out.Divergences {
				got = append(got, d.Code)
				if d.Object == "" || len(d.Places) == 0 || d.Places[0].Ledger == "" {
					t.Errorf("%+v", d)
				}
			}
			if !slices.Equal(got, c.want) || len(out.Alarms) > 0 || len(out.Ledgers) != len(c.logs) {
				t.Errorf("%v, want %v: %+v", got, c.want, out)
			}
		})
	}
}

// TestLawfulLedgersAgree splits lawful histories between three ledgers: nothing
// diverges, whoever keeps which entries.
func TestLawfulLedgersAgree(t *testing.T) {
	shared := 0
	for seed := range uint64(20) {
		logs := []*logFolder{}
		for i := range 3 {
			logs = append(logs, newFolder(t, t.TempDir(), fmt.Sprintf("log.example/%d", i)))
		}
		parts := make([][][]byte, 3)
		for i, leaf := range lawful(seed, 40) {
			var e entry
			if !e.read(leaf) {
				t.Fatal("no entry")
			}
			to := 0 // the commission's ledger has what it decides, the others what they do
			switch string(nounOf(e.verb)) {
			case "selection":
				to = 1
			case "measure", "act":
				to = 2
			}
			if string(e.verb) == "approval.confirm" {
				to = 2
			}
			parts[to] = append(parts[to], leaf)
			if i%5 == 0 { // and some know the same entries
				parts[(to+1)%3] = append(parts[(to+1)%3], leaf)
			}
		}
		all, err := NewComparison()
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range logs {
			f.add(t, parts[i]...)
			if err := all.Add(t.Context(), f.dir, os.DirFS(f.dir), []note.Verifier{f.verifier}); err != nil {
				t.Fatal(err)
			}
		}
		out := all.Close()
		if len(out.Divergences)+len(out.Alarms) > 0 {
			t.Errorf("seed %d: %+v", seed, out.Divergences[:min(3, len(out.Divergences))])
		}
		shared += out.Shared
	}
	if shared == 0 {
		t.Error("no approval is in two ledgers")
	}
}

// TestTwoCopiesOfALog are of one history, or the log shows two.
func TestTwoCopiesOfALog(t *testing.T) {
	leaves := lawful(2, 20)
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, leaves[:100]...)
	older := t.TempDir()
	if err := os.CopyFS(older, os.DirFS(log.dir)); err != nil {
		t.Fatal(err)
	}
	log.add(t, leaves[100:150]...)
	fork := &logFolder{dir: t.TempDir(), signer: log.signer, verifier: log.verifier}
	fork.add(t, leaves[:99]...)
	fork.add(t, leaves[100:110]...)
	broken := t.TempDir()
	if err := os.CopyFS(broken, os.DirFS(older)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(broken + "/tile/entries"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		a, b   string
		splits int
		alarms bool
	}{{"a copy that is behind", older, log.dir, 0, false}, {"the other way round", log.dir, older, 0, false}, {"a fork", log.dir, fork.dir, 1, false}, {"a broken copy", broken, log.dir, 0, true}} {
		all, err := NewComparison()
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{c.a, c.b} {
			if err := all.Add(t.Context(), dir, os.DirFS(dir), []note.Verifier{log.verifier}); err != nil && !errors.Is(err, ErrHeld) {
				t.Fatal(err)
			}
		}
		if out := all.Close(); len(out.Divergences) != c.splits || len(out.Alarms) > 0 != c.alarms || c.splits > 0 && out.Divergences[0].Code != divSplit {
			t.Errorf("%s: %+v", c.name, out)
		}
	}
}

// TestASplitIsNamedByItsFirstEntry: people want to know from where on two copies
// differ, not how long they are.
func TestASplitIsNamedByItsFirstEntry(t *testing.T) {
	leaves := lawful(2, 20)
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, leaves[:120]...)
	fork := &logFolder{dir: t.TempDir(), signer: log.signer, verifier: log.verifier}
	fork.add(t, leaves[:99]...)
	fork.add(t, leaves[100:110]...)
	all, err := NewComparison()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*logFolder{"a": log, "b": fork} {
		if err := all.Add(t.Context(), name, os.DirFS(f.dir), []note.Verifier{log.verifier}); err != nil {
			t.Fatal(err)
		}
	}
	d := all.Close().Divergences
	if len(d) != 1 || d[0].Code != divSplit || len(d[0].Places) != 2 {
		t.Fatalf("%+v", d)
	}
	for _, p := range d[0].Places {
		if p.Entry != 99 || p.Verb == "" || p.At == "" || p.Absent || p.Folder != "a" && p.Folder != "b" {
			t.Errorf("%+v", p)
		}
	}
}
