package vendor

import (
	"context"
	"errors"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/notice"
)

// Told is what came of telling those exposed.
type Told struct {
	Notice     string `json:"notice,omitempty"` // empty: nobody is exposed
	Recipients int    `json:"recipients"`
}

// Tell sends a notice of the fix to everyone on this hub whom the vulnerability
// concerns, and notes that they were told. It can be called again when it broke
// off: the draft of before is the one that goes out, and a notice goes once.
// Faults: ErrStep before there is a fix, ErrEmbargo while one runs,
// vendor.no_vulnerability without an id to find those exposed by.
func (s *Service) Tell(ctx context.Context, request ID) (t Told, err error) {
	var v RequestView
	err = s.read(ctx, "vendor.step", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if v.Request, v.Case, err = loadRequest(ctx, tx, request, who, reach); err != nil {
			return err
		}
		if v.Products, err = s.products(ctx, tx, v.Case, request); err != nil {
			return err
		}
		return s.show(ctx, tx, &v.Case, reach)
	})
	switch {
	case err != nil:
		return t, err
	case v.Request.State != FixReleased:
		return t, fault.New(fault.Conflict, ErrStep.Code, "from", string(v.Request.State), "to", string(UsersNotified))
	case v.Case.Embargo.Runs(s.now()):
		return t, s.refuse(ctx, request, ErrEmbargo)
	case v.Case.Vulnerability == "" || s.Notices == nil:
		return t, fault.New(fault.Unmet, "vendor.no_vulnerability")
	}
	if t.Notice = v.Request.Notice; t.Notice == "" {
		n, err := s.Notices.Draft(ctx, notice.NewNotice{Vulnerability: v.Case.Vulnerability, Content: s.content(v)})
		if err != nil {
			return t, err
		}
		t.Notice = n.ID
		if err := s.noteNotice(ctx, request, n.ID); err != nil {
			return t, errors.Join(err, s.Notices.Discard(ctx, n.ID))
		}
	}
	r, err := s.Notices.Review(ctx, t.Notice)
	switch {
	case errors.Is(err, notice.ErrSent): // it went before we could note it
	case err != nil:
		return t, err
	case r.Recipients == 0:
		if err := s.Notices.Discard(ctx, t.Notice); err != nil {
			return t, err
		}
		t.Notice = ""
	default:
		d, err := s.Notices.Send(ctx, t.Notice, notice.SendInput{Revision: r.Notice.Revision, Despite: true})
		if err != nil {
			return t, err
		}
		t.Recipients = d.Recipients
	}
	return t, s.notified(ctx, request, t)
}

// refuse records a refusal.
func (s *Service) refuse(ctx context.Context, request ID, refusal error) error {
	return s.do(ctx, &ledger.Act{Verb: "vendor.step", Object: requestObject(request)}, func(*db.Tx, gate.Identity, gate.Reach) error { return refusal })
}

// noteNotice remembers the draft before it goes out, so that it goes once.
func (s *Service) noteNotice(ctx context.Context, request ID, id string) error {
	act := &ledger.Act{Verb: "vendor.step", Object: requestObject(request), Public: map[string]any{"notice": id}}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, _, err := loadRequest(ctx, tx, request, who, reach)
		if err != nil {
			return err
		}
		if r.Notice != "" {
			return ErrRevision
		}
		r.Notice = id
		return updateRequest(ctx, tx, r)
	})
}

func (s *Service) notified(ctx context.Context, request ID, t Told) error {
	return s.coordinate(ctx, request, func(_ *db.Tx, m *mover) error {
		if m.r.State == UsersNotified {
			return ErrRevision
		}
		m.by, m.f.told, m.r.Notice = Hub, true, t.Notice
		m.act.Public = map[string]any{"recipients": t.Recipients, "notice": t.Notice}
		return m.to(ctx, UsersNotified, "")
	})
}

// content writes the notice of a fix in both languages.
func (s *Service) content(v RequestView) notice.Content {
	both := func(key string, pairs ...any) text.Both {
		return text.Both{JA: s.words.Printer(text.JA, nil).T(key, pairs...), EN: s.words.Printer(text.EN, nil).T(key, pairs...)}
	}
	tlp := notice.TLP(v.Case.TLP)
	c := notice.Content{Title: both("vendor.tell.title", "vulnerability", v.Case.Vulnerability), Severity: notice.Attend, TLP: tlp, Clearance: v.Case.Clearance,
		About: []string{v.Case.Vulnerability}, KnownAt: v.Case.CreatedAt}
	var details [2]strings.Builder
	var checks []text.Both
	for _, p := range v.Products {
		if p.Status != Affected {
			continue
		}
		x := both("vendor.tell.product", "name", p.Name, "versions", dash(p.Versions), "fixed", p.Fixed)
		if p.Fix != Released {
			x = both("vendor.tell.unfixed", "name", p.Name, "versions", dash(p.Versions))
		}
		details[0].WriteString(x.JA + "\n")
		details[1].WriteString(x.EN + "\n")
		if p.Interim != "" {
			details[0].WriteString(p.Interim + "\n") // the maker's own words, in whatever language
			details[1].WriteString(p.Interim + "\n")
		}
		if p.FixURL != "" {
			checks = append(checks, both("vendor.tell.get", "name", p.Name, "url", p.FixURL))
		}
	}
	if len(checks) == 0 {
		checks = []text.Both{both("vendor.tell.check")}
	}
	c.Technical = &notice.Package{TLP: tlp, Details: text.Both{JA: strings.TrimSpace(details[0].String()), EN: strings.TrimSpace(details[1].String())}, Checks: checks[:min(len(checks), 10)]}
	c.Management = &notice.Brief{TLP: tlp, What: both("vendor.tell.what", "title", v.Case.Title), SoWhat: both("vendor.tell.so_what"), Decide: both("vendor.tell.decide")}
	return c
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
