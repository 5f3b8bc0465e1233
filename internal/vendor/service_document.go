package vendor

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/intel/feed"
	"noroshi/internal/org"
)

// maxFolder bounds the advisories of a maker's folder.
const maxFolder = 2000

// Download returns a document of a request within reach.
func (s *Service) Download(ctx context.Context, request, document ID) (d Document, raw []byte, err error) {
	err = s.read(ctx, "vendor.download", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		_, c, err := loadRequest(ctx, tx, request, who, reach)
		if err != nil {
			return err
		}
		d, raw, err = s.document(ctx, tx, c, request, document)
		return err
	})
	return d, raw, err
}

func (s *Service) document(ctx context.Context, tx *db.Tx, c Case, request, id ID) (Document, []byte, error) {
	d, sealed, err := loadDocument(ctx, tx, request, id)
	if err != nil {
		return d, nil, err
	}
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return d, nil, err
	}
	raw, err := k.Open(sealed, "vendor_document/"+d.ID)
	if err != nil {
		return d, nil, fmt.Errorf("document %s: %w", d.ID, err)
	}
	return d, raw, nil
}

// keep stores a document with a request.
func (s *Service) keep(ctx context.Context, tx *db.Tx, act *ledger.Act, c Case, request ID, d Document, raw []byte) (Document, error) {
	k, err := s.Keys.Make(ctx, tx, c.Org)
	if err != nil {
		return d, err
	}
	sum := sha256.Sum256(raw)
	d.ID, d.SHA256, d.Size, d.At, d.Entry = newID(), hex.EncodeToString(sum[:]), int64(len(raw)), s.now(), act.Entry
	return d, insertDocument(ctx, tx, request, d, k.Seal(raw, "vendor_document/"+d.ID))
}

// CSAF writes the advisory of a request as it stands now, with the label given:
// a maker's own to publish with CLEAR, once no embargo runs. Empty keeps the
// label of the case. Faults: ErrNothing before anything was said of a product,
// ErrEmbargo.
func (s *Service) CSAF(ctx context.Context, request ID, tlp string) (d Document, raw []byte, err error) {
	err = s.read(ctx, "vendor.download", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := loadRequest(ctx, tx, request, who, reach)
		if err != nil {
			return err
		}
		if tlp != "" && tlp != c.TLP && c.Embargo.Runs(s.now()) {
			return ErrEmbargo
		}
		if err := s.show(ctx, tx, &c, gate.Own); err != nil {
			return err
		}
		list, err := s.products(ctx, tx, c, request)
		if err != nil {
			return err
		}
		if tlp != "" && tlp != c.TLP {
			c.Facts = "" // they are for those in the case
		}
		d, raw, err = s.write(ctx, tx, c, r, list, tlp, true)
		return err
	})
	return d, raw, err
}

// write makes a document of a request. again repeats the last revision instead
// of adding one.
func (s *Service) write(ctx context.Context, tx *db.Tx, c Case, r Request, list []Product, tlp string, again bool) (d Document, raw []byte, err error) {
	docs, err := loadDocuments(ctx, tx, r.ID)
	if err != nil {
		return d, nil, err
	}
	o, err := s.Orgs.Load(ctx, tx, org.ID(r.Org))
	if err != nil {
		return d, nil, err
	}
	lang := text.JA
	p := s.words.Printer(lang, nil)
	i := issue{maker: o.In(lang), namespace: s.BaseURL + "/makers/" + r.Org, lang: lang, words: p, tlp: firstOf(tlp, c.TLP), at: s.now(), summary: p.T("vendor.state." + string(r.State))}
	switch {
	case c.Embargo.Runs(s.now()):
		i.status = csaf.Draft
	case r.State == UsersNotified || r.State == Closed:
		i.status = csaf.Final
	default:
		i.status = csaf.Interim
	}
	for _, x := range slices.Backward(docs) {
		if !x.In {
			i.past = append(i.past, csaf.Revision{At: x.At, Summary: p.T("vendor.state." + x.Step)})
		}
	}
	if n := len(i.past); again && n > 0 && !i.at.Before(i.past[n-1].At) {
		i.at, i.summary, i.past = i.past[n-1].At, i.past[n-1].Summary, i.past[:n-1]
	}
	a, err := advisory(c, r.ID, list, i)
	if err != nil {
		return d, nil, err
	}
	if raw, err = csaf.New(a); err != nil {
		return d, nil, fmt.Errorf("advisory of %s: %w", r.ID, err)
	}
	return Document{Name: a.ID + ".json", Version: fmt.Sprint(len(a.Revisions)), Status: string(i.status), Step: string(r.State)}, raw, nil
}

