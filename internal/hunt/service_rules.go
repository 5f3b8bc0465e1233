package hunt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// sealedBook and sealedEdition are what of rules is stored encrypted.
type (
	sealedBook struct {
		Name  string `json:"name"`
		About string `json:"about,omitempty"`
	}
	sealedEdition struct {
		Note string     `json:"note,omitempty"`
		Why  []Rejected `json:"why,omitempty"`
	}
)

func editionName(ref string) string { return "hunt_edition/" + ref }

// AddRulebook begins a rulebook, still without an edition. Faults: ErrInvalid,
// ErrMany.
func (s *Service) AddRulebook(ctx context.Context, name, about string) (out Rulebook, err error) {
	act := &ledger.Act{Verb: "hunt.rules_add"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		var bad problems
		out = Rulebook{ID: newID(), Name: bad.words("name", name, maxTitle, true), About: bad.words("about", about, maxWords, false), By: who.Person, At: s.now(), org: who.Org}
		if err := bad.fault(); err != nil {
			return err
		}
		n, err := countBooks(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if n >= maxRulebooks {
			return fault.New(fault.Conflict, ErrMany.Code, "max", maxRulebooks)
		}
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("begin a rulebook: %w", err)
		}
		if out.sealed, err = c.SealJSON(sealedBook{out.Name, out.About}, bookName(out.ID)); err != nil {
			return err
		}
		act.Object, act.Secret = bookName(out.ID), sealedBook{out.Name, out.About}
		return insertBook(ctx, tx, out)
	})
	return out, err
}

func (b *Rulebook) open(c *key.Cipher) error {
	var x sealedBook
	err := c.OpenJSON(b.sealed, bookName(b.ID), &x)
	b.Name, b.About = x.Name, x.About
	return err
}

func (e *Edition) open(c *key.Cipher) error {
	var x sealedEdition
	err := c.OpenJSON(e.sealed, editionName(e.Ref), &x)
	e.Note, e.Why = x.Note, x.Why
	return err
}

