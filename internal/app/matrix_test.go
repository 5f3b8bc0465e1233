package app

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/httpd"
)

// public are the routes for everybody, and what a stranger comes to there.
// What they do with what is sent has tests of its own.
var public = map[string]class{
	"GET /-/assets/": hidden, "GET /openapi.json": through, "GET /ledger/": hidden,
	"GET /metrics": hidden, // from another machine, without the token
	"GET /sign-in": through, "GET /published": through, "POST /sign-in": through, "POST /sign-in/code": through, "POST /theme": through,
	"GET /welcome/{token}": hidden, "POST /welcome/{token}": hidden,
	"GET /demo/{token}": hidden, "POST /demo/{token}": hidden, // this hub is no demo
	"GET /channels/calendar/{token}": hidden,
	"GET /n/{token}":                 hidden, "POST /n/{token}": hidden,
}

// bareRoutes do not look at who asks.
var bareRoutes = []string{"GET /-/assets/", "GET /healthz", "GET /metrics", "GET /openapi.json"}

// expect is the slow oracle: what somebody comes to with a route and a thing.
func expect(r httpd.Route, l law, c *citizen, x *thing) class {
	switch {
	case c.out && !r.Public:
		return signIn
	case c.out:
		return l.may(c, x) // signing out without being signed in
	case c.small && l.page:
		return noForm
	case c.small && !l.free:
		return refused
	}
	return l.may(c, x)
}

// lawOf finds the law of a route.
func lawOf(r httpd.Route) (law, bool) {
	for _, book := range books {
		if l, ok := book[r.Pattern]; ok {
			return l, true
		}
	}
	return law{}, false
}

// books are the laws of all routes: the first release's in one, then one for
// each noun.
var books = []map[string]law{laws, assetLaws, sensorLaws, sightingLaws, channelLaws, intelLaws, exposureLaws, warningLaws, vendorLaws, situationLaws, approvalLaws, selectionLaws, huntLaws, huntPageLaws, measureLaws, actLaws, requestLaws, oversightLaws}

func agrees(got, want class) bool {
	return got == want || want == anyOf && (got == through || got == hidden) || want == noForm && (got == refused || got == hidden)
}

// nothing stands where a route has no thing in its address.
var nothing = &thing{kind: "nothing"}