// record keeps the document of a step. What keeps a document from being
// written, such as that nothing was said yet, keeps no answer from being given.
func (m *mover) record(ctx context.Context) error {
	c := m.c
	if c.sealed != nil {
		k, err := m.s.Keys.For(ctx, m.tx, c.Org)
		if err != nil {
			return err
		}
		if err := c.open(k); err != nil {
			return err
		}
	}
	d, raw, err := m.s.write(ctx, m.tx, c, *m.r, m.f.products, "", false)
	if f := fault.Of(err); err != nil && (errors.Is(err, ErrNothing) || f.Kind == fault.Invalid) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = m.s.keep(ctx, m.tx, m.act, c, m.r.ID, d, raw)
	return err
}

// Upload takes a maker's CSAF document as its answer: it is checked as the
// standard says, kept as it came, and what it states of the products becomes
// the answer. Faults: csaf.not_valid with places in the document, ErrDocument.
func (s *Service) Upload(ctx context.Context, request ID, raw []byte) (d Document, err error) {
	if len(raw) > MaxDocument {
		return d, fault.New(fault.TooLarge, "vendor.document_large", "mb", MaxDocument>>20)
	}
	act := &ledger.Act{Verb: "vendor.upload", Object: requestObject(request)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := loadRequest(ctx, tx, request, who, reach)
		if err != nil {
			return err
		}
		report := csaf.Validate(raw)
		if err := report.Err(); err != nil {
			return err
		}
		var records []*feed.Record
		if err := csaf.Read(ctx, "document", bytes.NewReader(raw), func(x *feed.Record) error {
			if len(records) == maxProducts {
				return fault.New(fault.TooLarge, "vendor.bad.many", "max", maxProducts)
			}
			records = append(records, x)
			return nil
		}); err != nil {
			return err
		}
		m, err := s.mover(ctx, tx, act, &r, c, who.Org, Maker)
		if err != nil {
			return err
		}
		answers, err := answersOf(records, c.Vulnerability, m.f.products)
		if err != nil {
			return err
		}
		if d, err = s.keep(ctx, tx, act, c, request, Document{In: true, Name: fileName(report.ID), Version: report.Version, Status: report.Category}, raw); err != nil {
			return err
		}
		if err := s.answer(ctx, tx, m, answers); err != nil {
			return err
		}
		return m.save(ctx)
	})
	return d, err
}

// fileName is the name of a document's file by its id (CSAF 2.0 §5.1).
func fileName(id string) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '-' {
			return c
		}
		return '_'
	}, strings.ToLower(id))
	return name[:min(len(name), 200)] + ".json"
}

// Folder writes what a maker may publish itself as the folder of a CSAF
// provider (CSAF 2.0 §7), in a zip: every request of its own with an answer and
// without an embargo, labelled CLEAR. site is where the folder will stand.
func (s *Service) Folder(ctx context.Context, site string, w io.Writer) (n int, err error) {
	var docs [][]byte
	var pub csaf.Publisher
	err = s.read(ctx, "vendor.export", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		o, err := s.Orgs.Load(ctx, tx, org.ID(who.Org))
		if err != nil {
			return err
		}
		pub = csaf.Publisher{Name: o.In(text.JA), Category: "vendor", Namespace: s.BaseURL + "/makers/" + who.Org}
		for f := (Filter{Done: true, Limit: db.MaxLimit}); ; {
			rows, next, err := listRequests(ctx, tx, f, "", who, reach, s.now())
			if err != nil {
				return err
			}
			for _, x := range rows {
				if x.Case.Embargo.Runs(s.now()) || len(docs) == maxFolder {
					continue
				}
				if err := s.show(ctx, tx, &x.Case, reach); err != nil {
					return err
				}
				list, err := s.products(ctx, tx, x.Case, x.Request.ID)
				if err != nil {
					return err
				}
				x.Case.Facts = "" // they are for those in the case
				_, raw, err := s.write(ctx, tx, x.Case, x.Request, list, "CLEAR", true)
				if errors.Is(err, ErrNothing) {
					continue
				}
				if err != nil {
					return err
				}
				docs = append(docs, raw)
			}
			if f.Cursor = next; next == "" {
				return nil
			}
		}
	})
	if err == nil && len(docs) == 0 {
		err = ErrNothing
	}
	if err != nil {
		return 0, err
	}
	z := zip.NewWriter(w)
	now := s.now()
	err = csaf.WriteProvider(csaf.Site{URL: site, Publisher: pub, Now: now, List: true, Mirrored: true}, docs, func(name string, data []byte) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: now.Truncate(time.Second)})
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return err
	})
	return len(docs), errors.Join(err, z.Close())
}
