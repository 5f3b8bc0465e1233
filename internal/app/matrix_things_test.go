package app

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/asset"
	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// What kinds of people there are, in the words of the law and not of a table.

func (c *citizen) any(roles ...gate.Role) bool {
	return slices.ContainsFunc(roles, func(r gate.Role) bool { return slices.Contains(c.roles, r) })
}

// operates: people of an operator, who see what is the operator's own.
func (c *citizen) operates() bool {
	return c.any(gate.OperatorViewer, gate.OperatorReporter, gate.OperatorAdmin)
}

// reports: those of them who act for it towards the state.
func (c *citizen) reports() bool { return c.any(gate.OperatorReporter, gate.OperatorAdmin) }

// receives: those who take reports in for the body they were sent to.
func (c *citizen) receives() bool {
	return c.any(gate.MinistryClerk, gate.MinistrySuper, gate.OfficeClerk, gate.PoliceOfficer, gate.PrivacyClerk, gate.JPCERTClerk)
}

// notified: those who take statements of equipment in: the ministry and the
// Prime Minister's desk (Act 42, art 4).
func (c *citizen) notified() bool {
	return c.any(gate.MinistryClerk, gate.MinistrySuper, gate.OfficeClerk)
}

func (c *citizen) ministry() bool { return c.any(gate.MinistryClerk, gate.MinistrySuper) }
func (c *citizen) admin() bool    { return c.any(gate.OperatorAdmin) }
func (c *citizen) hub() bool      { return c.any(gate.HubAdmin) }

// isOwn says that a thing is of the citizen's own organisation.
func (c *citizen) isOwn(x *thing) bool { return !x.none && x.org == c.org }

// isSent says that a thing was addressed to the citizen's organisation.
func (c *citizen) isSent(x *thing) bool { return !x.none && slices.Contains(x.sent, c.org) }

// public bodies are known to everybody.
func isBody(kind string) bool {
	return slices.Contains([]string{"ministry", "office", "police", "privacy", "jpcert", "commission", "defence", "foreign", "safety"}, kind)
}

// knows says whether somebody may learn that an organisation takes part: it
// is theirs, a public body, tied to theirs, an operator of the ministry's
// sectors; the commission and the hub's administrator know all.
func (c *citizen) knows(name string) bool {
	if c.org == "" || c.out {
		return false
	}
	for _, e := range estates {
		if e.name != name {
			continue
		}
		tied := name == "wind" && c.org == "contractor" || name == "contractor" && c.org == "wind"
		competent := c.ministry() && e.kind == "operator" && slices.ContainsFunc(e.sectors, func(s string) bool { return slices.Contains(c.sectors, s) })
		return name == c.org || isBody(e.kind) || tied || competent || c.hub() || c.any(gate.CommissionMember)
	}
	return false
}

// purposeOf is an ordinary purpose that a kind of body may name.
func purposeOf(kind string) string {
	if p := map[string]string{"office": "analyse", "police": "consultation", "privacy": "personal_data", "jpcert": "consultation"}[kind]; p != "" {
		return p
	}
	return "receive"
}

func (n *nation) add(x *thing) *thing {
	n.things[x.kind] = append(n.things[x.kind], x)
	return x
}

