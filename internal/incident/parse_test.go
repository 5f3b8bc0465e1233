package incident

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
)

func field(t testing.TB, id FieldID) *Field {
	t.Helper()
	f, ok := Dictionary().Get(id)
	if !ok {
		t.Fatalf("no field %s", id)
	}
	return f
}

func TestParseText(t *testing.T) {
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	inv, unk := Value{State: Investigating}, Value{State: Unknown}
	for _, c := range []struct {
		id   FieldID
		in   string
		want Value
		code string // of the fault, when there is one
	}{
		{id: "event.occurred_at", in: "2026/11/5 2:18", want: KnownValue("2026-11-05T02:18:00+09:00")},
		{id: "event.occurred_at", in: "２０２６／１１／５　２：１８", want: KnownValue("2026-11-05T02:18:00+09:00")},
		{id: "event.occurred_at", in: "令和8年11月5日 午後2時18分", want: KnownValue("2026-11-05T14:18:00+09:00")},
		{id: "event.occurred_at", in: "㋿8年11月5日 2時半", want: KnownValue("2026-11-05T02:30:00+09:00")},
		{id: "event.occurred_at", in: "R8.11.5 14:18:07", want: KnownValue("2026-11-05T14:18:07+09:00")},
		{id: "event.occurred_at", in: "2026年11月5日（木）14:05 JST", want: KnownValue("2026-11-05T14:05:00+09:00")},
		{id: "event.occurred_at", in: "Thu 5 Nov 2026, 14:05 CET", want: KnownValue("2026-11-05T14:05:00+01:00")},
		{id: "event.occurred_at", in: "November 5, 2026 2:05 pm UTC", want: KnownValue("2026-11-05T14:05:00Z")},
		{id: "event.occurred_at", in: "2026-11-04T23:40+09:00", want: KnownValue("2026-11-04T23:40:00+09:00")},
		{id: "event.occurred_at", in: "2026-11-04t23:40:00.5z", want: KnownValue("2026-11-04T23:40:00.5Z")},
		{id: "event.occurred_at", in: "2026/11/4 24:00", want: KnownValue("2026-11-05T00:00:00+09:00")},
		{id: "event.occurred_at", in: "2026/11/4 12:10 am +0530", want: KnownValue("2026-11-04T00:10:00+05:30")},
		{id: "event.occurred_at", in: "午前0時 2026/11/4", code: "incident.parse.instant"},
		{id: "event.occurred_at", in: "2026/11/4 25:00", code: "incident.parse.instant"},
		{id: "event.occurred_at", in: "2026/11/4 14:00 pm", code: "incident.parse.instant"},
		{id: "event.occurred_at", in: "2026/11/4", code: "incident.parse.time"},
		{id: "event.occurred_at", in: "11/4 22:00", code: "incident.parse.year"},
		{id: "event.occurred_at", in: "2026/11/5（水）14:05", code: "incident.parse.weekday"},
		{id: "event.occurred_at", in: "2026/2/29 10:00", code: "incident.parse.no_day"},
		{id: "event.occurred_at", in: "2028/2/29 10:00", want: KnownValue("2028-02-29T10:00:00+09:00")},
		{id: "event.occurred_at", in: "2026/11/5 14:05 IST", code: "incident.parse.zone"},
		{id: "event.occurred_at", in: "きのうの夜", code: "incident.parse.instant"},
		{id: "event.occurred_at", in: "2026/11/3 19:00〜20:30", want: RangeValue("2026-11-03T19:00:00+09:00", "2026-11-03T20:30:00+09:00")},
		{id: "event.occurred_at", in: "2026/11/3 19:00から2026/11/4 1:00まで", want: RangeValue("2026-11-03T19:00:00+09:00", "2026-11-04T01:00:00+09:00")},
		{id: "event.occurred_at", in: "2026/11/3 19:00以後", want: RangeValue("2026-11-03T19:00:00+09:00", nil)},
		{id: "event.occurred_at", in: "2026/11/3 19:00 〜 2026/11/2 1:00", code: "incident.value.range_order"},
		{id: "event.occurred_at", in: "不明", want: unk},
		{id: "event.occurred_at", in: "Under Investigation.", want: inv},
		{id: "report.next_at", in: "令和元年5月1日", want: KnownValue("2019-05-01")},
		{id: "report.next_at", in: "令和元年4月30日", code: "incident.parse.era"},
		{id: "report.next_at", in: "平成31年4月30日", want: KnownValue("2019-04-30")},
		{id: "report.next_at", in: "平成32年4月1日", code: "incident.parse.era"},
		{id: "report.next_at", in: "令和0年1月1日", code: "incident.parse.era"},
		{id: "report.next_at", in: "20261201", want: KnownValue("2026-12-01")},
		{id: "report.next_at", in: "2026-12-01 10:00", code: "incident.parse.date"},
		{id: "impact.users", in: "１２，０００人", want: KnownValue(int64(12000))},
		{id: "impact.users", in: "1.5万", want: KnownValue(int64(15000))},
		{id: "impact.users", in: "1万2千5百", want: KnownValue(int64(12500))},
		{id: "impact.users", in: "2千万", want: KnownValue(int64(20_000_000))},
		{id: "impact.users", in: "1,000〜1,500", want: RangeValue(int64(1000), int64(1500))},
		{id: "impact.users", in: "1000-1500人", want: RangeValue(int64(1000), int64(1500))},
		{id: "impact.users", in: "100人以上", want: RangeValue(int64(100), nil)},
		{id: "impact.users", in: "5件未満", want: RangeValue(nil, int64(4))},
		{id: "impact.users", in: "約3万", code: "incident.parse.about"},
		{id: "impact.users", in: "1.5", code: "incident.parse.fraction"},
		{id: "impact.users", in: "-3", code: "incident.parse.integer"},
		{id: "impact.users", in: "1,00", code: "incident.parse.integer"},
		{id: "impact.users", in: "3匹", code: "incident.parse.unit"},
		{id: "impact.users", in: "99999999999999999999", code: "incident.parse.integer"},
		{id: "impact.duration_hours", in: "90分", want: KnownValue(1.5)},
		{id: "impact.duration_hours", in: "2 days", want: KnownValue(48.0)},
		{id: "ddos.volume_gbps", in: "1.2 Tbps", want: KnownValue(1200.0)},
		{id: "ddos.volume_gbps", in: "800 Mbps", want: KnownValue(0.8)},
		{id: "ddos.volume_pps", in: "42 Mpps", want: KnownValue(42e6)},
		{id: "impact.loss", in: "500万円", want: KnownValue("5000000 JPY")},
		{id: "impact.loss", in: "￥５，０００，０００", want: KnownValue("5000000 JPY")},
		{id: "impact.loss", in: "2億3,000万円", want: KnownValue("230000000 JPY")},
		{id: "impact.loss", in: "1.25 BTC", want: KnownValue("1.25 BTC")},
		{id: "impact.loss", in: "EUR 1,000.50", want: KnownValue("1000.5 EUR")},
		{id: "impact.loss", in: "100〜200万円", want: RangeValue("1000000 JPY", "2000000 JPY")},
		{id: "impact.loss", in: "100 USD 〜 200 EUR", code: "incident.value.currencies"},
		{id: "impact.loss", in: "$1,000", code: "incident.parse.currency"},
		{id: "impact.loss", in: "1000", code: "incident.parse.currency"},
		{id: "impact.loss", in: "たくさん", code: "incident.parse.money"},
		{id: "event.malicious", in: "はい", want: KnownValue(true)},
		{id: "event.malicious", in: "No", want: KnownValue(false)},
		{id: "event.malicious", in: "たぶん", code: "incident.parse.bool"},
		{id: "event.malicious", in: "不明", want: unk},
		{id: "impact.business", in: "影響なし", want: KnownValue("none")},
		{id: "impact.business", in: "DEGRADED", want: KnownValue("degraded")},
		{id: "impact.business", in: "大変", code: "incident.value.option"},
		{id: "event.status", in: "不明", code: "incident.value.no_unknown"},
		{id: "operator.name", in: "  蒼浜電力\r\n株式会社\u202e ", want: KnownValue("蒼浜電力 株式会社")},
		{id: "operator.name", in: "不明", want: KnownValue("不明")},
		{id: "event.outline", in: "一行目\r\n二行目", want: KnownValue("一行目\n二行目")},
		{id: "operator.corporate_number", in: "８-0000-1201-3999", code: "incident.form.corporate_number"},
		{id: "operator.lei", in: "00ao hamadenryoku0093", code: "incident.form.lei"},
		{id: "operator.lei", in: "00ao hamadenryoku0092", want: KnownValue("00AOHAMADENRYOKU0092")},
		{id: "tech.vulnerabilities", in: "cve-2026-90417、CVE-2026-1234\ncve-2026-90417", want: KnownValue([]string{"CVE-2026-90417", "CVE-2026-1234"})},
		{id: "tech.vulnerabilities", in: "調査中", want: inv},
		{id: "tech.sources", in: "203[.]0.113[.]84; evil[.]example", want: KnownValue([]string{"203.0.113.84", "evil.example"})},
		{id: "tech.sources", in: "http://x y", code: "incident.form.host"},
		{id: "tech.techniques", in: "t1190, T1498.001", want: KnownValue([]string{"T1190", "T1498.001"})},
		{id: "operator.name", in: " \n ", want: Value{}},
	} {
		v, bad := field(t, c.id).Parse(Answer{Text: []string{c.in}})
		got := ""
		if len(bad) > 0 {
			got = bad[0].Code
		}
		if got != c.code || !cmp.Equal(v, c.want) {
			t.Errorf("%s %q: %v %+v, want %v %q", c.id, c.in, v, bad, c.want, c.code)
		}
	}
	for in, want := range map[string]string{
		"2026/3/29 2:30":         "incident.parse.gap",   // summer time begins
		"2026/10/25 2:30":        "incident.parse.twice", // and ends
		"2026/10/25 2:30 +02:00": "2026-10-25T02:30:00+02:00",
		"2026/10/25 3:00":        "2026-10-25T03:00:00+01:00",
		"2026/3/29 3:00":         "2026-03-29T03:00:00+02:00",
	} {
		v, bad := field(t, "event.occurred_at").Parse(Answer{Text: []string{in}, Zone: brussels})
		got, _ := v.Text()
		if len(bad) > 0 {
			got = bad[0].Code
		}
		if got != want {
			t.Errorf("Brussels %q: %q, want %q", in, got, want)
		}
	}
}

