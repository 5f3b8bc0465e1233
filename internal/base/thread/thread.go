// Package thread keeps questions and answers about an object, between the
// organisation that owns it and each organisation it was sent to. Every
// recipient has a conversation of its own: none sees another's, nor that
// there is one. Texts are sealed under the owner's key.
//
// Table: thread_message. It decides nothing about access: the noun that owns
// the object does, before it calls.
package thread

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/key"
)

// Migrations and Words are this package's table and sentences.
var (
	//go:embed migrations
	Migrations embed.FS
	//go:embed text
	Words embed.FS
)

// MaxText bounds a message in characters.
const MaxText = 4000

// Faults of a message.
var (
	ErrEmpty = fault.New(fault.Invalid, "thread.empty")
	ErrLong  = fault.New(fault.Invalid, "thread.long")
	ErrNone  = fault.New(fault.NotFound, "thread.none")
)

// Kind says what a message is.
type Kind string

// The kinds. A question stays open until somebody answers it.
const (
	Question Kind = "question"
	Answer   Kind = "answer"
	Note     Kind = "note"
)

// Message is one contribution.
type Message struct {
	ID         string    `json:"id"`
	Object     string    `json:"object"` // noun/id
	With       string    `json:"with"`   // the recipient whose conversation this is: organisation id
	From       string    `json:"from"`   // organisation id of who wrote
	Person     string    `json:"-"`
	Kind       Kind      `json:"kind"`
	Text       string    `json:"text"`
	At         time.Time `json:"at"`
	AnsweredAt time.Time `json:"answered_at,omitzero"` // of a question; zero while it is open
}

// Store keeps threads.
type Store struct{ keys *key.Store }

// New returns a store that seals under the keys of object owners.
func New(keys *key.Store) *Store { return &Store{keys} }

// Post adds a message; an answer closes the open questions of the
// conversation. Owner is the organisation that owns the object.
func (s *Store) Post(ctx context.Context, tx *db.Tx, owner string, m Message, now time.Time) (Message, error) {
	m.Text = strings.TrimSpace(strings.ToValidUTF8(m.Text, ""))
	if m.Text == "" {
		return m, ErrEmpty
	}
	if n := utf8.RuneCountInString(m.Text); n > MaxText {
		return m, fault.New(fault.Invalid, ErrLong.Code, "n", n, "max", MaxText)
	}
	m.ID, m.At = uuid.Must(uuid.NewV7()).String(), now.UTC().Truncate(time.Microsecond)
	c, err := s.keys.Make(ctx, tx, owner)
	if err != nil {
		return m, fmt.Errorf("post: %w", err)
	}
	if m.Kind == Answer {
		if _, err := tx.Exec(ctx, "UPDATE thread_message SET answered_at = $3 WHERE object = $1 AND with_org = $2 AND kind = 'question' AND answered_at = 0",
			m.Object, m.With, db.Micros(m.At)); err != nil {
			return m, fmt.Errorf("post: %w", err)
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO thread_message (id, object, with_org, from_org, from_person, kind, sealed, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		m.ID, m.Object, m.With, m.From, m.Person, string(m.Kind), c.Seal([]byte(m.Text), "thread/"+m.ID), db.Micros(m.At))
	if err != nil {
		return m, fmt.Errorf("post: %w", err)
	}
	return m, nil
}

// Of lists an object's messages, the oldest first, the last 500 of them: one
// recipient's conversation, or with an empty with all of them, which only the
// owner may see.
func (s *Store) Of(ctx context.Context, tx *db.Tx, owner, object, with string) ([]Message, error) {
	rows, err := tx.Query(ctx, `SELECT id, object, with_org, from_org, from_person, kind, sealed, at, answered_at FROM thread_message
		WHERE object = $1 AND (with_org = $2 OR $2 = '') ORDER BY id DESC LIMIT $3`, object, with, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Message
	var sealed [][]byte
	for rows.Next() {
		var m Message
		var at, answered int64
		var body []byte
		if err := rows.Scan(&m.ID, &m.Object, &m.With, &m.From, &m.Person, &m.Kind, &body, &at, &answered); err != nil {
			return nil, err
		}
		m.At, m.AnsweredAt = db.Time(at), db.Time(answered)
		out, sealed = append(out, m), append(sealed, body)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, err
	}
	rows.Close() // the connection is needed for the key
	slices.Reverse(out)
	slices.Reverse(sealed)
	c, err := s.keys.For(ctx, tx, owner)
	if err != nil {
		return nil, err
	}
	for i := range out {
		plain, err := c.Open(sealed[i], "thread/"+out[i].ID)
		if err != nil {
			return nil, fmt.Errorf("message %s: %w", out[i].ID, err)
		}
		out[i].Text = string(plain)
	}
	return out, nil
}

// Open counts the open questions of each object in a recipient's
// conversations, or, with an empty with, in all of the objects given.
func (s *Store) Open(ctx context.Context, tx *db.Tx, with string, objects ...string) (map[string]int, error) {
	out := map[string]int{}
	for _, object := range objects {
		var n int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM thread_message WHERE object = $1 AND (with_org = $2 OR $2 = '')
			AND kind = 'question' AND answered_at = 0`, object, with).Scan(&n)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out[object] = n
		}
	}
	return out, nil
}
