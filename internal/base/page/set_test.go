package page

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

var update = flag.Bool("update", false, "write the golden files")

// everyShell is each layout and look at least once, in both languages.
func everyShell() map[string]Shell {
	all := map[string]Shell{}
	for _, l := range text.Langs {
		all["gallery."+string(l)] = galleryShell(l)
		all["mistakes."+string(l)] = faulty(l)
	}
	link := Shell{Lang: text.JA, Layout: Link, Path: "/l/abc", Now: galleryNow}
	public := Shell{Lang: text.EN, Layout: Public, Path: "/", Now: galleryNow, Theme: "dark"}
	print := galleryShell(text.JA)
	print.Layout, print.Exercise = Print, true
	drill := galleryShell(text.EN)
	drill.Exercise, drill.Density, drill.Theme = true, Desk, "light"
	question, wrong := galleryShell(text.JA), faulty(text.EN)
	question.Title, wrong.Title = "侵害に気づいたのは、いつですか", "When did you become aware?"
	all["question.ja"], all["question.en"] = question, wrong
	all["link.ja"], all["public.en"], all["print.ja"], all["exercise.en"] = link, public, print, drill
	return all
}

// TestGolden draws every component in both languages, as it first appears and
// as it comes back with mistakes, and every layout.
func TestGolden(t *testing.T) {
	s := gallerySet(t)
	for name, shell := range everyShell() {
		t.Run(name, func(t *testing.T) {
			got := galleryPage(t, s, shell)
			if !strings.HasPrefix(name, "gallery.") && !strings.HasPrefix(name, "mistakes.") && !strings.HasPrefix(name, "question.") {
				// The components are in the others: here the shell counts.
				head, tail := strings.Index(got, `<section class="sec">`), strings.LastIndex(got, "</main>")
				got = got[:head] + "…" + got[tail:]
			}
			golden(t, name+".golden.html", got)
		})
	}
}

var fingerprint = regexp.MustCompile(`/noroshi\.[\w-]{12}\.(css|js|svg)`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	got = fingerprint.ReplaceAllString(got, "/noroshi.$1") // else every change of the stylesheet changes every golden
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s differs (-want +got; -update writes it):\n%s", file, d)
	}
}

// TestEveryPage holds what must hold of each page, whatever is on it.
func TestEveryPage(t *testing.T) {
	s := gallerySet(t)
	for name, shell := range everyShell() {
		got := galleryPage(t, s, shell)
		if n := strings.Count(got, "<h1"); n != 1 {
			t.Errorf("%s: %d h1", name, n)
		}
		if strings.Contains(got, "ZgotmplZ") || strings.Contains(got, "&lt;no value") {
			t.Errorf("%s: an unsafe or missing value was drawn", name)
		}
		if regexp.MustCompile(`\sstyle=|<style|\son[a-z]+=|\[page\.|\[gallery\.`).MatchString(got) {
			t.Errorf("%s: inline style or handler, or a word in brackets", name)
		}
		if n := strings.Count(got, "<script"); n > 1 || shell.Layout == Link && n > 0 {
			t.Errorf("%s: %d scripts", name, n)
		}
		for _, want := range []string{`<a class="skip" href="#main">`, `id="main"`, `<html lang="` + string(shell.Lang)} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %s", name, want)
			}
		}
		if shell.Exercise != strings.Contains(got, `class="exercise-bar"`) {
			t.Errorf("%s: the exercise bar must be there exactly in an exercise", name)
		}
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(got, -1) {
			if ids[m[1]] {
				t.Errorf("%s: id %q twice", name, m[1])
			}
			ids[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`(?:\sfor|aria-labelledby|aria-describedby|popovertarget|\sform)="([^"]*)"|href="#([^"]+)"`).FindAllStringSubmatch(got, -1) {
			for _, id := range strings.Fields(m[1] + " " + m[2]) {
				if !ids[id] {
					t.Errorf("%s: nothing has the id %q", name, id)
				}
			}
		}
		for _, m := range regexp.MustCompile(`<svg[^>]*>`).FindAllString(got, -1) {
			if !strings.Contains(m, "aria-hidden") && !strings.Contains(m, "aria-label=") && !strings.Contains(m, "overflow=") {
				t.Errorf("%s: %s says nothing", name, m)
			}
		}
	}
}

