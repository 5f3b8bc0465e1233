package intel

import (
	"archive/zip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/intel/csaf"
	"noroshi/internal/intel/feed"
	"noroshi/internal/testkit"
)

// real returns a file of public test data.
func real(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		testkit.Skip(t, "no "+path)
	}
	return path
}

// The real sources together: what each says stands beside what the others say.
func TestRealSources(t *testing.T) {
	files := map[string]string{"kev": real(t, "vuln/kev/known_exploited_vulnerabilities.json"), "cve": real(t, "vuln/cve5-vulnrichment-dev.zip"),
		"nvd": real(t, "vuln/nvd-cpe-configs-dev.zip"), "eol": real(t, "vuln/eol/endoflife-products.json.gz")}
	h := newHub(t, testkit.DB(t, sources()...))
	for _, id := range []string{"kev", "cve", "nvd", "eol"} {
		at := time.Now()
		got, err := h.Import(analyst, Request{Feed: id}, files[id])
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		t.Logf("%s: %+v in %s", id, got.Counts, time.Since(at).Round(time.Millisecond))
		if got.Counts.Records < 400 || got.Counts.Added != got.Counts.Records-got.Counts.Repeated {
			t.Errorf("%s: %+v", id, got.Counts)
		}
	}
	v := h.shows("CVE-2023-4966") // in all of them, whichever half of the data is here
	if v.Exploited == nil || v.Exploited.Said.Feed != "kev" {
		t.Errorf("%+v", v)
	}
	found, _, err := h.Find(analyst, Search{Text: "fortinet fortios", Kind: feed.KEV})
	if err != nil || len(found) < 1 {
		t.Errorf("%d exploited ones of FortiOS, %v", len(found), err)
	}
	err = h.Parts.DB.Read(context.Background(), func(tx *db.Tx) error {
		keys := product.Keys(cpe.Name{Part: "o", Vendor: "fortinet", Product: "fortios"}, "")
		lives, err := h.LivesAbout(context.Background(), tx, keys)
		if err == nil && len(lives) == 0 {
			t.Errorf("no life cycles of %v", keys)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A publisher is walked once as a whole, and then only for what changed. A
// document whose hash is wrong is left out and named, and taken once it is
// right.
func TestRealProvider(t *testing.T) {
	z, err := zip.OpenReader(real(t, "vuln/csaf/cisa-csaf-dev.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	const dir = "csaf_files/OT/white/" // its lists name documents from the top of the archive
	bad := "icsa-"                     // the first document asked for
	there := map[string]bool{}
	for _, f := range z.File {
		there[f.Name] = true
	}
	var spoiled atomic.Value
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		name := strings.TrimPrefix(r.URL.Path, "/")
		if !strings.Contains(name, "/") {
			name = dir + name
		}
		f, err := z.Open(name)
		if err != nil {
			w.WriteHeader(404)
			return
		}
		defer f.Close()
		if strings.HasSuffix(r.URL.Path, ".json") && strings.Contains(r.URL.Path, bad) && spoiled.CompareAndSwap(nil, r.URL.Path) || spoiled.Load() == r.URL.Path {
			io.WriteString(w, " ")
		}
		if !strings.Contains(strings.TrimPrefix(r.URL.Path, "/"), "/") { // of the lists what is here
			raw, _ := io.ReadAll(f)
			for line := range strings.Lines(string(raw)) {
				doc, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(line), `"`), ",")
				if there[strings.Trim(doc, `"`)] {
					io.WriteString(w, line)
				}
			}
			return
		}
		io.Copy(w, f)
	}))
	defer srv.Close()
	src := FeedSource{ID: "maker", Kind: feed.CSAF, URL: srv.URL + "/", Every: time.Hour}
	h := newHub(t, testkit.DB(t, sources()...), src)
	h.CSAF, h.Client = csaf.Read, loopbackClient(t, srv.URL)
	at := time.Now()
	got, err := h.ImportURL(analyst, Request{Feed: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v in %s, %d requests", got.Counts, time.Since(at).Round(time.Millisecond), asked.Load())
	feeds, err := h.Feeds(analyst)
	if err != nil || got.Counts.Added < 100 || feeds[0].Refused != 1 || len(feeds[0].Issues) == 0 {
		t.Fatalf("%+v %+v %v", got.Counts, feeds[0], err)
	}
	spoiled.Store("/none")
	n := asked.Load()
	got, err = h.ImportURL(analyst, Request{Feed: "maker"})
	if err != nil || got.Counts.Added < 1 || asked.Load()-n > 20 {
		t.Errorf("%+v %v, %d requests", got.Counts, err, asked.Load()-n)
	}
	if feeds, _ := h.Feeds(analyst); feeds[0].Refused != 0 {
		t.Errorf("%+v", feeds[0])
	}
}
