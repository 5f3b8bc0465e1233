package ledger

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/tlog"
)

// Faults of reading.
var (
	ErrNoEntry = fault.New(fault.NotFound, "ledger.no_entry")
	ErrNotYet  = fault.New(fault.Busy, "ledger.not_yet")
)

// Proven is a receipt with its proof: whoever has it and the log's key needs
// nobody else.
type Proven struct {
	Receipt
	Proof string `json:"proof"` // c2sp.org/tlog-proof
}

// Receipt returns the receipt of an entry by its id. Who may have it is for
// the caller to decide.
func (l *Ledger) Receipt(ctx context.Context, entry string) (Receipt, error) {
	r := Receipt{Entry: entry}
	err := l.DB.Read(ctx, func(tx *db.Tx) error {
		var at int64
		var salt []byte
		err := tx.QueryRow(ctx, "SELECT at, leaf, salt FROM ledger_entry WHERE id = $1", entry).Scan(&at, &r.Leaf, &salt)
		if err == db.ErrNoRows {
			return ErrNoEntry
		}
		r.At, r.Salt = db.Time(at), base64.StdEncoding.EncodeToString(salt)
		return err
	})
	return r, err
}

// Prove returns the receipt of an entry with its proof of inclusion in the
// present checkpoint; ErrNotYet when that does not hold it yet.
func (l *Ledger) Prove(ctx context.Context, entry string) (Proven, error) {
	r, err := l.Receipt(ctx, entry)
	if err != nil {
		return Proven{}, err
	}
	var seq *int64
	if err := l.DB.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, "SELECT seq FROM ledger_entry WHERE id = $1", entry).Scan(&seq)
	}); err != nil {
		return Proven{}, err
	}
	if seq == nil {
		return Proven{}, ErrNotYet
	}
	var proof tlog.Proof
	for try := 0; ; try++ {
		if proof, err = l.prove(uint64(*seq)); err == nil {
			return Proven{r, string(proof.Text())}, nil
		}
		if try == 3 { // the log moved on while we read, again and again
			return Proven{}, ErrNotYet.Because(err)
		}
	}
}

func (l *Ledger) prove(seq uint64) (tlog.Proof, error) {
	signed, err := os.ReadFile(filepath.Join(l.Dir, tlog.CheckpointPath))
	if err != nil {
		return tlog.Proof{}, err
	}
	c, err := tlog.OpenCheckpoint(signed, l.Verifier)
	if err != nil {
		return tlog.Proof{}, err
	}
	if seq >= c.Size {
		return tlog.Proof{}, ErrNotYet
	}
	reader, err := tlog.NewReader(os.DirFS(l.Dir), c.Size)
	if err != nil {
		return tlog.Proof{}, err
	}
	return reader.Prove(seq, signed)
}

// Owns reports whether the entry is of an act of the organisation.
func (l *Ledger) Owns(ctx context.Context, entry, org string) (yes bool, err error) {
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `SELECT count(*) FROM ledger_entry e JOIN ledger_name n ON n.pseudonym = e.org
			WHERE e.id = $1 AND n.kind = 'org' AND n.subject = $2`, entry, org).Scan(&n)
		yes = n > 0
		return err
	})
	return yes, err
}

// Row is an entry as lists show it, with the id of its organisation where the
// table of names still has it.
type Row struct {
	Seq   int64 // -1 before it is numbered
	Entry Entry
	OrgID string
	WhoID string
}

// Filter narrows a list of entries.
type Filter struct {
	Object string // noun/id; empty for all
	Cursor string
	Limit  int
}

