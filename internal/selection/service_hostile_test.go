package selection

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/selector"
	"noroshi/internal/sensor/synth"
)

// abroad begins a run on another machine and selects there, handing nothing in.
func (s *site) abroad(id string) (at string, begun Remote, lines []string, st Statement) {
	s.t.Helper()
	s.call(asHandler, "POST", "/api/v1/selection-runs", RunInput{Approval: id, Link: "K-2", MadeUp: true}, &begun)
	at = "/api/v1/selection-runs/" + begun.Run.ID
	_, file := s.send(asHandler, "GET", at+"/selectors", "", nil)
	g, err := approval.Open([]byte(begun.Paper), s.approvals.Verifier)
	s.must(err)
	list, err := ReadSelectors("list", []byte(file))
	s.must(err)
	st, err = Run(s.t.Context(), Job{Grant: g, Run: begun.Run.ID, Link: "K-2", Selectors: list, Prefixes: madeUpPrefixes(s.t), MadeUp: true, Now: s.Clock.Now, Used: begun.Used,
		Sources: []Source{{Name: "line", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(s.traffic())), nil }}},
		Put:     func(k Kept) error { lines = append(lines, string(k.Line)); return nil }})
	s.must(err)
	return at, begun, lines, st
}

func (s *site) hand(at string, page int, lines string) (int, string) {
	return s.send(asHandler, "POST", fmt.Sprintf("%s/records/%d", at, page), "application/octet-stream", []byte(lines))
}

// Once an approval is revoked nothing of another machine is taken, nor is the
// list handed out; and records keep no silent run alive.
func TestNothingAfterRevocation(t *testing.T) {
	s := newSite(t)
	c := s.approve(approval.ForeignDomestic, s.world.list())
	at, begun, lines, _ := s.abroad(c.ID)
	half := len(lines) / 2
	s.Clock.Pass(10 * time.Second)
	if code, body := s.hand(at, 0, strings.Join(lines[:half], "")); code != 204 {
		t.Fatalf("%d %s", code, body)
	}
	s.must(s.approvals.Revoke(s.member("1"), c.ID, "止める"))
	if code, body := s.hand(at, 1, strings.Join(lines[half:], "")); code != 403 || !strings.Contains(body, approval.ErrWithdrawn.Code) {
		t.Errorf("a page after the revocation: %d %s", code, body)
	}
	if code, body := s.send(asHandler, "GET", at+"/selectors", "", nil); code != 403 {
		t.Errorf("the list after the revocation: %d %.100s", code, body)
	}
	if n := s.count("SELECT count(*) FROM selection_record"); n != half {
		t.Errorf("%d records, %d were handed in before", n, half)
	}
	s.Clock.Pass(6 * time.Second) // since the page: 6; since the run was heard of: 16
	if n, err := s.Tick(t.Context()); err != nil || n == 0 {
		t.Errorf("nothing was interrupted: %d %v", n, err)
	}
	v, err := s.ShowRun(s.inspector(), begun.Run.ID)
	if err != nil || v.Run.State != RunInterrupted || v.Run.Left() != 0 || v.Run.Taken.Packets == 0 {
		t.Errorf("%+v %v", v.Run, err)
	}
	if n := s.count("SELECT count(*) FROM selection_found"); n != 0 {
		t.Errorf("%d sums are left of a run that is gone", n)
	}
}

