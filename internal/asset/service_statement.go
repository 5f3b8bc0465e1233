package asset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// StatementDraft is the next statement of a register as it would be submitted.
type StatementDraft struct {
	Register  Register             `json:"register"`
	Sector    string               `json:"sector"`           // that it would be submitted for
	Sectors   []string             `json:"sectors"`          // of the operator
	Statement *Statement           `json:"statement"`        // null when nothing is to be notified
	Verdicts  map[ScopeVerdict]int `json:"verdicts"`         // entries by scope
	Unsure    []Item               `json:"unsure,omitempty"` // the first whose scope somebody has to decide
	Steps     []Step               `json:"steps"`            // of the scope check
	Blocked   *fault.Error         `json:"-"`                // why it cannot be submitted
}

// Why there is no next statement although nothing has to be done first.
const (
	codeNothing = "asset.statement.nothing" // nothing differs from the last one
	codeOutside = "asset.statement.outside" // there was none, and no equipment is to be notified
)

// maxUnsure is how many undecided entries a draft shows.
const maxUnsure = 50

// Draft draws up the next statement of one's own register for a sector; empty
// takes the operator's first.
func (s *Service) Draft(ctx context.Context, sector string) (d StatementDraft, err error) {
	err = s.read(ctx, "asset.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		d, _, err = s.draft(ctx, tx, who, sector)
		return err
	})
	return d, err
}

func (s *Service) draft(ctx context.Context, tx *db.Tx, who gate.Identity, sector string) (d StatementDraft, c *key.Cipher, err error) {
	o, err := s.Orgs.Load(ctx, tx, org.ID(who.Org))
	if err != nil {
		return d, nil, err
	}
	type own struct{ used, affects Answer }
	var items []Item
	answered := map[ID]own{}
	head, c, err := s.register(ctx, tx, whose{org: who.Org}, func(r *row) error {
		items = append(items, r.Item)
		if r.Used != "" || r.Affects != "" {
			answered[r.ID] = own{r.Used, r.Affects}
		}
		return nil
	})
	if err != nil {
		return d, nil, err
	}
	d = StatementDraft{Register: head, Sectors: slices.Clone(o.Sectors), Verdicts: map[ScopeVerdict]int{}, Steps: s.Rules.Steps()}
	if d.Sector = sector; !slices.Contains(o.Sectors, sector) {
		if d.Sector = ""; len(o.Sectors) > 0 {
			d.Sector = o.Sectors[0]
		}
	}
	today := s.today()
	facts := func(it *Item) ScopeFacts { a := answered[it.ID]; return head.facts(a.used, a.affects) }
	for i := range items {
		v := s.Rules.Scope(facts(&items[i]), &items[i], today).Verdict
		d.Verdicts[v]++
		if v == ScopeUnsure && len(d.Unsure) < maxUnsure {
			d.Unsure = append(d.Unsure, items[i])
		}
	}
	last, err := s.last(ctx, tx, who.Org, c)
	if err != nil {
		return d, c, err
	}
	d.Statement, err = s.Rules.NewStatement(s.filer(o, d.Sector), last, items, facts, today)
	var f *fault.Error
	if errors.As(err, &f) && f.Kind != fault.Internal {
		d.Statement, d.Blocked, err = nil, f, nil
	}
	// Without an entry there may still be a duty to notify: only answers, or an
	// earlier statement to compare with, can say that nothing is to be done.
	if f != nil && f.Code == codeNothing {
		if n := d.Verdicts[ScopeUnsure]; n > 0 {
			d.Blocked = fault.New(fault.Unmet, "asset.statement.undecided", "n", n)
		} else if last == nil {
			d.Blocked = fault.New(fault.Unmet, codeOutside)
		}
	}
	return d, c, err
}

func (s *Service) filer(o org.Org, sector string) Filer {
	f := Filer{Name: o.In(text.JA), Corporate: string(o.Number), Sector: sector}
	if x, ok := s.Orgs.Sectors.Find(sector); ok {
		f.Sector = x.Name.In(text.JA)
	}
	if r, ok := s.Orgs.Sectors.Role(sector); ok {
		f.To = r.Name.In(text.JA)
	}
	return f
}

// last opens an operator's last statement; nil when it has none.
func (s *Service) last(ctx context.Context, tx *db.Tx, operator string, c *key.Cipher) (*Statement, error) {
	id, err := lastStatement(ctx, tx, operator)
	if err != nil || id == "" {
		return nil, err
	}
	return s.statement(ctx, tx, id, c)
}

