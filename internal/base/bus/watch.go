package bus

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

// change is that something of a noun changed for an organisation.
type change struct{ noun, org string }

// ping tells Changed of what is new since the last ping, once per noun and
// organisation. It reads the table and not what this process published, so it
// works on every node.
func (b *Bus) ping(ctx context.Context) error {
	if b.Changed == nil {
		return nil
	}
	seen, at, changed := b.seen, b.seenAt, map[change]bool{}
	now := time.Now()
	soon := now.Add(time.Minute).UnixMicro()
	if at > soon { // the clock was ahead and went back: what comes now has lower ids
		seen = ""
	}
	err := b.db.Read(ctx, func(tx *db.Tx) error {
		// Commits may arrive out of the order of ids; such an event is missed
		// here, and its page changes with the next one or a reload.
		rows, err := tx.Query(ctx, "SELECT id, subject, orgs, at FROM bus_event WHERE at > $1 AND at <= $4 AND id > $2 ORDER BY id LIMIT $3",
			now.Add(-time.Minute).UnixMicro(), seen, 4*maxRound, soon)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var subject, orgs string
			if err := rows.Scan(&seen, &subject, &orgs, &at); err != nil {
				return err
			}
			noun, _, _ := strings.Cut(subject, ".")
			for _, org := range strings.Fields(orgs) {
				changed[change{noun, org}] = true
			}
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	b.seen, b.seenAt = seen, at
	for c := range changed {
		b.Changed(c.noun, c.org)
	}
	return nil
}
