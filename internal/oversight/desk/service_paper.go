package desk

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

func objectOf(id ID) string { return "oversight/" + id }

// move is one act on a paper.
type move struct {
	act    string
	said   string
	with   []string                    // digests of an answer
	check  func() error                // of what was said, before anything is looked up
	change func(p *Paper, m *at) error // what it changes beside the state
}

// at is where an act happens.
type at struct {
	ctx context.Context
	tx  *db.Tx
	who gate.Identity
	now time.Time
}

// do makes an act: gate, paper, rule, history, ledger, in one transaction. Faults:
// ErrNone, ErrStep, ErrTwo, ErrRevision, ErrInvalid.
func (s *Service) do(ctx context.Context, id ID, m move) (out Paper, err error) {
	verb := "oversight." + m.act
	act := &ledger.Act{Verb: verb}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, verb)
		if err != nil {
			return err
		}
		p, err := paperWithin(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		act.Object = objectOf(p.ID)
		now := s.now()
		p.Late = p.State == Sent && now.After(p.DueAt)
		was := p.State
		if p.State, err = apply(was, m.act, sideOf(who), p.facts(who)); err != nil {
			return err
		}
		if m.check != nil {
			if err := m.check(); err != nil {
				return err
			}
		}
		if m.change != nil {
			if err := m.change(&p, &at{ctx, tx, who, now}); err != nil {
				return err
			}
		}
		if err := s.record(&at{ctx, tx, who, now}, act, &p, was, &m); err != nil {
			return err
		}
		if err := updatePaper(ctx, tx, &p); err != nil {
			return err
		}
		out = p
		return s.tell(ctx, tx, m.act, &p)
	})
	if err != nil {
		return out, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error { return s.unsealPaper(ctx, tx, &out) })
	out.show(Access.Reach(who(ctx), verb))
	return out, err
}

func who(ctx context.Context) gate.Identity { id, _ := gate.From(ctx); return id }

func (p *Paper) facts(who gate.Identity) facts {
	return facts{same: who.Person == "" || who.Person == p.drafter || who.Person == p.proposer, late: p.Late}
}

func (s *Service) unsealPaper(ctx context.Context, tx *db.Tx, p *Paper) error {
	var w words
	err := s.Keys.OpenJSON(ctx, tx, vault, p.sealed, objectOf(p.ID), &w)
	p.Title, p.Text = w.Title, w.Text
	return err
}

// record writes an act into the history of a paper, and in clear what everybody
// who replays needs: no words.
func (s *Service) record(a *at, act *ledger.Act, p *Paper, was State, m *move) (err error) {
	h := Past{ID: newID(), Act: m.act, From: was, To: p.State, Org: a.who.Org, At: a.now, Entry: act.Entry, person: a.who.Person}
	said := Reply{m.said, m.with}
	if h.sealed, err = s.Keys.SealJSON(a.ctx, a.tx, vault, said, "oversight_past/"+h.ID); err != nil {
		return err
	}
	act.Secret = said
	entries := p.Entries
	if entries == nil {
		entries = []uint64{}
	}
	act.Public = map[string]any{"paper": p.ID, "number": p.Number, "kind": string(p.Kind), "act": m.act, "to": string(p.State), "body": ledger.Org(p.To), "entries": entries}
	if was != "" {
		act.Public["from"] = string(was)
	}
	if p.Rule != "" {
		act.Public["rule"] = p.Rule
	}
	if !p.DueAt.IsZero() {
		act.Public["due"] = p.DueAt.UTC().Format(time.RFC3339Nano)
	}
	if len(m.with) > 0 {
		act.Public["digests"] = m.with
	}
	return insertPast(a.ctx, a.tx, p.ID, &h)
}

