package selection

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/ledger"
)

// answer is what one of many requests at once was told.
type answer struct {
	code int
	body string
}

// atOnce sends requests that all begin together.
func (s *site) atOnce(n int, send func(i int) (int, string)) []answer {
	out, start := make([]answer, n), make(chan struct{})
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			<-start
			out[i].code, out[i].body = send(i)
		})
	}
	close(start)
	wg.Wait()
	return out
}

// count counts answers that were a success, and those that gave a reason.
func count(list []answer, reason string) (done, refused int) {
	for _, a := range list {
		switch {
		case a.code < 300:
			done++
		case strings.Contains(a.body, reason):
			refused++
		}
	}
	return done, refused
}

// Many who begin a run on one approval at once: one begins, the others are refused,
// on the record.
func TestManyBeginAtOnce(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		c := s.approve(approval.ForeignDomestic, s.world.list())
		const n = 10
		got := s.atOnce(n, func(int) (int, string) {
			return s.send(asHandler, "POST", "/api/v1/selection-runs", "application/json", []byte(`{"approval":"`+c.Number+`","link":"K-2"}`))
		})
		if done, refused := count(got, approval.ErrBusy.Code); done != 1 || refused != n-1 {
			t.Errorf("%d began, %d were refused: %+v", done, refused, got)
		}
		if runs, uses := s.count("SELECT count(*) FROM selection_run"), s.count("SELECT count(*) FROM approval_use"); runs != 1 || uses != 1 {
			t.Errorf("%d runs, %d uses", runs, uses)
		}
		if n := s.Parts.Entries(t, "selection.run", ledger.Refused); n != len(got)-1 {
			t.Errorf("%d refusals on the ledger", n)
		}
	})
}

// A run that begins while its approval is revoked: whichever comes first, from the
// revocation on nothing goes on and nothing comes in.
func TestARevocationAndABeginningDoNotCross(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		l := s.world.list()
		for round := range 6 {
			c := s.approve(approval.ForeignDomestic, l)
			got := s.atOnce(4, func(i int) (int, string) {
				if i == 0 {
					if err := s.approvals.Revoke(s.member("1"), c.ID, "止める"); err != nil {
						return 500, err.Error()
					}
					return 204, ""
				}
				return s.send(asHandler, "POST", "/api/v1/selection-runs", "application/json", []byte(`{"approval":"`+c.ID+`","link":"K-2"}`))
			})
			if got[0].code != 204 {
				t.Fatalf("round %d: %s", round, got[0].body)
			}
			if done, _ := count(got[1:], ""); done > 1 {
				t.Errorf("round %d: %d began", round, done)
			}
			list, _, err := s.Runs(s.handler(), RunFilter{Approval: c.ID})
			s.must(err)
			for _, r := range list {
				at := "/api/v1/selection-runs/" + r.ID
				for _, path := range []string{at + "/beat", at + "/records/0"} {
					body, kind := []byte(`{}`), "application/json"
					if strings.HasSuffix(path, "0") {
						body, kind = []byte("{}\n"), "application/octet-stream"
					}
					if code, body := s.send(asHandler, "POST", path, kind, body); code < 400 {
						t.Errorf("round %d: %s after the revocation: %d %.200s", round, path, code, body)
					}
				}
			}
			if code, body := s.send(asHandler, "POST", "/api/v1/selection-runs", "application/json", []byte(`{"approval":"`+c.ID+`","link":"K-2"}`)); code != 403 || !strings.Contains(body, approval.ErrWithdrawn.Code) {
				t.Errorf("round %d: a Grant that is used again: %d %.200s", round, code, body)
			}
		}
		if n := s.count("SELECT count(*) FROM selection_record"); n != 0 {
			t.Errorf("%d records", n)
		}
	})
}

// One page handed in many times at once is kept once; of many statements at once
// one ends the run; and a run that is given up meanwhile keeps nothing.
func TestOnePageManyTimes(t *testing.T) {
	eachSite(t, func(t *testing.T, s *site) {
		l := s.world.list()
		at, begun, lines, st := s.abroad(s.approve(approval.ForeignDomestic, l).ID)
		got := s.atOnce(6, func(int) (int, string) { return s.hand(at, 0, strings.Join(lines, "")) })
		if done, _ := count(got, ""); done != len(got) {
			t.Errorf("a page that came before is no fault: %+v", got)
		}
		if n := s.count("SELECT count(*) FROM selection_record WHERE run_id = $1", begun.Run.ID); n != len(lines) {
			t.Errorf("%d records of %d lines", n, len(lines))
		}
		got = s.atOnce(5, func(int) (int, string) {
			return s.send(asHandler, "POST", at+"/statement", "application/octet-stream", st.encode())
		})
		if done, refused := count(got, ErrRunOver.Code); done != 1 || refused != len(got)-1 {
			t.Errorf("%d statements ended it, %d came late: %+v", done, refused, got)
		}

		at, begun, lines, st = s.abroad(s.approve(approval.ForeignDomestic, l).ID)
		got = s.atOnce(3, func(i int) (int, string) {
			switch i {
			case 0:
				return s.hand(at, 0, strings.Join(lines, ""))
			case 1:
				return s.send(asHandler, "POST", at+"/statement", "application/octet-stream", st.encode())
			}
			return s.send(asHandler, "DELETE", at, "", nil)
		})
		v, err := s.ShowRun(s.handler(), begun.Run.ID)
		s.must(err)
		kept := s.count("SELECT count(*) FROM selection_record WHERE run_id = $1", begun.Run.ID)
		if ended := v.Run.State == RunDone; v.Run.State == RunGoing || ended && kept != len(lines) || !ended && kept != 0 {
			t.Errorf("%s with %d records: %+v", v.Run.State, kept, got)
		}
		if n := s.count("SELECT count(*) FROM approval_use WHERE ended_at = 0"); n != 0 {
			t.Error(fmt.Sprint(n, " uses go on"))
		}
	})
}
