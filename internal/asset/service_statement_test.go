package asset

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

func TestAStatementGoesToTheMinistryAndOnToTheOffice(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		v := h.preview(h.wind(), list3+"A-4,other,Microsoft,Windows Server 2022,,1,internal,,own,,,\n", false)
		if _, err := h.ApplyImport(h.wind(), v.Token); err != nil {
			t.Fatal(err)
		}
		d, err := h.Draft(h.wind(), "")
		if err != nil || d.Blocked == nil || d.Verdicts[ScopeUnsure] != 4 || len(d.Unsure) != 4 {
			t.Fatalf("before the scope check: %+v %v", d, err)
		}
		if err := h.SetFacts(h.wind(), ScopeFacts{Yes, Yes, Yes}); err != nil {
			t.Fatal(err)
		}
		d, err = h.Draft(h.wind(), "")
		if err != nil || d.Statement == nil || d.Statement.Number != 1 || d.Statement.Counts.Introduced != 3 || len(d.Statement.Excluded) != 1 || d.Sector != "electricity" {
			t.Fatalf("%+v %v", d, err)
		}
		if _, err := h.Submit(h.wind(), "", d.Register.Revision-1); !errors.Is(err, ErrStale) {
			t.Errorf("an older draft: %v", err)
		}
		got, err := h.Submit(h.wind(), "", d.Register.Revision)
		if err != nil || got.Notice.Number != 1 || got.Promise == "" {
			t.Fatalf("%+v %v", got, err)
		}
		if _, err := h.Submit(h.wind(), "", d.Register.Revision); !errors.Is(err, ErrStale) {
			t.Errorf("the same draft again: %v", err)
		}
		id := got.Notice.ID
		office := h.country.As("office", "o", gate.OfficeClerk)
		count := func(who context.Context, waiting bool) int {
			t.Helper()
			list, _, err := h.Statements(who, waiting, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if count(h.clerk(), true) != 1 || count(office, false) != 0 || count(h.country.As("treasury", "c", gate.MinistryClerk), false) != 0 || count(h.country.As("sea", "a", gate.OperatorAdmin), false) != 0 {
			t.Error("it is on the wrong desks")
		}
		if _, err := h.Statement(office, id); !errors.Is(err, ErrStatement) {
			t.Errorf("the office before it was passed on: %v", err)
		}
		open, err := h.Statement(h.clerk(), id)
		if err != nil || open.Mine || len(open.Statement.Entries) != 3 || open.Statement.Entries[0].Item.Sealed.Version == "" {
			t.Fatalf("%+v %v", open, err)
		}
		if open.Statement.Entries[0].Item.OperatedBy != "" && !h.Rules.items[FieldOperatedBy].Notify {
			t.Error("more than the notified fields left the register")
		}
		a, err := h.Acknowledge(h.clerk(), id, "経産-7")
		if err != nil || a.Promise == "" || len(a.Forwarded) != 1 {
			t.Fatalf("%+v %v", a, err)
		}
		if _, err := h.Acknowledge(h.clerk(), id, ""); !errors.Is(err, ErrAcknowledged) {
			t.Errorf("twice: %v", err)
		}
		if count(office, true) != 1 || count(h.clerk(), true) != 0 {
			t.Error("it did not go on")
		}
		if _, err := h.Acknowledge(office, id, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Ask(h.clerk(), id, "設置場所はどこですか"); err != nil {
			t.Fatal(err)
		}
		if count(h.wind(), true) != 1 {
			t.Error("the question does not wait for the operator")
		}
		if _, err := h.Answer(h.wind(), id, h.country.ID("privacy"), "だれも聞いていない"); !errors.Is(err, ErrStatement) {
			t.Errorf("an answer to nobody: %v", err)
		}
		if _, err := h.Answer(h.wind(), id, h.country.ID("industry"), "本社です"); err != nil {
			t.Fatal(err)
		}
		if other, err := h.Statement(office, id); err != nil || len(other.Messages) != 0 || len(other.Deliveries) != 1 {
			t.Errorf("the office sees the ministry's conversation: %+v %v", other, err)
		}
		mine, err := h.Statement(h.wind(), id)
		if err != nil || len(mine.Messages) != 2 || len(mine.Deliveries) != 2 || mine.Deliveries[0].AckedNumber != "経産-7" || mine.Deliveries[0].OpenedAt.IsZero() || mine.Deliveries[1].AckedAt.IsZero() {
			t.Errorf("%+v %v", mine.Deliveries, err)
		}
		// What changed since is the next statement.
		if d, err = h.Draft(h.wind(), ""); err != nil || d.Statement != nil || d.Blocked == nil || d.Blocked.Code != "asset.statement.nothing" {
			t.Errorf("nothing is new: %+v %v", d, err)
		}
		e := h.found("A-2")
		if _, err := h.Change(h.wind(), e.ID, 1, draftOf("id", "A-2", "kind", "vpn", "maker", "Orvane", "product", "EdgeGate 410", "version", "9.2", "quantity", "2", "zone", "internet", "addresses", "198.51.100.8", "introduced_at", "2026-11-01"), "", ""); err != nil {
			t.Fatal(err)
		}
		if err := h.Remove(h.wind(), h.found("A-3").ID, 1); err != nil {
			t.Fatal(err)
		}
		next := h.submit()
		if c := next.Notice.Counts; next.Notice.Number != 2 || c.Changed != 1 || c.Withdrawn != 1 || c.Introduced != 0 {
			t.Errorf("%+v", next.Notice)
		}
		for format, begin := range map[string]string{"xlsx": "PK\x03\x04", "json": "{", "html": "<!doctype html>"} {
			f, err := h.Form(h.clerk(), next.Notice.ID, format, printer(t, text.JA))
			if err != nil || !bytes.HasPrefix(f.Body, []byte(begin)) || f.Name != "statement-2."+format {
				t.Errorf("%s: %q %v", format, f.Name, err)
			}
		}
		if _, err := h.Form(h.wind(), id, "exe", printer(t, text.JA)); fault.KindOf(err) != fault.Usage {
			t.Errorf("%v", err)
		}
	})
}
