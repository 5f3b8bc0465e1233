package cacao

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/openc2"
	"noroshi/internal/testkit"
)

var now = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// book is a playbook of somebody else: every kind of step, and commands that
// nobody here may run.
var book = `{"type":"playbook","spec_version":"cacao-2.0","id":"playbook--1","name":"Beacon","description":"a\u001b[31mb\u202ec","created_by":"identity--1","modified":"2026-11-01T00:00:00Z",
 "playbook_types":["mitigation"],"signatures":[{}],"data_marking_definitions":{"marking-tlp--1":{"type":"marking-tlp","tlpv2_level":"TLP:AMBER"}},"playbook_variables":{"__ip__":{"type":"ipv4-addr","value":"192.0.2.1"}},
 "workflow_start":"start--1","workflow":{
 "start--1":{"type":"start","on_completion":"if--1"},
 "if--1":{"type":"if-condition","condition":"__ip__:value = '192.0.2.1'","on_true":"action--net","on_false":"action--sh"},
 "action--net":{"type":"action","name":"block","agent":"http-api--1","targets":["net-address--1"],"on_success":"switch--1","on_failure":"action--sh","delay":1000,
  "commands":[{"type":"openc2-http","command":"POST /openc2 HTTP/1.1","content_b64":"` + b64(`{"body":{"openc2":{"request":{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"},"args":{"duration":7200000}}}}}`) + `"},
   {"type":"openc2-http","command":"POST /openc2 HTTP/1.1","content_b64":"` + b64(`{"action":"deny","target":{"ipv4_net":"__ip__:value"}}`) + `"},
   {"type":"openc2-json","command":"{\"action\":\"stop\",\"target\":{\"process\":{\"pid\":1}}}"}]},
 "action--sh":{"type":"action","name":"run","on_completion":"while--1","commands":[{"type":"bash","command":"touch /tmp/ran; curl http://192.0.2.9"},{"type":"ssh","command_b64":"` + b64("id\nuname") + `"},
   {"type":"http-api","command":"GET http://192.0.2.9/ HTTP/1.1"},{"type":"powershell","command":"iex"},{"type":"manual","command":"call the \u0007owner"},{"type":"x-unheard"}]},
 "switch--1":{"type":"switch-condition","switch":"__case__:value","cases":{"b":"parallel--1","a":"end--1"},"on_completion":"end--1"},
 "parallel--1":{"type":"parallel","next_steps":["playbook-action--1","nowhere--1"],"on_completion":"end--1"},
 "playbook-action--1":{"type":"playbook-action","playbook_id":"playbook--9","on_completion":"end--1"},
 "while--1":{"type":"while-condition","condition":"true","on_true":"action--sh","on_completion":"end--1"},
 "end--1":{"type":"end"},
 "action--lost":{"type":"action","name":"lost","commands":[{"type":"openc2-http","content_b64":"` + b64(`{"action":"deny","target":{"domain_name":"c2.example.net"}}`) + `"}]}
 },"agent_definitions":{"http-api--1":{"type":"http-api","name":"edge","address":{"url":["https://192.0.2.9/"]}}},"target_definitions":{"net-address--1":{"type":"net-address","name":"net","address":{"ipv4":["192.0.2.1"]}}}}`

