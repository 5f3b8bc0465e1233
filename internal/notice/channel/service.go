package channel

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/base/webhook"
	"noroshi/internal/org"
)

// maxTries is how often a code may be guessed: six digits stay six digits.
const maxTries = 5

// Config is what the service needs.
type Config struct {
	DB      *db.DB
	Ledger  *ledger.Ledger
	Keys    *key.Store
	Office  *post.Office
	Orgs    *org.Service
	Words   *text.Catalog
	BaseURL string
	Mails   bool // a mail server is configured
	Now     func() time.Time
	// Deadlines lists the open deadlines of an organisation, the nearest
	// first, at most 500.
	Deadlines func(ctx context.Context, tx *db.Tx, org string) ([]Deadline, error)
}

// Service is what people do with channels, and how letters reach them.
type Service struct{ Config }

// Open returns the service.
func Open(c Config) *Service { return &Service{c} }

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity) error) error {
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		return fn(tx, who)
	})
	return err
}

// List returns the channels of one's own organisation.
func (s *Service) List(ctx context.Context) (out []Channel, err error) {
	who, _, err := Access.Allow(ctx, "channel.list")
	if err != nil {
		return nil, s.do(ctx, &ledger.Act{Verb: "channel.list"}, nil)
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error { out, err = of(ctx, tx, s.Keys, who.Org); return err })
	return out, err
}

// Set adds a channel. A mail address gets a code to be entered with [Confirm];
// a webhook gets a signed test, and its secret is returned, once.
// Faults: channel.invalid with places, [ErrMost], [ErrOften].
func (s *Service) Set(ctx context.Context, c Channel) (_ Channel, secret string, err error) {
	err = s.do(ctx, &ledger.Act{Verb: "channel.set", Public: map[string]any{"kind": string(c.Kind)}}, func(tx *db.Tx, who gate.Identity) error {
		if c, err = c.Normal(); err != nil {
			return err
		}
		if c.Kind == Mail && !s.Mails {
			return mail.ErrOff
		}
		have, err := of(ctx, tx, s.Keys, who.Org)
		if err != nil {
			return err
		}
		if len(have) >= Most {
			return ErrMost
		}
		if err := s.seldom(ctx, tx, who.Org); err != nil {
			return err
		}
		c.ID, c.org, c.State, c.CreatedAt = uuid.Must(uuid.NewV7()).String(), who.Org, Waiting, s.now()
		cipher, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		p := s.Words.Printer(c.Lang, nil)
		l := post.Letter{Owner: who.Org, Object: "channel/" + c.ID, Recipient: c.ID, Channel: post.Channel(c.Kind)}
		if c.Kind == Webhook {
			made := webhook.NewSecret()
			secret = made.Reveal()
			c.secret = secret
			l.Content = post.Content{Address: c.Address, Secret: secret, Body: testBody(s.now())}
		} else {
			code := newCode()
			c.code = digest(code)
			l.Content = post.Content{Address: c.Address, Subject: p.T("channel.confirm.subject"), Text: p.T("channel.confirm.body", "code", code)}
		}
		if err := insert(ctx, tx, c, cipher); err != nil {
			return err
		}
		_, err = s.Office.Queue(ctx, tx, l)
		return err
	})
	return c, secret, err
}

// testBody is the body of a test: an event that asks for nothing.
func testBody(now time.Time) []byte {
	return fmt.Appendf(nil, `{"type":"channel.test","timestamp":%q,"data":{}}`, now.Format(time.RFC3339))
}

