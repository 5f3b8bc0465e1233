package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/engine/geo"
	"noroshi/internal/org"
	"noroshi/internal/selection"
	"noroshi/internal/sensor/synth"
)

// power is the part of the story in which the office asks for power, and uses it.
type power struct {
	*story
	list     selection.List
	granted  approval.Case
	run      selection.HubRun
	said     selection.Statement
	shares   [2][]byte
	holders  [2]context.Context
	records  []selection.Stored
	byDomain string // a pseudonym among them
}

// powerScenes follow the traffic: what operators found on their own networks is
// looked for on a line between countries, under an approval and nothing else.
func (s *story) powerScenes() []scene {
	p := &power{story: s}
	at := func(minute int) time.Duration { return 7*day + 32*time.Hour + time.Duration(minute)*time.Minute }
	return []scene{
		{"selection", at(10), p.listed},
		{"approval", at(20), p.asked},
		{"approval", at(30), p.decided},
		{"selection", at(40), p.entrusted},
		{"selection", at(50), p.ran},
		{"selection", at(52), p.refusals},
		{"selection", at(55), p.seenBy},
		{"selection", at(60), p.read},
		{"selection", at(70), p.overtaken},
		{"selection", at(80), p.reidentified},
		{"selection", at(90), p.agreed},
		{"selection", at(60 * 26), p.erased},
	}
}

// listed makes the list. What meets a warning list is for a second person.
func (p *power) listed() (string, error) {
	analyst, err := p.acts("office", gate.OfficeAnalyst, 0)
	if err != nil {
		return "", err
	}
	if p.list, err = p.compose(); err != nil {
		return "", err
	}
	_, alone := p.h.Selections.Second(analyst, p.list.ID, nil, false)
	return p.say.T("app.story.power_list", "n", p.list.Selectors, "warned", p.list.Warned), must(alone != nil && p.list.Selectors == 2, "the list has %d selectors: %v", p.list.Selectors, alone)
}

// asked asks for an approval; an application that leaves out why is refused.
func (p *power) asked() (string, error) {
	clerk, err := p.acts("office", gate.OfficeClerk, 0)
	if err != nil {
		return "", err
	}
	now := p.clock.Now()
	a := p.application(approval.ForeignForeign, p.list, now, now.AddDate(0, 0, 3))
	without := a
	without.Necessity = ""
	_, refused := p.h.Approvals.Ask(clerk, without)
	if err := must(fault.KindOf(refused) == fault.Invalid, "an application without its necessity: %v", refused); err != nil {
		return "", err
	}
	p.more = append(p.more, p.why(refused))
	p.granted, err = p.examined(a)
	return p.say.T("app.story.power_asked", "number", p.granted.Number), err
}

// decided has three members vote; who asked cannot carry it out.
func (p *power) decided() (string, error) {
	dissent := p.words("期間はもっと短くできたはずである。", "The period could have been shorter.")
	for i, v := range []approval.NewVote{{Choice: approval.For}, {Choice: approval.Against, Opinion: dissent}, {Choice: approval.For}} {
		member, err := p.acts("commission", gate.CommissionMember, i)
		if err != nil {
			return "", err
		}
		if _, err := p.h.Approvals.Vote(member, p.granted.ID, v); err != nil {
			return "", err
		}
	}
	chair, err := p.acts("commission", gate.CommissionMember, 0)
	if err != nil {
		return "", err
	}
	if p.granted, err = p.h.Approvals.Decide(chair, p.granted.ID, approval.Decision{Reason: p.words("要件をすべて満たしている。", "All requirements are met.")}); err != nil {
		return "", err
	}
	clerk, err := p.acts("office", gate.OfficeClerk, 0)
	if err != nil {
		return "", err
	}
	_, refused := p.h.Selections.RunDrill(clerk, selection.NewRun{Approval: string(p.granted.ID)}, "line")
	p.note("app.story.power_dissent", "opinion", dissent)
	return p.say.T("app.story.power_decided", "until", p.say.Short(p.granted.Asked.Until, p.now)),
		must(p.granted.State == approval.Approved && fault.KindOf(refused) == fault.Refused, "%s; who asked ran it: %v", p.granted.State, refused)
}

