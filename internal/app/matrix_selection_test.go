package app

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/approval"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/engine/geo"
	"noroshi/internal/selection"
	"noroshi/internal/sensor/synth"
)

// carries: who is designated to handle communications information, and alone
// carries orders out.
func carries(c *citizen) bool { return c.any(gate.OfficeHandler) }

// composes: who makes lists of selectors, and alone reads what is in them.
func composes(c *citizen) bool { return c.any(gate.OfficeAnalyst) }

func inspects(c *citizen) bool { return c.any(gate.Inspector) }

// seesRuns: whose runs they are, and who supervises them. An examiner does not.
func seesRuns(c *citizen) bool {
	return asks(c) || carries(c) || composes(c) || inspects(c) || votes(c)
}

// readsConditions: who makes lists, who carries out by them, and the inspector, to
// whom they are shown on record.
func readsConditions(c *citizen) bool { return composes(c) || carries(c) || inspects(c) }

// readsRecords: who handles records, and the police, to whom they were given.
func readsRecords(c *citizen) bool {
	return carries(c) || composes(c) || c.any(gate.PoliceOfficer)
}

// party: who speaks for the party of an agreement.
func party(c *citizen) bool { return c.any(gate.OperatorAdmin) }

// inTalks: who has to know of a proposal and of what was answered: the clerk who
// conducts it, and who speaks for the party.
func inTalks(c *citizen, x *thing) bool {
	return !c.out && (c.name == x.person || party(c) && c.isSent(x))
}

// inForce: an agreement that came about is known to who works under it and to
// who supervises it; a proposal, and a refusal, to nobody but who talked.
func inForce(x *thing) bool { return !x.none && x.sub["state"] == "in force" }

func agreementReading(c *citizen, x *thing) class {
	switch {
	case party(c):
		return either(c.isSent(x))
	case asks(c):
		return either(c.name == x.person || c.isOwn(x) && inForce(x))
	case carries(c), composes(c):
		return either(c.isOwn(x) && inForce(x))
	case inspects(c):
		return either(inForce(x))
	}
	return refused
}

// furthered adds what the office does with its powers: lists, runs on a made-up
// line, what comes of them, and agreements with three operators.
func (n *nation) furthered() {
	n.t.Helper()
	for name, r := range map[string]gate.Role{"deputy": gate.OfficeClerk, "peer": gate.OfficeAnalyst, "relief": gate.OfficeHandler} {
		n.people = append(n.people, n.join("office", name, r))
	}
	n.Selections.Limits.Extensions = 1000
	n.line()
	n.list = n.lists()
	n.agreements(n.list)
	n.runs(n.list)
	n.unknown()
	gone := map[string]string{"consent": uuid.NewString(), "selector": nowhere}
	for _, kind := range []string{"agreement", "selectors", "run", "found", "disclosure", "custody", "opening"} {
		n.add(&thing{kind: kind, id: uuid.Must(uuid.NewV7()).String(), none: true, sub: gone})
	}
}

// unknown marks what there is by its id: that it exists is known to those alone
// who know of it otherwise, and to members, who read the record of all acts.
func (n *nation) unknown() {
	n.t.Helper()
	wind := n.things["agreement"][0]
	for kind, may := range map[string]func(c *citizen, x *thing) bool{
		"approval": func(c *citizen, x *thing) bool {
			return approvalCase(c, x) == through || instruction(c, x) == through || x.sub["state"] == "approved" && (seesRuns(c) || holds(c)) || x.sub["kind"] == "agreement" && agreementReading(c, wind) == through ||
				c.any(gate.PoliceOfficer) && slices.ContainsFunc(n.things["run"], func(r *thing) bool { return r.sub["given"] != "" && r.sub["approval"] == x.id })
		},
		"agreement": func(c *citizen, x *thing) bool { return agreementReading(c, x) == through || seesRuns(c) && inForce(x) },
		"selectors": func(c *citizen, x *thing) bool {
			return listReading(c, x) == through || x.sub["state"] == "ready" && agreementReading(c, wind) == through
		},
		"run": func(c *citizen, x *thing) bool {
			return runReading(c, x) == through || recordReading(c, x) == through || x.sub["name"] != "" && readsApprovals(c)
		},
		"disclosure": func(c *citizen, x *thing) bool { return disclosed(c, x) == through || seesRuns(c) },
		"opening":    func(c *citizen, x *thing) bool { return c.name == x.person || x.sub[c.name] == "holds" || inspects(c) },
	} {
		for _, x := range n.things[kind] {
			if !x.none {
				n.mark(x.id, "that there is a thing: "+kind, func(c *citizen) bool { return !c.out && (may(c, x) || votes(c)) })
			}
		}
	}
}

