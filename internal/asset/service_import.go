package asset

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// Bounds of import previews.
const (
	PreviewAge   = time.Hour // how long a preview can be applied
	maxPreviews  = 5         // per organisation; an older one goes
	maxShownRows = 5_000     // rows of one outcome that a preview shows; its counts have all
)

// Preview is what an import would do. Nothing has happened yet.
type Preview struct {
	Token     string        `json:"token"` // names it for ApplyImport
	Name      string        `json:"name"`  // of the file
	File      File          `json:"file"`
	Remove    bool          `json:"remove"` // takes out what earlier lists brought and this one does not name
	Counts    PlanCounts    `json:"counts"`
	Untouched int           `json:"untouched"`
	Revision  int64         `json:"-"`    // of the register it was made for
	Rows      []PreviewRow  `json:"rows"` // invalid, changed, removed, duplicate, added; what stays as it is not
	Notes     []fault.Place `json:"notes,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	ExpiresAt time.Time     `json:"expires_at"`
}

// PreviewRow is one row of a preview.
type PreviewRow struct {
	Row      int           `json:"row,omitempty"`
	Place    string        `json:"place,omitempty"`
	Outcome  Outcome       `json:"outcome"`
	Key      string        `json:"id,omitempty"`
	Kind     Kind          `json:"kind,omitempty"`
	Maker    string        `json:"maker"`
	Product  string        `json:"product"`
	Zone     Zone          `json:"zone,omitempty"`
	Quantity int           `json:"quantity,omitempty"`
	Changes  []Change      `json:"changes,omitempty"`
	SameAs   string        `json:"same_as,omitempty"`
	Problems []fault.Place `json:"problems,omitempty"`
	Notes    []fault.Place `json:"notes,omitempty"`
}

// planned is a list put against a register.
type planned struct {
	head   Register
	cipher *key.Cipher
	file   File
	plan   Plan
}

// readList reads a list. It takes seconds, so it is done while no transaction
// is open: readers are few.
func readList(name string, in io.ReaderAt, size int64) (file File, list []Row, err error) {
	file, err = Read(name, in, size, func(r Row) error {
		list = append(list, r)
		return nil
	})
	return file, list, err
}

// plan puts a list against the register of who acts.
func (s *Service) plan(ctx context.Context, tx *db.Tx, who gate.Identity, file File, list []Row, remove bool) (p planned, err error) {
	p.file = file
	if p.head, err = loadHead(ctx, tx, who.Org); err != nil {
		return p, err
	}
	items := make([]Item, 0, p.head.Items)
	hand := map[ID]bool{}
	texts := newInterner()
	_, p.cipher, err = s.register(ctx, tx, whose{org: who.Org}, func(r *row) error {
		if r.Source == ByHand {
			hand[r.ID] = true
		}
		for _, s := range []*string{&r.Maker, &r.Product, &r.MakerName, &r.ProductName, &r.MakerKey, &r.ProductKey, &r.Service, &r.OperatedBy, &r.Sealed.Model, &r.Sealed.Version, &r.Sealed.Site} {
			*s = texts.text([]byte(*s))
		}
		items = append(items, r.Item)
		return nil
	})
	if err != nil {
		return p, err
	}
	p.plan = NewPlan(items, list, remove)
	// What a person entered is not in any list, so no list takes it out.
	n := len(p.plan.Removed)
	p.plan.Removed = slices.DeleteFunc(p.plan.Removed, func(it Item) bool { return hand[it.ID] })
	p.plan.Counts.Removed = len(p.plan.Removed)
	p.plan.Untouched += n - len(p.plan.Removed)
	return p, nil
}

// PreviewImport reads a list and says row by row what applying it would do,
// and keeps it for an hour under a token. The error is that of [Read]: wrong
// rows are part of the preview.
func (s *Service) PreviewImport(ctx context.Context, name string, in io.ReaderAt, size int64, remove bool) (v Preview, err error) {
	var p planned
	// Who may not is refused before anything is read.
	if err := s.read(ctx, "asset.preview", func(*db.Tx, gate.Identity, gate.Reach) error { return nil }); err != nil {
		return v, err
	}
	found, list, err := readList(name, in, size)
	if err != nil {
		return v, err
	}
	err = s.read(ctx, "asset.preview", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		p, err = s.plan(ctx, tx, who, found, list, remove)
		return err
	})
	if err != nil {
		return v, err
	}
	list = nil
	now := s.now()
	v = Preview{Token: newID(), Name: clip(name), File: p.file, Remove: remove, Counts: p.plan.Counts, Untouched: p.plan.Untouched, Revision: p.head.Revision,
		Rows: previewRows(&p.plan), Notes: p.file.Notes, CreatedAt: now, ExpiresAt: now.Add(PreviewAge)}
	counts, err := json.Marshal(v.Counts)
	if err != nil {
		return v, err
	}
	p.plan = Plan{}
	sum, err := squeeze(func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
	if err != nil {
		return v, err
	}
	file, err := squeeze(func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(in, 0, size))
		return err
	})
	if err != nil {
		return v, unreadable(err)
	}
	act := &ledger.Act{Verb: "asset.preview", Object: previewOf(v.Token), Public: map[string]any{"rows": v.Counts.Rows}}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		at := previewOf(v.Token)
		return insertPreview(ctx, tx, &previewRow{Preview: v, org: who.Org, person: who.Person, counts: string(counts), sealed: c.Seal(sum, at), file: c.Seal(file, at+"/file")}, maxPreviews)
	})
	return v, err
}

// squeeze compresses what write writes.
func squeeze(write func(w io.Writer) error) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := write(z); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// expand undoes squeeze; more than limit bytes are an error.
func expand(b []byte, limit int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err == nil && int64(len(out)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return out, err
}

// maxPreview bounds the JSON of a preview, and of a statement, in bytes.
const maxPreview = 1 << 30

// previewRows lists what a person looks at, the urgent first.
func previewRows(p *Plan) []PreviewRow {
	out := []PreviewRow{}
	for _, want := range []Outcome{Invalid, Changed, Removed, Duplicate, Added} {
		n := 0
		add := func(r PreviewRow, it *Item) {
			if n++; n > maxShownRows {
				return
			}
			r.Key, r.Kind, r.Maker, r.Product, r.Zone, r.Quantity = it.Key, it.Kind, it.Maker, it.Product, it.Sealed.Zone, it.Quantity
			out = append(out, r)
		}
		if want == Removed {
			for i := range p.Removed {
				add(PreviewRow{Outcome: Removed}, &p.Removed[i])
			}
			continue
		}
		for i := range p.Rows {
			if r := &p.Rows[i]; r.Outcome == want {
				add(PreviewRow{Row: r.Number, Place: r.Place, Outcome: want, Changes: r.Changes, SameAs: r.SameAs, Problems: r.Problems, Notes: r.Notes}, r.Item)
			}
		}
	}
	return out
}

// Preview returns an import preview of one's own organisation. Fault:
// ErrPreviewGone.
func (s *Service) Preview(ctx context.Context, token string) (v Preview, err error) {
	err = s.read(ctx, "asset.preview", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		p, c, err := s.preview(ctx, tx, who, token, false)
		if err != nil {
			return err
		}
		raw, err := c.Open(p.sealed, previewOf(token))
		if err == nil {
			raw, err = expand(raw, maxPreview)
		}
		if err == nil {
			err = json.Unmarshal(raw, &v)
		}
		if err != nil {
			return fmt.Errorf("import preview: %w", err)
		}
		v.Revision = p.Revision
		return nil
	})
	return v, err
}

func (s *Service) preview(ctx context.Context, tx *db.Tx, who gate.Identity, token string, file bool) (previewRow, *key.Cipher, error) {
	p, err := loadPreview(ctx, tx, who.Org, token, db.Micros(s.now()), file)
	if err != nil {
		return p, nil, err
	}
	c, err := s.Keys.For(ctx, tx, who.Org)
	if err != nil {
		return p, nil, fmt.Errorf("import preview: %w", err)
	}
	return p, c, nil
}

// Sweep drops the lists of previews that nobody can apply any more. It is
// housekeeping of the hub, without anybody who asks.
func (s *Service) Sweep(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error { return dropPreviews(ctx, tx, db.Micros(s.now())) })
}

// Applied is what an import did.
type Applied struct {
	Counts  PlanCounts     `json:"counts"`
	Receipt ledger.Receipt `json:"receipt"`
}

// ApplyImport does what a preview said, all of it or nothing. The list is put
// against the register once more: had that changed since the preview, nothing
// happens and the fault is ErrPreviewStale. Faults: ErrPreviewGone,
// ErrPreviewStale, Invalid "asset.plan.invalid" with the first wrong rows.
func (s *Service) ApplyImport(ctx context.Context, token string) (out Applied, err error) {
	p, err := s.planAgain(ctx, token)
	if err != nil {
		return out, err
	}
	out.Counts = p.plan.Counts
	act := &ledger.Act{Verb: "asset.import", Object: previewOf(token), Secret: out.Counts,
		Public: map[string]any{"added": out.Counts.Added, "changed": out.Counts.Changed, "removed": out.Counts.Removed}}
	out.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		ok, err := deletePreview(ctx, tx, who.Org, token)
		if err != nil {
			return err
		}
		if !ok {
			return ErrPreviewGone
		}
		if !p.plan.Changes() {
			return nil
		}
		return p.write(ctx, tx, who, act.Entry, s.now())
	})
	return out, err
}

// planAgain puts the list of a preview against the register as it is now.
func (s *Service) planAgain(ctx context.Context, token string) (p planned, err error) {
	var kept previewRow
	var c *key.Cipher
	err = s.read(ctx, "asset.import", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		kept, c, err = s.preview(ctx, tx, who, token, true)
		return err
	})
	if err != nil {
		return p, err
	}
	raw, err := c.Open(kept.file, previewOf(token)+"/file")
	if err == nil {
		raw, err = expand(raw, MaxFile)
	}
	if err != nil {
		return p, fmt.Errorf("import preview: %w", err)
	}
	kept.file = nil
	file, list, err := readList(kept.Name, bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return p, err
	}
	err = s.read(ctx, "asset.import", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if p, err = s.plan(ctx, tx, who, file, list, kept.Remove); err != nil {
			return err
		}
		if p.head.Revision != kept.Revision {
			return ErrPreviewStale
		}
		return p.plan.Err()
	})
	return p, err
}

// write puts a plan into the register, a few rows at a time.
func (p *planned) write(ctx context.Context, tx *db.Tx, who gate.Identity, entry string, now time.Time) error {
	counts := p.plan.Counts
	err := bump(ctx, tx, who.Org, p.head.Revision, counts.Added-counts.Removed)
	if errors.Is(err, ErrStale) {
		return ErrPreviewStale
	}
	if err != nil {
		return err
	}
	w := importWriter{ctx, tx, who, entry, now, p.cipher, map[[2]string]*ware{}}
	if err := w.remove(p.plan.Removed); err != nil {
		return err
	}
	var added, changed []*PlannedRow
	for i := range p.plan.Rows {
		switch r := &p.plan.Rows[i]; r.Outcome {
		case Added:
			added = append(added, r)
		case Changed:
			changed = append(changed, r)
		}
	}
	for part := range slices.Chunk(changed, 100) {
		if err := w.change(part); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(added, batch) {
		if err := w.add(part); err != nil {
			return err
		}
	}
	if err := countProducts(ctx, tx, who.Org, w.products); err != nil {
		return err
	}
	return publish(ctx, tx, "imported", Happened{Org: who.Org, By: who.Org, Counts: &counts}, who.Org)
}

// importWriter writes an import into a transaction.
type importWriter struct {
	ctx      context.Context
	tx       *db.Tx
	who      gate.Identity
	entry    string
	now      time.Time
	cipher   *key.Cipher
	products map[[2]string]*ware
}

func (w *importWriter) add(part []*PlannedRow) error {
	rows := make([]row, len(part))
	for i, r := range part {
		rows[i] = row{Entry: Entry{Item: *r.Item, Org: w.who.Org, Revision: 1, Source: FromList, ConfirmedAt: w.now, CreatedAt: w.now, CreatedBy: w.who.Person,
			UpdatedAt: w.now, UpdatedBy: w.who.Person, UpdatedOrg: w.who.Org}}
		rows[i].ID = ID(newID())
		if err := rows[i].seal(w.cipher); err != nil {
			return err
		}
		products(nil, r.Item, w.products)
	}
	return insertItems(w.ctx, w.tx, rows)
}

func (w *importWriter) change(part []*PlannedRow) error {
	by := make(map[ID]*PlannedRow, len(part))
	ids := make([]ID, len(part))
	for i, r := range part {
		by[r.Item.ID], ids[i] = r, r.Item.ID
	}
	rows, err := loadItems(w.ctx, w.tx, whose{org: w.who.Org}, ids)
	if err != nil {
		return err
	}
	if len(rows) != len(ids) {
		return ErrPreviewStale
	}
	var list []Past
	for i := range rows {
		n := &rows[i]
		if err := n.open(w.cipher); err != nil {
			return err
		}
		r := by[n.ID]
		products(&n.Item, r.Item, w.products)
		n.Item, n.Revision, n.ConfirmedAt, n.UpdatedAt, n.UpdatedBy, n.UpdatedOrg = *r.Item, n.Revision+1, w.now, w.now, w.who.Person, w.who.Org
		if err := n.seal(w.cipher); err != nil {
			return err
		}
		if err := updateItem(w.ctx, w.tx, n, n.Revision-1); err != nil {
			return err
		}
		one, err := past(w.cipher, n.ID, Changed, w.who, w.entry, w.now, r.Changes, nil)
		if err != nil {
			return err
		}
		list = append(list, one)
	}
	return insertChanges(w.ctx, w.tx, w.who.Org, list)
}

func (w *importWriter) remove(items []Item) error {
	for part := range slices.Chunk(items, 100) {
		ids := make([]ID, len(part))
		list := make([]Past, len(part))
		for i := range part {
			products(&part[i], nil, w.products)
			ids[i] = part[i].ID
			var err error
			if list[i], err = past(w.cipher, part[i].ID, Removed, w.who, w.entry, w.now, nil, &part[i]); err != nil {
				return err
			}
		}
		if err := deleteItems(w.ctx, w.tx, w.who.Org, ids); err != nil {
			return err
		}
		if err := insertChanges(w.ctx, w.tx, w.who.Org, list); err != nil {
			return err
		}
	}
	return nil
}
