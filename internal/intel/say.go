package intel

import (
	"strconv"
	"strings"

	"noroshi/internal/base/text"
)

// sayBy is who says something: the kind of source in words, and the name under
// which it speaks there.
func sayBy(p text.Printer, s Said) string {
	name := string(s.Kind)
	if key := "intel.kind." + name; p.Has(key) {
		name = p.T(key)
	}
	if s.By != "" && !strings.EqualFold(s.By, name) {
		return name + " · " + s.By
	}
	return name
}

func sayScore(s *Scored) string {
	return strconv.FormatFloat(s.Score.Score, 'f', 1, 64) + " " + s.Vector
}

func sayLikelihood(l *LikelihoodFact) string {
	return strconv.FormatFloat(l.Score*100, 'f', 1, 64) + " %"
}

// sayDecision puts SSVC decision points into words; a value not known stands
// as it is.
func sayDecision(p text.Printer, d *DecisionFact) string {
	var out []string
	for _, v := range [...][2]string{{"exploitation", d.Exploitation}, {"automatable", d.Automatable}, {"impact", d.Impact}} {
		if v[1] == "" {
			continue
		}
		say := v[1]
		if key := "intel.ssvc." + v[0] + "_" + v[1]; p.Has(key) {
			say = p.T(key)
		}
		out = append(out, p.T("intel.ssvc."+v[0])+" "+say)
	}
	return strings.Join(out, "、")
}

func sayNumber(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