// nowhere is the public id of a selector that no list has.
const nowhere = "s:0000000000000000"

// line is a made-up line between countries. What is planted in it is content.
func (n *nation) line() {
	n.t.Helper()
	table, err := geo.Embedded()
	n.must(err)
	p, err := selection.NewPrefixes(table, synth.LinkOwn(), synth.LinkAway())
	n.must(err)
	n.Selections.Drills = []selection.Drill{{ID: "ZSOURCE", Name: text.Both{JA: "作った回線", EN: "Made-up line"}, Link: "ZSLINE", Prefixes: p, Open: func() (io.ReadCloser, error) {
		var b bytes.Buffer
		err := synth.WriteLink(&b, synth.LinkConfig{Seed: 7, Start: n.clock.Now().Add(time.Minute), Length: 2 * time.Minute, Talks: 30})
		return io.NopCloser(&b), err
	}}}
	n.mark("ZSLINE", "a line under an order", func(c *citizen) bool { return readsApprovals(c) || seesRuns(c) || c.any(gate.CarrierClerk) })
	n.mark("ZSOURCE", "what a run read", func(c *citizen) bool { return seesRuns(c) && c.org == "office" })
	n.mark(synth.LinkContent, "what was said on the line", func(*citizen) bool { return false })
	n.mark(synth.LinkMailbox, "who wrote on the line", func(*citizen) bool { return false })
}

// lists makes a list that is compiled, with a selector that met a warning list,
// and one that waits for a second person.
func (n *nation) lists() selection.List {
	n.t.Helper()
	inOffice := func(c *citizen) bool { return asks(c) || composes(c) || carries(c) }
	n.mark("ZNREADY", "the name of a list", inOffice)
	n.mark("ZNWAITS", "the name of a waiting list", inOffice)
	// A compiled list is handed to who carries it out on another machine.
	n.mark("unseen.zsel.example", "a selector", readsConditions)
	n.mark("waits.zsel.example", "a selector that waits", composes)
	n.mark("198.18.77.7", "a selector that met a warning list", composes)
	n.mark("ZNWHY", "why a warning list was overridden", readsConditions)
	n.mark("ZNACT", "the act that a list is for", readsConditions)
	l := n.listed("ZNREADY", "type,value\naddress,"+synth.LinkServer.String()+"\ndomain,"+synth.LinkDomain+"\ndomain,unseen.zsel.example\n")
	for i := range l.Overrides {
		l.Overrides[i].Take, l.Overrides[i].Reason = true, "ZNWHY 作った回線のため"
	}
	l, err := n.Selections.Second(n.as("office/peer"), l.ID, l.Overrides, false)
	n.must(err)
	n.add(&thing{kind: "selectors", id: l.ID, org: "office", person: "office/analyst", sub: map[string]string{"state": "ready"}})
	w := n.listed("ZNWAITS", "type,value\naddress,198.18.77.7\ndomain,waits.zsel.example\n")
	n.add(&thing{kind: "selectors", id: w.ID, org: "office", person: "office/analyst", sub: map[string]string{"state": "waiting"}})
	return l
}

func (n *nation) listed(name, data string) selection.List {
	n.t.Helper()
	l, err := n.Selections.MakeList(n.as("office/analyst"), selection.NewList{Name: name, File: "list.csv", Data: []byte(data), Act: "ZNACT 指令", Source: "intel/1"})
	n.must(err)
	if l.State != selection.ListWaiting {
		n.t.Fatalf("the list %s is %s", name, l.State)
	}
	return l
}

