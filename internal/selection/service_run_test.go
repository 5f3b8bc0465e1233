package selection

import (
	"strings"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/engine/geo"
)

// From the request to the statement: a run by the commission's approval selects
// its direction and nothing else, and its records are read for a purpose.
func TestRunUnderAnApproval(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		l := w.list()
		for kind, class := range directionsOf {
			c := w.approve(kind, l)
			r := w.drill(c.ID)
			if r.State != RunDone || r.Records == 0 || r.Counter == "" || r.Basis != "test" || r.Taken.Packets == 0 {
				t.Fatalf("%s: %+v", kind, r)
			}
			_, _, err := w.Read(w.handler(), RecordFilter{Run: r.ID}, Reason{})
			want(t, "read without a purpose", err, ErrReadFirst)
			list, _, err := w.Read(w.handler(), RecordFilter{Run: r.ID, Limit: 500}, Reason{Purpose: "analyse"})
			if err != nil || int64(len(list)) != r.Records {
				t.Fatalf("%s: %d of %d records, %v", kind, len(list), r.Records, err)
			}
			for _, x := range list {
				if x.Provenance != class.String() || x.Approval != c.ID {
					t.Errorf("%s: %+v", kind, x)
				}
			}
			v, err := w.ShowRun(w.inspector(), r.ID)
			if n := w.count("SELECT count(*) FROM selection_run WHERE id = $1 AND (statement = '' OR statement LIKE '{%' OR statement LIKE '%K-2%')", r.ID); n != 0 || len(v.Run.Statement) == 0 || v.Run.Number != c.Number {
				t.Errorf("the statement is in clear, or none: %d, %s", n, v.Run.Number)
			}
			if of, _, err := w.Runs(w.inspector(), RunFilter{Approval: c.Number}); err != nil || len(of) != 1 || of[0].ID != r.ID {
				t.Errorf("by its number: %+v %v", of, err)
			}
			if err != nil || len(v.Readings) != 1 || v.Readings[0].Records != len(list) || v.Readings[0].Purpose != "analyse" || v.Run.Source != "" {
				t.Errorf("inspector: %+v %v", v, err)
			}
		}
		_, _, err := w.Read(w.inspector(), RecordFilter{Run: "x"}, Reason{Purpose: "analyse"})
		if err == nil {
			t.Error("an inspector read records")
		}
		rows, err := w.Carrier(w.carrying())
		if err != nil || len(rows) != 3 || rows[0].Taken.Packets == 0 || !strings.HasPrefix(rows[0].Number, "S-") {
			t.Errorf("carrier: %+v %v", rows, err)
		}
	})
}

// A statement that a version before kept in clear is sealed when the hub starts.
func TestStatementsOfBeforeAreSealed(t *testing.T) {
	w := oneWorld(t)
	r := w.drill(w.approve(approval.ForeignDomestic, w.list()).ID)
	before, err := w.ShowRun(w.handler(), r.ID)
	w.must(err)
	w.must(w.Service.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE selection_run SET statement = $1", string(before.Run.Statement))
		return err
	}))
	if v, err := w.ShowRun(w.handler(), r.ID); err != nil || string(v.Run.Statement) != string(before.Run.Statement) {
		t.Errorf("in clear: %v", err)
	}
	if _, err := w.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.count("SELECT count(*) FROM selection_run WHERE statement LIKE '{%'"); n != 0 {
		t.Error("it stays in clear")
	}
	if v, err := w.ShowRun(w.handler(), r.ID); err != nil || string(v.Run.Statement) != string(before.Run.Statement) {
		t.Errorf("sealed: %v", err)
	}
}

// An order for one direction selects nothing of another, whatever is asked.
func TestWrongDirectionIsRefused(t *testing.T) {
	w := oneWorld(t)
	c := w.approve(approval.ForeignDomestic, w.list())
	_, err := w.RunDrill(w.handler(), NewRun{Approval: c.ID, Directions: []geo.Class{geo.FF}}, "line")
	want(t, "another direction", err, approval.ErrDirection)
	if n := w.count("SELECT count(*) FROM selection_run"); n != 0 {
		t.Errorf("%d runs", n)
	}
	if n := w.Parts.Entries(t, "selection.run", "refused"); n != 1 {
		t.Errorf("%d refusals on the ledger", n)
	}
}