// Entries lists entries, the newest first. It is for those whose reach is the
// whole record; who that is the caller decides.
func (l *Ledger) Entries(ctx context.Context, f Filter) (rows []Row, next string, err error) {
	limit := db.Limit(f.Limit)
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	query, args := "WHERE e.id < $1", []any{before, limit + 1}
	if f.Object != "" {
		query, args = query+" AND e.object = $3", append(args, f.Object)
	}
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		rs, err := tx.Query(ctx, "SELECT coalesce(e.seq, -1), e.leaf FROM ledger_entry e "+query+" ORDER BY e.id DESC LIMIT $2", args...)
		if err != nil {
			return err
		}
		defer rs.Close()
		for rs.Next() {
			var r Row
			var leaf []byte
			if err := rs.Scan(&r.Seq, &leaf); err != nil {
				return err
			}
			if r.Entry, err = ParseEntry(leaf); err != nil {
				return err
			}
			rows = append(rows, r)
		}
		if err := rs.Err(); err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			next = db.Cursor(rows[limit-1].Entry.ID)
		}
		return l.uncover(ctx, tx, rows)
	})
	return rows, next, err
}

func (l *Ledger) uncover(ctx context.Context, tx *db.Tx, rows []Row) error {
	known := map[string]string{"": ""}
	find := func(pseudonym string) (string, error) {
		if s, ok := known[pseudonym]; ok {
			return s, nil
		}
		var subject string
		err := tx.QueryRow(ctx, "SELECT subject FROM ledger_name WHERE pseudonym = $1", pseudonym).Scan(&subject)
		if err == db.ErrNoRows {
			err = nil // erased
		}
		known[pseudonym] = subject
		return subject, err
	}
	for i := range rows {
		var err error
		if rows[i].OrgID, err = find(rows[i].Entry.Org); err != nil {
			return err
		}
		if rows[i].WhoID, err = find(rows[i].Entry.Who); err != nil {
			return err
		}
	}
	return nil
}

// Status is what /healthz and the console say of the ledger.
type Status struct {
	Numbered  uint64        `json:"numbered"`  // entries with a number
	Published uint64        `json:"published"` // entries under a signed checkpoint
	Waiting   int           `json:"waiting"`   // committed entries without a number, counted up to 1,000
	Oldest    time.Duration `json:"oldest"`    // how long the first without a proof waits, in nanoseconds
	Late      bool          `json:"late"`      // a promise is not kept: an alarm
}

// Status reads how far the log is.
func (l *Ledger) Status(ctx context.Context) (s Status, err error) {
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT numbered, published FROM ledger_head WHERE id = 1").Scan(&s.Numbered, &s.Published); err != nil {
			return err
		}
		var first, numbered int64
		err := tx.QueryRow(ctx, "SELECT count(*), coalesce(min(at), 0) FROM (SELECT at FROM ledger_entry WHERE seq IS NULL ORDER BY id LIMIT 1000) AS w").Scan(&s.Waiting, &first)
		if err != nil {
			return err
		}
		// A number is not a proof yet: publishing may fail too.
		err = tx.QueryRow(ctx, "SELECT at FROM ledger_entry WHERE seq = $1", int64(s.Published)).Scan(&numbered)
		if err != nil && err != db.ErrNoRows {
			return err
		}
		if numbered != 0 && (first == 0 || numbered < first) {
			first = numbered
		}
		if first != 0 {
			s.Oldest = l.Now().Sub(db.Time(first))
		}
		s.Late = s.Oldest > promise
		return nil
	})
	return s, err
}

// Actor returns the organisation whose act an entry is of, and who did it, as far
// as the table of names still has them; empty for the system itself. Who may
// learn it is for the caller to decide.
func (l *Ledger) Actor(ctx context.Context, entry string) (org, person string, err error) {
	err = l.DB.Read(ctx, func(tx *db.Tx) error {
		var leaf []byte
		err := tx.QueryRow(ctx, "SELECT leaf FROM ledger_entry WHERE id = $1", entry).Scan(&leaf)
		if err == db.ErrNoRows {
			return ErrNoEntry
		}
		if err != nil {
			return err
		}
		e, err := ParseEntry(leaf)
		if err != nil {
			return err
		}
		for _, x := range []struct {
			kind, pseudonym string
			to              *string
		}{{"org", e.Org, &org}, {"person", e.Who, &person}} {
			err := tx.QueryRow(ctx, "SELECT subject FROM ledger_name WHERE kind = $1 AND pseudonym = $2", x.kind, x.pseudonym).Scan(x.to)
			if err != nil && err != db.ErrNoRows {
				return err
			}
		}
		return nil
	})
	return org, person, err
}
