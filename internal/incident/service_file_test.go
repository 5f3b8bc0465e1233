package incident

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/testkit"
)

func TestAttachmentsAreKeptAndEveryReadingOfOneIsRecorded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		content := []byte("%PDF-1.7 脅迫文の写し")
		m, err := h.Attach(h.reporter(), d.ID, bytes.NewReader(content), `C:\note\脅迫文.pdf`)
		if err != nil || m.Name != "脅迫文.pdf" || m.Media != "application/pdf" {
			t.Fatalf("%+v %v", m, err)
		}
		wrong, err := h.Attach(h.second(), d.ID, strings.NewReader("wrong file"), "a.txt")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Detach(h.rival(), d.ID, wrong.ID); !errors.Is(err, ErrNone) {
			t.Errorf("another operator detached: %v", err)
		}
		if err := h.Detach(h.reporter(), d.ID, wrong.ID); err != nil {
			t.Fatal(err)
		}
		if p, err := h.PreviewDraft(h.reporter(), d.ID); err != nil || p.Files != 1 {
			t.Errorf("%d files %v", p.Files, err)
		}
		if _, _, err := h.Download(h.viewer(), d.ID, m.ID, ""); !errors.Is(err, ErrNone) {
			t.Errorf("a viewer sees no draft: %v", err)
		}
		if _, err := h.SubmitDraft(h.reporter(), d.ID, d.Revision); err != nil {
			t.Fatal(err)
		}
		if err := h.Detach(h.reporter(), d.ID, m.ID); !errors.Is(err, ErrFileSent) {
			t.Errorf("what was sent stays: %v", err)
		}
		for _, c := range []struct {
			name, purpose string
			who           context.Context
			want          error
		}{
			{"its reporter", "", h.reporter(), nil},
			{"a viewer", "", h.viewer(), nil},
			{"the ministry", "receive", h.clerk(), nil},
			{"the ministry without purpose", "", h.clerk(), ErrPurpose},
			{"the ministry to punish", "sanction", h.clerk(), ErrBarred},
			{"another ministry", "receive", h.stranger(), ErrNone},
			{"another operator", "", h.rival(), ErrNone},
			{"the commission", "receive", h.member(), gate.ErrRole},
			{"the hub's administrator", "receive", h.As("hub", "x", gate.HubAdmin), gate.ErrRole},
		} {
			_, r, err := h.Download(c.who, d.ID, m.ID, c.purpose)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
				continue
			}
			if err == nil {
				got, err := io.ReadAll(r)
				r.Close()
				if err != nil || !bytes.Equal(got, content) {
					t.Errorf("%s reads %q %v", c.name, got, err)
				}
			}
		}
		rs, _, err := h.Readings(h.reporter(), d.ID, "", 0)
		if err != nil || len(rs) != 1 || rs[0].What != "file" || rs[0].Org != h.ID("industry") || rs[0].Entry == "" {
			t.Errorf("%+v %v", rs, err)
		}
		other := h.reported(Other)
		if _, _, err := h.Download(h.reporter(), other.ID, m.ID, ""); !errors.Is(err, blob.ErrNone) {
			t.Errorf("through another case: %v", err)
		}
	})
}

func TestAttachmentsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Other)
		if _, err := h.Attach(h.reporter(), d.ID, strings.NewReader(strings.Repeat("x", testkit.MaxBlob+1)), "big"); fault.KindOf(err) != fault.TooLarge {
			t.Errorf("too large: %v", err)
		}
		for i := range maxFiles {
			if _, err := h.Attach(h.reporter(), d.ID, strings.NewReader("x"), "x"); err != nil {
				t.Fatalf("file %d: %v", i, err)
			}
		}
		if _, err := h.Attach(h.reporter(), d.ID, strings.NewReader("x"), "x"); !errors.Is(err, ErrManyFiles) {
			t.Errorf("one too many: %v", err)
		}
		for name, c := range map[string]struct {
			who  context.Context
			want fault.Kind
		}{"a viewer": {h.viewer(), fault.Refused}, "the ministry": {h.clerk(), fault.Refused}, "another operator": {h.rival(), fault.NotFound}} {
			cut := &unread{}
			if _, err := h.Attach(c.who, d.ID, cut, "x"); fault.KindOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
			if cut.n > 0 {
				t.Errorf("%s: %d bytes were read of a file that may not come in", name, cut.n)
			}
		}
	})
}