// entrusted cuts the key of the pseudonyms in two, and tells the carrier.
func (p *power) entrusted() (string, error) {
	clerk, err := p.acts("office", gate.OfficeClerk, 0)
	if err != nil {
		return "", err
	}
	var ids [2]string
	for i, role := range []gate.Role{gate.OfficeHandler, gate.Examiner} {
		who, err := p.by[[]string{"office", "commission"}[i]].with(role, 1-i)
		if err != nil {
			return "", err
		}
		ids[i], p.holders[i] = string(who.ID), who.ctx
		if err := p.h.Selections.Hold(who.ctx, true); err != nil { // nobody holds a share who did not say so
			return "", err
		}
	}
	if _, err := p.h.Selections.Custody(clerk, string(p.granted.ID), ids[0], ids[1]); err != nil {
		return "", err
	}
	for i, who := range p.holders {
		if p.shares[i], err = p.h.Selections.TakeShare(who, string(p.granted.ID)); err != nil {
			return "", err
		}
	}
	carrier, err := p.acts("telecom", gate.CarrierClerk, 0)
	if err != nil {
		return "", err
	}
	told, err := p.h.Approvals.Confirm(carrier, p.granted.ID)
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(told)
	if err != nil {
		return "", err
	}
	return p.say.T("app.story.power_entrusted", "carrier", p.named("telecom")),
		must(!bytes.Contains(raw, []byte(p.granted.Asked.Grounds)) && !bytes.Contains(raw, []byte(p.list.SHA256)), "the carrier learns more than its instruction")
}

// ran selects from the made-up line: all adds up, and no content is anywhere.
func (p *power) ran() (string, error) {
	handler, err := p.acts("office", gate.OfficeHandler, 0)
	if err != nil {
		return "", err
	}
	if p.run, err = p.h.Selections.RunDrill(handler, selection.NewRun{Approval: string(p.granted.ID)}, "line"); err != nil {
		return "", err
	}
	if err := json.Unmarshal(p.run.Statement, &p.said); err != nil {
		return "", err
	}
	d := &p.said.Dropped
	sum := d.Domestic.Packets + d.Direction.Packets + d.Unknown.Packets + d.Unselected.Packets + d.Malformed.Packets + d.Cap.Packets + p.said.Selected.Packets
	n := func(v uint64) string { return p.say.Number(int64(v)) }
	p.note("app.story.power_sums", "domestic", n(d.Domestic.Packets), "direction", n(d.Direction.Packets), "unknown", n(d.Unknown.Packets), "unselected", n(d.Unselected.Packets))
	return p.say.T("app.story.power_ran", "seen", n(p.said.Seen.Packets), "selected", n(p.said.Selected.Packets), "records", n(p.said.Selected.Records)),
		must(sum == p.said.Seen.Packets && p.said.Selected.Records > 0, "%d packets were seen, and the statement adds up to %d", p.said.Seen.Packets, sum)
}

// refusals tries what the approval does not cover: another direction, and no
// approval at all. Each is on record.
func (p *power) refusals() (string, error) {
	handler, err := p.acts("office", gate.OfficeHandler, 0)
	if err != nil {
		return "", err
	}
	_, direction := p.h.Selections.RunDrill(handler, selection.NewRun{Approval: string(p.granted.ID), Directions: []geo.Class{geo.DF}}, "line")
	if err := must(errors.Is(direction, approval.ErrDirection), "another direction: %v", direction); err != nil {
		return "", err
	}
	_, none := p.h.Selections.RunDrill(handler, selection.NewRun{Approval: p.run.ID}, "line")
	if err := must(none != nil, "a run without an approval"); err != nil {
		return "", err
	}
	p.more = append(p.more, p.why(direction), p.why(none))
	inspector, err := p.acts("commission", gate.Inspector, 0)
	if err != nil {
		return "", err
	}
	uses, err := p.h.Approvals.Uses(inspector, p.granted.ID, "", 0)
	if err != nil {
		return "", err
	}
	return p.say.T("app.story.power_refused", "uses", len(uses.Uses), "refusals", len(uses.Refusals)), must(len(uses.Uses) == 1 && len(uses.Refusals) > 0, "%d uses and %d refusals are on record", len(uses.Uses), len(uses.Refusals))
}

