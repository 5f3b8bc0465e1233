package sensor

import (
	"fmt"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
)

// FindingText is a finding in one sentence for a person who is no network
// engineer.
func FindingText(p text.Printer, f *detect.Finding) string {
	key := "sensor.finding.say." + string(f.Kind)
	args := []any{"src", endText(p, f.Src), "other", otherText(p, f)}
	add := func(pairs ...any) { args = append(args, pairs...) }
	n := func(key string) int64 { return int64(math.Round(f.Number(key))) }
	switch f.Kind {
	case detect.Beacon:
		add("gap", gapText(p, f.Number("median_s")), "n", n("count"))
	case detect.LongConnection:
		add("length", gapText(p, f.Number("longest_s")))
	case detect.HostScan:
		add("n", n("different"), "failed", n("different_failed"), "port", portText(p, f))
	case detect.PortScan:
		add("n", n("different"))
	case detect.PasswordGuessing:
		if f.Fact("targets") != nil {
			key = "sensor.finding.say.spray"
			add("n", n("targets"))
		} else {
			add("n", n("tries"))
		}
		add("service", strings.ToUpper(f.App.String()))
	case detect.Flood:
		if f.Fact("to_home") == false {
			key = "sensor.finding.say.flood_out"
		}
		add("peak", n("peak_packets_min"), "usual", n("usual_packets_min"), "n", max(n("different"), 1))
	case detect.ReflectionFlood:
		add("peak", n("peak_packets_min"), "n", n("different"), "service", serviceText(p, f.Port))
	case detect.Reflector:
		add("asked", p.Bytes(n("bytes_in")), "said", p.Bytes(n("bytes_out")), "ratio", n("ratio"))
	case detect.SteppingStone:
		add("through", f.Fact("through"), "n", n("times"))
	case detect.RemoteTool:
		add("tool", f.Fact("tool"), "n", n("users"))
	case detect.DataLeaving:
		add("sent", p.Bytes(n("bytes_out")), "got", p.Bytes(n("bytes_in")))
	case detect.RareDestination:
		add("n", n("count"))
	case detect.NewFingerprint:
		add("n", n("count"), "print", f.Fact("print"))
	case detect.DNSTunnel:
		add("n", n("different"))
	case detect.GeneratedDomains:
		add("n", n("different"), "missing", int64(100*f.Number("missing_queries")/max(f.Number("queries"), 1)))
	case detect.Indicator:
		add("n", n("count"), "id", f.Fact("indicator"))
	}
	return p.T(key, args...)
}

func endText(p text.Printer, a netip.Addr) string {
	if !a.IsValid() {
		return p.T("sensor.finding.somebody")
	}
	return a.String()
}

// otherText is the other end with its port, where one was spoken to.
func otherText(p text.Printer, f *detect.Finding) string {
	other := f.Other()
	if other == "" {
		return p.T("sensor.finding.many")
	}
	switch f.Kind {
	case detect.Beacon, detect.LongConnection, detect.RareDestination:
		if f.Port != 0 && f.Port != 443 && f.Name == "" {
			if strings.Contains(other, ":") {
				return "[" + other + "]:" + strconv.Itoa(int(f.Port))
			}
			return other + ":" + strconv.Itoa(int(f.Port))
		}
	}
	return other
}

func portText(p text.Printer, f *detect.Finding) string {
	if f.Proto == 1 || f.Proto == 58 {
		return "ICMP"
	}
	return p.T("sensor.finding.port", "port", strconv.Itoa(int(f.Port)))
}

// services that reflect, by their port.
var reflectorNames = map[uint16]string{53: "DNS", 123: "NTP", 1900: "SSDP", 11211: "memcached", 389: "CLDAP", 19: "CHARGEN", 161: "SNMP", 111: "RPC", 137: "NetBIOS", 5353: "mDNS", 3702: "WS-Discovery"}

func serviceText(p text.Printer, port uint16) string {
	if s := reflectorNames[port]; s != "" {
		return s
	}
	return p.T("sensor.finding.port", "port", strconv.Itoa(int(port)))
}

