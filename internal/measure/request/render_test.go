package request

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
)

var (
	rewrite = flag.Bool("update", false, "write the goldens anew")
	samples = flag.String("xarf", "", "folder to write XARF reports to, to be held against the published schemas")
)

var noon = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

func letterFor(t testing.TB, d Draft, purpose Purpose) *letter {
	t.Helper()
	d, err := d.Normal(noon)
	if err != nil {
		t.Fatalf("%v %+v", err, placesOf(err))
	}
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	l := &letter{p: words.Printer(d.To.Lang, time.UTC), d: &d, desk: Desk{Reply: "csirt@wind.example", Name: "当直", Phone: "+81-3-0000-0000"}, org: "試験風力（架空）", from: "noroshi@hub.example", id: "0190aaaa-0000-7000-8000-000000000001", now: noon, version: "test",
		r: &Request{Number: "R-TEST-0001", Purpose: purpose, LastAt: noon.Add(-72 * time.Hour), SentAt: noon.Add(-96 * time.Hour)}}
	if d.To.Lang == text.EN {
		l.org = "Test Wind"
	}
	if d.Kind == Takedown || d.Kind == Provider {
		if l.xarf, err = xarf(&d, "6a7c2a3e-8a7d-4d7e-9a55-0f4b1f2c3d4e", party{l.org, l.desk.Reply, "wind.example"}, noon); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func placesOf(err error) string { raw, _ := json.Marshal(err); return string(raw) }

// What leaves the process is looked at by a person, in both languages.
func TestMailsAreAsTheyWereReadLast(t *testing.T) {
	owner := phishing(noon)
	owner.Kind, owner.To.Lang, owner.Subject.Does, owner.Asked, owner.Subject.Harm = Owner, text.JA, "貴社の機器に、外から操作するための不正なプログラムがあるとみられます。", "機器を外部から切り離し、記録を残したまま、調べてください。", TakenOut
	owner.Evidence[0].Says = "貴社の機器から、多くの組織への不正な通信が見られました。"
	abroad := phishing(noon)
	abroad.Kind, abroad.Asked = Authority, "Please pass this on to whoever runs the machine."
	for name, x := range map[string]struct {
		d Draft
		p Purpose
	}{"takedown.en": {phishing(noon), First}, "owner.ja": {owner, First}, "authority.en": {abroad, FollowUp}, "escalation.en": {phishing(noon), Escalation}} {
		raw := letterFor(t, x.d, x.p).raw()
		v, err := show(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var b bytes.Buffer
		b.WriteString("Subject: " + v.Subject + "\n")
		for _, p := range v.Parts {
			b.WriteString("--- " + p.Type + " " + p.Name + "\n" + p.Text + "\n")
		}
		file := filepath.Join("testdata", name+".golden.txt")
		if *rewrite {
			if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s is now:\n%s", name, b.String())
		}
		for _, secret := range []string{"山田", "yamada", "0190\n", "sighting"} {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%s tells %q", name, secret)
			}
		}
		for i, line := range strings.Split(string(raw), "\r\n") {
			if len(line) > 998 || strings.ContainsAny(line, "\r\n") {
				t.Errorf("%s: line %d has %d bytes or a bare end", name, i, len(line))
			}
		}
	}
}

// What is typed into a field stays in it: no header, no part of its own.
func TestNothingTypedBecomesAHeader(t *testing.T) {
	d := phishing(noon)
	d.To.Name = "Desk\r\nBcc: all@x.example"
	d.Subject.Does = "x\r\n--=_0190aaaa-0000-7000-8000-000000000001\r\nContent-Type: text/html\r\n\r\n<script>"
	d.Asked = "y\n.\nMAIL FROM:<x@y.example>"
	l := letterFor(t, d, First)
	l.org = "A\r\nX-Injected: yes"
	raw := l.raw()
	v, err := show(raw)
	head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	if err != nil || len(v.Parts) != 3 || strings.Contains(head, "Bcc:") || strings.Contains(head, "Injected") || strings.Count(head, "\r\n") != 8 {
		t.Errorf("%v, %d parts:\n%s", err, len(v.Parts), raw)
	}
	if !strings.Contains(v.Parts[0].Text, "<script>") {
		t.Error("what was written is not there")
	}
}

// Every kind of harm makes a report of a type that the published schemas know.
func TestEveryHarmMakesAReport(t *testing.T) {
	for _, h := range Harms {
		for _, bare := range []bool{false, true} {
			d := phishing(noon)
			d.Subject.Harm = h
			if bare { // as little as one may write
				d.Subject = Subject{Address: "2001:db8::7", Harm: h, Does: "x"}
				d.Evidence, d.Victim = nil, Victim{}
			}
			d, err := d.Normal(noon)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := xarf(&d, "6a7c2a3e-8a7d-4d7e-9a55-0f4b1f2c3d4e", party{"Test Wind", "csirt@wind.example", "wind.example"}, noon)
			if err != nil {
				t.Fatal(err)
			}
			var x map[string]any
			if err := json.Unmarshal(raw, &x); err != nil || x["category"] == "" || x["type"] == "" {
				t.Errorf("%s: %s", h, raw)
			}
			if _, told := x["destination_ip"]; told {
				t.Errorf("%s tells the victim's address", h)
			}
			if *samples != "" {
				name := string(h)
				if bare {
					name += "-bare"
				}
				if err := os.WriteFile(filepath.Join(*samples, name+".json"), raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestDefang(t *testing.T) {
	for in, want := range map[string]string{"https://login.bad.example/a.html?x=1.2": "hxxps://login[.]bad[.]example/a.html?x=1.2", "http://bad.example": "hxxp://bad[.]example", "login.bad.example": "login[.]bad[.]example", "198.51.100.7": "198.51.100.7", "2001:db8::7": "2001:db8::7"} {
		if got := defang(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzShow(f *testing.F) {
	d := phishing(noon)
	f.Add(letterFor(f, d, First).raw())
	f.Add([]byte("From: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := show(raw)
		if err == nil && v.Digest != digestOf(raw) {
			t.Error("the digest is of other bytes")
		}
	})
}
