package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

func tokenOf(link string) string { return link[strings.LastIndex(link, "/")+1:] }

func firm(name string) Child { return Child{Name: name, Mail: name + "@firm.example"} }

// Three tiers: the operator, its contractor, the contractor's supplier, and a
// firm by link; each sees its own part only.
func TestRelayDownTheChain(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.tie(org.ContractorTie, "wind", "contractor")
		h.tie(org.SupplierTie, "contractor", "supplier")
		h.tie(org.SupplierTie, "supplier", "maker")
		h.tie(org.SupplierTie, "maker", "bank")
		h.tie(org.SupplierTie, "supplier", "contractor")
		h.tie(org.SupplierTie, "supplier", "wind")
		h.told("wind", "sea")
		top := h.one(h.wind())
		pass := RelayInput{Children: []Child{{Org: h.ID("contractor")}}, Why: "弊社の保守をお願いしているため", Cautions: true, Versions: Kinds}
		if _, err := h.Relay(h.wind(), top.ID, RelayInput{Children: pass.Children, Why: pass.Why}); !errors.Is(err, ErrCautions) {
			t.Errorf("without the cautions: %v", err)
		}
		reach, err := h.Reachable(h.wind(), top.ID)
		if err != nil || len(reach.Tied) != 1 || len(reach.Cautions) < 3 || len(reach.Versions) != 3 || len(reach.Open) != 1 {
			t.Fatalf("%+v %v", reach, err)
		}
		if _, err := h.Relay(h.wind(), top.ID, pass); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Relay(h.wind(), top.ID, pass); fault.Of(err) == nil || fault.Of(err).Code != "notice.relay.twice" {
			t.Errorf("twice: %v", err)
		}
		second := h.read(h.contractor())
		if second.From != h.ID("wind") || second.Origin == "" || second.Why[0].JA != pass.Why || len(second.Kinds) != 3 {
			t.Fatalf("%+v", second)
		}
		// A version of AMBER goes to a firm with a tie, not to an address.
		if _, err := h.Relay(h.contractor(), second.ID, RelayInput{Children: []Child{firm("kiri")}, Why: "x", Cautions: true, Versions: []Kind{Technical}}); !errors.Is(err, ErrMark) {
			t.Errorf("AMBER to an address: %v", err)
		}
		if _, err := h.Relay(h.contractor(), second.ID, RelayInput{Children: []Child{{Org: h.ID("bank")}}, Why: "x", Cautions: true}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("to one without a tie: %v", err)
		}
		if _, err := h.Relay(h.contractor(), second.ID, RelayInput{Children: []Child{{Org: h.ID("supplier")}}, Why: "部品の納入先", Cautions: true}); err != nil {
			t.Fatal(err)
		}
		third := h.read(h.supplier())
		if len(third.Kinds) != 1 || third.Kinds[0] != Small || third.Content.Title.JA != h.content().Small.Title.JA || len(third.Content.About) != 0 {
			t.Fatalf("%+v", third)
		}
		// Back to whom it came from is refused; further up, where this firm
		// knows nobody, it looks delivered and goes nowhere.
		if _, err := h.Relay(h.supplier(), third.ID, RelayInput{Children: []Child{{Org: h.ID("contractor")}}, Why: "x", Cautions: true}); !errors.Is(err, ErrCycle) {
			t.Errorf("a cycle: %v", err)
		}
		before, _, _ := h.Inbox(h.wind(), Filter{})
		if _, err := h.Relay(h.supplier(), third.ID, RelayInput{Children: []Child{{Org: h.ID("wind")}, {Org: h.ID("maker")}, firm("kiri")}, Why: "取引先", Cautions: true}); err != nil {
			t.Fatal(err)
		}
		if after, _, _ := h.Inbox(h.wind(), Filter{}); len(after) != len(before) {
			t.Errorf("it came back to its start")
		}
		p, err := h.Passing(h.supplier(), third.ID)
		if err != nil || p.Total != 3 || p.Counts[Delivered] != (Range{0, 3}) {
			t.Errorf("%+v %v", p, err)
		}
		fourth := h.read(h.As("maker", "m", gate.MakerContact))
		if len(fourth.MayPass) != 0 {
			t.Errorf("the last may pass it on: %+v", fourth.MayPass)
		}
		if _, err := h.Relay(h.As("maker", "m", gate.MakerContact), fourth.ID, RelayInput{Children: []Child{{Org: h.ID("bank")}}, Why: "x", Cautions: true}); !errors.Is(err, ErrDeep) {
			t.Errorf("a fourth tier: %v", err)
		}
		// The parent sees nobody in detail who did not agree to it.
		yes := true
		if _, err := h.Answer(h.As("maker", "m", gate.MakerContact), fourth.ID, AnswerInput{State: Mitigated, Note: "秘密の話"}); err != nil {
			t.Fatal(err)
		}
		if p, _ := h.Passing(h.supplier(), third.ID); len(p.Shown) != 0 {
			t.Errorf("%+v", p.Shown)
		}
		if _, err := h.Answer(h.As("maker", "m", gate.MakerContact), fourth.ID, AnswerInput{State: Mitigated, Note: "直しました", Shown: &yes}); err != nil {
			t.Fatal(err)
		}
		if p, _ := h.Passing(h.supplier(), third.ID); len(p.Shown) != 1 || p.Shown[0].Note != "直しました" {
			t.Errorf("%+v", p.Shown)
		}
		n, _, err := h.List(h.analyst(), Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := h.Board(h.analyst(), n[0].ID, "", "", 0); err != nil || b.Total != 2 || len(b.Down) == 0 || b.Down[Mitigated].Exact() {
			t.Errorf("%+v %v", b, err)
		}
	})
}