// furnish makes one of everything, for three operators, and things that are
// not there.
func (n *nation) furnish() {
	n.t.Helper()
	n.ties()
	for _, e := range estates {
		kin := func(c *citizen) bool { return c.org == e.name && !c.out }
		// wind named its supplier, who sees by whom.
		n.mark(orgMark(e.name), "the name of "+e.name, func(c *citizen) bool {
			// The analyst sees who is exposed, and who supplies whom; who
			// writes to everybody chooses among the operators.
			// Whoever coordinates with makers, or leads a situation room, chooses
			// among them.
			// The commission reads of which carrier's line an application is, and with
			// whom an agreement is in force; who proposes one chooses the party.
			return c.knows(e.name) || !c.out && ((e.name == "carrier" || e.name == "wind") && readsApprovals(c) || asks(c) && slices.Contains([]string{"supplier", "maker", "contractor"}, e.kind) || e.name == "maker" && (coordinates(c) || c.ministry()) || c.any(gate.OfficeAnalyst) && e.name == "contractor" || c.any(gate.OfficeAnalyst, gate.OfficeClerk, gate.OfficeHandler, gate.Minister, gate.JPCERTClerk) && e.kind == "operator") || e.name == "wind" && c.org == "supplier" && !c.out || slices.ContainsFunc(n.things["case"], func(x *thing) bool { return x.org == e.name && c.isSent(x) && c.receives() }) ||
				slices.ContainsFunc(n.things["statement"], func(x *thing) bool { return x.org == e.name && c.isSent(x) && c.notified() })
		})
		n.mark("ZP"+strings.ToUpper(e.name), "people of "+e.name, func(c *citizen) bool {
			// Who supervises runs reads who carried them out and who read what they
			// found; a clerk, who said that they can hold shares of keys.
			return kin(c) || c.hub() || c.any(gate.CommissionMember) || !c.out && ((e.name == "office" || e.name == "police") && seesRuns(c) || e.name == "commission" && asks(c))
		})
		if e.kind == "operator" {
			n.mark("ZC"+strings.ToUpper(e.name), "contacts of "+e.name, func(c *citizen) bool { return kin(c) || c.knows(e.name) && !c.any(gate.CommissionMember) })
		}
	}
	n.affairs("wind", "industry", incident.Ransomware)
	n.affairs("sea", "industry", incident.Other)
	n.affairs("bank", "treasury", incident.DDoS)
	n.registers("wind", "industry")
	n.registers("sea", "industry")
	n.accounts()
	n.found()
	n.hunted()
	n.observed()
	n.told()
	n.learned()
	n.exposures()
	n.warned()
	n.asked()
	n.gathered()
	n.empowered()
	n.furthered()
	n.measured()
	n.acted()
	n.overseen()
	n.requested()
	n.must(n.Ledger.Settle(n.t.Context()))
	for _, kind := range []string{"case", "draft", "org", "person", "tie", "session", "token", "view", "entry", "asset", "statement", "import", "source", "finding", "sighting", "channel", "letter"} {
		id := uuid.Must(uuid.NewV7()).String()
		n.add(&thing{kind: kind, id: id, none: true, sub: map[string]string{"file": uuid.Must(uuid.NewV7()).String(), "request": uuid.Must(uuid.NewV7()).String(), "entry": uuid.Must(uuid.NewV7()).String()}})
	}
}

// ties: the contractor operates for wind; a supplier of wind's has not
// answered yet.
func (n *nation) ties() {
	t, err := n.Orgs.Tie(org.Local(n.t.Context()), org.ContractorTie, n.orgs["wind"].ID, n.orgs["contractor"].ID, "遠隔保守")
	n.must(err)
	n.add(&thing{kind: "tie", id: t.ID, org: "wind", sent: []string{"contractor"}, sub: map[string]string{"state": "confirmed"}})
	n.tie()
}

// tie declares one more tie of wind with its supplier, and ends earlier ones.
func (n *nation) tie() *thing {
	n.t.Helper()
	admin := n.as("wind/admin")
	declared, _, err := n.Orgs.Ties(admin, n.orgs["wind"].ID)
	n.must(err)
	for _, t := range declared {
		if t.Kind == org.SupplierTie {
			n.must(n.Orgs.EndTie(admin, t.ID))
		}
	}
	t, err := n.Orgs.Declare(admin, org.Tie{Kind: org.SupplierTie, Number: n.orgs["supplier"].Number, Name: "納入元", Services: "部品"})
	n.must(err)
	return &thing{kind: "tie", id: t.ID, org: "wind", sent: []string{"supplier"}}
}

