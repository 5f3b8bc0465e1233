package intel

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/intel/feed"
	"noroshi/internal/testkit"
)

func (h *hub) bundle(since time.Time) []byte {
	h.t.Helper()
	var b bytes.Buffer
	if _, err := h.Bundle(analyst, PackInput{Since: since}, &b); err != nil {
		h.t.Fatal(err)
	}
	return b.Bytes()
}

// What one hub knows another learns from a file, once, in order, and only by
// the key of the first.
func TestABundleCarriesFeedsToAClosedNetwork(t *testing.T) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) {
		near, far := newHub(t, testkit.DB(t, sources()...)), newHub(t, d)
		kev := record("CVE-2026-1", "v", "a", monday)
		kev.Kind, kev.Statements, kev.Exploited = feed.KEV, nil, &feed.Exploited{Added: monday}
		near.must(FeedSource{ID: "kev", Licence: "CC0-1.0"}, kev)
		a, b := record("CVE-2026-1", "v", "a", monday), record("CVE-2026-2", "v", "b", monday)
		a.Further = []byte(`{"x":[1,"二"]}`)
		near.must(nvd, a, b)
		whole := near.bundle(time.Time{})

		got, err := far.TakeBundle(analyst, bytes.NewReader(whole), near.VKey, "")
		if err != nil {
			t.Fatal(err)
		}
		if got.Manifest.Sequence != 1 || len(got.Feeds) != 2 || got.Feeds[1].Counts.Added != 2 {
			t.Errorf("%+v", got)
		}
		if diff := cmp.Diff(near.shows("CVE-2026-1"), far.shows("CVE-2026-1")); diff != "" {
			t.Error(diff)
		}
		if ev := far.events(); len(ev) != 2 || len(far.says("cpe:a:v:a", "cpe:a:v:b")) != 2 {
			t.Error(ev)
		}
		if _, err := far.TakeBundle(analyst, bytes.NewReader(whole), near.VKey, ""); !errors.Is(err, ErrRollback) {
			t.Errorf("the same bundle again: %v", err)
		}

		before := near.Clock.Now()
		near.Clock.Pass(time.Hour)
		near.must(nvd, record("CVE-2026-2", "v", "c", monday.Add(time.Hour)))
		part := near.bundle(before.Add(time.Second))
		lost := near.bundle(near.Clock.Now().Add(minute))
		if _, err := far.TakeBundle(analyst, bytes.NewReader(lost), near.VKey, ""); !errors.Is(err, ErrGap) {
			t.Errorf("a bundle of changes after one that was not taken: %v", err)
		}
		far.Clock.Pass(2 * time.Hour)
		if _, err := far.TakeBundle(analyst, bytes.NewReader(part), near.VKey, ""); !errors.Is(err, ErrGap) {
			t.Errorf("the first bundle was made before: %v", err)
		}
		if got, err = far.TakeBundle(analyst, bytes.NewReader(near.bundle(before)), near.VKey, ""); err != nil {
			t.Fatal(err)
		}
		if got.Feeds[1].Counts.Records != 1 && got.Feeds[0].Counts.Records != 1 {
			t.Errorf("%+v", got.Feeds)
		}
		if far.says("cpe:a:v:b") != nil || len(far.says("cpe:a:v:a", "cpe:a:v:c")) != 2 {
			t.Errorf("%+v", got.Feeds)
		}
	})
}

// A feed that says nothing any more goes along, and takes back what it said.
func TestABundleCarriesAFeedOfWhichNothingIsLeft(t *testing.T) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) {
		near, far := newHub(t, testkit.DB(t, sources()...)), newHub(t, d)
		near.must(nvd, record("CVE-2026-1", "v", "a", monday))
		other := nvd
		other.ID = "other"
		near.must(other, record("CVE-2026-2", "v", "b", monday))
		bring := func() {
			t.Helper()
			if _, err := far.TakeBundle(analyst, bytes.NewReader(near.bundle(time.Time{})), near.VKey, ""); err != nil {
				t.Fatal(err)
			}
		}
		bring()
		gone := nvd
		gone.Whole, gone.Shrink = true, 100
		_, err := near.Service.take(analyst, input{source: gone, sha256: "e3b0", quiet: true, read: func(context.Context, func(*feed.Record) error) (feed.Kind, error) { return feed.NVD, nil }})
		if err != nil || near.says("cpe:a:v:a") != nil {
			t.Fatal(err, near.says("cpe:a:v:a"))
		}
		bring()
		if far.says("cpe:a:v:a") != nil || len(far.says("cpe:a:v:b")) != 1 {
			t.Error(far.says("cpe:a:v:a", "cpe:a:v:b"))
		}
		bring()
	})
}

// bent returns a bundle with its members changed; a nil body drops one.
func bent(t *testing.T, bundle []byte, change func(name string, body []byte) []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	in := tar.NewReader(z)
	var out bytes.Buffer
	zw, _ := zstd.NewWriter(&out)
	tw := tar.NewWriter(zw)
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		body, _ := io.ReadAll(in)
		if body = change(h.Name, body); body == nil {
			continue
		}
		h.Size = int64(len(body))
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		tw.Write(body)
	}
	tw.Close()
	zw.Close()
	return out.Bytes()
}

