package product

import (
	"fmt"
	"math"
	"strings"
)

// metric2 is a metric of CVSS 2.0 with the weights of its values.
type metric2 struct {
	name     string
	required bool
	weights  map[string]float64
	open     float64 // where the metric is not given
}

func impact2() map[string]float64 { return map[string]float64{"N": 0, "P": 0.275, "C": 0.660} }

func need2() map[string]float64 { return map[string]float64{"L": 0.5, "M": 1, "H": 1.51, "ND": 1} }

// metrics2 are the metrics with their weights (CVSS 2.0 guide, §3.2).
func metrics2() []metric2 {
	return []metric2{
		{"AV", true, map[string]float64{"L": 0.395, "A": 0.646, "N": 1}, 0},
		{"AC", true, map[string]float64{"H": 0.35, "M": 0.61, "L": 0.71}, 0},
		{"Au", true, map[string]float64{"M": 0.45, "S": 0.56, "N": 0.704}, 0},
		{"C", true, impact2(), 0}, {"I", true, impact2(), 0}, {"A", true, impact2(), 0},
		{"E", false, map[string]float64{"U": 0.85, "POC": 0.9, "F": 0.95, "H": 1, "ND": 1}, 1},
		{"RL", false, map[string]float64{"OF": 0.87, "TF": 0.9, "W": 0.95, "U": 1, "ND": 1}, 1},
		{"RC", false, map[string]float64{"UC": 0.9, "UR": 0.95, "C": 1, "ND": 1}, 1},
		{"CDP", false, map[string]float64{"N": 0, "L": 0.1, "LM": 0.3, "MH": 0.4, "H": 0.5, "ND": 0}, 0},
		{"TD", false, map[string]float64{"N": 0, "L": 0.25, "M": 0.75, "H": 1, "ND": 1}, 1},
		{"CR", false, need2(), 1}, {"IR", false, need2(), 1}, {"AR", false, need2(), 1},
	}
}

// cvss2 scores a vector of CVSS 2.0. Metrics that are not base metrics may be
// left out one by one, as calculators do.
func cvss2(vector string) (CVSS, error) {
	given := map[string]string{}
	for _, part := range strings.Split(vector, "/") {
		name, value, ok := strings.Cut(part, ":")
		if _, twice := given[name]; !ok || twice {
			return CVSS{}, fmt.Errorf("CVSS 2.0 %q: %q is no metric, or given twice", vector, part)
		}
		given[name] = value
	}
	w := map[string]float64{}
	for _, m := range metrics2() {
		value, ok := given[m.name]
		weight, known := m.weights[value]
		switch {
		case !ok && m.required:
			return CVSS{}, fmt.Errorf("CVSS 2.0 %q: %s is missing", vector, m.name)
		case !ok:
			weight = m.open
		case !known:
			return CVSS{}, fmt.Errorf("CVSS 2.0 %q: %s:%s is no value of that metric", vector, m.name, value)
		}
		w[m.name] = weight
		delete(given, m.name)
	}
	for name := range given {
		return CVSS{}, fmt.Errorf("CVSS 2.0 %q: there is no metric %s", vector, name)
	}
	exploitability := 20 * w["AV"] * w["AC"] * w["Au"]
	score := func(impact float64) float64 {
		if impact == 0 {
			return 0
		}
		return tenth((0.6*impact + 0.4*exploitability - 1.5) * 1.176)
	}
	temporal := w["E"] * w["RL"] * w["RC"]
	base := score(10.41 * (1 - (1-w["C"])*(1-w["I"])*(1-w["A"])))
	adjusted := score(min(10, 10.41*(1-(1-w["C"]*w["CR"])*(1-w["I"]*w["IR"])*(1-w["A"]*w["AR"]))))
	adjusted = tenth(adjusted * temporal)
	return scored("2.0", vector, base, tenth(base*temporal), tenth((adjusted+(10-adjusted)*w["CDP"])*w["TD"])), nil
}

// tenth rounds half up to one decimal; what a binary fraction cannot hold must
// not decide (8.55 is 8.6).
func tenth(x float64) float64 { return max(0, math.Floor(x*10+0.5+1e-6)/10) }
