package app

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/gate"
	"noroshi/internal/hunt"
)

// sharesSuppressions: who speaks for an organisation when it shares what it
// learned to be harmless.
func sharesSuppressions(c *citizen) bool { return c.any(gate.OperatorAdmin) }

// toOperators: what is shared is there for every operator, or for those of them
// who act.
func toOperators(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return either(!x.none)
	}
}

// hunted makes a hunt of two operators, with rules, results and suppressions,
// whose words nobody else may learn: not even an analyst.
func (n *nation) hunted() {
	n.t.Helper()
	for _, name := range []string{"wind", "sea"} {
		word := n.mark("ZHUNT"+map[string]string{"wind": "WIND", "sea": "SEA"}[name], "a hunt of "+name, func(c *citizen) bool { return c.org == name && c.operates() })
		ctx := n.as(name + "/reporter")
		h, err := n.Hunts.Draft(ctx, hunt.NewHunt{Title: word, Question: word, Hosts: word})
		n.must(err)
		_, err = n.Hunts.Begin(ctx, h.ID, h.Version)
		n.must(err)
		n.add(&thing{kind: "hunt", id: h.ID, org: name})
		at := n.now().Add(-time.Hour)
		line := hunt.Incoming{Kind: "rule", Rule: hunt.LineRule{ID: word, Title: word, Level: "high"}, Host: word, User: word, Time: at, Attack: []string{"T1059"}, Why: []hunt.Why{{Field: "Image", Value: word}},
			Event: map[string]string{"DestinationIp": netip.AddrFrom4([4]byte{198, 51, 100, byte(len(name))}).String()}}
		var runs []hunt.Received
		for i := range 2 {
			r, err := n.Hunts.Receive(ctx, h.ID, fmt.Sprintf("key-of-%s-%d", name, i), hunt.Told{Note: word})
			n.must(err)
			_, err = n.Hunts.ReceivePart(ctx, r.ID, 1, []hunt.Incoming{line})
			n.must(err)
			runs = append(runs, r)
		}
		n.add(&thing{kind: "hunt run", id: runs[1].ID, org: name, sub: map[string]string{"before": runs[0].ID, "number": "1"}})
		list, _, err := n.Hunts.Findings(ctx, hunt.FindingFilter{})
		n.must(err)
		n.add(&thing{kind: "hunt finding", id: list[0].ID, org: name})
		b, err := n.Hunts.Triage(ctx, hunt.Choice{IDs: []string{list[0].ID}}, hunt.Decision{State: hunt.Real, Reason: word})
		n.must(err)
		n.add(&thing{kind: "hunt decision", id: b.ID, org: name})
		book, err := n.Hunts.AddRulebook(ctx, word, word)
		n.must(err)
		_, err = n.Hunts.Upload(ctx, book.ID, ruleZip(), word)
		n.must(err)
		n.add(&thing{kind: "rulebook", id: book.ID, org: name, sub: map[string]string{"edition": "1"}})
		n.add(&thing{kind: "suppression", id: n.suppression(name, word), org: name})
		n.sharedSuppression(name)
	}
	for _, kind := range []string{"hunt", "hunt run", "hunt finding", "hunt decision", "rulebook", "suppression", "offer"} {
		n.add(&thing{kind: kind, id: uuid.Must(uuid.NewV7()).String(), none: true, sub: map[string]string{"edition": "1", "before": uuid.Must(uuid.NewV7()).String(), "number": "1"}})
	}
}

func (n *nation) suppression(name, word string) string {
	n.t.Helper()
	x, err := n.Hunts.Suppress(n.as(name+"/reporter"), hunt.NewSuppression{Condition: hunt.Condition{Rule: word}, Reason: word, UntilAt: n.now().Add(240 * time.Hour)})
	n.must(err)
	return x.ID
}

// sharedSuppression offers one whose words are for every operator.
func (n *nation) sharedSuppression(name string) *thing {
	n.t.Helper()
	o, err := n.Hunts.Offer(n.as(name+"/admin"), n.suppression(name, "shared"), false)
	n.must(err)
	return n.add(&thing{kind: "offer", id: o.ID, org: name})
}

func newOffer(n *nation, _ *citizen, x *thing) *thing {
	y := n.sharedSuppression(x.org)
	list := n.things["offer"]
	n.things["offer"] = list[:len(list)-1]
	return y
}

// ruleZip is a rulebook of one rule.
func ruleZip() []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	if w, err := z.Create("a.yml"); err == nil {
		_, _ = w.Write([]byte("title: One\nlogsource: {product: windows}\ndetection:\n  a: {Image: x}\n  condition: a\n"))
	}
	_ = z.Close() // into memory
	return out.Bytes()
}

func olderRun(text string) func(*nation, *citizen, *thing) string {
	return func(_ *nation, _ *citizen, x *thing) string { return "?before=" + x.sub["before"] + text }
}

const (
	huntJSON        = `{"title":" ","question":"x"}`
	partJSON        = `{"detections":[{"kind":"rule","rule":{"id":"r","title":"r","level":"low","tags":[]},"time":"2026-11-01T00:00:00Z","source":"s","record":1,"host":"h","user":"u","attack":[],"why":[]}]}`
	suppressionJSON = `{"rule":"r","reason":" ","until_at":"2026-11-01T00:00:00Z"}`
)

