package ledger

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/tlog"
)

// witnessClock is how far the clock of a witness may be ahead of ours.
const witnessClock = 5 * time.Minute

// Faults of cosigning.
var (
	ErrNoWitness    = fault.New(fault.NotFound, "ledger.no_witness")       // none is configured
	ErrCosignature  = fault.New(fault.Invalid, "ledger.bad_cosignature")   // of another log, or wrong
	ErrStranger     = fault.New(fault.Refused, "ledger.unknown_witness")   // by no key that is configured
	ErrAhead        = fault.New(fault.Conflict, "ledger.cosigned_ahead")   // of entries that we do not have
	ErrWitnessClock = fault.New(fault.Invalid, "ledger.cosigned_too_soon") // of a time that has not come
)

// Witness is what the hub knows of one that cosigns its log.
type Witness struct {
	Name   string    `json:"name"`
	Key    string    `json:"key"`             // id, eight hexadecimal digits
	Size   uint64    `json:"size"`            // entries under its newest cosignature
	Signed time.Time `json:"signed,omitzero"` // when that was, by its clock; zero: never
}

// Witnessing says whether witnesses keep up.
type Witnessing struct {
	Witnesses []Witness     `json:"witnesses"`      // as configured; empty: nothing waits for any
	Wait      time.Duration `json:"wait"`           // how old the newest cosignature may get, in nanoseconds; 0: as old as it likes
	Since     time.Time     `json:"since,omitzero"` // of the newest cosignature of any; zero: never
	Waits     bool          `json:"waits"`          // it is older: ordinary acts of power wait
}

func keyID(v note.Verifier) string { return fmt.Sprintf("%08x", v.KeyHash()) }

// Witnessing reads what witnesses said last. One that keeps up is enough: keys
// are replaced one after the other.
func (l *Ledger) Witnessing(ctx context.Context, tx *db.Tx) (s Witnessing, err error) {
	s.Witnesses, s.Wait = make([]Witness, len(l.Witnesses)), l.Wait
	for i, v := range l.Witnesses {
		w := Witness{Name: v.Name(), Key: keyID(v)}
		var at int64
		err := tx.QueryRow(ctx, "SELECT size, signed_at FROM ledger_witness WHERE key = $1 AND name = $2", w.Key, w.Name).Scan(&w.Size, &at)
		if err != nil && err != db.ErrNoRows {
			return s, fmt.Errorf("witnesses: %w", err)
		}
		if err == nil {
			w.Signed = db.Time(at)
		}
		if w.Signed.After(s.Since) {
			s.Since = w.Signed
		}
		s.Witnesses[i] = w
	}
	s.Waits = len(l.Witnesses) > 0 && l.Wait > 0 && l.Now().Sub(s.Since) > l.Wait
	return s, nil
}

