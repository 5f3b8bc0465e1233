package asset

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

const mixedList = `id,kind,maker,product,version,quantity,zone,addresses,support_ends_at
A-1,vpn,Orvane,EdgeGate 410,9.1.5,2,internet,203.0.113.10,2030-03-31
A-2,vpn,Orvane,EdgeGate 410,,12,internet,203.0.113.11,2030-03-31
A-3,vpn,,KX-2200,,,internet,,
A-4,firewall,Minato,FW-70,,,dmz,10.0.300.4,令和十年春
A-1,vpn,Orvane,EdgeGate 410,9.1.5,2,internet,203.0.113.10,2030-03-31
A-5,mail,Selwick,Post 6,6.0.2,,dmz,,2026-11-21
A-5,mail,Selwick,Post 6,6.0.3,,dmz,,
`

func checkText(t *testing.T, list string) *Checked {
	t.Helper()
	c, err := rules(t).Check("list.csv", strings.NewReader(list), int64(len(list)), day("2026-11-22"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCheck(t *testing.T) {
	c := checkText(t, mixedList)
	if c.Rows != 7 || c.Valid != 3 || c.Invalid != 3 || c.Duplicate != 1 || c.Clean {
		t.Errorf("%+v", c)
	}
	var got [][2]any
	for _, r := range c.Problems {
		for _, f := range r.Findings {
			got = append(got, [2]any{r.Row, f.Code})
		}
	}
	want := [][2]any{{4, "asset.import.maker_empty"}, {5, "asset.import.address_bad"}, {5, "asset.import.date_bad"}, {8, "asset.plan.id_twice"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]CheckedCopy{{"row 6", 6, "row 2"}}, c.Duplicates); d != "" {
		t.Error(d)
	}
	warn := map[string]int{}
	for _, w := range c.Warnings {
		warn[w.ID] = w.Devices
	}
	if warn["version_internet"] != 12 || warn["support_ended"] != 1 || warn["service_missing"] != 15 {
		t.Errorf("%v", warn)
	}
	if c.Warnings[0].Level != "act" || c.Warnings[0].ID != "version_internet" || !cmp.Equal(c.Warnings[0].Rows, []int{3}) {
		t.Errorf("the most urgent first: %+v", c.Warnings)
	}
	if clean := checkText(t, "maker,product\nOrvane,EdgeGate\n"); !clean.Clean || clean.Valid != 1 {
		t.Errorf("%+v", clean)
	}
}

func TestCheckSaysWhatANoticeExcludes(t *testing.T) {
	c := checkText(t, "maker,product,quantity\nMicrosoft,Windows Server 2022,3\nMicrosoft,Exchange Server 2019,1\n")
	c.Speak(printer(t, text.EN))
	var b bytes.Buffer
	if err := c.WriteText(&b, printer(t, text.EN)); err != nil {
		t.Fatal(err)
	}
	if want := "Excluded from notification by a notice: 3 devices (a compromise is still reported)"; !strings.Contains(b.String(), want) {
		t.Errorf("%q is not in\n%s", want, b.String())
	}
}

// Every word a result, a picture or a statement can need exists.
func TestWordsAreThere(t *testing.T) {
	say := printer(t, text.JA)
	need := []string{"asset.gap.support_ended", "asset.gap.support_ending", "asset.zone.none", "asset.operated.own"}
	for _, k := range Kinds() {
		need = append(need, "asset.kind."+string(k))
	}
	for _, z := range Zones() {
		need = append(need, "asset.zone."+string(z))
	}
	for _, f := range Fields() {
		need = append(need, "asset.field."+f.String())
	}
	for _, g := range rules(t).Gaps() {
		need = append(need, "asset.gap."+g.ID, "asset.check.level_"+g.Level)
	}
	for _, e := range []Event{EventIntroduction, EventChange, EventWithdrawal} {
		need = append(need, "asset.event."+string(e))
	}
	for _, o := range []Outcome{Added, Changed, Unchanged, Duplicate, Invalid, Removed} {
		need = append(need, "asset.outcome."+string(o))
	}
	for _, v := range []ScopeVerdict{ScopeNotify, ScopeExcluded, ScopeOutside, ScopeUnsure} {
		need = append(need, "asset.scope."+string(v))
	}
	for _, v := range []Answer{Yes, No, Unknown} {
		need = append(need, "asset.answer."+string(v))
	}
	for _, v := range []Support{SupportUnknown, SupportEnded, SupportEnding, SupportFine} {
		need = append(need, "asset.support."+string(v))
	}
	for _, k := range need {
		if !say.Has(k) {
			t.Errorf("no word for %s", k)
		}
	}
}

func runCheck(t *testing.T, lang, name, list string, flags ...string) (code int, out, talk string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	words, err := text.Load(Words, cli.Words)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOROSHI_LANG", lang)
	var o, e bytes.Buffer
	env := cli.New(words)
	env.Out, env.Err = &o, &e
	env.Now = func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, text.JST) }
	root := env.Root("noroshi", "")
	root.AddCommand(Commands(env))
	code = env.Run(context.Background(), root, append([]string{"asset", "check", file}, flags...))
	return code, o.String(), e.String()
}

func TestCheckCommand(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		code, out, talk := runCheck(t, lang, "list.csv", mixedList)
		if code != 3 {
			t.Errorf("%s: exit %d", lang, code)
		}
		golden(t, "check."+lang+".golden.txt", []byte(out+"-- talk --\n"+talk))
	}
	code, out, _ := runCheck(t, "ja", "list.csv", mixedList, "--json")
	if code != 3 {
		t.Errorf("exit %d", code)
	}
	golden(t, "check.golden.json", []byte(out))
	var back Checked
	if err := json.Unmarshal([]byte(out), &back); err != nil || back.Invalid != 3 {
		t.Errorf("%v %+v", err, back)
	}
	for name, c := range map[string]struct {
		list string
		code int
	}{
		"clean":       {"メーカー,製品名\nOrvane,EdgeGate\n", 0},
		"empty":       {"", 2},
		"no maker":    {"product\nEdgeGate\n", 2},
		"not a list":  {"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00", 2},
		"broken zip":  {"PK\x03\x04broken", 2},
		"broken json": {`{"bomFormat":"CycloneDX","components":[`, 2},
	} {
		if code, out, talk := runCheck(t, "en", "list", c.list); code != c.code || code != 0 && (out != "" || talk == "") {
			t.Errorf("%s: exit %d, out %q, talk %q", name, code, out, talk)
		}
	}
}

