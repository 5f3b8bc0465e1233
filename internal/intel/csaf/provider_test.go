package csaf

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"text/template"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"noroshi/internal/intel/feed"
)

// overHTTP is a transport as base/fetch will be one: status 404 is "not there",
// 304 is "unchanged".
func overHTTP(c *http.Client) Get {
	return func(ctx context.Context, url string, cond Condition) (io.ReadCloser, Meta, error) {
		q, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return nil, Meta{}, err
		}
		if cond.ETag != "" {
			q.Header.Set("If-None-Match", cond.ETag)
		}
		a, err := c.Do(q)
		if err != nil {
			return nil, Meta{}, err
		}
		m := Meta{ETag: a.Header.Get("ETag")}
		switch a.StatusCode {
		case 200:
			return a.Body, m, nil
		case 304:
			a.Body.Close()
			m.Unchanged = true
			return nil, m, nil
		case 404:
			a.Body.Close()
			return nil, m, fmt.Errorf("%s: %w", url, fs.ErrNotExist)
		}
		a.Body.Close()
		return nil, m, fmt.Errorf("%s: HTTP %d", url, a.StatusCode)
	}
}

// site serves files that can be changed while it runs, and counts requests.
type site struct {
	sync.Mutex
	files map[string][]byte
	asked map[string]int
	etag  bool
	*httptest.Server
}