// unread counts what is read of it.
type unread struct{ n int }

func (u *unread) Read(p []byte) (int, error) { u.n += len(p); return len(p), nil }

func TestFormsAreForThoseTheyWereSentTo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.reported(Ransomware)
		say := sentences(t).Printer(text.JA, nil)
		mark := map[FileFormat]string{XLSX: "PK\x03\x04", JSON: "{", HTML: "<!doctype html>"}
		for _, f := range FileFormats {
			for _, who := range []struct {
				ctx     context.Context
				purpose string
			}{{h.reporter(), ""}, {h.clerk(), "receive"}} {
				got, err := h.Form(who.ctx, FormRequest{Case: c.ID, Profile: "jp-act42", Format: f, Purpose: who.purpose}, say)
				if err != nil || !strings.HasPrefix(strings.ToLower(string(got.Data[:min(15, len(got.Data))])), strings.ToLower(mark[f])) || !strings.HasPrefix(got.Name, "jp-act42-v1") || got.Media == "" {
					t.Errorf("%s: %s %.20q %v", f, got.Name, got.Data, err)
				}
			}
		}
		for _, x := range []struct {
			name string
			who  context.Context
			q    FormRequest
			want error
		}{
			{"a form that was not sent to the ministry", h.clerk(), FormRequest{Profile: "jp-jpcert", Format: JSON, Purpose: "receive"}, ErrNoForm},
			{"no purpose", h.clerk(), FormRequest{Profile: "jp-act42", Format: JSON}, ErrPurpose},
			{"another operator", h.rival(), FormRequest{Profile: "jp-act42", Format: JSON}, ErrNone},
			{"no such profile", h.reporter(), FormRequest{Profile: "nobody", Format: JSON}, ErrNoForm},
			{"no such version", h.reporter(), FormRequest{Profile: "jp-act42", Format: JSON, Version: 2}, ErrNone},
			{"no such format", h.reporter(), FormRequest{Profile: "jp-act42", Format: "exe"}, fault.New(fault.Usage, "incident.sheet.format")},
		} {
			x.q.Case = c.ID
			if _, err := h.Form(x.who, x.q, say); !errors.Is(err, x.want) {
				t.Errorf("%s: %v", x.name, err)
			}
		}
		rs, _, err := h.Readings(h.reporter(), c.ID, "", 0)
		if err != nil || len(rs) != len(FileFormats) || rs[0].What != "form" {
			t.Errorf("%d readings %v", len(rs), err)
		}
		// A redacted copy says nothing that is sensitive, in any form.
		secret, _ := Template(Ransomware).Value("contact.responsible").V.(Row)
		open, err := h.Form(h.reporter(), FormRequest{Case: c.ID, Profile: "jp-act42", Format: JSON}, say)
		if err != nil || !bytes.Contains(open.Data, []byte(secret["name"])) {
			t.Fatalf("the example has no contact: %v", err)
		}
		shut, err := h.Form(h.reporter(), FormRequest{Case: c.ID, Profile: "jp-act42", Format: JSON, Redacted: true}, say)
		if err != nil || bytes.Contains(shut.Data, []byte(secret["name"])) {
			t.Errorf("the redacted form names the contact: %v", err)
		}
		r, err := h.RedactedCopy(h.reporter(), c.ID, 0, "")
		if err != nil || r.Value("contact.responsible").State != Redacted {
			t.Errorf("%+v %v", r, err)
		}
	})
}

func TestClocksAreTheReportersOwn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.filled(h.reporter(), Ransomware)
		c := h.reported(Ransomware)
		say := sentences(t).Printer(text.EN, nil)
		for _, id := range []ID{d.ID, c.ID} {
			f, err := h.Calendar(h.reporter(), id, say)
			if err != nil || !bytes.HasPrefix(f.Data, []byte("BEGIN:VCALENDAR")) {
				t.Errorf("%s %v", f.Data, err)
			}
			if res, err := h.Clocks(h.reporter(), id); err != nil || len(res.Profiles) == 0 {
				t.Errorf("%v", err)
			}
		}
		for _, who := range []context.Context{h.clerk(), h.rival(), h.member()} {
			if _, err := h.Calendar(who, c.ID, say); err == nil {
				t.Error("somebody else's clocks")
			}
		}
	})
}