// affairs makes an incident of an operator with everything that can happen to
// it, and a draft of another.
func (n *nation) affairs(operator, ministry string, kind incident.Kind) {
	n.t.Helper()
	up := strings.ToUpper(operator)
	reporter, clerk := n.as(operator+"/reporter"), n.as(ministry+"/clerk")
	got, err := n.Incidents.Submit(reporter, n.firstReport(kind, operator, "ZT"+up), "")
	n.must(err)
	n.add(&thing{kind: "entry", id: got.Receipt.Entry, org: operator})
	x := n.add(&thing{kind: "case", id: got.Case.ID, org: operator, sub: map[string]string{"entry": got.Receipt.Entry}})
	for _, d := range got.Deliveries {
		if name := n.named(d.Org); name != "" && !slices.Contains(x.sent, name) {
			x.sent = append(x.sent, name)
		}
	}
	if !slices.Contains(x.sent, ministry) || !slices.Contains(x.sent, "office") {
		n.t.Fatalf("the report of %s went to %v", operator, x.sent)
	}
	may := func(c *citizen) bool { return c.isOwn(x) && c.operates() || c.isSent(x) && c.receives() }
	between := func(c *citizen) bool {
		return c.isOwn(x) && c.operates() || c.org == ministry && c.receives()
	}
	n.mark("ZT"+up, "the report of "+operator, may)
	f, err := n.Incidents.Attach(reporter, x.id, strings.NewReader(n.mark("ZF"+up, "an attachment of "+operator, may)+" content"), "ZF"+up+".txt")
	n.must(err)
	x.sub["file"] = f.ID
	_, err = n.Incidents.Ask(clerk, x.id, n.mark("ZA"+up, "a question to "+operator, between)+"はいつですか")
	n.must(err)
	_, err = n.Incidents.Answer(reporter, x.id, string(n.orgs[ministry].ID), n.mark("ZB"+up, "an answer of "+operator, between)+"です")
	n.must(err)
	_, err = n.Incidents.Give(clerk, x.id, n.mark("ZG"+up, "feedback to "+operator, between)+"共有しました", "")
	n.must(err)
	s, err := n.Incidents.AskSupervision(clerk, x.id, n.mark("ZR"+up, "the ministry's reason", func(c *citizen) bool { return c.org == ministry && c.receives() })+"の確認")
	n.must(err)
	x.sub["request"], x.asked = s.ID, ministry
	n.must(n.Incidents.DelayReadings(n.as(ministry+"/supervisor"), x.id, "security", n.mark("ZD"+up, "why readings are delayed", func(*citizen) bool { return false }), n.clock.Now().AddDate(0, 0, 5)))
	n.add(n.draft(operator))
	n.mark("ZE"+up, "a draft of "+operator, func(c *citizen) bool { return c.org == operator && c.reports() })
}

// draft begins a report of an operator, with an attachment.
func (n *nation) draft(operator string) *thing {
	n.t.Helper()
	up, reporter := strings.ToUpper(operator), n.as(operator+"/reporter")
	d, err := n.Incidents.StartDraft(reporter, incident.Other)
	n.must(err)
	_, err = n.Incidents.SaveDraft(reporter, d.ID, d.Revision, incident.Changes{Values: map[incident.FieldID]incident.Value{"event.title": incident.KnownValue("ZE" + up + " 下書き")}})
	n.must(err)
	f, err := n.Incidents.Attach(reporter, d.ID, strings.NewReader("ZE"+up), "ZE"+up+".log")
	n.must(err)
	return &thing{kind: "draft", id: d.ID, org: operator, sub: map[string]string{"file": f.ID}}
}

// registers fills the register of an operator and notifies it.
func (n *nation) registers(operator, ministry string) {
	n.t.Helper()
	up, ctx := strings.ToUpper(operator), n.as(operator+"/admin")
	n.must(n.Assets.SetFacts(ctx, asset.ScopeFacts{Designated: "yes", Used: "yes", Affects: "yes"}))
	x := n.add(n.equipment(operator, ""))
	y := n.add(n.equipment(operator, "contractor"))
	d, err := n.Assets.Draft(ctx, "electricity")
	n.must(err)
	sent, err := n.Assets.Submit(ctx, "electricity", d.Register.Revision)
	n.must(err)
	// The ministry's stamp passes the statement on to the Prime Minister's desk.
	_, err = n.Assets.Acknowledge(n.as(ministry+"/clerk"), sent.Notice.ID, "")
	n.must(err)
	st := n.add(&thing{kind: "statement", id: sent.Notice.ID, org: operator, sent: []string{ministry, "office"}, asked: ministry})
	n.add(&thing{kind: "entry", id: sent.Receipt.Entry, org: operator})
	p := n.add(n.preview(operator))
	n.mark("ZI"+up, "an import of "+operator, func(c *citizen) bool { return c.isOwn(p) && c.operates() })
	n.mark("ZV"+up, "equipment of "+operator, func(c *citizen) bool { return c.isOwn(x) && c.operates() || c.isSent(st) && c.notified() })
	n.mark("ZW"+up, "equipment that a contractor runs for "+operator, func(c *citizen) bool {
		return c.isOwn(y) && c.operates() || operator == "wind" && c.any(gate.Maintainer) || c.isSent(st) && c.notified()
	})
}

