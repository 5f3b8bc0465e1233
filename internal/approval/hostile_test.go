package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/geo"
)

// TestAReidentificationIsAnApprovalOfItsOwn: neither does an approval to select
// open a pseudonym, nor one to open pseudonyms select anything.
func TestAReidentificationIsAnApprovalOfItsOwn(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.approve(func(a *Application) {
			*a = Application{Kind: Reidentify, From: a.From, Until: a.From.AddDate(0, 0, 7), Grounds: a.Grounds, NoOther: a.NoOther, Necessity: a.Necessity, Run: "run-1", Subjects: []string{"p:1", "p:2"}, Link: "K-2", Directions: []geo.Class{geo.DD}}
		})
		if c.Asked.Link != "" || c.Asked.Directions != nil {
			t.Errorf("%+v", c.Asked)
		}
		g := h.grantOf(c.ID)
		for name, x := range map[string]struct {
			s    Scope
			want error
		}{
			"what was asked":  {Scope{Kind: Reidentify, Run: "run-1", Subjects: []string{"p:2"}}, nil},
			"another subject": {Scope{Kind: Reidentify, Run: "run-1", Subjects: []string{"p:2", "p:3"}}, ErrSubjects},
			"no subject":      {Scope{Kind: Reidentify, Run: "run-1"}, ErrSubjects},
			"another run":     {Scope{Kind: Reidentify, Run: "run-2", Subjects: []string{"p:1"}}, ErrSubjects},
			"a selection":     {Scope{Directions: []geo.Class{geo.FD}, Selectors: hash("a")}, ErrKind},
			"nothing":         {Scope{}, ErrKind},
		} {
			u, err := h.redeem(g, h.hand(), x.s)
			wants(t, name, err, x.want)
			if err == nil {
				h.finish(u, Quantity{})
			}
		}
		if list, _, err := h.Instructions(h.carrying(), Filter{}); err != nil || len(list) != 0 {
			t.Errorf("a carrier sees %d, %v", len(list), err)
		}
	})
}

