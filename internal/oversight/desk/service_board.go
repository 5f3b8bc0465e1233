package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
)

// Board is what the inspection came to, as the desk shows it. Every number in it
// was counted from the ledger's files alone.
type Board struct {
	oversight.Result
	Ready   bool        `json:"ready"`             // the ledger was read at least once
	At      time.Time   `json:"at,omitzero"`       // when it was read
	FullAt  time.Time   `json:"full_at,omitzero"`  // when all of it was read
	Pending uint64      `json:"pending,omitempty"` // entries that were not read yet
	Rules   []RuleRow   `json:"rules"`
	Uses    uses        `json:"uses"`
	Late    []lateFact  `json:"late"`
	Papers  []PaperSum  `json:"papers"`
	Samples []StratumOf `json:"strata"` // what can be drawn, and how much of it there is
}

// RuleRow is a rule with how often it was asked.
type RuleRow struct {
	oversight.Asked
	Article    string `json:"article"`
	Text       string `json:"text"`
	Verified   bool   `json:"verified"` // the wording of the article was compared with an official text
	Violations int    `json:"violations"`
}

// PaperSum is how many papers of a kind stand where, by the ledger.
type PaperSum struct {
	Kind Kind `json:"kind"`
	Sent int  `json:"sent"` // settled, whatever became of it
	Open int  `json:"open"` // waiting for an answer or for the commission
	Late int  `json:"late"` // waiting for an answer past its day
}

// StratumOf is a kind of act and how many there were.
type StratumOf struct {
	Kind       string `json:"kind"`
	Population int    `json:"population"`
}

// Inspection returns what the last inspection came to.
func (s *Service) Inspection(ctx context.Context, p text.Printer) (b Board, err error) {
	err = s.read(ctx, "oversight.inspect", func(*db.Tx, gate.Identity, gate.Reach) error {
		b = s.board(p)
		if !Access.May(ctx, "oversight.entry") {
			b.untraced()
		}
		return nil
	})
	return b, err
}

// untraced leaves out what leads to a single run or record.
func (b *Board) untraced() {
	for i, v := range b.Violations {
		if noun, _, _ := strings.Cut(v.Object, "/"); noun != "approval" && noun != "measure" {
			b.Violations[i].Object = ""
		}
	}
}

func (s *Service) board(p text.Printer) Board {
	f, ok := s.look.now()
	b := Board{Result: f.result.Speak(p), Ready: ok, At: f.at, FullAt: f.fullAt, Pending: f.pending, Uses: f.use, Late: f.late, Rules: []RuleRow{}, Papers: []PaperSum{}, Samples: []StratumOf{}}
	if b.Late == nil {
		b.Late = []lateFact{}
	}
	if b.Uses.Entries == nil {
		b.Uses.Entries = []uint64{}
	}
	broken := map[string]int{}
	for _, v := range f.result.Violations {
		broken[v.Rule]++
	}
	for _, a := range f.asked {
		row := RuleRow{Asked: a, Text: p.T("oversight.rule." + a.Rule), Violations: broken[a.Rule]}
		if i := slices.IndexFunc(s.Rules.Rules, func(r oversight.Rule) bool { return r.ID == a.Rule }); i >= 0 {
			row.Article, row.Verified = s.Rules.Rules[i].Article.In(p.Lang), s.Rules.Rules[i].Verified
		}
		b.Rules = append(b.Rules, row)
	}
	for _, k := range Kinds {
		sum := PaperSum{Kind: k}
		for _, x := range f.papers {
			if x.Kind != k || x.State != Sent && x.State != Answered && x.State != Closed {
				continue
			}
			sum.Sent++
			if x.State != Closed {
				sum.Open++
			}
			if x.State == Sent && s.now().After(x.Due) {
				sum.Late++
			}
		}
		b.Papers = append(b.Papers, sum)
	}
	for _, k := range Strata {
		b.Samples = append(b.Samples, StratumOf{k, f.units[k]})
	}
	return b
}

// Shown is one entry of the log as the desk shows it: what it says in clear.
type Shown struct {
	Place  uint64       `json:"place"`
	Entry  ledger.Entry `json:"entry"`
	Public string       `json:"-"` // its facts, as JSON
}

// Entry reads one entry from the files. Faults: ErrNone, ErrBusy.
func (s *Service) Entry(ctx context.Context, place uint64) (out Shown, err error) {
	err = s.read(ctx, "oversight.entry", func(*db.Tx, gate.Identity, gate.Reach) error {
		out, err = s.shown(place)
		return err
	})
	return out, err
}

func (s *Service) shown(place uint64) (out Shown, err error) {
	leaf, err := s.look.entry(place)
	if err != nil {
		return out, err
	}
	out.Place = place
	if out.Entry, err = ledger.ParseEntry(leaf); err != nil {
		return out, fmt.Errorf("entry %d: %w", place, err)
	}
	if len(out.Entry.Public) > 0 {
		raw, err := json.MarshalIndent(out.Entry.Public, "", "  ")
		if err != nil {
			return out, err
		}
		out.Public = string(raw)
	}
	return out, nil
}

