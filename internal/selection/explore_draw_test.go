package selection

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/approval"
	"noroshi/internal/base/text"
)

var update = flag.Bool("update", false, "write docs/selection-states.md anew")

// both are the words of a diagram, in two languages.
type both struct{ ja, en string }

// Words of acts and sides, as the diagrams say them.
var actWords = map[string]both{
	"ask": {"申請する", "ask"}, "examine": {"審査して委員会に出す", "examine"}, "withdraw": {"取り下げる", "take back"}, "decide": {"議決する", "decide"}, "expire": {"期間が終わる", "period over"},
	"give_up": {"返上する", "give up"}, "revoke": {"取り消す", "revoke"}, "issue": {"協定に基づいて発行する", "issue"}, "recall": {"協定の終わり、次の条件", "recall"},
	"make": {"作る", "make"}, "second": {"別の人が確かめる", "second person decides"}, "drop": {"別の人が取りやめる", "second person drops it"},
	"begin": {"始める", "begin"}, "beat": {"続けてよいかを確かめる", "ask whether to go on"}, "list": {"条件の一覧を受け取る", "fetch the list"}, "keep": {"記録を渡す", "hand in records"},
	"vault": {"封じた対応表を渡す", "hand in the sealed table"}, "state": {"結果証明書で終える", "end with a statement"}, "abort": {"やめる", "give up"}, "fail": {"失敗する", "fail"},
	"silence": {"音信がない", "not heard of"},
}

var sideWords = map[string]both{
	"asker": {"申請者", "asker"}, "examiner": {"審査担当", "examiner"}, "member": {"委員", "member"}, "clock": {"時間", "time"}, "hub": {"ハブ", "hub"}, "handler": {"実施者", "handler"},
	"office": {"国家統括室", "office"}, "party": {"当事者", "party"},
}

// arrow is one row of a table of steps.
type arrow struct{ from, to, label, edge string }

