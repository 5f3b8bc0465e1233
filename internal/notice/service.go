package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
)

// Exposed is one organisation that a vulnerability concerns, by one product.
type Exposed struct {
	Org      string
	Product  string // for people
	Devices  int
	Certain  bool // product and version are known and compared
	Priority Severity
	FoundAt  time.Time // when the hub found it
}

// Facts are what is known of a vulnerability or an item of intelligence.
type Facts struct {
	Title      text.Both
	Details    text.Both
	About      []string // vulnerability ids
	KnownAt    time.Time
	AttackAt   time.Time // when attacks were first seen
	Fixed      string    // first version that is repaired, when one is
	TLP        TLP
	Clearance  int
	Indicators []Indicator
	Pages      []string // addresses to read on, few
	Known      bool     // some source describes it
}

// Config is what the service needs. Exposed, Vulnerability and Item may be nil:
// then nobody is proposed and nothing is filled in.
type Config struct {
	DB      *db.DB
	Ledger  *ledger.Ledger
	Keys    *key.Store
	Blobs   *blob.Store
	Threads *thread.Store
	Orgs    *org.Service
	Rules   *RuleSet         // nil: those of the program
	Now     func() time.Time // nil: the clock
	BaseURL string           // of the console, for links

	Channels *channel.Service // the recipients' own; nil: the portal alone

	// Exposed finds whom a vulnerability concerns: among orgs, or everybody
	// when there are none named.
	Exposed       func(ctx context.Context, tx *db.Tx, vulnerability string, orgs []string) ([]Exposed, error)
	Vulnerability func(ctx context.Context, tx *db.Tx, id string) (Facts, error)
	// Item reads an item as who drafts may see it; it asks the gate itself, so
	// it is called before the act begins.
	Item func(ctx context.Context, id string) (Facts, error)
}

// Service is what people do with notices: one method per intention.
type Service struct{ Config }

// New returns the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rules == nil {
		c.Rules = Rules()
	}
	return &Service{c}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) (ledger.Receipt, error) {
	return s.Ledger.Allowed(ctx, Access, act, fn)
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

func objectOf(id ID) string { return "notice/" + id }
func letterOf(id ID) string { return "notice_letter/" + id }
func ticketOf(id ID) string { return "notice_ticket/" + id }
func langOf(who gate.Identity) text.Lang {
	lang, _ := text.ParseLang(who.Lang)
	return lang
}

// seal encrypts what a notice says, once, under its sender's key.
func (s *Service) seal(ctx context.Context, tx *db.Tx, n *Notice) error {
	raw, err := json.Marshal(&n.Content)
	if err != nil {
		return fmt.Errorf("notice %s: %w", n.ID, err)
	}
	c, err := s.Keys.Make(ctx, tx, n.From)
	if err != nil {
		return fmt.Errorf("notice %s: %w", n.ID, err)
	}
	n.sealed = c.Seal(raw, objectOf(n.ID))
	return nil
}

// open decrypts a notice. Whoever calls it has decided that the reader may see
// it, and cuts away what the reader may not.
func (s *Service) open(ctx context.Context, tx *db.Tx, n *noticeRow) error {
	c, err := s.Keys.For(ctx, tx, n.From)
	if err != nil {
		return fmt.Errorf("notice %s: %w", n.ID, err)
	}
	return n.open(c)
}

func (n *noticeRow) open(c *key.Cipher) error {
	var content Content
	if err := c.OpenJSON(n.sealed, objectOf(n.ID), &content); err != nil {
		return err
	}
	n.Content = content
	if len(n.why) > 0 {
		why, err := c.Open(n.why, objectOf(n.ID)+"/end")
		if err != nil {
			return fmt.Errorf("notice %s: %w", n.ID, err)
		}
		n.EndedWhy = string(why)
	}
	n.sealed, n.why = nil, nil
	return nil
}

// told is the sealed part of a recipient.
type told struct {
	Name string      `json:"name,omitempty"`
	Mail string      `json:"mail,omitempty"`
	Why  []text.Both `json:"why,omitempty"`
	Note string      `json:"note,omitempty"`
}

func (r *Recipient) seal(c *key.Cipher) error {
	sealed, err := c.SealJSON(told{r.Name, r.Mail, r.Why, r.Note}, letterOf(r.ID))
	r.sealed = sealed
	return err
}

func (r *Recipient) open(c *key.Cipher) error {
	var t told
	if err := c.OpenJSON(r.sealed, letterOf(r.ID), &t); err != nil {
		return err
	}
	r.Name, r.Mail, r.Why, r.Note, r.sealed = t.Name, t.Mail, t.Why, t.Note, nil
	return nil
}

// openAll opens recipients that one organisation told.
func (s *Service) openAll(ctx context.Context, tx *db.Tx, from string, list []Recipient) error {
	if len(list) == 0 {
		return nil
	}
	c, err := s.Keys.For(ctx, tx, from)
	if err != nil {
		return fmt.Errorf("recipients of %s: %w", from, err)
	}
	for i := range list {
		if err := list[i].open(c); err != nil {
			return err
		}
	}
	return nil
}

// words is the sealed part of an answer.
type words struct {
	Note    string   `json:"note,omitempty"`
	Interim string   `json:"interim,omitempty"`
	Date    string   `json:"date,omitempty"`
	ByFile  bool     `json:"by_file,omitempty"`
	Files   []Digest `json:"files,omitempty"`
}

// answers returns what a recipient said so far, opened.
func (s *Service) answers(ctx context.Context, tx *db.Tx, recipient ID) ([]Answer, error) {
	list, err := loadAnswers(ctx, tx, recipient)
	if err != nil {
		return nil, err
	}
	for i := range list {
		a := &list[i]
		c, err := s.Keys.For(ctx, tx, a.owner)
		if err != nil {
			return nil, fmt.Errorf("answer %s: %w", a.ID, err)
		}
		var w words
		if err := c.OpenJSON(a.sealed, "notice_answer/"+a.ID, &w); err != nil {
			return nil, err
		}
		a.Note, a.Interim, a.Date, a.ByFile, a.Files, a.sealed = w.Note, w.Interim, w.Date, w.ByFile, w.Files, nil
	}
	return list, nil
}

// names returns the names of organisations by id, in the reader's language.
func (s *Service) names(ctx context.Context, tx *db.Tx, lang text.Lang, ids ...string) (map[string]string, error) {
	out, err := s.Orgs.NamesIn(ctx, tx, lang, ids...)
	if err != nil {
		return out, err
	}
	return out, originNames(ctx, tx, lang, ids, out)
}

// absent reports whether nobody is registered under an id.
func absent(err error) bool { return errors.Is(err, org.ErrOrgGone) }
