package app

import (
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/incident"
)

// eventPlan is one kind of trouble, told in one language.
type eventPlan struct {
	ID       string
	Kind     incident.Kind
	Lang     text.Lang
	Title    string
	Outline  string
	Impact   string
	Business string
	Class    string
	Severity incident.Severity
	Zone     string
	Personal bool
}

func (c *country) event(id string) eventPlan {
	i := slices.IndexFunc(c.Events, func(e eventPlan) bool { return e.ID == id })
	if i < 0 {
		panic("BUG: demo: no event " + id)
	}
	return c.Events[i]
}

func known(v any) incident.Value { return incident.KnownValue(v) }

// report writes the first report of an event that a member noticed at an
// instant: the answers that the built-in example of its kind chose, and texts,
// equipment and people of the member's own.
func (c *country) report(m *member, e eventPlan, at time.Time) *incident.Report {
	r := incident.Template(e.Kind)
	saw, _ := time.Parse(time.RFC3339, r.Values["event.recognised_at"].V.(string))
	later := at.Sub(saw).Truncate(time.Minute)
	for id, v := range r.Values {
		f, _ := incident.Dictionary().Get(id)
		switch {
		case v.State == incident.Known && slices.Contains([]incident.FieldType{incident.TypeText, incident.TypeLongText, incident.TypeList, incident.TypeTable}, f.Type),
			strings.HasPrefix(string(id), "personal."), id == "report.next_at":
			delete(r.Values, id)
		case f.Type == incident.TypeInstant:
			r.Values[id] = move(v, later)
		}
	}
	r.Class, r.Severity = e.Class, e.Severity
	for id, v := range c.about(m) {
		r.Values[id] = v
	}
	for id, v := range map[incident.FieldID]any{
		"event.title": e.Title, "event.outline": e.Outline, "event.status": "contained", "impact.outline": e.Impact, "impact.business": e.Business,
		"impact.services": []string{m.Service.In(m.lang())}, "impact.area": m.Sites[0], "personal.involved": e.Personal,
		"tech.sources": []string{"203.0.113.84"}, "tech.targets": []string{"198.51.100.23"}, // RFC 5737
	} {
		r.Values[id] = known(v)
	}
	r.Values["tech.root_cause"] = incident.Value{State: incident.Investigating}
	r.Values["event.occurred_at"] = incident.RangeValue(stamp(at.Add(-9*time.Hour)), stamp(at.Add(-30*time.Minute)))
	c.affected(m, e, r)
	c.more(m, e, r)
	if e.Personal {
		c.personal(m, r)
	}
	return r
}

// about are the answers about the operator itself.
func (c *country) about(m *member) map[incident.FieldID]incident.Value {
	sector, _ := c.h.Orgs.Sectors.Role(m.orgPlan.Sectors[0])
	out := map[incident.FieldID]incident.Value{
		"operator.name": known(m.orgPlan.Name.JA), "operator.name_en": known(m.orgPlan.Name.EN), "operator.corporate_number": known(string(m.Number)),
		"operator.address": known(m.Address), "operator.sector": known(m.orgPlan.Sectors[0]), "operator.business": known(m.Service.In(m.lang())),
		"operator.competent_ministry": known(sector.Name.JA), "operator.designated": known(true), "operator.telecom": known(m.orgPlan.Sectors[0] == "telecom"),
	}
	for i, id := range []incident.FieldID{"contact.responsible", "contact.public", "contact.duty"} {
		x := m.Contacts[i]
		out[id] = known(incident.Row{"name": x.Name, "department": x.Department, "phone": x.Phone, "mail": x.Mail})
	}
	return out
}

