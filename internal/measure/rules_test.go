package measure

import (
	"strings"
	"testing"
	"time"

	"noroshi/internal/testkit"
)

// Every state is left or final, every act has its verb at the gate, and every
// step of the catalogue has its sentence.
func TestTheTablesHoldTogether(t *testing.T) {
	for _, s := range States {
		if s != Closed && s != Dropped && len(rulesAt[s]) == 0 {
			t.Errorf("nothing leads on from %s", s)
		}
	}
	for _, r := range Rules {
		if r.From == Closed || r.From == Dropped {
			t.Errorf("%s leads on from the end", r.Act)
		}
	}
	for _, n := range []Notice{Due, Noticed} {
		found := false
		for _, r := range Notices {
			found = found || r.From == n
		}
		if !found {
			t.Errorf("nothing settles %s", n)
		}
	}
	for _, c := range Steps {
		if c.Mode != Asks && c.Mode != Own && c.Mode != Record || c.Expires && c.Mode != Own {
			t.Errorf("%+v", c)
		}
	}
}

func TestNumbersAreWhole(t *testing.T) {
	n, err := BuiltIn()
	if err != nil || n.NoticeMinutes.minutes() != time.Hour {
		t.Fatalf("%+v, %v", n, err)
	}
	for _, bad := range []string{"x", "", "[notice_minutes]\nvalue = 0", strings.Replace(numbersFile, "value = 60", "value = 0", 1), strings.Replace(numbersFile, "[plan_steps]", "[plan_step]", 1), numbersFile + "\n[more]\nvalue = 1\n"} {
		if _, err := ReadNumbers([]byte(bad)); err == nil {
			t.Errorf("%.40q is taken", bad)
		}
	}
}

// What is missing or contradicts itself is not taken, and each place is named.
func TestPlansThatAreNone(t *testing.T) {
	n, err := BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	now := testkit.Start
	good := func() Plan {
		return Plan{From: now, Until: now.Add(time.Hour), Ordinary: "通常", StopWhen: []string{"影響"}, Deconflict: "ない", Steps: []PlanStep{{Kind: OwnSinkhole, On: "a.example", What: "遮断", Undo: "戻す", Hours: 1}}}
	}
	p := good()
	if err := p.check(&n, now); err != nil {
		t.Fatal(err)
	}
	for what, spoil := range map[string]func(p *Plan){
		"no steps":              func(p *Plan) { p.Steps = nil },
		"an unknown kind":       func(p *Plan) { p.Steps[0].Kind = "exploit" },
		"no way back":           func(p *Plan) { p.Steps[0].Undo = " " },
		"without an end":        func(p *Plan) { p.Steps[0].Hours = 0 },
		"backwards":             func(p *Plan) { p.Until = p.From },
		"over already":          func(p *Plan) { p.From, p.Until = now.Add(-2*time.Hour), now.Add(-time.Hour) },
		"for a week":            func(p *Plan) { p.Until = p.From.Add(7 * 24 * time.Hour) },
		"next year":             func(p *Plan) { p.From, p.Until = now.AddDate(1, 0, 0), now.AddDate(1, 0, 1) },
		"without a stop":        func(p *Plan) { p.StopWhen = nil },
		"too long":              func(p *Plan) { p.Ordinary = strings.Repeat("長", maxWords+1) },
		"too many steps":        func(p *Plan) { p.Steps = make([]PlanStep, 21) },
		"without deconfliction": func(p *Plan) { p.Deconflict = "\u202e" },
	} {
		p := good()
		spoil(&p)
		if err := p.check(&n, now); err == nil {
			t.Errorf("a plan %s is taken", what)
		}
	}
	a, b := good(), good()
	b.Steps[0].What = "別"
	if a.digest("c") == b.digest("c") || a.digest("c") == a.digest("d") || a.digest("c") != good().digest("c") {
		t.Error("a digest does not tell plans apart")
	}
}

func TestActsOfTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		act, words, file, person string
		step                     int
		path                     string
	}{
		{"ask", "理由", "", "", 0, "ask"}, {"begin", "", "", "", 0, "begin"}, {"intend", "手順", "", "", 2, "steps/2"}, {"designate", "", "", "x", 0, "designate"}, {"invite", "", "", "x", 0, "invite"},
		{"intend", "手順", "", "", 0, ""}, {"designate", "", "", "", 0, ""}, {"consult", "", "", "", 0, ""}, {"fire", "", "", "", 0, ""}, {"weigh", "", "no-such-file", "", 0, "weigh"}, {"settle", "理由", "", "", 0, "settle"}, {"dismiss", "", "", "x", 0, "dismiss"}, {"vouch", "", "", "", 0, "vouch"},
	} {
		path, _, err := asked(c.act, c.words, c.file, c.person, c.step)
		if path != c.path || c.path == "" && err == nil {
			t.Errorf("%s: %q, %v", c.act, path, err)
		}
	}
}