func (s *Service) statement(ctx context.Context, tx *db.Tx, id string, c *key.Cipher) (*Statement, error) {
	sealed, err := loadStatement(ctx, tx, id)
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", id, err)
	}
	raw, err := c.Open(sealed, noticeOf(id))
	if err == nil {
		raw, err = expand(raw, maxPreview)
	}
	if err != nil {
		return nil, fmt.Errorf("statement %s: %w", id, err)
	}
	return DecodeStatement(bytes.NewReader(raw))
}

// SetFacts answers the scope check for every piece of one's own register that
// has no answer of its own.
func (s *Service) SetFacts(ctx context.Context, f ScopeFacts) error {
	for _, a := range []Answer{f.Designated, f.Used, f.Affects} {
		if !slices.Contains(answers, a) {
			return fault.New(fault.Invalid, "asset.answer_unknown")
		}
	}
	_, err := s.do(ctx, &ledger.Act{Verb: "asset.scope", Secret: f}, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if err := bump(ctx, tx, who.Org, -1, 0); err != nil {
			return err
		}
		if err := setFacts(ctx, tx, who.Org, f); err != nil {
			return err
		}
		return publish(ctx, tx, "changed", Happened{Org: who.Org, By: who.Org}, who.Org)
	})
	return err
}

// Submit submits the next statement as it was drawn up for a revision of the
// register: it gets its number and goes to the ministry competent for the
// sector, which passes it on to the Prime Minister's desk when it stamps it
// (Act 42 art. 4). Faults: ErrStale when the register changed since, Unmet
// when nothing is to be notified, ErrNoMinistry.
func (s *Service) Submit(ctx context.Context, sector string, revision int64) (out Submitted, err error) {
	var d StatementDraft
	var sealed []byte
	var to []org.Org
	id := newID()
	err = s.read(ctx, "asset.submit", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		var c *key.Cipher
		if d, c, err = s.draft(ctx, tx, who, sector); err != nil {
			return err
		}
		switch {
		case d.Register.Revision != revision:
			return ErrStale
		case d.Blocked != nil:
			return d.Blocked
		}
		if to, err = s.Orgs.Competent(ctx, tx, d.Sector); err != nil {
			return err
		}
		if len(to) == 0 {
			return ErrNoMinistry
		}
		raw, err := squeeze(func(w io.Writer) error { return json.NewEncoder(w).Encode(d.Statement) })
		if err != nil {
			return fmt.Errorf("statement: %w", err)
		}
		sealed = c.Seal(raw, noticeOf(id))
		return nil
	})
	if err != nil {
		return out, err
	}
	var bodies []ledger.Org
	for _, o := range to {
		bodies = append(bodies, ledger.Org(o.ID))
	}
	st := d.Statement
	act := &ledger.Act{Verb: "asset.submit", Object: noticeOf(id), Secret: st,
		Public: map[string]any{"number": st.Number, "introduced": st.Counts.Introduced, "changed": st.Counts.Changed, "withdrawn": st.Counts.Withdrawn, "to": bodies}}
	out.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if err := bump(ctx, tx, who.Org, revision, 0); err != nil {
			return err
		}
		now := s.now()
		out.Notice = Notice{ID: id, Org: who.Org, Number: st.Number, Sector: d.Sector, Counts: st.Counts, At: now, Entry: act.Entry, person: who.Person}
		if err := insertStatement(ctx, tx, out.Notice, sealed); err != nil {
			return err
		}
		orgs := []string{who.Org}
		for _, o := range to {
			if _, err := putDelivery(ctx, tx, id, Delivery{Org: string(o.ID), Role: string(org.Ministry), SentAt: now}); err != nil {
				return err
			}
			orgs = append(orgs, string(o.ID))
		}
		return publish(ctx, tx, "notified", Happened{Org: who.Org, By: who.Org, Statement: id, Number: st.Number}, orgsOf(orgs...)...)
	})
	if err != nil {
		return out, err
	}
	out.Promise, err = s.Ledger.Promise(out.Receipt)
	return out, err
}

