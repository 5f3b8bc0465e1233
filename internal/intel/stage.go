package intel

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/intel/feed"
)

// Faults of feeds that lie: nothing of them is taken.
var (
	ErrFuture  = fault.New(fault.Invalid, "intel.lie.future")   // a record is dated in the future
	ErrEmpty   = fault.New(fault.Invalid, "intel.lie.empty")    // there is no record in it
	ErrShrunk  = fault.New(fault.Invalid, "intel.lie.shrunk")   // a whole file lacks too many records
	ErrOlder   = fault.New(fault.Invalid, "intel.lie.older")    // a whole file is older than the one before
	ErrKind    = fault.New(fault.Invalid, "intel.lie.kind")     // it is of another kind than the feed
	ErrSum     = fault.New(fault.Invalid, "intel.lie.checksum") // its SHA-256 is another than announced
	ErrUnnamed = fault.New(fault.Invalid, "intel.lie.unnamed")  // a record has no id, or none that can be one
)

// Bounds of an import.
const (
	stageBatch    = 400            // records staged in one transaction
	maxBatchBytes = 4 << 20        // of their bodies
	maxRecords    = 2_000_000      // of one feed
	maxID         = 200            // bytes of an id, an alias or a key
	maxPerID      = 10_000         // keys or aliases of one record
	slack         = 48 * time.Hour // how far ahead of our clock a source's may be
	stale         = time.Minute    // after which an import that was not heard of is dead
)

// slotID names a place of a feed: what it says in one document of one
// vulnerability.
type slotID [16]byte

func slotOf(ref, id string) (s slotID) {
	document, vulnerability := sha256.Sum256([]byte(ref)), sha256.Sum256([]byte(id))
	copy(s[:8], document[:])
	copy(s[8:], vulnerability[:])
	return s
}

// document is the part of a slot that all vulnerabilities of one document
// share.
func (s slotID) document() [8]byte { return [8]byte(s[:8]) }

func parseSlot(s string) (id slotID, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != len(id) {
		return id, fmt.Errorf("slot %q of a record", s)
	}
	return slotID(raw), nil
}

func (s slotID) text() string { return base64.RawURLEncoding.EncodeToString(s[:]) }

// slot is what an import knows of a place: what is visible there, what an
// earlier attempt or this one staged, and what this file said last.
type slot struct {
	now, staged [9]byte // digests, cut
	ended       bool    // what is visible ends with this import
	seen        bool    // this file has said something of it
	seenAt      int64   // Modified of what it said last
}

// none is the digest of nothing.
var none [9]byte

// digest9 cuts a digest to what comparing needs: 72 bits, of which none is
// zero altogether.
func digest9(raw []byte) (d [9]byte) {
	sum := sha256.Sum256(raw)
	copy(d[:], sum[:8])
	d[8] = 1
	return d
}

func digestText(d [9]byte) string { return base64.RawURLEncoding.EncodeToString(d[:8]) }

func parseDigest(s string) (d [9]byte, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(raw) != 8 {
		return d, fmt.Errorf("digest %q of a record", s)
	}
	copy(d[:], raw)
	d[8] = 1
	return d, nil
}

// plan compares a file with what a feed says, record by record.
type plan struct {
	slots  map[slotID]*slot
	docs   map[[8]byte]struct{} // documents that the file speaks of; nil when it is whole
	counts Counts
	newest time.Time
}

// Counts are what an import did, in records.
type Counts struct {
	Records   int `json:"records"` // in the file
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Removed   int `json:"removed"` // not in the file any more
	Unchanged int `json:"unchanged"`
	Repeated  int `json:"repeated,omitempty"` // said again of the same place in the same file; the last modified counts
}

// differs reports whether an import changes anything.
func (c *Counts) differs() bool { return c.Added+c.Changed+c.Removed > 0 }

// judge puts a record against its place, and into b what has to be done about
// it. A file that speaks of a place twice is taken by the word it modified
// last.
func (p *plan) judge(b *staging, id slotID, digest [9]byte, row *recordRow, modified time.Time) {
	s := p.slots[id]
	if s == nil {
		s = &slot{}
		p.slots[id] = s
		row.fresh = true
	}
	p.counts.Records++
	if modified.After(p.newest) {
		p.newest = modified
	}
	if s.seen {
		p.counts.Repeated++
		if modified.UnixMicro() < s.seenAt {
			return
		}
	}
	s.seen, s.seenAt = true, modified.UnixMicro()
	if s.staged == digest {
		return
	}
	if s.now == digest {
		s.undo(b, row.slot)
		return
	}
	if s.staged != none {
		b.drop = append(b.drop, row.slot)
	}
	s.end(b, row.slot)
	s.staged = digest
	b.rows = append(b.rows, *row)
}

// end lets what is visible end with this import.
func (s *slot) end(b *staging, at string) {
	if s.now != none && !s.ended {
		s.ended = true
		b.end = append(b.end, at)
	}
}

// undo lets a place stand as it is visible.
func (s *slot) undo(b *staging, at string) {
	if s.staged != none {
		s.staged = none
		b.drop = append(b.drop, at)
	}
	if s.ended {
		s.ended = false
		b.revive = append(b.revive, at)
	}
}

