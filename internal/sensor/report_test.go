package sensor

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
)

// drawn is the picture of a finding with some facts, in English.
func drawn(t *testing.T, f *detect.Finding) string {
	t.Helper()
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	b := &sheet{p: words.Printer("en", nil)}
	drawFinding(b, f)
	return b.String()
}

// Amounts of senders are drawn where they tell something: not where all places
// hold about the same part of everything, and not beyond what came.
func TestSendersAreDrawnWhereTheyTell(t *testing.T) {
	for name, c := range map[string]struct {
		how            []float64
		all, different float64
		want           bool
	}{
		"two of two":           {[]float64{500, 400}, 900, 2, true},
		"one above thousands":  {[]float64{5000, 400, 390, 410}, 9000, 3000, true},
		"none above thousands": {[]float64{1080, 1081, 1079, 1080}, 9000, 388, false},
		"more than came":       {[]float64{1500, 539}, 1929, 2, false},
		"no amounts":           {nil, 9000, 2, false},
	} {
		f := &detect.Finding{Kind: detect.Flood, Facts: []detect.Fact{{Key: "packets", Value: c.all}, {Key: "different", Value: c.different},
			{Key: "senders", Value: []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}[:max(len(c.how), 2)]}, {Key: "senders_packets", Value: c.how}}}
		if got := strings.Contains(drawn(t, f), "Main senders"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The largest bar is told with its unit, unless the finding tells less in all;
// an empty picture of other traffic and an end without anything are left out.
func TestPicturesSayWhatTheyShow(t *testing.T) {
	over := append([]float64{400, 700}, make([]float64, 90)...)
	facts := func(all float64) []detect.Fact {
		return []detect.Fact{{Key: "packets", Value: all}, {Key: "over", Value: over}, {Key: "over_start", Value: "2026-11-04T02:00:00Z"}, {Key: "over_width_s", Value: 60.0}}
	}
	for kind, want := range map[detect.Kind]string{detect.Flood: "700 packets", detect.Reflector: "700 ", detect.HostScan: "700 tries"} {
		got := drawn(t, &detect.Finding{Kind: kind, Facts: facts(1100)})
		if !strings.Contains(got, want) || strings.Count(got, "<rect") != leastBars || !strings.Contains(got, "4 Nov 2026 11:12 JST") {
			t.Errorf("%s: %s", kind, got)
		}
	}
	if got := drawn(t, &detect.Finding{Kind: detect.Flood, Facts: facts(600)}); strings.Contains(got, "700") {
		t.Error(got)
	}
	for rest, want := range map[string]bool{"000000": false, "000400": true} {
		f := &detect.Finding{Kind: detect.Beacon, Facts: []detect.Fact{{Key: "grid", Value: []string{"555"}}, {Key: "ordinary", Value: []string{rest, "000"}}}}
		if got := strings.Count(drawn(t, f), "<figure") == 2; got != want {
			t.Errorf("%s: %v", rest, got)
		}
	}
}

// The table says the year, the zone and what the marks mean; a beat has one
// period, or two that agree.
func TestTableExplainsItself(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	f := detect.Finding{Kind: detect.Beacon, Score: 0.9, Src: netip.MustParseAddr("10.20.1.17"), Dst: netip.MustParseAddr("198.51.100.11"), Start: time.Date(2018, 1, 30, 16, 0, 0, 0, time.UTC).UnixNano(),
		Facts: []detect.Fact{{Key: "median_s", Value: 299.0}, {Key: "period_s", Value: 300.0}, {Key: "count", Value: int64(40)}}}
	for lang, marks := range map[text.Lang]string{"ja": "▲ 0.5 以上", "en": "▲ 0.5 and more"} {
		var b strings.Builder
		if err := tellFindings(&b, words.Printer(lang, nil), &detect.Report{Findings: []detect.Finding{f}}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{map[text.Lang]string{"ja": "2018/1/31 01:00", "en": "31 Jan 2018 01:00"}[lang], "JST", marks, "--format html"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s is not in\n%s", want, b.String())
			}
		}
	}
	if !sameBeat(&f) {
		t.Error("300 s are not 299 s")
	}
	for _, period := range []float64{6900, 270} {
		if f.Facts[1].Value = period; sameBeat(&f) {
			t.Errorf("%v s are 299 s", period)
		}
	}
	if got := factText(words.Printer("ja", nil), "matched", "address"); got != "アドレス" {
		t.Errorf("what matched is said as %q", got)
	}
}
