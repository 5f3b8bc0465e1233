package sigma

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// TestWords says tests as people read them and asks that only equal tests have
// equal keys.
func TestWords(t *testing.T) {
	keys := map[string]string{}
	for _, c := range []struct{ rule, op, operand string }{
		{"F: Abc", "=", "abc"},
		{"F|cased: Abc", "=", "Abc"},
		{"F|cased: abc", "=", "abc"},
		{"F|contains: aB", "contains", "ab"},
		{"F|startswith: 'a\\*'", "startswith", "a*"},
		{"F|endswith: a", "endswith", "a"},
		{"F: 'a*\\?b?\\\\'", "like", `a*\?b?\\`},
		{"F: '*'", "like", "*"},
		{"F|re|i: a+", "re", "(?i)a+"},
		{"F|re: a+", "re", "a+"},
		{"F|cidr: 10.1.2.3/8", "cidr", "10.0.0.0/8"},
		{"F|cidr: '::ffff:10.0.0.0/104'", "cidr", "10.0.0.0/8"},
		{"F|cidr: 10.1.2.3", "cidr", "10.1.2.3/32"},
		{"F|lt: 0x10", "lt", "16"},
		{"F|lte: -1.5", "lte", "-1.5"},
		{"F|gt: 3", "gt", "3"},
		{"F|gte: 3", "gte", "3"},
		{"F|exists: true", "exists", ""},
		{"F: null", "null", ""},
		{"F|fieldref: G", "fieldref", "G"},
		{"F|fieldref|endswith: G", "fieldref|endswith", "G"},
		{"F|hour: 3", "hour", "3"},
		{"F|hour|lt: 3", "hour|lt", "3"},
		{"F|minute|lt: 3", "minute|lt", "3"},
		{"- a", "contains", "a"},
		{"FF: abc", "=", "abc"},
	} {
		r, note := one(t, rule(c.rule), Options{})
		if note != nil {
			t.Fatal(note)
		}
		test := r.Expr.Test
		if test.Operator() != c.op || test.Operand() != c.operand {
			t.Errorf("%s: %s %s", c.rule, test.Operator(), test.Operand())
		}
		if before, ok := keys[test.Key()]; ok && before != test.String() {
			t.Errorf("%s and %s have one key", before, test)
		}
		keys[test.Key()] = test.String()
	}
	if len(keys) != 25 {
		t.Errorf("%d keys", len(keys))
	}
	r, _ := one(t, rule("F|neq: [a, b]\nG|exists: false"), Options{})
	if got := r.Expr.String(); got != `(not F null and not (F = "a" or F = "b") and not G exists)` {
		t.Error(got)
	}
}

// naiveWild is wild by trying everything.
func naiveWild(parts []Part, text string) bool {
	if len(parts) == 0 {
		return text == ""
	}
	switch p := parts[0]; p.Kind {
	case Literal:
		return strings.HasPrefix(text, p.Text) && naiveWild(parts[1:], text[len(p.Text):])
	case One:
		_, n := utf8.DecodeRuneInString(text)
		return n > 0 && naiveWild(parts[1:], text[n:])
	}
	for i := range len(text) + 1 {
		if (i == len(text) || utf8.RuneStart(text[i])) && naiveWild(parts[1:], text[i:]) {
			return true
		}
	}
	return false
}

func TestWild(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	letters := []string{"a", "b", "ab", "語"}
	for range 20_000 {
		var pattern, text strings.Builder
		for range rng.IntN(7) {
			pattern.WriteString([]string{"*", "?", letters[rng.IntN(4)], letters[rng.IntN(4)]}[rng.IntN(4)])
		}
		for range rng.IntN(8) {
			text.WriteString(letters[rng.IntN(4)])
		}
		parts := tidy(parsePattern(pattern.String()), true)
		if got, want := wild(parts, text.String()), naiveWild(parts, text.String()); got != want {
			t.Fatalf("%s on %s: %v", pattern.String(), text.String(), got)
		}
		if back := tidy(parsePattern(patternText(parts)), true); !same(back, parts) {
			t.Fatalf("%s is written %s", pattern.String(), patternText(parts))
		}
	}
}

func TestComparisons(t *testing.T) {
	for op, want := range map[CompareOp]string{EQ: "010", NEQ: "101", LT: "100", LTE: "110", GT: "001", GTE: "011"} {
		got := ""
		for _, x := range []float64{1, 2, 3} {
			if (Comparison{op, 2}).Holds(x) {
				got += "1"
			} else {
				got += "0"
			}
		}
		if got != want {
			t.Errorf("%s: %s", op, got)
		}
	}
	for i, word := range []string{"", "informational", "low", "medium", "high", "critical"} {
		if l, ok := ParseLevel(word); !ok || l != Level(i) || l.String() != word {
			t.Errorf("%s: %v", word, l)
		}
	}
}

// TestRow evaluates over a row of events.
func TestRow(t *testing.T) {
	names := event.NewNames()
	var row event.Row
	row.AddString(names.ID("F"), event.Text, "Abc")
	row.AddString(names.ID("F"), event.Text, "x")
	row.AddString(names.ID("N"), event.Null, "")
	for text, want := range map[string]bool{"F: abc": true, "F: X": true, "F: y": false, "N: null": true, "N|exists: true": true, "N: ''": false, "G: null": true, "- bc": true, "- bcx": false} {
		r, note := one(t, rule(text), Options{})
		if note != nil {
			t.Fatal(note)
		}
		if got := Eval(r.Expr, Values(&row, names)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{"4688": "4688", "0x1F": "31", "1.50": "1.5", "1e3": "1000", "+5": "5", "1_000": "1000", "0o17": "15", "-0": "0", "x": "x", strings.Repeat("1", 99): strings.Repeat("1", 99)} {
		if got := plainDecimal(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
	for text, ok := range map[string]bool{"1": true, " 1.5 ": true, "-2e3": true, "0xff": true, "0xfg": false, "inf": false, "NaN": false, "": false, "1,5": false, "0x": false, "1e999": false, strings.Repeat("1", 99): false} {
		if _, got := parseNumber(text); got != ok {
			t.Errorf("%q: %v", text, got)
		}
	}
}
