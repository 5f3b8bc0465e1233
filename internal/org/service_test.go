package org

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

// country is one of each, with two operators of different sectors.
type country struct {
	*world
	power, gasco, ministry, office, police, commission, maker, contractor, supplier, hub Org
	as                                                                                   map[gate.Role]*member // one person per role, operators' at power
}

func newCountry(t *testing.T) *country {
	w := newWorld(t)
	c := &country{world: w, as: map[gate.Role]*member{}}
	c.power, c.gasco = w.org(1, Operator, "electricity"), w.org(2, Operator, "gas")
	c.ministry = w.org(3, Ministry, "electricity", "oil")
	c.office, c.police, c.commission = w.org(4, Office), w.org(5, Police), w.org(6, Commission)
	c.maker, c.contractor, c.supplier, c.hub = w.org(7, Maker), w.org(8, Contractor), w.org(9, Supplier), w.org(10, Hub)
	defence := w.org(14, Defence)
	at := map[gate.Role]Org{
		gate.DefenceCommand: defence, gate.DefenceUnit: defence,
		gate.OperatorViewer: c.power, gate.OperatorReporter: c.power, gate.OperatorAdmin: c.power, gate.Maintainer: c.contractor,
		gate.MinistryClerk: c.ministry, gate.MinistrySuper: c.ministry, gate.OfficeClerk: c.office, gate.OfficeAnalyst: c.office, gate.OfficeHandler: c.office,
		gate.PoliceOfficer: c.police, gate.PrivacyClerk: w.org(11, Privacy), gate.JPCERTClerk: w.org(12, JPCERT), gate.CommissionMember: c.commission, gate.Examiner: c.commission, gate.Inspector: c.commission, gate.CarrierClerk: w.org(13, Carrier),
		gate.MakerContact: c.maker, gate.SupplierContact: c.supplier, gate.HubAdmin: c.hub,
		gate.PoliceCommand: c.police, gate.PoliceExecutive: c.police, gate.PoliceSuperior: c.police, gate.DefenceSuperior: defence, gate.ForeignClerk: w.org(15, Foreign), gate.SafetyMember: w.org(16, Safety), gate.Minister: c.office, gate.Actuator: c.power,
	}
	for i, r := range gate.Roles {
		c.as[r] = w.member(at[r], fmt.Sprintf("p%d@example.jp", i), r)
	}
	return c
}