func newSite(t testing.TB) *site {
	s := &site{files: map[string][]byte{}, asked: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		s.Lock()
		b, ok := s.files[q.URL.Path]
		s.asked[q.URL.Path]++
		s.Unlock()
		if !ok {
			http.NotFound(w, q)
			return
		}
		if s.etag {
			sum := sha256.Sum256(b)
			tag := `"` + hex.EncodeToString(sum[:8]) + `"`
			w.Header().Set("ETag", tag)
			if q.Header.Get("If-None-Match") == tag {
				w.WriteHeader(304)
				return
			}
		}
		w.Write(b)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) set(name string, b []byte) { s.Lock(); defer s.Unlock(); s.files[name] = b }

func (s *site) fetched(name string) int { s.Lock(); defer s.Unlock(); return s.asked[name] }

// publish sets a document with hashes and, with a key, its signature.
func (s *site) publish(t testing.TB, name string, doc []byte, key *openpgp.Entity) {
	a, b := sha512.Sum512(doc), sha256.Sum256(doc)
	s.set(name, doc)
	s.set(name+".sha512", []byte(hex.EncodeToString(a[:])+"  "+path.Base(name)+"\n"))
	s.set(name+".sha256", []byte(hex.EncodeToString(b[:])+"  "+path.Base(name)+"\n"))
	if key != nil {
		s.set(name+".asc", sign(t, key, doc))
	}
}

func sign(t testing.TB, key *openpgp.Entity, doc []byte) []byte {
	var b bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&b, key, bytes.NewReader(doc), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newKey(t testing.TB) (*openpgp.Entity, []byte) {
	e, err := openpgp.NewEntity("Kumo Denki PSIRT", "", "psirt@kumo.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Serialize(w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return e, b.Bytes()
}

func document20(id, year string) []byte {
	return []byte(fmt.Sprintf(`{"document":{"category":"csaf_vex","csaf_version":"2.0","distribution":{"tlp":{"label":"WHITE"}},
	"publisher":{"category":"vendor","name":"Kumo Denki","namespace":"https://kumo.example"},"title":"T","tracking":{"current_release_date":"%[2]s-03-01T00:00:00Z",
	"id":"%[1]s","initial_release_date":"%[2]s-03-01T00:00:00Z","revision_history":[{"date":"%[2]s-03-01T00:00:00Z","number":"1","summary":"first"}],"status":"final","version":"1"}},
	"product_tree":{"full_product_names":[{"name":"Router","product_id":"A"}]},
	"vulnerabilities":[{"cve":"CVE-%[2]s-1000","notes":[{"category":"summary","text":"x"}],"product_status":{"under_investigation":["A"]}}]}`, id, year))
}

type haul struct {
	docs   []string
	signed []string
	recs   int
}

func walkAll(t testing.TB, p *Provider, start string, from State) (haul, Result) {
	t.Helper()
	var got haul
	res, err := p.Walk(context.Background(), start, from, func(d *Document) error {
		got.docs = append(got.docs, d.Head.ID)
		got.signed = append(got.signed, d.Signer)
		return d.Records(context.Background(), func(*feed.Record) error { got.recs++; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.docs)
	return got, res
}

func codes(r Result) (out []string) {
	for _, i := range r.Issues {
		out = append(out, i.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func metadata(url, role, lists, keys string) []byte {
	return []byte(fmt.Sprintf(`{"canonical_url":"%s/provider-metadata.json","distributions":[%s],"last_updated":"2026-01-01T00:00:00Z","list_on_CSAF_aggregators":true,
	"metadata_version":"2.0","mirror_on_CSAF_aggregators":true,"public_openpgp_keys":[%s],"publisher":{"category":"vendor","name":"Kumo Denki","namespace":"https://kumo.example"},"role":"%s"}`, url, lists, keys, role))
}

func TestWalkDirectory(t *testing.T) {
	s := newSite(t)
	key, public := newKey(t)
	s.set("/key.asc", public)
	s.set("/provider-metadata.json", metadata(s.URL, "csaf_trusted_provider", `{"directory_url":"`+s.URL+`/white/"}`,
		fmt.Sprintf(`{"fingerprint":"%X","url":"%s/key.asc"}`, key.PrimaryKey.Fingerprint, s.URL)))
	for _, id := range []string{"kd-1", "kd-2", "kd-3"} {
		s.publish(t, "/white/2026/"+id+".json", document20(id, "2026"), key)
	}
	s.set("/white/index.txt", []byte("2026/kd-1.json\n2026/kd-2.json\n2026/kd-3.json"))
	s.set("/white/changes.csv", []byte("\"2026/kd-3.json\",\"2026-03-03T00:00:00Z\"\n2026/kd-2.json,2026-03-02T00:00:00Z\n2026/kd-1.json,2026-03-01T00:00:00Z\n"))
	p := &Provider{Get: overHTTP(s.Client()), Strict: true}
	got, res := walkAll(t, p, s.URL+"/provider-metadata.json", State{})
	if !slices.Equal(got.docs, []string{"kd-1", "kd-2", "kd-3"}) || got.recs != 3 || len(res.Issues) > 0 || res.Failed > 0 {
		t.Fatalf("%+v %+v", got, res)
	}
	if want := fmt.Sprintf("%X", key.PrimaryKey.Fingerprint); got.signed[0] != want {
		t.Errorf("signed by %s, want %s", got.signed[0], want)
	}

	// Nothing changed: nothing is fetched again.
	got, res = walkAll(t, p, s.URL+"/provider-metadata.json", res.State)
	if len(got.docs) != 0 || res.Unchanged != 3 || s.fetched("/white/2026/kd-1.json") != 1 {
		t.Errorf("%+v %+v", got, res)
	}

	// One changes and its bytes are not those that were signed: it changes nothing.
	changed := bytes.Replace(document20("kd-2", "2026"), []byte("Router"), []byte("Server"), 1)
	s.publish(t, "/white/2026/kd-2.json", changed, nil)
	s.set("/white/changes.csv", []byte("2026/kd-2.json,2026-03-09T00:00:00Z\n2026/kd-3.json,2026-03-03T00:00:00Z\n2026/kd-1.json,2026-03-01T00:00:00Z\n"))
	got, res = walkAll(t, p, s.URL+"/provider-metadata.json", res.State)
	if len(got.docs) != 0 || res.Failed != 1 || !slices.Equal(codes(res), []string{"csaf.signature"}) {
		t.Errorf("%+v %+v", got, res)
	}
	// It is signed later, and nothing else changed: the next walk takes it.
	s.set("/white/2026/kd-2.json.asc", sign(t, key, changed))
	got, res = walkAll(t, p, s.URL+"/provider-metadata.json", res.State)
	if !slices.Equal(got.docs, []string{"kd-2"}) || res.Failed != 0 || len(res.State.Retry) != 0 {
		t.Errorf("%+v %+v", got, res)
	}
}

func TestWalkRefuses(t *testing.T) {
	key, public := newKey(t)
	other, otherPublic := newKey(t)
	for name, c := range map[string]struct {
		spoil func(s *site)
		code  string
	}{
		"hash":        {func(s *site) { s.set("/white/2026/kd-1.json", document20("kd-1", "2025")) }, "csaf.hash"},
		"half a hash": {func(s *site) { s.set("/white/2026/kd-1.json.sha512", []byte("abc")) }, "csaf.hash_form"},
		"no hash": {func(s *site) {
			delete(s.files, "/white/2026/kd-1.json.sha512")
			delete(s.files, "/white/2026/kd-1.json.sha256")
		}, "csaf.no_hash"},
		"no signature":        {func(s *site) { delete(s.files, "/white/2026/kd-1.json.asc") }, "csaf.no_signature"},
		"another's signature": {func(s *site) { s.set("/white/2026/kd-1.json.asc", sign(t, other, document20("kd-1", "2026"))) }, "csaf.signature"},
		"another key":         {func(s *site) { s.set("/key.asc", otherPublic) }, "csaf.key_other csaf.no_keys"},
		"another's name":      {func(s *site) { s.publish(t, "/white/2026/kd-1.json", document20("kd-2", "2026"), key) }, "csaf.other_name"},
		"half a document": {func(s *site) {
			s.publish(t, "/white/2026/kd-1.json", document20("kd-1", "2026")[:200], key)
		}, "csaf.cut_short"},
		"not valid": {func(s *site) {
			s.publish(t, "/white/2026/kd-1.json", bytes.Replace(document20("kd-1", "2026"), []byte(`"final"`), []byte(`"done"`), 1), key)
		}, "csaf.not_valid"},
		"list leads out":  {func(s *site) { s.set("/white/index.txt", []byte("../secret.json\n")) }, "csaf.list_path"},
		"list is no list": {func(s *site) { s.set("/white/changes.csv", []byte("a,b,c\n")) }, "csaf.changes"},
		"no lists":        {func(s *site) { delete(s.files, "/white/index.txt") }, "csaf.unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.set("/key.asc", public)
			s.set("/provider-metadata.json", metadata(s.URL, "csaf_trusted_provider", `{"directory_url":"`+s.URL+`/white/"}`,
				fmt.Sprintf(`{"fingerprint":"%x","url":"key.asc"}`, key.PrimaryKey.Fingerprint)))
			s.publish(t, "/white/2026/kd-1.json", document20("kd-1", "2026"), key)
			s.set("/white/index.txt", []byte("2026/kd-1.json\r\n"))
			p := &Provider{Get: overHTTP(s.Client()), Strict: true}
			if got, res := walkAll(t, p, s.URL+"/provider-metadata.json", State{}); len(got.docs) != 1 || len(res.Issues) != 0 {
				t.Fatalf("unspoiled: %+v %+v", got, res)
			}
			c.spoil(s)
			got, res := walkAll(t, p, s.URL+"/provider-metadata.json", State{})
			if len(got.docs) != 0 || res.Failed != 1 || strings.Join(codes(res), " ") != c.code {
				t.Errorf("%+v issues %v, want %s", got, res.Issues, c.code)
			}
		})
	}
}

// A list without dates is followed by hash.
func TestWalkIndexOnly(t *testing.T) {
	s := newSite(t)
	s.set("/d/index.txt", []byte("2026/kd-1.json\n2026/kd-2.json\n"))
	s.publish(t, "/d/2026/kd-1.json", document20("kd-1", "2026"), nil)
	s.publish(t, "/d/2026/kd-2.json", document20("kd-2", "2026"), nil)
	p := &Provider{Get: overHTTP(s.Client())}
	got, res := walkAll(t, p, s.URL+"/d/", State{})
	if len(got.docs) != 2 || !slices.Equal(codes(res), []string{"csaf.note_no_signature"}) {
		t.Fatalf("%+v %+v", got, res)
	}
	s.publish(t, "/d/2026/kd-2.json", bytes.Replace(document20("kd-2", "2026"), []byte("Router"), []byte("Server"), 1), nil)
	got, res = walkAll(t, p, s.URL+"/d/", res.State)
	if !slices.Equal(got.docs, []string{"kd-2"}) || res.Unchanged != 1 || s.fetched("/d/2026/kd-1.json") != 1 {
		t.Errorf("%+v %+v", got, res)
	}
	// An unsigned provider is refused once keys are pinned.
	p.Pins = []string{"00"}
	if got, res = walkAll(t, p, s.URL+"/d/", State{}); len(got.docs) != 0 || res.Failed != 2 {
		t.Errorf("%+v %+v", got, res)
	}
}

func TestFindProvider(t *testing.T) {
	meta := metadata("https://kumo.example/.well-known/csaf", "csaf_provider", `{"directory_url":"https://kumo.example/d/"}`, "")
	for name, files := range map[string]map[string]string{
		"well-known":   {"https://kumo.example/.well-known/csaf/provider-metadata.json": string(meta)},
		"security.txt": {"https://kumo.example/.well-known/security.txt": "Contact: mailto:x\nCSAF: /elsewhere.json\n", "https://kumo.example/elsewhere.json": string(meta)},
		"old place":    {"https://kumo.example/security.txt": "csaf: https://csaf.kumo.example/p.json", "https://csaf.kumo.example/p.json": string(meta)},
		"DNS path":     {"https://csaf.data.security.kumo.example/": string(meta)},
		"downgrade":    {"https://kumo.example/.well-known/security.txt": "CSAF: http://kumo.example/p.json", "http://kumo.example/p.json": string(meta)},
	} {
		p := &Provider{Get: func(_ context.Context, url string, _ Condition) (io.ReadCloser, Meta, error) {
			if b, ok := files[url]; ok {
				return io.NopCloser(strings.NewReader(b)), Meta{}, nil
			}
			return nil, Meta{}, fs.ErrNotExist
		}}
		m, err := p.Find(context.Background(), "kumo.example")
		if name == "downgrade" {
			if err == nil {
				t.Error("an unencrypted place was followed from an encrypted one")
			}
			continue
		}
		if err != nil || m.Publisher != "Kumo Denki" || len(m.Directories) != 1 {
			t.Errorf("%s: %+v %v", name, m, err)
		}
	}
}

// The providers of gocsaf's tests, as files and over HTTP.
func TestGocsafProviders(t *testing.T) {
	z := shared(t, "gocsaf-testdata.zip")
	for _, kind := range []string{"simple-directory-provider", "simple-rolie-provider"} {
		for _, hashes := range []struct{ EnableSha256, EnableSha512 bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
			s := newSite(t)
			s.etag = true
			for _, f := range z.File {
				name, ok := strings.CutPrefix(f.Name, "testdata/"+kind)
				if !ok || strings.HasSuffix(name, "/") ||
					strings.HasSuffix(name, ".sha256") && !hashes.EnableSha256 || strings.HasSuffix(name, ".sha512") && !hashes.EnableSha512 {
					continue
				}
				b := content(t, z, f.Name)
				if bytes.Contains(b, []byte("{{")) {
					var out bytes.Buffer
					err := template.Must(template.New("").Parse(string(b))).Execute(&out, struct {
						URL                        string
						EnableSha256, EnableSha512 bool
					}{s.URL, hashes.EnableSha256, hashes.EnableSha512})
					if err != nil {
						t.Fatal(err)
					}
					b = out.Bytes()
				}
				s.set(name, b)
			}
			p := &Provider{Get: overHTTP(s.Client()), Strict: true, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
			got, res := walkAll(t, p, s.URL+"/provider-metadata.json", State{})
			if !hashes.EnableSha256 && !hashes.EnableSha512 {
				if len(got.docs) != 0 || !slices.Contains(codes(res), "csaf.no_hash") {
					t.Errorf("%s without hashes: %+v %+v", kind, got, res.Issues)
				}
				continue
			}
			if !slices.Equal(got.docs, []string{"Avendor-advisory-0004"}) || got.signed[0] != "A8914CA2F11139C6A69A0018FB3CD9B15DE61596" {
				t.Errorf("%s %v: %+v %+v", kind, hashes, got, res.Issues)
			}
			n := s.fetched("/white/avendor-advisory-0004.json")
			if got, res = walkAll(t, p, s.URL+"/provider-metadata.json", res.State); len(got.docs) != 0 || s.fetched("/white/avendor-advisory-0004.json") != n {
				t.Errorf("%s: fetched again: %+v %+v", kind, got, res)
			}
		}
	}
}

// Real advisories with their published SHA-512. Their signatures are read;
// the key is not among the data.
func TestRealHashes(t *testing.T) {
	z := shared(t, "cisa-csaf-dev.zip")
	base := "csaf_files/OT/white/"
	sub, err := fs.Sub(&z.Reader, strings.TrimSuffix(base, "/"))
	if err != nil {
		t.Fatal(err)
	}
	index, changes := "", ""
	have := map[string]*zip.File{}
	for _, f := range z.File {
		have[f.Name] = f
	}
	for _, line := range strings.Split(string(content(t, z, base+"changes.csv")), "\n") {
		name, at, _ := strings.Cut(strings.TrimSpace(line), ",")
		if have[name] != nil {
			index += strings.TrimPrefix(name, base) + "\n"
			changes += strings.TrimPrefix(name, base) + "," + at + "\n"
		}
	}
	lists := fstest.MapFS{"index.txt": {Data: []byte(index)}, "changes.csv": {Data: []byte(changes)}}
	files := Folder(sub, "https://x.example/d")
	p := &Provider{Get: func(ctx context.Context, url string, c Condition) (io.ReadCloser, Meta, error) {
		if b, _, err := Folder(lists, "https://x.example/d/")(ctx, url, c); err == nil {
			return b, Meta{}, nil
		}
		return files(ctx, url, c)
	}}
	hashed := 0
	start := time.Now()
	size := 0
	res, err := p.Walk(context.Background(), "https://x.example/d/", State{}, func(d *Document) error {
		if d.Hashed == "sha512" {
			hashed++
		}
		size += len(d.Raw)
		if signedAt(content(t, z, base+strings.TrimPrefix(d.URL+d.Signature, "https://x.example/d/"))).IsZero() {
			t.Errorf("%s: signature cannot be read", d.URL)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d documents, %d failed, %d hashed, %.1f MB in %v; %v", res.Documents, res.Failed, hashed, float64(size)/1e6, time.Since(start).Round(time.Millisecond), codes(res))
	if res.Documents != strings.Count(index, "\n") || res.Failed != 0 || hashed != res.Documents {
		t.Errorf("%d of %d documents, issues %v", res.Documents, strings.Count(index, "\n"), res.Issues[:min(len(res.Issues), 5)])
	}
	again, err := p.Walk(context.Background(), "https://x.example/d/", res.State, func(*Document) error { t.Error("again"); return nil })
	if err != nil || again.Unchanged != res.Documents {
		t.Errorf("%+v %v", again.Unchanged, err)
	}
}