// find returns one's own channel. Fault: [ErrNone].
func (s *Service) find(ctx context.Context, tx *db.Tx, org, id string) (Channel, error) {
	all, err := of(ctx, tx, s.Keys, org)
	if err != nil {
		return Channel{}, err
	}
	if i := slices.IndexFunc(all, func(c Channel) bool { return c.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Channel{}, ErrNone
}

// Confirm proves a mail address with the code that came with a mail. After
// five wrong ones the code is void. Faults: [ErrNone], [ErrCode].
func (s *Service) Confirm(ctx context.Context, id, code string) error {
	right := false
	err := s.do(ctx, &ledger.Act{Verb: "channel.confirm", Object: "channel/" + id}, func(tx *db.Tx, who gate.Identity) error {
		c, err := s.find(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		left, err := guess(ctx, tx, id)
		if err != nil {
			return err
		}
		right = left && c.code != "" && subtle.ConstantTimeCompare([]byte(digest(strings.TrimSpace(code))), []byte(c.code)) == 1
		if !right {
			return nil // counted, so not undone
		}
		return prove(ctx, tx, id)
	})
	if err == nil && !right {
		return ErrCode
	}
	return err
}

// seldom refuses what would send more to addresses that may be anybody's.
func (s *Service) seldom(ctx context.Context, tx *db.Tx, org string) error {
	n, err := s.Office.Recent(ctx, tx, org, "channel", s.now().Add(-time.Hour))
	if err == nil && n >= perHour {
		err = ErrOften
	}
	return err
}

// Test sends a test through a channel. Faults: [ErrNone], [ErrUnproven],
// [ErrOften].
func (s *Service) Test(ctx context.Context, id string) error {
	return s.do(ctx, &ledger.Act{Verb: "channel.test", Object: "channel/" + id}, func(tx *db.Tx, who gate.Identity) error {
		c, err := s.find(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		if c.Kind == Mail && c.State == Waiting {
			return ErrUnproven
		}
		if err := s.seldom(ctx, tx, who.Org); err != nil {
			return err
		}
		p := s.Words.Printer(c.Lang, nil)
		l := post.Letter{Owner: who.Org, Object: "channel/" + id, Recipient: id, Channel: post.Channel(c.Kind),
			Content: post.Content{Address: c.Address, Secret: c.secret, Subject: p.T("channel.test.subject"), Text: p.T("channel.test.body")}}
		if c.Kind == Webhook {
			l.Content.Body = testBody(s.now())
		}
		_, err = s.Office.Queue(ctx, tx, l)
		return err
	})
}

// Remove ends a channel; what is already queued still goes out. Fault:
// [ErrNone].
func (s *Service) Remove(ctx context.Context, id string) error {
	return s.do(ctx, &ledger.Act{Verb: "channel.remove", Object: "channel/" + id}, func(tx *db.Tx, who gate.Identity) error {
		return remove(ctx, tx, who.Org, id)
	})
}

// Subscribe makes the secret address of the calendar of one's own deadlines;
// an earlier one ends. The address is shown once.
func (s *Service) Subscribe(ctx context.Context) (path string, err error) {
	token := make([]byte, 18)
	rand.Read(token) // never fails
	path = "/channels/calendar/" + base64.RawURLEncoding.EncodeToString(token)
	err = s.do(ctx, &ledger.Act{Verb: "channel.set", Public: map[string]any{"kind": "calendar"}}, func(tx *db.Tx, who gate.Identity) error {
		return setCalendar(ctx, tx, who.Org, who.Person, digest(path), s.now())
	})
	return path, err
}

// Subscribed returns the calendar with a secret address. Fault: [ErrNone].
func (s *Service) Subscribed(ctx context.Context, path string, p text.Printer) (out []byte, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		owner, err := calendarOf(ctx, tx, digest(path))
		if err != nil {
			return err
		}
		if owner == "" {
			return ErrNone
		}
		all, err := s.Deadlines(ctx, tx, owner)
		out = Calendar(p, s.now(), all...)
		return err
	})
	return out, err
}

// Bounce takes a delivery report as a mail server sends it, from whoever runs
// the hub. Fault: mail.ErrReport.
func (s *Service) Bounce(ctx context.Context, report io.Reader) error {
	return s.do(ctx, &ledger.Act{Verb: "channel.bounce"}, func(tx *db.Tx, _ gate.Identity) error {
		r, err := mail.ReadReport(report)
		if err != nil {
			return err
		}
		return s.Office.Returned(ctx, tx, r)
	})
}

// Aside lists the letters that did not arrive and are no longer tried, for
// whoever runs the hub: whom they were for and why, not what they said.
func (s *Service) Aside(ctx context.Context, cursor string, limit int) (out []post.Letter, next string, err error) {
	if _, _, err := Access.Allow(ctx, "channel.aside"); err != nil {
		return nil, "", s.do(ctx, &ledger.Act{Verb: "channel.aside"}, nil)
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error { out, next, err = s.Office.Aside(ctx, tx, cursor, limit); return err })
	return out, next, err
}

// Again tries a letter that was laid aside once more. Fault: post.ErrNone.
func (s *Service) Again(ctx context.Context, id string) error {
	return s.do(ctx, &ledger.Act{Verb: "channel.again", Object: "letter/" + id}, func(tx *db.Tx, _ gate.Identity) error {
		return s.Office.Again(ctx, tx, id)
	})
}

func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic("BUG: " + err.Error()) // the system's randomness never fails
	}
	return fmt.Sprintf("%06d", n)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
