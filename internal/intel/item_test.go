package intel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/testkit"
)

func TestExtract(t *testing.T) {
	text := `攻撃元は 45[.]77(.)1.9 と hxxps://evil[.]badhost.jp:8443/a?b=c、それに「update[.]badhost[.]jp」。
メール: phish[at]badhost[.]jp, <mailto:Boss@badhost.jp>. SHA-256 44D88612FEA8A8F36DE82E1278ABB02F
CVE-2024-21762 と cve-2024-21762。版は 1.2.3 と 15.2(4)M3、ファイルは run.exe と setup[.]exe。内側は 10.0.0.5、広いのは 8.0.0.0/6。
https://www.google.com/search と d41d8cd98f00b204e9800998ecf8427e、2001:db8::1`
	found, cves := Extract(text)
	var got []string
	for _, x := range found {
		got = append(got, fmt.Sprintf("%s %s %v", x.Type, x.Value, x.Warnings))
	}
	want := []string{"address 45.77.1.9 []", "url https://evil.badhost.jp:8443/a?b=c []", "domain update.badhost.jp []", "mail phish@badhost.jp []", "mail boss@badhost.jp []",
		"hash 44d88612fea8a8f36de82e1278abb02f []", "address 10.0.0.5 [private]", "address 8.0.0.0/6 [wide]", "url https://www.google.com/search [common]",
		"hash d41d8cd98f00b204e9800998ecf8427e [empty]", "address 2001:db8::1 [reserved]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"CVE-2024-21762"}, cves); diff != "" {
		t.Error(diff)
	}
	for _, x := range found { // what is written broken is found as the same
		again, ok := indicatorOf(x.Defang())
		if !ok || again.Type != x.Type || again.Value != x.Value {
			t.Errorf("%s is read back as %+v", x.Defang(), again)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add("hxxp://a[.]b/ 1.2.3.4 x@y.jp CVE-2024-1234")
	f.Fuzz(func(t *testing.T, s string) {
		found, _ := Extract(s)
		for _, x := range found {
			if again, ok := indicatorOf(x.Value); !ok || again.Value != x.Value || again.Type != x.Type {
				t.Errorf("%q gives %+v, and that %+v", s, x, again)
			}
		}
	})
}

func TestParseGrade(t *testing.T) {
	for in, want := range map[string]string{"B2": "B2", "b-2": "B2", "": "F6", "a / 1": "A1", "G1": "", "A7": "", "22": ""} {
		g, err := ParseGrade(in)
		if err == nil && g.String() != want || (err != nil) != (want == "") {
			t.Errorf("%q: %v %v", in, g, err)
		}
	}
}

// reader is somebody of an organisation with a clearance.
func reader(org, person string, role gate.Role, clearance int) context.Context {
	kind, _, _ := strings.Cut(string(role), ".")
	return gate.With(context.Background(), gate.Identity{Person: person, Org: org, Kinds: []string{kind}, Roles: []gate.Role{role}, Clearance: clearance})
}

func newItemHub(t *testing.T, d *db.DB) *hub {
	h := newHub(t, d)
	h.Service.Keys = h.Parts.Keys
	return h
}

func TestAnItemGoesItsWayOnce(t *testing.T) {
	h := newItemHub(t, testkit.DB(t, sources()...))
	ctx := reader("office", "a", gate.OfficeAnalyst, 1)
	_, err := h.Add(ctx, NewItem{TLP: "PINK", Clearance: 2, Grade: Grade{"Z", 9}, Vulnerabilities: []string{"x"}, Indicators: []Indicator{{Value: "no"}}})
	var at []string
	for _, p := range fault.Of(err).Places {
		at = append(at, p.At)
	}
	if diff := cmp.Diff([]string{"clearance", "grade", "indicators/0", "title", "tlp", "vulnerabilities/0"}, at); diff != "" || !errors.Is(err, ErrItem) {
		t.Error(diff, err)
	}
	it, err := h.AddFile(ctx, "../x/note.txt", []byte("# 題名\nhxxp://bad[.]host.jp/x"), NewItem{Grade: Grade{"B", 2}})
	if err != nil || it.Title != "題名" || len(it.Indicators) != 1 || it.Provenance[0].SHA == "" || it.TLP != incident.Amber {
		t.Fatalf("%+v %v", it, err)
	}
	if _, err := h.Service.Withdraw(ctx, it.ID, ""); !errors.Is(err, ErrPublished) {
		t.Errorf("a draft is withdrawn: %v", err)
	}
	if _, err := h.Publish(reader("jpcert", "b", gate.JPCERTClerk, 3), it.ID); !errors.Is(err, ErrNoItem) {
		t.Errorf("another's draft is published: %v", err)
	}
	if _, err := h.Publish(ctx, it.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Publish(ctx, it.ID); !errors.Is(err, ErrPublished) {
		t.Error(err)
	}
	if _, err := h.Add(as(gate.OperatorAdmin), NewItem{Title: "x"}); fault.KindOf(err) != fault.Refused || h.Entries(t, "intel.add", "refused") != 1 {
		t.Error(err)
	}
	if _, err := newHub(t, h.Parts.DB).Add(ctx, NewItem{Title: "x"}); fault.KindOf(err) != fault.Refused {
		t.Errorf("without keys: %v", err)
	}
}

// A report gives its indicators only when its reporter agreed, and no name.
func TestOfReport(t *testing.T) {
	r := &incident.Report{Consents: map[string]bool{}, Values: map[incident.FieldID]incident.Value{
		"tech.indicators":     incident.KnownValue([]incident.Row{{"type": "ip", "value": "45.77.1.9"}, {"type": "tool", "value": "psexec"}, {"type": "mail", "value": "x@badhost.jp"}, {"type": "domain", "value": "vpn.shiken.example"}}),
		"contact.responsible": incident.KnownValue(incident.Row{"name": "試験花子", "mail": "hanako@shiken.example", "department": "システム部"}),
		"share.peer_note":     incident.KnownValue("試験電力株式会社のシステム部の試験花子です。管理画面 vpn.SHIKEN.example を閉じてください"),
		"operator.name":       incident.KnownValue("試験電力"),
		"tech.root_cause":     incident.KnownValue("設定の誤り"),
		"tech.unknown_part":   {}}}
	if _, _, err := ofReport(r, []string{"試験電力株式会社"}); !errors.Is(err, ErrConsent) {
		t.Errorf("without consent: %v", err)
	}
	r.Consents["share_indicators_consent"] = true
	found, note, err := ofReport(r, []string{"試験電力株式会社"})
	if err != nil || len(found) != 2 || note != "■■のシステム部の■■です。管理画面 vpn.■■ を閉じてください" {
		t.Errorf("%v %q %v", found, note, err)
	}
}

func TestItemsByCommand(t *testing.T) {
	s := newSite(t)
	s.Service.Keys = s.Parts.Keys
	run := s.command("office.analyst")
	code, out := run("intel", "add", write(t, "note.txt", "VPN への攻撃\n45[.]77[.]1[.]9 から CVE-2024-21762 を使う。10.0.0.1 も"), "--tlp", "green", "--grade", "b2", "--publish")
	if code != 0 || !strings.Contains(out, "TLP:GREEN B2 公開") || !strings.Contains(out, "45.77.1[.]9") || !strings.Contains(out, "内側のアドレス") {
		t.Fatalf("%d %s", code, out)
	}
	id, _, _ := strings.Cut(out, " ")
	if code, out := s.command("operator.viewer")("intel", "show", id); code != 0 || !strings.Contains(out, "VPN への攻撃") {
		t.Errorf("%d %s", code, out)
	}
	event := `{"Event":{"info":"A campaign","Tag":[{"name":"tlp:amber"}],"Attribute":[{"type":"ip-dst","value":"45.77.1.10","to_ids":true},{"type":"text","value":"x"}]}}`
	if code, out := run("intel", "add", write(t, "event.json", event), "--tlp", "clear", "--publish"); code != 0 || !strings.Contains(out, "TLP:AMBER F6 公開") || !strings.Contains(out, "45.77.1[.]10") || !strings.Contains(out, "取り込まなかったもの：text 1 件") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run("intel", "add", write(t, "event.json", event[:60])); code != 2 || !strings.Contains(out, "1 行 61 字目") {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run("intel", "show", id, "--json"); code != 0 || !strings.Contains(out, `"45.77.1.9"`) {
		t.Errorf("%d %s", code, out)
	}
	if code, out := run("intel", "add", "--grade", "z9", write(t, "x", "a")); code != 3 || !strings.Contains(out, "B2") {
		t.Errorf("%d %s", code, out)
	}
	if code, _ := run("intel", "add"); code != 2 {
		t.Errorf("%d", code)
	}
	if code, out := s.get("operator.viewer", "/api/v1/intel-items?indicator=45%5B.%5D77.1.9"); code != 200 || !strings.Contains(out, id) {
		t.Errorf("%d %s", code, out)
	}
}
