package page

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func asset(t testing.TB, s *Set, ext string) Asset {
	t.Helper()
	for _, a := range s.Assets() {
		if strings.HasSuffix(a.Path, ext) {
			return a
		}
	}
	t.Fatalf("no %s", ext)
	return Asset{}
}

// TestBudgets holds UI.md 12.
func TestBudgets(t *testing.T) {
	s := gallerySet(t)
	css, js := asset(t, s, ".css"), asset(t, s, ".js")
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(css.Body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, b := range []struct {
		what      string
		got, most int
	}{
		{"stylesheet", len(css.Body), 48 << 10},
		{"stylesheet, gzip", z.Len(), 12 << 10},
		{"script", len(js.Body), 8 << 10},
	} {
		t.Logf("%s: %d of %d bytes", b.what, b.got, b.most)
		if b.got > b.most {
			t.Errorf("%s: %d bytes, at most %d", b.what, b.got, b.most)
		}
	}
}

func TestAssetsAreNamedByContent(t *testing.T) {
	s := gallerySet(t)
	a := asset(t, s, ".css")
	if got, ok := s.Asset(a.Path); !ok || !bytes.Equal(got.Body, a.Body) || got.Type != "text/css; charset=utf-8" {
		t.Errorf("Asset(%q) = %s, %v", a.Path, got.Type, ok)
	}
	if !regexp.MustCompile(`^/-/assets/noroshi\.[\w-]{12}\.css$`).MatchString(a.Path) {
		t.Errorf("path %q", a.Path)
	}
	if _, ok := s.Asset("/-/assets/noroshi.css"); ok {
		t.Error("without digest there is no asset")
	}
}

type rgb [3]float64

var hexColour = regexp.MustCompile(`^#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})$`)

func colour(s string) (rgb, error) {
	m := hexColour.FindStringSubmatch(s)
	if m == nil {
		return rgb{}, fmt.Errorf("%q is no colour", s)
	}
	h := m[1]
	if len(h) == 3 {
		h = string([]byte{h[0], h[0], h[1], h[1], h[2], h[2]})
	}
	var c rgb
	for i := range c {
		v, err := strconv.ParseUint(h[2*i:2*i+2], 16, 8)
		if err != nil {
			return c, err
		}
		c[i] = float64(v) / 255
	}
	return c, nil
}

// luminance is the relative luminance of WCAG 2.2.
func (c rgb) luminance() float64 {
	var l [3]float64
	for i, v := range c {
		if v <= 0.04045 {
			l[i] = v / 12.92
		} else {
			l[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
}

func contrast(a, b rgb) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// tokens reads the colours of both themes out of the stylesheet.
func tokens(t *testing.T, css string) map[string][2]rgb {
	t.Helper()
	all := map[string][2]rgb{}
	for _, m := range regexp.MustCompile(`--([\w-]+): light-dark\((#\w+), (#\w+)\);`).FindAllStringSubmatch(css, -1) {
		light, err := colour(m[2])
		if err != nil {
			t.Fatal(err)
		}
		dark, err := colour(m[3])
		if err != nil {
			t.Fatal(err)
		}
		all[m[1]] = [2]rgb{light, dark}
	}
	return all
}

// TestContrast holds UI.md 3 in both themes: text 4.5, a colour's text on its
// own tint 5.4, borders of controls and the focus line 3.
func TestContrast(t *testing.T) {
	tok := tokens(t, string(asset(t, gallerySet(t), ".css").Body))
	type pair struct {
		ink, on string
		least   float64
	}
	var pairs []pair
	texts := strings.Fields("ink ink-2 ink-3 ai ai-strong shu act attend watch calm good drill")
	for _, ink := range texts {
		for _, on := range strings.Fields("paper ground") {
			pairs = append(pairs, pair{ink, on, 4.5})
		}
	}
	for _, c := range strings.Fields("act attend watch calm good drill ai shu") {
		least := 5.4
		if c == "shu" || c == "calm" {
			least = 4.5
		}
		pairs = append(pairs, pair{c, c + "-tint", least}, pair{"ink", c + "-tint", 4.5}, pair{"ink-2", c + "-tint", 4.5})
	}
	for _, ink := range strings.Fields("ink ink-2 ai act attend good") {
		for _, on := range strings.Fields("hover sunken") {
			pairs = append(pairs, pair{ink, on, 4.5})
		}
	}
	for _, on := range strings.Fields("paper ground sunken hover ai-tint") {
		pairs = append(pairs, pair{"focus", on, 3})
	}
	pairs = append(pairs, pair{"ink-3", "sunken", 4.5}, pair{"on-ai", "ai", 4.5}, pair{"on-ai", "ai-strong", 4.5}, pair{"on-bar", "bar", 4.5},
		pair{"rule-2", "paper", 3}, pair{"rule-2", "ground", 3}, pair{"focus-glow", "bar", 3})
	for _, p := range pairs {
		a, ok1 := tok[p.ink]
		b, ok2 := tok[p.on]
		if !ok1 || !ok2 {
			t.Errorf("no token %q or %q", p.ink, p.on)
			continue
		}
		for theme, name := range []string{"light", "dark"} {
			if got := contrast(a[theme], b[theme]); got < p.least {
				t.Errorf("%s: %s on %s is %.2f, want %.1f", name, p.ink, p.on, got, p.least)
			}
		}
	}
	if len(pairs) < 60 {
		t.Errorf("only %d pairs", len(pairs))
	}
	// Handling marks stand on black in both themes.
	black, _ := colour("#000")
	css := string(asset(t, gallerySet(t), ".css").Body)
	for _, m := range regexp.MustCompile(`\.tlp\.\w+ \{ color: (#\w+); \}`).FindAllStringSubmatch(css, -1) {
		c, err := colour(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := contrast(c, black); got < 4.5 {
			t.Errorf("TLP %s on black is %.2f", m[1], got)
		}
	}
}

// TestStylesheetKnowsEveryClass finds a class that a component wears and the
// stylesheet does not know: a slip of the pen, or a rule lost.
func TestStylesheetKnowsEveryClass(t *testing.T) {
	s := gallerySet(t)
	css := string(asset(t, s, ".css").Body)
	hooks := map[string]bool{"lanes": true} // only so that the list has no bullets
	var pages strings.Builder
	for _, shell := range everyShell() {
		pages.WriteString(galleryPage(t, s, shell))
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`class="([^"]*)"`).FindAllStringSubmatch(pages.String(), -1) {
		for _, c := range strings.Fields(m[1]) {
			if !seen[c] && !hooks[c] && !regexp.MustCompile(`\.`+regexp.QuoteMeta(c)+`\b`).MatchString(css) {
				t.Errorf("class %q is not in the stylesheet", c)
			}
			seen[c] = true
		}
	}
	if len(seen) < 80 {
		t.Errorf("only %d classes seen", len(seen))
	}
}
