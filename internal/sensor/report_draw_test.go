package sensor

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
)

// A finding of somebody else's sensor can hold any numbers: its page is drawn,
// and of no more than a page's size.
func TestAFindingCannotBreakItsPicture(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	many := func(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	for name, evidence := range map[string]string{
		"no gaps":         `{"grid":["f"],"gaps":[]}`,
		"no rows":         `{"grid":[],"gaps":[1]}`,
		"gaps of nothing": `{"grid":["f"],"median_s":-1e300,"gaps":[1e300,-5,0]}`,
		"marks":           `{"grid":[` + many(`"`+strings.Repeat("f", 96)+`"`, 160) + `],"ordinary":[` + many(`"`+strings.Repeat("f", 96)+`"`, 160) + `]}`,
		"letters":         `{"grid":["界界界界zz","` + strings.Repeat("界", 40) + `"]}`,
		"deep":            `{"over":[` + many("-1e308", 2000) + `],"over_start":"2026-11-22T00:00:00Z","over_width_s":1e300}`,
		"senders":         `{"senders":[` + many(`"192.0.2.1"`, 500) + `],"senders_packets":[-1e308]}`,
		"senders alone":   `{"senders":["192.0.2.1","192.0.2.2"],"senders_packets":[]}`,
		"many gaps":       `{"grid":["f"],"gaps":[` + many("1", 2000) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
			f := Finding{Found: Found{Kind: string(detect.Beacon), Score: 1, Src: "192.0.2.1", Dst: "203.0.113.1", Start: now, End: now, Evidence: json.RawMessage(evidence)}}
			b := &sheet{p: words.Printer("ja", nil)}
			drawFinding(b, f.detected())
			if b.Len() > 1<<20 {
				t.Errorf("%d bytes", b.Len())
			}
			if strings.Contains(b.String(), `height="-`) || strings.Contains(b.String(), "NaN") {
				t.Error("a bar of less than nothing")
			}
		})
	}
}