// equipment adds a device to a register; by names who runs it.
func (n *nation) equipment(operator, by string) *thing {
	n.t.Helper()
	mark, d := "ZV"+strings.ToUpper(operator), &asset.Draft{}
	if by != "" {
		mark = "ZW" + strings.ToUpper(operator)
		d.Values[asset.FieldOperatedBy] = string(n.orgs[by].Number)
	}
	for f, v := range map[asset.Field]string{asset.FieldKind: "vpn", asset.FieldMaker: mark + "製作所", asset.FieldProduct: mark + " Gate", asset.FieldVersion: mark + "-1.2",
		asset.FieldZone: "internet", asset.FieldDomains: strings.ToLower(mark) + ".example", asset.FieldService: "送電"} {
		d.Values[f] = v
	}
	e, err := n.Assets.Add(n.as(operator+"/admin"), d, "", "")
	n.must(err)
	return &thing{kind: "asset", id: string(e.ID), org: operator, sub: map[string]string{"by": by}}
}

// preview reads a list without applying it.
func (n *nation) preview(operator string) *thing {
	n.t.Helper()
	mark := "ZI" + strings.ToUpper(operator)
	csv := "maker,product\n" + mark + " works," + mark + " box\n"
	v, err := n.Assets.PreviewImport(n.as(operator+"/reporter"), mark+".csv", strings.NewReader(csv), int64(len(csv)), false)
	n.must(err)
	return &thing{kind: "import", id: v.Token, org: operator}
}

// accounts makes a colleague in every organisation with a token and a session
// that may be done things to, and the callers that are nobody or nearly so.
func (n *nation) accounts() {
	n.t.Helper()
	for _, e := range estates {
		c := n.join(e.name, "colleague", e.roles[0])
		n.add(&thing{kind: "person", id: string(c.id), org: e.name})
		n.add(n.token(c))
		n.add(n.session(c))
		n.add(n.view(c))
	}
	reporter := n.citizen("wind/reporter")
	_, bearer, err := n.Orgs.IssueToken(n.as("wind/reporter"), "小さい", []string{"ledger.audit"}, time.Hour)
	n.must(err)
	small := *reporter
	small.name, small.bearer, small.small = "wind/reporter's small token", bearer, true
	gone := *n.join("wind", "gone", gate.OperatorReporter, gate.OperatorAdmin)
	gone.name, gone.out = "wind/suspended", true
	_, token, err := n.Orgs.IssueToken(n.identity(gone.id), "遺物", []string{"incident.*", "asset.*", "org.*", "person.*"}, time.Hour)
	n.must(err)
	ghost := gone
	ghost.name, ghost.bearer = "wind/suspended's token", token
	n.must(n.Orgs.Suspend(n.as("wind/admin"), gone.id))
	two := n.join("sea", "both", gate.OperatorViewer, gate.OperatorAdmin) // the wider of two roles counts
	n.people = append(n.people, two, &small, &gone, &ghost, &citizen{name: "a stranger", out: true}, &citizen{name: "a forged session", out: true, session: "nrs_" + strings.Repeat("A", 43)})
}

func (n *nation) token(c *citizen) *thing {
	n.t.Helper()
	t, _, err := n.Orgs.IssueToken(n.identity(c.id), "夜間の連携", []string{"org.read"}, time.Hour)
	n.must(err)
	return &thing{kind: "token", id: t.ID, org: c.org, person: c.name}
}

func (n *nation) view(c *citizen) *thing {
	n.t.Helper()
	v, err := n.Orgs.SaveView(n.identity(c.id), org.View{Path: "/reports", Name: uuid.NewString()[:8], Query: "waiting=1"})
	n.must(err)
	return &thing{kind: "view", id: v.ID, org: c.org, person: c.name}
}

func (n *nation) session(c *citizen) *thing {
	n.t.Helper()
	id, err := n.Orgs.Session(n.t.Context(), n.login(c.id))
	n.must(err)
	return &thing{kind: "session", id: id.Session, org: c.org, person: c.name}
}