func TestParseForm(t *testing.T) {
	fields := []*Field{}
	for _, id := range []FieldID{"event.recognised_at", "event.occurred_at", "event.compromise", "contact.duty", "systems.affected", "tech.indicators", "event.title", "impact.users", "event.outline"} {
		fields = append(fields, field(t, id))
	}
	values, bad := ParseForm(map[string][]string{
		"event.recognised_at.year": {"２０２６"}, "event.recognised_at.month": {"11"}, "event.recognised_at.day": {"4"},
		"event.recognised_at.hour": {"23"}, "event.recognised_at.minute": {"40"}, "event.recognised_at.zone": {"CET"},
		"event.occurred_at.state": {"range"}, "event.occurred_at.min": {"2026/11/3 19:00"}, "event.occurred_at.max": {"2026/11/3"},
		"event.compromise":          {"leak", "改ざん"},
		"contact.duty/name":         {"当直"},
		"contact.duty/phone":        {"００−００００−００００"},
		"systems.affected/0/name":   {""},
		"systems.affected/7/name":   {"保守VPN"},
		"systems.affected/7/zone":   {"DMZ"},
		"systems.affected/7/bogus":  {""},
		"tech.indicators/0/type":    {"IPアドレス"},
		"tech.indicators/0/value":   {"203[.]0[.]113.84"},
		"tech.indicators/0/seen_at": {"2026/11/4 23:41"},
		"tech.indicators/1/type":    {"SHA-256"},
		"tech.indicators/1/value":   {"ABC"},
		"event.title":               {""},
		"impact.users.state":        {"investigating"},
		"unrelated":                 {"x"},
	}, fields, nil)
	want := map[FieldID]Value{
		"event.recognised_at": KnownValue("2026-11-04T23:40:00+01:00"),
		"event.compromise":    KnownValue([]string{"leak", "tampering"}),
		"contact.duty":        KnownValue(Row{"name": "当直", "phone": "00-0000-0000"}),
		"event.title":         {},
		"impact.users":        {State: Investigating},
	}
	if d := cmp.Diff(want, values); d != "" {
		t.Error(d)
	}
	wrong := []fault.Place{
		{At: "event.occurred_at/max", Code: "incident.parse.time"},
		{At: "systems.affected/1/bogus", Code: "incident.key.unknown", Args: fault.Args{"key": "bogus"}},
		{At: "tech.indicators/1/value", Code: "incident.form.sha256"},
	}
	if d := cmp.Diff(wrong, bad); d != "" {
		t.Error(d)
	}
}

