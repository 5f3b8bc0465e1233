package approval

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/geo"
)

var update = flag.Bool("update", false, "write the golden files")

// The events as they leave this noun, which later nouns decode. Neither grounds
// nor selectors, lines or names are in them.
func TestEvents(t *testing.T) {
	h := lite(t)
	c := h.ask()
	wants(t, "question", h.Question(h.examiner(), c.ID, "なぜですか"), nil)
	wants(t, "answer", h.Answer(h.clerk(), c.ID, "こうです"), nil)
	wants(t, "withdraw", h.Withdraw(h.clerk(), c.ID, "不要"), nil)
	c = h.approve()
	wants(t, "revoke", h.Revoke(h.member("1"), c.ID, "止める"), nil)
	c = h.approve()
	wants(t, "give up", h.GiveUp(h.clerk(), c.ID, "終わり"), nil)
	h.approve()
	a := h.application()
	o := a.order("", "", nil, time.Time{})
	o.Kind, o.Party, o.Directions = Agreement, h.country.ID("wind"), []geo.Class{geo.FD}
	act := &ledger.Act{Verb: "agreement.grant"}
	if _, err := h.Ledger.Do(h.clerk(), act, func(tx *db.Tx) error { _, err := h.Issue(h.clerk(), tx, act, o, ""); return err }); err != nil {
		t.Fatal(err)
	}
	h.Clock.Pass(31 * 24 * time.Hour)
	if n, err := h.Tick(context.Background()); n != 2 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	names := map[string]string{h.carrier: "carrier", h.country.ID("office"): "office", h.country.ID("wind"): "party"}
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}`)
	var b strings.Builder
	err := h.DB.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(t.Context(), "SELECT subject, orgs, data FROM bus_event WHERE subject LIKE 'approval.%' ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var subject, orgs, data string
			if err := rows.Scan(&subject, &orgs, &data); err != nil {
				return err
			}
			if !json.Valid([]byte(data)) {
				t.Errorf("%s: %s", subject, data)
			}
			for _, secret := range []string{"K-2", hash("a"), "疑い", "指標", "member"} {
				if strings.Contains(data, secret) {
					t.Errorf("%s tells %s", subject, secret)
				}
			}
			fmt.Fprintf(&b, "%s %d %s\n", subject, len(strings.Fields(orgs)), id.ReplaceAllStringFunc(data, func(s string) string {
				if names[s] == "" {
					names[s] = fmt.Sprintf("case%d", len(names)-2)
				}
				return names[s]
			}))
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/events.golden.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}
