package vendor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/notice"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB      *db.DB
	Ledger  *ledger.Ledger
	Keys    *key.Store
	Threads *thread.Store
	Orgs    *org.Service
	// State hands a maker's advisory to those who match it with equipment, as
	// what the maker states; nil keeps it here. name is a file name.
	State   func(ctx context.Context, name string, document []byte) error
	Notices *notice.Service  // tells everyone exposed; nil: coordinators say so by hand
	Name    string           // of the hub, as publisher of what it writes itself
	BaseURL string           // of the hub, for the namespace of documents
	Now     func() time.Time // nil: the clock
}

// Service is what people do with requests to makers: one method per intention.
type Service struct {
	Config
	words *text.Catalog // for what the hub itself writes, in both languages
}

// New returns the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.BaseURL == "" {
		c.BaseURL = "https://noroshi.invalid" // RFC 2606: nobody's
	}
	words, err := text.Load(Words)
	if err != nil {
		panic("BUG: vendor: " + err.Error()) // they are part of the program
	}
	return &Service{c, words}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	_, err := s.Ledger.Allowed(ctx, Access, act, fn)
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

func caseObject(id ID) string    { return "vendor_case/" + id }
func requestObject(id ID) string { return "vendor/" + id }
func productObject(id ID) string { return "vendor_product/" + id }

// caseSecret and productSecret are what is stored encrypted to who coordinates.
type caseSecret struct {
	Title string `json:"title"`
	Facts string `json:"facts,omitempty"`
}

type productSecret struct {
	Name        string `json:"name"`
	CPE         string `json:"cpe,omitempty"`
	PURL        string `json:"purl,omitempty"`
	Versions    string `json:"versions,omitempty"`
	Why         string `json:"why,omitempty"`
	Detail      string `json:"detail,omitempty"`
	Interim     string `json:"interim,omitempty"`
	Fixed       string `json:"fixed,omitempty"`
	FixURL      string `json:"fix_url,omitempty"`
	SupportEnds string `json:"support_ends,omitempty"`
}

func (c *Case) seal(k *key.Cipher) (err error) {
	c.sealed, err = k.SealJSON(caseSecret{c.Title, c.Facts}, caseObject(c.ID))
	return err
}

func (c *Case) open(k *key.Cipher) error {
	var sec caseSecret
	err := k.OpenJSON(c.sealed, caseObject(c.ID), &sec)
	c.Title, c.Facts, c.sealed = sec.Title, sec.Facts, nil
	return err
}

func (p *Product) seal(k *key.Cipher) (err error) {
	p.sealed, err = k.SealJSON(productSecret{p.Name, p.CPE, p.PURL, p.Versions, p.Why, p.Detail, p.Interim, p.Fixed, p.FixURL, p.SupportEnds}, productObject(p.ID))
	return err
}

func (p *Product) open(k *key.Cipher) error {
	var x productSecret
	err := k.OpenJSON(p.sealed, productObject(p.ID), &x)
	p.Name, p.CPE, p.PURL, p.Versions, p.Why, p.Detail, p.Interim = x.Name, x.CPE, x.PURL, x.Versions, x.Why, x.Detail, x.Interim
	p.Fixed, p.FixURL, p.SupportEnds, p.sealed = x.Fixed, x.FixURL, x.SupportEnds, nil
	return err
}

// show opens a case to who looks: while an embargo runs, or to a ministry
// without the clearance, it stays closed, and what stands in clear is blanked.
func (s *Service) show(ctx context.Context, tx *db.Tx, c *Case, reach gate.Reach) error {
	if reach == gate.Sector && c.Embargo.Runs(s.now()) {
		c.Closed, c.Vulnerability, c.Starter, c.sealed = true, "", "", nil
		return nil
	}
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return fmt.Errorf("case %s: %w", c.ID, err)
	}
	return c.open(k)
}

// veil takes out of a case what a maker in it may not know: who brought it, when
// that is another.
func (c *Case) veil(who gate.Identity, reach gate.Reach) {
	if reach == gate.Addressed && c.Starter != who.Org {
		c.Starter = ""
	}
}

