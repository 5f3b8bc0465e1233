package selection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/sensor/synth"
)

// cover is the slow and obvious rule beside the program: when a run may begin
// and go on. It knows periods, ends and who holds what, and nothing of how the
// program stores it.
type cover struct {
	from, until time.Time
	ended       bool   // taken back, given up, revoked, or its agreement ended
	going       string // run under way
}

func (c *cover) holds(now time.Time) bool {
	return !c.ended && !now.Before(c.from) && now.Before(c.until)
}

// TestRandomWalk takes hundreds of random steps through approvals, agreements and
// runs at once: no run begins, beats or hands in anything but under cover, and
// every one that has cover may.
func TestRandomWalk(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { walk(t, seed, 700) })
	}
}

func walk(t *testing.T, seed uint64, steps int) {
	w := oneWorld(t)
	r := rand.New(rand.NewPCG(seed, 7))
	l := w.list()
	covers := map[string]*cover{} // by approval
	ids := []string{}
	type pact struct {
		id     string
		agreed bool
		over   bool
		until  time.Time
		grants []string
	}
	var pacts []*pact
	runs := map[string]string{} // run → approval
	allowed, refused := 0, 0
	check := func(what string, err error, may bool) {
		t.Helper()
		if may != (err == nil) {
			t.Fatalf("%s at %s: may %v, but %v", what, w.Clock.Now().Format(time.RFC3339), may, err)
		}
		if may {
			allowed++
		} else {
			refused++
		}
	}
	endPact := func(p *pact) {
		p.over = true
		for _, g := range p.grants {
			covers[g].ended = true
		}
	}
	for range steps {
		now := w.Clock.Now()
		switch r.IntN(12) {
		case 0: // the commission approves something, now or tomorrow, for an hour or a day
			from := now.UTC().Truncate(time.Second).Add(time.Duration(r.IntN(2)) * 12 * time.Hour)
			until := from.Add(time.Duration(1+r.IntN(2)*23) * time.Hour)
			c := w.approve(approval.ForeignDomestic, l, func(a *approval.Application) { a.From, a.Until = from, until })
			covers[c.ID], ids = &cover{from: from, until: until}, append(ids, c.ID)
		case 1: // takes it back
			if len(ids) > 0 {
				id := ids[r.IntN(len(ids))]
				if w.approvals.Revoke(w.member("1"), id, "止める") == nil {
					covers[id].ended = true
				}
			}
		case 2: // a proposal
			from := now.UTC().Truncate(time.Second)
			t := w.terms()
			t.From, t.Until = from, from.Add(time.Duration(1+r.IntN(48))*time.Hour)
			a, err := w.Propose(w.clerk(), w.country.ID("wind"), Article11, t)
			w.must(err)
			pacts = append(pacts, &pact{id: a.ID, until: t.Until})
		case 3, 4: // an answer, an end
			if len(pacts) == 0 {
				break
			}
			p := pacts[r.IntN(len(pacts))]
			switch r.IntN(3) {
			case 0:
				_, err := w.Accept(w.wind(), p.id, 1)
				if may := !p.agreed && !p.over && now.Before(p.until); may != (err == nil) {
					t.Fatalf("accept: may %v, %v", may, err)
				} else if may {
					p.agreed = true
				}
			case 1:
				if _, err := w.Decline(w.wind(), p.id, 1, ""); err == nil {
					if p.agreed {
						t.Fatal("what was agreed was declined")
					}
					p.over = true
				}
			case 2:
				if _, err := w.Terminate(w.wind(), p.id, 1, ""); err == nil {
					endPact(p)
				}
			}
		case 5: // a Grant under an agreement
			if len(pacts) == 0 {
				break
			}
			p := pacts[r.IntN(len(pacts))]
			busy := false
			for _, a := range runs {
				for _, g := range p.grants {
					busy = busy || a == g
				}
			}
			g, err := w.Service.Grant(w.clerk(), p.id, l.ID)
			check("grant", err, p.agreed && !p.over && now.Before(p.until) && !busy)
			if err == nil {
				for _, old := range p.grants {
					covers[old].ended = true
				}
				o := time.Time{}
				covers[g.Approval], ids = &cover{from: o, until: p.until}, append(ids, g.Approval)
				p.grants = append(p.grants, g.Approval)
			}
		case 6, 7: // a run
			if len(ids) == 0 {
				break
			}
			id := ids[r.IntN(len(ids))]
			c := covers[id]
			b, err := w.begin(w.handler(), NewRun{Approval: id, Link: "K-2"}, OnMachine)
			check("begin", err, c.holds(now) && c.going == "")
			if err == nil {
				c.going, runs[b.run.ID] = b.run.ID, id
			}
		case 8: // it beats
			for run, id := range runs {
				check("beat", w.Beat(w.handler(), run, approval.Quantity{}), covers[id].holds(now))
				break
			}
		case 9: // it is given up
			for run, id := range runs {
				w.must(w.Abort(w.handler(), run))
				covers[id].going = ""
				delete(runs, run)
				if err := w.Beat(w.handler(), run, approval.Quantity{}); !errors.Is(err, ErrRunOver) {
					t.Fatalf("a beat of a run that is over: %v", err)
				}
				break
			}
		case 10: // time passes, and the clock does its part, or not
			w.Clock.Pass(time.Duration(r.IntN(240)) * time.Minute)
			if r.IntN(2) == 0 {
				break
			}
			_, err := w.approvals.Tick(context.Background())
			w.must(err)
			_, err = w.Tick(context.Background())
			w.must(err)
			now = w.Clock.Now()
			for run, id := range runs { // nobody heard of them for longer than 15 seconds
				var beat time.Time
				w.must(w.Parts.DB.Read(context.Background(), func(tx *db.Tx) error {
					x, err := lockRun(context.Background(), tx, run)
					beat = x.BeatAt
					if x.State == RunInterrupted {
						covers[id].going = ""
						delete(runs, run)
					} else if now.Sub(beat) > silence {
						err = fmt.Errorf("run %s is silent and still goes on", run)
					}
					return err
				}))
			}
			for _, p := range pacts {
				if !now.Before(p.until) && !p.over {
					endPact(p)
				}
			}
		case 11: // somebody who may not
			if len(ids) > 0 {
				if _, err := w.begin(w.analyst(), NewRun{Approval: ids[r.IntN(len(ids))], Link: "K-2"}, OnMachine); err == nil {
					t.Fatal("an analyst began a run")
				}
				if _, err := w.begin(w.clerk(), NewRun{Approval: ids[r.IntN(len(ids))], Link: "K-2"}, OnMachine); err == nil {
					t.Fatal("a clerk began a run")
				}
			}
		}
	}
	t.Logf("%d allowed, %d refused, %d runs, %d agreements", allowed, refused, w.count("SELECT count(*) FROM selection_run"), len(pacts))
	if allowed < 10 || refused < 10 {
		t.Errorf("only %d allowed and %d refused", allowed, refused)
	}
}

