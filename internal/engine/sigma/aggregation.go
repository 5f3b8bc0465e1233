package sigma

import (
	"strconv"
	"strings"
	"time"
)

var aggregateFuncs = map[string]CorrelationType{"count": ValueCount, "min": ValueMin, "max": ValueMax, "avg": ValueAvg, "sum": ValueSum}

var signs = map[string]CompareOp{">": GT, ">=": GTE, "<": LT, "<=": LTE, "=": EQ, "==": EQ, "!=": NEQ}

// parseAggregation reads the old aggregation behind the pipe of a condition:
// func(field) by field, field > number.
func parseAggregation(text string, line int) (*Aggregation, *problem) {
	bad := fail(line, Aggregate, text)
	if first, _, _ := strings.Cut(text, " "); strings.EqualFold(first, "near") {
		return nil, fail(line, ConditionNear)
	}
	name, rest, ok := strings.Cut(text, "(")
	field, rest, closed := strings.Cut(rest, ")")
	a := &Aggregation{Func: strings.ToLower(strings.TrimSpace(name)), Field: strings.TrimSpace(field)}
	kind, known := aggregateFuncs[a.Func]
	if !ok || !closed || !known || a.Field == "" && kind != ValueCount {
		return nil, bad
	}
	at := strings.IndexAny(rest, "<>=!")
	if at < 0 {
		return nil, bad
	}
	if by := strings.TrimSpace(rest[:at]); by != "" {
		word, list, _ := strings.Cut(by, " ")
		if !strings.EqualFold(word, "by") {
			return nil, bad
		}
		for f := range strings.SplitSeq(list, ",") {
			if f = strings.TrimSpace(f); f == "" || strings.Contains(f, " ") {
				return nil, bad
			}
			a.By = append(a.By, f)
		}
	}
	end := at + len(rest[at:]) - len(strings.TrimLeft(rest[at:], "<>=!"))
	n, err := strconv.ParseFloat(strings.TrimSpace(rest[end:]), 64)
	if a.Compare.Op = signs[rest[at:end]]; a.Compare.Op == 0 || err != nil || n != n || n > 1e18 || n < -1e18 {
		return nil, bad
	}
	a.Compare.Value = n
	return a, nil
}

// correlation returns what the aggregation is in today's words, over one rule.
func (a *Aggregation) correlation(over *Rule) *Correlation {
	c := &Correlation{
		Type: aggregateFuncs[a.Func], Rules: []*Rule{over}, Refs: []string{over.ID}, GroupBy: a.By,
		Timespan: a.Timeframe, Condition: []Comparison{a.Compare}, Percentile: -1,
	}
	if a.Field == "" {
		c.Type = EventCount
	} else {
		c.Fields = []string{a.Field}
	}
	return c
}

var spanUnits = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}

// maxSpan bounds time spans; ten years.
const maxSpan = 3653 * 24 * time.Hour

// parseSpan reads a time span such as 15m.
func parseSpan(text string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return 0, false
	}
	unit, known := spanUnits[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if !known || err != nil || n == 0 || n > uint64(maxSpan/unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}
