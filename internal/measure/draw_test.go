package measure

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/text"
)

var update = flag.Bool("update", false, "write docs/measure-states.md anew")

// draw writes what the search walked as a diagram, and compares it with the one
// that readers have.
func draw(t *testing.T, e *explorer) {
	t.Helper()
	cat, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	ja, en := cat.Printer(text.JA, nil), cat.Printer(text.EN, nil)
	var b strings.Builder
	b.WriteString("# アクセス・無害化の状態遷移 / States of a measure\n\n")
	b.WriteString("この図は手で書いたものではありません。規則表（`measure/rules.go`）を総当たりで調べるテストが書きます。\n")
	b.WriteString("Nobody drew this: the test that searches all that the rule tables (`measure/rules.go`) allow writes it.\n\n```mermaid\nstateDiagram-v2\n")
	for _, s := range States {
		fmt.Fprintf(&b, "  %s: %s\\n%s\n", s, ja.T("measure.state."+string(s)), en.T("measure.state."+string(s)))
	}
	fmt.Fprintf(&b, "  [*] --> %s\n", Opened)
	type arrow struct{ from, to State }
	labels, order := map[arrow][]string{}, []arrow{}
	for _, r := range Rules {
		if r.From == "" || !e.edges[edge(&r)] {
			continue
		}
		a := arrow{r.From, r.To}
		if labels[a] == nil {
			order = append(order, a)
		}
		label := ja.T("measure.act."+r.Act) + "（" + ja.T("measure.side."+string(r.By)) + "）"
		if len(r.Needs) > 0 {
			label += " " + strings.Join(r.Needs, " ")
		}
		labels[a] = append(labels[a], label)
	}
	for _, a := range order {
		fmt.Fprintf(&b, "  %s --> %s: %s\n", a.from, a.to, strings.Join(labels[a], " / "))
	}
	fmt.Fprintf(&b, "  %s --> [*]\n  %s --> [*]\n```\n\n## 緊急時の審査 / The review of an emergency\n\n```mermaid\nstateDiagram-v2\n", Closed, Dropped)
	for _, n := range []Notice{Due, Noticed, Confirmed, Advised} {
		fmt.Fprintf(&b, "  %s: %s\\n%s\n", n, ja.T("measure.notice."+string(n)), en.T("measure.notice."+string(n)))
	}
	fmt.Fprintf(&b, "  [*] --> %s: %s\n", Due, ja.T("measure.act.declare"))
	for _, n := range Notices {
		fmt.Fprintf(&b, "  %s --> %s: %s\n", n.From, n.To, strings.Join(append([]string{ja.T("measure.act."+n.Act) + "（" + ja.T("measure.side."+string(n.By)) + "）"}, n.Needs...), " "))
	}
	fmt.Fprintf(&b, "  %s --> [*]\n  %s --> [*]\n```\n\n## 守るべき条件 / Guards\n\n| | 根拠 / basis | 満たさないとき / when it does not hold |\n|---|---|---|\n", Confirmed, Advised)
	for _, g := range Guards {
		key := "measure.guard." + strings.ToLower(g.ID)
		fmt.Fprintf(&b, "| %s | %s | %s / %s |\n", g.ID, g.Article, ja.T(key), en.T(key))
	}
	b.WriteString("\n")
	name := filepath.Join("..", "..", "docs", "measure-states.md")
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil || string(have) != b.String() {
		t.Errorf("docs/measure-states.md is not what the search found: run the test with -update (%v)", err)
	}
	for _, g := range Guards {
		if !slices.ContainsFunc(Rules, func(r Rule) bool { return slices.Contains(r.Needs, g.ID) }) && !slices.ContainsFunc(Talks, func(x Talk) bool { return slices.Contains(x.Needs, g.ID) }) &&
			!slices.ContainsFunc(Notices, func(x NoticeRule) bool { return slices.Contains(x.Needs, g.ID) }) {
			t.Errorf("%s guards nothing", g.ID)
		}
	}
}