// Rulebooks lists the rulebooks of one's own organisation, the newest first,
// each with its last edition. The rules of the program come before them on the
// first page.
func (s *Service) Rulebooks(ctx context.Context, cursor string, limit int) (out []Rulebook, next string, err error) {
	err = s.read(ctx, "hunt.rules", func(tx *db.Tx, who gate.Identity) error {
		list, after, err := listBooks(ctx, tx, who.Org, cursor, limit)
		if err != nil {
			return err
		}
		c, err := s.cipher(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		for i := range list {
			b := &list[i]
			if err := b.open(c); err != nil {
				return err
			}
			if b.Editions == 0 {
				continue
			}
			e, err := loadEdition(ctx, tx, who.Org, b.ID, b.Editions)
			if err != nil {
				return err
			}
			if err := e.open(c); err != nil {
				return err
			}
			b.Last = &e
		}
		out, next = list, after
		return nil
	})
	if err == nil && cursor == "" && s.Starter != nil {
		own, _, e := s.starter()
		out, err = append([]Rulebook{own}, out...), e
	}
	return out, next, err
}

// Rulebook returns a rulebook with its editions, the newest first. Faults:
// ErrNone.
func (s *Service) Rulebook(ctx context.Context, id string) (out Rulebook, editions []Edition, err error) {
	err = s.read(ctx, "hunt.rules_read", func(tx *db.Tx, who gate.Identity) error {
		if id == Starter {
			var e Edition
			out, e, err = s.starter()
			editions = []Edition{e}
			return err
		}
		if out, err = loadBook(ctx, tx, who.Org, id); err != nil {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("rulebook %s: %w", id, err)
		}
		if err := out.open(c); err != nil {
			return err
		}
		if editions, err = listEditions(ctx, tx, who.Org, id); err != nil {
			return err
		}
		for i := range editions {
			if err := editions[i].open(c); err != nil {
				return err
			}
		}
		if len(editions) > 0 {
			out.Last = &editions[0]
		}
		return nil
	})
	return out, editions, err
}

// Upload makes an edition of the rules in a zip of YAML files. What cannot be
// used is told by file and line, and does not keep the rest from being taken.
// Faults: ErrNone, ErrRetired, ErrNotAZip, ErrNoRules, ErrInvalid,
// blob.ErrTooLarge.
func (s *Service) Upload(ctx context.Context, id string, zip []byte, note string) (out Edition, err error) {
	act := &ledger.Act{Verb: "hunt.rules_upload", Object: bookName(id)}
	mine := func(tx *db.Tx, who gate.Identity) (Rulebook, error) {
		b, err := loadBook(ctx, tx, who.Org, id)
		if err == nil && !b.RetiredAt.IsZero() {
			err = ErrRetired
		}
		return b, err
	}
	if err := s.read(ctx, act.Verb, func(tx *db.Tx, who gate.Identity) error { _, err := mine(tx, who); return err }); err != nil {
		return out, err // before anything is read of the rules
	}
	if len(zip) > MaxBook {
		return out, fault.New(fault.TooLarge, blob.ErrTooLarge.Code, "name", "zip", "mb", MaxBook>>20)
	}
	set, err := unpackBook(zip)
	if err != nil {
		return out, err
	}
	staged, err := s.Blobs.Stage(bytes.NewReader(zip), "rules.zip")
	if err != nil {
		return out, err
	}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if _, err := mine(tx, who); err != nil {
			return err
		}
		var bad problems
		out = set.edition()
		out.Note, out.By, out.At, out.book, out.org = bad.words("note", note, maxWords, false), who.Person, s.now(), id, who.Org
		if err := bad.fault(); err != nil {
			return err
		}
		if out.Number, err = nextEdition(ctx, tx, id); err != nil {
			return err
		}
		out.Ref = id + "/" + strconv.Itoa(out.Number)
		m, err := s.Blobs.Add(ctx, tx, staged, who.Org, editionName(out.Ref))
		if err != nil {
			return err
		}
		out.blob = m.ID
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("rulebook %s: %w", id, err)
		}
		if out.sealed, err = c.SealJSON(sealedEdition{out.Note, out.Why}, editionName(out.Ref)); err != nil {
			return err
		}
		act.Public = map[string]any{"rules": out.Rules + out.Correlations, "rejected": out.Rejected}
		act.Secret = map[string]any{"sha256": out.SHA256, "zip": m.SHA256}
		return insertEdition(ctx, tx, out)
	})
	return out, err
}

// Download opens an edition as a zip. The caller closes it. Faults: ErrNone.
func (s *Service) Download(ctx context.Context, ref string) (content io.ReadCloser, err error) {
	var m blob.Meta
	err = s.read(ctx, "hunt.rules_download", func(tx *db.Tx, who gate.Identity) error {
		if ref == s.starterRef() && s.Starter != nil {
			return nil
		}
		book, number, ok := splitRef(ref)
		if !ok {
			return ErrNone
		}
		e, err := loadEdition(ctx, tx, who.Org, book, number)
		if err != nil {
			return err
		}
		if m, err = s.Blobs.Get(ctx, tx, e.blob); errors.Is(err, blob.ErrNone) {
			err = ErrNone
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if m.ID == "" {
		raw, err := packBook(s.Starter)
		return io.NopCloser(bytes.NewReader(raw)), err
	}
	return s.Blobs.Open(m)
}

// Retire ends a rulebook: it gets no more editions; those that are there stay.
// Faults: ErrNone, ErrRetired.
func (s *Service) Retire(ctx context.Context, id, why string) error {
	act := &ledger.Act{Verb: "hunt.rules_retire", Object: bookName(id), Secret: why}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		b, err := loadBook(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		if !b.RetiredAt.IsZero() {
			return ErrRetired
		}
		return retireBook(ctx, tx, id, s.now())
	})
}