func read(t testing.TB, raw string) *Playbook {
	t.Helper()
	p, err := Read([]byte(raw), now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPlaybookOfOthersIsShown(t *testing.T) {
	p := read(t, book)
	var got []string
	for _, s := range p.Steps {
		again := ""
		if s.Again {
			again = " again"
		}
		got = append(got, fmt.Sprintf("%d %s %s%s%s", s.Depth, s.ID, s.Way, s.Case, again))
	}
	want := []string{
		"0 start--1 ", "0 if--1 on_completion", "1 action--net on_true", "2 action--sh on_failure", "2 while--1 on_completion", "3 action--sh on_true again", "2 end--1 on_completion",
		"1 switch--1 on_success", "2 end--1 casea again", "2 parallel--1 caseb", "3 playbook-action--1 next_steps", "3 end--1 on_completion again", "2 end--1 on_completion again",
		"1 end--1 on_completion again", "1 action--sh on_false again", "0 action--lost alone",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	notes := []Note{{"action--sh", "cacao.note.cycle"}, {"nowhere--1", "cacao.note.missing"}, {"action--lost", "cacao.note.alone"}}
	if !slices.Equal(p.Notes, notes) {
		t.Errorf("notes %v", p.Notes)
	}
	if p.Description != "a [31mb c" || p.Signed != 1 || !slices.Equal(p.Markings, []string{"TLP:AMBER"}) || len(p.Variables) != 1 {
		t.Errorf("%+v", p)
	}
	net := p.Steps[2]
	if net.Agent != "edge (http-api, https://192.0.2.9/)" || net.Targets[0] != "net (net-address, 192.0.2.1)" || net.Delay != 1000 {
		t.Errorf("%+v", net)
	}
	for i, reason := range []string{"", "cacao.no.variable", "openc2.no.action"} {
		if net.Commands[i].Reason != reason {
			t.Errorf("command %d: %q", i, net.Commands[i].Reason)
		}
	}
	for i, reason := range []string{"cacao.no.run", "cacao.no.run", "cacao.no.run", "cacao.no.run", "cacao.no.manual", "cacao.no.run"} {
		if c := p.Steps[3].Commands[i]; c.Reason != reason || c.Seen != nil {
			t.Errorf("command %d: %+v", i, c)
		}
	}
	if text := p.Steps[3].Commands[1].Text; text != "id\nuname" {
		t.Errorf("got %q", text)
	}
	all := p.Proposals()
	if len(all) != 3 || all[0].Hours != 2 || all[2].Kind != driver.Sinkhole {
		t.Errorf("proposals %+v", all)
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	var many, ways strings.Builder
	for i := range mostSteps + 1 {
		fmt.Fprintf(&many, `"a--%d":{},`, i)
	}
	ways.WriteString(`"s":{"type":"start","next_steps":[` + strings.TrimSuffix(strings.Repeat(`"e",`, mostWays+1), ",") + `]},"e":{"type":"end"}`)
	of := func(workflow string) string {
		return `{"type":"playbook","spec_version":"cacao-2.0","workflow_start":"s","workflow":{` + workflow + `}}`
	}
	for raw, code := range map[string]string{
		``: "openc2.json", `{"type":"playbook","type":"playbook"}`: "openc2.json.twice", deep: "openc2.json.deep", strings.Repeat(" ", MostBytes+1): "openc2.large",
		`[]`: "cacao.shape", `{"type":7}`: "cacao.shape", `{"type":"bundle"}`: "cacao.other", `{"type":"playbook","spec_version":"1.0"}`: "cacao.version",
		of(``): "cacao.start", of(`"s":null`): "cacao.start", of(strings.TrimSuffix(many.String(), ",")): "cacao.many", of(ways.String()): "cacao.ways",
		of(`"s":{"type":"action","commands":[` + strings.TrimSuffix(strings.Repeat(`{},`, mostCommands+1), ",") + `]}`): "cacao.commands",
	} {
		if _, err := Read([]byte(raw), now); fault.Of(err).Code != code {
			t.Errorf("%.60s: got %v, want %s", raw, err, code)
		}
	}
	chain := `"s":{"on_completion":"a--0"}`
	for i := range mostSteps - 1 {
		chain += fmt.Sprintf(`,"a--%d":{"on_failure":"a--%d","on_completion":"a--%d"}`, i, i+1, i+1)
	}
	if p := read(t, of(chain)); len(p.Steps) != 2*mostSteps-2 {
		t.Errorf("%d steps shown", len(p.Steps))
	}
}

func order() Order {
	base := driver.Rule{Order: "01900000-0000-7000-8000-00000000000a", Until: now.Add(5 * time.Hour)}
	with := func(f func(*driver.Rule)) driver.Rule { r := base; f(&r); return r }
	return Order{ID: base.Order, Number: "A-7K3Q-9F2M", Org: "01900000-0000-7000-8000-0000000000ff", Asked: now.Add(-time.Hour), From: now, Until: base.Until, Rules: []driver.Rule{
		with(func(r *driver.Rule) { r.Kind, r.Name, r.Answer = driver.Sinkhole, "c2.example.net", driver.NoDomain }),
		with(func(r *driver.Rule) { r.Kind, r.To = driver.Filter, netip.MustParsePrefix("198.51.100.7/32") }),
		with(func(r *driver.Rule) { r.Kind, r.To = driver.Filter, netip.MustParsePrefix("2001:db8::/48") }),
	}}
}

func TestAnOrderIsWrittenAndReadBack(t *testing.T) {
	var b, again bytes.Buffer
	if err := Write(&b, order()); err != nil {
		t.Fatal(err)
	}
	if _ = Write(&again, order()); again.String() != b.String() {
		t.Error("the same order is written in two ways")
	}
	p := read(t, b.String())
	if len(p.Notes) != 0 || len(p.Steps) != 4 || p.ValidUntil != "2026-11-23T08:00:00.000Z" || p.Name != "A-7K3Q-9F2M" {
		t.Errorf("%+v", p)
	}
	all := p.Proposals()
	if len(all) != 2 || all[0].Kind != driver.Sinkhole || all[0].Hours != 5 || !slices.Equal(all[1].Targets, []string{"198.51.100.7/32", "2001:db8::/48"}) {
		t.Errorf("%+v", all)
	}
	o := order()
	o.Rules = slices.Repeat(o.Rules, mostWritten)
	if err := Write(&b, o); fault.Of(err).Code != "cacao.long" {
		t.Errorf("got %v", err)
	}
	o.Rules = nil
	if err := Write(&b, o); fault.Of(err).Code != "cacao.empty" {
		t.Errorf("got %v", err)
	}
}

func env(t testing.TB, lang string) (*cli.Env, *bytes.Buffer) {
	t.Helper()
	words, err := text.Load(Words, openc2.Words, cli.Words)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOROSHI_LANG", lang)
	var out bytes.Buffer
	return &cli.Env{Out: &out, Err: &out, Words: words, Now: func() time.Time { return now }}, &out
}

func TestThePageSaysEverythingInBothLanguages(t *testing.T) {
	for _, lang := range []string{"ja", "en"} {
		e, out := env(t, lang)
		for _, raw := range []string{book, `[{"action":"deny","target":{"domain_name":"c2.example.net"}},{"action":"allow","target":{"ipv4_net":"192.0.2.0/24"}},{"action":7}]`} {
			found, err := readAny([]byte(raw), e)
			if err != nil {
				t.Fatal(err)
			}
			if err := found.print(out, e.Printer()); err != nil {
				t.Fatal(err)
			}
		}
		if s := out.String(); strings.Contains(s, "[cacao.") || strings.Contains(s, "[openc2.") || strings.Contains(s, "{") && !strings.Contains(s, `{"`) || strings.ContainsRune(s, 0x1b) {
			t.Errorf("%s", s)
		}
		for _, want := range []string{"touch /tmp/ran; curl http://192.0.2.9", "198.51.100.0/24", "c2.example.net", "https://192.0.2.9/"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: %s is not shown", lang, want)
			}
		}
		if testing.Verbose() && lang == "ja" {
			t.Logf("\n%s", out)
		}
	}
}

// The command that is shown asks for exactly what was proposed.
func TestAsking(t *testing.T) {
	for want, p := range map[string]openc2.Proposal{
		"noroshi act sinkhole a.example b.example --hours 2 --grounds WHY":                                                 {Kind: driver.Sinkhole, Targets: []string{"a.example", "b.example"}, Below: true, Answer: driver.NoDomain, Hours: 2},
		"noroshi act sinkhole a.example --hours N --grounds WHY --below=false --answer walled":                             {Kind: driver.Sinkhole, Targets: []string{"a.example"}, Answer: driver.Walled},
		"noroshi act proxy a.example --hours 1 --grounds WHY --below":                                                      {Kind: driver.Proxy, Targets: []string{"a.example"}, Below: true, Hours: 1},
		"noroshi act block 198.51.100.7/32 --hours 1 --grounds WHY --sources --other 192.0.2.0/24 --protocol 6 --port 443": {Kind: driver.Filter, Targets: []string{"198.51.100.7/32"}, Sources: true, Other: "192.0.2.0/24", Protocol: 6, Port: 443, Hours: 1},
		"noroshi act blackhole --file LIST --hours 1 --grounds WHY":                                                        {Kind: driver.Blackhole, Targets: make([]string, 6), Hours: 1},
	} {
		if got := asking(p); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	load := func(_ context.Context, id string) (Order, error) {
		if id != order().Number {
			return Order{}, fault.New(fault.NotFound, "cacao.empty")
		}
		return order(), nil
	}
	run := func(args ...string) (int, string) {
		e, out := env(t, "en")
		root := e.Root("act", "")
		root.AddCommand(Import(e), Export(e, load))
		return e.Run(context.Background(), root, args), out.String()
	}
	long := "[" + strings.TrimSuffix(strings.Repeat(`{"action":"deny","target":{"domain_name":"c2.example.net"}},`, 300), ",") + "]"
	playbook := filepath.Join(dir, "out.json")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"import", file("book.json", book)}, 0, "Nothing was run"},
		{[]string{"import", file("long.json", long)}, 0, "100 more commands"},
		{[]string{"import", file("bundle.json", `{"type":"bundle"}`)}, 2, "no playbook"},
		{[]string{"import", file("text.txt", `rm -rf`)}, 2, "cannot be read as JSON"},
		{[]string{"import", filepath.Join(dir, "absent")}, 2, "absent"},
		{[]string{"export", order().Number, "--format", "stix"}, 2, "no format"},
		{[]string{"export", "nobody"}, 1, ""},
		{[]string{"export", order().Number}, 0, `"action":"deny"`},
		{[]string{"export", order().Number, "--format", "cacao", "--out", playbook}, 0, ""},
		{[]string{"import", playbook}, 0, "What could be ordered (2)"},
		{[]string{"export", order().Number, "--out", dir}, 2, "cannot be written"},
	} {
		if code, said := run(c.args...); code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%v: exit %d, said %.400s", c.args, code, said)
		}
	}
	_, said := run("import", playbook, "--json")
	var got imported
	if err := json.Unmarshal([]byte(said), &got); err != nil || got.Format != "cacao" || len(got.Proposals) != 2 {
		t.Errorf("%v: %.400s", err, said)
	}
}