// Statements lists the statements that one's own organisation submitted or was
// sent, the newest first.
func (s *Service) Statements(ctx context.Context, waiting bool, cursor string, limit int) (out []Notice, next string, err error) {
	err = s.read(ctx, "asset.statements", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listNotices(ctx, tx, who.Org, reach, waiting, cursor, limit); err != nil {
			return err
		}
		ids := make([]org.ID, len(out))
		for i := range out {
			ids[i] = org.ID(out[i].Org)
		}
		names, err := s.names(ctx, tx, who, ids...)
		for i := range out {
			out[i].OrgName = names[out[i].Org]
		}
		return err
	})
	return out, next, err
}

// OpenStatement is a statement with everything that who opened it may see.
type OpenStatement struct {
	Notice     Notice            `json:"notice"`
	Mine       bool              `json:"mine"` // opened by its operator
	Statement  *Statement        `json:"statement"`
	Deliveries []Delivery        `json:"deliveries"` // to a recipient: its own
	Messages   []thread.Message  `json:"messages"`
	Names      map[string]string `json:"names"` // of the organisations in it, by id
}

// Statement opens a statement: one's own, or one that was sent to one's
// organisation, which is recorded. Fault: ErrStatement.
func (s *Service) Statement(ctx context.Context, id string) (v OpenStatement, err error) {
	who, reach, err := Access.Allow(ctx, "asset.open")
	if err == nil && reach == gate.Own {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			v, err = s.openStatement(ctx, tx, id, who, reach)
			return err
		})
		return v, err
	}
	_, err = s.do(ctx, &ledger.Act{Verb: "asset.open", Object: noticeOf(id)}, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if v, err = s.openStatement(ctx, tx, id, who, reach); err != nil {
			return err
		}
		return openDelivery(ctx, tx, id, who.Org, db.Micros(s.now()))
	})
	return v, err
}

func (s *Service) openStatement(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (v OpenStatement, err error) {
	if v.Notice, err = loadNotice(ctx, tx, id, who.Org, reach); err != nil {
		return v, err
	}
	v.Mine = reach == gate.Own
	c, err := s.Keys.For(ctx, tx, v.Notice.Org)
	if err != nil {
		return v, fmt.Errorf("statement %s: %w", id, err)
	}
	if v.Statement, err = s.statement(ctx, tx, id, c); err != nil {
		return v, err
	}
	with := "" // all conversations are the operator's
	if !v.Mine {
		with, v.Statement.Undecided = who.Org, []ID{} // what was not notified is nobody else's
	}
	if v.Deliveries, err = loadDeliveries(ctx, tx, id, with); err != nil {
		return v, err
	}
	if v.Messages, err = s.Threads.Of(ctx, tx, v.Notice.Org, noticeOf(id), with); err != nil {
		return v, err
	}
	ids := []org.ID{org.ID(v.Notice.Org)}
	for _, d := range v.Deliveries {
		ids = append(ids, org.ID(d.Org), org.ID(d.Via))
	}
	for _, m := range v.Messages {
		ids = append(ids, org.ID(m.From), org.ID(m.With))
	}
	v.Names, err = s.names(ctx, tx, who, slices.DeleteFunc(ids, func(id org.ID) bool { return id == "" })...)
	v.Notice.OrgName = v.Names[v.Notice.Org]
	for i := range v.Deliveries {
		v.Deliveries[i].OrgName = v.Names[v.Deliveries[i].Org]
	}
	return v, err
}

// Form is a statement written as a file.
type Form struct {
	Name string // of the file
	Type string // media type
	Body []byte
}

// formTypes are the media types of the forms of a statement.
var formTypes = map[string]string{
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "json": "application/json", "html": "text/html; charset=utf-8",
}

// Form writes a statement as a file: xlsx, json or html, which is for print.
// Faults: ErrStatement, Usage "asset.statement.format".
func (s *Service) Form(ctx context.Context, id, format string, say text.Printer) (f Form, err error) {
	kind, ok := formTypes[format]
	if !ok {
		return f, fault.New(fault.Usage, "asset.statement.format", "format", clip(format))
	}
	v, err := s.Statement(ctx, id)
	if err != nil {
		return f, err
	}
	var b bytes.Buffer
	switch format {
	case "xlsx":
		err = v.Statement.WriteXLSX(&b, s.Rules, say)
	case "json":
		err = v.Statement.WriteJSON(&b)
	default:
		err = v.Statement.WriteHTML(&b, s.Rules, say)
	}
	return Form{"statement-" + strconv.Itoa(v.Notice.Number) + "." + format, kind, b.Bytes()}, err
}

// Reader returns the content of the file.
func (f Form) Reader() io.Reader { return bytes.NewReader(f.Body) }