// Cosign takes a checkpoint of this log with the cosignatures of configured
// witnesses. When the newest was older than a witness may be silent, that they
// are late is an entry of its own. Whoever may send one gains nothing by it: only
// keys of witnesses make one.
func (l *Ledger) Cosign(ctx context.Context, msg []byte) error {
	if len(l.Witnesses) == 0 {
		return ErrNoWitness
	}
	logs := []note.Verifier{l.Verifier}
	c, said, err := tlog.Cosignatures(msg, logs, l.Witnesses)
	if err != nil {
		return ErrCosignature.Because(err)
	}
	if len(said) == 0 {
		return ErrStranger
	}
	n, err := note.Open(msg, note.VerifierList(logs...))
	if err != nil {
		return ErrCosignature.Because(err)
	}
	n.UnverifiedSigs = nil
	own, err := note.Sign(n)
	if err != nil {
		return ErrCosignature.Because(err)
	}
	for _, s := range said {
		if s.At.After(l.Now().Add(witnessClock)) {
			return fault.New(fault.Invalid, ErrWitnessClock.Code, "at", s.At)
		}
	}
	var before Witnessing
	err = l.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if err := l.had(ctx, tx, c); err != nil {
			return err
		}
		before, err = l.Witnessing(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	keep := func(tx *db.Tx) error {
		for _, s := range said {
			_, err := tx.Exec(ctx, `INSERT INTO ledger_witness (key, name, size, root, signed_at, note, line) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (key) DO UPDATE SET name = excluded.name, size = excluded.size, root = excluded.root, signed_at = excluded.signed_at, note = excluded.note, line = excluded.line
				WHERE excluded.size >= ledger_witness.size AND excluded.signed_at >= ledger_witness.signed_at`,
				fmt.Sprintf("%08x", s.Hash), s.Name, int64(c.Size), c.Root.String(), db.Micros(s.At), string(own), s.Line)
			if err != nil {
				return fmt.Errorf("keep cosignature: %w", err)
			}
		}
		return nil
	}
	if late := said[0].At.Sub(before.Since); !before.Since.IsZero() && l.Wait > 0 && late > l.Wait {
		return l.cosignedLate(ctx, before, c, said[0], keep)
	}
	return l.DB.Write(ctx, keep)
}

// had checks that a checkpoint which we signed is of entries that we still have:
// after the restoration of an old backup a witness knows more than we do.
func (l *Ledger) had(ctx context.Context, tx *db.Tx, c tlog.Checkpoint) error {
	var h head
	if err := tx.QueryRow(ctx, "SELECT published, root FROM ledger_head WHERE id = 1").Scan(&h.published, &h.root); err != nil {
		return fmt.Errorf("witnesses: %w", err)
	}
	if c.Size > h.published || c.Size == h.published && c.Root.String() != h.root {
		l.Log.Error("ledger: a witness has cosigned what is not here; was an old backup restored?", "cosigned", c.Size, "published", h.published)
		return fault.New(fault.Conflict, ErrAhead.Code, "size", int64(c.Size), "have", int64(h.published))
	}
	return nil
}

// cosignedLate keeps cosignatures that came after acts of power had to wait, and
// says so on the ledger: from which entry on nothing was cosigned, since when,
// and how long.
func (l *Ledger) cosignedLate(ctx context.Context, before Witnessing, c tlog.Checkpoint, by tlog.Cosignature, keep func(*db.Tx) error) error {
	var from uint64
	for _, w := range before.Witnesses {
		from = max(from, w.Size)
	}
	_, err := l.Do(ctx, &Act{Verb: "ledger.cosigned", Object: "witness/" + by.Name, Public: map[string]any{
		"from": int64(from), "to": int64(c.Size), "since": before.Since.UTC().Format(time.RFC3339Nano), "until": by.At.UTC().Format(time.RFC3339Nano),
		"late_s": int64(by.At.Sub(before.Since) / time.Second), "wait_s": int64(l.Wait / time.Second),
	}}, keep)
	return err
}

// cosignatures are the lines of witnesses for a checkpoint of ours, to stand below
// our own signature.
func (l *Ledger) cosignatures(ctx context.Context, c tlog.Checkpoint) (lines []byte) {
	if len(l.Witnesses) == 0 {
		return nil
	}
	err := l.DB.Read(ctx, func(tx *db.Tx) error {
		lines = nil
		for _, v := range l.Witnesses {
			var line string
			err := tx.QueryRow(ctx, "SELECT line FROM ledger_witness WHERE key = $1 AND size = $2 AND root = $3", keyID(v), int64(c.Size), c.Root.String()).Scan(&line)
			if err != nil && err != db.ErrNoRows {
				return err
			}
			lines = append(lines, line...)
		}
		return nil
	})
	if err != nil {
		l.Log.Warn("ledger: cosignatures", "error", err.Error()) // the checkpoint is good without them
		return nil
	}
	return lines
}

// serveCheckpoint serves the newest checkpoint, with the cosignatures that it has.
func (l *Ledger) serveCheckpoint(w http.ResponseWriter, r *http.Request, signed []byte) {
	if c, err := tlog.OpenCheckpoint(signed, l.Verifier); err == nil {
		signed = append(bytes.Clone(signed), l.cosignatures(r.Context(), c)...)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(signed)
}

// Newest returns the newest checkpoint that a witness cosigned, as a note.
// ErrNoEntry: none was.
func (l *Ledger) Newest(ctx context.Context) (msg []byte, err error) {
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		msg = nil
		var size int64 = -1
		for _, v := range l.Witnesses {
			var at int64
			var own, line string
			err := tx.QueryRow(ctx, "SELECT size, note, line FROM ledger_witness WHERE key = $1 AND name = $2", keyID(v), v.Name()).Scan(&at, &own, &line)
			switch {
			case err == db.ErrNoRows, err == nil && at < size:
			case err != nil:
				return err
			case at == size:
				msg = append(msg, line...)
			default:
				size, msg = at, []byte(own+line)
			}
		}
		if msg == nil {
			return ErrNoEntry
		}
		return nil
	})
	return msg, err
}
