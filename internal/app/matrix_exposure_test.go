package app

import (
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"noroshi/internal/asset"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/product"
	"noroshi/internal/exposure"
)

// watches: who sees across operators which firm is concerned by what, and
// neither versions nor places: the office all, a ministry its sectors.
func watches(c *citizen) bool {
	return c.ministry() || c.any(gate.OfficeAnalyst, gate.OfficeClerk)
}

func seesExposures(c *citizen) bool { return lists(c) || watches(c) }

// exposed: the operator's own people; the contractor what its equipment
// brings; the office; and the ministry of the operator's sector.
func exposed(c *citizen, x *thing) class {
	switch {
	case c.any(gate.Maintainer):
		return either(!x.none && x.org == "wind" && x.sub["by"] == c.org)
	case c.operates():
		return either(c.isOwn(x))
	case c.ministry():
		return either(!x.none && c.org == "industry")
	case watches(c):
		return either(!x.none)
	}
	return refused
}

// proposed: an analyst suggests, an operator decides; on one page.
func proposed(c *citizen, x *thing) class {
	if c.any(gate.OfficeAnalyst) {
		return either(!x.none)
	}
	return forOwn((*citizen).reports)(c, x)
}

// verdictForm: those who decide or suggest.
func verdictForm(c *citizen, x *thing) class { return formOf(suggests, exposed)(c, x) }

func suggests(c *citizen) bool { return c.reports() || c.any(gate.OfficeAnalyst) }

func proposes(c *citizen, x *thing) class {
	if !c.any(gate.OfficeAnalyst) {
		return refused
	}
	return either(!x.none)
}

// chainOf: one's own chain; the office's analyst anybody's.
func chainOf(c *citizen, x *thing) class {
	switch {
	case c.any(gate.OfficeAnalyst):
		return either(!x.none)
	case c.operates():
		return either(c.isOwn(x))
	}
	return refused
}

func looksAtRuns(c *citizen) bool {
	return c.any(gate.OfficeAnalyst, gate.HubAdmin, gate.CommissionMember)
}

// exposures puts the nation's feed beside equipment: of wind and sea the same
// product, of wind one that a contractor runs and nobody else has.
func (n *nation) exposures() {
	n.t.Helper()
	for _, e := range []struct{ operator, product, by string }{{"wind", "shared_gate", ""}, {"sea", "shared_gate", ""}, {"wind", "lone_gate", "contractor"}} {
		n.vulnerable(e.operator, e.product, e.by)
	}
	n.follow()
	for _, operator := range []string{"wind", "sea"} {
		got, err := n.Exposures.List(n.as(operator+"/admin"), exposure.Filter{Limit: 50})
		n.must(err)
		for _, r := range got.Rows {
			by := ""
			if r.Vulnerability == windFlaw {
				by = "contractor"
			}
			n.add(&thing{kind: "exposure", id: string(r.ID), org: operator, sub: map[string]string{"by": by, "flaw": r.Vulnerability}})
		}
	}
	if len(n.things["exposure"]) != 3 {
		n.t.Fatalf("%d exposures", len(n.things["exposure"]))
	}
	wind := n.things["exposure"][0]
	_, err := n.Exposures.Mark(n.as("wind/admin"), []exposure.ID{exposure.ID(wind.id)}, exposure.Seen, n.mark("ZJWIND", "a note on an exposure of wind", func(c *citizen) bool { return c.org == "wind" && c.operates() }))
	n.must(err)
	n.add(&thing{kind: "exposure", id: uuid.Must(uuid.NewV7()).String(), none: true})
	n.mark(windFlaw+`","product`, "who has the product that wind alone has", func(c *citizen) bool {
		return exposed(c, &thing{org: "wind", sub: map[string]string{"by": "contractor"}}) == through
	})
}

