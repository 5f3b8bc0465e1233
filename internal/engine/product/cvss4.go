package product

import (
	"fmt"
	"strings"

	gocvss40 "github.com/pandatix/go-cvss/40"
)

// cvss4 scores a vector of CVSS 4.0 (specification §8.2). The library reads the
// vector and knows the score of each macrovector; the distances inside one are
// taken here, because the library rounds 5.65 to 5.6.
func cvss4(s string) (CVSS, error) {
	v, err := gocvss40.ParseVector(s)
	if err != nil {
		return CVSS{}, fmt.Errorf("CVSS 4.0 %q: %w", s, err)
	}
	score := score4(v)
	return scored("4.0", s, score, score, score), nil
}

// macro is a macrovector: EQ1 to EQ6.
type macro [6]int

// metrics4 are the metrics that count, as they hold: modified where they are,
// and the gravest where they are open.
func metrics4(v *gocvss40.CVSS40) map[string]string {
	m := map[string]string{}
	for _, name := range strings.Fields("AV AC AT PR UI VC VI VA SC SI SA") {
		m[name], _ = v.Get(name)
		if own, err := v.Get("M" + name); err == nil && own != "X" {
			m[name] = own
		}
	}
	for name, open := range map[string]string{"E": "A", "CR": "H", "IR": "H", "AR": "H"} {
		if m[name], _ = v.Get(name); m[name] == "X" {
			m[name] = open
		}
	}
	return m
}

func macroOf(m map[string]string) macro {
	bit := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	var q macro
	switch none := bit(m["AV"] == "N") + bit(m["PR"] == "N") + bit(m["UI"] == "N"); {
	case none == 3:
		q[0] = 0
	case none > 0 && m["AV"] != "P":
		q[0] = 1
	default:
		q[0] = 2
	}
	q[1] = bit(m["AC"] != "L" || m["AT"] != "N")
	switch {
	case m["VC"] == "H" && m["VI"] == "H":
		q[2] = 0
	case m["VC"] == "H" || m["VI"] == "H" || m["VA"] == "H":
		q[2] = 1
	default:
		q[2] = 2
	}
	switch {
	case m["SI"] == "S" || m["SA"] == "S":
		q[3] = 0
	case m["SC"] == "H" || m["SI"] == "H" || m["SA"] == "H":
		q[3] = 1
	default:
		q[3] = 2
	}
	q[4] = strings.Index("APU", m["E"])
	q[5] = bit(!(m["CR"] == "H" && m["VC"] == "H" || m["IR"] == "H" && m["VI"] == "H" || m["AR"] == "H" && m["VA"] == "H"))
	return q
}

// highest4 are the gravest vectors of each EQ at each level (specification
// §8.3); EQ3 and EQ6 depend on each other and stand together.
func highest4(eq int, q macro) []string {
	switch eq {
	case 0:
		return [][]string{{"AV:N/PR:N/UI:N"}, {"AV:A/PR:N/UI:N", "AV:N/PR:L/UI:N", "AV:N/PR:N/UI:P"}, {"AV:P/PR:N/UI:N", "AV:A/PR:L/UI:P"}}[q[0]]
	case 1:
		return [][]string{{"AC:L/AT:N"}, {"AC:H/AT:N", "AC:L/AT:P"}}[q[1]]
	case 2:
		return [][][]string{
			{{"VC:H/VI:H/VA:H/CR:H/IR:H/AR:H"}, {"VC:H/VI:H/VA:L/CR:M/IR:M/AR:H", "VC:H/VI:H/VA:H/CR:M/IR:M/AR:M"}},
			{{"VC:L/VI:H/VA:H/CR:H/IR:H/AR:H", "VC:H/VI:L/VA:H/CR:H/IR:H/AR:H"},
				{"VC:L/VI:H/VA:L/CR:H/IR:M/AR:H", "VC:L/VI:H/VA:H/CR:H/IR:M/AR:M", "VC:H/VI:L/VA:H/CR:M/IR:H/AR:M", "VC:H/VI:L/VA:L/CR:M/IR:H/AR:H", "VC:L/VI:L/VA:H/CR:H/IR:H/AR:M"}},
			{nil, {"VC:L/VI:L/VA:L/CR:H/IR:H/AR:H"}},
		}[q[2]][q[5]]
	case 3:
		return [][]string{{"SC:H/SI:S/SA:S"}, {"SC:H/SI:H/SA:H"}, {"SC:L/SI:L/SA:L"}}[q[3]]
	}
	return []string{"E:" + "APU"[q[4]:q[4]+1]}
}

