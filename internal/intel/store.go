package intel

import (
	"context"
	"embed"
	"fmt"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

// Migrations are the tables of this noun.
//
//go:embed migrations
var Migrations embed.FS

// feedRow is the state of a feed as it is stored.
type feedRow struct {
	id, kind, licence, etag, modified, sha256, failed, holder string
	head, records, tries                                      int64
	newest, tried, done, next, held                           time.Time
}

const feedColumns = "id, kind, head, records, licence, etag, modified, sha256, newest_at, tried_at, done_at, next_at, tries, failed, holder, held_at"

func scanFeed(scan func(...any) error) (f feedRow, err error) {
	var newest, tried, done, next, held int64
	err = scan(&f.id, &f.kind, &f.head, &f.records, &f.licence, &f.etag, &f.modified, &f.sha256, &newest, &tried, &done, &next, &f.tries, &f.failed, &f.holder, &held)
	f.newest, f.tried, f.done, f.next, f.held = db.Time(newest), db.Time(tried), db.Time(done), db.Time(next), db.Time(held)
	return f, err
}

// makeFeed makes the row of a feed when there is none.
func makeFeed(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, `INSERT INTO intel_feed (id, kind, head, records, licence, etag, modified, sha256, newest_at, tried_at, done_at, next_at, tries, failed, holder, held_at)
		VALUES ($1, '', 0, 0, '', '', '', '', 0, 0, 0, 0, 0, '', '', 0) ON CONFLICT (id) DO NOTHING`, id)
	return err
}

// loadFeed returns a feed's state; a feed nobody heard of has an empty one.
func loadFeed(ctx context.Context, tx *db.Tx, id string) (feedRow, error) {
	f, err := scanFeed(tx.QueryRow(ctx, "SELECT "+feedColumns+" FROM intel_feed WHERE id = $1", id).Scan)
	if err == db.ErrNoRows {
		return feedRow{id: id}, nil
	}
	return f, err
}

// maxFeeds bounds the feeds of a hub: configured ones and those imported by
// hand.
const maxFeeds = 1000

func loadFeeds(ctx context.Context, tx *db.Tx) (out []feedRow, err error) {
	rows, err := tx.Query(ctx, "SELECT "+feedColumns+" FROM intel_feed ORDER BY id LIMIT $1", maxFeeds)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		f, err := scanFeed(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// holdFeed takes a feed for an import, unless another holds it and was heard
// of since stale.
func holdFeed(ctx context.Context, tx *db.Tx, id, holder string, now, stale time.Time) error {
	if err := makeFeed(ctx, tx, id); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE intel_feed SET holder = $2, held_at = $3 WHERE id = $1 AND (holder = '' OR holder = $2 OR held_at < $4)", id, holder, db.Micros(now), db.Micros(stale))
	if err == nil && n == 0 {
		return ErrBusy
	}
	return err
}

// keepFeed says that the import still goes on. When another has taken the feed
// meanwhile it is ErrBusy.
func keepFeed(ctx context.Context, tx *db.Tx, id, holder string, now time.Time) error {
	n, err := tx.Exec(ctx, "UPDATE intel_feed SET held_at = $3 WHERE id = $1 AND holder = $2", id, holder, db.Micros(now))
	if err == nil && n == 0 {
		return ErrBusy
	}
	return err
}

func dropFeed(ctx context.Context, tx *db.Tx, id, holder string) error {
	_, err := tx.Exec(ctx, "UPDATE intel_feed SET holder = '', held_at = 0 WHERE id = $1 AND holder = $2", id, holder)
	return err
}

// finishFeed raises a feed's head: what was staged becomes visible.
func finishFeed(ctx context.Context, tx *db.Tx, f *feedRow) error {
	n, err := tx.Exec(ctx, `UPDATE intel_feed SET kind = $3, head = $4, records = $5, licence = $6, etag = $7, modified = $8, sha256 = $9, newest_at = $10, tried_at = $11,
		done_at = $12, next_at = $13, tries = 0, failed = '', holder = '', held_at = 0 WHERE id = $1 AND holder = $2`,
		f.id, f.holder, f.kind, f.head, f.records, f.licence, f.etag, f.modified, f.sha256, db.Micros(f.newest), db.Micros(f.tried), db.Micros(f.done), db.Micros(f.next))
	if err == nil && n == 0 {
		return ErrBusy
	}
	return err
}

// noteFeed writes how a look at a feed went that changed nothing.
func noteFeed(ctx context.Context, tx *db.Tx, f *feedRow) error {
	if err := makeFeed(ctx, tx, f.id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE intel_feed SET etag = $2, modified = $3, tried_at = $4, done_at = $5, next_at = $6, tries = $7, failed = $8 WHERE id = $1",
		f.id, f.etag, f.modified, db.Micros(f.tried), db.Micros(f.done), db.Micros(f.next), f.tries, f.failed)
	return err
}

// importRow is an import that was done.
type importRow struct {
	id, feed, entry, sha256, counts string
	number, size                    int64
	at                              time.Time
}

func insertImport(ctx context.Context, tx *db.Tx, i *importRow) error {
	_, err := tx.Exec(ctx, "INSERT INTO intel_import (id, feed, number, at, entry, sha256, size, counts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		i.id, i.feed, i.number, db.Micros(i.at), i.entry, i.sha256, i.size, i.counts)
	return err
}

// loadImports lists the last imports of a feed, newest first, those before the
// id given.
func loadImports(ctx context.Context, tx *db.Tx, feed, before string, limit int) (out []importRow, err error) {
	rows, err := tx.Query(ctx, "SELECT id, feed, number, at, entry, sha256, size, counts FROM intel_import WHERE feed = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3", feed, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var i importRow
		var at int64
		if err := rows.Scan(&i.id, &i.feed, &i.number, &at, &i.entry, &i.sha256, &i.size, &i.counts); err != nil {
			return nil, err
		}
		i.at = db.Time(at)
		out = append(out, i)
	}
	return out, rows.Err()
}

// places writes n placeholders that follow the first after.
func places(after, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", after+i+1)
	}
	return b.String()
}

func texts(ss []string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}
