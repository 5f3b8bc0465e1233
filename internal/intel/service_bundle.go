package intel

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/intel/feed"
)

// Bundled is a bundle that was made or taken.
type Bundled struct {
	Manifest Manifest    `json:"manifest"`
	Feeds    []Imported  `json:"feeds,omitempty"`    // of a bundle that was taken
	Parts    []PartTaken `json:"parts,omitempty"`    // of a bundle that was taken
	Left     []string    `json:"left_out,omitempty"` // files this version does not read
}

// Bundle writes all feeds, or what was written of them since an instant, as a
// bundle signed with the key of the hub's record. Its number is one more than
// that of the last. What a since leaves out is what was taken back since: the
// next bundle of everything says it. A part of another noun goes along when
// the request names one; answers go back without feeds.
func (s *Service) Bundle(ctx context.Context, in PackInput, w io.Writer) (out Bundled, err error) {
	part, err := s.part(&in)
	if err != nil {
		return out, err
	}
	if part != nil && !part.May(ctx, false) {
		_, err := part.Pack(ctx, in, nil) // refuses, on record
		return out, err
	}
	if part == nil {
		if err := s.read(ctx, "intel.bundle", func(*db.Tx, gate.Identity) error { return nil }); err != nil {
			return out, err
		}
	}
	dir, err := os.MkdirTemp(s.Dir, "feed-")
	if err != nil {
		return out, fmt.Errorf("bundle: %w", err)
	}
	defer os.RemoveAll(dir)
	m := Manifest{Format: bundleFormat, Origin: s.Ledger.Signer.Name(), MadeAt: s.now(), Since: in.Since, Files: []BundleFile{}}
	if !in.Answers {
		if err := s.exportAll(ctx, &m, dir); err != nil {
			return out, err
		}
	}
	number := func(ctx context.Context, tx *db.Tx) (int64, error) {
		last, _, err := lastBundle(ctx, tx, m.Origin, outward)
		if err != nil {
			return 0, err
		}
		m.Sequence = last + 1
		ok, err := noteBundle(ctx, tx, m.Origin, outward, m.Sequence, m.MadeAt, s.now())
		if err == nil && !ok {
			err = ErrBusy
		}
		return m.Sequence, err
	}
	if part != nil {
		if in.Answers {
			m.Since = time.Time{} // of feeds, and there are none
		}
		got, err := part.Pack(ctx, in, number)
		if err != nil {
			return out, err
		}
		f, err := got.write(part.Folder(), dir)
		if err != nil {
			return out, err
		}
		m.Files = append(m.Files, f)
		return Bundled{Manifest: m}, m.write(w, dir, s.Ledger.Signer)
	}
	act := &ledger.Act{Verb: "intel.bundle", Object: "intel_bundle/" + m.Origin}
	_, err = s.do(ctx, act, func(tx *db.Tx, _ gate.Identity) error {
		n, err := number(ctx, tx)
		act.Public = map[string]any{"sequence": n, "files": len(m.Files)}
		return err
	})
	if err != nil {
		return out, err
	}
	return Bundled{Manifest: m}, m.write(w, dir, s.Ledger.Signer)
}

// exportAll writes all feeds to files of a folder, from one snapshot.
func (s *Service) exportAll(ctx context.Context, m *Manifest, dir string) error {
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		feeds, err := loadFeeds(ctx, tx)
		if err != nil {
			return err
		}
		for i := range feeds {
			if feeds[i].head == 0 || feeds[i].kind == "" {
				continue
			}
			f, err := s.export(ctx, tx, &feeds[i], m.Since, dir)
			if err != nil {
				return fmt.Errorf("bundle %s: %w", feeds[i].id, err)
			}
			if f.Records > 0 || m.Since.IsZero() {
				m.Files = append(m.Files, f)
			}
		}
		return nil
	})
}

// export writes the records of a feed to a file, one a line.
func (s *Service) export(ctx context.Context, tx *db.Tx, f *feedRow, since time.Time, dir string) (b BundleFile, err error) {
	b = BundleFile{Name: "feeds/" + f.id + ".jsonl", Feed: f.id, Kind: feed.Kind(f.kind), Licence: f.licence}
	file, err := os.OpenFile(placeOf(dir, b.Name), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return b, err
	}
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(file, h), 256<<10)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	from := int64(0)
	if src := (FeedSource{}); !since.IsZero() && !src.whole(b.Kind) { // catalogues go whole
		if from, err = firstImport(ctx, tx, f, since); err != nil {
			return b, errors.Join(err, file.Close())
		}
	}
	err = eachVisible(ctx, tx, f.id, from, func(p packed) error {
		var r feed.Record
		if err := errors.Join(s.bodies.unpack(p.facts, &r), s.bodies.unpack(p.statements, &r.Statements)); err != nil {
			return err
		}
		b.Records++
		return enc.Encode(&r)
	})
	err = errors.Join(err, w.Flush())
	if info, e := file.Stat(); e == nil {
		b.Size = info.Size()
	}
	b.SHA256 = hex.EncodeToString(h.Sum(nil))
	return b, errors.Join(err, file.Close())
}

