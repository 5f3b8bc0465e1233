package incident

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

// maxFiles bounds the attachments of one case, drafts included.
const maxFiles = 100

// Faults of attachments.
var (
	ErrManyFiles = fault.New(fault.Conflict, "incident.file.many")
	ErrFileSent  = fault.New(fault.Conflict, "incident.file.sent") // a report is not unsaid by halves
)

// Attach adds a file to a draft, or to one's own open case. The content is
// encrypted to the disk under a key of its own before anything is written
// down; what a client stops sending leaves nothing behind. Its media type is
// found from the content. Faults: blob.too_large, ErrManyFiles, ErrClosed.
func (s *Service) Attach(ctx context.Context, id ID, r io.Reader, name string) (m blob.Meta, err error) {
	act := &ledger.Act{Verb: "incident.attach", Object: objectOf(id)}
	who, _, err := Access.Allow(ctx, act.Verb)
	if err == nil { // whether it may be attached at all, before it is read
		err = s.DB.Read(ctx, func(tx *db.Tx) error { return s.attachable(ctx, tx, id, who) })
	}
	if err != nil && fault.KindOf(err) == fault.Refused {
		_, err = s.do(ctx, act, nil)
	}
	if err != nil {
		return m, err
	}
	staged, err := s.Blobs.Stage(r, name)
	if err != nil {
		return m, err
	}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if err := s.attachable(ctx, tx, id, who); err != nil {
			return err
		}
		if m, err = s.Blobs.Add(ctx, tx, staged, who.Org, objectOf(id)); err != nil {
			return err
		}
		act.Public, act.Secret = map[string]any{"step": "attach", "file": m.ID}, m // the name may tell what happened
		c, err := lockCase(ctx, tx, id)
		if errors.Is(err, ErrNone) {
			return nil
		}
		if err == nil && !c.PurgedAt.IsZero() { // while the file came in
			err = ErrPurged
		}
		if err != nil {
			return err
		}
		orgs, err := onDesks(ctx, tx, id)
		if err != nil {
			return err
		}
		return publish(ctx, tx, "attached", c, who.Org, orgs...)
	})
	return m, err
}

// attachable reports whether a file may be added: to one's own draft, or to
// one's own case that is open.
func (s *Service) attachable(ctx context.Context, tx *db.Tx, id ID, who gate.Identity) error {
	d, err := loadDraft(ctx, tx, id, who.Org, false)
	if errors.Is(err, ErrNoDraft) {
		var c Case
		if c, err = loadCase(ctx, tx, id, who, gate.Own); err == nil && (c.State != Open || !c.PurgedAt.IsZero()) {
			err = ErrClosed
		}
	}
	if err != nil {
		return err
	}
	files, err := s.Blobs.Of(ctx, tx, objectOf(id))
	if err == nil && d.Case != "" { // they will be the case's
		sent, e := s.Blobs.Of(ctx, tx, objectOf(d.Case))
		files, err = append(files, sent...), e
	}
	if err == nil && len(files) >= maxFiles {
		err = fault.New(fault.Conflict, ErrManyFiles.Code, "max", maxFiles)
	}
	return err
}

// Detach takes a file off a draft. What was submitted stays: ErrFileSent.
func (s *Service) Detach(ctx context.Context, id ID, file string) error {
	act := &ledger.Act{Verb: "incident.attach", Object: objectOf(id), Public: map[string]any{"step": "detach", "file": file}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		_, err := loadDraft(ctx, tx, id, who.Org, true)
		if errors.Is(err, ErrNoDraft) {
			if _, err := loadCase(ctx, tx, id, who, reach); err != nil {
				return err
			}
			return ErrFileSent
		}
		if err != nil {
			return err
		}
		if _, err := s.file(ctx, tx, id, file); err != nil {
			return err
		}
		return s.Blobs.Remove(ctx, tx, file)
	})
	return err
}

// file returns what is known of a file of a case or draft.
func (s *Service) file(ctx context.Context, tx *db.Tx, id ID, file string) (blob.Meta, error) {
	m, err := s.Blobs.Get(ctx, tx, file)
	if err == nil && m.Object != objectOf(id) {
		err = blob.ErrNone
	}
	return m, err
}

// Files lists the attachments of a draft or case of one's own. A recipient
// finds them in the View it opened.
func (s *Service) Files(ctx context.Context, id ID) (out []blob.Meta, err error) {
	err = s.read(ctx, "incident.open", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return ErrPurpose
		}
		if err := s.own(ctx, tx, id, who); err != nil {
			return err
		}
		out, err = s.Blobs.Of(ctx, tx, objectOf(id))
		return err
	})
	return out, err
}

