package csaf

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"noroshi/internal/intel/feed"
)

func seeds(f *testing.F) {
	f.Add(document20("kd-1", "2026"))
	doc, err := New(advisory(VEX, Final, 2))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(doc)
	f.Add(bytes.Replace(doc, []byte(`"csaf_version": "2.0"`), []byte(`"csaf_version": "2.1"`), 1))
	f.Add([]byte(`{"document":{"csaf_version":"2.1","tracking":{"id":"x"}},"product_tree":{"branches":[{"name":"a","category":"vendor","branches":[{}]}]},"vulnerabilities":[{},[],null]}`))
	f.Add([]byte(`{"feed":{"entry":[{"link":[{"rel":"self","href":"a.json"}]}]}}`))
}

// What is read gives records that can be written, whatever the bytes are.
func FuzzRead(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		_ = Read(context.Background(), "x", bytes.NewReader(raw), func(r *feed.Record) error {
			if r.ID == "" {
				t.Error("a record without an id")
			}
			if !json.Valid(r.Further) || len(r.Further) > 2*mostFurther {
				t.Errorf("further: %q", r.Further)
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
			return nil
		})
		_ = ReadFeed(bytes.NewReader(raw), func(e Entry) error { return nil })
	})
}

// A check never fails itself, and what encoding/json refuses is refused.
func FuzzValidate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		rep := Validate(raw)
		if rep.OK() && !json.Valid(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))) {
			t.Error("no JSON, and valid")
		}
		if len(rep.Problems) > maxProblems {
			t.Error("too many problems")
		}
	})
}

func FuzzVersions(f *testing.F) {
	for _, s := range []string{"vers:npm/1.2.3|>=2.0.0|<5.0.0", "All versions >V1.1 and <V2.0.1", "prior to 4.2", "9.x", ">=", "!=1|!=2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := readVersions("", s, 0)
		if len(v.ranges) > 500 || len(v.versions) > 500 {
			t.Error("unbounded")
		}
		readSpan(s)
		licences(s)
		isPURL(s)
		FileName(s)
	})
}

// A small document that names a large group again and again costs no more than
// a bound, and is not called valid.
func TestGroupsExplode(t *testing.T) {
	var ids, again strings.Builder
	var names strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&ids, `,"p%d"`, i)
		fmt.Fprintf(&names, `,{"name":"n","product_id":"p%d"}`, i)
	}
	for range 8000 {
		again.WriteString(`,{"category":"mitigation","details":"x","group_ids":["g"]}`)
	}
	doc := `{` + head20 + `,"product_tree":{"full_product_names":[` + names.String()[1:] + `],"product_groups":[{"group_id":"g","product_ids":[` + ids.String()[1:] + `]}]},
	"vulnerabilities":[{"cve":"CVE-2026-1000","notes":[{"category":"summary","text":"x"}],"product_status":{"known_affected":[` + ids.String()[1:] + `]},"remediations":[` + again.String()[1:] + `]}]}`
	start := time.Now()
	rep := Validate([]byte(doc))
	if rep.OK() || rep.Problems[0].Code != "csaf.too_many_named" {
		t.Errorf("%+v", rep.Problems[:1])
	}
	n := 0
	err := Read(context.Background(), "x", strings.NewReader(doc), func(r *feed.Record) error { n += len(r.Statements[0].Root.Lines); return nil })
	if err != nil || n != 5000 {
		t.Errorf("%d lines, %v", n, err)
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("it took %v", d)
	}
}
