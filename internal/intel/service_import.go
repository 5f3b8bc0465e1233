package intel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/intel/feed"
)

// Imported is what an import did.
type Imported struct {
	Feed    string         `json:"feed"`
	Kind    feed.Kind      `json:"kind"`
	Number  int64          `json:"number"` // of the imports of this feed
	SHA256  string         `json:"sha256,omitempty"`
	Size    int64          `json:"size,omitempty"`
	Whole   bool           `json:"whole"`          // the file was all there is
	Same    bool           `json:"same,omitempty"` // it is the file of the last import
	Counts  Counts         `json:"counts"`
	Receipt ledger.Receipt `json:"receipt,omitzero"`
}

// input is a file, or several, on the way in.
type input struct {
	source         FeedSource
	sha256         string
	size           int64
	etag, modified string // as its server gives them
	clock          bool   // the schedule asks, nobody in particular
	quiet          bool   // it may have nothing to say: what changed since the last look
	read           func(ctx context.Context, yield func(*feed.Record) error) (feed.Kind, error)
	also           func(ctx context.Context, tx *db.Tx) error // is committed with what was read; may be nil
}

// take imports a file whole or not at all. What is staged when it fails stays
// invisible, and is taken up by the next import of the feed.
func (s *Service) take(ctx context.Context, in input) (out Imported, err error) {
	if !in.clock { // who may not is refused before anything is read
		if err := s.read(ctx, "intel.import", func(*db.Tx, gate.Identity) error { return nil }); err != nil {
			return out, err
		}
	}
	select {
	case s.one <- struct{}{}:
		defer func() { <-s.one }()
	case <-ctx.Done():
		return out, ctx.Err()
	}
	t := &taking{s: s, in: in, holder: newID(), wares: map[string]struct{}{}}
	if err := t.begin(ctx); err != nil {
		return out, err
	}
	defer func() {
		if err != nil { // the feed is free for the next; when we die it is after a minute
			ctx := context.WithoutCancel(ctx)
			err = errors.Join(err, s.DB.Write(ctx, func(tx *db.Tx) error { return dropFeed(ctx, tx, in.source.ID, t.holder) }))
		}
	}()
	out = Imported{Feed: in.source.ID, Kind: feed.Kind(t.feed.kind), SHA256: in.sha256, Size: in.size, Number: t.feed.head}
	if in.sha256 != "" && in.sha256 == t.feed.sha256 {
		out.Same, out.Counts = true, Counts{Records: int(t.feed.records), Unchanged: int(t.feed.records)}
		return out, t.same(ctx)
	}
	if err := t.stage(ctx); err != nil {
		return out, err
	}
	out.Kind, out.Whole, out.Counts = t.kind, t.whole, t.plan.counts
	if (in.clock || in.quiet) && !out.Counts.differs() {
		return out, t.same(ctx)
	}
	out.Number++
	if out.Receipt, err = t.finish(ctx); err != nil {
		return out, err
	}
	return out, s.sweep(ctx, in.source.ID)
}

// taking is one import under way.
type taking struct {
	s      *Service
	in     input
	holder string
	feed   feedRow
	plan   plan
	kind   feed.Kind
	whole  bool
	wares  map[string]struct{} // product keys known to be written
}

// begin takes the feed and learns what it says now.
func (t *taking) begin(ctx context.Context) error {
	s, id := t.s, t.in.source.ID
	now := s.now()
	if err := s.DB.Write(ctx, func(tx *db.Tx) error { return holdFeed(ctx, tx, id, t.holder, now, now.Add(-stale)) }); err != nil {
		return err
	}
	t.plan.slots = map[slotID]*slot{}
	return s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if t.feed, err = loadFeed(ctx, tx, id); err != nil {
			return err
		}
		return eachStood(ctx, tx, id, t.feed.head, t.plan.stood(t.feed.head))
	})
}

// stood returns a function that notes what a feed says, and what an earlier
// attempt staged beyond its head.
func (p *plan) stood(head int64) func(*stood) error {
	return func(r *stood) error {
		id, err := parseSlot(r.slot)
		if err != nil {
			return err
		}
		digest, err := parseDigest(r.digest)
		if err != nil {
			return err
		}
		s := p.slots[id]
		if s == nil {
			s = &slot{}
			p.slots[id] = s
		}
		if r.since > head {
			s.staged = digest
		} else {
			s.now, s.ended = digest, r.until > head
		}
		return nil
	}
}

// maxWaresKept bounds the product keys an import remembers; of those beyond it
// the database is asked each time.
const maxWaresKept = 500_000