// own reports whether a draft or case belongs to who asks. Viewers see no
// drafts.
func (s *Service) own(ctx context.Context, tx *db.Tx, id ID, who gate.Identity) error {
	_, err := loadCase(ctx, tx, id, who, gate.Own)
	if errors.Is(err, ErrNone) && Access.Reach(who, "incident.draft") == gate.Own {
		if _, err := loadDraft(ctx, tx, id, who.Org, false); !errors.Is(err, ErrNoDraft) {
			return err
		}
	}
	return err
}

// Download opens an attachment. Its reporter needs no purpose; a recipient
// names one, and the reading is recorded and shown to the reporter. The caller
// closes the reader.
func (s *Service) Download(ctx context.Context, id ID, file, purpose string) (m blob.Meta, r io.ReadCloser, err error) {
	_, err = s.reading(ctx, id, "file", purpose,
		func(tx *db.Tx, who gate.Identity) error { return s.own(ctx, tx, id, who) },
		func(tx *db.Tx, c Case, who gate.Identity, reach gate.Reach) error {
			if m, err = s.file(ctx, tx, id, file); err != nil || reach == gate.Own {
				return err
			}
			seen, err := s.filesFor(ctx, tx, c, who, reach)
			if err == nil && !slices.ContainsFunc(seen, func(x blob.Meta) bool { return x.ID == file }) {
				err = blob.ErrNone
			}
			return err
		})
	if err != nil {
		return m, nil, err
	}
	r, err = s.Blobs.Open(m)
	return m, r, err
}

// reading runs fn for the reporter once mine let them, and for a recipient as
// a recorded reading for a purpose.
func (s *Service) reading(ctx context.Context, id ID, what, purpose string, mine func(tx *db.Tx, who gate.Identity) error,
	fn func(tx *db.Tx, c Case, who gate.Identity, reach gate.Reach) error) (entry string, err error) {
	who, reach, err := Access.Allow(ctx, "incident.open")
	if err == nil && reach == gate.Own {
		return "", s.DB.Read(ctx, func(tx *db.Tx) error {
			if err := mine(tx, who); err != nil {
				return err
			}
			c, err := loadCase(ctx, tx, id, who, reach)
			if err != nil && !errors.Is(err, ErrNone) { // a draft is no case yet
				return err
			}
			return fn(tx, c, who, reach)
		})
	}
	act := &ledger.Act{Verb: "incident.open", Object: objectOf(id), Purpose: purpose}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, _, err := s.admit(ctx, tx, id, purpose, what, act.Entry, who, reach)
		if err != nil {
			return err
		}
		return fn(tx, c, who, reach)
	})
	return act.Entry, err
}

// FormRequest names one file to be made of a report.
type FormRequest struct {
	Case     ID
	Version  int // 0: the last that whoever asks may see
	Profile  string
	Format   FileFormat
	Redacted bool   // without what is sensitive, to be shown to others
	Purpose  string // of a recipient
}

// File is a file made on demand.
type File struct {
	Name  string
	Media string // media type, with charset where it has one
	Data  []byte
}

var media = map[FileFormat]string{
	XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	JSON: "application/json; charset=utf-8",
	HTML: "text/html; charset=utf-8",
}

// ErrNoForm says that the report makes no such form, or none for whoever asks.
var ErrNoForm = fault.New(fault.NotFound, "incident.file.no_form")

// Form makes a profile's form of a report, now: nothing rendered is stored. A
// recipient gets the forms that were sent to it, as recorded readings. The
// case may be a draft of one's own.
func (s *Service) Form(ctx context.Context, q FormRequest, say text.Printer) (f File, err error) {
	p, ok := s.Profiles.Get(q.Profile)
	if !ok || p.Disabled {
		return f, ErrNoForm
	}
	if !slices.Contains(FileFormats, q.Format) {
		return f, fault.New(fault.Usage, "incident.sheet.format", "format", string(q.Format))
	}
	var r *Report
	var known Facts
	_, err = s.reading(ctx, q.Case, "form", q.Purpose,
		func(tx *db.Tx, who gate.Identity) error { return s.own(ctx, tx, q.Case, who) },
		func(tx *db.Tx, c Case, who gate.Identity, reach gate.Reach) (err error) {
			r, known, err = s.versionFor(ctx, tx, q.Case, c, q.Version, q.Profile, who, reach)
			return err
		})
	if err != nil {
		return f, err
	}
	if q.Redacted {
		r = r.Redact()
	}
	sheet := Fill(r, p, known, s.now(), say)
	f.Name, f.Media = sheet.FileName(q.Format), media[q.Format]
	if f.Data, err = sheet.File(q.Format); err != nil {
		err = fmt.Errorf("render %s: %w", q.Profile, err)
	}
	return f, err
}