// TakeBundle takes what is in a bundle that the key signed: all is verified
// first, then each feed and each part is taken whole or not at all. A bundle
// older than the last of its origin is refused, and so is one of changes when
// the one before it was not taken. One that failed half way can be taken again.
// The identity opens parts that are sealed; it is used and not kept.
func (s *Service) TakeBundle(ctx context.Context, r io.Reader, key, identity string) (out Bundled, err error) {
	if !s.mayTakePart(ctx) {
		if err := s.mayImport(ctx, ""); err != nil {
			return out, err
		}
	}
	key = strings.TrimSpace(key)
	v, err := note.NewVerifier(key)
	if err != nil {
		return out, fault.New(fault.Usage, "intel.bundle.key").Because(err)
	}
	dir, err := os.MkdirTemp(s.Dir, "feed-")
	if err != nil {
		return out, fmt.Errorf("bundle: %w", err)
	}
	defer os.RemoveAll(dir)
	if out.Manifest, err = readBundle(r, dir, v); err != nil {
		return out, err
	}
	m := &out.Manifest
	if m.MadeAt.After(s.now().Add(slack)) {
		return out, fault.New(fault.Invalid, ErrFuture.Code, "id", m.Origin, "at", m.MadeAt)
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error { return follows(ctx, tx, m) })
	if err != nil {
		return out, err
	}
	parts, err := s.partsOf(m, &out)
	if err != nil {
		return out, err
	}
	if len(parts) == 0 || len(parts)+len(out.Left) < len(m.Files) { // there are feeds in it
		if err := s.mayImport(ctx, ""); err != nil {
			return out, err
		}
	}
	opened := make([]Unpacked, len(parts))
	for i, p := range parts { // what cannot be opened is said before anything is taken
		if opened[i], err = p.open(m, dir, key, identity); err != nil {
			return out, err
		}
	}
	for _, f := range m.Files {
		if !strings.HasPrefix(f.Name, "feeds/") {
			continue
		}
		got, err := s.take(ctx, input{source: FeedSource{ID: f.Feed, Kind: f.Kind, Licence: f.Licence, Whole: m.Since.IsZero(), Shrink: 100}, sha256: f.SHA256, size: f.Size,
			quiet: m.Since.IsZero(), // signed, and whole: a feed of which nothing is left says so
			read: func(_ context.Context, yield func(*feed.Record) error) (feed.Kind, error) {
				return readRecords(placeOf(dir, f.Name), f.Kind, yield)
			}})
		if err != nil {
			return out, err
		}
		out.Feeds = append(out.Feeds, got)
	}
	noted := func(ctx context.Context, tx *db.Tx) error {
		ok, err := noteBundle(ctx, tx, m.Origin, inward, m.Sequence, m.MadeAt, s.now())
		if err == nil && !ok {
			err = ErrRollback
		}
		return err
	}
	for i, p := range parts {
		done := noted
		if i < len(parts)-1 { // the number goes with the last
			done = func(context.Context, *db.Tx) error { return nil }
		}
		got, err := p.Take(ctx, opened[i], done)
		if err != nil {
			return out, err
		}
		out.Parts = append(out.Parts, got)
	}
	if len(parts) > 0 {
		return out, nil
	}
	act := &ledger.Act{Verb: "intel.import", Object: "intel_bundle/" + m.Origin, Public: map[string]any{"sequence": m.Sequence, "files": len(m.Files)}}
	_, err = s.do(ctx, act, func(tx *db.Tx, _ gate.Identity) error { return noted(ctx, tx) })
	return out, err
}

// follows reports whether a bundle may come after the last of its origin.
func follows(ctx context.Context, tx *db.Tx, m *Manifest) error {
	last, made, err := lastBundle(ctx, tx, m.Origin, inward)
	switch {
	case err != nil:
		return err
	case m.Sequence <= last:
		return fault.New(fault.Invalid, ErrRollback.Code, "sequence", m.Sequence, "last", last)
	case !m.Since.IsZero() && m.Since.After(made):
		return fault.New(fault.Invalid, ErrGap.Code, "since", m.Since, "last", last)
	}
	return nil
}
