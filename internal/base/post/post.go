// Package post carries letters out of the hub: mail to people and webhooks to
// programs. A letter is queued in the transaction of the act it tells of, so
// that it exists exactly when the act does. It is written twice: that it is
// being sent before, and what came of it after, under one id.
//
// What is not taken is tried again, later and later, and in the end laid aside
// where people see it; nothing is dropped. A letter whose sending was cut off
// goes out again under the same id, by which whoever has it already knows it.
//
// Table: post_letter. Addresses and contents are sealed under the key of the
// organisation on whose behalf they go out, and gone two weeks after they
// arrived.
package post

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/key"
	"noroshi/internal/base/mail"
)

// Migrations and Words are this package's table and sentences.
var (
	//go:embed migrations
	Migrations embed.FS
	//go:embed text
	Words embed.FS
)

// ErrNone is returned for a letter that is not there or not laid aside.
var ErrNone = fault.New(fault.NotFound, "post.none")

// Channel is a way out.
type Channel string

// The channels.
const (
	Mail    Channel = "mail"
	Webhook Channel = "webhook"
)

// State is where a letter stands.
type State string

// The states.
const (
	Waiting State = "waiting" // for its time, or for the next try
	Sending State = "sending" // handed over; the answer is awaited
	Sent    State = "sent"    // the other side took it
	Dead    State = "dead"    // laid aside: refused for good, or tried often enough
)

// Letter is what goes out.
type Letter struct {
	ID        string    `json:"id"`     // UUIDv7, made by Queue unless it is given; the id of the webhook and of the mail
	Owner     string    `json:"-"`      // organisation on whose behalf
	Object    string    `json:"object"` // what it is about: noun/id
	Recipient string    `json:"recipient"`
	Channel   Channel   `json:"channel"`
	State     State     `json:"state"`
	Tries     int       `json:"tries"`
	Due       time.Time `json:"due_at"`
	Queued    time.Time `json:"queued_at"`
	Ended     time.Time `json:"ended_at,omitzero"`
	Why       string    `json:"why,omitempty"` // the last failure, in the other side's words
	Content   Content   `json:"-"`

	claimed time.Time // for being sent
}

// Content is the sealed part of a letter.
type Content struct {
	Address  string `json:"address"` // a mail address, or an https URL
	Subject  string `json:"subject,omitempty"`
	Text     string `json:"text,omitempty"`
	HTML     string `json:"html,omitempty"`
	Calendar []byte `json:"calendar,omitempty"`
	Body     []byte `json:"body,omitempty"`   // of a webhook: JSON
	Secret   string `json:"secret,omitempty"` // that a webhook is signed with

	Raw   []byte    `json:"raw,omitempty"`  // a whole mail, as it was read before it was sent; see mail.Message
	Until time.Time `json:"until,omitzero"` // after which it is not sent any more, whoever tries again
}

// Outcome is the event post.sent or post.failed: what came of a letter.
type Outcome struct {
	Letter    string  `json:"letter"`
	Object    string  `json:"object"`
	Recipient string  `json:"recipient"`
	Channel   Channel `json:"channel"`
	Why       string  `json:"why,omitempty"`
}

// mailer takes a mail; see [mail.Sender].
type mailer interface {
	Send(ctx context.Context, m mail.Message) error
}

// Poster posts a body to a URL outside and returns the status of the answer.
type Poster func(ctx context.Context, url string, header map[string]string, body []byte) (status int, err error)

// Config is what an office needs.
type Config struct {
	DB   *db.DB
	Keys *key.Store
	Mail mailer
	Post Poster
	Log  *slog.Logger
	Now  func() time.Time
}

// Office sends letters.
type Office struct{ Config }

// New returns an office.
func New(c Config) *Office { return &Office{c} }

func (o *Office) now() time.Time { return o.Now().UTC().Truncate(time.Microsecond) }

// Queue writes a letter into tx. It goes out once tx is committed and the
// letter is due.
func (o *Office) Queue(ctx context.Context, tx *db.Tx, l Letter) (string, error) {
	if l.Queued = o.now(); l.ID == "" {
		l.ID = uuid.Must(uuid.NewV7()).String()
	}
	if l.Due.Before(l.Queued) {
		l.Due = l.Queued
	}
	c, err := o.Keys.Make(ctx, tx, l.Owner)
	if err != nil {
		return "", fmt.Errorf("queue letter: %w", err)
	}
	plain, err := json.Marshal(l.Content)
	if err != nil {
		return "", fmt.Errorf("queue letter: %w", err)
	}
	return l.ID, insert(ctx, tx, l, c.Seal(plain, "post/"+l.ID))
}

// Recent counts the letters that an organisation had written since an instant
// about objects of one noun: for limits on what somebody can have sent to an
// address that nobody proved.
func (o *Office) Recent(ctx context.Context, tx *db.Tx, owner, noun string, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM post_letter WHERE owner = $1 AND queued_at > $2 AND object LIKE $3", owner, db.Micros(since), noun+"/%").Scan(&n)
	return n, err
}

// Of lists the letters about an object, the newest first.
func (o *Office) Of(ctx context.Context, tx *db.Tx, object, cursor string, limit int) ([]Letter, string, error) {
	return list(ctx, tx, "object", object, cursor, limit)
}

// Aside lists the letters that were laid aside, the newest first.
func (o *Office) Aside(ctx context.Context, tx *db.Tx, cursor string, limit int) ([]Letter, string, error) {
	return list(ctx, tx, "state", string(Dead), cursor, limit)
}

// Again sends a letter that was laid aside once more. Fault: [ErrNone].
func (o *Office) Again(ctx context.Context, tx *db.Tx, id string) error {
	n, err := tx.Exec(ctx, "UPDATE post_letter SET state = 'waiting', tries = 0, due_at = $2, ended_at = 0 WHERE id = $1 AND state = 'dead'", id, db.Micros(o.now()))
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

// Withdraw lays aside the letters about an object that still wait, and empties
// these and those that were laid aside before, so that nobody sends them after
// all. It returns how many waited. What is under way arrives.
func (o *Office) Withdraw(ctx context.Context, tx *db.Tx, object string) (n int, err error) {
	letters, err := unsent(ctx, tx, object)
	if err != nil {
		return 0, err
	}
	for _, l := range letters {
		if err := empty(ctx, tx, l.ID); err != nil {
			return n, err
		}
		if l.State == Dead {
			continue
		}
		if err := o.end(ctx, tx, l, Dead, "post.withdrawn"); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Returned records what a mail server reports of a letter that was taken and
// could not be delivered in the end. A report of a delay, or of a letter that
// is not ours, changes nothing.
func (o *Office) Returned(ctx context.Context, tx *db.Tx, r mail.Report) error {
	if r.Action != "failed" {
		return nil
	}
	l, err := load(ctx, tx, r.ID)
	if err == db.ErrNoRows || err == nil && (l.Channel != Mail || l.State != Sent) {
		return nil
	}
	if err != nil {
		return err
	}
	return o.end(ctx, tx, l, Dead, nameless(r.Status+" "+r.Why))
}

// end gives a letter its last state and tells of it.
func (o *Office) end(ctx context.Context, tx *db.Tx, l Letter, s State, why string) error {
	if err := settle(ctx, tx, l.ID, s, o.now(), why); err != nil {
		return err
	}
	subject := "post.sent"
	if s == Dead {
		subject = "post.failed"
	}
	return bus.Publish(ctx, tx, subject, Outcome{l.ID, l.Object, l.Recipient, l.Channel, why}, l.Owner)
}