// agreements: with wind one is in force, sea refused one, the bank is asked.
func (n *nation) agreements(l selection.List) {
	n.t.Helper()
	wind := n.proposed("wind", "FORCE", "in force")
	_, err := n.Selections.Accept(n.as("wind/admin"), wind.id, 1)
	n.must(err)
	_, err = n.Selections.Say(n.as("wind/admin"), wind.id, thread.Note, n.mark("ZGTALK", "talks with wind", func(c *citizen) bool { return inTalks(c, wind) })+" です")
	n.must(err)
	inside := func(c *citizen) bool { return agreementReading(c, wind) == through && !inspects(c) }
	k, err := n.Selections.Consent(n.as("wind/admin"), wind.id, n.mark("ZGCONSENT", "a consent of wind", inside)+" のため", n.clock.Now().AddDate(0, 0, 20))
	n.must(err)
	wind.sub["consent"] = k.ID
	_, err = n.Selections.Return(n.as("office/handler"), wind.id, n.mark("ZGRESULT", "what wind got back", inside), "ZGRESULT の分析")
	n.must(err)
	g, err := n.Selections.Grant(n.as("office/clerk"), wind.id, l.ID)
	n.must(err)
	n.add(&thing{kind: "approval", id: g.Approval, org: "office", sent: []string{"wind"}, sub: map[string]string{"state": "approved", "kind": "agreement"}})

	sea := n.proposed("sea", "REFUSED", "declined")
	_, err = n.Selections.Say(n.as("sea/admin"), sea.id, thread.Question, n.mark("ZGASK", "talks with sea", func(c *citizen) bool { return inTalks(c, sea) })+" はなぜですか")
	n.must(err)
	_, err = n.Selections.Decline(n.as("sea/admin"), sea.id, 1, n.mark("ZGREFUSED", "why sea refused", func(c *citizen) bool { return inTalks(c, sea) })+" お断りします")
	n.must(err)
	n.proposed("bank", "ASKED", "proposed")
}

// proposed offers an operator an agreement, by the first clerk of the office.
func (n *nation) proposed(operator, word, becomes string) *thing {
	n.t.Helper()
	x := &thing{kind: "agreement", org: "office", person: "office/clerk", sent: []string{operator}, sub: map[string]string{"state": becomes, "consent": uuid.NewString()}}
	reads := func(c *citizen) bool { return agreementReading(c, x) == through }
	a, err := n.Selections.Propose(n.as("office/clerk"), string(n.orgs[operator].ID), selection.Article11, n.terms(
		n.mark("ZGT"+word, "an agreement ("+word+")", reads), n.mark("ZGU"+word, "what a party would give ("+word+")", reads),
		// Who carries it out and the commission read the order, and the party its instruction.
		n.mark("ZGL"+word, "the line of a party ("+word+")", func(c *citizen) bool {
			return reads(c) || inForce(x) && (readsApprovals(c) || c.isSent(x) && c.reports())
		})))
	n.must(err)
	x.id = a.ID
	return n.add(x)
}

func (n *nation) terms(title, gives, link string) selection.Terms {
	from := n.clock.Now().UTC().Truncate(time.Second)
	return selection.Terms{Title: title, Link: link, From: from, Until: from.AddDate(0, 2, 0), Directions: selection.Ways{geo.FD}, Cap: approval.Quantity{Bytes: 1 << 30}, Fields: selection.DefaultFields,
		Addresses: "plain", RetainDays: 30, Recipients: []string{"police"}, Targets: []string{"侵入"}, Grounds: "一致する指標がある", NoOther: "ほかに手段がない", Necessity: "この回線に限る", Gives: gives, Returns: "分析の結果"}
}

// ordered has an application for the made-up line approved.
func (n *nation) ordered(word string, l selection.List, edit func(a *approval.Application)) *thing {
	n.t.Helper()
	return n.granted(n.application(word, func(a *approval.Application) {
		a.Link, a.Cap, a.Fields, a.Addresses, a.RetainDays = "ZSLINE", approval.Quantity{Bytes: 1 << 40}, selection.DefaultFields, "plain", 30
		a.Selectors = approval.Selectors{Hash: l.SHA256, Name: "選別の条件", Count: l.Selectors}
		if edit != nil {
			edit(a)
		}
	}))
}

