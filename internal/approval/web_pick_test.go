package approval

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// with replaces fields of a form; an empty value takes them out.
func with(form []string, pairs ...string) (out []string) {
	for i := 0; i+1 < len(form); i += 2 {
		if !slices.Contains(pairs, form[i]) {
			out = append(out, form[i], form[i+1])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, pairs[i], pairs[i+1])
		}
	}
	return out
}

func TestAListIsChosenByItsName(t *testing.T) {
	s := newSite(t)
	ready := []Selectors{{Hash: hash("d"), Name: "指令の取得", Count: 4812}, {Hash: hash("e"), Name: "認証の総当たり", Count: 7}, {Hash: hash("d"), Name: "同じ一覧", Count: 4812}}
	s.Lists = func(ctx context.Context) ([]Selectors, error) {
		if who, _ := gate.From(ctx); !who.Has(gate.OfficeClerk) {
			t.Errorf("lists are given to %v", who.Roles)
		}
		return ready, nil
	}
	s.page(asClerk, "/approvals/new", "指令の取得（4,812件）", "SHA-256 dddd dddd", "認証の総当たり（7件）", "ほかで作った条件", "!同じ一覧", "!"+strings.Repeat("d", 65))
	none := with(s.askForm(), "selectors/name", "", "selectors/count", "", "selectors/hash", "")
	s.wrong(asClerk, "/approvals", []string{"選別の条件を選んでください", `href="#f-selectors-list`, "一致する指標が3件ある"}, none...)
	s.wrong(asClerk, "/approvals", []string{"選別の条件を選んでください"}, with(none, listField, hash("f"))...)
	s.wrong(asClerk, "/approvals", []string{"「条件の一覧の名前」が空です"}, with(none, listField, typedList)...)
	for _, form := range [][]string{with(none, listField, hash("e")), with(s.askForm(), listField, hash("e"))} {
		id := strings.TrimPrefix(s.post(asClerk, "/approvals", form...), "/approvals/")
		v, err := s.Show(s.clerk(), id)
		if err != nil || v.Case.Asked.Selectors != ready[1] {
			t.Errorf("%+v %v", v.Case.Asked.Selectors, err)
		}
	}
	id := strings.TrimPrefix(s.post(asClerk, "/approvals", with(s.askForm(), listField, typedList)...), "/approvals/")
	if v, err := s.Show(s.clerk(), id); err != nil || v.Case.Asked.Selectors.Hash != hash("a") {
		t.Errorf("%+v %v", v.Case.Asked.Selectors, err)
	}
	for i := range maxRadios {
		ready = append(ready, Selectors{Hash: hash(string(rune('0' + i))), Name: "条件", Count: 1})
	}
	s.page(asClerk, "/approvals/new", "<select", "0000 0000 0000 0000 …", "（ほかで作った条件のとき）")
	ready = nil
	s.page(asClerk, "/approvals/new", "使える条件がまだありません", "ほかで作った条件")
}

func TestBodiesAndFieldsAreSaidByName(t *testing.T) {
	s := newSite(t)
	number, err := org.CompleteNumber("888800000002")
	if err != nil {
		t.Fatal(err)
	}
	police, err := s.country.Register(org.Local(context.Background()), org.Org{Number: number, Name: text.Both{JA: "試験警察（架空）", EN: "Test police"}, Kinds: []org.Kind{org.Police}})
	if err != nil {
		t.Fatal(err)
	}
	s.page(asClerk, "/approvals/new", "試験警察", "試験office", "送信元のアドレス", "!試験carrier（架空）</span>")
	form := append(with(s.askForm(), "fields", "src", "recipients", string(police.ID), "recipients_other", "架空の研究所"), "fields", "dst", "recipients", "ministry")
	to := s.post(asClerk, "/approvals", form...)
	v, err := s.Show(s.clerk(), strings.TrimPrefix(to, "/approvals/"))
	if err != nil {
		t.Fatal(err)
	}
	if a := v.Case.Asked; !slices.Equal(a.Fields, []string{"dst", "src"}) || len(a.Recipients) != 3 || !slices.Contains(a.Recipients, string(police.ID)) {
		t.Errorf("%v %v", a.Fields, a.Recipients)
	}
	s.page(asExaminer, to, "送信元のアドレス、宛先のアドレス", "試験警察", "所管省", "架空の研究所", "!"+string(police.ID))
	s.page(asExaminer, to+"?lang=en", "Source address, Destination address", "Test police")
	if p := (say{s.words.Printer(text.JA, text.JST)}); p.core(&v.Case, v.Names)[8].Value != "送信元のアドレス、宛先のアドレス" {
		t.Errorf("%+v", p.core(&v.Case, v.Names))
	}
}

func TestADecidedCaseSaysWhatWasApprovedAndWhatIsLeft(t *testing.T) {
	s := newSite(t)
	c := s.approve()
	at := "/approvals/" + c.ID
	s.page(asMember("1"), at, "監理委員会は、賛成", "外内通信の選別（第32条）を、1.1 TBを上限に", "まで承認しました", "残り 30日", "残り 1.1 TB（上限 1.1 TB）", "使われ方を見る（0回）")
	s.page(asClerk, at, "監理委員会は、委員の多数決で", "!賛成")
	u, err := s.redeem(s.grantOf(c.ID), s.hand(), scope(c))
	if err != nil {
		t.Fatal(err)
	}
	s.finish(u, Quantity{Packets: 9, Bytes: c.Cap.Bytes})
	s.page(asClerk, at, "に達しました。もう使えません")
	s.Clock.Pass(40 * 24 * time.Hour)
	s.page(asClerk, at, "に終わりました（期間満了）", "!残り ")
	refused := s.ask()
	s.page(asExaminer, "/approvals/"+refused.ID, "審査の意見を待っています", `href="#examine"`)
	s.page(asClerk, "/approvals/"+refused.ID, "審査の意見を待っています", `!href="#`+url.PathEscape("examine")+`"`)
}
