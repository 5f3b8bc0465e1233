package hunt

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/testkit"
)

const goodRule = `title: One
id: 11111111-1111-4111-8111-111111111111
level: high
logsource: {product: windows, category: process_creation}
detection:
  a: {Image|endswith: '\evil.exe'}
  condition: a
`

func zipBook(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// opens counts the files that are opened.
type opens struct {
	fs.FS
	n *atomic.Int64
}

func (o opens) Open(name string) (fs.File, error) {
	o.n.Add(1)
	return o.FS.Open(name)
}

func TestOurOwnRulesAreReadOnce(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	config, n := h.Config, new(atomic.Int64)
	config.Starter = opens{config.Starter, n}
	s := Open(config)
	var first int64
	for i := range 3 {
		list, _, err := s.Rulebooks(h.hunter(), "", 0)
		h.must(err)
		_, editions, err := s.Rulebook(h.hunter(), Starter)
		h.must(err)
		if len(list) != 1 || list[0].Last.Rules != 1 || editions[0].Ref != "starter/2026-11-22" || editions[0].SHA256 != list[0].Last.SHA256 {
			t.Errorf("%+v %+v", list, editions)
		}
		if i == 0 {
			first = n.Load()
		}
	}
	if first == 0 || n.Load() != first {
		t.Errorf("%d files were opened for the first page, %d in all", first, n.Load())
	}
}

func TestRulebooks(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		b, err := h.AddRulebook(h.hunter(), "自社の規則", "")
		h.must(err)
		raw := zipBook(t, map[string]string{"a.yml": goodRule, "b/bad.yaml": "title: Bad\nlogsource: {product: windows}\ndetection:\n  a: {Image: x}\n  condition: a and\n", "readme.txt": "no rule"})
		e, err := h.Upload(h.hunter(), b.ID, raw, "最初の版")
		h.must(err)
		if e.Number != 1 || e.Files != 2 || e.Rules != 1 || e.Rejected != 1 || e.Why[0].File != "b/bad.yaml" || e.Why[0].Line == 0 || e.Why[0].Code != "condition-syntax" || !isSum(e.SHA256) {
			t.Errorf("%+v", e)
		}
		again, err := h.Upload(h.hunter(), b.ID, raw, "")
		h.must(err)
		if again.Number != 2 || again.SHA256 != e.SHA256 {
			t.Errorf("%+v", again)
		}
		r, err := h.Download(h.hunter(), e.Ref)
		h.must(err)
		got, _ := io.ReadAll(r)
		r.Close()
		if !bytes.Equal(got, raw) {
			t.Error("what comes back is not what was sent")
		}
		list, _, err := h.Rulebooks(h.hunter(), "", 0)
		h.must(err)
		if len(list) != 2 || list[0].ID != Starter || list[0].Last.Ref != "starter/2026-11-22" || list[0].Last.Rules != 1 || list[1].Name != "自社の規則" || list[1].Last.Number != 2 {
			t.Errorf("%+v", list)
		}
		r, err = h.Download(h.other(), "starter/2026-11-22")
		h.must(err)
		got, _ = io.ReadAll(r)
		if set, err := unpackBook(got); err != nil || len(set.Rules) != 1 {
			t.Errorf("the starter rules: %v", err)
		}
		for _, ref := range []string{e.Ref, "starter/1", "", "x/1"} {
			if _, err := h.Download(h.other(), ref); !errors.Is(err, ErrNone) {
				t.Errorf("%q: %v", ref, err)
			}
		}
		for what, raw := range map[string][]byte{"not a zip": []byte("x"), "nothing in it": zipBook(t, nil), "no rule": zipBook(t, map[string]string{"a.yml": "title: x"}), "too large": make([]byte, MaxBook+1),
			"a bomb": zipBook(t, map[string]string{"a.yml": strings.Repeat("# \n", 2<<20)})} {
			if _, err := h.Upload(h.hunter(), b.ID, raw, ""); err == nil || fault.KindOf(err) == fault.Internal {
				t.Errorf("%s: %v", what, err)
			}
		}
		h.must(h.Retire(h.hunter(), b.ID, ""))
		if _, err := h.Upload(h.hunter(), b.ID, raw, ""); !errors.Is(err, ErrRetired) {
			t.Errorf("%v", err)
		}
		if _, all, err := h.Rulebook(h.hunter(), b.ID); err != nil || len(all) != 2 || all[1].Note != "最初の版" || all[1].Why[0].Reason == "" {
			t.Errorf("%+v %v", all, err)
		}
		if _, _, err := h.Rulebook(h.other(), b.ID); !errors.Is(err, ErrNone) {
			t.Errorf("%v", err)
		}
	})
}