// How is how a rule's number was counted: the rule, and the entries that it was
// asked about last.
type How struct {
	Row        RuleRow
	Entries    []Shown
	Violations []oversight.Violation
}

// How tells how a rule's number was counted. Faults: ErrNone.
func (s *Service) How(ctx context.Context, rule string, p text.Printer) (h How, err error) {
	err = s.read(ctx, "oversight.entry", func(*db.Tx, gate.Identity, gate.Reach) error {
		b := s.board(p)
		i := slices.IndexFunc(b.Rules, func(r RuleRow) bool { return r.Rule == rule })
		if i < 0 {
			return ErrNone
		}
		h.Row = b.Rules[i]
		for _, place := range h.Row.Entries {
			e, err := s.shown(place)
			if err != nil {
				continue // what cannot be read is an alarm, and stands on the board
			}
			h.Entries = append(h.Entries, e)
		}
		for _, v := range b.Violations {
			if v.Rule == rule {
				h.Violations = append(h.Violations, v)
			}
		}
		return nil
	})
	return h, err
}

// Report counts a year from the ledger, in the version asked for.
func (s *Service) Report(ctx context.Context, year int, v oversight.Version, p text.Printer) (out oversight.Report, err error) {
	verb := "oversight.report"
	if v == oversight.ForInspector {
		verb = "oversight.trace"
	}
	err = s.read(ctx, verb, func(*db.Tx, gate.Identity, gate.Reach) error {
		f, ok := s.look.now()
		if !ok {
			return ErrBusy
		}
		if !s.look.mu.TryLock() {
			return ErrBusy // it is being read
		}
		defer s.look.mu.Unlock()
		if len(f.result.Gaps)+len(f.result.Alarms) > 0 {
			return ErrUnsound
		}
		if s.look.tracer == nil {
			return ErrBusy // it is read again in a moment
		}
		out = s.look.tracer.Report(f.result, year, v, p)
		return nil
	})
	return out, err
}

// Figure is one number of the public page.
type Figure struct {
	Key   string `json:"key"`
	Kind  string `json:"kind,omitempty"`
	Shown string `json:"shown"`
}

// Public is what everybody may know: how often powers were used this year, up to
// the end of the last whole week, with no small number.
type Public struct {
	From, Until time.Time
	Figures     []Figure
	Violations  string
	Rules       int
	Entries     uint64
	Root        string
	Ready       bool
}

// Published counts for the public page. It needs nobody's permission: no number
// of it tells of a single case.
func (s *Service) Published(p text.Printer) (out Public) {
	f, ok := s.look.now()
	out.Ready = ok && len(f.result.Gaps)+len(f.result.Alarms) == 0
	if !out.Ready {
		return out
	}
	out.Until = week(s.now(), text.JST)
	out.From = time.Date(out.Until.Add(-time.Second).In(text.JST).Year(), 1, 1, 0, 0, 0, 0, text.JST)
	out.Rules, out.Entries, out.Root = len(f.asked), f.size, f.result.Root
	counts := s.counted(&f, out.From, out.Until)
	add := func(key, kind string, keys ...string) {
		n := 0
		for _, k := range keys {
			n += counts[k]
		}
		out.Figures = append(out.Figures, Figure{key, kind, s.coarse(n, p)})
	}
	for _, k := range []approval.Kind{approval.ForeignForeign, approval.ForeignDomestic, approval.DomesticForeign, approval.Agreement} {
		add("approved", string(k), "approved."+string(k))
	}
	add("runs", "", "runs")
	var measures []string
	for _, k := range approval.MeasureKinds {
		measures = append(measures, "approved."+string(k))
	}
	add("measures", "", measures...)
	add("emergency", "", "emergency")
	for _, k := range Kinds {
		add("paper", string(k), "paper."+string(k))
	}
	out.Violations = s.coarse(counts["violations"], p)
	return out
}

// counted counts what happened between two instants. The page is for everybody, so
// it is counted once for each inspection and not for each who looks.
func (s *Service) counted(f *found, from, until time.Time) map[string]int {
	s.public.Lock()
	defer s.public.Unlock()
	if c := &s.public; c.counts != nil && c.at.Equal(f.at) && c.until.Equal(until) {
		return c.counts
	}
	out := map[string]int{}
	for k, list := range f.public {
		for _, at := range list {
			if at >= from.UnixMicro() && at < until.UnixMicro() {
				out[k]++
			}
		}
	}
	for _, v := range f.result.Violations {
		if at := v.At(); !at.Before(from) && at.Before(until) {
			out["violations"]++
		}
	}
	s.public.counts, s.public.at, s.public.until = out, f.at, until
	return out
}

// coarse says a number as a range of the width of the house rule. None and a few
// look alike: that the first came is not told either.
func (s *Service) coarse(n int, p text.Printer) string {
	w := s.Numbers.Small.Value
	if n < w {
		return p.T("desk.public.few", "n", w)
	}
	from := n / w * w
	return p.T("desk.public.range", "from", from, "to", from+w-1)
}