func TestSayPlaceNamesThePlaceOnce(t *testing.T) {
	say := printer(t, text.EN)
	for _, c := range []struct {
		p    fault.Place
		want string
	}{
		{fault.Place{At: "row 4, column C", Code: "asset.import.maker_empty", Args: fault.Args{"row": 4, "col": "C"}}, "Row 4: maker is empty; fill column C"},
		{fault.Place{At: "/components/3", Code: "asset.maker_empty"}, "/components/3: Maker is empty; fill it in"},
	} {
		if got := sayPlace(say, c.p); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func BenchmarkCheck100k(b *testing.B) {
	var list strings.Builder
	list.WriteString("id,kind,maker,product,model,version,quantity,service,zone,addresses,operated_by,introduced_at,support_ends_at\n")
	for _, it := range manyItems(100_000) {
		list.WriteString(it.Key + ",vpn,オルヴェイン株式会社,EdgeGate 410,EG-4,9.1." + it.Sealed.Version + ",2,給電指令," + string(it.Sealed.Zone) + "," + it.Sealed.Addresses[0] + ",自社,令和6年4月1日,2030/3/31\n")
	}
	r := rules(b)
	b.SetBytes(int64(list.Len()))
	b.ReportAllocs()
	for b.Loop() {
		c, err := r.Check("list.csv", strings.NewReader(list.String()), int64(list.Len()), Date{2026, 11, 22})
		if err != nil || c.Valid != 100_000 {
			b.Fatal(err, c)
		}
	}
}