// versionFor loads the report that a file is made of, within what whoever
// asks was sent. An empty profile means any.
func (s *Service) versionFor(ctx context.Context, tx *db.Tx, id ID, c Case, version int, profile string, who gate.Identity, reach gate.Reach) (*Report, Facts, error) {
	if c.ID == "" {
		d, _, err := s.opened(ctx, tx, who, id, false)
		if err != nil {
			return nil, Facts{}, err
		}
		known, err := facts(ctx, tx, d.Report.ID)
		return d.Report, known, err
	}
	last := c.Version
	if reach != gate.Own {
		ds, err := loadDeliveries(ctx, tx, c.ID, who.Org)
		if err != nil {
			return nil, Facts{}, err
		}
		ds = slices.DeleteFunc(ds, func(d Delivery) bool { return profile != "" && d.Profile != profile })
		if last = sentTo(ds); last == 0 {
			return nil, Facts{}, ErrNoForm
		}
	}
	if version == 0 {
		version = last
	}
	if version < 1 || version > last {
		return nil, Facts{}, ErrNone
	}
	r, err := s.report(ctx, tx, c, version)
	if err != nil {
		return nil, Facts{}, err
	}
	if reach != gate.Own {
		r = r.forRecipient()
	}
	known, err := facts(ctx, tx, c.ID)
	return r, known, err
}

// filesFor lists the attachments of a case that whoever asks may see: a
// recipient that later versions were not sent to sees those that were there
// before the first of these.
func (s *Service) filesFor(ctx context.Context, tx *db.Tx, c Case, who gate.Identity, reach gate.Reach) ([]blob.Meta, error) {
	files, err := s.Blobs.Of(ctx, tx, objectOf(c.ID))
	if err != nil || len(files) == 0 || reach == gate.Own {
		return files, err
	}
	ds, err := loadDeliveries(ctx, tx, c.ID, who.Org)
	if err != nil {
		return nil, err
	}
	last := sentTo(ds)
	vs, err := loadVersions(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(vs, func(v Version) bool { return v.Version > last })
	if i < 0 {
		return files, nil
	}
	return slices.DeleteFunc(files, func(m blob.Meta) bool { return !m.AddedAt.Before(vs[i].At) }), nil
}

// sentTo is the newest version among deliveries: a recipient that later
// versions were not sent to does not see them. 0 when there is none.
func sentTo(ds []Delivery) (version int) {
	for _, d := range ds {
		version = max(version, d.Version)
	}
	return version
}

// forRecipient returns the report without answers that need a consent which
// was not given: they go to nobody.
func (r *Report) forRecipient() *Report {
	c := r.Clone()
	for id := range c.Values {
		if f, ok := Dictionary().Get(id); !ok || f.Consent != "" && !r.Consent(f.Consent) {
			delete(c.Values, id)
		}
	}
	return c
}

// RedactedCopy returns the report without what is sensitive, as JSON to be
// shown to others. It needs what Form needs.
func (s *Service) RedactedCopy(ctx context.Context, id ID, version int, purpose string) (r *Report, err error) {
	_, err = s.reading(ctx, id, "report", purpose,
		func(tx *db.Tx, who gate.Identity) error { return s.own(ctx, tx, id, who) },
		func(tx *db.Tx, c Case, who gate.Identity, reach gate.Reach) (err error) {
			r, _, err = s.versionFor(ctx, tx, id, c, version, "", who, reach)
			return err
		})
	if err != nil {
		return nil, err
	}
	return r.Redact(), nil
}

// Calendar returns the running clocks of one's own report, or draft, as
// iCalendar: whoever has a duty to keep them.
func (s *Service) Calendar(ctx context.Context, id ID, say text.Printer) (f File, err error) {
	err = s.ownReport(ctx, id, func(r *Report, known Facts, now time.Time) {
		f = File{"clocks.ics", "text/calendar; charset=utf-8", Calendar(r, s.Profiles, known, now, say)}
	})
	return f, err
}

// Clocks checks one's own report, or draft, at this moment: every profile's
// clocks, and what is missing for whom.
func (s *Service) Clocks(ctx context.Context, id ID) (res Result, err error) {
	err = s.ownReport(ctx, id, func(r *Report, known Facts, now time.Time) { res = Check(r, s.Profiles, known, now) })
	return res, err
}

func (s *Service) ownReport(ctx context.Context, id ID, fn func(r *Report, known Facts, now time.Time)) error {
	return s.read(ctx, "incident.open", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return ErrNone
		}
		if err := s.own(ctx, tx, id, who); err != nil {
			return err
		}
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil && !errors.Is(err, ErrNone) {
			return err
		}
		r, known, err := s.versionFor(ctx, tx, id, c, 0, "", who, reach)
		if err != nil {
			return err
		}
		fn(r, known, s.now())
		return nil
	})
}
