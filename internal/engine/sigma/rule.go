package sigma

import "time"

// Level is how grave a hit of a rule is.
type Level uint8

// The levels of the specification, from none given to the gravest.
const (
	NoLevel Level = iota
	Informational
	Low
	Medium
	High
	Critical
)

var levelTexts = [...]string{"", "informational", "low", "medium", "high", "critical"}

// String returns the word of the specification, empty for none.
func (l Level) String() string {
	if int(l) < len(levelTexts) {
		return levelTexts[l]
	}
	return ""
}

// ParseLevel returns the level of a word in lower case.
func ParseLevel(word string) (Level, bool) {
	for i, w := range levelTexts {
		if w == word {
			return Level(i), true
		}
	}
	return NoLevel, false
}

// Logsource says which logs a rule is about. Empty parts are any. All but
// Definition are in lower case.
type Logsource struct{ Category, Product, Service, Definition string }

// Rule is one Sigma rule, either over events (Expr) or over the hits of other
// rules (Correlation). It is not changed after loading.
type Rule struct {
	ID, Name, Title, Description string
	Status, Author, Date         string
	Modified, License, Taxonomy  string
	Level                        Level
	Tags, References             []string
	FalsePositives, Fields       []string
	Related                      []Related

	// From the custom attribute noroshi, empty in rules of others. Next says what
	// to look at after a hit, step by step.
	TitleJA, DescriptionJA         string
	Next, NextJA, FalsePositivesJA []string

	Logsource   Logsource
	Expr        *Expr        // nil for correlations
	Correlation *Correlation // nil for rules over events
	// Aggregation is the old aggregation behind a pipe in the condition. Such a
	// rule is loaded as two: a hidden one with Expr and a correlation over it;
	// both have it set.
	Aggregation *Aggregation
	// Hidden is set for a rule whose hits only feed correlations, Narrowed for one
	// that filters were added to.
	Hidden, Narrowed bool

	File string // as given to Load
	Line int    // of the document's first key, from 1
}

// Ref returns what names the rule in reports: its id, else its name, else its
// title.
func (r *Rule) Ref() string {
	if r.ID != "" {
		return r.ID
	}
	if r.Name != "" {
		return r.Name
	}
	return r.Title
}

// Related is a rule that this one replaces, derives from and so on.
type Related struct{ ID, Type string }

// CorrelationType is what a [Correlation] computes over the hits of a group in
// the time span.
type CorrelationType uint8

// The types. ValueMin and ValueMax come from old aggregations only; ValueMedian
// is the 50th percentile.
const (
	EventCount CorrelationType = 1 + iota
	ValueCount
	Temporal
	TemporalOrdered
	ValueSum
	ValueAvg
	ValuePercentile
	ValueMedian
	ValueMin
	ValueMax
)

var correlationTexts = [...]string{"", "event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median", "value_min", "value_max"}

// String returns the word of the specification.
func (t CorrelationType) String() string {
	if int(t) < len(correlationTexts) {
		return correlationTexts[t]
	}
	return ""
}

// Correlation is a rule over the hits of other rules.
type Correlation struct {
	Type  CorrelationType
	Rules []*Rule // the rules it is over, in the order written; may be correlations
	// Refs are the ids or names of Rules, as written.
	Refs []string
	// GroupBy are the fields whose values make a group; a name may be an alias.
	// Empty: one group.
	GroupBy []string
	Aliases []Alias
	// Timespan is how far apart hits may be; 0, from old aggregations without
	// timeframe, is the whole input.
	Timespan time.Duration
	// Condition are comparisons that must all hold. Temporal types may have none:
	// all rules must occur.
	Condition []Comparison
	Fields    []string // whose values are counted or computed; of value types
	// Percentile is 0 to 100, or -1 when the rule gives none: then the condition
	// is about the share, in percent, that a value has among all of the group.
	Percentile float64
	Generate   bool // the rules it is over report their own hits too
}

// MaxDistinct is how many different values a correlation tells apart in one
// group; a rule that asks for more is rejected.
const MaxDistinct = 1 << 16

// counts reports whether the condition asks for a number of values that is told
// apart.
func (c *Correlation) counts() bool {
	for _, x := range c.Condition {
		if x.Value > MaxDistinct {
			return c.Type != ValueCount
		}
	}
	return true
}

// Alias is a name in GroupBy for fields that are named differently in the
// events of different rules.
type Alias struct {
	Name   string
	Fields map[string]string // ref of a rule as in Refs → field
}

// Field returns the name of the field that stands for by, one of GroupBy, in
// the events of Rules[i].
func (c *Correlation) Field(by string, i int) string {
	for _, a := range c.Aliases {
		if a.Name == by {
			if f := a.Fields[c.Refs[i]]; f != "" {
				return f
			}
		}
	}
	return by
}

// Comparison compares a computed number with a fixed one.
type Comparison struct {
	Op    CompareOp
	Value float64
}

// CompareOp is an operator of a [Comparison].
type CompareOp uint8

// The operators.
const (
	EQ CompareOp = 1 + iota
	NEQ
	LT
	LTE
	GT
	GTE
)

var compareTexts = [...]string{"", "eq", "neq", "lt", "lte", "gt", "gte"}

// String returns the word of the specification, such as "gte".
func (o CompareOp) String() string { return compareTexts[o] }

// Holds says whether x compares so with the value.
func (c Comparison) Holds(x float64) bool {
	switch c.Op {
	case EQ:
		return x == c.Value
	case NEQ:
		return x != c.Value
	case LT:
		return x < c.Value
	case LTE:
		return x <= c.Value
	case GT:
		return x > c.Value
	case GTE:
		return x >= c.Value
	}
	return false
}

// Aggregation is the part of an old condition behind the pipe, such as
// count(TargetUserName) by IpAddress > 10.
type Aggregation struct {
	Func      string // count, min, max, avg or sum
	Field     string // empty: events are counted
	By        []string
	Compare   Comparison
	Timeframe time.Duration // 0: none given
}