func TestABundleThatWasTamperedWithChangesNothing(t *testing.T) {
	near, far := newHub(t, testkit.DB(t, sources()...)), newHub(t, testkit.DB(t, sources()...))
	near.must(nvd, record("CVE-2026-1", "v", "a", monday))
	whole := near.bundle(time.Time{})
	secret, foreign, err := note.GenerateKey(rand.Reader, near.Ledger.Signer.Name()) // of the same name
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := note.NewSigner(secret)
	replace := func(of, from, to string) []byte {
		return bent(t, whole, func(name string, body []byte) []byte {
			if name == of {
				return bytes.ReplaceAll(body, []byte(from), []byte(to))
			}
			return body
		})
	}
	for name, tc := range map[string]struct {
		raw  []byte
		key  string
		want error
	}{
		"another key":   {whole, foreign, ErrSignature},
		"no key":        {whole, "x", fault.New(fault.Usage, "intel.bundle.key")},
		"a longer file": {replace("feeds/nvd.jsonl", "\n", "\n\n"), near.VKey, ErrBundle},
		"the manifest":  {replace("manifest.json", `"sequence": 1`, `"sequence": 7`), near.VKey, ErrBundle},
		"the note":      {replace("bundle.note", "\n1\n", "\n7\n"), near.VKey, ErrSignature},
		"signed by another": {bent(t, whole, func(name string, body []byte) []byte {
			if name != "bundle.note" {
				return body
			}
			text, _, _ := strings.Cut(string(body), "\n\n")
			signed, _ := note.Sign(&note.Note{Text: text + "\n"}, signer)
			return signed
		}), near.VKey, ErrSignature},
		"a file is gone": {bent(t, whole, func(name string, body []byte) []byte {
			if strings.HasPrefix(name, "feeds/") {
				return nil
			}
			return body
		}), near.VKey, ErrBundle},
		"half of it":  {whole[:len(whole)/2], near.VKey, ErrBundle},
		"nothing":     {nil, near.VKey, ErrBundle},
		"no bundle":   {[]byte(kevFile), near.VKey, ErrBundle},
		"only change": {replace("feeds/nvd.jsonl", "flaw", "floo"), near.VKey, ErrBundle},
	} {
		if _, err := far.TakeBundle(analyst, bytes.NewReader(tc.raw), tc.key, ""); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := testkit.Count(t, far.Parts.DB, "SELECT count(*) FROM intel_record"); n != 0 {
		t.Errorf("%d records came in", n)
	}
	if left, _ := os.ReadDir(far.Dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// Names in a signed manifest are held against a pattern too: a key that was
// stolen writes no file outside.
func TestAManifestNamesNoOtherPlace(t *testing.T) {
	for _, name := range []string{"../x.jsonl", "feeds/../../x.jsonl", "/etc/x.jsonl", "feeds/A.jsonl", "feeds/x", "feeds/b.jsonl", "feeds//x.jsonl", "feeds/a\\b.jsonl"} {
		raw := []byte(fmt.Sprintf(`{"format":"noroshi-bundle/1","origin":"o","sequence":1,"made_at":"2026-11-22T00:00:00Z","files":[{"name":%q,"feed":"x"}]}`, name))
		sum, _, _ := sumFile(write(t, "m", string(raw)))
		if _, err := parseManifest(fmt.Sprintf("%s\no\n1\n2026-11-22T00:00:00Z\n%s\n", bundleHead, sum), raw); !errors.Is(err, ErrBundle) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestBundlesByCommand(t *testing.T) {
	near, far := newSite(t), newSite(t)
	run, there := near.command("office.analyst"), far.command("office.analyst")
	if code, out := run("feed", "import", write(t, "kev.json", kevFile)); code != 0 {
		t.Fatal(out)
	}
	file := filepath.Join(t.TempDir(), "b.noroshi")
	if code, out := run("feed", "bundle", "--out", file); code != 0 || !strings.Contains(out, "に書きました") {
		t.Fatalf("%d %s", code, out)
	}
	key := write(t, "ledger.vkey", near.VKey+"\n")
	if code, out := there("feed", "import", file, "--key", key); code != 0 || !strings.Contains(out, "1 番の束") || !strings.Contains(out, "追加 1") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := there("feed", "import", file, "--key", key); code != 3 || !strings.Contains(out, "古い") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := there("feed", "import", file, "--key", write(t, "k", far.VKey)); code != 3 || !strings.Contains(out, "署名がありません") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run("feed", "bundle", "--out", file, "--since", "yesterday"); code != 2 || !strings.Contains(out, "日付") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := near.command("operator.admin")("feed", "bundle", "--out", file+"2"); code != 3 {
		t.Errorf("%d %s", code, out)
	}
	if _, err := os.Stat(file + "2"); err == nil {
		t.Error("a refused bundle leaves a file")
	}
	for want, args := range map[int][]string{2: {}, 3: {"--take", file, "--key", key}} {
		if code, out := there(append([]string{"feed", "bundle"}, args...)...); code != want {
			t.Errorf("%v: %d %s", args, code, out)
		}
	}
	if code, out := run("feed", "bundle", "--out", file+"3", "--for", "nobody"); code != 2 || !strings.Contains(out, "入りません") {
		t.Errorf("%d %s", code, out)
	}
	v, _, err := far.Show(context.WithoutCancel(analyst), "CVE-2024-21762")
	if err != nil || v.Exploited == nil {
		t.Errorf("%+v %v", v, err)
	}
}

func FuzzReadBundle(f *testing.F) {
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	var b bytes.Buffer
	z, _ := zstd.NewWriter(&b)
	tw := tar.NewWriter(z)
	_ = tw.WriteHeader(&tar.Header{Name: "bundle.note", Size: 3})
	tw.Write([]byte("a\n\n"))
	tw.Close()
	z.Close()
	f.Add(b.Bytes())
	_, vkey, _ := note.GenerateKey(rand.Reader, "o")
	v, _ := note.NewVerifier(vkey)
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		if _, err := readBundle(bytes.NewReader(raw), dir, v); err == nil {
			t.Error("taken without a signature")
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Error("wrote before it knew the signature")
		}
	})
}