// seenBy asks what carrier and inspector see of it: volume and times, statement
// and sums, never a record.
func (p *power) seenBy() (string, error) {
	carrier, err := p.acts("telecom", gate.CarrierClerk, 0)
	if err != nil {
		return "", err
	}
	rows, err := p.h.Selections.Carrier(carrier)
	if err != nil {
		return "", err
	}
	inspector, err := p.acts("commission", gate.Inspector, 0)
	if err != nil {
		return "", err
	}
	v, err := p.h.Selections.ShowRun(inspector, p.run.ID)
	if err != nil {
		return "", err
	}
	for _, who := range []context.Context{carrier, inspector} {
		if _, _, err := p.h.Selections.Read(who, selection.RecordFilter{Run: p.run.ID}, selection.Reason{Purpose: "analyse"}); fault.KindOf(err) != fault.Refused {
			return "", must(false, "somebody else read records: %v", err)
		}
	}
	return p.say.T("app.story.power_seen", "carrier", p.named("telecom"), "commission", p.named("commission")), must(len(rows) > 0 && len(v.Run.Statement) > 0, "%d rows for the carrier", len(rows))
}

// read opens the records for a purpose, gives them to the police, and makes a
// sighting that says by which power it came.
func (p *power) read() (string, error) {
	handler, err := p.acts("office", gate.OfficeHandler, 0)
	if err != nil {
		return "", err
	}
	_, _, refused := p.h.Selections.Read(handler, selection.RecordFilter{Run: p.run.ID}, selection.Reason{})
	if err := must(refused != nil, "records were read without a purpose"); err != nil {
		return "", err
	}
	if p.records, _, err = p.h.Selections.Read(handler, selection.RecordFilter{Run: p.run.ID, Limit: 100}, selection.Reason{Purpose: "analyse"}); err != nil {
		return "", err
	}
	for _, r := range p.records {
		if bytes.Contains(r.Line, []byte(synth.LinkContent)) || bytes.Contains(r.Line, []byte(synth.LinkMailbox)) {
			return "", must(false, "a record holds content")
		}
		var line struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(r.Line, &line); err == nil && len(line.Name) > 2 && line.Name[:2] == "p:" {
			p.byDomain = line.Name
		}
	}
	ref := p.records[0].Selector
	if _, err := p.h.Selections.Disclose(handler, selection.NewDisclosure{Run: p.run.ID, Recipient: string(p.by["police"].Org.ID), Basis: p.words("法の提供の規定", "The Act's rule on provision"),
		Caveat: p.words("捜査以外に使わない", "For the investigation alone"), Why: selection.Reason{Purpose: "warn"}}); err != nil {
		return "", err
	}
	analyst, err := p.acts("office", gate.OfficeAnalyst, 0)
	if err != nil {
		return "", err
	}
	x, err := p.h.Selections.Sight(analyst, p.run.ID, ref, selection.Reason{Purpose: "analyse"}, "")
	if err != nil {
		return "", err
	}
	return p.say.T("app.story.power_read", "n", len(p.records), "police", p.named("police"), "value", x.Value), must(p.byDomain != "", "no pseudonym is among %d records", len(p.records))
}

// overtaken is a run on an approval that ends while it goes on.
func (p *power) overtaken() (string, error) {
	now := p.clock.Now()
	c, err := p.approve(p.application(approval.ForeignDomestic, p.list, now, now.Add(3*time.Minute)))
	if err != nil {
		return "", err
	}
	handler, err := p.acts("office", gate.OfficeHandler, 0)
	if err != nil {
		return "", err
	}
	r, err := p.h.Selections.RunDrill(handler, selection.NewRun{Approval: string(c.ID)}, "line")
	if err != nil {
		return "", err
	}
	var said selection.Statement
	if err := json.Unmarshal(r.Statement, &said); err != nil {
		return "", err
	}
	return p.say.T("app.story.power_over", "last", said.Last.In(p.say.Zone).Format("15:04:05"), "until", c.Asked.Until.In(p.say.Zone).Format("15:04:05")),
		must(said.Ended == selection.EndPeriod && said.Last.Before(c.Asked.Until), "it ended with %s at %s", said.Ended, said.Last)
}

