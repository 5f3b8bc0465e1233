package app

import (
	"strings"

	"noroshi/internal/base/gate"
	"noroshi/internal/notice/channel"
	"noroshi/internal/sighting"
)

// observes: who records what was seen, for their own organisation.
func observes(c *citizen) bool {
	return c.reports() || c.any(gate.OfficeAnalyst, gate.JPCERTClerk)
}

func looksAtSightings(c *citizen) bool { return observes(c) || c.operates() }

// sightingReading: whose it is; and the office's analysts, who see all that is
// not TLP:RED.
func sightingReading(c *citizen, x *thing) class {
	switch {
	case c.any(gate.OfficeAnalyst):
		return either(!x.none)
	case looksAtSightings(c):
		return either(c.isOwn(x))
	}
	return refused
}

// evidenceReading: an analyst sees evidence only of those who agreed to be
// named, and none of them did.
func evidenceReading(c *citizen, x *thing) class {
	if got := sightingReading(c, x); got != through {
		return got
	}
	return either(c.isOwn(x))
}

// observed makes a sighting of two operators and of the office, whose values
// only those may read who may read the sighting.
func (n *nation) observed() {
	n.t.Helper()
	for _, name := range []string{"wind", "sea"} {
		word := n.mark("ZS"+map[string]string{"wind": "WIND", "sea": "SEA"}[name], "a note of a sighting of "+name, func(c *citizen) bool {
			return c.org == name && c.operates() || c.any(gate.OfficeAnalyst)
		})
		n.sighting(name, word)
	}
}

// sighting records one, with a file of evidence.
func (n *nation) sighting(name, word string) *thing {
	n.t.Helper()
	ctx := n.as(name + "/reporter")
	x, err := n.Sightings.Record(ctx, sighting.New{What: sighting.Indicator, Value: "198.51.100.7", Note: word + " を見た", TLP: "AMBER"})
	n.must(err)
	f, err := n.Sightings.Attach(ctx, x.ID, strings.NewReader("evidence of "+word), "a.txt")
	n.must(err)
	return n.add(&thing{kind: "sighting", id: x.ID, org: name, sub: map[string]string{"file": f.ID}})
}

const aSighting = `{"what":"indicator","value":""}`

var sightingLaws = map[string]law{
	"GET /live/sighting":                      {may: everybody, free: true},
	"GET /sightings":                          {may: only(looksAtSightings)},
	"GET /api/v1/sightings":                   {may: only(looksAtSightings)},
	"GET /sightings/new":                      {may: only(observes)},
	"POST /sightings":                         {may: only(observes), body: form("what", "indicator", "value", "")},
	"POST /api/v1/sightings":                  {may: only(observes), body: body(aSighting)},
	"GET /sightings/{id}":                     {on: "sighting", may: sightingReading},
	"GET /api/v1/sightings/{id}":              {on: "sighting", may: sightingReading},
	"POST /sightings/{id}/withdraw":           {on: "sighting", may: forOwn(observes), body: form("why", ""), fresh: newSighting},
	"POST /api/v1/sightings/{id}/withdraw":    {on: "sighting", may: forOwn(observes), body: body(`{}`), fresh: newSighting},
	"POST /sightings/{id}/files":              {on: "sighting", may: forOwn(observes), body: upload},
	"POST /api/v1/sightings/{id}/files":       {on: "sighting", may: forOwn(observes), query: query("?name=a.txt"), body: raw("a line of a log")},
	"GET /sightings/{id}/files/{file}":        {on: "sighting", may: evidenceReading, sub: true},
	"GET /api/v1/sightings/{id}/files/{file}": {on: "sighting", may: evidenceReading, sub: true},
}

func newSighting(n *nation, _ *citizen, x *thing) *thing {
	y := n.sighting(x.org, "another")
	list := n.things["sighting"]
	n.things["sighting"] = list[:len(list)-1]
	return y
}

// isTold: who says how their organisation is told of notices.
func isTold(c *citizen) bool {
	return c.reports() || c.ministry() || commands(c) || signs(c) || c.any(gate.Maintainer, gate.SupplierContact, gate.MakerContact, gate.OfficeClerk, gate.JPCERTClerk, gate.CommissionMember, gate.Inspector,
		gate.ForeignClerk, gate.SafetyMember, gate.PrivacyClerk, gate.CarrierClerk)
}

// told gives two operators a channel each.
func (n *nation) told() {
	n.t.Helper()
	for _, name := range []string{"wind", "sea"} {
		n.add(n.channel(name))
	}
}

func (n *nation) channel(name string) *thing {
	n.t.Helper()
	c, _, err := n.Channels.Set(n.as(name+"/admin"), channel.Channel{Kind: channel.Webhook, Address: "https://zk" + name + ".example/hook"})
	n.must(err)
	n.mark("zk"+name+".example", "a channel of "+name, func(c *citizen) bool { return c.org == name && isTold(c) })
	return &thing{kind: "channel", id: c.ID, org: name}
}

func newChannel(n *nation, _ *citizen, x *thing) *thing {
	have, err := n.Channels.List(n.as(x.org + "/admin"))
	n.must(err)
	for i, c := range have {
		if i > 2 {
			n.must(n.Channels.Remove(n.as(x.org+"/admin"), c.ID))
		}
	}
	return n.channel(x.org)
}

const aChannel = `{"kind":"mail","address":"nobody"}`

var channelLaws = map[string]law{
	"GET /live/channel":                       {may: everybody, free: true},
	"GET /channels":                           {may: only(isTold)},
	"GET /api/v1/channels":                    {may: only(isTold)},
	"POST /channels":                          {may: only(isTold), body: form("kind", "mail", "address", "nobody", "contact", "1", "least", "act")},
	"POST /api/v1/channels":                   {may: only(isTold), body: body(aChannel)},
	"POST /channels/{id}/confirm":             {on: "channel", may: forOwn(isTold), body: form("code", "x"), fresh: newChannel},
	"POST /api/v1/channels/{id}/confirmation": {on: "channel", may: forOwn(isTold), body: body(`{"code":"x"}`), fresh: newChannel},
	"POST /channels/{id}/test":                {on: "channel", may: forOwn(isTold), body: form()},
	"POST /api/v1/channels/{id}/test":         {on: "channel", may: forOwn(isTold)},
	"POST /channels/{id}/remove":              {on: "channel", may: forOwn(isTold), body: form(), fresh: newChannel},
	"DELETE /api/v1/channels/{id}":            {on: "channel", may: forOwn(isTold), fresh: newChannel},
	"POST /channels/calendar":                 {may: only(isTold), body: form()},
	"POST /api/v1/mail-reports":               {may: only((*citizen).hub), body: raw(bounce)},
	"GET /undelivered":                        {may: only((*citizen).hub)},
	"GET /api/v1/undelivered":                 {may: only((*citizen).hub)},
	"POST /undelivered/{id}/again":            {on: "letter", may: letterAgain, body: form()},
	"POST /api/v1/undelivered/{id}/again":     {on: "letter", may: letterAgain},
}

// bounce is a delivery report of a letter that is not ours.
const bounce = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n" +
	"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <none@hub.example>\r\n\r\n--b--\r\n"

// letterAgain: none has been laid aside.
func letterAgain(c *citizen, _ *thing) class {
	if c.hub() {
		return hidden
	}
	return refused
}
