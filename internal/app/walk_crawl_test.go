package app

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"

	"noroshi/internal/base/text"
)

// unsaid is what a page shows for a word or an argument it lacks.
var unsaid = regexp.MustCompile(`\[[a-z]+(\.[a-z0-9_]+)+\]|[ >「"]\{[a-z_]+\}`)

// crawled is how many pages one person looks at in one language.
const crawled = 80

// crawl follows every link from the first page, as somebody in a language,
// and returns the paths of the pages it saw.
func (n *nation) crawl(c *citizen, lang text.Lang) (seen []string) {
	n.t.Helper()
	found, queue := map[string]bool{"/": true}, []string{"/"}
	like := map[string]int{} // pages of one form that were queued
	for len(queue) > 0 && len(seen) < crawled {
		path := queue[0]
		queue = queue[1:]
		r := n.call(c, "GET", path, nil, "Cookie", "noroshi_lang="+string(lang))
		if r.status == 303 && strings.HasPrefix(r.to(), "/") {
			path = r.to()
			r = n.call(c, "GET", path, nil, "Cookie", "noroshi_lang="+string(lang))
		}
		what := fmt.Sprintf("%s %s %s", c.name, lang, path)
		if r.status != 200 {
			n.t.Errorf("%s: a link leads to %d", what, r.status)
			continue
		}
		if !strings.HasPrefix(r.head.Get("Content-Type"), "text/html") || strings.HasPrefix(r.head.Get("Content-Disposition"), "attachment") {
			continue
		}
		seen = append(seen, path)
		if m := unsaid.FindString(r.body); m != "" {
			n.t.Errorf("%s: words missing: %s", what, m)
		}
		doc, err := html.Parse(strings.NewReader(r.body))
		n.must(err)
		heads, ids := 0, map[string]int{}
		for x := range doc.Descendants() {
			if x.Type != html.ElementNode {
				continue
			}
			switch {
			case x.Data == "h1":
				heads++
			case x.Data == "html" && attr(x, "lang") != string(lang):
				n.t.Errorf("%s: is in %q", what, attr(x, "lang"))
			case x.Data == "a":
				next := pathOf(path, attr(x, "href"))
				form := requestIDs.ReplaceAllString(next, "ID")
				form, _, _ = strings.Cut(form, "?")
				if next != "" && !found[next] && like[form] < 3 && !strings.HasPrefix(next, "/ledger/") && !strings.Contains(next, "lang=") {
					found[next] = true
					like[form]++
					queue = append(queue, next)
				}
			}
			if id := attr(x, "id"); id != "" {
				if ids[id]++; ids[id] == 2 {
					n.t.Errorf("%s: two elements have the id %q", what, id)
				}
			}
		}
		if heads != 1 {
			n.t.Errorf("%s: %d h1", what, heads)
		}
	}
	return seen
}

func attr(x *html.Node, key string) string {
	for _, a := range x.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// pathOf is where a link on a page leads; empty when it leads elsewhere or to
// the page itself.
func pathOf(page, href string) string {
	from, err := url.Parse(page)
	if err != nil || href == "" || strings.HasPrefix(href, "#") {
		return ""
	}
	to, err := from.Parse(href)
	if err != nil || to.Host != "" || to.Scheme != "" {
		return ""
	}
	to.Fragment = ""
	return to.String()
}

// Every link that a role comes to leads to a page with all its words, in both
// languages, with one heading.
func TestWalkEveryLink(t *testing.T) {
	n := newNation(t)
	n.furnish()
	pages := map[string]bool{}
	for _, c := range n.people {
		if c.out || c.bearer != "" {
			continue
		}
		for _, lang := range text.Langs {
			for _, path := range n.crawl(c, lang) {
				path, _, _ = strings.Cut(requestIDs.ReplaceAllString(path, "ID"), "?")
				pages[path] = true
			}
		}
	}
	t.Logf("%d sorts of pages: %s", len(pages), strings.Join(slices.Sorted(maps.Keys(pages)), " "))
	if len(pages) < 50 {
		t.Errorf("%d sorts of pages: the test tests nothing", len(pages))
	}
}

// No page is wider than a telephone.
func TestWalkOnATelephone(t *testing.T) {
	n := newNation(t)
	n.furnish()
	w := newWalker(t, n)
	w.open("/sign-in")
	w.do("telephone", chromedp.EmulateViewport(360, 780))
	looked := map[string]bool{}
	for _, c := range n.people {
		if c.out || c.bearer != "" {
			continue
		}
		ask[bool](w, fmt.Sprintf(`document.cookie = "noroshi=%s; path=/"; true`, c.session))
		for _, path := range n.crawl(c, text.JA) {
			sort, _, _ := strings.Cut(requestIDs.ReplaceAllString(path, "ID"), "?")
			if looked[sort] || len(looked) > 90 {
				continue
			}
			looked[sort] = true
			w.open(path)
			wide := ask[int](w, `document.documentElement.scrollWidth - innerWidth`)
			if at := ask[string](w, `location.pathname`); at != "/" && strings.HasPrefix(at, "/sign-in") {
				t.Fatalf("%s: not signed in", path)
			}
			if wide > 0 {
				t.Errorf("%s %s: %d px wider than the screen: %s", c.name, path, wide, ask[string](w, `[...document.querySelectorAll("body *")]
					.filter((e) => e.checkVisibility() && !e.closest(".wide-fig, .cmd, .vh, .skip, svg") && e.getBoundingClientRect().right > innerWidth + 1)
					.map((e) => e.tagName + "." + e.className).slice(0, 4).join(", ")`))
			}
		}
	}
	t.Logf("%d sorts of pages", len(looked))
}