// What was planted as content of the line is nowhere after runs in every
// direction: not in the database, not in its journal, not in a file of the hub,
// not in a record, and not on the ledger.
func TestContentIsNowhere(t *testing.T) {
	w := oneWorld(t)
	l := w.list()
	for kind := range directionsOf {
		r := w.drill(w.approve(kind, l).ID)
		list, _, err := w.Read(w.handler(), RecordFilter{Run: r.ID, Limit: 500}, Reason{Purpose: "analyse"})
		w.must(err)
		if len(list) == 0 {
			t.Fatalf("%s: nothing selected", kind)
		}
		for _, x := range list {
			spotless(t, "a record", string(x.Line))
		}
	}
	if !strings.Contains(string(w.traffic()), synth.LinkContent) {
		t.Fatal("the line has no content: this proves nothing")
	}
	root := filepath.Dir(w.t.TempDir())
	n := 0
	w.must(filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		raw, err := io.ReadAll(f)
		n++
		spotless(t, name, string(raw))
		return err
	}))
	if n < 3 {
		t.Errorf("only %d files looked through", n)
	}
}

// spotless fails where content of the line, or a mailbox of it, stands.
func spotless(t *testing.T, where, what string) {
	t.Helper()
	for _, canary := range []string{synth.LinkContent, synth.LinkMailbox, "tanaka.hanako"} {
		if strings.Contains(what, canary) {
			t.Errorf("%s holds %q", where, canary)
		}
	}
}