// stage reads the file and writes what differs, a few hundred records at a
// time, invisible. One goroutine reads and compares, another writes.
func (t *taking) stage(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	full := make(chan *staging, 2)
	written := make(chan error, 1)
	go func() {
		var err error
		for b := range full {
			if err == nil {
				if err = t.write(ctx, b); err != nil {
					cancel(err)
				}
			}
		}
		written <- err
	}()
	quit := make(chan struct{})
	go t.beat(ctx, quit, cancel)
	read := t.fill(ctx, full)
	close(quit)
	close(full)
	if err := <-written; err != nil { // why reading was broken off, when it was
		return err
	}
	return read
}

// beat says from time to time that the import goes on: a file in which nothing
// changed is read for long without a write, and so is a publisher far away.
func (t *taking) beat(ctx context.Context, quit <-chan struct{}, cancel context.CancelCauseFunc) {
	timer := time.NewTicker(stale / 4)
	defer timer.Stop()
	for {
		select {
		case <-quit:
			return
		case <-ctx.Done():
			return
		case <-timer.C:
			err := t.s.DB.Write(ctx, func(tx *db.Tx) error { return keepFeed(ctx, tx, t.in.source.ID, t.holder, t.s.now()) })
			if errors.Is(err, ErrBusy) {
				cancel(err)
				return
			}
		}
	}
}