// A statement counts what was handed in, whatever program wrote it; a cap is not
// regained by saying less.
func TestStatementCounts(t *testing.T) {
	s := newSite(t)
	c := s.approve(approval.ForeignDomestic, s.world.list())
	at, begun, lines, st := s.abroad(c.ID)
	if code, body := s.hand(at, 0, strings.Join(lines, "")); code != 204 {
		t.Fatalf("%d %s", code, body)
	}
	e, err := NewExecutor("me")
	s.must(err)
	for name, edit := range map[string]func(x *Statement){
		"nothing taken":      func(x *Statement) { x.Seen.Packets -= x.Selected.Packets; x.Selected.Packets = 0 },
		"fewer bytes":        func(x *Statement) { x.Seen.Bytes--; x.Selected.Bytes-- },
		"another selector":   func(x *Statement) { x.Selected.BySelector = map[string]Chosen{"s:ffffffffffffffff": x.Selected.Chosen} },
		"no selector":        func(x *Statement) { x.Selected.BySelector = nil },
		"another direction":  func(x *Statement) { x.Directions = nil },
		"other fields":       func(x *Statement) { x.Fields = append([]string{"vlan"}, x.Fields...) },
		"kept longer":        func(x *Statement) { x.RetainUntil = x.RetainUntil.AddDate(1, 0, 0) },
		"another kind":       func(x *Statement) { x.Kind = approval.ForeignForeign },
		"outside the period": func(x *Statement) { x.First = x.First.AddDate(-1, 0, 0) },
		"used by others":     func(x *Statement) { x.Before.Bytes++ },
		"another line":       func(x *Statement) { x.Link = "K-9" },
		"ended before":       func(x *Statement) { x.EndedAt = x.BegunAt.Add(-time.Second) },
	} {
		x := st
		edit(&x)
		s.must(e.sign(&x))
		if code, body := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", x.encode()); code != 422 {
			t.Errorf("%s: %d %.200s", name, code, body)
		}
	}
	if code, body := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", st.encode()); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	v, err := s.ShowRun(s.inspector(), begun.Run.ID)
	if err != nil || v.Run.Basis != "acquisition" || v.Run.Taken != approval.Quantity(st.Taken()) {
		t.Errorf("%+v %v", v.Run, err)
	}
	if n := s.count("SELECT count(*) FROM selection_found"); n != 0 {
		t.Errorf("%d sums are left beside the statement", n)
	}
}

// More than is left of the cap is not taken, whoever counts.
func TestCapOfWhatIsHandedIn(t *testing.T) {
	s := newSite(t)
	list := s.world.list()
	_, file, err := s.listFor(s.analyst(), list.Org, list.SHA256)
	s.must(err)
	selectors, err := ReadSelectors("list", file)
	s.must(err)
	c := s.approve(approval.ForeignDomestic, list, func(a *approval.Application) { a.Cap = approval.Quantity{Packets: 3} })
	at, begun, _, _ := s.abroad(c.ID)
	from := s.Clock.Now().UTC()
	line := fmt.Sprintf(`{"start":%[1]q,"end":%[1]q,"src":%[2]q,"dst":%[3]q,"pkts":4,"bytes":400,"direction":"fd","selector":%[4]q,"approval":%[5]q,"retain_until":%[6]q,"provenance":"fd"}`,
		from.Format(timeForm), synth.LinkServer, synth.LinkOwn()[0].Addr().Next(), selectors.set.RefOf(selector.Address, synth.LinkServer.String()), c.ID, begun.Run.RetainUntil.UTC().Format(time.RFC3339))
	if code, body := s.hand(at, 0, line); code != 403 || !strings.Contains(body, approval.ErrSpent.Code) {
		t.Errorf("four packets under a cap of three: %d %s", code, body)
	}
	if code, body := s.hand(at, 0, strings.Replace(line, `"pkts":4`, `"pkts":3`, 1)); code != 204 {
		t.Errorf("three packets: %d %s", code, body)
	}
	if n := s.count("SELECT count(*) FROM selection_record"); n != 1 {
		t.Errorf("%d records", n)
	}
}