func TestMistakesKeepWhatWasTyped(t *testing.T) {
	got := galleryPage(t, gallerySet(t), faulty(text.EN))
	for _, want := range []string{
		"<title>Error: ", "Fix 3 places", `href="#f-aware-d">Enter a time before now`, `href="#f-how-0">Choose how`, `href="#f-ends-d">`,
		`value="２０２６"`, `value="令和十年春"`, `value="&#34;&gt;&lt;script&gt;"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, "<script>") {
		t.Error("what was typed became markup")
	}
}

// A fault that says how many places it has stands alone; another says what is
// wrong below our count.
func TestSummaryCountsOnce(t *testing.T) {
	s := gallerySet(t)
	place := fault.Place{At: "how", Code: "gallery.bad.how"}
	for _, c := range []struct {
		err         *fault.Error
		title, lead string
	}{
		{fault.New(fault.Invalid, "page.errors.count", "n", 1).At(place), "Fix 1 place", ""},
		{fault.New(fault.Invalid, "gallery.bad").At(place), "Fix 1 place", "<p>"},
	} {
		sh := galleryShell(text.EN)
		sh.Fault = c.err
		got := galleryPage(t, s, sh)
		from := strings.Index(got, `id="errors-title"`)
		if from < 0 {
			t.Fatal("no summary")
		}
		got, _, _ = strings.Cut(got[from:], "</ul>")
		if strings.Count(got, c.title) != 1 || strings.Contains(got, "<p>") != (c.lead != "") {
			t.Errorf("%s: %s", c.err.Code, got)
		}
	}
}

// TestNewRefuses is about every page that must not reach a reader.
func TestNewRefuses(t *testing.T) {
	words, err := text.Load(Words, galleryWords)
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		`<p>{{T "gallery.nope"}}`:                                  `no words for "gallery.nope"`,
		`{{if .A}}{{range .B}}{{T "gallery.nope2"}}{{end}}{{end}}`: "gallery.nope2",
		`{{note "" (T "gallery.nope3")}}`:                          "gallery.nope3",
		`{{T "gallery.choose"}}`:                                   `want "id"`,
		`{{T "gallery.choose" "id"}}`:                              "odd number",
		`{{T (print "gallery.nokind." .K)}}`:                       `begin with "gallery.nokind."`,
		"<p>\n<p style=\"color:red\">":                             "line 2: a style attribute",
		`<style>p{}</style>`:                                       "a style element",
		`<p onclick="x()">`:                                        "an event attribute",
		`<p data-on="{{T "gallery.note"}}">`:                       "a data-on attribute",
		`<a href="javascript:x()">`:                                "javascript:",
		`<script>1</script>`:                                       "a script element",
		`{{define "row"}}x{{end}}`:                                 `must begin with "x/"`,
		`{{template "x/none"}}`:                                    "x/none",
		`<a href='{{.A}}`:                                          "x/p",
		`{{nofunc}}`:                                               "nofunc",
		`{{.A}`:                                                    "web/p.html",
	} {
		_, err := New(words, Source{"x", fstest.MapFS{"web/p.html": {Data: []byte(src)}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
	if _, err := New(words, Source{"x", fstest.MapFS{}}); err == nil {
		t.Error("a noun without pages must fail")
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestRenderSendsAllOrNothing(t *testing.T) {
	words, err := text.Load(Words, galleryWords)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(words, Source{"x", fstest.MapFS{
		"web/half.html":     {Data: []byte(`{{title "t"}}<p>first</p>{{index .A 9}}`)},
		"web/untitled.html": {Data: []byte(`<p>`)},
		"web/fine.html":     {Data: []byte(`{{title (T "gallery.note")}}<p>{{.}}</p>{{T (print "gallery." .)}}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x/half", "x/untitled", "x/none"} {
		var b bytes.Buffer
		if err := s.Render(&b, name, Shell{}, map[string]any{"A": []int{1}}); err == nil || b.Len() > 0 {
			t.Errorf("%s: err %v, %d bytes sent", name, err, b.Len())
		}
	}
	if err := s.Render(io.Discard, "x/fine", Shell{}, "unknown_word"); err == nil {
		t.Error("a word worked out at run time and unknown must fail")
	}
	if err := s.Render(failing{}, "x/fine", Shell{}, "note"); err == nil {
		t.Error("the writer's error must come back")
	}
	var b bytes.Buffer
	if err := s.Fragment(&b, "x/fine", Shell{Lang: text.EN}, "note"); err != nil || b.String() != "<p>note</p>Drafts save themselves." {
		t.Errorf("fragment: %q, %v", b.String(), err)
	}
}

// TestPagesDoNotMix draws pages of two readers at once, many times: nothing of
// one may stand in the other's, though drawers are shared.
func TestPagesDoNotMix(t *testing.T) {
	s := gallerySet(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			l, mine, other := text.JA, "reader-a", "reader-b"
			if i%2 == 1 {
				l, mine, other = text.EN, "reader-b", "reader-a"
			}
			sh := faulty(l)
			sh.CSRF = mine
			sh.Fault = fault.New(fault.Invalid, "gallery.bad").At(fault.Place{At: "how", Code: "gallery.bad.how"})
			for range 5 {
				var b bytes.Buffer
				if err := s.Render(&b, "gallery/gallery", sh, galleryData(l)); err != nil {
					t.Error(err)
					return
				}
				if got := b.String(); !strings.Contains(got, mine) || strings.Contains(got, other) || !strings.Contains(got, `<html lang="`+string(l)) {
					t.Error("pages mix")
					return
				}
			}
		}()
	}
	wg.Wait()
	if s.made > cap(s.free) {
		t.Errorf("%d drawers made, at most %d", s.made, cap(s.free))
	}
}

func BenchmarkRender(b *testing.B) {
	s := gallerySet(b)
	shell, data := galleryShell(text.JA), galleryData(text.JA)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Render(io.Discard, "gallery/gallery", shell, data); err != nil {
			b.Fatal(err)
		}
	}
}
