// Package bus carries what happened from one noun to the next. An event is
// written in the transaction of the act it tells of, so it exists exactly
// when the act does; each follower then handles it in a transaction that also
// ends its delivery, so it takes effect exactly once.
//
// Pages watch the bus too: they are told that something of their own
// organisation changed, never what, and never that anything of another did.
package bus

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
)

// Migrations are the tables of the bus.
//
//go:embed migrations
var Migrations embed.FS

// Limits of one round of work, and how long events are kept once every
// follower had them.
const (
	maxRound  = 256
	interval  = 50 * time.Millisecond
	retention = 30 * 24 * time.Hour
)

// Tx is a transaction of base/db, under the name that event files may use.
type Tx = db.Tx

// Event is one thing that happened.
type Event struct {
	ID      string    // UUIDv7
	Subject string    // noun.past-verb, as "incident.reported"
	At      time.Time // when it was published
	Data    json.RawMessage
}

// Publish writes an event into tx. Orgs are the organisations whose pages it
// changes.
func Publish(ctx context.Context, tx *db.Tx, subject string, data any, orgs ...string) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	slices.Sort(orgs)
	_, err = tx.Exec(ctx, "INSERT INTO bus_event (id, subject, orgs, at, data) VALUES ($1, $2, $3, $4, $5)",
		uuid.Must(uuid.NewV7()).String(), subject, strings.Join(slices.Compact(orgs), " "), time.Now().UnixMicro(), string(raw))
	if err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	return nil
}

// Follower is somebody who wants to know. Handle runs once for each event of
// the subjects, in the transaction given; when it fails it is tried again,
// later and later.
type Follower struct {
	Name     string
	Subjects []string
	Handle   func(ctx context.Context, tx *db.Tx, ev Event) error
}

// Bus spreads events to followers, and tells pages that something changed.
type Bus struct {
	// Changed, if set before Run, is told that something of a noun changed for
	// an organisation: several changes at once are one call. It must not block.
	Changed func(noun, org string)

	db        *db.DB
	followers []Follower
	log       *slog.Logger
	seen      string // id of the last event that Changed was told of
	seenAt    int64  // and when it was published
}

// New returns a bus with its followers.
func New(d *db.DB, log *slog.Logger, followers ...Follower) *Bus {
	return &Bus{db: d, followers: followers, log: log}
}