// TestTwoRunsShareOneCap: where two runs are allowed at a time, what both took
// counts.
func TestTwoRunsShareOneCap(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		r, err := LoadRules(strings.ReplaceAll(kindsFile, "rule = \"parallel\"\nvalue = 1", "rule = \"parallel\"\nvalue = 2"))
		if err != nil {
			t.Fatal(err)
		}
		h.Rules = r
		c := h.approve(func(a *Application) { a.Cap = Quantity{Packets: 1000, Bytes: 1 << 20} })
		g := h.grantOf(c.ID)
		one, err := h.redeem(g, h.hand(), scope(c))
		wants(t, "one", err, nil)
		two, err := h.redeem(g, h.hand(), scope(c))
		wants(t, "two", err, nil)
		_, err = h.redeem(g, h.hand(), scope(c))
		wants(t, "three", err, ErrBusy)
		var wg sync.WaitGroup
		for _, u := range []Use{one, two} {
			wg.Go(func() {
				for n := uint64(100); n <= 500; n += 100 {
					if err := h.write(func(ctx context.Context, tx *db.Tx) error {
						return h.Spend(ctx, tx, u.ID, Quantity{Packets: n, Bytes: n})
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for _, u := range []Use{one, two} {
			wants(t, "both took all", h.Alive(t.Context(), u.ID), ErrSpent)
		}
		h.finish(one, Quantity{500, 500})
		_, err = h.redeem(g, h.hand(), scope(c))
		wants(t, "no more", err, ErrSpent)
		if err := h.DB.Read(t.Context(), func(tx *db.Tx) error {
			list, err := h.Unfinished(t.Context(), tx)
			if len(list) != 1 || list[0].ID != two.ID {
				t.Errorf("%+v", list)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// TestARefusedActTakesItsUseBack: an act that is refused after it redeemed has
// used nothing.
func TestARefusedActTakesItsUseBack(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		c := h.approve()
		g := h.grantOf(c.ID)
		late := fault.New(fault.Refused, "test.late")
		act := &ledger.Act{Verb: "selection.run"}
		_, err := h.Ledger.Do(h.handler(), act, func(tx *db.Tx) error {
			if _, err := h.Redeem(h.handler(), tx, act, g, h.hand(), scope(c)); err != nil {
				return err
			}
			return late
		})
		wants(t, "the act", err, late)
		if u, err := h.redeem(g, h.hand(), scope(c)); err != nil {
			t.Errorf("%+v %v", u, err)
		}
		// A refusal whose act was undone as a whole stands nowhere.
		broken := errors.New("the disk is full")
		_, err = h.Ledger.Do(h.handler(), act, func(tx *db.Tx) error {
			if _, err := h.Redeem(h.handler(), tx, act, g, h.hand(), scope(c)); !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
			return broken
		})
		wants(t, "the broken act", err, broken)
		if v, err := h.Uses(h.inspector(), c.ID, "", 0); err != nil || len(v.Refusals) != 0 || len(v.Uses) != 1 {
			t.Errorf("%+v %v", v, err)
		}
		h.Clock.Pass(2 * time.Minute)
		if _, err := h.Tick(t.Context()); err != nil || len(h.late.list) != 0 {
			t.Errorf("%d wait, %v", len(h.late.list), err)
		}
	})
}

func TestRefusalsThatWaitAreBounded(t *testing.T) {
	h := lite(t)
	for i := range maxLate + 7 {
		h.refused(Refusal{Entry: fmt.Sprint(i), At: h.now()})
	}
	if n := len(h.late.list); n != maxLate || h.late.list[0].Entry != "7" {
		t.Errorf("%d", n)
	}
}

// TestHostileWords hands in what no honest person would: nothing breaks, and
// what is taken comes back as it was or cleaned.
func TestHostileWords(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		evil := []string{"\x00疑い", "a\xff疑い", strings.Repeat("疑", maxWords+1), "<script>alert(1)</script>", "{{.}}", "\x1b[2J疑い\u202e", strings.Repeat("疑", maxShort), "'; DROP TABLE approval_case; --", strings.Repeat("a\n", 1900)}
		for _, words := range evil {
			a := h.application()
			a.Grounds, a.Link = words, words
			c, err := h.Ask(h.clerk(), a)
			if err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("%.20q: %v", words, err)
			}
			if err != nil {
				continue
			}
			v, err := h.Show(h.examiner(), c.ID)
			if err != nil || !utf8.ValidString(v.Case.Asked.Grounds) || strings.ContainsAny(v.Case.Asked.Grounds, "\x00\x1b\u202e") {
				t.Errorf("%.20q: %v", words, err)
			}
			_ = h.Question(h.examiner(), c.ID, words)
		}
		for _, id := range append(evil, "", "..", "%00") {
			_, err := h.Show(h.clerk(), id)
			wants(t, "show", err, ErrNone)
			_, err = h.Decide(h.member("1"), id, Decision{Reason: "x"})
			wants(t, "decide", err, ErrNone)
			wants(t, "alive", h.Alive(t.Context(), id), ErrUse)
		}
		for _, cursor := range []string{"x", "bnVsbA", strings.Repeat("A", 9000), "W251bGxd"} {
			if _, _, _, err := h.List(h.clerk(), Filter{Cursor: cursor}); err != nil && fault.KindOf(err) != fault.Usage {
				t.Errorf("%.10s: %v", cursor, err)
			}
			if _, _, _, err := h.Calendar(h.clerk(), cursor, 1<<30); err != nil && fault.KindOf(err) != fault.Usage {
				t.Errorf("%.10s: %v", cursor, err)
			}
		}
	})
}

// TestNoRequestBreaksTheHub sends every operation and page of this noun what it
// does not expect, as each role: nothing answers with a failure of its own.
func TestNoRequestBreaksTheHub(t *testing.T) {
	s := newSite(t)
	id := s.approve().ID
	paths := []string{"/approvals", "/approvals/new", "/approvals/calendar", "/approvals/ID", "/approvals/ID/uses", "/approvals/ID/order", "/approvals/ID/extend", "/instructions", "/instructions/ID", "/instructions/ID/paper",
		"/api/v1/approvals", "/api/v1/approvals/ID", "/api/v1/approvals/ID/uses", "/api/v1/approvals/ID/order", "/api/v1/approvals/ID/extension", "/api/v1/instructions", "/api/v1/instructions/ID"}
	acts := []string{"/approvals", "/approvals/ID/question", "/approvals/ID/answer", "/approvals/ID/examine", "/approvals/ID/vote", "/approvals/ID/decide", "/approvals/ID/withdraw", "/approvals/ID/give-up", "/approvals/ID/revoke", "/instructions/ID/confirm"}
	whos := []string{asClerk, asHandler, asExaminer, asMember("9"), asWatch, asCarrier, asAnalyst, "wind/a operator.admin", "hub/a hub.admin", "nobody"}
	for _, who := range whos {
		for _, at := range []string{id, "x", newID()} {
			for _, p := range paths {
				for _, q := range []string{"", "?after=x&cursor=x&state=zz&limit=0&kind=zz&waiting=zz"} {
					if code, body := s.send(who, "GET", strings.Replace(p, "ID", at, 1)+q, "", ""); code >= 500 {
						t.Errorf("%s GET %s%s: %d %.200s", who, p, q, code, body)
					}
				}
			}
			for _, p := range acts {
				for kind, body := range map[string]string{encoded: "choice=x&x=%ff", "application/json": `{"choice": 7, "text": null}`} {
					path := strings.Replace(p, "ID", at, 1)
					if kind == "application/json" {
						path = "/api/v1" + path
					}
					if p == "/approvals/ID/revoke" || p == "/approvals/ID/give-up" {
						body = "" // it would need a reason
					}
					if code, out := s.send(who, "POST", path, kind, body); code >= 500 {
						t.Errorf("%s POST %s: %d %.200s", who, path, code, out)
					}
				}
			}
		}
	}
	if st := s.state(id); st != Approved {
		t.Errorf("%s", st)
	}
	for _, body := range []string{`{"kind":"ff","directions":"AQID"}`, `{"kind":"fd","cap":{"bytes":-1}}`, `{"kind":"fd","cap":{"bytes":1e40}}`, `{"kind":"fd","from":"yesterday"}`, `{"unknown":1}`, `[]`, `"`} {
		r := httptest.NewRequest("POST", "/api/v1/approvals", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer office%2Fclerk+office.clerk")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if raw, _ := io.ReadAll(w.Result().Body); w.Code < 400 || w.Code >= 500 || w.Code == 401 || w.Code == 403 {
			t.Errorf("%s: %d %.200s", body, w.Code, raw)
		}
	}
}

func FuzzReadApplication(f *testing.F) {
	f.Add("a.toml", []byte(templateJA))
	f.Add("a.toml", []byte(templateEN))
	f.Add("a.json", []byte(`{"kind":"fd","directions":["fd"],"cap":{"bytes":5},"selectors":{"count":1}}`))
	f.Add("a.json", []byte(`{"directions":"AQID"}`))
	f.Add("a.toml", []byte("directions = [\"ff\"]\nfrom = 2027-10-01\n[cap]\nbytes = -1"))
	r := rules(f)
	now := time.Date(2027, 9, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		a, err := readApplication(name, raw)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Usage {
				t.Fatalf("%v", err)
			}
			return
		}
		if _, err := json.Marshal(a); err != nil {
			t.Fatalf("what was read cannot be sent: %v", err)
		}
		a, err = r.normal(a, nil, nil, now)
		if err == nil {
			if _, err := a.order("x", "y", nil, now).Normal(); err != nil {
				t.Fatalf("what was taken cannot be signed: %v", err)
			}
		}
	})
}