func TestMarksThatStay(t *testing.T) {
	h := newHouse(t, testkit.DB(t, sources()...))
	h.tie(org.SupplierTie, "wind", "supplier")
	for _, c := range []struct {
		mark      TLP
		tied, any bool
	}{{Clear, true, true}, {Green, true, true}, {Amber, true, false}, {AmberStrict, false, false}, {Red, false, false}} {
		content := h.content()
		content.Small.TLP, content.Management, content.Technical, content.TLP = c.mark, nil, nil, c.mark
		n, err := h.Draft(h.analyst(), NewNotice{Content: content, Recipients: []NewRecipient{{Org: h.ID("wind"), Versions: []Kind{Small}}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: 1, Despite: true}); err != nil {
			t.Fatal(err)
		}
		h.Clock.Pass(time.Second)
		l := h.one(h.wind())
		_, err = h.Relay(h.wind(), l.ID, RelayInput{Children: []Child{{Org: h.ID("supplier")}}, Why: "x", Cautions: true, Versions: []Kind{Small}})
		if (err == nil) != c.tied || err != nil && !errors.Is(err, ErrMark) {
			t.Errorf("%s to a tied firm: %v", c.mark, err)
		}
		_, err = h.Relay(h.wind(), l.ID, RelayInput{Children: []Child{firm("kiri")}, Why: "x", Cautions: true, Versions: []Kind{Small}})
		if (err == nil) != c.any || err != nil && !errors.Is(err, ErrMark) {
			t.Errorf("%s to an address: %v", c.mark, err)
		}
	}
}

// A small firm answers by a link; opening it changes nothing.
func TestByLink(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.told("wind")
		l := h.one(h.wind())
		out, err := h.Relay(h.wind(), l.ID, RelayInput{Children: []Child{firm("kiri"), firm("yama")}, Why: "弊社の台帳にあるため", Cautions: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, token := context.Background(), tokenOf(out.Children[0].Link)
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM notice_link WHERE digest = $1", token); n != 0 || len(token) != 22 {
			t.Errorf("the token is kept")
		}
		slip, err := h.ByLink(ctx, token, text.JA)
		if err != nil || slip.Name != "kiri" || slip.Letter.State != Delivered || slip.Letter.Content.Small == nil || slip.Letter.Content.Technical != nil || slip.Phone == "" {
			t.Fatalf("%+v %v", slip, err)
		}
		if slip, _ := h.ByLink(ctx, token, text.JA); !slip.Letter.OpenedAt.IsZero() {
			t.Error("looking opens it")
		}
		if err := h.OpenByLink(ctx, token); err != nil {
			t.Fatal(err)
		}
		if _, err := h.AnswerByLink(ctx, token, AnswerInput{State: Planned, Date: "2026-12-01", Interim: "x"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("an answer the page does not offer: %v", err)
		}
		for _, st := range []State{Mitigated, NeedsHelp} {
			if _, err := h.AnswerByLink(ctx, token, AnswerInput{State: st, Note: "困りました"}); err != nil {
				t.Fatal(err)
			}
		}
		slip, err = h.ByLink(ctx, token, text.JA)
		if err != nil || slip.Letter.State != NeedsHelp || len(slip.Letter.Answers) != 2 || slip.Letter.Ticket == nil {
			t.Fatalf("%+v %v", slip.Letter, err)
		}
		if list, _, _ := h.Tickets(h.desk(), false, "", 0); len(list) != 1 || list[0].Name != "kiri" {
			t.Errorf("%+v", list)
		}
		id := slip.Letter.Ticket.ID
		for _, err := range []error{h.Take(h.desk(), id), h.Assist(h.desk(), id, "青い線です"), h.Assist(h.desk(), id, "両方です")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if slip, err := h.ByLink(ctx, token, text.JA); err != nil || !slices.Equal(slip.Advice, []string{"両方です", "青い線です"}) {
			t.Errorf("what the desk answered: %q %v", slip.Advice, err)
		}
		if _, err := h.ByLink(ctx, newToken(), text.JA); !errors.Is(err, ErrNone) {
			t.Errorf("a guess: %v", err)
		}
		again, err := h.NewLink(h.wind(), l.ID, out.Children[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.ByLink(ctx, token, text.JA); !errors.Is(err, ErrLinkEnded) {
			t.Errorf("a link that was replaced: %v", err)
		}
		if _, err := h.NewLink(h.sea(), l.ID, out.Children[0].ID); !errors.Is(err, ErrNone) {
			t.Errorf("another's link: %v", err)
		}
		h.Clock.Pass(31 * 24 * time.Hour)
		if _, err := h.AnswerByLink(ctx, tokenOf(again.Link), AnswerInput{State: Mitigated}); !errors.Is(err, ErrLinkEnded) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// seen is everything somebody gets to see, byte for byte.
func (h *house) seen(ctx context.Context) string {
	var b strings.Builder
	put := func(v any, err error) {
		raw, e := json.Marshal(v)
		fmt.Fprintln(&b, string(raw), err, e)
	}
	for _, f := range []Filter{{}, {Open: true}, {Severity: Act}, {State: Delivered}, {Limit: 1}} {
		list, next, err := h.Inbox(ctx, f)
		put(list, err)
		put(next, nil)
		for _, l := range list {
			got, err := h.Open(ctx, l.ID)
			put(got, err)
			put(h.Passing(ctx, l.ID))
			put(h.Reachable(ctx, l.ID))
			put(h.Help(ctx, l.ID))
		}
	}
	list, next, err := h.List(ctx, Filter{})
	put(list, err)
	put(next, nil)
	for _, n := range list {
		put(h.Board(ctx, n.ID, "", "", 0))
	}
	tickets, next, err := h.Tickets(ctx, false, "", 0)
	put(tickets, err)
	put(next, nil)
	put(h.Waiting(ctx))
	return b.String()
}

// Whatever is told to others, and whatever they do with it, nobody else sees a
// byte of difference: not in a list, a count, a cursor, an order or an error.
func TestNobodyInfersAnother(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		rnd := rand.New(rand.NewPCG(3, 14))
		h.tie(org.ContractorTie, "wind", "contractor")
		h.tie(org.SupplierTie, "sea", "supplier")
		n := h.told("wind", "sea")
		own := h.one(h.wind())
		if _, err := h.Relay(h.wind(), own.ID, RelayInput{Children: []Child{{Org: h.ID("contractor")}, firm("kiri")}, Why: "x", Cautions: true}); err != nil {
			t.Fatal(err)
		}
		watchers := map[string]context.Context{"wind": h.wind(), "contractor": h.contractor(), "commission": h.As("commission", "m", gate.CommissionMember), "ministry": h.clerk()}
		for _, ctx := range watchers {
			h.seen(ctx) // what is opened is open
		}
		was := map[string]string{}
		for name, ctx := range watchers {
			was[name] = h.seen(ctx)
		}
		sea := h.one(h.sea())
		hidden := []func() error{
			func() error { _, err := h.Open(h.sea(), sea.ID); return err },
			func() error {
				_, err := h.Answer(h.sea(), sea.ID, AnswerInput{State: []State{Checking, Affected, Mitigated, NeedsHelp}[rnd.IntN(4)], Note: "hidden"})
				return err
			},
			func() error {
				_, err := h.AddEvidence(h.sea(), sea.ID, "x.txt", strings.NewReader("hidden"))
				return err
			},
			func() error {
				_, err := h.Relay(h.sea(), sea.ID, RelayInput{Children: []Child{firm(fmt.Sprint("f", rnd.IntN(1e6)))}, Why: "x", Cautions: true})
				return err
			},
			func() error {
				d, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: h.to("sea", "bank")})
				if err == nil && rnd.IntN(2) == 0 {
					_, err = h.Send(h.analyst(), d.ID, SendInput{Revision: 1, Despite: true})
				}
				return err
			},
			func() error { // the same notice, to somebody more: a row that only the sender sees
				return h.slip(n.ID, "bank")
			},
			func() error {
				c := h.content()
				c.Clearance = 3 // above everybody here
				high := h.high()
				d, err := h.Draft(high, NewNotice{Content: c, Recipients: h.to("wind")})
				if err == nil {
					_, err = h.Send(high, d.ID, SendInput{Revision: 1, Despite: true})
				}
				return err
			},
		}
		for range 12 {
			i := rnd.IntN(len(hidden))
			if err := hidden[i](); err != nil {
				t.Fatalf("act %d: %v", i, err)
			}
			for name, ctx := range watchers {
				if now := h.seen(ctx); now != was[name] {
					t.Fatalf("after act %d %s sees\n%s\nnot\n%s", i, name, now, was[name])
				}
			}
		}
		// What is another's and what is nowhere are refused alike.
		for _, id := range []ID{sea.ID, newBlind()} {
			for what, err := range map[string]error{
				"open":    second(h.Open(h.wind(), id)),
				"answer":  second(h.Answer(h.wind(), id, AnswerInput{State: Affected})),
				"file":    second(h.AddEvidence(h.wind(), id, "x", strings.NewReader("x"))),
				"relay":   second(h.Relay(h.wind(), id, RelayInput{Cautions: true})),
				"passing": second(h.Passing(h.wind(), id)),
				"help":    second(h.AskHelp(h.wind(), id, "x")),
				"board":   second(h.Board(h.clerk(), n.ID, "", "", 0)),
				"preview": second(h.Preview(h.clerk(), n.ID, sea.ID)),
			} {
				if fault.Of(err).Error() != ErrNone.Error() {
					t.Errorf("%s of %s: %v", what, id, err)
				}
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// slip adds a recipient to a notice that is out, as nothing but a test does.
func (h *house) slip(notice ID, to string) error {
	h.seq++
	return h.Parts.DB.Write(context.Background(), func(tx *transaction) error {
		c, err := h.Keys().For(context.Background(), tx, h.ID("office"))
		if err != nil {
			return err
		}
		r := Recipient{ID: newBlind(), Notice: notice, Org: h.ID(to), From: h.ID("office"), Kinds: Kinds, State: Delivered, DeliveredAt: h.now(), Parent: fmt.Sprint("test-", h.seq)}
		if err := r.seal(c); err != nil {
			return err
		}
		return insertRecipients(context.Background(), tx, []Recipient{r})
	})
}

// Every role and every verb: what the table does not grant is refused, and the
// refusal is on record.
func TestEveryRole(t *testing.T) {
	h := newHouse(t, testkit.DB(t, sources()...))
	n := h.told("wind", "sea")
	l := h.one(h.wind())
	kind := map[gate.Role]string{gate.OperatorViewer: "wind", gate.OperatorReporter: "wind", gate.OperatorAdmin: "wind", gate.Maintainer: "contractor", gate.MinistryClerk: "industry", gate.MinistrySuper: "industry",
		gate.OfficeClerk: "office", gate.OfficeAnalyst: "office", gate.OfficeHandler: "office", gate.PoliceOfficer: "police", gate.PoliceCommand: "police", gate.PoliceExecutive: "police", gate.PoliceSuperior: "police", gate.DefenceSuperior: "defence", gate.DefenceCommand: "defence", gate.DefenceUnit: "defence", gate.ForeignClerk: "foreign", gate.SafetyMember: "safety", gate.Minister: "office", gate.Actuator: "wind", gate.PrivacyClerk: "privacy", gate.JPCERTClerk: "jpcert", gate.CommissionMember: "commission",
		gate.Examiner: "commission", gate.Inspector: "commission", gate.CarrierClerk: "wind", gate.MakerContact: "maker", gate.SupplierContact: "supplier", gate.HubAdmin: "hub"}
	for _, role := range gate.Roles {
		ctx := h.As(kind[role], "p", role)
		for verb, act := range map[string]func() error{
			"notice.draft":  func() error { return second(h.Candidates(ctx, "")) },
			"notice.board":  func() error { return second(h.Board(ctx, n.ID, "", "", 0)) },
			"notice.inbox":  func() error { _, _, err := h.Inbox(ctx, Filter{}); return err },
			"notice.open":   func() error { return second(h.Open(ctx, l.ID)) },
			"notice.answer": func() error { return second(h.Answer(ctx, l.ID, AnswerInput{State: Checking})) },
			"notice.relay":  func() error { return second(h.Passing(ctx, l.ID)) },
			"notice.help":   func() error { return second(h.AskHelp(ctx, l.ID, "x")) },
			"notice.desk":   func() error { _, _, err := h.Tickets(ctx, false, "", 0); return err },
			"notice.assist": func() error { return h.Take(ctx, "none") },
			"notice.tick":   func() error { return second(h.Tick(ctx, h.now())) },
		} {
			was := h.Entries(t, verb, "refused")
			err := act()
			if granted := Access[verb][role] != gate.None; granted == (err != nil && fault.KindOf(err) == fault.Refused) {
				t.Errorf("%s by %s: %v", verb, role, err)
			} else if !granted && h.Entries(t, verb, "refused") != was+1 {
				t.Errorf("%s by %s: the refusal is not on record", verb, role)
			}
		}
	}
}

// high is an analyst who may see everything.
func (h *house) high() context.Context {
	id := h.Identity("office", "high", gate.OfficeAnalyst)
	id.Clearance = 3
	return gate.With(context.Background(), id)
}

// What is above somebody's clearance is not there for them, in their own
// organisation too.
func TestClearance(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.content()
		c.Clearance = 2
		if _, err := h.Draft(h.analyst(), NewNotice{Content: c}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("above one's own: %v", err)
		}
		n, err := h.Draft(h.high(), NewNotice{Content: c, Recipients: h.to("wind", "sea")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Send(h.high(), n.ID, SendInput{Revision: 1, Despite: true}); err != nil {
			t.Fatal(err)
		}
		id := h.Identity("wind", "cleared", gate.OperatorReporter)
		id.Clearance = 2
		cleared := gate.With(context.Background(), id)
		l := h.read(cleared)
		if _, err := h.AskHelp(cleared, l.ID, "x"); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"open":  second(h.Open(h.wind(), l.ID)),
			"get":   second(h.Get(h.analyst(), n.ID)),
			"board": second(h.Board(h.analyst(), n.ID, "", "", 0)),
			"relay": second(h.Reachable(h.wind(), l.ID)),
		} {
			if !errors.Is(err, ErrNone) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if list, _, _ := h.Inbox(h.wind(), Filter{}); len(list) != 0 {
			t.Errorf("%v", list)
		}
		if list, _, _ := h.List(h.analyst(), Filter{}); len(list) != 0 {
			t.Errorf("%v", list)
		}
		if list, _, _ := h.Tickets(h.desk(), false, "", 0); len(list) != 0 {
			t.Errorf("%v", list)
		}
		if n, err := h.Waiting(cleared); n != 1 || err != nil {
			t.Errorf("%d wait", n)
		}
		if n, err := h.Waiting(h.wind()); n != 0 || err != nil {
			t.Errorf("%d wait", n)
		}
		// A link asks for no clearance, so there is none.
		if _, err := h.Relay(cleared, l.ID, RelayInput{Children: []Child{firm("kiri")}, Why: "x", Cautions: true, Versions: []Kind{Small}}); !errors.Is(err, ErrMark) {
			t.Errorf("%v", err)
		}
	})
}
