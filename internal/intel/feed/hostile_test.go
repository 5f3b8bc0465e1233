package feed

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/fault"
)

// sample returns a file of testdata.
func sample(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func ignore(*Record) error { return nil }

// at reads as on a day.
func at(day string) Reader {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return Reader{Now: t}
}

// refuses asserts that a document is refused, and by which sentence and place.
func refuses(t *testing.T, r Reader, name string, in io.Reader, code, place string) {
	t.Helper()
	_, err := r.Read(t.Context(), name, in, ignore)
	f := fault.Of(err)
	if err == nil || f.Code != code || place != "" && f.Args["place"] != place {
		t.Errorf("%s: %v; want %s at %s", name, err, code, place)
	} else if f.Args["file"] == "" {
		t.Errorf("%s: %v names no file", name, err)
	}
}

// A feed that lies is refused as a whole, by a sentence that says where.
func TestLies(t *testing.T) {
	now := at("2026-03-02")
	change := func(name, old, new string) string {
		t.Helper()
		s := sample(t, name)
		if !strings.Contains(s, old) {
			t.Fatalf("%s has no %q", name, old)
		}
		return strings.Replace(s, old, new, 1)
	}
	for _, c := range []struct{ name, in, code, place string }{
		{"kev.json", change("kev.json", `"count": 2`, `"count": 3`), "feed.count", "/count"},
		{"kev.json", change("kev.json", `"count": 2,`, ``), "feed.field_missing", "/count"},
		{"kev.json", change("kev.json", `"2025-12-01"`, `"2027-12-01"`), "feed.future", "/vulnerabilities/1"},
		{"kev.json", change("kev.json", `"dateReleased": "2026`, `"dateReleased": "2036`), "feed.future", "/dateReleased"},
		{"kev.json", change("kev.json", `"dueDate": "2025-12-22"`, `"dueDate": ""`), "feed.field_missing", "/vulnerabilities/1/dueDate"},
		{"kev.json", change("kev.json", `"dateAdded": "2025-12-01"`, `"dateAdded": "1 December"`), "feed.field_wrong", "/vulnerabilities/1/dateAdded"},
		{"kev.json", change("kev.json", `"CVE-2025-90010"`, `"CVE-2025-1"`), "feed.bad_id", "/vulnerabilities/1/cveID"},
		{"kev.json", change("kev.json", `"CVE-2025-90010"`, `"CVE-2026-90001"`), "feed.contradiction", "/vulnerabilities/1"},
		{"kev.json", change("kev.json", `"cwes": []}`, `"cwes": [], "product": "Relay"}`), "feed.json_twice", ""},
		{"kev.json", sample(t, "kev.json")[:700], "feed.cut", ""},
		{"kev.json", sample(t, "kev.json") + "{}", "feed.json_after", ""},
		{"nvd.json", change("nvd.json", `"resultsPerPage": 3, "startIndex": 0, "totalResults": 3`, `"resultsPerPage": 4, "startIndex": 0, "totalResults": 9`), "feed.count", "/resultsPerPage"},
		{"nvd.json", change("nvd.json", `"lastModified": "2026-02-05`, `"lastModified": "2027-02-05`), "feed.future", "/vulnerabilities/1"},
		{"nvd.json", change("nvd.json", `"CVE-2026-90003"`, `"CVE-2026-90002"`), "feed.contradiction", "/vulnerabilities/2"},
		{"nvd.json", change("nvd.json", `"operator": "AND"`, `"operator": "XOR"`), "feed.field_wrong", ""},
		{"nvd.json", change("nvd.json", `"baseScore": 9.8`, `"baseScore": "9.8"`), "feed.field_wrong", "/vulnerabilities/0/cve/metrics/cvssMetricV31/0/cvssData/baseScore"},
		{"nvd.json", change("nvd.json", `"vulnerable": false`, `"vulnerable": "no"`), "feed.field_wrong", "/vulnerabilities/0/cve/configurations/0/nodes/1/cpeMatch/0/vulnerable"},
		{"nvd.json", change("nvd.json", "Not analysed", "Not \\u0000 analysed"), "feed.json_text", ""},
		{"nvd.json", change("nvd.json", "Not analysed", "Not \xff analysed"), "feed.json_text", ""},
		{"cve5.json", change("cve5.json", `"dataVersion": "5.1"`, `"dataVersion": "4.0"`), "feed.field_wrong", "/0/dataVersion"},
		{"cve5.json", change("cve5.json", `"2026-02-10T12:00:00.000000Z"`, `"2099-02-10T12:00:00.000000Z"`), "feed.future", "/0"},
		{"epss.csv", change("epss.csv", "2026-03-01", "2026-05-01"), "feed.future", "line 1"},
		{"epss.csv", change("epss.csv", "0.97561", "1.97561"), "feed.csv", "line 4"},
		{"epss.csv", change("epss.csv", "0.97561", "NaN"), "feed.csv", "line 4"},
		{"epss.csv", change("epss.csv", "cve,epss", "id,epss"), "feed.csv", "line 2"},
		{"epss.csv", change("epss.csv", ",0.97561,0.99999\n", ",0.9"), "feed.cut", "line 4"},
		{"epss.csv", change("epss.csv", "CVE-2025-90010", "CVE-2026-90001"), "feed.contradiction", "line 4"},
		{"osv.json", change("osv.json", `"modified": "2026-02-21T00:00:00Z", `, `"modified": "", `), "feed.field_missing", "/modified"},
		{"osv.json", change("osv.json", `"GHSA-kita-hama-0001"`, `"../../etc\u002fpasswd x"`), "feed.bad_id", "/id"},
		{"eol_v1.json", change("eol_v1.json", `"total": 1`, `"total": 2`), "feed.count", "/total"},
		{"jvnrss.xml", change("jvnrss.xml", `totalResRet="1"`, `totalResRet="2"`), "feed.count", "/Status/@totalResRet"},
		{"jvnrss.xml", change("jvnrss.xml", `retCd="0"`, `retCd="1"`), "feed.field_wrong", "/Status/@retCd"},
		{"jvnrss.xml", change("jvnrss.xml", `<dcterms:issued>2026`, `<dcterms:issued>2028`), "feed.future", "/item[1]"},
		{"vuldef.xml", sample(t, "vuldef.xml")[:1500], "feed.cut", ""},
		{"vuldef.xml", change("vuldef.xml", "<Affected>", "<Affected></Wrong>"), "feed.xml", ""},
		{"vuldef.xml", change("vuldef.xml", `<VULDEF-Document`, `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><VULDEF-Document`), "feed.xml_doctype", ""},
		{"vuldef.xml", change("vuldef.xml", `<Affected>`, `<Affected>&xxe;`), "feed.xml", ""},
		{"vuldef.xml", sample(t, "vuldef.xml") + "<more/>", "feed.xml", ""},
		{"laughs.xml", `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><lolz>&lol;</lolz>`, "feed.xml_doctype", ""},
		{"page.html", "<html><body>503</body></html>", "feed.unknown_kind", ""},
		{"notes.txt", "hello", "feed.unknown_kind", ""},
		{"other.json", `{"hello": [1, 2, {"cve": 1}]}`, "feed.unknown_kind", ""},
		{"other.json", `{"hello": [1, 2, `, "feed.cut", ""},
		{"empty", " \n", "feed.empty", ""},
		{"deep.json", `{"cve": {"id": "CVE-2026-90001", "x": ` + strings.Repeat("[", 100_000), "feed.json_deep", ""},
	} {
		refuses(t, now, c.name, strings.NewReader(c.in), c.code, c.place)
	}
	refuses(t, now, "advisory.json", strings.NewReader(`{"document": {"csaf_version": "2.0"}}`), "feed.csaf", "")
	// An answer without entries is an answer.
	for _, none := range []string{
		`<?xml version="1.0" encoding="UTF-8"?><Result version="3.3" xmlns:status="http://jvndb.jvn.jp/myjvn/Status"><status:Status retCd="0" totalRes="0" totalResRet="0"/></Result>`,
		`{"resultsPerPage":0,"startIndex":0,"totalResults":0,"format":"NVD_CVE","version":"2.0","vulnerabilities":[]}`, `{"vulns":[]}`, `{"catalogVersion":"1","count":0,"vulnerabilities":[]}`,
	} {
		if f, err := Read(t.Context(), "none", strings.NewReader(none), ignore); err != nil || f.Records != 0 {
			t.Errorf("%s: %+v %v", none, f, err)
		}
	}
	// Without a clock, dates are not held against one.
	if _, err := Read(t.Context(), "epss.csv", strings.NewReader(change("epss.csv", "2026-03-01", "2126-03-01")), ignore); err != nil {
		t.Error(err)
	}
	// The same said twice is no contradiction, and is said once.
	twice := change("kev.json", `"count": 2`, `"count": 3`)
	i := strings.LastIndex(twice, `{"cveID"`)
	twice = twice[:i] + twice[i:strings.LastIndex(twice, "]")] + "," + twice[i:]
	if f, err := now.Read(t.Context(), "kev.json", strings.NewReader(twice), ignore); err != nil || f.Records != 2 {
		t.Error(f, err)
	}
}

// endless gives a pattern again and again, up to n bytes.
type endless struct {
	pattern string
	n, off  int64
}

func (e *endless) Read(b []byte) (int, error) {
	if e.off >= e.n {
		return 0, io.EOF
	}
	k := 0
	for k < len(b) && e.off < e.n {
		c := copy(b[k:min(int64(len(b)), int64(k)+e.n-e.off)], e.pattern[e.off%int64(len(e.pattern)):])
		k, e.off = k+c, e.off+int64(c)
	}
	return k, nil
}

// A line of a gigabyte is refused after a bounded part of it, in every kind.
func TestGigabyteLine(t *testing.T) {
	for _, c := range []struct{ name, head, pattern, code string }{
		{"nvd.json", `{"resultsPerPage":1,"vulnerabilities":[{"cve":{"id":"`, "A", "feed.json_large"},
		{"header.json", `{"resultsPerPage":1,"x":"`, "A", "feed.json_large"},
		{"name.json", `{"resultsPerPage":1,"`, "A", "feed.json_large"},
		{"cve5.json", `{"cveMetadata":{},"x":[`, `"y",`, "feed.json_large"},
		{"number.json", `{"cveMetadata":`, "1", "feed.json_large"},
		{"epss.csv", "#model_version:v1\ncve,epss,percentile\nCVE-2026-", "1", "feed.csv"},
		{"jvn.xml", `<VULDEF-Document><Vulinfo><VulinfoID>`, "x", "feed.xml_large"},
		{"attribute.xml", `<VULDEF-Document><Vulinfo a="`, "x", "feed.xml_large"},
		{"deep.xml", `<VULDEF-Document>`, "<a>", "feed.xml_large"},
		{"space.json", `{"resultsPerPage":1,`, " ", "feed.cut"},
	} {
		src := &endless{pattern: strings.Repeat(c.pattern, 60<<10), n: 1 << 30}
		before := heap()
		most := uint64(0)
		watched := readerFunc(func(b []byte) (int, error) {
			if src.off%(8<<20) < int64(len(b)) {
				most = max(most, heap())
			}
			return src.Read(b)
		})
		refuses(t, Reader{}, c.name, io.MultiReader(strings.NewReader(c.head), watched), c.code, "")
		if used := int64(most) - int64(before); used > 200<<20 {
			t.Errorf("%s: %d MiB in use", c.name, used>>20)
		}
		if c.name != "space.json" && src.off > 100<<20 {
			t.Errorf("%s: read %d MiB before it was refused", c.name, src.off>>20)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func zipped(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		m, err := w.Create(members[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(m, members[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, s io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstdOf(t testing.TB, s io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Files, archives and folders give the same records, whatever they are called.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	kev, epss := sample(t, "kev.json"), sample(t, "epss.csv")
	write := func(name string, b []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	all := zipped(t, "a/kev", kev, "LICENSE", "CC0", "b/epss.txt", epss, "b/epss.txt.sha512", "0f", ".hidden.json", "{", "c/epss.csv.gz", string(gzipped(t, strings.NewReader(epss))))
	paths := map[string]map[Kind]int{
		write("one", []byte(kev)):                                     {KEV: 2},
		write("two.txt", gzipped(t, strings.NewReader(kev))):          {KEV: 2},
		write("three.bin", zstdOf(t, strings.NewReader(epss))):        {EPSS: 2},
		write("four", all):                                            {KEV: 2, EPSS: 2},
		write("five.gz", gzipped(t, strings.NewReader("\ufeff"+kev))): {KEV: 2},
	}
	folder := filepath.Join(dir, "folder")
	write("folder/x/kev.json", []byte(kev))
	write("folder/y/all.zip", all)
	write("folder/.git/config", []byte("{"))
	write("folder/README", []byte("read me"))
	write("folder/index.txt", nil)
	paths[folder] = map[Kind]int{KEV: 2, EPSS: 2}
	for path, want := range paths {
		got := map[Kind]int{}
		files, err := reader.Open(t.Context(), path, func(r *Record) error { got[r.Kind]++; return nil })
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, f := range files {
			if f.Records != want[f.Kind] || got[f.Kind] != want[f.Kind] || f.Name != path {
				t.Errorf("%s: %+v; got %v, want %v", path, f, got, want)
			}
			if b, err := os.ReadFile(path); err == nil {
				if sum := sha256.Sum256(b); f.SHA256 != hex.EncodeToString(sum[:]) {
					t.Errorf("%s: hash %s", path, f.SHA256)
				}
			}
		}
		if len(files) != len(want) {
			t.Errorf("%s: %+v", path, files)
		}
		if path == folder && files[0].Left != 4 {
			t.Errorf("left out %d: %v", files[0].Left, files[0].Skipped)
		}
		if b, err := os.ReadFile(path); err == nil { // through a pipe as well
			if _, err := reader.Read(t.Context(), path, iotest.HalfReader(bytes.NewReader(b)), ignore); err != nil {
				t.Error(path, err)
			}
		}
	}
	if _, err := Open(t.Context(), filepath.Join(dir, "none"), ignore); fault.Of(err).Code != "feed.not_there" || fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), empty, ignore); fault.Of(err).Code != "feed.nothing" {
		t.Error(err)
	}
	// One broken feed makes the whole folder fail, and says which it is.
	write("folder/z/broken.json", []byte(kev[:700]))
	if _, err := Open(t.Context(), folder, ignore); fault.Of(err).Code != "feed.cut" || fault.Of(err).Args["file"] != "z/broken.json" {
		t.Error(err)
	}
}

func TestArchives(t *testing.T) {
	kev := sample(t, "kev.json")
	packed := gzipped(t, strings.NewReader(kev))
	refuses(t, reader, "cut.gz", bytes.NewReader(packed[:len(packed)-30]), "feed.cut", "")
	refuses(t, reader, "head.gz", bytes.NewReader(packed[:8]), "feed.cut", "")
	damaged := bytes.Clone(packed)
	damaged[len(damaged)-6] ^= 1
	refuses(t, reader, "damaged.gz", bytes.NewReader(damaged), "feed.archive", "")
	bomb := io.MultiReader(strings.NewReader(`{"resultsPerPage":1,"vulnerabilities":[`), &endless{pattern: strings.Repeat(" ", 64<<10), n: 48 << 20})
	refuses(t, reader, "bomb.gz", bytes.NewReader(gzipped(t, bomb)), "feed.bomb", "")
	bomb = io.MultiReader(strings.NewReader(`{"resultsPerPage":1,"vulnerabilities":[`), &endless{pattern: strings.Repeat(" ", 64<<10), n: 48 << 20})
	refuses(t, reader, "bomb.zst", bytes.NewReader(zstdOf(t, bomb)), "feed.bomb", "")
	z := zipped(t, "kev.json", kev)
	refuses(t, reader, "cut.zip", bytes.NewReader(z[:len(z)-40]), "feed.archive", "")
	refuses(t, reader, "bomb.zip", bytes.NewReader(zipped(t, "nvd.json", `{"resultsPerPage":1,"vulnerabilities":[`+strings.Repeat(" ", 30<<20))), "feed.bomb", "")
	refuses(t, reader, "in.zip", bytes.NewReader(zipped(t, "inner.zip", string(z))), "feed.archive_in_archive", "")
	few := Reader{Limits: Limits{Members: 2}}
	refuses(t, few, "many.zip", bytes.NewReader(zipped(t, "a", kev, "b", kev, "c", kev)), "feed.many_files", "")
	small := Reader{Limits: Limits{Unpacked: 500}}
	refuses(t, small, "large.json", strings.NewReader(kev), "feed.bomb", "")
	// Two documents of one archive that say different things about one id on the same day.
	other := strings.Replace(kev, "No check.", "A check.", 1)
	refuses(t, reader, "two.zip", bytes.NewReader(zipped(t, "a", kev, "b", other)), "feed.contradiction", "/vulnerabilities/1")
}

// What yield and the context say comes out unchanged.
func TestStops(t *testing.T) {
	stop := errors.New("stop")
	for name := range samples {
		if _, err := Read(t.Context(), name, strings.NewReader(sample(t, name)), func(*Record) error { return stop }); !errors.Is(err, stop) {
			t.Error(name, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Read(ctx, name, strings.NewReader(sample(t, name)), ignore); !errors.Is(err, context.Canceled) {
			t.Error(name, err)
		}
		broken := errors.New("disk")
		if _, err := Read(t.Context(), name, io.MultiReader(strings.NewReader(sample(t, name)[:100]), iotest.ErrReader(broken)), ignore); !errors.Is(err, broken) {
			t.Error(name, err)
		}
	}
}

// A CSAF document goes to the hook with all of its bytes.
func TestCSAFHook(t *testing.T) {
	doc := `{"document": {"csaf_version": "2.0"}}`
	o := Reader{CSAF: func(ctx context.Context, name string, r io.Reader, yield func(*Record) error) error {
		b, err := io.ReadAll(r)
		if err != nil || string(b) != doc || name != "a.json" {
			t.Errorf("%s: %q %v", name, b, err)
		}
		return yield(&Record{ID: "CVE-2026-90001", Ref: "X-1"})
	}}
	var got *Record
	f, err := o.Read(t.Context(), "a.json", strings.NewReader(doc), func(r *Record) error { got = r; return nil })
	if err != nil || f.Kind != CSAF || f.Records != 1 || got.Kind != CSAF {
		t.Errorf("%+v %+v %v", f, got, err)
	}
}

// However an archive is damaged, a sentence says so, and quickly.
func TestDamagedArchives(t *testing.T) {
	kev := sample(t, "kev.json")
	r := rand.New(rand.NewPCG(1, 2))
	for _, whole := range [][]byte{gzipped(t, strings.NewReader(kev)), zstdOf(t, strings.NewReader(kev)), zipped(t, "a.json", kev, "b.csv", sample(t, "epss.csv"))} {
		for range 400 {
			b := bytes.Clone(whole)
			for range 1 + r.IntN(4) {
				b[r.IntN(len(b))] = byte(r.Uint32())
			}
			start := time.Now()
			if _, err := reader.Read(t.Context(), "damaged", bytes.NewReader(b), ignore); err != nil && !strings.HasPrefix(fault.Of(err).Code, "feed.") {
				t.Errorf("%x: %v", b, err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("%x: took %v", b, d)
			}
		}
	}
}