// products opens the products of a request.
func (s *Service) products(ctx context.Context, tx *db.Tx, c Case, request ID) ([]Product, error) {
	list, err := loadProducts(ctx, tx, request)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return nil, fmt.Errorf("case %s: %w", c.ID, err)
	}
	for i := range list {
		if err := list[i].open(k); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// mover carries a request through steps of one act.
type mover struct {
	s     *Service
	tx    *db.Tx
	act   *ledger.Act
	c     Case
	r     *Request
	org   string // who acts; empty: the hub
	by    Side
	f     facts
	steps []string

	answered bool // something new was said of products
}

// told are the events of states that a request came to.
var told = []struct {
	state State
	event string
}{{RequestSent, "requested"}, {NoAnswer, "no_answer"}, {Declined, "declined"}, {FixPlanned, "fix_planned"}, {UsersNotified, "users_notified"}, {Closed, "closed"}}

// documented are the states that make a revision of the advisory.
var documented = map[State]bool{FixPlanned: true, FixReleased: true, UsersNotified: true, Closed: true}

// to makes a step and writes it into the history.
func (m *mover) to(ctx context.Context, to State, note string) error {
	if err := step(m.r.State, to, m.by, m.f); err != nil {
		return err
	}
	return m.put(ctx, to, note)
}

// put writes a change of state into the history: what it rests on was checked.
func (m *mover) put(ctx context.Context, to State, note string) error {
	now := m.s.now()
	k, err := m.s.Keys.Make(ctx, m.tx, m.c.Org)
	if err != nil {
		return err
	}
	p := Past{From: m.r.State, To: to, At: now, Org: m.org, By: m.by, Entry: m.act.Entry, id: newID()}
	p.sealed = k.Seal([]byte(note), "vendor_step/"+p.id)
	if err := insertStep(ctx, m.tx, m.r.ID, p); err != nil {
		return err
	}
	m.r.State, m.r.WaitsFor, m.r.UpdatedAt, m.r.nextAt = to, waits(to), now, time.Time{}
	m.steps = append(m.steps, string(to))
	switch to {
	case RequestSent:
		if m.r.SentAt.IsZero() {
			m.r.SentAt = now
		}
		m.r.AnsweredAt, m.r.Reminded = time.Time{}, 0
		m.r.nextAt = nextReminder(now, m.r.DueAt, 0, now)
	case Accepted, Declined:
		if m.r.AnsweredAt.IsZero() {
			m.r.AnsweredAt = now
		}
	case FixPlanned:
		m.r.DueAt, m.r.Reminded = lastPlanned(m.f.products), 0
		m.r.nextAt = nextReminder(now, m.r.DueAt, 0, now)
	case FixReleased: // users hear of each release: the notice of an earlier one told them of that
		m.r.ReleasedAt, m.r.ToldAt, m.r.Notice = now, time.Time{}, ""
	case UsersNotified:
		m.r.ToldAt = now
	}
	return nil
}

// lastPlanned is 24:00 in Japan of the last day that a fix is planned for.
func lastPlanned(list []Product) (at time.Time) {
	for _, p := range list {
		if t, err := time.ParseInLocation(dayLayout, p.FixOn, text.JST); p.Fix == Planned && err == nil && t.AddDate(0, 0, 1).After(at) {
			at = t.AddDate(0, 0, 1)
		}
	}
	return at.UTC()
}

// save writes the request and tells what became of it.
func (m *mover) save(ctx context.Context) error {
	if err := updateRequest(ctx, m.tx, *m.r); err != nil {
		return err
	}
	m.r.Revision++
	m.act.Object = requestObject(m.r.ID)
	if m.act.Public == nil {
		m.act.Public = map[string]any{}
	}
	m.act.Public["maker"], m.act.Public["steps"] = ledger.Org(m.r.Org), m.steps
	for _, t := range told {
		if slices.Contains(m.steps, string(t.state)) {
			if err := publish(ctx, m.tx, t.event, m.event()); err != nil {
				return err
			}
		}
	}
	if m.answered || slices.ContainsFunc(m.steps, func(x string) bool { return documented[State(x)] }) {
		if err := m.record(ctx); err != nil {
			return err
		}
	}
	if slices.Contains(m.steps, string(Closed)) {
		if err := m.closeCase(ctx); err != nil {
			return err
		}
	}
	if m.r.State == FixReleased && slices.Contains(m.steps, string(FixReleased)) {
		return m.release(ctx)
	}
	return nil
}

func (m *mover) event() Happened {
	return Happened{Case: m.c.ID, Request: m.r.ID, Coordinator: m.c.Org, Org: m.r.Org, State: m.r.State, DueAt: m.r.DueAt}
}

// release tells that the fixes are there, or waits until the embargo is over:
// who hears of a fix hears of what it mends.
func (m *mover) release(ctx context.Context) error {
	if m.c.Embargo.Runs(m.s.now()) {
		m.r.nextAt = m.c.Embargo.Until
		if err := updateRequest(ctx, m.tx, *m.r); err != nil {
			return err
		}
		m.r.Revision++
		return nil
	}
	c := m.c
	if c.sealed != nil {
		k, err := m.s.Keys.For(ctx, m.tx, c.Org)
		if err != nil {
			return err
		}
		if err := c.open(k); err != nil {
			return err
		}
	}
	h := m.event()
	if c.narrow() {
		return publish(ctx, m.tx, "fix_released", h)
	}
	h.Vulnerability, h.Title, h.TLP, h.Fixed = c.Vulnerability, c.Title, c.TLP, m.r.ReleasedAt
	for _, p := range m.f.products {
		if p.Status == Affected {
			x := FixedProduct{Name: p.Name, CPE: p.CPE, PURL: p.PURL, Versions: p.Versions, Interim: p.Interim, SupportEnds: p.SupportEnds}
			if p.Fix == Released {
				x.Fixed, x.URL = p.Fixed, p.FixURL
			}
			h.Products = append(h.Products, x)
		}
	}
	return publish(ctx, m.tx, "fix_released", h)
}

// closeCase closes the case with its last request.
func (m *mover) closeCase(ctx context.Context) error {
	n, err := openRequests(ctx, m.tx, m.c.ID)
	if err != nil || n > 0 || !m.c.ClosedAt.IsZero() {
		return err
	}
	c, err := lockCaseByID(ctx, m.tx, m.c.ID)
	if err != nil {
		return err
	}
	c.ClosedAt, c.UpdatedAt = m.s.now(), m.s.now()
	return updateCase(ctx, m.tx, c)
}

// mover starts a change of a request.
func (s *Service) mover(ctx context.Context, tx *db.Tx, act *ledger.Act, r *Request, c Case, org string, by Side) (*mover, error) {
	list, err := s.products(ctx, tx, c, r.ID)
	if err != nil {
		return nil, err
	}
	return &mover{s: s, tx: tx, act: act, c: c, r: r, org: org, by: by, f: facts{products: list, began: c.Starter == r.Org}}, nil
}

// admit refuses, on record, who may not do something at all; for forms that
// would only lead to a refusal.
func (s *Service) admit(ctx context.Context, verb string) error {
	return s.read(ctx, verb, func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}