// Of which line packets are has to be said.
func TestLinkHasToBeSaid(t *testing.T) {
	s := newSite(t)
	c := s.approve(approval.ForeignDomestic, s.world.list())
	for _, link := range []string{"", "K-9"} {
		code, body := s.send(asHandler, "POST", "/api/v1/selection-captures?source=x&link="+link+"&approval="+c.ID, "application/octet-stream", s.traffic())
		if code != 403 || !strings.Contains(body, approval.ErrLink.Code) || link == "" && !strings.Contains(body, "回線の名前") {
			t.Errorf("a capture of %q: %d %.300s", link, code, body)
		}
		if code, body = s.send(asHandler, "POST", "/api/v1/selection-runs", "application/json", []byte(`{"approval":"`+c.ID+`","link":"`+link+`"}`)); code != 403 {
			t.Errorf("a run of %q: %d %.300s", link, code, body)
		}
	}
	if n := s.count("SELECT count(*) FROM selection_run"); n != 0 {
		t.Errorf("%d runs", n)
	}
	if n := s.Parts.Entries(t, "selection.run", "refused"); n != 4 {
		t.Errorf("%d refusals on the ledger", n)
	}
}

// What is no approval refuses like one that was not granted, on the record.
func TestNoApprovalIsRefusedOnRecord(t *testing.T) {
	s := newSite(t)
	for _, at := range []string{"/api/v1/selection-runs", "/api/v1/selection-openings"} {
		code, body := s.send(asHandler, "POST", at, "application/json", []byte(`{"approval":"`+newID()+`"`+map[bool]string{true: `,"purpose":"warn"`}[strings.HasSuffix(at, "openings")]+`}`))
		if code != 403 || !strings.Contains(body, approval.ErrNoGrant.Code) {
			t.Errorf("%s: %d %s", at, code, body)
		}
	}
	if n := s.Parts.Entries(t, "selection.run", "refused") + s.Parts.Entries(t, "selection.reidentify", "refused"); n != 2 {
		t.Errorf("%d refusals on the ledger", n)
	}
}

// A run on another machine that is never heard of costs some of the cap.
func TestSilentRunCosts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		c := w.approve(approval.ForeignDomestic, w.list(), func(a *approval.Application) { a.Cap = approval.Quantity{Packets: 800} })
		for i, left := range []uint64{800, 800 - 101} {
			x, err := w.BeginRemote(w.handler(), NewRun{Approval: c.ID, Link: "K-2"})
			if err != nil || x.Used.Packets != 800-left {
				t.Fatalf("run %d: %d used, %v", i, x.Used.Packets, err)
			}
			w.Clock.Pass(silence + time.Second)
			if _, err := w.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Who made the list, decided of it or conducted the agreement carries nothing out.
func TestAskersCarryNothingOut(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		both := func(name string) context.Context {
			return w.as("office", name, gate.OfficeHandler, gate.OfficeClerk, gate.OfficeAnalyst)
		}
		l := w.list()
		c := w.approve(approval.ForeignDomestic, l)
		for _, name := range []string{"analyst", "second"} {
			_, err := w.BeginRemote(both(name), NewRun{Approval: c.ID, Link: "K-2"})
			want(t, name, err, approval.ErrExecutor)
		}
		a, err := w.Propose(both("proposer"), w.country.ID("wind"), Article11, w.terms())
		w.must(err)
		_, err = w.Accept(w.wind(), a.ID, 1)
		w.must(err)
		w.must(w.HandOver(both("proposer"), a.ID, w.invited("office", "next", gate.OfficeClerk)))
		g, err := w.Service.Grant(w.clerk(), a.ID, l.ID)
		w.must(err)
		_, err = w.BeginRemote(both("proposer"), NewRun{Approval: g.Approval, Link: "K-2"})
		want(t, "who proposed", err, approval.ErrExecutor)
		if n := w.Parts.Entries(t, "selection.run", "refused"); n != 3 {
			t.Errorf("%d refusals on the ledger", n)
		}
		_, err = w.BeginRemote(w.handler(), NewRun{Approval: g.Approval, Link: "K-2"})
		w.must(err)
	})
}

