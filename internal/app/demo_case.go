package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/incident"
	"noroshi/internal/intel"
	"noroshi/internal/sighting"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// invented is the id that flaws of invented products have. Nobody assigns ids of
// that year.
const invented = "CVE-1900-0001"

// ask: the office asks a maker about a flaw that nobody else knows of yet.
func (w *warning) ask(context.Context) error {
	analyst, err := w.by["office"].with(gate.OfficeAnalyst, 0)
	if err != nil {
		return err
	}
	l := w.by["office"].lang()
	c, requests, err := w.h.Vendors.Start(analyst.ctx, vendor.NewCase{
		Title:   text.Both{JA: "EdgeGate の管理画面の認証回避", EN: "Authentication bypass in the EdgeGate management page"}.In(l),
		Facts:   text.Both{JA: "管理画面の特定の要求で、ログインなしに設定を読まれます。7.2 系で確かめました。", EN: "A certain request to the management page reads the configuration without sign-in; confirmed on 7.2."}.In(l),
		Embargo: vendor.Embargo{Until: w.now.AddDate(0, 0, 9).Truncate(time.Hour), Zone: "Asia/Tokyo"}, Sectors: []string{"electricity"}, Send: true,
		Makers: []vendor.NewMaker{{Org: string(w.by["akari"].Org.ID), Products: []vendor.NewProduct{{Name: "EdgeGate", CPE: "cpe:2.3:a:akari:edgegate:*:*:*:*:*:*:*:*"}, {Name: "WallLine", CPE: "cpe:2.3:a:akari:wallline:*:*:*:*:*:*:*:*"}}}},
	})
	if err != nil {
		return fmt.Errorf("demo: case %s: %w", c.ID, err)
	}
	w.request = requests[0].ID
	return nil
}

// maker: the maker takes the request, and says of one product when it will be
// repaired and of the other that it is not affected.
func (w *warning) maker(context.Context) error {
	p, err := w.by["akari"].with(gate.MakerContact, 0)
	if err != nil {
		return err
	}
	if err := w.h.Vendors.Accept(p.ctx, w.request); err != nil {
		return err
	}
	v, err := w.h.Vendors.Open(p.ctx, w.request, "")
	if err != nil {
		return err
	}
	l := w.by["akari"].lang()
	for _, x := range v.Products {
		a := vendor.ProductAnswer{ID: x.ID, Status: vendor.NotAffected, Why: string(product.CodeNotPresent), Detail: text.Both{JA: "この機能はありません。", EN: "It does not have this feature."}.In(l)}
		if x.Name == "EdgeGate" {
			a = vendor.ProductAnswer{ID: x.ID, Status: vendor.Affected, Versions: "7.0 – 7.2.3", Fix: vendor.Planned, FixOn: w.now.AddDate(0, 0, 7).In(text.JST).Format(time.DateOnly),
				Interim: text.Both{JA: "管理画面に届く場所を限ってください。", EN: "Limit where the management page can be reached from."}.In(l)}
		}
		if err := w.h.Vendors.Answer(p.ctx, w.request, []vendor.ProductAnswer{a}); err != nil {
			return fmt.Errorf("demo: maker's answer on %s: %w", x.Name, err)
		}
	}
	return nil
}

// askAll: the office asks three makers about one flaw: one releases a repair,
// one takes the request, one does not answer. What the first is asked anew a
// month later it has not answered yet.
func (w *warning) askAll(context.Context) error {
	l := w.by["office"].lang()
	return w.start(vendor.NewCase{Vulnerability: invented, Sectors: []string{"electricity", "railway"}, DueAt: w.clock.Now().AddDate(0, 0, 7), TLP: "GREEN",
		Title:  text.Both{JA: "長い見出しでサービスが止まる", EN: "Long headers stop the service"}.In(l),
		Facts:  text.Both{JA: "見出しの長さを確かめずに受け取る部品が、複数の製品にあります。", EN: "A part in several products takes headers without checking their length."}.In(l),
		Makers: []vendor.NewMaker{w.makes("kumomi", "PageHarbor", "pageharbor"), w.makes("ikari", "StackDeck", "stackdeck"), w.makes("minato", "FieldPort", "fieldport")},
	})
}

func (w *warning) askAnew(context.Context) error {
	l := w.by["office"].lang()
	return w.start(vendor.NewCase{Sectors: []string{"electricity"}, DueAt: w.clock.Now().AddDate(0, 0, 10),
		Title:  text.Both{JA: "KeyHarbor の再設定の手順", EN: "The reset of passwords in KeyHarbor"}.In(l),
		Facts:  text.Both{JA: "再設定の案内を、登録と違う宛先に送れるという報告がありました。", EN: "A report says that reset mails can be sent to another address."}.In(l),
		Makers: []vendor.NewMaker{w.makes("kumomi", "KeyHarbor", "keyharbor")},
	})
}

func (w *warning) makes(id, name, cpe string) vendor.NewMaker {
	i := slices.IndexFunc(w.Products, func(p productPlan) bool { return p.Product == name })
	return vendor.NewMaker{Org: string(w.by[id].Org.ID), Products: []vendor.NewProduct{{Name: name, CPE: w.Products[i].cpe("*")}}}
}