// A recipient that later versions were not sent to stays at the last it got,
// and what needs a consent that was not given goes to nobody.
func TestARecipientSeesWhatItWasSent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := Template(Ransomware).Clone()
		r.Consents["share_with_police_consent"] = true
		first, err := h.Submit(h.reporter(), r, "")
		if err != nil {
			t.Fatal(err)
		}
		officer := h.As("police", "o", gate.PoliceOfficer)
		if v, err := h.Open(officer, first.Case.ID, 0, "consultation"); err != nil || v.Report.Version != 1 {
			t.Fatalf("%v", err)
		}
		// Files are stamped by the machine's clock, cases by the test's.
		h.Clock.Pass(time.Since(h.Clock.Now()))
		early, err := h.Attach(h.reporter(), first.Case.ID, strings.NewReader("早い"), "early.txt")
		if err != nil {
			t.Fatal(err)
		}
		h.Clock.Pass(time.Hour)
		next := r.Next(Followup)
		next.ID = first.Case.ID
		next.Consents["share_with_police_consent"] = false
		next.Values["event.title"] = KnownValue("警察には言わない")
		if _, err := h.Submit(h.reporter(), next, ""); err != nil {
			t.Fatal(err)
		}
		late, err := h.Attach(h.reporter(), first.Case.ID, strings.NewReader("遅い"), "late.txt")
		if err != nil {
			t.Fatal(err)
		}
		v, err := h.Open(officer, first.Case.ID, 0, "consultation")
		if err != nil || v.Report.Version != 1 || len(v.Versions) != 1 {
			t.Errorf("the police see version %d of %d: %v", v.Report.Version, len(v.Versions), err)
		}
		err = h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error { // one that came later
			_, err := tx.Exec(t.Context(), "UPDATE blob_file SET added_at = $2 WHERE id = $1", late.ID, db.Micros(h.Clock.Now().Add(time.Minute)))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for who, want := range map[string]int{"police": 1, "industry": 2} {
			ctx, purpose := officer, "consultation"
			if who == "industry" {
				ctx, purpose = h.clerk(), "receive"
			}
			if v, err := h.Open(ctx, first.Case.ID, 0, purpose); err != nil || len(v.Files) != want {
				t.Errorf("%s sees %d files, want %d: %v", who, len(v.Files), want, err)
			}
			_, one, err1 := h.Download(ctx, first.Case.ID, early.ID, purpose)
			_, two, err2 := h.Download(ctx, first.Case.ID, late.ID, purpose)
			if err1 != nil || (err2 == nil) != (want == 2) {
				t.Errorf("%s downloads: %v, %v", who, err1, err2)
			}
			for _, r := range []io.ReadCloser{one, two} {
				if r != nil {
					r.Close()
				}
			}
		}
		if _, err := h.Open(officer, first.Case.ID, 2, "consultation"); !errors.Is(err, ErrNone) {
			t.Errorf("version 2: %v", err)
		}
		if out, err := h.Compare(officer, first.Case.ID, 2, "consultation"); err == nil {
			t.Errorf("version 2 by comparison: %v", out)
		}
		if v, err := h.Open(h.clerk(), first.Case.ID, 0, "receive"); err != nil || v.Report.Version != 2 {
			t.Errorf("the ministry: %v", err)
		}
		for i := range Dictionary().All {
			f := &Dictionary().All[i]
			if v, err := h.Open(h.clerk(), first.Case.ID, 0, "receive"); f.Consent != "" && !next.Consent(f.Consent) && (err != nil || v.Report.Value(f.ID).Answered()) {
				t.Errorf("%s needs a consent: %v", f.ID, err)
			}
		}
		if h.Entries(t, "incident.open", ledger.Done) == 0 {
			t.Error("nothing recorded")
		}
	})
}
