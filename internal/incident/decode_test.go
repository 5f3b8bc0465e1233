package incident

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
)

// small is a report with one value of every type and state.
const small = `{
  "format": 1,
  "kind": "other",
  "stage": "first",
  "version": 1,
  "class": "intrusions/system-compromise",
  "severity": "attend",
  "tlp": "AMBER+STRICT",
  "consents": {"share_with_nco_consent": true},
  "values": {
    "operator.name": "蒼浜電力株式会社",
    "operator.employees": {"min": 1000},
    "event.recognised_at": "2026-11-04T23:40+09:00",
    "event.occurred_at": {"min": "2026-11-03T19:00:00+09:00", "max": "2026-11-03T20:30:00+09:00"},
    "event.malicious": true,
    "event.compromise": ["unauthorised_access", "other"],
    "event.ended_at": {"investigating": true},
    "impact.duration_hours": 3.5,
    "impact.loss": {"unknown": true},
    "impact.services": ["給電指令"],
    "contact.duty": {"name": "当直", "phone": "00-0000-0000"},
    "systems.affected": [{"name": "保守VPN", "quantity": 3}],
    "report.next_at": "2026-12-01"
  }
}`

func TestDecodeReport(t *testing.T) {
	r, err := DecodeReport([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	want := map[FieldID]Value{
		"operator.name":         KnownValue("蒼浜電力株式会社"),
		"operator.employees":    RangeValue(int64(1000), nil),
		"event.recognised_at":   KnownValue("2026-11-04T23:40:00+09:00"),
		"event.occurred_at":     RangeValue("2026-11-03T19:00:00+09:00", "2026-11-03T20:30:00+09:00"),
		"event.malicious":       KnownValue(true),
		"event.compromise":      KnownValue([]string{"unauthorised_access", "other"}),
		"event.ended_at":        {State: Investigating},
		"impact.duration_hours": KnownValue(3.5),
		"impact.loss":           {State: Unknown},
		"impact.services":       KnownValue([]string{"給電指令"}),
		"contact.duty":          KnownValue(Row{"name": "当直", "phone": "00-0000-0000"}),
		"systems.affected":      KnownValue([]Row{{"name": "保守VPN", "quantity": "3"}}),
		"report.next_at":        KnownValue("2026-12-01"),
	}
	if d := cmp.Diff(want, r.Values); d != "" {
		t.Error(d)
	}
	if !r.Consent("share_with_nco_consent") || r.Consent("share_with_police_consent") {
		t.Errorf("consents: %v", r.Consents)
	}
	raw, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeReport(raw)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	if d := cmp.Diff(r, again); d != "" {
		t.Error(d)
	}
	var third Report
	if err := json.Unmarshal(raw, &third); err != nil || !cmp.Equal(*r, third) {
		t.Errorf("json.Unmarshal is another decoder: %v", err)
	}
}

// found lists what a refusal names: "line:column pointer code".
func found(err error) (out []string) {
	for _, p := range fault.Of(err).Places {
		out = append(out, p.At+" "+p.Code)
	}
	return out
}

func TestDecodeTellsEverything(t *testing.T) {
	head := `{"format":1,"kind":"other","stage":"first","version":1,"tlp":"GREEN",`
	for name, c := range map[string]struct {
		in   string
		kind fault.Kind
		want []string
	}{
		"nothing":        {" \n", fault.Usage, []string{"2:1 incident.json.empty"}},
		"not an object":  {"[]", fault.Usage, []string{"1:1 incident.json.want_object"}},
		"two documents":  {head + "\"values\":{}}\n{}", fault.Usage, []string{"2:1 incident.json.trailing"}},
		"a cut text":     {"{\n \"format\": 1,", fault.Usage, []string{"2:14 incident.json.key"}},
		"a lone quote":   {"{\"form", fault.Usage, []string{"1:7 incident.json.string"}},
		"a trailing":     {"{\"a\":1,}", fault.Usage, []string{"1:8 incident.json.key"}},
		"a comment":      {"{ // x\n}", fault.Usage, []string{"1:3 incident.json.key"}},
		"leading zero":   {"{\"a\":01}", fault.Usage, []string{"1:8 incident.json.number"}},
		"half a pair":    {"{\"a\":\"\\ud800x\"}", fault.Usage, []string{"1:13 incident.json.escape"}},
		"a raw newline":  {"{\"a\":\"x\ny\"}", fault.Usage, []string{"1:8 incident.json.string"}},
		"not a literal":  {"{\"a\":nil}", fault.Usage, []string{"1:6 incident.json.syntax"}},
		"broken UTF-8":   {"{\"a\":\"あ\xff\"}", fault.Usage, []string{"1:8 incident.json.utf8"}},
		"Shift_JIS":      {"{\"a\":\"\x82\xa0\"}", fault.Usage, []string{"1:7 incident.json.utf8"}},
		"deep":           {strings.Repeat("[", 40), fault.Usage, []string{"1:14 incident.json.deep"}},
		"missing keys":   {"{}", fault.Usage, []string{"1:1 /format incident.key.missing", "1:1 /kind incident.key.missing", "1:1 /stage incident.key.missing", "1:1 /version incident.key.missing", "1:1 /tlp incident.key.missing", "1:1 /values incident.key.missing"}},
		"all at once":    {head + "\n\"tlp\":\"RED\",\"sevrity\":\"act\",\n\"values\":{\"event.titel\":1,\"event.title\":2,\"event.malicious\":\"yes\",\"systems.count\":1.5}}", fault.Usage, []string{"2:1 /tlp incident.json.duplicate", "2:13 /sevrity incident.key.near", "3:11 /values/event.titel incident.key.near", "3:41 /values/event.title incident.json.want_string", "3:61 /values/event.malicious incident.json.want_bool", "3:83 /values/systems.count incident.json.want_integer"}},
		"null":           {head + `"values":{"event.title":null}}`, fault.Usage, []string{"1:94 /values/event.title incident.json.null"}},
		"half a state":   {head + `"values":{"event.status":{"unknown":false}}}`, fault.Usage, []string{"1:95 /values/event.status incident.value.state"}},
		"a state and":    {head + `"values":{"event.status":{"unknown":true,"min":1}}}`, fault.Usage, []string{"1:95 /values/event.status incident.value.state"}},
		"range of words": {head + `"values":{"event.title":{"min":"a"}}}`, fault.Usage, []string{"1:94 /values/event.title incident.value.no_range"}},
		"a column":       {head + `"values":{"contact.duty":{"name":"a","mial":"b"}}}`, fault.Usage, []string{"1:107 /values/contact.duty/mial incident.key.near"}},
		"wrong meaning": {head + `"class":"hacking","values":{"event.status":{"unknown":true},` + "\n" + `"event.recognised_how":"dream","tech.vulnerabilities":["CVE-1","CVE-2026-90417"],"ransom.family":"x",` + "\n" +
			`"systems.affected":[{"kind":"vpn"}],"impact.users":{"min":9,"max":1},"report.next_at":"2026-02-30"}}`, fault.Invalid,
			[]string{"1:78 /class incident.report.class", "1:113 /values/event.status incident.value.no_unknown", "2:24 /values/event.recognised_how incident.value.option", "2:56 /values/tech.vulnerabilities/0 incident.form.cve", "2:98 /values/ransom.family incident.value.other_kind", "3:21 /values/systems.affected/0/name incident.value.cell_missing", "3:52 /values/impact.users incident.value.range_order", "3:87 /values/report.next_at incident.value.date"}},
		"a later end": {head + `"values":{"event.occurred_at":"2026-11-04T10:00:00+09:00","event.ended_at":"2026-11-04T00:59:00Z"}}`, fault.Invalid, []string{"1:145 /values/event.ended_at incident.value.before"}},
		"a copy":      {head + `"values":{"event.title":{"redacted":true}}}`, fault.Invalid, []string{"1:94 /values/event.title incident.value.redacted"}},
		"overrides":   {head + `"values":{"event.title":"abc\u202excod"}}`, fault.Invalid, []string{"1:94 /values/event.title incident.value.control"}},
		"no such TLP": {strings.Replace(head, "GREEN", "TLP:GREEN", 1) + `"values":{}}`, fault.Invalid, []string{"1:62 /tlp incident.report.one_of"}},
	} {
		r, err := DecodeReport([]byte(c.in))
		if err == nil {
			t.Errorf("%s: accepted as %+v", name, r)
			continue
		}
		if fault.KindOf(err) != c.kind {
			t.Errorf("%s: kind %v", name, fault.KindOf(err))
		}
		if d := cmp.Diff(c.want, found(err)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	if _, err := DecodeReport(bytes.Repeat([]byte(" "), MaxJSON+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	flood := "{" + strings.Repeat("\"a\":0,", 150_000) + "\"a\":0}"
	_, err := DecodeReport([]byte(flood))
	if n := len(fault.Of(err).Places); n != maxProblems+1 {
		t.Errorf("a flood of repeated keys tells %d problems", n)
	}
	long := `{"` + strings.Repeat("k", 1<<20) + `":{` + strings.Repeat("\"a\":0,", 100_000) + `"a":0}}`
	if _, err = DecodeReport([]byte(long)); len(err.Error()) > 1<<20 {
		t.Errorf("a long key is told %d bytes long", len(err.Error()))
	}
	many := "[" + strings.Repeat("0,", maxNodes) + "0]"
	if _, err := DecodeReport([]byte(many)); !strings.Contains(err.Error(), "incident.json.many") {
		t.Errorf("too many values: %v", err)
	}
	rows := `{"format":1,"kind":"other","stage":"first","version":1,"tlp":"RED","values":{"tech.indicators":[` + strings.Repeat(`{},`, 60_000) + `{}]}}`
	_, err = DecodeReport([]byte(rows))
	if d := cmp.Diff([]string{"1:96 /values/tech.indicators incident.value.many"}, found(err)); d != "" {
		t.Error(d)
	}
}

func TestFaultsHaveWords(t *testing.T) {
	_, err := DecodeReport([]byte(`{"format":1,"kind":"other","stage":"first","version":1,"tlp":"GREEN","values":{"event.titel":1}}`))
	cat := sentences(t)
	if got, want := cat.Printer("ja", nil).Fault(err).Places[0].Say, "「event.titel」という項目はありません。「event.title」ではありませんか"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := cat.Printer("en", nil).Fault(err).Title, "This report cannot be read; fix 1 place"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The strict reader accepts only what the standard one calls JSON, and what
// decodes comes back unchanged through Encode.
func FuzzDecodeReport(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(`{"format":1,"values":{"event.occurred_at":{"min":"x"}}}`))
	f.Add([]byte("\ufeff{\"a\":\"\\ud83d\\ude00\",\"b\":[-0.5e+3,true,null]}"))
	f.Add([]byte(`[[[[[[[[[[[[[[[[`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, bad := parseJSON(string(raw))
		std := json.Valid(bytes.TrimPrefix(raw, []byte("\ufeff")))
		if n != nil && !std {
			t.Fatalf("read what is not JSON: %q", raw)
		}
		if n == nil && len(bad) == 0 {
			t.Fatalf("refused without a reason: %q", raw)
		}
		r, err := DecodeReport(raw)
		if err != nil {
			if len(fault.Of(err).Places) == 0 && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("refused without a place: %q", raw)
			}
			return
		}
		out, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeReport(out)
		if err != nil || !cmp.Equal(r, again) {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

func BenchmarkDecodeReport(b *testing.B) {
	raw, err := Template(Ransomware).Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := DecodeReport(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func TestStoredFormIsTheReportsJSON(t *testing.T) {
	for _, k := range Kinds {
		r := Template(k)
		want, err1 := json.Marshal(r)
		got, err2 := r.stored()
		if err1 != nil || err2 != nil || string(got) != string(want) {
			t.Errorf("%s: %v %v\n%s\n%s", k, err1, err2, got, want)
		}
	}
}

func TestNumbersInFullWidth(t *testing.T) {
	raw := `{"format":1,"kind":"ddos","stage":"first","version":1,"tlp":"AMBER","consents":{},"values":{"operator.corporate_number":"８９９９-９０００１２３０２","contact.duty":{"name":"当直１","phone":"００－００００－００００"}}}`
	r, err := DecodeReport([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Value("operator.corporate_number").Text(); got != "8999900012302" {
		t.Errorf("%q", got)
	}
	if row, _ := r.Value("contact.duty").V.(Row); row["phone"] != "00-0000-0000" || row["name"] != "当直１" {
		t.Errorf("%v", row)
	}
}