func TestParseBounded(t *testing.T) {
	huge := strings.Repeat("あ", 5_000_000)
	for _, f := range Dictionary().All {
		if _, bad := f.Parse(Answer{Text: []string{huge}, Rows: []Row{{"name": huge}}}); len(bad) == 0 {
			t.Errorf("%s takes 15 MB", f.ID)
		}
	}
}

// Whatever is typed, a value that comes out is one the judge accepts and the
// decoder reads back.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"令和8年11月5日 午後2時18分 JST", "1,000〜1,500人", "2億3,000万円", "¥5", "Thu 5 Nov 2026, 24:00 CEST", "不明", "90分", "203[.]0.113[.]84", "5件未満", "R8.2.30 0:00", "12:00から13:00", "1e9", "十万"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i := range Dictionary().All {
			q := &Dictionary().All[i]
			v, bad := q.Parse(Answer{Text: []string{s}, Rows: []Row{{"name": s, "value": s, "type": s}}})
			if len(bad) > 0 || !v.Answered() {
				continue
			}
			if q.Judge(v) != nil {
				t.Fatalf("%s %q: parsed to %v, which is refused", q.ID, s, v)
			}
			r := NewReport(Other)
			if !q.For(Other) {
				r.Kind = q.Kinds[0]
			}
			r.Values[q.ID] = v
			raw, err := r.Encode()
			if err != nil {
				t.Fatal(err)
			}
			again, err := DecodeReport(raw)
			if err != nil || !cmp.Equal(again.Values[q.ID], v) {
				t.Fatalf("%s %q: %v comes back as %v (%v)", q.ID, s, v, again, err)
			}
		}
	})
}