// runs: one that ended, with records, of which the police were given some; one
// on another machine that goes on; one whose pseudonyms are to be opened.
func (n *nation) runs(l selection.List) {
	n.t.Helper()
	done := n.drilled(n.ordered("PLAIN", l, nil))
	list, _, err := n.Selections.Read(n.as("office/handler"), selection.RecordFilter{Run: done.id, Limit: 500}, selection.Reason{Purpose: "analyse"})
	n.must(err)
	text := ""
	for _, x := range list {
		text += string(x.Line)
	}
	const own = "192.0.2.77" // at home, of an infected machine
	if !strings.Contains(text, own) || !strings.Contains(text, synth.LinkDomain) {
		n.t.Fatalf("%d records without what was planted", len(list))
	}
	done.sub["selector"], done.sub["given"] = list[0].Selector, "police"
	n.mark(own, "a record", readsRecords)
	n.mark(synth.LinkDomain, "a selector, and records", func(c *citizen) bool { return readsRecords(c) || readsConditions(c) })
	n.mark(synth.LinkServer.String(), "a selector, and records", func(c *citizen) bool { return readsRecords(c) || readsConditions(c) })
	supervised := func(c *citizen) bool { return seesRuns(c) }
	_, err = n.Selections.Extend(n.as("office/handler"), done.id, n.clock.Now().AddDate(0, 0, 31), n.mark("ZSLONGER", "why records are kept longer", supervised)+" ため")
	n.must(err)
	d, err := n.Selections.Disclose(n.as("office/handler"), selection.NewDisclosure{Run: done.id, Recipient: string(n.orgs["police"].ID), Basis: n.mark("ZSBASIS", "the basis of a disclosure", func(c *citizen) bool { return supervised(c) || c.any(gate.PoliceOfficer) }),
		Caveat: n.mark("ZSCAVEAT", "the caveat of a disclosure", func(c *citizen) bool { return supervised(c) || c.any(gate.PoliceOfficer) }) + " 捜査に使わない", Why: selection.Reason{Purpose: "warn"}})
	n.must(err)
	n.add(&thing{kind: "disclosure", id: d.ID, org: "office", sent: []string{"police"}, sub: map[string]string{"run": done.id}})

	remote := n.ordered("REMOTE", l, nil)
	r, err := n.Selections.BeginRemote(n.as("office/handler"), selection.NewRun{Approval: remote.id, Link: "ZSLINE"})
	n.must(err)
	n.add(&thing{kind: "run", id: r.Run.ID, org: "office", person: "office/handler", sub: map[string]string{"state": "going", "approval": remote.id, "selector": nowhere}})
	n.opening(l)
	for _, x := range n.things["run"] {
		if x.sub["state"] == "done" { // something was found in it
			y := *x
			y.kind = "found"
			n.add(&y)
		}
	}
}

// drilled runs an approval on the made-up line.
func (n *nation) drilled(of *thing) *thing {
	n.t.Helper()
	r, err := n.Selections.RunDrill(n.as("office/handler"), selection.NewRun{Approval: of.id}, "ZSOURCE")
	n.must(err)
	if r.Records == 0 {
		n.t.Fatalf("a run kept nothing: %s", r.Statement)
	}
	return n.add(&thing{kind: "run", id: r.ID, org: "office", person: "office/handler", sub: map[string]string{"state": "done", "approval": of.id, "selector": nowhere}})
}

// opening: an approval whose key two people hold, and a re-identification that
// waits for both.
func (n *nation) opening(l selection.List) {
	n.t.Helper()
	of := n.ordered("VEILED", l, func(a *approval.Application) { a.Addresses = "pseudonym" })
	holders := []string{"office/relief", "commission/examiner"}
	for _, h := range holders {
		n.must(n.Selections.Hold(n.as(h), true))
	}
	_, err := n.Selections.Custody(n.as("office/clerk"), of.id, string(n.citizen(holders[0]).id), string(n.citizen(holders[1]).id))
	n.must(err)
	n.add(&thing{kind: "custody", id: of.id, org: "office", sub: map[string]string{holders[0]: "holds", holders[1]: "holds"}})
	for _, h := range holders {
		_, err := n.Selections.TakeShare(n.as(h), of.id)
		n.must(err)
	}
	run := n.drilled(of)
	list, _, err := n.Selections.Read(n.as("office/handler"), selection.RecordFilter{Run: run.id, Limit: 1}, selection.Reason{Purpose: "analyse"})
	n.must(err)
	run.sub["selector"], run.sub["name"] = list[0].Selector, "asked for"
	_, rest, _ := strings.Cut(string(list[0].Line), `"src":"`)
	name, _, _ := strings.Cut(rest, `"`)
	n.mark(name, "a pseudonym", func(c *citizen) bool { return carries(c) || composes(c) || readsApprovals(c) })
	ask := n.granted(n.application("OPEN", func(a *approval.Application) {
		*a = approval.Application{Kind: approval.Reidentify, From: a.From, Until: a.Until, Run: run.id, Subjects: []string{name}, Grounds: a.Grounds, NoOther: a.NoOther, Necessity: a.Necessity}
	}))
	ask.sub["kind"], ask.sent = "reidentify", nil
	o, err := n.Selections.AskOpening(n.as("office/handler"), approval.ID(ask.id), selection.Reason{Purpose: "analyse"})
	n.must(err)
	n.add(&thing{kind: "opening", id: o.ID, org: "office", person: "office/handler", sub: map[string]string{holders[0]: "holds", holders[1]: "holds"}})
}