// vulnerable adds a device whose version is a word of its own.
func (n *nation) vulnerable(operator, product, by string) {
	n.t.Helper()
	word := "ZX" + strings.ToUpper(operator)
	own := func(c *citizen) bool { return c.org == operator && c.operates() }
	if by != "" {
		word = "ZY" + strings.ToUpper(operator)
		own = func(c *citizen) bool { return c.org == operator && c.operates() || c.any(gate.Maintainer) }
	}
	n.mark(word, "the register of "+operator+" in an exposure", own)
	d := &asset.Draft{}
	for f, v := range map[asset.Field]string{asset.FieldKind: "vpn", asset.FieldMaker: "起源", asset.FieldProduct: product, asset.FieldVersion: "7.0.1-" + word,
		asset.FieldCPE: "cpe:2.3:a:kigen:" + product + ":*:*:*:*:*:*:*:*", asset.FieldZone: "internet", asset.FieldDomains: strings.ToLower(word) + ".example", asset.FieldService: "送電"} {
		d.Values[f] = v
	}
	if by != "" {
		d.Values[asset.FieldOperatedBy] = string(n.orgs[by].Number)
	}
	_, err := n.Assets.Add(n.as(operator+"/admin"), d, "", "")
	n.must(err)
}

// follow lets happen what follows from what was done.
func (n *nation) follow() {
	n.t.Helper()
	for range 2 {
		n.must(n.Bus.Settle(n.t.Context()))
		n.must(n.Exposures.Work(n.t.Context()))
	}
}

// judgedOnce gives a verdict that can be taken back.
func judgedOnce(n *nation, _ *citizen, x *thing) *thing {
	_, err := n.Exposures.Judge(n.as(x.org+"/admin"), exposure.NewJudgement{Exposures: []exposure.ID{exposure.ID(x.id)}, Justification: product.CodeNotPresent, Words: "確かめました"})
	n.must(err)
	return x
}

const (
	aVerdict  = `{"exposures":["@id"],"justification":"vulnerable_code_not_present","words":"確かめました"}`
	aMark     = `{"exposures":["@id"],"state":"seen"}`
	anUndoing = `{"exposures":["@id"]}`
)

// suggested has the analyst suggest a verdict.
func suggested(n *nation, _ *citizen, x *thing) *thing {
	id := []exposure.ID{exposure.ID(x.id)}
	_, err := n.Exposures.Propose(n.as("office/analyst"), exposure.NewJudgement{Exposures: id, Justification: product.CodeNotPresent, Words: "確かめました"})
	n.must(err)
	e, err := n.Exposures.Get(n.as(x.org+"/admin"), id[0])
	n.must(err)
	y := *x
	y.sub = maps.Clone(x.sub)
	y.sub["verdict"] = e.Proposed[0].ID
	return &y
}

func agreeing(_ *nation, _ *citizen, x *thing) any {
	return fmt.Sprintf(`{"verdict":%q}`, x.sub["verdict"])
}

func agreeingForm(_ *nation, _ *citizen, x *thing) any {
	return url.Values{"verdict": {x.sub["verdict"]}}
}

// meets: whose register an item of intelligence names; to the analyst a count.
func meets(c *citizen) bool { return c.operates() || c.any(gate.OfficeAnalyst) }

// noAct: there is no act of theirs to take back.
func noAct(c *citizen, _ *thing) class {
	if !c.reports() {
		return refused
	}
	return hidden
}

// noName: such a product stands in nobody's register.
func noName(c *citizen, _ *thing) class {
	if !c.reports() && !c.any(gate.Maintainer) {
		return refused
	}
	return hidden
}