func (c *country) names(ctx context.Context) []ID {
	c.t.Helper()
	var ids []ID
	for cursor := ""; ; {
		list, next, err := c.List(ctx, Filter{Cursor: cursor, Limit: 3})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range list {
			ids = append(ids, o.ID)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	slices.Sort(ids)
	return ids
}

// Who sees whom, by list and by id, against the table of the design.
func TestWhoSeesWhom(t *testing.T) {
	c := newCountry(t)
	all := c.names(c.sys)
	bodies := []ID{c.ministry.ID, c.office.ID, c.police.ID, c.commission.ID, ID(c.as[gate.PrivacyClerk].Org), ID(c.as[gate.JPCERTClerk].Org),
		ID(c.as[gate.DefenceUnit].Org), ID(c.as[gate.ForeignClerk].Org), ID(c.as[gate.SafetyMember].Org)}
	for role, m := range c.as {
		want := append(slices.Clone(bodies), m.Org)
		switch role {
		case gate.MinistryClerk, gate.MinistrySuper:
			want = append(want, c.power.ID)
		case gate.CommissionMember, gate.HubAdmin:
			want = slices.Clone(all)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		got := c.names(m.ctx)
		if !slices.Equal(got, want) {
			t.Errorf("%s lists %d, want %d", role, len(got), len(want))
		}
		for _, id := range append(all, ID(newID())) {
			o, err := c.Get(m.ctx, id)
			if slices.Contains(want, id) != (err == nil) || err != nil && err.Error() != ErrOrgGone.Error() {
				t.Errorf("%s gets %s: %v", role, o.Name.JA, err)
			}
		}
	}
}

func TestAnOperatorNeverLearnsOfAnother(t *testing.T) {
	c := newCountry(t)
	admin := c.as[gate.OperatorAdmin]
	other := c.member(c.gasco, "known@example.jp", gate.OperatorAdmin)
	never := PersonID(newID())

	same := func(what string, a, b error) {
		t.Helper()
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: %v for what is there, %v for what is not", what, a, b)
		}
	}
	_, a := c.Get(admin.ctx, c.gasco.ID)
	_, b := c.Get(admin.ctx, ID(never))
	same("get", a, b)
	_, _, a = c.People(admin.ctx, c.gasco.ID, "", 0)
	_, _, b = c.People(admin.ctx, ID(never), "", 0)
	same("people", a, b)
	_, a = c.Person(admin.ctx, other.ID)
	_, b = c.Person(admin.ctx, never)
	same("person", a, b)
	same("suspend", c.Suspend(admin.ctx, other.ID), c.Suspend(admin.ctx, never))
	_, _, a = c.Link(admin.ctx, other.ID, true)
	_, _, b = c.Link(admin.ctx, never, true)
	same("link", a, b)
	_, a = c.ChangePerson(admin.ctx, Person{ID: other.ID, Version: 1})
	_, b = c.ChangePerson(admin.ctx, Person{ID: never, Version: 1})
	same("change person", a, b)
	_, a = c.Sessions(admin.ctx, other.ID)
	_, b = c.Sessions(admin.ctx, never)
	same("sessions", a, b)
	same("contacts", c.SetContacts(admin.ctx, c.gasco.ID, 1, nil), c.SetContacts(admin.ctx, ID(never), 1, nil))
	_, _, a = c.Ties(admin.ctx, c.gasco.ID)
	_, _, b = c.Ties(admin.ctx, ID(never))
	same("ties", a, b)
	_, _, a = c.Invite(admin.ctx, Person{Org: c.gasco.ID, Name: "x", Mail: "x@example.jp", Roles: []gate.Role{gate.OperatorViewer}})
	_, _, b = c.Invite(admin.ctx, Person{Org: ID(never), Name: "x", Mail: "x@example.jp", Roles: []gate.Role{gate.OperatorViewer}})
	same("invite elsewhere", a, b)
	// An address that is known elsewhere is invited like any other.
	_, _, a = c.Invite(admin.ctx, Person{Name: "x", Mail: "known@example.jp", Roles: []gate.Role{gate.OperatorViewer}})
	_, _, b = c.Invite(admin.ctx, Person{Name: "x", Mail: "unknown@example.jp", Roles: []gate.Role{gate.OperatorViewer}})
	same("invite", a, b)
	// So is a corporate number, declared as a supplier: registered or not,
	// declined or not.
	declare := func(n Number) (Tie, error) {
		return c.Declare(admin.ctx, Tie{Kind: SupplierTie, Number: n, Name: "相手"})
	}
	ta, a := declare(c.gasco.Number)
	tb, b := declare(number(t, 999))
	same("declare", a, b)
	if err := c.Settle(other.ctx, ta.ID, false); err != nil {
		t.Fatal(err)
	}
	_, a = declare(c.gasco.Number)
	_, b = declare(number(t, 999))
	same("declare again", a, b)
	if !errors.Is(a, errTieExists) {
		t.Errorf("declared twice: %v", a)
	}
	mine, _, err := c.Ties(admin.ctx, c.power.ID)
	if err != nil || len(mine) != 2 {
		t.Fatal(mine, err)
	}
	for _, x := range mine {
		if x.State != Declared || x.Other != "" || !x.SettledAt.IsZero() {
			t.Errorf("the customer can tell: %+v", x)
		}
	}
	same("end", c.EndTie(admin.ctx, ta.ID), c.EndTie(admin.ctx, tb.ID))
	if slices.Contains(c.names(admin.ctx), c.gasco.ID) {
		t.Error("in the list")
	}
	for _, f := range []Filter{{Text: "試験機関2"}, {Text: string(c.gasco.Number)}, {Sector: "gas"}, {Cursor: db.Cursor("", "")}} {
		list, _, err := c.List(admin.ctx, f)
		if err != nil || slices.ContainsFunc(list, func(o Org) bool { return o.ID == c.gasco.ID }) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// Every act, by every role: only those the table names may, and every refusal
// is on record.
func TestWhoMayDoWhat(t *testing.T) {
	c := newCountry(t)
	victim := c.member(c.power, "victim@example.jp", gate.OperatorViewer)
	n := 100
	acts := map[string]func(ctx context.Context) error{
		"org.register": func(ctx context.Context) error {
			n++
			_, err := c.Register(ctx, Org{Number: number(t, n), Name: text.Both{JA: "新しい機関"}, Kinds: []Kind{Supplier}})
			return err
		},
		"org.change": func(ctx context.Context) error {
			o := c.supplier
			o.Version = -1
			_, err := c.Change(ctx, o)
			return err
		},
		"org.contact":    func(ctx context.Context) error { return c.SetContacts(ctx, c.power.ID, -1, nil) },
		"org.tie":        func(ctx context.Context) error { _, err := c.Declare(ctx, Tie{}); return err },
		"org.untie":      func(ctx context.Context) error { return c.EndTie(ctx, newID()) },
		"org.settle":     func(ctx context.Context) error { return c.Settle(ctx, newID(), true) },
		"person.invite":  func(ctx context.Context) error { _, _, err := c.Invite(ctx, Person{Org: c.power.ID}); return err },
		"person.change":  func(ctx context.Context) error { _, err := c.ChangePerson(ctx, Person{ID: victim.ID}); return err },
		"person.suspend": func(ctx context.Context) error { return c.Suspend(ctx, PersonID(newID())) },
		"person.resume":  func(ctx context.Context) error { return c.Resume(ctx, victim.ID) },
		"person.recover": func(ctx context.Context) error { _, _, err := c.Link(ctx, PersonID(newID()), false); return err },
	}
	for verb, act := range acts {
		if err := act(t.Context()); fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("nobody, %s: %v", verb, err)
		}
		for _, role := range gate.Roles {
			before := c.entries(verb, "refused")
			err := act(c.as[role].ctx)
			refused := errors.Is(err, gate.ErrRole)
			if allowed := Access[verb][role] != gate.None; refused == allowed {
				t.Errorf("%s, %s: %v", role, verb, err)
			}
			if got := c.entries(verb, "refused") - before; refused && got != 1 {
				t.Errorf("%s, %s: the refusal is on record %d times", role, verb, got)
			}
			// With a token that has every scope it is never more.
			who, _ := gate.From(c.as[role].ctx)
			who.Session, who.Token, who.Scopes = "", "t", []string{"org.*", "person.*", "me.*", "session.*", "token.*"}
			if err := act(gate.With(t.Context(), who)); slices.Contains(sessionOnly, verb) && fault.KindOf(err) != fault.Refused {
				t.Errorf("%s, %s by token: %v", role, verb, err)
			}
		}
	}
	for verb := range Access {
		if _, tried := acts[verb]; !tried && !strings.HasSuffix(verb, ".read") && !strings.HasSuffix(verb, ".list") && verb != "org.ties" && !strings.HasPrefix(verb, "me.") &&
			!strings.HasPrefix(verb, "session.") && !strings.HasPrefix(verb, "token.") {
			t.Errorf("%s is not tried here", verb)
		}
	}
}

func TestRightsThatAnAdministratorCannotGive(t *testing.T) {
	c := newCountry(t)
	admin := c.as[gate.OperatorAdmin]
	invite := func(p Person) error {
		p.Name, p.Mail = "昇格 試み", fmt.Sprintf("%d@example.jp", time.Now().UnixNano())
		_, _, err := c.Invite(admin.ctx, p)
		return err
	}
	for _, r := range gate.Roles {
		err := invite(Person{Roles: []gate.Role{r}})
		own := strings.HasPrefix(string(r), "operator.") || r == gate.Actuator
		if own && err != nil || !own && !errors.Is(err, fault.New(fault.Invalid, "org.person.invalid")) {
			t.Errorf("%s: %v", r, err)
		}
	}
	for level, want := range []error{nil, nil, ErrNotYours, ErrNotYours} {
		if err := invite(Person{Roles: []gate.Role{gate.OperatorViewer}, Clearance: level}); !errors.Is(err, want) {
			t.Errorf("clearance %d: %v", level, err)
		}
	}
	me, err := c.Person(admin.ctx, admin.ID)
	if err != nil {
		t.Fatal(err)
	}
	me.Roles = append(me.Roles, gate.OperatorReporter)
	if _, err := c.ChangePerson(admin.ctx, me); !errors.Is(err, ErrSelf) {
		t.Errorf("own roles: %v", err)
	}
	if err := c.Suspend(admin.ctx, admin.ID); !errors.Is(err, ErrSelf) {
		t.Errorf("own state: %v", err)
	}
	if _, _, err := c.Link(admin.ctx, admin.ID, true); !errors.Is(err, ErrSelf) {
		t.Errorf("own link: %v", err)
	}
	// Somebody cleared for secrets is not taken over by a local administrator.
	secret := c.member(c.power, "secret@example.jp", gate.OperatorReporter)
	p, err := c.Person(c.sys, secret.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.Clearance = 3
	if p, err = c.ChangePerson(c.as[gate.HubAdmin].ctx, p); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Link(admin.ctx, secret.ID, true); !errors.Is(err, ErrNotYours) {
		t.Errorf("takeover: %v", err)
	}
	p.Name = "改名 太郎" // but may still be renamed, or have less
	if p, err = c.ChangePerson(admin.ctx, p); err != nil {
		t.Errorf("rename: %v", err)
	}
	p.Clearance = 0
	if _, err = c.ChangePerson(admin.ctx, p); err != nil {
		t.Errorf("less clearance: %v", err)
	}
	// The last administrator stays.
	last, err := c.Person(c.sys, admin.ID)
	if err != nil {
		t.Fatal(err)
	}
	last.Roles = []gate.Role{gate.OperatorViewer}
	if _, err := c.ChangePerson(c.sys, last); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("last administrator: %v", err)
	}
	if err := c.Suspend(c.sys, c.as[gate.HubAdmin].ID); !errors.Is(err, ErrLastAdmin) {
		t.Errorf("last administrator of the hub: %v", err)
	}
	// Two roles that exclude each other.
	if _, _, err := c.Invite(c.sys, Person{Org: c.ministry.ID, Name: "x", Mail: "both@example.jp",
		Roles: []gate.Role{gate.MinistryClerk, gate.MinistrySuper}}); !errors.Is(err, fault.New(fault.Invalid, "org.person.role_conflict")) {
		t.Errorf("both roles: %v", err)
	}
}

func TestTies(t *testing.T) {
	c := newCountry(t)
	admin, maintainer := c.as[gate.OperatorAdmin], c.as[gate.Maintainer]
	tie, err := c.Declare(admin.ctx, Tie{Kind: ContractorTie, Number: c.contractor.Number, Name: "請負先", Services: "遠隔保守"})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(c.names(maintainer.ctx), c.power.ID) || slices.Contains(c.names(admin.ctx), c.contractor.ID) {
		t.Error("a declaration alone opens nothing")
	}
	// Only whom it is addressed to can answer.
	if err := c.Settle(c.as[gate.SupplierContact].ctx, tie.ID, true); !errors.Is(err, errTieGone) {
		t.Errorf("answered by another: %v", err)
	}
	_, received, err := c.Ties(maintainer.ctx, c.contractor.ID)
	if err != nil || len(received) != 1 || received[0].CustomerName != c.power.Name.JA {
		t.Fatalf("%+v, %v", received, err)
	}
	if err := c.Settle(maintainer.ctx, tie.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := c.Settle(maintainer.ctx, tie.ID, false); !errors.Is(err, errTieGone) {
		t.Errorf("answered twice: %v", err)
	}
	if !slices.Contains(c.names(maintainer.ctx), c.power.ID) || !slices.Contains(c.names(admin.ctx), c.contractor.ID) {
		t.Error("confirmed, and still apart")
	}
	err = c.DB.Read(t.Context(), func(tx *db.Tx) error {
		a, err := c.Tied(t.Context(), tx, c.power.ID, ContractorTie, false)
		if err != nil || !slices.Equal(a, []ID{c.contractor.ID}) {
			t.Errorf("contractors: %v, %v", a, err)
		}
		b, err := c.Tied(t.Context(), tx, c.contractor.ID, ContractorTie, true)
		if err != nil || !slices.Equal(b, []ID{c.power.ID}) {
			t.Errorf("customers: %v, %v", b, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.EndTie(admin.ctx, tie.ID); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(c.names(maintainer.ctx), c.power.ID) {
		t.Error("ended, and still open")
	}
	if _, err := c.Declare(admin.ctx, Tie{Kind: ContractorTie, Number: c.contractor.Number, Name: "請負先"}); err != nil {
		t.Errorf("declared again: %v", err)
	}
	if _, err := c.Tie(c.sys, SupplierTie, c.power.ID, c.supplier.ID, "部品"); err != nil {
		t.Errorf("by the hub: %v", err)
	}
	if _, err := c.Declare(admin.ctx, Tie{Kind: SupplierTie, Number: c.power.Number, Name: "自社"}); !errors.Is(err, errTieOwn) {
		t.Errorf("with oneself: %v", err)
	}
}

func TestChangesThatCross(t *testing.T) {
	c := newCountry(t)
	o, err := c.Get(c.sys, c.power.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.Name.JA = "先の変更"
	if _, err := c.Change(c.sys, o); err != nil {
		t.Fatal(err)
	}
	o.Name.JA = "後の変更"
	if _, err := c.Change(c.sys, o); !errors.Is(err, ErrStale) {
		t.Errorf("from an old version: %v", err)
	}
	o.Version++
	o.Number = c.gasco.Number
	if _, err := c.Change(c.sys, o); !errors.Is(err, ErrNumberTaken) {
		t.Errorf("number of another: %v", err)
	}
	if o, err = c.Get(c.sys, c.power.ID); err != nil || o.Name.JA != "先の変更" {
		t.Errorf("%+v, %v", o, err)
	}
	contacts := []Contact{{Duty: AllHours, Name: "当直", Phone: "０３−００００−０００１"}, {Duty: Window, Name: "窓口", Mail: "DESK@example.jp"}}
	if err := c.SetContacts(c.as[gate.OperatorAdmin].ctx, o.ID, o.Version, contacts); err != nil {
		t.Fatal(err)
	}
	if o, err = c.Get(c.as[gate.MinistryClerk].ctx, o.ID); err != nil || len(o.Contacts) != 2 || o.Contacts[0].Phone != "03-0000-0001" || o.Contacts[1].Mail != "desk@example.jp" {
		t.Errorf("%+v, %v", o.Contacts, err)
	}
	if o, err = c.Get(c.as[gate.CommissionMember].ctx, o.ID); err != nil || len(o.Contacts) != 0 {
		t.Errorf("the commission sees the record, not the contacts: %+v, %v", o.Contacts, err)
	}
}

func TestTokens(t *testing.T) {
	c := newCountry(t)
	c.Verbs = []string{"asset.import", "incident.submit", "org.read"}
	m := c.as[gate.OperatorReporter]
	for name, sc := range map[string][]string{"none": nil, "everything": {"*"}, "unknown noun": {"asse.*"}, "unknown verb": {"asset.burn"},
		"what makes access": {"token.issue"}, "not a verb": {"asset.import; drop"}} {
		if _, _, err := c.IssueToken(m.ctx, "x", sc, 0); !errors.Is(err, fault.New(fault.Invalid, "org.token.invalid")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := c.IssueToken(m.ctx, "x", []string{"asset.*"}, 400*24*time.Hour); err == nil {
		t.Error("a token for longer than a year")
	}
	tok, secret, err := c.IssueToken(m.ctx, "夜間の取り込み", []string{"asset.*", "incident.submit"}, 0)
	if err != nil || !strings.HasPrefix(secret, "nrs_") {
		t.Fatal(secret, err)
	}
	who, err := c.Bearer(t.Context(), secret)
	if err != nil || who.Token != tok.ID || who.Session != "" || who.Person != string(m.ID) || !slices.Equal(who.Scopes, tok.Scopes) {
		t.Fatalf("%+v, %v", who, err)
	}
	ctx := gate.With(t.Context(), who)
	if _, err := c.Me(ctx); err != nil {
		t.Errorf("a token may ask what it is: %v", err)
	}
	if _, err := c.Get(ctx, c.power.ID); !errors.Is(err, gate.ErrScope) || c.entries("org.read", "refused") == 0 {
		t.Errorf("outside of its scopes: %v", err)
	}
	if _, _, err := c.IssueToken(ctx, "x", []string{"asset.*"}, 0); fault.KindOf(err) != fault.Refused {
		t.Errorf("a token made a token: %v", err)
	}
	for _, bad := range []string{"", "nrs_", secret + "x", "nss_" + secret[4:], strings.ToUpper(secret)} {
		if _, err := c.Bearer(t.Context(), bad); !errors.Is(err, gate.ErrSignIn) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := c.Session(t.Context(), secret); !errors.Is(err, gate.ErrSignIn) {
		t.Errorf("a token as a session: %v", err)
	}
	list, err := c.Tokens(m.ctx, "")
	if err != nil || len(list) != 1 || list[0].UsedAt.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	// Nobody but its holder and the hub revokes it.
	if err := c.RevokeToken(c.as[gate.OperatorAdmin].ctx, tok.ID); !errors.Is(err, ErrTokenGone) {
		t.Errorf("by a colleague: %v", err)
	}
	if err := c.RevokeToken(m.ctx, tok.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Bearer(t.Context(), secret); !errors.Is(err, gate.ErrSignIn) {
		t.Errorf("revoked: %v", err)
	}
	// For others only on the machine itself.
	if _, _, err := c.IssueTokenFor(c.as[gate.HubAdmin].ctx, m.ID, "x", []string{"asset.*"}, 0); !errors.Is(err, ErrPersonGone) {
		t.Errorf("in the name of another: %v", err)
	}
	_, secret, err = c.IssueTokenFor(c.sys, m.ID, "x", []string{"asset.*"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c.pass(time.Hour)
	if _, err := c.Bearer(t.Context(), secret); !errors.Is(err, gate.ErrSignIn) {
		t.Errorf("expired: %v", err)
	}
}

func TestListPagesAndSearch(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i, kana := range []string{"アオ", "カワ", "サト", "タニ", "ナミ", "ハマ", "マツ"} {
		if _, err := w.Register(w.sys, Org{Number: number(t, i), Name: text.Both{JA: "組織" + kana, EN: "Body " + fmt.Sprint(i)}, Kana: kana,
			Kinds: []Kind{Supplier}}); err != nil {
			t.Fatal(err)
		}
		want = append(want, kana)
	}
	var got []string
	for cursor := ""; ; {
		list, next, err := w.List(w.sys, Filter{Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list {
			got = append(got, o.Kana)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for q, n := range map[string]int{"はま": 1, "ｂｏｄｙ": 7, "%": 0, "_": 0, `\`: 0, "' OR 1=1 --": 0, string(number(t, 3)): 1} {
		if list, _, err := w.List(w.sys, Filter{Text: q}); err != nil || len(list) != n {
			t.Errorf("%q: %d, %v", q, len(list), err)
		}
	}
	if _, _, err := w.List(w.sys, Filter{Cursor: "!"}); fault.KindOf(err) != fault.Usage {
		t.Errorf("made-up cursor: %v", err)
	}
}

func TestRouting(t *testing.T) {
	c := newCountry(t)
	err := c.DB.Read(t.Context(), func(tx *db.Tx) error {
		for sector, want := range map[string]int{"electricity": 1, "oil": 1, "gas": 0} {
			if list, err := c.Competent(t.Context(), tx, sector); err != nil || len(list) != want {
				t.Errorf("%s: %v, %v", sector, list, err)
			}
		}
		list, err := c.Bodies(t.Context(), tx, Office)
		if err != nil || len(list) != 1 || list[0].ID != c.office.ID {
			t.Errorf("%v, %v", list, err)
		}
		names, err := c.Names(t.Context(), tx, text.EN, c.office.ID, c.power.ID, c.office.ID)
		if err != nil || len(names) != 2 || names[c.power.ID] != "Test body 1" {
			t.Errorf("%v, %v", names, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
