package org

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

var update = flag.Bool("update", false, "write the golden files")

// The events as they leave this noun, which later nouns decode. No link, no
// address and no name is in them.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	power := w.org(1, Operator, "electricity")
	contractor := w.org(2, Contractor)
	m := w.member(power, "a@example.jp", gate.OperatorAdmin)
	p := w.member(power, "b@example.jp", gate.OperatorViewer)
	tie, err := w.Tie(w.sys, ContractorTie, power.ID, contractor.ID, "保守")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.EndTie(m.ctx, tie.ID); err != nil {
		t.Fatal(err)
	}
	o, err := w.Get(w.sys, power.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.Name = text.Both{JA: "改名"}
	if _, err := w.Change(w.sys, o); err != nil {
		t.Fatal(err)
	}
	if err := w.Suspend(m.ctx, p.ID); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = w.DB.Read(t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(t.Context(), "SELECT subject, orgs, data FROM bus_event ORDER BY id")
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
			fmt.Fprintf(&b, "%s [%s] %s\n", subject, orgs, data)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	got := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllStringFunc(b.String(), func(id string) string {
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("id%d", len(seen)+1)
		}
		return seen[id]
	})
	for _, secret := range []string{"nrt_", "@", "試験", "改名"} {
		if strings.Contains(got, secret) {
			t.Errorf("%q is in the events", secret)
		}
	}
	const golden = "testdata/events.golden.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}
