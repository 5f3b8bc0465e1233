package app

import (
	"encoding/json"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/sensor"
)

// registersSources: who decides what of a network is read.
func registersSources(c *citizen) bool { return c.any(gate.OperatorAdmin) }

// found makes a source of two operators and a finding in each, whose values
// nobody else may learn: not even the office.
func (n *nation) found() {
	n.t.Helper()
	for _, name := range []string{"wind", "sea"} {
		word := n.mark("ZTRAFFIC"+map[string]string{"wind": "WIND", "sea": "SEA"}[name], "a source of traffic of "+name, func(c *citizen) bool { return c.org == name && c.operates() })
		n.source(name, word)
		n.finding(name)
	}
}

func (n *nation) source(name, word string) *thing {
	n.t.Helper()
	x, err := n.Sensors.Register(n.as(name+"/admin"), sensor.NewSource{Name: word, Kind: sensor.Logs, Basis: sensor.OwnNetwork, Networks: "192.0.2.0/24"})
	n.must(err)
	return n.add(&thing{kind: "source", id: x.ID, org: name})
}

// finding has a new one come in.
func (n *nation) finding(name string) *thing {
	n.t.Helper()
	source := ""
	for _, x := range n.things["source"] {
		if x.org == name {
			source = x.id
		}
	}
	now := n.now()
	f := sensor.Found{Kind: "beacon", Score: 0.9, Src: "192.0.2.1", Dst: "d" + time.Duration(len(n.things["finding"])).String() + ".example", Start: now, End: now, Evidence: json.RawMessage(`{}`)}
	_, err := n.Sensors.Take(n.as(name+"/reporter"), source, sensor.Reading{From: now, Until: now}, []sensor.Found{f})
	n.must(err)
	list, _, err := n.Sensors.Findings(n.as(name+"/reporter"), sensor.Filter{Limit: 100})
	n.must(err)
	id := ""
	for _, x := range list { // ids are made in order
		id = max(id, x.ID)
	}
	return n.add(&thing{kind: "finding", id: id, org: name})
}

func newFinding(n *nation, _ *citizen, x *thing) *thing {
	y := n.finding(x.org)
	list := n.things["finding"]
	n.things["finding"] = list[:len(list)-1]
	return y
}

func newSource(n *nation, _ *citizen, x *thing) *thing {
	y := n.source(x.org, "another")
	list := n.things["source"]
	n.things["source"] = list[:len(list)-1]
	return y
}

var sensorLaws = map[string]law{
	"GET /live/sensor":                   {may: everybody, free: true},
	"GET /sensors":                       {may: only((*citizen).operates)},
	"GET /api/v1/sensors":                {may: only((*citizen).operates)},
	"GET /sensors/new":                   {may: only(registersSources)},
	"POST /sensors":                      {may: only(registersSources), body: form("name", "")},
	"POST /api/v1/sensors":               {may: only(registersSources), body: body(`{"name":" ","kind":"logs","basis":"test"}`)},
	"GET /sensors/{id}":                  {on: "source", may: forOwn((*citizen).operates)},
	"GET /api/v1/sensors/{id}":           {on: "source", may: forOwn((*citizen).operates)},
	"POST /sensors/{id}/end":             {on: "source", may: forOwn(registersSources), body: form("why", ""), fresh: newSource},
	"POST /api/v1/sensors/{id}/end":      {on: "source", may: forOwn(registersSources), body: body(`{}`), fresh: newSource},
	"POST /api/v1/sensors/{id}/findings": {on: "source", may: forOwn((*citizen).reports), body: body(`{"reading":{"from":"2026-11-01T00:00:00Z","until":"2026-11-01T00:00:00Z","packets":0,"bytes":0,"records":0,"lost":0,"broken":0,"evicted":0}}`)},
	"GET /findings":                      {may: only((*citizen).operates)},
	"GET /api/v1/findings":               {may: only((*citizen).operates)},
	"GET /findings/{id}":                 {on: "finding", may: forOwn((*citizen).operates)},
	"GET /api/v1/findings/{id}":          {on: "finding", may: forOwn((*citizen).operates)},
	"POST /findings/{id}/decide":         {on: "finding", may: forOwn((*citizen).reports), body: form("state", "", "version", "9")},
	"POST /api/v1/findings/{id}/decide":  {on: "finding", may: forOwn((*citizen).reports), query: query("?version=9"), body: body(`{"state":"taken"}`)},
	"POST /findings/{id}/release":        {on: "finding", may: forOwn((*citizen).reports), body: form("named", ""), fresh: newFinding},
	"POST /api/v1/findings/{id}/release": {on: "finding", may: forOwn((*citizen).reports), body: body(`{}`), fresh: newFinding},
}