// gapText is a time in words: below ten seconds with a tenth.
func gapText(p text.Printer, seconds float64) string {
	if seconds < 10 {
		return p.T("sensor.finding.seconds", "n", strconv.FormatFloat(seconds, 'f', 1, 64))
	}
	return p.Duration(time.Duration(math.Round(seconds)) * time.Second)
}

// factText is a fact's value in words; "" for rows of numbers, which are drawn.
func factText(p text.Printer, key string, v any) string {
	switch x := v.(type) {
	case bool:
		if x {
			return p.T("sensor.finding.yes")
		}
		return p.T("sensor.finding.no")
	case string:
		if words := "sensor.finding.matched." + x; key == "matched" && p.Has(words) {
			return p.T(words)
		}
		return x
	case int64:
		if strings.HasPrefix(key, "bytes") || strings.HasSuffix(key, "_bytes") {
			return p.Bytes(x)
		}
		return p.Number(x)
	case float64:
		switch {
		case strings.HasPrefix(key, "bytes") || strings.HasSuffix(key, "_bytes"):
			return p.Bytes(int64(x))
		case strings.HasSuffix(key, "_s"):
			return gapText(p, x)
		case x >= 100 || x == math.Trunc(x):
			return p.Number(int64(math.Round(x)))
		}
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return ""
}

// tellFindings writes the findings for a terminal, columns aligned also where
// letters are two cells wide.
func tellFindings(w io.Writer, p text.Printer, r *detect.Report) error {
	if len(r.Findings) == 0 {
		key := "sensor.detect.none"
		if why := unjudged(r); why != "" {
			key = why
		}
		_, err := fmt.Fprintln(w, p.T(key))
		return err
	}
	rows := [][]string{{p.T("sensor.detect.head.score"), p.T("sensor.detect.head.kind"), whenHead(p), p.T("sensor.detect.head.text")}}
	for i := range r.Findings {
		f := &r.Findings[i]
		at := time.Unix(0, f.Start).In(p.Zone)
		rows = append(rows, []string{rankMark(f.Score) + " " + fmt.Sprintf("%.2f", f.Score), p.T("sensor.finding.kind." + string(f.Kind)), p.Short(at, time.Time{}), FindingText(p, f)})
	}
	if err := columns(w, rows); err != nil {
		return err
	}
	for _, k := range detect.Kinds {
		if n := r.More[k]; n > 0 {
			if _, err := fmt.Fprintln(w, p.T("sensor.detect.more", "n", n, "kind", p.T("sensor.finding.kind."+string(k)))); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintln(w, "\n"+p.T("sensor.detect.marks", "sure", sure, "likely", likely))
	return err
}

// columns writes rows below each other, each column as wide as its widest text
// in cells of a terminal. Rows may have fewer columns than others.
func columns(w io.Writer, rows [][]string) error {
	var width []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], cellsOf(c))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, c := range row {
			b.WriteString(c)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-cellsOf(c)+2))
			}
		}
		if _, err := fmt.Fprintln(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

// whenHead is the head of a column of times, with their zone.
func whenHead(p text.Printer) string {
	return p.T("sensor.detect.head.when", "zone", time.Unix(0, 0).In(p.Zone).Format("MST"))
}

// sameBeat reports whether the period of a beat is that of its gaps, but for a
// twentieth: otherwise it is a multiple of them, and two periods of one beat say
// less than one.
func sameBeat(f *detect.Finding) bool {
	gap := f.Number("median_s")
	return math.Abs(f.Number("period_s")-gap) <= gap/20
}

// rankMark is a shape beside the score, so that it is seen at once.
func rankMark(score float64) string {
	switch {
	case score >= sure:
		return "◆"
	case score >= likely:
		return "▲"
	}
	return "·"
}

// cellsOf is how many cells of a terminal a text takes: letters of East Asia
// that are wide or full-width take two (Unicode Standard Annex 11).
func cellsOf(s string) (n int) {
	for _, r := range s {
		switch {
		case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
			r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff:
			n += 2
		default:
			n++
		}
	}
	return n
}