// tidy makes a text plain: one form of each character, no white space round it.
func tidy(s string) string {
	return strings.TrimSpace(norm.NFC.String(strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\r\n", "\n")))
}

// need checks that a text is there and not too long.
func need(place, s string, most int) error {
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return invalid(place, "desk.bad.empty")
	case n > most:
		return invalid(place, "desk.bad.long", "max", most)
	}
	return nil
}

// check tidies a draft and finds what is wrong with it, before anything is looked
// up.
func (d *Draft) check(s *Service) error {
	d.Title, d.Text = tidy(d.Title), tidy(d.Text)
	if !slices.Contains(Kinds, d.Kind) {
		return invalid("kind", "desk.bad.choose")
	}
	if d.To == "" {
		return invalid("to", "desk.bad.choose")
	}
	if d.Rule != "" && !s.known(d.Rule) {
		return invalid("rule", "desk.bad.rule")
	}
	if d.Days < 0 || d.Days > 366 {
		return invalid("days", "desk.bad.days")
	}
	if d.Entries = slices.Compact(slices.Sorted(slices.Values(d.Entries))); len(d.Entries) > maxEntries {
		return invalid("entries", "desk.bad.many", "max", maxEntries)
	}
	if err := need("title", d.Title, maxTitle); err != nil {
		return err
	}
	return need("text", d.Text, maxWords)
}

// known reports whether the replay has a rule.
func (s *Service) known(rule string) bool {
	for _, r := range s.Rules.Rules {
		if r.ID == rule {
			return true
		}
	}
	return false
}

// into writes a draft into a paper.
func (s *Service) into(p *Paper, d Draft, a *at) error {
	ok, err := s.addressable(a.ctx, a.tx, d.To)
	if err != nil {
		return err
	}
	if !ok {
		return invalid("to", "desk.bad.body")
	}
	if f, read := s.look.now(); len(d.Entries) > 0 && (!read || d.Entries[len(d.Entries)-1] >= f.size) {
		return invalid("entries", "desk.bad.entry")
	}
	p.Kind, p.To, p.Rule, p.Entries, p.Days, p.drafter, p.proposer = d.Kind, d.To, d.Rule, d.Entries, d.Days, a.who.Person, ""
	if p.Entries == nil {
		p.Entries = []uint64{}
	}
	if p.Days == 0 {
		p.Days = s.Numbers.answer(d.Kind).Value
	}
	p.sealed, err = s.Keys.SealJSON(a.ctx, a.tx, vault, words{d.Title, d.Text}, objectOf(p.ID))
	return err
}

// Draft writes a new paper. Faults: ErrInvalid.
func (s *Service) Draft(ctx context.Context, d Draft) (out Paper, err error) {
	act := &ledger.Act{Verb: "oversight.draft"}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, "oversight.draft")
		if err != nil {
			return err
		}
		if err := d.check(s); err != nil {
			return err
		}
		now := s.now()
		p := Paper{ID: uuid.NewString(), Number: newNumber("C"), org: who.Org, CreatedAt: now, Revision: 1}
		if p.State, err = apply("", "draft", sideOf(who), facts{}); err != nil {
			return err
		}
		a := &at{ctx, tx, who, now}
		if err := s.into(&p, d, a); err != nil {
			return err
		}
		act.Object = objectOf(p.ID)
		if err := insertPaper(ctx, tx, &p); err != nil {
			return err
		}
		p.Title, p.Text = d.Title, d.Text
		out = p
		if err := s.record(a, act, &p, "", &move{act: "draft"}); err != nil {
			return err
		}
		return s.tell(ctx, tx, "draft", &p)
	})
	return out, err
}

// Revise writes a draft anew. Who revised it last counts as its drafter.
func (s *Service) Revise(ctx context.Context, id ID, d Draft) (Paper, error) {
	return s.do(ctx, id, move{act: "revise", check: func() error { return d.check(s) }, change: func(p *Paper, a *at) error { return s.into(p, d, a) }})
}

// Propose puts a draft to the other members.
func (s *Service) Propose(ctx context.Context, id ID) (Paper, error) {
	return s.do(ctx, id, move{act: "propose", change: func(p *Paper, a *at) error {
		p.proposer = a.who.Person
		return nil
	}})
}

// Back returns a proposal to its drafter, with a reason.
func (s *Service) Back(ctx context.Context, id ID, why string) (Paper, error) {
	return s.said(ctx, id, "back", why, func(p *Paper, _ *at) error {
		p.proposer = ""
		return nil
	})
}

// Settle sends a paper to the body: the second member's act.
func (s *Service) Settle(ctx context.Context, id ID) (Paper, error) {
	return s.do(ctx, id, move{act: "settle", change: func(p *Paper, a *at) error {
		p.SentAt, p.DueAt, p.remindedAt = a.now, a.now.AddDate(0, 0, p.Days), time.Time{}
		return nil
	}})
}

