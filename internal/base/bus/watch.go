package bus

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

// Watch returns a channel that receives after something of the organisation
// changed; several changes may be one signal. It ends with stop.
func (b *Bus) Watch(org string) (changed <-chan struct{}, stop func()) {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	b.watchers[ch] = org
	b.mu.Unlock()
	return ch, func() {
		b.mu.Lock()
		delete(b.watchers, ch)
		b.mu.Unlock()
	}
}

// ping signals the watchers of what is new since the last ping. It reads the
// table and not what this process published, so it works on every node.
func (b *Bus) ping(ctx context.Context) error {
	b.mu.Lock()
	idle, seen := len(b.watchers) == 0, b.seen
	b.mu.Unlock()
	if idle {
		return nil
	}
	changed := map[string]bool{}
	err := b.db.Read(ctx, func(tx *db.Tx) error {
		// Commits may arrive out of the order of ids; looking back a little
		// costs a needless signal at most.
		rows, err := tx.Query(ctx, "SELECT id, orgs FROM bus_event WHERE at > $1 AND id > $2 ORDER BY id LIMIT $3",
			time.Now().Add(-time.Minute).UnixMicro(), seen, 4*maxRound)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var orgs string
			if err := rows.Scan(&seen, &orgs); err != nil {
				return err
			}
			for _, org := range strings.Fields(orgs) {
				changed[org] = true
			}
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = seen
	for ch, org := range b.watchers {
		if changed[org] {
			select {
			case ch <- struct{}{}:
			default: // a signal is waiting already
			}
		}
	}
	return nil
}
