package app

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/gate"
	"noroshi/internal/vendor"
)

// coordinates: who asks makers, for the body they are of.
func coordinates(c *citizen) bool {
	return c.any(gate.OfficeAnalyst, gate.OfficeClerk, gate.JPCERTClerk)
}

func makes(c *citizen) bool { return c.any(gate.MakerContact) }

func seesVendors(c *citizen) bool { return coordinates(c) || makes(c) || c.ministry() }

// vendorCase: who coordinates it; the maker that was asked in it; the ministry
// of its sectors, which sees how it stands.
func vendorCase(c *citizen, x *thing) class {
	switch {
	case coordinates(c):
		return either(c.isOwn(x))
	case makes(c):
		return either(c.isSent(x))
	case c.ministry():
		return either(!x.none && c.org == "industry")
	}
	return refused
}

// vendorRequest: as the case; a maker reads its own only, and a ministry
// nothing before the embargo is over.
func vendorRequest(c *citizen, x *thing) class {
	if c.ministry() {
		return either(!x.none && c.org == "industry" && x.sub["embargo"] == "")
	}
	return vendorCase(c, x)
}

// insideRequest: what is said and sent between coordinator and maker.
func insideRequest(c *citizen, x *thing) class {
	if !coordinates(c) && !makes(c) {
		return refused
	}
	return vendorRequest(c, x)
}

func requestOf(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return vendorRequest(c, x)
	}
}

func caseOf(some func(c *citizen) bool) func(*citizen, *thing) class {
	return func(c *citizen, x *thing) class {
		if !some(c) {
			return refused
		}
		return vendorCase(c, x)
	}
}

// asked opens cases with the maker: the office's under an embargo and without,
// the coordination centre's without a request that was sent.
func (n *nation) asked() {
	n.t.Helper()
	n.makerCase("office/analyst", "EMBARGO", n.clock.Now().AddDate(0, 0, 9), true)
	n.makerCase("office/analyst", "OPEN", time.Time{}, true)
	n.makerCase("jpcert/clerk", "UNSENT", time.Time{}, false)
	for _, kind := range []string{"vendor case", "vendor request", "vendor paper"} {
		n.add(&thing{kind: kind, id: uuid.NewString(), none: true, sub: map[string]string{"product": uuid.NewString(), "document": uuid.NewString()}})
	}
}

// makerCase opens a case; what it says is for those in it, and once no embargo
// runs for the ministry.
func (n *nation) makerCase(by, word string, embargo time.Time, send bool) {
	n.t.Helper()
	body, _, _ := strings.Cut(by, "/")
	x := &thing{kind: "vendor case", org: body}
	if send {
		x.sent = []string{"maker"}
	}
	r := &thing{kind: "vendor request", org: body, sent: x.sent, sub: map[string]string{"document": uuid.NewString()}}
	if !embargo.IsZero() {
		r.sub["embargo"] = "runs"
	}
	fact := n.mark("ZVC"+word, "the facts of a case ("+word+")", func(c *citizen) bool { return seesVendors(c) && vendorRequest(c, r) == through })
	inside := func(c *citizen) bool { return seesVendors(c) && insideRequest(c, r) == through }
	c, rs, err := n.Vendors.Start(n.as(by), vendor.NewCase{Title: fact + " の欠陥", Facts: fact, Sectors: []string{"electricity"}, Send: send, Embargo: vendor.Embargo{Until: embargo, Zone: "Asia/Tokyo"},
		Vulnerability: fmt.Sprintf("CVE-2099-2%04d", len(n.markers)), Makers: []vendor.NewMaker{{Org: string(n.orgs["maker"].ID), Products: []vendor.NewProduct{{Name: fact + " Gate"}, {Name: fact + " Wall"}}}}})
	n.must(err)
	x.id, r.id = c.ID, rs[0].ID
	n.add(x)
	n.add(r)
	n.mark(c.Number, "the number of a case ("+word+")", func(c *citizen) bool { return seesVendors(c) && vendorCase(c, x) == through })
	_, err = n.Vendors.Say(n.as(by), r.id, "", "question", n.mark("ZVT"+word, "a conversation with the maker ("+word+")", inside)+" はいつですか")
	n.must(err)
	who := "maker/contact"
	if !send {
		who = by
	}
	v, err := n.Vendors.Open(n.as(who), r.id, "")
	n.must(err)
	r.sub["product"] = v.Products[0].ID
	if !send {
		return
	}
	maker := n.as("maker/contact")
	n.must(n.Vendors.Accept(maker, r.id))
	n.must(n.Vendors.Answer(maker, r.id, []vendor.ProductAnswer{{ID: v.Products[0].ID, Status: vendor.Affected, Versions: "7.0", Fix: vendor.Planned, FixOn: n.clock.Now().AddDate(0, 0, 20).Format("2006-01-02"), Interim: fact + " を止めてください"}}))
	v, err = n.Vendors.Open(maker, r.id, "")
	n.must(err)
	r.sub["document"] = v.Documents[0].ID
	paper := *r
	paper.kind = "vendor paper"
	n.add(&paper)
}

