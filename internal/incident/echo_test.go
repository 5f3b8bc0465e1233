package incident

import "testing"

func TestEcho(t *testing.T) {
	cat := sentences(t)
	ja, en := cat.Printer("ja", nil), cat.Printer("en", nil)
	for _, c := range []struct {
		id     FieldID
		v      Value
		ja, en string
	}{
		{"event.occurred_at", KnownValue("2026-11-05T14:05:00+09:00"), "2026年11月5日（木）14:05 JST", "Thu 5 Nov 2026, 14:05 JST"},
		{"event.occurred_at", KnownValue("2026-11-05T06:05:00+01:00"), "2026年11月5日（木）06:05 +01:00", "Thu 5 Nov 2026, 06:05 +01:00"},
		{"event.occurred_at", RangeValue("2026-11-05T05:05:00Z", nil), "2026年11月5日（木）05:05 UTC 以後", "Thu 5 Nov 2026, 05:05 UTC or later"},
		{"report.next_at", KnownValue("2026-12-01"), "2026年12月1日（火）", "Tue 1 Dec 2026"},
		{"impact.users", RangeValue(int64(1000), int64(1500)), "1,000人 から 1,500人 の間", "1,000 users to 1,500 users"},
		{"impact.users", RangeValue(nil, int64(4)), "4人 以下", "4 users or less"},
		{"ddos.volume_gbps", KnownValue(0.8), "0.8 Gbps", "0.8 Gbps"},
		{"impact.loss", KnownValue("5000000 JPY"), "500万円", "5,000,000 JPY"},
		{"impact.loss", KnownValue("1234.5 EUR"), "1,234.5 EUR", "1,234.5 EUR"},
		{"impact.loss", KnownValue("5001 JPY"), "5,001円", "5,001 JPY"},
		{"event.malicious", KnownValue(true), "はい", "Yes"},
		{"event.malicious", Value{State: Unknown}, "不明", "Unknown"},
		{"event.compromise", KnownValue([]string{"leak", "tampering"}), "情報の持ち出し・漏えい、改ざん", "Data taken or leaked, Tampering"},
		{"contact.duty", KnownValue(Row{"name": "当直", "phone": "00-0000-0000"}), "当直 / 00-0000-0000", "当直 / 00-0000-0000"},
		{"contact.duty", Value{State: Redacted}, "■（個人の連絡先のため）", "■ (Names and reaches a person)"},
		{"systems.affected", KnownValue([]Row{{"name": "A", "zone": "ot"}, {"name": "B"}}), "A / 制御系\nB", "A / OT\nB"},
		{"event.title", Value{}, "", ""},
	} {
		f := field(t, c.id)
		if got := f.Echo(c.v, ja); got != c.ja {
			t.Errorf("%s: %q, want %q", c.id, got, c.ja)
		}
		if got := f.Echo(c.v, en); got != c.en {
			t.Errorf("%s: %q, want %q", c.id, got, c.en)
		}
	}
}