// reidentified opens one pseudonym: with an approval of its own, two shares and
// a reason.
func (p *power) reidentified() (string, error) {
	now := p.clock.Now()
	a := p.application(approval.Reidentify, p.list, now, now.AddDate(0, 0, 1))
	a.Run, a.Subjects, a.Recipients, a.Carrier, a.Link = p.run.ID, []string{p.byDomain}, nil, "", ""
	c, err := p.approve(a)
	if err != nil {
		return "", err
	}
	handler, err := p.acts("office", gate.OfficeHandler, 0)
	if err != nil {
		return "", err
	}
	o, err := p.h.Selections.AskOpening(handler, string(c.ID), selection.Reason{Purpose: "analyse"})
	if err != nil {
		return "", err
	}
	if err := p.h.Selections.GiveShare(p.holders[0], o.ID, slices.Clone(p.shares[0])); err != nil {
		return "", err
	}
	_, early := p.h.Selections.OpenPseudonyms(handler, o.ID)
	if err := must(early != nil, "one share was enough"); err != nil {
		return "", err
	}
	p.more = append(p.more, p.why(early))
	if err := p.h.Selections.GiveShare(p.holders[1], o.ID, slices.Clone(p.shares[1])); err != nil {
		return "", err
	}
	names, err := p.h.Selections.OpenPseudonyms(handler, o.ID)
	if err != nil {
		return "", err
	}
	ok := len(names) == 1 && len(names[0].Values) == 1
	if err := must(ok, "%d pseudonyms were opened", len(names)); err != nil {
		return "", err
	}
	_, known, _ := strings.Cut(p.byDomain, ".") // what the list names; the rest is another in each run
	return p.say.T("app.story.power_opened", "pseudonym", "p:host:…."+known, "value", names[0].Values[0]), nil
}

// agreed offers two operators an agreement. One accepts; the other declines, and
// nobody else learns of it.
func (p *power) agreed() (string, error) {
	now := p.clock.Now()
	for _, id := range []string{"power", "rail"} {
		if err := p.propose(id, now); err != nil {
			return "", err
		}
	}
	rail, err := p.acts("rail", gate.OperatorAdmin, 0)
	if err != nil {
		return "", err
	}
	list, _, _, err := p.h.Selections.Agreements(rail, selection.AgreementFilter{})
	if err != nil || len(list) != 1 {
		return "", must(false, "%d agreements for one operator: %v", len(list), err)
	}
	if _, err := p.h.Selections.Decline(rail, list[0].ID, list[0].Version, ""); err != nil {
		return "", err
	}
	for _, id := range []string{"power", "water", "industry"} {
		for _, who := range p.by[id].people {
			got, _, _, err := p.h.Selections.Agreements(who.ctx, selection.AgreementFilter{})
			if err == nil && slices.ContainsFunc(got, func(a selection.Agreement) bool { return a.Party == string(p.by["rail"].Org.ID) }) {
				return "", must(false, "%s learns that another declined", id)
			}
		}
	}
	return p.say.T("app.story.power_agreed", "one", p.named("power"), "other", p.named("rail")), nil
}

// erased lets the time of the records pass: they are destroyed with a receipt.
func (p *power) erased() (string, error) {
	n, err := p.h.Selections.Erase(org.Local(p.ctx))
	if err != nil {
		return "", err
	}
	inspector, err := p.acts("commission", gate.Inspector, 0)
	if err != nil {
		return "", err
	}
	receipts, _, err := p.h.Selections.Receipts(inspector, "", 100)
	if err != nil {
		return "", err
	}
	handler, err := p.acts("office", gate.OfficeHandler, 0)
	if err != nil {
		return "", err
	}
	left, _, err := p.h.Selections.Read(handler, selection.RecordFilter{Run: p.run.ID}, selection.Reason{Purpose: "analyse"})
	if err != nil && fault.KindOf(err) == fault.Internal {
		return "", err
	}
	return p.say.T("app.story.power_erased", "n", n, "receipts", len(receipts)), must(n > 0 && len(left) == 0 && len(receipts) > 0, "%d erased, %d left", n, len(left))
}