// fill reads the file into batches.
func (t *taking) fill(ctx context.Context, full chan<- *staging) error {
	s := t.s
	now := s.now()
	b := t.batch()
	within := map[slotID]bool{}
	flush := func() error {
		select {
		case full <- b:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		b = t.batch()
		clear(within)
		return nil
	}
	kind, err := t.in.read(ctx, func(r *feed.Record) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := lies(r, now); err != nil {
			return err
		}
		if t.plan.counts.Records >= maxRecords {
			return fault.New(fault.TooLarge, "intel.records", "max", maxRecords)
		}
		if r.Licence == "" {
			r.Licence = t.in.source.Licence
		}
		row, id, digest, err := s.bodies.prepare(r)
		if err != nil {
			return err
		}
		if within[id] {
			if err := flush(); err != nil {
				return err
			}
		}
		n := b.size()
		t.plan.judge(b, id, digest, &row, r.Modified)
		if b.size() == n {
			return nil
		}
		within[id] = true
		t.news(b, &row)
		if b.size() >= s.batch || b.bytes >= maxBatchBytes {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.kind, t.whole = kind, t.in.source.whole(kind)
	t.plan.count(t.whole)
	if err := t.honest(); err != nil {
		return err
	}
	err = t.plan.close(func() (*staging, error) { // flush makes another of b: what is on its way is the writer's
		if b.size() < s.batch {
			return b, nil
		}
		err := flush()
		return b, err
	})
	if err == nil && b.size() > 0 {
		err = flush()
	}
	return err
}

func (t *taking) batch() *staging {
	return &staging{feed: t.in.source.ID, at: t.feed.head + 1}
}

// news gives the row that judge put into b last its id and packs it, and notes
// product keys not yet known.
func (t *taking) news(b *staging, row *recordRow) {
	if len(b.rows) == 0 || b.rows[len(b.rows)-1].slot != row.slot || b.rows[len(b.rows)-1].id != "" {
		return
	}
	last := &b.rows[len(b.rows)-1]
	last.id, last.facts = newID(), t.s.bodies.pack(row.facts)
	if last.statements = []byte{}; len(row.statements) > 0 {
		last.statements = t.s.bodies.pack(row.statements)
	}
	b.bytes += len(last.facts) + len(last.statements)
	if row.kind == string(feed.EOL) {
		return // nothing is matched by life cycles
	}
	for _, k := range row.keys {
		if _, known := t.wares[k]; known {
			continue
		}
		if len(t.wares) < maxWaresKept {
			t.wares[k] = struct{}{}
		}
		b.wares = append(b.wares, k)
	}
}

func (t *taking) write(ctx context.Context, b *staging) error {
	s := t.s
	return s.DB.Write(ctx, func(tx *db.Tx) error {
		if err := keepFeed(ctx, tx, b.feed, t.holder, s.now()); err != nil {
			return err
		}
		return b.write(ctx, tx)
	})
}

// honest looks at a file as a whole, once it is read.
func (t *taking) honest() error {
	c, src := t.plan.counts, t.in.source
	known := c.Unchanged + c.Changed + c.Removed
	switch {
	case src.Kind != "" && t.kind != src.Kind:
		return fault.New(fault.Invalid, ErrKind.Code, "want", string(src.Kind), "have", string(t.kind))
	case c.Records == 0 && !t.in.quiet:
		return ErrEmpty
	case t.whole && c.Removed*100 > known*src.shrink():
		return fault.New(fault.Invalid, ErrShrunk.Code, "missing", c.Removed, "known", known, "percent", src.shrink())
	case t.whole && c.Records > 0 && t.plan.newest.Before(t.feed.newest):
		return fault.New(fault.Invalid, ErrOlder.Code, "newest", t.plan.newest.UTC(), "known", t.feed.newest)
	}
	return nil
}

func (f *FeedSource) shrink() int {
	if f.Shrink == 0 {
		return defaultShrink
	}
	return f.Shrink
}

// same notes that a look at a feed brought nothing new.
func (t *taking) same(ctx context.Context) error {
	return t.s.DB.Write(ctx, func(tx *db.Tx) error {
		f := t.feed
		f.etag, f.modified, f.tried, f.done, f.tries, f.failed = t.in.etag, t.in.modified, t.s.now(), t.s.now(), 0, ""
		f.next = t.in.source.next(f.done)
		if err := noteFeed(ctx, tx, &f); err != nil {
			return err
		}
		if t.in.also != nil {
			if err := t.in.also(ctx, tx); err != nil {
				return err
			}
		}
		return dropFeed(ctx, tx, f.id, t.holder)
	})
}

// next is when a feed is looked at after a look that went well; zero for one
// without a schedule.
func (f *FeedSource) next(done time.Time) time.Time {
	if f.Every == 0 {
		return time.Time{}
	}
	return done.Add(f.Every)
}

// finish makes what is staged visible, with the entry and the events.
func (t *taking) finish(ctx context.Context) (ledger.Receipt, error) {
	s, in := t.s, &t.in
	c := t.plan.counts
	counts, err := json.Marshal(c)
	if err != nil {
		return ledger.Receipt{}, err
	}
	act := &ledger.Act{Verb: "intel.import", Object: "intel_feed/" + in.source.ID, Public: map[string]any{"kind": string(t.kind), "sha256": in.sha256,
		"records": c.Records, "added": c.Added, "changed": c.Changed, "removed": c.Removed}}
	flip := func(tx *db.Tx) error {
		now := s.now()
		f := t.feed
		f.holder, f.kind, f.licence, f.sha256, f.etag, f.modified = t.holder, string(t.kind), in.source.Licence, in.sha256, in.etag, in.modified
		f.head++
		f.records += int64(c.Added - c.Removed)
		f.tried, f.done, f.next = now, now, in.source.next(now)
		if t.plan.newest.After(f.newest) {
			f.newest = t.plan.newest
		}
		if err := finishFeed(ctx, tx, &f); err != nil {
			return err
		}
		if err := insertImport(ctx, tx, &importRow{id: newID(), feed: f.id, entry: act.Entry, sha256: in.sha256, counts: string(counts), number: f.head, size: in.size, at: now}); err != nil {
			return err
		}
		if in.also != nil {
			if err := in.also(ctx, tx); err != nil {
				return err
			}
		}
		return t.tell(ctx, tx)
	}
	if in.clock {
		return s.Ledger.Do(ctx, act, flip)
	}
	return s.do(ctx, act, func(tx *db.Tx, _ gate.Identity) error { return flip(tx) })
}

// tell publishes what changed.
func (t *taking) tell(ctx context.Context, tx *db.Tx) error {
	id := t.in.source.ID
	exploited := t.kind == feed.KEV || t.kind == feed.EPSS
	slots, many := t.plan.news()
	if len(slots) == 0 && !many {
		return nil
	}
	var vulnerabilities, products []string
	for _, sl := range slots {
		v, keys, err := touched(ctx, tx, id, sl.text())
		if err != nil {
			return fmt.Errorf("what changed: %w", err)
		}
		vulnerabilities = append(vulnerabilities, v)
		if products = bounded(append(products, keys...)); len(products) > maxNamed && !exploited {
			many = true
			break
		}
	}
	if many {
		vulnerabilities, products = nil, nil
	}
	vulnerabilities = bounded(vulnerabilities)
	if exploited {
		return publishExploited(ctx, tx, Exploited{Feed: id, Vulnerabilities: vulnerabilities, Many: many})
	}
	return publishStated(ctx, tx, Stated{Feed: id, Vulnerabilities: vulnerabilities, Products: products, Many: many})
}

// sweep deletes what ended, a few hundred records at a time.
func (s *Service) sweep(ctx context.Context, id string) error {
	for n := 1; n > 0; {
		err := s.DB.Write(ctx, func(tx *db.Tx) error {
			f, err := loadFeed(ctx, tx, id)
			if err != nil {
				return err
			}
			n, err = sweepRecords(ctx, tx, id, f.head, stageBatch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