// TestNothingHereCanRun: no package of ours that reads plans can start a program
// or open a connection.
func TestNothingHereCanRun(t *testing.T) {
	for _, dir := range []string{".", "../openc2"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(err, dir)
		}
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, im := range f.Imports {
				for _, bad := range []string{"os/exec", "net", "net/http", "syscall", "plugin", "unsafe", "noroshi/internal/base/fetch", "golang.org/x/crypto/ssh"} {
					if im.Path.Value == `"`+bad+`"` {
						t.Errorf("%s imports %s", name, bad)
					}
				}
			}
		}
	}
}

func TestEverySentenceIsSpoken(t *testing.T) { testkit.Said(t, "cacao", Words) }

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	_ = Write(&b, order())
	f.Add([]byte(book))
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := Read(raw, now)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, s := range p.Steps {
			if !s.Again && seen[s.ID] && len([]rune(s.ID)) < mostShown && !strings.ContainsAny(s.ID, " �") {
				t.Fatalf("%s is shown twice", s.ID)
			}
			seen[s.ID] = true
			for _, c := range s.Commands {
				if (c.Why == nil) != (c.Reason == "") || !slices.Contains(openC2, c.Type) && c.Seen != nil || strings.ContainsRune(c.Text, 0x1b) {
					t.Fatalf("%+v", c)
				}
			}
		}
		p.Proposals()
		if _, err := json.Marshal(p); err != nil {
			t.Fatal(err)
		}
	})
}