// drawSelection writes what the search walked as diagrams, and compares them with
// those that readers have. A row that nobody ever walks is a mistake.
func drawSelection(t *testing.T, walked map[string]bool) {
	t.Helper()
	cat, err := text.Load(Words, approval.Words)
	if err != nil {
		t.Fatal(err)
	}
	ja, en := cat.Printer(text.JA, nil), cat.Printer(text.EN, nil)
	var b strings.Builder
	b.WriteString("# 承認・協定・条件・選別の状態遷移 / States of approvals, agreements, lists and runs\n\n")
	b.WriteString("この図は手で書いたものではありません。サービスが使う規則表を総当たりで調べるテスト（`TestNoRunWithoutCoverInAnyState`）が書きます。\n")
	b.WriteString("Nobody drew this: the test that searches all that the rule tables of the services allow (`TestNoRunWithoutCoverInAnyState`) writes it.\n\n")
	b.WriteString("どの状態でも確かめていること / What holds in every state:\n\n")
	for _, x := range []both{
		{"選別が始まり、続き、記録が入るのは、承認か協定がその時に覆っている間だけ。期間の中で選んだ記録は、期間の後でも15秒は受け取る。", "A run begins, goes on and hands in only while an approval or an agreement covers it; what was selected within the period still comes in for 15 seconds after it."},
		{"覆われている選別は、始めることも続けることもできる。", "What is covered may begin and go on."},
		{"1つの承認で同時に動く選別は1つだけ。", "One run at a time on one approval."},
		{"残す記録は、承認の上限も協定の上限も超えない。中断した選別が取得したかもしれない量も、使ったものとして数える。", "No more is kept than the cap of the approval and of the agreement; what a run that broke off may have taken counts as used."},
		{"申請・審査・判断・協定の担当・条件の作成をした人は、実施しない。", "Who asked, examined, decided, conducted the agreement or made the list carries nothing out."},
		{"協定は、一方が書き、もう一方が読んで受け入れた言葉だけ。", "An agreement is what one side wrote and the other read and accepted, and nothing else."},
		{"警告一覧に当たる条件は、作った人とは別の人が確かめる。", "Of what meets a warning list another person decides than who made the list."},
	} {
		fmt.Fprintf(&b, "- %s / %s\n", x.ja, x.en)
	}
	label := func(act string, by string) string {
		x, y := actWords[act], sideWords[by]
		if x.ja == "" && act != "" || y.ja == "" && by != "" {
			t.Errorf("no words for %q by %q", act, by)
		}
		switch {
		case act == "":
			return y.ja + " " + y.en
		case by == "":
			return x.ja + " " + x.en
		}
		return x.ja + "（" + y.ja + "） " + x.en
	}
	diagram := func(title both, states []string, word func(string) both, rows []arrow) {
		fmt.Fprintf(&b, "\n## %s / %s\n\n```mermaid\nstateDiagram-v2\n", title.ja, title.en)
		for _, s := range states {
			fmt.Fprintf(&b, "  %s: %s\\n%s\n", s, word(s).ja, word(s).en)
		}
		labels, order := map[[2]string][]string{}, [][2]string{}
		for _, r := range rows {
			if !walked[r.edge] {
				t.Errorf("the row %q is never of use", r.edge)
			}
			from := r.from
			if from == "" {
				from = "[*]"
			}
			k := [2]string{from, r.to}
			if labels[k] == nil {
				order = append(order, k)
			}
			labels[k] = append(labels[k], r.label)
		}
		for _, k := range order {
			fmt.Fprintf(&b, "  %s --> %s: %s\n", k[0], k[1], strings.Join(labels[k], " / "))
		}
		for _, s := range states {
			if !slices.ContainsFunc(rows, func(r arrow) bool { return r.from == s }) {
				fmt.Fprintf(&b, "  %s --> [*]\n", s)
			}
		}
		b.WriteString("```\n")
	}
	words := func(prefix string) func(string) both {
		return func(s string) both { return both{ja.T(prefix + s), en.T(prefix + s)} }
	}
	steps := func(kind approval.Kind, name string) (states []string, rows []arrow) {
		for _, s := range approval.StepsOf(kind) {
			for _, x := range []approval.State{s.From, s.To} {
				if x != "" && !slices.Contains(states, string(x)) {
					states = append(states, string(x))
				}
			}
			rows = append(rows, arrow{string(s.From), string(s.To), label(s.Act, string(s.By)), name + " " + string(s.From) + " " + s.Act + " " + string(s.To)})
		}
		return states, rows
	}
	states, rows := steps(approval.ForeignDomestic, "approval")
	diagram(both{"委員会の承認", "An approval of the commission"}, states, words("approval.state."), rows)
	states, rows = steps(approval.Agreement, "agreement_approval")
	diagram(both{"協定に基づく承認", "An approval under an agreement"}, states, words("approval.state."), rows)

	states, rows = nil, []arrow{{"", string(Proposed), label("", "office"), "agreement proposed proposed office"}}
	for _, s := range agreementStates {
		states = append(states, string(s))
	}
	for _, m := range Moves {
		rows = append(rows, arrow{string(m.From), string(m.To), label("", string(m.By)), "agreement " + string(m.From) + " " + string(m.To) + " " + string(m.By)})
	}
	diagram(both{"当事者協定", "An agreement"}, states, func(s string) both {
		if s == string(Agreed) { // in its period, and before
			s = "in_force"
		}
		return words("selection.agreement.state.")(s)
	}, rows)

	rows = nil
	for _, m := range ListMoves {
		rows = append(rows, arrow{string(m.From), string(m.To), label(m.Act, ""), "list " + string(m.From) + " " + m.Act + " " + string(m.To)})
	}
	diagram(both{"選別の条件の一覧", "A list of search conditions"}, []string{string(ListWaiting), string(ListReady), string(ListDropped)}, words("selection.list.state_of."), rows)

	rows = nil
	for _, m := range RunMoves {
		rows = append(rows, arrow{string(m.From), string(m.To), label(m.Act, string(m.By)), "run " + string(m.From) + " " + m.Act + " " + string(m.To)})
	}
	diagram(both{"選別の実施", "A run"}, []string{string(RunGoing), string(RunDone), string(RunInterrupted)}, words("selection.hub.state."), rows)

	name := filepath.Join("..", "..", "docs", "selection-states.md")
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil || string(have) != b.String() {
		t.Errorf("docs/selection-states.md is not what the search found: run the test with -update (%v)", err)
	}
}