// Drop gives a paper up before it was settled.
func (s *Service) Drop(ctx context.Context, id ID, why string) (Paper, error) {
	return s.said(ctx, id, "drop", why, nil)
}

// Insist tells the body that its answer is not enough, and gives it the same time
// again.
func (s *Service) Insist(ctx context.Context, id ID, why string) (Paper, error) {
	return s.said(ctx, id, "insist", why, func(p *Paper, a *at) error {
		p.DueAt, p.remindedAt = a.now.AddDate(0, 0, p.Days), time.Time{}
		return nil
	})
}

// Close ends a paper, with what the commission makes of the answer.
func (s *Service) Close(ctx context.Context, id ID, why string) (Paper, error) {
	return s.said(ctx, id, "close", why, nil)
}

// said is an act that needs a text.
func (s *Service) said(ctx context.Context, id ID, act, words string, change func(*Paper, *at) error) (Paper, error) {
	words = tidy(words)
	return s.do(ctx, id, move{act: act, said: words, check: func() error { return need(act+"_text", words, maxWords) }, change: change})
}

// Answer is what the addressed body writes, with the digests of what shows it.
func (s *Service) Answer(ctx context.Context, id ID, r Reply) (Paper, error) {
	r.Text = tidy(r.Text)
	for i, d := range r.Digests {
		r.Digests[i] = strings.ToLower(strings.TrimSpace(d))
	}
	return s.do(ctx, id, move{act: "answer", said: r.Text, with: r.Digests, check: func() error {
		if err := need("answer_text", r.Text, maxWords); err != nil {
			return err
		}
		if len(r.Digests) > maxDigests {
			return invalid("answer_digests", "desk.bad.many", "max", maxDigests)
		}
		for _, d := range r.Digests {
			if raw, err := hex.DecodeString(d); err != nil || len(raw) != 32 {
				return invalid("answer_digests", "desk.bad.digest")
			}
		}
		return nil
	}})
}

// List lists the papers within reach, the newest first.
func (s *Service) List(ctx context.Context, f Filter) (out []Paper, names map[string]string, next string, err error) {
	err = s.read(ctx, "oversight.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) (err error) {
		if out, next, err = listPapers(ctx, tx, f, who, reach); err != nil {
			return err
		}
		var orgs []string
		for i := range out {
			if err := s.unsealPaper(ctx, tx, &out[i]); err != nil {
				return err
			}
			out[i].Late = out[i].State == Sent && s.now().After(out[i].DueAt)
			out[i].show(reach)
			orgs = append(orgs, out[i].To)
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// Show returns a paper as far as who looks may see it: a body sees it from the
// moment it was settled, and what was said from then on. Faults: ErrNone.
func (s *Service) Show(ctx context.Context, id ID) (v View, err error) {
	err = s.read(ctx, "oversight.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		p, err := paperWithin(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		if err := s.unsealPaper(ctx, tx, &p); err != nil {
			return err
		}
		p.Late = p.State == Sent && s.now().After(p.DueAt)
		all, err := pasts(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		orgs := []string{p.To, p.org}
		v.Past = []Past{}
		sent := false
		for _, h := range all {
			if sent = sent || h.Act == "settle"; reach != gate.All && !sent {
				continue // how the commission came to it is its own
			}
			var said Reply
			if err := s.Keys.OpenJSON(ctx, tx, vault, h.sealed, "oversight_past/"+h.ID, &said); err != nil {
				return err
			}
			h.Said, h.Digests = said.Text, said.Digests
			v.Past, orgs = append(v.Past, h), append(orgs, h.Org)
		}
		p.show(reach)
		v.Paper, v.Acts = p, open(p.State, sideOf(who), p.facts(who))
		v.Acts = slices.DeleteFunc(v.Acts, func(act string) bool { return !Access.May(ctx, "oversight."+act) })
		v.Names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return v, err
}

// show leaves out what a body could infer of how the commission came to a paper.
func (p *Paper) show(reach gate.Reach) {
	if reach != gate.All {
		p.CreatedAt, p.Revision = p.SentAt, 0
	}
}