// TestEveryRouteEveryRole asks every route as everybody about everything, and
// wants what the oracle says: let through, not there, refused on the record,
// or sent to sign in. No answer holds a word that is not for whoever asked,
// and what is hidden looks like what is not there.
func TestEveryRouteEveryRole(t *testing.T) {
	n := newNation(t)
	n.furnish()
	routes := n.Router.Routes()
	for _, r := range routes {
		_, isPublic := public[r.Pattern]
		isPublic = isPublic || r.Pattern == "GET /healthz"
		if _, ok := lawOf(r); !ok && !isPublic {
			t.Errorf("%s: no law says who may", r.Pattern)
		}
	}
	for _, book := range books {
		for _, pattern := range slices.Sorted(maps.Keys(book)) {
			if !slices.ContainsFunc(routes, func(r httpd.Route) bool { return r.Pattern == pattern }) {
				t.Errorf("%s: a law without a route", pattern)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	n.refusals()
	tried := map[class]int{}
	slices.SortStableFunc(routes, func(a, b httpd.Route) int { // what ends sessions comes last
		x, _ := lawOf(a)
		y, _ := lawOf(b)
		switch {
		case x.last == y.last:
			return 0
		case x.last:
			return 1
		}
		return -1
	})
	for _, r := range routes {
		if r.Pattern == "GET /healthz" { // says 503 while nothing publishes the ledger
			continue
		}
		if want, ok := public[r.Pattern]; ok {
			for _, c := range n.people {
				want := want
				if c.out && c.bearer != "" && !slices.Contains(bareRoutes, r.Pattern) {
					want = signIn // a dead token is told that it is dead
				}
				if got := came(n.ask(r, law{body: form("mail", c.mail+"@nobody.example")}, c, &thing{id: "x"})); got != want {
					t.Errorf("%s, %s: %s, want %s", r.Pattern, c.name, got, want)
				}
			}
			n.refusals()
			continue
		}
		l, _ := lawOf(r)
		things := n.things[l.on]
		if l.on == "" {
			things = []*thing{nothing}
		}
		for _, c := range n.people {
			n.attempts(r, l, c, things, tried)
		}
	}
	t.Logf("%d routes, %d callers: %v", len(routes), len(n.people), tried)
	for _, k := range []class{through, hidden, refused, signIn} {
		if tried[k] < 100 {
			t.Errorf("%s was tried %d times only", k, tried[k])
		}
	}
}

// attempts is everything one caller tries with one route.
func (n *nation) attempts(r httpd.Route, l law, c *citizen, things []*thing, tried map[class]int) {
	n.t.Helper()
	var absent, veiled *reply
	var absentThing, veiledThing *thing
	for _, x := range things {
		want := expect(r, l, c, x)
		if want == through && l.fresh != nil {
			x = l.fresh(n, c, x)
			n.refusals()
		}
		got := n.try(r, l, c, x, want)
		tried[came(got)]++
		if came(got) == hidden {
			if x.none {
				absent, absentThing = &got, x
			} else {
				veiled, veiledThing = &got, x
			}
		}
	}
	if absent != nil && veiled != nil {
		if a, b := bare(*absent, absentThing), bare(*veiled, veiledThing); a != b {
			n.t.Errorf("%s, %s: what is hidden differs from what is not there:\n%s\n---\n%s", r.Pattern, c.name, b, a)
		}
	}
}

// try makes one attempt and compares it with what is wanted.
func (n *nation) try(r httpd.Route, l law, c *citizen, x *thing, want class) reply {
	n.t.Helper()
	got := n.ask(r, l, c, x)
	if !agrees(came(got), want) {
		n.t.Errorf("%s, %s, %s of %q: %s (%d %s), want %s", r.Pattern, c.name, x.kind, x.org, came(got), got.status, got.to(), want)
	}
	recorded := n.refusals()
	switch {
	case came(got) == refused && len(recorded) == 0:
		n.t.Errorf("%s, %s, %s of %q: refused, and nothing is on the record", r.Pattern, c.name, x.kind, x.org)
	case came(got) != refused && len(recorded) > 0:
		n.t.Errorf("%s, %s, %s of %q: %s, and a refusal of %v is on the record", r.Pattern, c.name, x.kind, x.org, came(got), recorded)
	}
	n.scan(r, c, x, got)
	return got
}

// scan looks for words that are not for whoever asked.
func (n *nation) scan(r httpd.Route, c *citizen, x *thing, got reply) {
	n.t.Helper()
	text := got.body + " " + strings.Join(slices.Concat(slices.Collect(maps.Values(got.head))...), " ")
	zed := strings.Contains(text, "Z") // most words begin so
	for _, m := range n.markers {
		if !zed && m.word[0] == 'Z' || m.word == x.id || !strings.Contains(text, m.word) { // what was asked for may be repeated
			continue
		}
		if c.out || !m.may(c) {
			at := strings.Index(text, m.word)
			n.t.Errorf("%s, %s, %s of %q: tells %s: …%s…", r.Pattern, c.name, x.kind, x.org, m.what, text[max(0, at-60):min(len(text), at+40)])
		}
	}
}

var (
	requestIDs = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	clockTimes = regexp.MustCompile(`<span class="n">\d+</span>|\d{1,2}:\d{2}(:\d{2})?|data-now="[^"]*"|datetime="[^"]*"`)
)

// bare is an answer without the ids and times in it, and without the numbers
// in the menu, which change with what the caller did meanwhile.
func bare(r reply, x *thing) string {
	s := fmt.Sprint(r.status, "\n")
	for _, k := range slices.Sorted(maps.Keys(r.head)) {
		if k != "X-Request-Id" && k != "Content-Length" {
			s += k + ": " + strings.Join(r.head[k], ", ") + "\n"
		}
	}
	s += r.body
	for _, id := range append(slices.Collect(maps.Values(x.sub)), x.id) {
		if len(id) > 8 {
			s = strings.ReplaceAll(s, id, "ID")
		}
	}
	return clockTimes.ReplaceAllString(requestIDs.ReplaceAllString(s, "ID"), "")
}

// TestRandomAttempts tries routes, callers and things by chance, with second
// things in the address that belong to another first one.
func TestRandomAttempts(t *testing.T) {
	n := newNation(t)
	n.furnish()
	n.refusals()
	rng := rand.New(rand.NewPCG(20261122, 11))
	routes := slices.DeleteFunc(n.Router.Routes(), func(r httpd.Route) bool {
		l, ok := lawOf(r)
		return !ok || l.last || l.on == "" || r.Stream
	})
	for range 1500 {
		r := routes[rng.IntN(len(routes))]
		l, _ := lawOf(r)
		c := n.people[rng.IntN(len(n.people))]
		things := n.things[l.on]
		x := things[rng.IntN(len(things))]
		want := expect(r, l, c, x)
		if want == through && l.fresh != nil {
			x = l.fresh(n, c, x)
			n.refusals()
		}
		if l.sub && !(l.why && c.receives()) && rng.IntN(2) == 0 {
			if other := things[rng.IntN(len(things))]; other.id != x.id && other.org != x.org {
				mixed := *x
				mixed.sub = maps.Clone(other.sub)
				if x = &mixed; want == through || want == anyOf {
					want = hidden
				}
			}
		}
		n.try(r, l, c, x, want)
	}
}