func (w *warning) start(n vendor.NewCase) error {
	analyst, err := w.by["office"].with(gate.OfficeAnalyst, 0)
	if err != nil {
		return err
	}
	n.Send = true
	_, list, err := w.h.Vendors.Start(analyst.ctx, n)
	if err != nil {
		return fmt.Errorf("demo: case %s: %w", n.Title, err)
	}
	if w.asked == nil {
		w.asked = map[string]vendor.ID{}
	}
	for _, r := range list {
		w.asked[r.Org] = r.ID
	}
	return nil
}

// repair: one maker takes its request, another releases its repair, and
// everybody who has the product is told.
func (w *warning) repair(ctx context.Context) error {
	ikari, err := w.by["ikari"].with(gate.MakerContact, 0)
	if err != nil {
		return err
	}
	if err := w.h.Vendors.Accept(ikari.ctx, w.asked[string(w.by["ikari"].Org.ID)]); err != nil {
		return err
	}
	kumomi, err := w.by["kumomi"].with(gate.MakerContact, 0)
	if err != nil {
		return err
	}
	id := w.asked[string(w.by["kumomi"].Org.ID)]
	v, err := w.h.Vendors.Open(kumomi.ctx, id, "")
	if err != nil {
		return err
	}
	l := w.by["kumomi"].lang()
	answer := vendor.ProductAnswer{ID: v.Products[0].ID, Status: vendor.Affected, Versions: "vers:generic/<2.4.6", Fix: vendor.Planned, FixOn: w.clock.Now().AddDate(0, 0, 1).In(text.JST).Format(time.DateOnly),
		Interim: text.Both{JA: "見出しの長さを前段で限ってください。", EN: "Limit the length of headers in front of it."}.In(l)}
	if err := w.h.Vendors.Answer(kumomi.ctx, id, []vendor.ProductAnswer{answer}); err != nil {
		return err
	}
	answer.Fix, answer.Fixed, answer.FixURL, answer.FixOn = vendor.Released, "2.4.6", "https://www.kumomi-soft.example/pageharbor/2.4.6", w.clock.Now().In(text.JST).Format(time.DateOnly)
	if err := w.h.Vendors.Answer(kumomi.ctx, id, []vendor.ProductAnswer{answer}); err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	analyst, err := w.by["office"].with(gate.OfficeAnalyst, 0)
	if err != nil {
		return err
	}
	_, err = w.h.Vendors.Tell(analyst.ctx, id)
	return err
}

// observe: an operator, the coordination centre and the analyst saw something.
func (w *warning) observe(context.Context) error {
	for _, x := range []struct {
		id   string
		role gate.Role
		n    sighting.New
		note text.Both
	}{
		{"starlight", gate.OperatorReporter, sighting.New{What: sighting.Indicator, Value: "198.51.100.77", Count: 41}, text.Both{JA: "管理画面への接続の試みが続きました。入られてはいません。", EN: "Repeated attempts to reach the management page; nobody got in."}},
		{"power", gate.OperatorReporter, sighting.New{What: sighting.Indicator, Value: "198.51.100.77", Count: 3, Named: true}, text.Both{JA: "同じ番号から、夜に3回ありました。", EN: "Three times at night, from the same address."}},
		{"centre", gate.JPCERTClerk, sighting.New{What: sighting.Exploited, Value: "CVE-2024-3400", Vulnerability: "CVE-2024-3400", Count: 2}, text.Both{JA: "国内でも2件の報告がありました。", EN: "Two reports in this country."}},
	} {
		m := w.by[x.id]
		p, err := m.with(x.role, 0)
		if err != nil {
			return err
		}
		x.n.Origin, x.n.TLP, x.n.Note = sighting.ByHand, "AMBER", x.note.In(m.lang())
		if _, err := w.h.Sightings.Record(p.ctx, x.n); err != nil {
			return fmt.Errorf("demo: %s saw something: %w", x.id, err)
		}
	}
	return nil
}

// know: the analyst publishes an item of intelligence to everybody, and keeps
// the draft of another.
func (w *warning) know(context.Context) error {
	analyst, err := w.by["office"].with(gate.OfficeAnalyst, 0)
	if err != nil {
		return err
	}
	made, err := w.h.Intel.Add(analyst.ctx, intel.NewItem{TLP: incident.Green, Grade: intel.Grade{Reliability: "B", Credibility: 2}, Vulnerabilities: []string{"CVE-2024-3400"},
		Title: "管理画面を探す通信が増えています", Summary: "外に出ている管理画面を順に探す動きです。", Text: "198.51.100.77 から、管理画面を探す要求が続いています。外から届かないことを確かめてください。",
		English: intel.Prose{Title: "More requests look for management pages", Summary: "Somebody searches for management pages that face outside.", Text: "Requests from 198.51.100.77 look for management pages. Check that yours cannot be reached from outside."}})
	if err != nil {
		return fmt.Errorf("demo: item: %w", err)
	}
	if _, err := w.h.Intel.Publish(analyst.ctx, made.ID); err != nil {
		return fmt.Errorf("demo: item: %w", err)
	}
	_, err = w.h.Intel.Add(analyst.ctx, intel.NewItem{TLP: incident.Amber, Title: "盗んだ鍵で入る手口", Summary: "修正の後も、残った接続から入られます。", Text: "修正版に上げた後も、盗まれた接続の鍵が使われる例があります。",
		English: intel.Prose{Title: "Entry with stolen session keys", Summary: "Sessions that are left open are used even after the repair.", Text: "After the update, stolen session keys were still used."}})
	return err
}