// Run works until ctx ends.
func (b *Bus) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	trimmed := time.Now()
	for {
		n, err := b.Round(ctx)
		if err != nil && ctx.Err() == nil {
			b.log.Error("bus", "error", err)
		}
		if n >= maxRound && ctx.Err() == nil {
			continue // there is more
		}
		if err := b.ping(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("bus watchers", "error", err)
		}
		if time.Since(trimmed) > time.Hour {
			trimmed = time.Now()
			if err := b.trim(ctx, trimmed.Add(-retention)); err != nil {
				b.log.Error("bus trim", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Round spreads new events and handles what is due, and returns how many
// events and deliveries it dealt with.
func (b *Bus) Round(ctx context.Context) (int, error) {
	done, err := b.spread(ctx)
	if err != nil {
		return 0, err
	}
	waiting, err := b.waiting(ctx)
	if err != nil {
		return done, err
	}
	for i := range b.followers {
		if !slices.Contains(waiting, b.followers[i].Name) {
			continue
		}
		n, err := b.deliver(ctx, &b.followers[i])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Settle runs rounds until nothing is left to do, for the demo and tests; it
// gives up after a bound, for followers that keep publishing to each other.
func (b *Bus) Settle(ctx context.Context) error {
	for range 1000 {
		n, err := b.Round(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
	return fmt.Errorf("bus: events without end")
}

// spread turns each new event into one delivery per follower.
func (b *Bus) spread(ctx context.Context) (n int, err error) {
	some := false // most rounds find nothing and should not queue for the writer
	err = b.db.Read(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(ctx, "SELECT id FROM bus_event WHERE spread = 0 LIMIT 1").Scan(new(string))
		some = err == nil
		if err == db.ErrNoRows {
			return nil
		}
		return err
	})
	if err != nil || !some {
		return 0, err
	}
	err = b.db.Write(ctx, func(tx *db.Tx) error {
		events, err := load(ctx, tx, "SELECT id, subject, at, data FROM bus_event WHERE spread = 0 ORDER BY id LIMIT $1"+tx.SkipLocked(), maxRound)
		if err != nil {
			return err
		}
		for _, ev := range events {
			for _, f := range b.followers {
				if !slices.Contains(f.Subjects, ev.Subject) {
					continue
				}
				if _, err := tx.Exec(ctx, "INSERT INTO bus_delivery (follower, event_id) VALUES ($1, $2)", f.Name, ev.ID); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, "UPDATE bus_event SET spread = 1 WHERE id = $1", ev.ID); err != nil {
				return err
			}
		}
		n = len(events)
		return nil
	})
	return n, err
}

// waiting lists the followers that have something due: most rounds find none,
// with one query for all of them.
func (b *Bus) waiting(ctx context.Context) (names []string, err error) {
	err = b.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, "SELECT DISTINCT follower FROM bus_delivery WHERE next_at <= $1", time.Now().UnixMicro())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		return rows.Err()
	})
	return names, err
}

const due = `SELECT e.id, e.subject, e.at, e.data FROM bus_delivery d JOIN bus_event e ON e.id = d.event_id
	WHERE d.follower = $1 AND d.next_at <= $2 ORDER BY d.event_id LIMIT $3`

// deliver hands a follower what is due: all in one transaction, and one by
// one when that fails, so that a bad event does not hold up the others.
func (b *Bus) deliver(ctx context.Context, f *Follower) (int, error) {
	var events []Event
	err := b.db.Read(ctx, func(tx *db.Tx) (err error) {
		events, err = load(ctx, tx, due, f.Name, time.Now().UnixMicro(), maxRound)
		return err
	})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	all := b.db.Write(ctx, func(tx *db.Tx) error { return b.handle(ctx, tx, f, events...) })
	if all == nil {
		return len(events), nil
	}
	done := 0
	for _, ev := range events {
		if ctx.Err() != nil {
			return done, ctx.Err()
		}
		err := b.db.Write(ctx, func(tx *db.Tx) error { return b.handle(ctx, tx, f, ev) })
		if err == nil {
			done++
			continue
		}
		b.log.Error("bus: a follower failed", "follower", f.Name, "subject", ev.Subject, "event", ev.ID, "error", err)
		err = b.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE bus_delivery SET next_at = $3 + 1000000 * (CASE WHEN tries > 8 THEN 256 ELSE 1 + tries * tries END), tries = tries + 1
				WHERE follower = $1 AND event_id = $2`, f.Name, ev.ID, time.Now().UnixMicro())
			return err
		})
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

func (b *Bus) handle(ctx context.Context, tx *db.Tx, f *Follower, events ...Event) error {
	for _, ev := range events {
		n, err := tx.Exec(ctx, "DELETE FROM bus_delivery WHERE follower = $1 AND event_id = $2", f.Name, ev.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			continue // another node had it
		}
		if err := f.Handle(ctx, tx, ev); err != nil {
			return fmt.Errorf("%s: %s: %w", f.Name, ev.Subject, err)
		}
	}
	return nil
}

func (b *Bus) trim(ctx context.Context, before time.Time) error {
	return b.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM bus_event WHERE at < $1 AND spread = 1
			AND NOT EXISTS (SELECT 1 FROM bus_delivery d WHERE d.event_id = bus_event.id)`, before.UnixMicro())
		return err
	})
}

func load(ctx context.Context, tx *db.Tx, query string, args ...any) ([]Event, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []Event
	for rows.Next() {
		var ev Event
		var at int64
		var data string
		if err := rows.Scan(&ev.ID, &ev.Subject, &at, &data); err != nil {
			return nil, err
		}
		ev.At, ev.Data = db.Time(at), json.RawMessage(data)
		events = append(events, ev)
	}
	return events, rows.Err()
}