// gone reports whether the file takes back what stands at a place by not
// speaking of it: a whole file does, and a document in which another
// vulnerability is still spoken of.
func (p *plan) gone(id slotID, s *slot) bool {
	if s.seen {
		return false
	}
	if p.docs == nil {
		return true
	}
	_, ok := p.docs[id.document()]
	return ok
}

// count says what became of the places once the file is read.
func (p *plan) count(whole bool) {
	if !whole {
		p.docs = map[[8]byte]struct{}{}
		for id, s := range p.slots {
			if s.seen {
				p.docs[id.document()] = struct{}{}
			}
		}
	}
	for id, s := range p.slots {
		switch {
		case s.seen && s.staged != none && s.now != none:
			p.counts.Changed++
		case s.seen && s.staged != none:
			p.counts.Added++
		case s.seen:
			p.counts.Unchanged++
		case s.now != none && p.gone(id, s):
			p.counts.Removed++
		}
	}
}

// close settles the places that the file did not speak of: those that are gone
// end, the others stay, whatever an earlier attempt staged there. For each, room
// gives the batch to put it into.
func (p *plan) close(room func() (*staging, error)) error {
	for id, s := range p.slots {
		gone := p.gone(id, s)
		if s.seen || s.staged == none && !s.ended && !gone {
			continue
		}
		b, err := room()
		if err != nil {
			return err
		}
		if !gone {
			s.undo(b, id.text())
			continue
		}
		if s.staged != none {
			s.staged = none
			b.drop = append(b.drop, id.text())
		}
		s.end(b, id.text())
	}
	return nil
}

// news returns the places that the import changes; none and true when there are
// more than an event names. A place that names no product counts too: what is
// known of a vulnerability, such as that it is used or withdrawn, weighs on what
// others say of products.
func (p *plan) news() (ids []slotID, many bool) {
	for id, s := range p.slots {
		if s.staged != none || s.ended {
			if ids = append(ids, id); len(ids) > maxNamed {
				return nil, true
			}
		}
	}
	return ids, false
}

// lies reports what a record says that cannot be true.
func lies(r *feed.Record, now time.Time) error {
	if r.ID == "" || len(r.ID) > maxID {
		return fault.New(fault.Invalid, ErrUnnamed.Code, "ref", clip(r.Ref), "max", maxID)
	}
	limit := now.Add(slack)
	dates := []time.Time{r.Published, r.Modified}
	if r.Exploited != nil {
		dates = append(dates, r.Exploited.Added)
	}
	if r.Likelihood != nil {
		dates = append(dates, r.Likelihood.On)
	}
	for _, d := range dates {
		if d.After(limit) {
			return fault.New(fault.Invalid, ErrFuture.Code, "id", r.ID, "at", d.UTC())
		}
	}
	return nil
}

// clip shortens what a fault repeats of an input.
func clip(s string) string {
	if c := []rune(s); len(c) > 100 {
		return string(c[:99]) + "…"
	}
	return s
}

// prepare turns a record into what is stored of it, but for its number and its
// bodies: those of a record that did not change are never packed.
func (b *bodies) prepare(r *feed.Record) (row recordRow, id slotID, digest [9]byte, err error) {
	statements := r.Statements
	if r.Withdrawn {
		statements = nil // what a source takes back it no longer says of products
	}
	var keys []string
	for i := range statements {
		keys = append(keys, productKeys(&statements[i])...)
	}
	for _, l := range r.Lives { // of a statement's own kind there are none
		keys = append(keys, lifeKeys(&l)...)
	}
	facts := *r
	facts.Statements = nil
	raw, err := json.Marshal(facts)
	if err != nil {
		return row, id, digest, fmt.Errorf("record %s: %w", r.ID, err)
	}
	n := len(raw)
	if len(statements) > 0 {
		said, err := json.Marshal(statements)
		if err != nil {
			return row, id, digest, fmt.Errorf("record %s: %w", r.ID, err)
		}
		raw = append(raw, said...)
	}
	if len(raw) > maxBody {
		return row, id, digest, fault.New(fault.TooLarge, "intel.record_large", "id", r.ID, "mb", maxBody>>20)
	}
	id, digest = slotOf(r.Ref, r.ID), digest9(raw)
	row = recordRow{slot: id.text(), kind: string(r.Kind), vulnerability: r.ID, digest: digestText(digest), at: r.Modified, keys: bounded(keys), aliases: bounded(r.Aliases)}
	row.aliases = slices.DeleteFunc(row.aliases, func(a string) bool { return a == r.ID })
	if row.at.IsZero() {
		row.at = r.Published
	}
	row.facts, row.statements = raw[:n], raw[n:]
	return row, id, digest, nil
}

// lifeKeys returns the product keys of a life cycle, and its own name.
func lifeKeys(l *feed.Life) []string {
	keys := []string{"life:" + strings.ToLower(l.Product)}
	for _, n := range l.Names {
		if strings.HasPrefix(n, "cpe:") {
			if name, err := cpe.ParseLenient(n); err == nil {
				keys = append(keys, product.Keys(name, "")...)
			}
		} else {
			keys = append(keys, product.Keys(cpe.Name{}, n)...)
		}
	}
	return keys
}

// bounded sorts texts, each once, without those too long for an index.
func bounded(in []string) []string {
	out := slices.DeleteFunc(slices.Clone(in), func(s string) bool { return s == "" || len(s) > maxID })
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), maxPerID)]
}
