package app

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/intel"
	"noroshi/internal/org"
)

// seesFeeds: who runs the feeds, and who answers for what comes of them.
func seesFeeds(c *citizen) bool {
	return c.ministry() || c.any(gate.OfficeAnalyst, gate.OfficeClerk, gate.HubAdmin)
}

// feeds: who brings feeds in.
func feeds(c *citizen) bool { return c.any(gate.OfficeAnalyst, gate.HubAdmin) }

// writesItems: who writes items of intelligence, for their own organisation.
func writesItems(c *citizen) bool { return c.any(gate.OfficeAnalyst, gate.JPCERTClerk) }

func seesFeed(c *citizen, x *thing) class {
	if !seesFeeds(c) {
		return refused
	}
	return either(!x.none)
}

// fetchesNothing: the feed that is named is none.
func fetchesNothing(c *citizen, _ *thing) class {
	if !feeds(c) {
		return refused
	}
	return hidden
}

func isThere(_ *citizen, x *thing) class { return either(!x.none) }

// itemReading: a draft is its organisation's own; RED is for whoever wrote it
// and those it names; AMBER also for the desks that deal with all; GREEN for
// everybody here but who only runs the hub.
func itemReading(c *citizen, x *thing) class {
	wrote := c.isOwn(x)
	if x.sub["tlp"] == "RED" {
		wrote = wrote && x.person == c.name
	}
	switch {
	case x.none:
		return hidden
	case wrote, x.sub["state"] != "draft" && c.isSent(x):
		return through
	case x.sub["state"] == "draft":
		return hidden
	case x.sub["tlp"] == "AMBER":
		return either(c.kind == "office" || c.kind == "jpcert")
	case x.sub["tlp"] == "GREEN":
		return either(c.kind != "hub")
	}
	return hidden
}

// itemWriting: who writes items reaches those of their own organisation.
func itemWriting(c *citizen, x *thing) class {
	if !writesItems(c) {
		return refused
	}
	return either(c.isOwn(x) && itemReading(c, x) == through)
}

// itemFile: the file is its own organisation's, and these items have none.
func itemFile(*citizen, *thing) class { return hidden }

// CVEs that the nation's feed speaks of: one concerns both power companies,
// one nobody.
const (
	sharedFlaw = "CVE-2099-10001"
	windFlaw   = "CVE-2099-10002"
	nobodyFlaw = "CVE-2099-10003"
)

// aFeed speaks of invented products of an invented maker.
func aFeed() string {
	flaw := func(id, product string) string {
		return fmt.Sprintf(`{"cve":{"id":%q,"published":"2025-01-02T00:00:00.000","lastModified":"2025-08-25T00:00:00.000","vulnStatus":"Analyzed",
"descriptions":[{"lang":"en","value":"A crafted request runs commands."}],
"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:kigen:%s:*:*:*:*:*:*:*:*","versionEndExcluding":"9.0.0"}]}]}]}}`, id, product)
	}
	return `{"resultsPerPage":3,"startIndex":0,"totalResults":3,"format":"NVD_CVE","version":"2.0","timestamp":"2025-08-25T00:00:00.000","vulnerabilities":[` +
		strings.Join([]string{flaw(sharedFlaw, "shared_gate"), flaw(windFlaw, "lone_gate"), flaw(nobodyFlaw, "no_gate")}, ",") + `]}`
}

// learned takes a feed in and writes items of every label.
func (n *nation) learned() {
	n.t.Helper()
	raw := aFeed()
	got, err := n.Intel.Receive(org.Local(n.t.Context()), intel.Request{}, "nvd.json", strings.NewReader(raw), int64(len(raw)))
	n.must(err)
	n.add(&thing{kind: "feed", id: got.Feed})
	n.add(&thing{kind: "flaw", id: sharedFlaw})
	for _, id := range []string{"feed", "flaw"} {
		n.add(&thing{kind: id, id: uuid.Must(uuid.NewV7()).String(), none: true})
	}
	for _, writer := range []string{"office/analyst", "jpcert/clerk"} {
		for _, tlp := range []string{"RED", "AMBER+STRICT", "AMBER", "GREEN"} {
			for _, state := range []string{"draft", "published"} {
				n.add(n.item(writer, tlp, state))
			}
		}
	}
	n.add(&thing{kind: "item", id: uuid.Must(uuid.NewV7()).String(), none: true})
}