// exposureLaws are the routes of exposures.
var exposureLaws = map[string]law{
	"GET /live/exposure":                                    {may: everybody, free: true},
	"GET /api/v1/exposures":                                 {may: only(seesExposures)},
	"GET /api/v1/exposures/{id}":                            {on: "exposure", may: exposed},
	"GET /api/v1/exposure-tally":                            {may: only(seesExposures)},
	"GET /api/v1/vulnerabilities/{vulnerability}/exposures": {on: "flaw", may: only(watches)},
	"GET /api/v1/exposure-figures":                          {may: only(func(c *citizen) bool { return c.operates() || watches(c) })},
	"GET /api/v1/exposure-supply":                           {on: "org", may: chainOf, query: query("?org=@id")},
	"POST /api/v1/exposure-indicators":                      {may: only(suggests), body: body(`{"values":["zxsea.example","zxwind.example","zvbank.example"]}`)},
	"POST /api/v1/exposure-verdicts":                        {on: "exposure", may: forOwn((*citizen).reports), body: body(aVerdict)},
	"POST /api/v1/exposure-proposals":                       {on: "exposure", may: proposes, body: body(aVerdict)},
	"POST /api/v1/exposures/{id}/agree":                     {on: "exposure", may: forOwn((*citizen).reports), body: agreeing, fresh: suggested},
	"POST /api/v1/exposure-undo":                            {on: "exposure", may: forOwn((*citizen).reports), body: body(anUndoing), fresh: judgedOnce},
	"POST /api/v1/exposure-marks":                           {on: "exposure", may: forOwn((*citizen).reports), body: body(aMark)},
	"POST /api/v1/exposure-rematch":                         {may: only(func(c *citizen) bool { return c.any(gate.OfficeAnalyst, gate.HubAdmin) })},
	"GET /api/v1/exposure-rematches":                        {may: only(looksAtRuns)},
	"GET /api/v1/exposure-picture":                          {may: only(watches)},
	"GET /api/v1/exposure-picture.csv":                      {may: only(watches)},
	"GET /api/v1/exposure-names":                            {may: only((*citizen).operates)},
	"PUT /api/v1/exposure-names":                            {may: noName, body: body(`{"maker_key":"none","product_key":"none"}`)},

	"GET /api/v1/exposure-indicators":   {may: only(meets)},
	"GET /indicators":                   {may: only(meets)},
	"GET /exposures":                    {may: only(seesExposures)},
	"POST /exposures/bulk":              {on: "exposure", may: forOwn((*citizen).reports), body: form("id", "@id", "act", "seen")},
	"POST /exposures/undo":              {may: noAct, query: query("?act=none"), body: form()},
	"GET /exposures/verdict":            {on: "exposure", page: true, may: verdictForm, query: query("?id=@id")},
	"POST /exposures/verdict":           {on: "exposure", may: proposed, body: form("id", "@id", "justification", "vulnerable_code_not_present", "words", "確かめました")},
	"GET /exposures/{id}":               {on: "exposure", may: exposed},
	"POST /exposures/{id}/mark":         {on: "exposure", may: forOwn((*citizen).reports), body: form("state", "seen")},
	"POST /exposures/{id}/undo":         {on: "exposure", may: forOwn((*citizen).reports), body: form(), fresh: judgedOnce},
	"POST /exposures/{id}/agree":        {on: "exposure", may: forOwn((*citizen).reports), body: agreeingForm, fresh: suggested},
	"GET /exposures/names":              {may: only((*citizen).operates)},
	"POST /exposures/names":             {may: noName, body: form("act", "refuse", "id", "0", "maker.0", "none", "product.0", "none")},
	"GET /exposures/vulnerability/{id}": {on: "flaw", may: only(watches)},
	"GET /exposures/supply":             {on: "org", may: chainOf, query: query("?org=@id")},
	"GET /exposures/runs":               {may: only(looksAtRuns)},
	"POST /exposures/runs":              {may: only(func(c *citizen) bool { return c.any(gate.OfficeAnalyst, gate.HubAdmin) }), body: form()},
	"GET /exposures/sectors":            {may: only(watches)},
	"GET /exposures/sectors.csv":        {may: only(watches)},
	"GET /executive":                    {may: only(func(c *citizen) bool { return c.operates() || watches(c) })},
}