// The inspector reads the conditions themselves, on the record; no other member of
// the commission does, and nobody there changes anything.
func TestInspectorReadsConditions(t *testing.T) {
	s := newSite(t)
	l := s.world.list()
	var page struct {
		Total int           `json:"total"`
		Items []SelectorRow `json:"items"`
	}
	s.call(asInspector, "GET", "/api/v1/selector-lists/"+l.ID+"/selectors", nil, &page)
	if page.Total != l.Selectors || len(page.Items) != l.Selectors || page.Items[0].Value == "" {
		t.Errorf("%+v", page)
	}
	code, body := s.send(asInspector, "GET", "/selector-lists/"+l.ID+"?open=1", "", nil)
	if code != 200 || !strings.Contains(body, synth.LinkServer.String()) {
		t.Errorf("%d %.300s", code, body)
	}
	if n := s.Parts.Entries(t, "selection.list_open", "done"); n != 2 {
		t.Errorf("%d openings on the ledger", n)
	}
	for _, who := range []string{asClerk, asHandler, "commission member1 commission.member", "commission examiner commission.examiner"} {
		if code, _ := s.send(who, "GET", "/api/v1/selector-lists/"+l.ID+"/selectors", "", nil); code != 403 {
			t.Errorf("%s: %d", who, code)
		}
	}
	// What stands on the list's page without being opened tells none of them.
	for _, ctx := range []context.Context{s.inspector(), s.member("1")} {
		if got, err := s.List(ctx, l.ID); err != nil || got.Name != "" || len(got.Overrides) != 0 {
			t.Errorf("%+v %v", got, err)
		}
	}
}

// What is sealed in its own table stands in no store of answers, key or not.
func TestAnswersAreNotKept(t *testing.T) {
	s := newSite(t)
	c := s.approve(approval.ForeignDomestic, s.world.list())
	a, err := s.Propose(s.clerk(), s.country.ID("wind"), Article11, s.terms())
	s.must(err)
	for i, x := range []struct{ who, path, body string }{
		{asHandler, "/api/v1/selection-runs", `{"approval":"` + c.ID + `","link":"K-2"}`},
		{asParty, "/api/v1/agreements/" + a.ID + "/messages", `{"text":"期間は短くできますか"}`},
		{asParty, "/api/v1/agreements/" + a.ID + "/refuse", `{"version":1,"note":"断る理由"}`},
	} {
		r := httptest.NewRequest("POST", x.path, strings.NewReader(x.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+url.QueryEscape(x.who))
		r.Header.Set("Idempotency-Key", fmt.Sprint("key-", i))
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code >= 300 {
			t.Fatalf("%s: %d %.300s", x.path, w.Code, w.Body)
		}
	}
	if n := s.count("SELECT count(*) FROM httpd_idempotency"); n != 3 {
		t.Errorf("%d keys", n)
	}
	for _, word := range []string{"一致する指標", "外から届く通信", "declined", "短くできますか", "K-2"} {
		if n := s.count("SELECT count(*) FROM httpd_idempotency WHERE instr(CAST(body AS TEXT), $1) > 0", word); n != 0 {
			t.Errorf("%q stands in %d kept answers", word, n)
		}
	}
}

// While records come in, the end of the last line stands nowhere in clear.
func TestChainIsSealed(t *testing.T) {
	s := newSite(t)
	c := s.approve(approval.ForeignDomestic, s.world.list())
	at, begun, lines, st := s.abroad(c.ID)
	half := len(lines) / 2
	for i, part := range [][]string{lines[:half], lines[half:]} {
		if code, body := s.hand(at, i, strings.Join(part, "")); code != 204 {
			t.Fatalf("%d %s", code, body)
		}
		last := part[len(part)-1]
		if n := s.count("SELECT count(*) FROM selection_run WHERE id = $1 AND chain <> '' AND chain NOT LIKE $2", begun.Run.ID, "%"+hex.EncodeToString([]byte(last[len(last)-8:]))+"%"); n != 1 {
			t.Error("the chain tells of a line, or is none")
		}
	}
	if code, body := s.send(asHandler, "POST", at+"/statement", "application/octet-stream", st.encode()); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if n := s.count("SELECT count(*) FROM selection_run WHERE chain <> ''"); n != 0 {
		t.Error("the chain of a run that is over is kept")
	}
}