// item writes an item, for wind where its label asks for names.
func (n *nation) item(writer, tlp, state string) *thing {
	n.t.Helper()
	x := &thing{kind: "item", person: writer, sub: map[string]string{"tlp": tlp, "state": state}}
	x.org, _, _ = strings.Cut(writer, "/")
	word := fmt.Sprintf("ZN%04d", len(n.markers))
	in := intel.NewItem{Title: n.mark(word, state+" of "+writer+" at "+tlp, func(c *citizen) bool { return itemReading(c, x) == through }) + " の動き", Text: "概要", TLP: incident.TLP(tlp)}
	if tlp == "RED" || tlp == "AMBER+STRICT" {
		in.To, x.sent = []string{string(n.orgs["wind"].ID)}, []string{"wind"}
	}
	it, err := n.Intel.Add(n.as(writer), in)
	n.must(err)
	if x.id = it.ID; state == "published" {
		_, err = n.Intel.Publish(n.as(writer), it.ID)
		n.must(err)
	}
	return x
}

func newItem(n *nation, c *citizen, x *thing) *thing {
	return n.item(x.person, x.sub["tlp"], x.sub["state"])
}

// aBundle is what the hub itself knows, signed by it.
func aBundle(n *nation, _ *citizen, _ *thing) any {
	var b strings.Builder
	_, err := n.Intel.Bundle(n.as("hub/admin"), intel.PackInput{}, &b)
	n.must(err)
	return rawBody(b.String())
}

const anItem = `{"item":{"title":"","tlp":"AMBER","clearance":0,"grade":{"reliability":"F","credibility":6}}}`

// intelLaws are the routes of feeds, vulnerabilities and items.
var intelLaws = map[string]law{
	"GET /feeds":                       {may: only(seesFeeds)},
	"GET /feeds/{id}":                  {on: "feed", may: seesFeed},
	"POST /feeds":                      {may: only(feeds), body: func(*nation, *citizen, *thing) any { return multipartOf("file", "nvd.json", aFeed()) }},
	"GET /api/v1/feeds":                {may: only(seesFeeds)},
	"GET /api/v1/feeds/{id}/imports":   {on: "feed", may: only(seesFeeds)},
	"POST /api/v1/feed-imports":        {may: only(feeds), query: query("?name=nvd.json"), body: func(*nation, *citizen, *thing) any { return rawBody(aFeed()) }},
	"POST /api/v1/feed-fetches":        {may: fetchesNothing, body: body(`{"feed":"none"}`)},
	"POST /api/v1/feed-bundle-imports": {may: only(feeds), query: func(n *nation, _ *citizen, _ *thing) string { return "?key=" + url.QueryEscape(n.Ledger.VKey) }, body: aBundle},
	"POST /api/v1/feed-bundles":        {may: only(feeds)},
	"GET /vulnerabilities":             {may: everybody},
	"GET /vulnerabilities/{id}":        {on: "flaw", may: isThere},
	"GET /api/v1/vulnerabilities":      {may: everybody},
	"GET /api/v1/vulnerabilities/{id}": {on: "flaw", may: isThere},

	"GET /live/intel":                        {may: everybody, free: true},
	"GET /intelligence":                      {may: everybody},
	"GET /intelligence/new":                  {may: only(writesItems)},
	"POST /intelligence":                     {may: only(writesItems), body: form("title", "", "tlp", "AMBER")},
	"GET /intelligence/{id}":                 {on: "item", may: itemReading},
	"GET /intelligence/{id}/edit":            {on: "item", may: itemWriting},
	"POST /intelligence/{id}":                {on: "item", may: itemWriting, body: form("title", "", "tlp", "AMBER", "revision", "9999")},
	"POST /intelligence/{id}/publish":        {on: "item", may: itemWriting, body: form(), fresh: newItem},
	"POST /intelligence/{id}/withdraw":       {on: "item", may: itemWriting, body: form("why", "")},
	"GET /intelligence/{id}/file":            {on: "item", may: itemFile},
	"POST /api/v1/intel-items":               {may: only(writesItems), body: body(anItem)},
	"GET /api/v1/intel-items":                {may: everybody},
	"GET /api/v1/intel-items/{id}":           {on: "item", may: itemReading},
	"PUT /api/v1/intel-items/{id}":           {on: "item", may: itemWriting, body: body(`{"title":"","tlp":"AMBER","clearance":0,"grade":{"reliability":"F","credibility":6}}`), head: ifMatch},
	"GET /api/v1/intel-items/{id}/history":   {on: "item", may: itemReading},
	"GET /api/v1/intel-items/{id}/file":      {on: "item", may: itemFile},
	"POST /api/v1/intel-items/{id}/publish":  {on: "item", may: itemWriting, fresh: newItem},
	"POST /api/v1/intel-items/{id}/withdraw": {on: "item", may: itemWriting, body: body(`{"why":""}`)},
}