// depth4 is how many steps lie between the gravest and the mildest vector of
// an EQ at its level.
func depth4(eq int, q macro) float64 {
	switch eq {
	case 0:
		return [...]float64{1, 4, 5}[q[0]]
	case 1:
		return [...]float64{1, 2}[q[1]]
	case 2:
		return [...][2]float64{{7, 6}, {8, 8}, {0, 10}}[q[2]][q[5]]
	case 3:
		return [...]float64{6, 5, 4}[q[3]]
	}
	return 1
}

// order4 are the values of each metric, the gravest first. The metrics of
// subsequent systems have safety in front.
func order4(metric string) string {
	switch metric {
	case "AV":
		return "NALP"
	case "PR":
		return "NLH"
	case "UI":
		return "NPA"
	case "AC":
		return "LH"
	case "AT":
		return "NP"
	case "VC", "VI", "VA":
		return "HLN"
	case "SC", "SI", "SA":
		return "SHLN"
	case "CR", "IR", "AR":
		return "HML"
	}
	return "APU"
}

// known4 is the score of a macrovector, that of its gravest vector; ok is false
// when there is none.
func known4(q macro) (score float64, ok bool) {
	for i, last := range (macro{2, 1, 2, 2, 2, 1}) {
		if q[i] > last {
			return 0, false
		}
	}
	if q[2] == 2 && q[5] == 0 {
		return 0, false
	}
	vector := "CVSS:4.0"
	all := strings.Join([]string{highest4(0, q)[0], highest4(1, q)[0], highest4(2, q)[0], highest4(3, q)[0], highest4(4, q)[0]}, "/")
	values := map[string]string{}
	for _, part := range strings.Split(all, "/") {
		name, value, _ := strings.Cut(part, ":")
		values[name] = value
	}
	for _, name := range strings.Fields("AV AC AT PR UI VC VI VA SC SI SA E CR IR AR") {
		if values[name] == "S" {
			values["M"+name], values[name] = "S", "H" // safety is a value of the modified metric only
		}
		vector += "/" + name + ":" + values[name]
	}
	for _, name := range []string{"MSI", "MSA"} {
		if v := values[name]; v != "" {
			vector += "/" + name + ":" + v
		}
	}
	v, err := gocvss40.ParseVector(vector)
	if err != nil {
		panic("BUG: the gravest vector of a macrovector cannot be read: " + vector)
	}
	return v.Score(), true
}

// distance4 is how many steps a vector is milder than one of the gravest of an
// EQ; ok is false when it is graver in some metric.
func distance4(m map[string]string, gravest string) (steps float64, ok bool) {
	for _, part := range strings.Split(gravest, "/") {
		name, value, _ := strings.Cut(part, ":")
		order := order4(name)
		d := strings.Index(order, m[name]) - strings.Index(order, value)
		if d < 0 {
			return 0, false
		}
		steps += float64(d)
	}
	return steps, true
}

func score4(v *gocvss40.CVSS40) float64 {
	m := metrics4(v)
	harmless := true
	for _, name := range strings.Fields("VC VI VA SC SI SA") {
		harmless = harmless && m[name] == "N"
	}
	if harmless {
		return 0
	}
	q := macroOf(m)
	score, ok := known4(q)
	if !ok {
		panic(fmt.Sprintf("BUG: no score for macrovector %v", q))
	}
	sum, count := 0.0, 0
	for eq := range 5 {
		lower, ok := lower4(eq, q)
		if !ok {
			continue
		}
		count++
		for _, gravest := range highest4(eq, q) {
			if steps, ok := distance4(m, gravest); ok && eq != 4 {
				sum += (score - lower) * steps / depth4(eq, q)
				break
			}
		}
	}
	if count > 0 {
		score -= sum / float64(count)
	}
	return min(tenth(score), 10)
}

// lower4 is the score of the next milder macrovector in an EQ.
func lower4(eq int, q macro) (float64, bool) {
	next := q
	if eq != 2 {
		next[eq]++
		return known4(next)
	}
	switch {
	case q[2] == 0 && q[5] == 0:
		left, right := q, q
		left[5], right[2] = 1, 1
		a, _ := known4(left)
		b, _ := known4(right)
		return max(a, b), true
	case q[5] == 1:
		next[2]++
	default:
		next[5]++
	}
	return known4(next)
}