// gather: the office brings bodies together over the attacks, gives tasks, and
// reports; some of the work is left for the reader.
func (w *warning) gather(context.Context) error {
	office := w.by["office"]
	l := office.lang()
	clerk, err := office.with(gate.OfficeClerk, 0)
	if err != nil {
		return err
	}
	s := w.h.Situations
	e, err := s.Open(clerk.ctx, situation.NewEvent{About: []string{"CVE-2024-3400", lastExploited}, EveryHours: 24,
		Title:   text.Both{JA: "外向きの装置を狙う攻撃", EN: "Attacks on devices that face outside"}.In(l),
		Summary: text.Both{JA: "攻撃に使われる脆弱性と、届いた報告をまとめて見ます。", EN: "Exploited vulnerabilities and the reports are looked at together."}.In(l)})
	if err != nil {
		return fmt.Errorf("demo: situation: %w", err)
	}
	all := situation.Sees{Incidents: true, Tasks: true, Decisions: true, Reports: true, People: true}
	tasks := []struct {
		id   string
		role gate.Role
		sees situation.Sees
		what text.Both
		to   []situation.TaskState
	}{
		{"industry", gate.MinistryClerk, all, text.Both{JA: "所管の事業者の状況を集める", EN: "Collect how the operators of the sector stand"}, []situation.TaskState{situation.Started}},
		{"police", gate.PoliceOfficer, all, text.Both{JA: "発信元の番号を照会する", EN: "Inquire about the source address"}, nil},
		{"privacy", gate.PrivacyClerk, situation.Sees{Reports: true}, text.Both{JA: "個人データの漏えいの報告を突き合わせる", EN: "Compare reports of leaked personal data"}, nil},
		{"centre", gate.JPCERTClerk, all, text.Both{JA: "海外の窓口に様子を聞く", EN: "Ask counterparts abroad"}, []situation.TaskState{situation.Started, situation.Done}},
		{"power", gate.OperatorReporter, situation.Sees{}, text.Both{JA: "接続の記録を30日分残す", EN: "Keep thirty days of connection records"}, []situation.TaskState{situation.Started, situation.Done}},
		{"rail", gate.OperatorReporter, situation.Sees{}, text.Both{JA: "外向きの装置を数え直す", EN: "Count again what faces outside"}, nil},
		{"akari", gate.MakerContact, situation.Sees{}, text.Both{JA: "影響のある版の一覧を出す", EN: "List the versions concerned"}, nil},
		{"shioji", gate.Maintainer, situation.Sees{}, text.Both{JA: "預かる装置の版を確かめる", EN: "Check the versions of what you operate"}, nil},
	}
	for i, x := range tasks {
		m := w.by[x.id]
		if _, err := s.Invite(clerk.ctx, e.ID, string(m.Org.ID), x.sees); err != nil {
			return fmt.Errorf("demo: %s in the situation: %w", x.id, err)
		}
		t, err := s.Assign(clerk.ctx, e.ID, situation.NewTask{Owner: string(m.Org.ID), Title: x.what.In(m.lang()), DueAt: w.now.Add(time.Duration(i*9-12) * time.Hour)})
		if err != nil {
			return fmt.Errorf("demo: task of %s: %w", x.id, err)
		}
		p, err := m.with(x.role, 0)
		if err != nil {
			return err
		}
		for _, to := range x.to {
			if _, err := s.Move(p.ctx, e.ID, t.ID, to, text.Both{JA: "進めています。", EN: "Under way."}.In(m.lang())); err != nil {
				return fmt.Errorf("demo: task of %s: %w", x.id, err)
			}
		}
	}
	cases, _, err := w.h.Incidents.List(clerk.ctx, incident.Filter{Limit: 2})
	if err != nil {
		return err
	}
	for _, c := range cases {
		if _, err := s.Join(clerk.ctx, e.ID, c.ID); err != nil {
			return fmt.Errorf("demo: incident in the situation: %w", err)
		}
	}
	if _, err := s.Decide(clerk.ctx, e.ID, text.Both{JA: "外向きの管理画面を、きょう中に閉じるよう求める。", EN: "Ask for management pages that face outside to be closed today."}.In(l), ""); err != nil {
		return err
	}
	_, err = s.Make(clerk.ctx, e.ID, text.Both{JA: "被害は広がっていません。確認の終わらない事業者があります。", EN: "It is not spreading; some operators are still checking."}.In(l))
	return err
}