// affected names equipment of the member's own list, in the zone where the
// event happened.
func (c *country) affected(m *member, e eventPlan, r *incident.Report) {
	var rows []incident.Row
	for _, x := range m.pieces {
		if string(x.zone) != e.Zone || len(rows) == 2 {
			continue
		}
		row := incident.Row{"register_id": x.key, "name": x.Product + " " + x.key, "kind": string(x.Kind), "maker": x.Maker, "product": x.Product,
			"model": x.model, "version": x.version, "quantity": "1", "service": m.Service.In(m.lang()), "zone": e.Zone, "role": "compromised"}
		if len(rows) == 1 {
			row["role"] = "suspected"
		}
		for k, v := range row {
			if v == "" {
				delete(row, k)
			}
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		rows = []incident.Row{{"name": e.Title, "role": "suspected"}}
	}
	r.Values["systems.affected"], r.Values["systems.count"] = known(rows), known(int64(len(rows)))
}

// more answers what single sectors, kinds and recipients ask besides.
func (c *country) more(m *member, e eventPlan, r *incident.Report) {
	r.Consents = map[string]bool{"share_with_nco_consent": true, "share_indicators_consent": c.rnd.IntN(3) > 0}
	say := func(ja, en string) string { return text.Both{JA: ja, EN: en}.In(m.lang()) }
	if e.Kind == incident.Ransomware || e.Severity == incident.Act {
		r.Consents["share_with_police_consent"] = true
		r.Values["police.request"] = known([]string{"consult", "advice"})
	}
	if e.Kind != incident.DDoS && c.rnd.IntN(2) == 0 {
		r.Consents["share_with_jpcert_consent"] = true
		r.Values["jpcert.purpose"] = known([]string{"coordinate", "advise"})
	}
	if e.Kind == incident.Cause {
		r.Values["cause.reason"] = known(say("放置すれば、役務を支える機器へ入れる状態だった。", "Left alone, it would have opened the way to equipment behind the service."))
	}
	switch m.orgPlan.Sectors[0] {
	case "finance", "credit_card":
		r.Values["finance.settlement"] = known(false)
		r.Values["finance.functions"] = known([]string{m.Service.In(m.lang())})
	case "telecom":
		r.Values["telecom.services"] = known([]string{"internet"})
		r.Values["telecom.place"] = known(m.Sites[0])
		r.Values["telecom.cause"] = incident.Value{State: incident.Investigating}
		r.Values["telecom.near_miss"] = known(false)
	}
}

func (c *country) personal(m *member, r *incident.Report) {
	none := text.Both{JA: "いまのところ確認されていない。", EN: "None known so far."}
	low := int64(100 * (1 + c.rnd.IntN(9)))
	r.Values["personal.situation"] = known([]string{"leak_possible"})
	r.Values["personal.count"] = incident.RangeValue(low, low+200)
	r.Values["personal.categories"] = known([]string{"name", "phone"})
	r.Values["personal.secondary"] = known(none.In(m.lang()))
	r.Values["personal.notified"] = known("planned")
}

// further is what a follow-up adds, and last what the final report does.
func (c *country) further(m *member) map[incident.FieldID]incident.Value {
	say := func(ja, en string) incident.Value { return known(text.Both{JA: ja, EN: en}.In(m.lang())) }
	w := c.Words[string(m.lang())]
	out := map[incident.FieldID]incident.Value{
		"event.status": known("recovering"), "report.change_note": known(pick(c.rnd, w["change"])),
		"tech.root_cause":   say("修正の適用が1か月遅れていた機器から入られた。", "They came in through a device whose patch was a month late."),
		"response.initial":  say("当該機器を切り離し、保守の認証情報をすべて変えた。", "The devices were disconnected and all maintenance credentials changed."),
		"response.recovery": say("予備の機器で再開し、記録を調べている。", "Service runs on standby devices while logs are examined."),
	}
	if m.orgPlan.Sectors[0] == "telecom" {
		out["telecom.cause"] = say("外部からの大量の通信。", "A flood of traffic from outside.")
	}
	out["response.prevention"] = say("修正の適用を週ごとに確かめる。", "Patches are now checked every week.")
	return out
}

// last closes what was left open: a final report leaves nothing to investigate.
func (c *country) last(m *member, r *incident.Report, now time.Time) map[incident.FieldID]incident.Value {
	out := c.further(m)
	for id, v := range r.Values {
		if _, ok := out[id]; !ok && v.State == incident.Investigating {
			out[id] = incident.Value{}
		}
	}
	out["event.status"] = known("recovered")
	out["event.ended_at"] = known(stamp(now.Add(-6 * time.Hour)))
	out["response.publication"] = known("none")
	if r.Value("personal.involved").V == true {
		out["personal.notified"] = known("done")
	}
	return out
}

func stamp(t time.Time) string { return t.In(text.JST).Truncate(time.Minute).Format(time.RFC3339) }

// move shifts the instants of a value.
func move(v incident.Value, by time.Duration) incident.Value {
	shift := func(x any) any {
		s, ok := x.(string)
		if !ok {
			return x
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return x
		}
		return stamp(t.Add(by))
	}
	v.V, v.Min, v.Max = shift(v.V), shift(v.Min), shift(v.Max)
	return v
}