var huntLaws = map[string]law{
	"GET /api/v1/hunts":                                   {may: only((*citizen).operates)},
	"POST /api/v1/hunts":                                  {may: only((*citizen).reports), body: body(huntJSON)},
	"GET /api/v1/hunts/{id}":                              {on: "hunt", may: forOwn((*citizen).operates)},
	"PUT /api/v1/hunts/{id}":                              {on: "hunt", may: forOwn((*citizen).reports), query: query("?version=99"), body: body(huntJSON)},
	"POST /api/v1/hunts/{id}/begin":                       {on: "hunt", may: forOwn((*citizen).reports), query: query("?version=99")},
	"POST /api/v1/hunts/{id}/close":                       {on: "hunt", may: forOwn((*citizen).reports), query: query("?version=99"), body: body(`{"conclusion":"unclear","words":"x"}`)},
	"POST /api/v1/hunts/{id}/hold":                        {on: "hunt", may: forOwn(sharesSuppressions), query: query("?version=99"), body: body(`{"why":"x"}`)},
	"POST /api/v1/hunts/{id}/unhold":                      {on: "hunt", may: forOwn(sharesSuppressions), query: query("?version=99"), body: body(`{"why":"x"}`)},
	"POST /api/v1/hunts/{id}/runs":                        {on: "hunt", may: forOwn((*citizen).reports), body: body(`{"key":"key-of-anybody"}`)},
	"GET /api/v1/hunt-runs":                               {may: only((*citizen).operates)},
	"GET /api/v1/hunt-runs/{id}":                          {on: "hunt run", may: forOwn((*citizen).operates)},
	"PUT /api/v1/hunt-runs/{id}/parts/{number}":           {on: "hunt run", may: forOwn((*citizen).reports), body: body(partJSON)},
	"POST /api/v1/hunt-runs/{id}/end":                     {on: "hunt run", may: forOwn((*citizen).reports), body: body(`{"parts":99}`)},
	"GET /api/v1/hunt-runs/{id}/compare":                  {on: "hunt run", may: forOwn((*citizen).operates), query: olderRun("")},
	"GET /api/v1/hunt-runs/{id}/changes":                  {on: "hunt run", may: forOwn((*citizen).operates), query: olderRun("&change=both")},
	"GET /api/v1/hunt-findings":                           {may: only((*citizen).operates)},
	"GET /api/v1/hunt-count":                              {may: only((*citizen).operates)},
	"GET /api/v1/hunt-counts":                             {may: only((*citizen).operates), query: query("?by=host")},
	"GET /api/v1/hunt-findings/{id}":                      {on: "hunt finding", may: forOwn((*citizen).operates)},
	"GET /api/v1/hunt-findings/{id}/near":                 {on: "hunt finding", may: forOwn((*citizen).operates)},
	"POST /api/v1/hunt-findings/{id}/decide":              {on: "hunt finding", may: forOwn((*citizen).reports), query: query("?version=99"), body: body(`{"state":"taken"}`)},
	"POST /api/v1/hunt-findings/{id}/release":             {on: "hunt finding", may: forOwn((*citizen).reports), body: body(`{"values":["192.0.2.1"]}`)},
	"GET /api/v1/hunt-decisions":                          {may: only((*citizen).operates)},
	"POST /api/v1/hunt-decisions":                         {may: only((*citizen).reports), body: body(`{"ids":["nobody"],"state":"taken"}`)},
	"POST /api/v1/hunt-decisions/{id}/undo":               {on: "hunt decision", may: forOwn((*citizen).reports)},
	"GET /api/v1/hunt-rules":                              {may: only((*citizen).operates)},
	"POST /api/v1/hunt-rules":                             {may: only((*citizen).reports), body: body(`{"name":" "}`)},
	"GET /api/v1/hunt-rules/{id}":                         {on: "rulebook", may: forOwn((*citizen).operates)},
	"POST /api/v1/hunt-rules/{id}/editions":               {on: "rulebook", may: forOwn((*citizen).reports), body: raw(string(ruleZip()))},
	"GET /api/v1/hunt-rules/{id}/editions/{edition}/file": {on: "rulebook", may: forOwn((*citizen).operates)},
	"POST /api/v1/hunt-rules/{id}/retire":                 {on: "rulebook", may: forOwn((*citizen).reports), body: body(`{}`)},
	"GET /api/v1/hunt-suppressions":                       {may: only((*citizen).operates)},
	"POST /api/v1/hunt-suppressions":                      {may: only((*citizen).reports), body: body(suppressionJSON)},
	"GET /api/v1/hunt-suppressions.toml":                  {may: only((*citizen).operates)},
	"POST /api/v1/hunt-suppressions/{id}/end":             {on: "suppression", may: forOwn((*citizen).reports), body: body(`{}`)},
	"GET /api/v1/hunt-suppressions/{id}/offer":            {on: "suppression", may: forOwn(sharesSuppressions)},
	"POST /api/v1/hunt-suppressions/{id}/offer":           {on: "suppression", may: forOwn(sharesSuppressions), body: body(`{}`)},
	"GET /api/v1/hunt-offers":                             {may: only((*citizen).operates)},
	"POST /api/v1/hunt-offers/{id}/adopt":                 {on: "offer", may: toOperators((*citizen).reports)},
	"POST /api/v1/hunt-offers/{id}/withdraw":              {on: "offer", may: forOwn(sharesSuppressions), fresh: newOffer},
}
