package page

import (
	"bytes"
	"html/template"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// galleryWords are both the words of the gallery and the wording of its data,
// which in a real page comes from a noun.
var galleryWords = fstest.MapFS{
	"text/ja.toml": {Data: []byte(`"gallery.form" = "入力"
"gallery.save" = "保存して次へ"
"gallery.back" = "一覧へ戻る"
"gallery.marks" = "印と言葉"
"gallery.drill" = "訓練"
"gallery.clocks" = "期限"
"gallery.big" = "早期警告を出すまで"
"gallery.work" = "お願い"
"gallery.check" = "出す前の確認"
"gallery.receipt" = "受付"
"gallery.list" = "機器"
"gallery.choose" = "{id} を選ぶ"
"gallery.name" = "機器"
"gallery.n" = "台数"
"gallery.trend" = "30日の動き"
"gallery.notes" = "お知らせ"
"gallery.note" = "下書きは自動で残ります。"
"gallery.charts" = "図"
"gallery.menu.work" = "きょうの仕事"
"gallery.menu.today" = "きょう"
"gallery.menu.reports" = "インシデント報告"
"gallery.bad" = "答えを確かめてください"
"gallery.bad.when" = "時刻は、いまより前の時刻を書いてください"
"gallery.bad.how" = "どうやって気づいたかを選んでください"
"fault.internal" = "処理できませんでした"
`)},
	"text/en.toml": {Data: []byte(`"gallery.form" = "Form"
"gallery.save" = "Save and continue"
"gallery.back" = "Back to the list"
"gallery.marks" = "Marks and words"
"gallery.drill" = "Exercise"
"gallery.clocks" = "Clocks"
"gallery.big" = "Until the early warning is due"
"gallery.work" = "To do"
"gallery.check" = "Check before sending"
"gallery.receipt" = "Receipt"
"gallery.list" = "Equipment"
"gallery.choose" = "Choose {id}"
"gallery.name" = "Device"
"gallery.n" = "Count"
"gallery.trend" = "30 days"
"gallery.notes" = "Notes"
"gallery.note" = "Drafts save themselves."
"gallery.charts" = "Charts"
"gallery.menu.work" = "Work"
"gallery.menu.today" = "Today"
"gallery.menu.reports" = "Incident reports"
"gallery.bad" = "Check your answers"
"gallery.bad.when" = "Enter a time before now"
"gallery.bad.how" = "Choose how you became aware"
"fault.internal" = "This could not be done"
`)},
}

var galleryNow = time.Date(2026, 11, 5, 14, 5, 12, 0, text.JST)

func gallerySet(t testing.TB) *Set {
	t.Helper()
	words, err := text.Load(Words, galleryWords)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(words, Source{"gallery", os.DirFS("testdata")})
	if err != nil {
		t.Fatal(err)
	}
	s.SetClock(func() time.Time { return galleryNow })
	return s
}

func galleryShell(l text.Lang) Shell {
	return Shell{
		Lang: l, Now: galleryNow, Path: "/gallery?sort=n", Person: say(l, "情報システム部 当直", "Duty desk"), Org: say(l, "蒼浜電力株式会社", "Aohama Power"),
		Search: "/search", Key: "reports", CSRF: "t0ken", Live: "/gallery/live", SignOut: "/signout", Account: "/account",
		Notice: say(l, "組織・製品・番号・日時はすべて架空です。", "All organisations, products and numbers are invented."),
		Rail: []RailGroup{{"gallery.menu.work", []RailItem{
			{"today", "/", "home", "gallery.menu.today", 3, true},
			{"reports", "/reports", "document", "gallery.menu.reports", 1, false},
		}}},
		Handling: &Handling{"AMBER+STRICT", 2, say(l, "目的：特定被害の防止。閲覧は記録されます。", "Purpose: preventing specified damage. Reading is recorded.")},
		Flash:    []Flash{{"good", say(l, "3台の運用を変更しました。", "Changed 3 devices."), "/undo"}},
	}
}

func say(l text.Lang, ja, en string) string { return text.Both{JA: ja, EN: en}.In(l) }

type galleryRow struct {
	ID, Name string
	N        int
	Trend    []int
}

func galleryData(l text.Lang) map[string]any {
	at := func(d, h, m int) time.Time { return time.Date(2026, 11, d, h, m, 0, 0, text.JST) }
	cet := time.FixedZone("CET", 3600)
	start := at(4, 23, 40)
	ministry, office := say(l, "所管省", "Ministry"), say(l, "国家統括室", "National office")
	body := func(ja, en string) string { return say(l, ja, en) }
	return map[string]any{
		"Head": Head{
			Crumbs: []Crumb{{body("インシデント報告", "Incident reports"), "/reports"}, {body("事案 2026-0412", "Incident 2026-0412"), ""}},
			H1:     body("事案 2026-0412 遠隔保守用VPN装置への侵入", "Incident 2026-0412: intrusion into a maintenance VPN"),
			Lead:   body("一度答えれば、すべての提出先の様式ができます。", "Answer once; every recipient's form is made from it."),
			Acts: []Act{{Text: body("印刷", "Print"), Href: "/print", Icon: "print", Kind: "small"}, {Text: body("第二報を提出する", "Submit the second report"), Kind: "primary",
				Off: body("あと1問に答えると出せます", "One question is still open")}, {Text: body("取り下げる", "Withdraw"), Href: "/withdraw", Kind: "stop", Post: true}},
		},
		"At": at(5, 14, 4), "Digest": "9f2c81d044ab7e19c0d35b6218fea07d", "Both": text.Both{JA: "電力", EN: "Electricity"},
		"States": strings.Fields("draft asked examined returned approved refused emergency expired withdrawn submitted acknowledged done started todo blocked investigating"),
		"TLPs":   strings.Fields("RED AMBER+STRICT AMBER GREEN CLEAR"),
		"Change": Change{"9.1.3", "9.1.5"},
		"Fields": []Field{
			{Name: "aware", Kind: "datetime", Label: body("侵害に気づいたのは、いつですか", "When did you become aware?"), Need: Required, Range: true, Investigating: true,
				Hint: body("社内のだれかが知った時です。", "When anybody in the organisation knew."), Value: "2026-11-05T23:40:00+09:00"},
			{Name: "how", Kind: "choice", Label: body("どうやって気づきましたか", "How did you become aware?"), Need: Required, Options: []Option{
				{Value: "own", Label: body("自社の監視で", "Our own monitoring")},
				{Value: "told", Label: body("外からの知らせで", "Somebody told us"), Hint: body("公的機関、取引先など", "An authority, a customer"), Reveal: []Field{{Name: "who", Label: body("だれから", "Who"), Need: Optional}}},
				{Value: "down", Label: body("役務が止まって", "The service stopped"), Off: body("この種類では選べません", "Not for this kind")}}},
			{Name: "product", Label: body("製品名", "Product"), Need: Optional, Hint: body("機械に書かれている名前。", "The name on the device."), Example: "EdgeGate 410", Value: "EdgeGate <410>"},
			{Name: "count", Kind: "number", Label: body("台数", "Devices"), Unit: body("台", "devices"), Value: "3"},
			{Name: "ends", Kind: "date", Label: body("サポート終了日", "Support ends"), Value: "2028-03-31"},
			{Name: "zone", Kind: "select", Label: body("区画", "Zone"), Value: "dmz", Options: []Option{{Value: "inet", Label: body("インターネット側", "Internet-facing")}, {Value: "dmz", Label: body("境界", "DMZ")}}},
			{Name: "what", Kind: "textarea", Label: body("概要", "What happened"), Rows: 4, Limit: 2000, Value: body("管理画面に外部から接続された。", "The console was reached from outside.")},
			{Name: "data", Kind: "choices", Label: body("関わるもの", "What is involved"), Values: []string{"b"}, Options: []Option{{Value: "a", Label: body("個人データ", "Personal data")}, {Value: "b", Label: body("制御系", "Control systems")}}},
			{Name: "file", Kind: "file", Label: body("添付", "Attachment"), Hint: body("20 MBまで。", "Up to 20 MB."), Multiple: true},
			{Name: "sure", Kind: "check", Label: body("内容を確かめました", "I have checked this")},
			{Name: "version", Kind: "hidden", Value: "7"},
		},
		"Consents": []Consent{{Name: "share", Label: body("国家統括室と分け合うことに同意します", "Share this with the national office"), Hint: body("同意しなくても、所管省への報告は届きます。", "The ministry gets the report either way.")}},
		"Dues": []Due{{At: at(30, 24, 0)}, {At: at(5, 23, 40), Also: cet}, {At: at(5, 11, 55)}, {At: at(5, 23, 40), MetAt: at(5, 2, 18)},
			{Word: body("速やかに（当社の目安 3日）", "Promptly (house target 3 days)")}, {Word: body("施行前のため対象外", "Not in force"), Off: true}},
		"Big": Due{At: at(5, 23, 40), Also: cet},
		"Lanes": Lanes{Start: start, Word: body("認知", "Aware"), Lanes: []Lane{
			{Name: ministry, Note: body("法第5条 特定侵害事象の報告", "Act art. 5"), Marks: []LaneMark{{Met: at(5, 2, 18)}, {Due: start.Add(30 * 24 * time.Hour)}}, Due: Due{At: start.Add(30 * 24 * time.Hour)}, Say: body("速報は提出済み。次は12月4日。", "First report in; next on 4 Dec.")},
			{Name: body("欧州の監督機関", "EU supervisor"), Note: "NIS2 23", Marks: []LaneMark{{Due: start.Add(24 * time.Hour)}, {Due: start.Add(72 * time.Hour)}}, Due: Due{At: start.Add(24 * time.Hour), Also: cet}, Say: body("早期警告はまだです。", "Early warning is open.")},
			{Name: body("遅れた例", "A late one"), Marks: []LaneMark{{Due: at(5, 11, 55)}}, Due: Due{At: at(5, 11, 55)}, Say: body("過ぎています。", "Overdue.")},
			{Name: body("県警察", "Police"), Note: body("任意。期限はありません", "Voluntary, no deadline"), Marks: []LaneMark{{Met: at(5, 5, 40)}}, Due: Due{MetAt: at(5, 5, 40), Word: body("相談済み", "Consulted")}, Say: body("相談済み。", "Consulted.")},
		}},
		"Todos": []Todo{{"act", body("EdgeGate 410 の知らせに答える", "Answer the notice on EdgeGate 410"), "/n/1", body("貴社の3台が該当します。", "3 of your devices are affected."), Due{At: at(5, 18, 0)}, body("答える", "Answer")},
			{"attend", body("12台に、版を書く", "Give 12 devices a version"), "/a", "", Due{}, body("12台を開く", "Open 12")}},
		"Tasks": []TaskGroup{{body("1 報告の前に", "1 Before you report"), []Task{{body("報告が要る事案かを確かめる", "Is this reportable?"), "/q/1", body("対象です", "It is"), "done"},
			{body("技術の事項", "Technical matters"), "/q/2", "", "started"}, {body("確かめて提出する", "Check and send"), "", body("上の1問に答えると始められます", "Answer the question above first"), "blocked"}}}},
		"Facts": Facts{Who: []Recipient{{"m", body("所", "M"), ministry}, {"o", body("国", "N"), office}}, Rows: []Fact{
			{Name: body("認知の時刻", "Became aware"), Value: body("2026年11月4日（水）23:40 JST", "Wed 4 Nov 2026, 23:40 JST"), Gets: []string{"m", "o"}, Change: "/q/3"},
			{Name: body("機器", "Equipment"), Was: &Change{body("2台", "2 devices"), body("3台", "3 devices")}, Note: body("役務：給電指令の遠隔保守", "Service: remote maintenance"), Gets: []string{"m"}, Change: "/q/4"},
			{Name: body("概要", "Summary"), Value: "1\n2", Change: "/q/5"}}},
		"Tight":    Facts{Tight: true, Rows: []Fact{{Name: body("提出番号", "Number"), Value: "2026-0412-02"}, {Name: body("版", "Version"), Value: "2"}}},
		"Stamps":   []Stamp{{Body: ministry, Short: body("所管省", "Ministry"), At: at(5, 14, 8), Number: "8-0931"}, {Body: body("個人情報保護委員会", "Privacy commission"), Short: body("個情委", "PPC"), Note: body("14:08:30 に届きました", "Arrived 14:08:30")}},
		"Steps":    []Step{{Kind: "done", At: start, What: body("認知", "Became aware")}, {Kind: "fire", At: at(5, 2, 0), What: body("緊急の宣言", "Emergency declared")}, {Kind: "here", At: at(5, 14, 0), What: body("第二報", "Second report"), Note: body("確かめています", "Being checked")}, {When: body("12月4日まで", "by 4 Dec"), What: body("30日報告", "30-day report")}},
		"Proof":    Proof{Say: body("台帳の 48,260 番に記録されました", "Recorded as entry 48,260"), Leaf: "9f2c81d044ab7e19c0d35b62", Root: "71be0a4d90c26f38", Signers: body("署名：ハブ 1、証人 2", "Signed: hub 1, witnesses 2"), Command: "noroshi ledger prove 48260"},
		"Evidence": []Evidence{{Fact: body("国家統括室が速報を受領しました", "The national office received the first report"), Note: "R-2026-004127", At: at(5, 2, 31), Href: "/e/1"}, {Icon: "question", Fact: body("所管省から質問が1件", "One question from the ministry"), At: at(5, 11, 40)}},
		"List": &List{Path: "/gallery", Query: url.Values{"zone": {"inet"}, "sort": {"-n"}, "after": {"c1"}}, SaveTo: "/views", Views: []View{{body("夜勤の見方", "Night shift"), "zone=inet"}},
			Columns: []Column{{Title: body("選ぶ", "Choose"), Tick: true}, {Title: body("番号", "No."), Sort: "id"}, {Title: body("機器", "Device")}, {Title: body("台数", "Count"), Num: true, Sort: "n"}, {Title: body("30日の動き", "30 days")}},
			Filters: []Filter{{"zone", "", body("すべて", "All"), 142}, {"zone", "inet", body("インターネット側", "Internet-facing"), 27}, {"version", "unknown", body("版が不明", "Version unknown"), -1}},
			Next:    "c2", Prev: "c0", Size: 50, From: 51, Shown: 2, Total: 142},
		"Rows":    []galleryRow{{"A-0121", "EdgeGate 410", 3, []int{1, 2, 2, 5, 3, 8, 13}}, {"A-0122", "KX-2200", 1204, []int{9, 4, 4, 3, 2, 1, 0}}},
		"Bulk":    Bulk{Form: "rows", Acts: []BulkAct{{body("版を書く", "Set version"), "do", "version"}, {body("請負先に頼む", "Ask contractor"), "do", "ask"}}, Said: body("3台を変更しました。", "Changed 3."), Undo: "/undo"},
		"Empty":   Empty{body("届いた知らせは、まだありません", "No notices yet"), body("台帳に版を書くと、該当する知らせだけが届きます。", "Give your equipment versions and only notices that concern you arrive."), &Act{Text: body("台帳を開く", "Open the register"), Href: "/a"}},
		"Squares": Squares{Title: body("142台のうち118台を届け出ました", "118 of 142 devices are notified"), Note: body("四角1つが1台です。", "One square is one device."), Say: body("142台の内訳。", "142 devices by state."), Parts: []Mass{{body("サポート終了", "Past support"), 3, "f-act"}, {body("版が不明", "Version unknown"), 12, "f-attend"}, {body("届出済み", "Notified"), 103, "f-line"}, {body("届出の前", "Not yet"), 24, "f-rule"}}, Table: "/gallery.csv"},
		"Figure": Figure{Title: body("外から制御器まで届く経路が1本あります", "One path reaches the controllers"), Note: body("四角が機器の種類です。", "A box is a kind of device."), Table: "/gallery.csv",
			SVG: template.HTML(`<svg class="fig" viewBox="0 0 1172 60" role="img" aria-label="` + body("区画の図", "Picture of zones") + `"><rect x="1" y="1" width="228" height="58" class="f-paper s-act s2"/><path d="M229 30H480" class="f-none s-act s3"/><rect x="480" y="1" width="228" height="58" class="f-paper s-rule"/><text x="20" y="34" class="t-b">VPN</text></svg>`)},
		"Bars": Bars{Title: body("境界の機器がいちばん多い", "Most devices stand at the edge"), Say: body("区画ごとの台数。", "Devices by zone."), Unit: body("台", ""), Parts: []Mass{{body("境界", "DMZ"), 61, "f-ai"}, {body("社内", "Internal"), 42, ""}, {body("制御系", "OT"), 3, ""}}},
	}
}

// questionData is a question page: one question, its label the h1.
func questionData(l text.Lang) map[string]any {
	all := galleryData(l)
	fields := all["Fields"].([]Field)[:2]
	fields[0].Question = true
	return map[string]any{"Fields": fields, "Dues": all["Dues"], "At": all["At"],
		"Head": Head{Crumbs: []Crumb{{say(l, "事案 2026-0412", "Incident 2026-0412"), "/i"}, {say(l, "発生と認知（9つのうち2つ目）", "Becoming aware (2 of 9)"), ""}}}}
}

func galleryPage(t testing.TB, s *Set, shell Shell) string {
	t.Helper()
	var b bytes.Buffer
	name, data := "gallery/gallery", galleryData(shell.Lang)
	if shell.Title != "" {
		name, data = "gallery/question", questionData(shell.Lang)
	}
	if err := s.Render(&b, name, shell, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// faulty is the gallery as it comes back with mistakes in it.
func faulty(l text.Lang) Shell {
	err := fault.New(fault.Invalid, "gallery.bad").At(fault.Place{At: "aware", Code: "gallery.bad.when"}, fault.Place{At: "how", Code: "gallery.bad.how"}, fault.Place{At: "ends", Code: "page.bad.date"})
	return galleryShell(l).Fail(err, url.Values{"aware.state": {"known"}, "aware.y": {"２０２６"}, "aware.m": {"11"}, "aware.d": {"5"}, "aware.h": {"26"}, "ends.y": {"令和十年春"}, "product": {`"><script>`}})
}