func answerProduct(_ *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"answers":[{"id":%q,"status":"none"}]}`, x.sub["product"])
}

const (
	aCase  = `{"title":"x","vulnerability":"none"}`
	aNote  = `{}`
	aMaker = `{"org":"none","products":[]}`
)

// vendorLaws are the routes of requests to makers.
var vendorLaws = map[string]law{
	"GET /live/vendor":                                       {may: everybody, free: true},
	"GET /api/v1/vendor-cases":                               {may: only(seesVendors)},
	"POST /api/v1/vendor-cases":                              {may: only(func(c *citizen) bool { return coordinates(c) || makes(c) }), body: body(aCase)},
	"GET /api/v1/vendor-cases/{id}":                          {on: "vendor case", may: vendorCase},
	"PATCH /api/v1/vendor-cases/{id}":                        {on: "vendor case", may: caseOf(coordinates), body: body(`{}`), head: ifMatch},
	"POST /api/v1/vendor-cases/{id}/makers":                  {on: "vendor case", may: caseOf(coordinates), body: body(aMaker)},
	"POST /api/v1/vendor-cases/{id}/embargo":                 {on: "vendor case", may: caseOf(coordinates), body: body(`{"until":"2020-01-01T00:00:00Z","zone":"Asia/Tokyo","reason":"x"}`)},
	"GET /api/v1/vendor-requests":                            {may: only(seesVendors)},
	"GET /api/v1/vendor-requests/{id}":                       {on: "vendor request", may: vendorRequest},
	"POST /api/v1/vendor-requests/{id}/triage":               {on: "vendor request", may: requestOf(coordinates), body: body(aNote)},
	"POST /api/v1/vendor-requests/{id}/send":                 {on: "vendor request", may: requestOf(coordinates), body: body(`{"due_at":"2020-01-01T00:00:00Z"}`)},
	"POST /api/v1/vendor-requests/{id}/told":                 {on: "vendor request", may: tellsUsers, body: body(aNote)},
	"POST /api/v1/vendor-requests/{id}/close":                {on: "vendor request", may: requestOf(coordinates), body: body(aNote)},
	"POST /api/v1/vendor-requests/{id}/accept":               {on: "vendor request", may: requestOf(makes), body: body(aNote)},
	"POST /api/v1/vendor-requests/{id}/decline":              {on: "vendor request", may: requestOf(makes), body: body(aNote)},
	"POST /api/v1/vendor-requests/{id}/tell":                 {on: "vendor request", may: requestOf(coordinates)},
	"POST /api/v1/vendor-requests/{id}/answers":              {on: "vendor request", may: requestOf(makes), body: answerProduct},
	"POST /api/v1/vendor-requests/{id}/messages":             {on: "vendor request", may: insideRequest, body: body(`{"text":" "}`)},
	"POST /api/v1/vendor-requests/{id}/documents":            {on: "vendor request", may: requestOf(makes), body: raw("{}")},
	"GET /api/v1/vendor-requests/{id}/documents/{document}":  {on: "vendor paper", may: insideRequest, sub: true},
	"GET /api/v1/vendor-requests/{id}/csaf":                  {on: "vendor request", may: insideRequest},
	"GET /api/v1/vendor-folder":                              {may: only(makes), query: query("?site=https://maker.example/csaf/")},
	"GET /vendor":                                            {may: only(seesVendors)},
	"GET /api/v1/vendor-products":                            {may: only(makes)},
	"GET /vendor/products":                                   {may: only(makes)},
	"GET /vendor/folder":                                     {may: only(makes)},
	"GET /vendor/cases":                                      {may: only(seesVendors)},
	"GET /vendor/cases/new":                                  {may: only(func(c *citizen) bool { return coordinates(c) || makes(c) })},
	"POST /vendor/cases":                                     {may: only(func(c *citizen) bool { return coordinates(c) || makes(c) }), body: form("title", "")},
	"GET /vendor/cases/{id}":                                 {on: "vendor case", may: vendorCase},
	"POST /vendor/cases/{id}/makers":                         {on: "vendor case", may: caseOf(coordinates), body: form("maker", "none")},
	"POST /vendor/cases/{id}/embargo":                        {on: "vendor case", may: caseOf(coordinates), body: form("embargo", "2020-01-01T00:00", "embargo_zone", "Asia/Tokyo", "reason", "x")},
	"GET /vendor/requests/{id}":                              {on: "vendor request", may: vendorRequest},
	"POST /vendor/requests/{id}/triage":                      {on: "vendor request", may: requestOf(coordinates), body: form()},
	"POST /vendor/requests/{id}/send":                        {on: "vendor request", may: requestOf(coordinates), body: form("note.send", strings.Repeat("長", 5000))},
	"POST /vendor/requests/{id}/told":                        {on: "vendor request", may: tellsUsers, body: form()},
	"POST /vendor/requests/{id}/tell":                        {on: "vendor request", may: requestOf(coordinates), body: form()},
	"POST /vendor/requests/{id}/close":                       {on: "vendor request", may: requestOf(coordinates), body: form()},
	"POST /vendor/requests/{id}/accept":                      {on: "vendor request", may: requestOf(makes), body: form()},
	"POST /vendor/requests/{id}/decline":                     {on: "vendor request", may: requestOf(makes), body: form()},
	"POST /vendor/requests/{id}/messages":                    {on: "vendor request", may: insideRequest, body: form("text", "")},
	"POST /vendor/requests/{id}/bulk":                        {on: "vendor request", may: requestOf(makes), body: form("status", "unknown")},
	"POST /vendor/requests/{id}/documents":                   {on: "vendor request", may: requestOf(makes), body: upload},
	"GET /vendor/requests/{id}/documents/{document}":         {on: "vendor paper", may: insideRequest, sub: true},
	"GET /vendor/requests/{id}/csaf":                         {on: "vendor request", may: insideRequest},
	"GET /vendor/requests/{id}/products/{product}":           {on: "vendor request", may: vendorRequest, sub: true},
	"POST /vendor/requests/{id}/products/{product}":          {on: "vendor request", may: requestOf(makes), body: form("status", "none")},
	"POST /vendor/requests/{id}/products/{product}/messages": {on: "vendor request", may: insideRequest, sub: true, body: form("text", "")},
}

// tellsUsers: who coordinates; while an embargo runs, telling is refused.
func tellsUsers(c *citizen, x *thing) class {
	if got := requestOf(coordinates)(c, x); got != through {
		return got
	}
	if x.sub["embargo"] != "" {
		return refused
	}
	return through
}
