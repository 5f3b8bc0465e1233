package match

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// naive is what Match has to answer: every rule, one after the other.
func naive(rules []*sigma.Rule, row *event.Row, names *event.Names) []int {
	var hits []int
	get := remembered(sigma.Values(row, names))
	for i, r := range rules {
		if r.Expr != nil && sigma.Eval(r.Expr, get) {
			hits = append(hits, i)
		}
	}
	return hits
}

// remembered asks for the values of a field once.
func remembered(get sigma.Fields) sigma.Fields {
	known := map[string][]sigma.Value{}
	return func(field string) []sigma.Value {
		v, ok := known[field]
		if !ok {
			v = get(field)
			known[field] = v
		}
		return v
	}
}

// pieces are what the values of random rules and events are made of, so that
// they meet often: letters whose cases differ in length or in kind, wildcards,
// numbers, addresses, dates, text that is no UTF-8 is added to events.
var pieces = []string{
	"cmd", "CMD.exe", `\`, `C:\Windows\System32\`, "powershell", "-EncodedCommand", " ", "a", "ab", "é", "É", "İ", "i", "K", "k", "ß", "ẞ", "ſ", "s",
	"ＣＭＤ", "ｃｍｄ", "日本語", "ログ", "10.0.0.5", "192.168.1.77", "fe80::1", "4688", "0x10", "12", "7.5", "2024-05-06T07:08:09Z", "*", "?", "-", "–", "/", "SQBFAFgA", "foo", "✨",
}

var fieldNames = []string{"Image", "CommandLine", "EventID", "A", "B.C", "Absent"}

func pick[T any](rnd *rand.Rand, from []T) T { return from[rnd.IntN(len(from))] }

func randomText(rnd *rand.Rand) string {
	var b strings.Builder
	for range rnd.IntN(5) {
		b.WriteString(pick(rnd, pieces))
	}
	return b.String()
}

func randomRow(rnd *rand.Rand, names *event.Names) *event.Row {
	r := &event.Row{}
	for range rnd.IntN(8) {
		name := names.ID(pick(rnd, append(fieldNames[:5:5], "Other", "A")))
		switch rnd.IntN(12) {
		case 0:
			r.Add(name, event.Null, nil)
		case 1:
			r.AddString(name, event.Text, "")
		case 2:
			r.AddString(name, event.Text, randomText(rnd)+string([]byte{byte(0x80 + rnd.IntN(128))})+randomText(rnd))
		case 3:
			r.AddString(name, event.Text, strings.Repeat(randomText(rnd), 20))
		case 4:
			r.AddString(name, event.Number, pick(rnd, []string{"4688", "16", "12", "7.5", "0"}))
		default:
			r.AddString(name, event.Text, randomText(rnd))
		}
	}
	return r
}

// modifiersOf are the chains of modifiers tried, each with the values it takes.
var modifiersOf = []struct {
	chain  string
	values []string // nil: random texts
}{
	{"", nil}, {"|contains", nil}, {"|startswith", nil}, {"|endswith", nil}, {"|contains|all", nil}, {"|cased", nil}, {"|contains|cased", nil},
	{"|startswith|cased", nil}, {"|endswith|cased", nil}, {"|contains|windash", []string{"-foo", " -EncodedCommand", "/a"}}, {"|neq", nil}, {"|contains|neq", nil},
	{"|re", []string{"cmd.*exe", "^C:", `\d{2}`, "(foo|power)shell", "k", "(?i)K+", "[a-f]b$", "ß"}}, {"|re|i", []string{"CMD", "kſ?", "[ß-ẞ]", "É", "sq?b"}},
	{"|cidr", []string{"10.0.0.0/8", "fe80::/10", "192.168.1.64/26"}}, {"|lt", []string{"13", "4689"}}, {"|lte", []string{"12"}}, {"|gt", []string{"7", "0x9"}}, {"|gte", []string{"7.5"}},
	{"|exists", []string{"true", "false"}}, {"|fieldref", fieldNames}, {"|fieldref|contains", fieldNames}, {"|fieldref|startswith", fieldNames}, {"|fieldref|endswith", fieldNames}, {"|fieldref|neq", fieldNames},
	{"|base64", []string{"IEX", "foo"}}, {"|base64offset|contains", []string{"IEX", "foo"}}, {"|wide|base64offset|contains", []string{"IEX"}}, {"|utf16le|contains", []string{"日本", "ab"}},
	{"|hour", []string{"7", "8"}}, {"|year", []string{"2024"}}, {"|minute", []string{"8"}}, {"|month", []string{"5"}}, {"|day|gte", []string{"6"}}, {"|week", []string{"19"}},
}

// randomRule writes a rule in YAML.
func randomRule(rnd *rand.Rand) string {
	var b strings.Builder
	b.WriteString("title: t\nlogsource: {product: windows}\ndetection:\n")
	n := 1 + rnd.IntN(3)
	for i := range n {
		fmt.Fprintf(&b, "  s%d:\n", i)
		if rnd.IntN(8) == 0 {
			for range 1 + rnd.IntN(2) {
				fmt.Fprintf(&b, "    - %q\n", pick(rnd, pieces)+pick(rnd, pieces))
			}
			continue
		}
		used := map[string]bool{}
		for range 1 + rnd.IntN(3) {
			m := pick(rnd, modifiersOf)
			key := pick(rnd, fieldNames) + m.chain
			if used[key] {
				continue
			}
			used[key] = true
			if m.chain == "" && rnd.IntN(6) == 0 {
				fmt.Fprintf(&b, "    %s: %s\n", key, pick(rnd, []string{"null", "''", "4688", "'*'", "'?'", "['', null, 'a*']"}))
				continue
			}
			fmt.Fprintf(&b, "    %s:\n", key)
			for range 1 + rnd.IntN(3) {
				value := randomText(rnd)
				if m.values != nil {
					value = pick(rnd, m.values)
				}
				fmt.Fprintf(&b, "      - '%s'\n", strings.ReplaceAll(value, "'", "''"))
				if strings.HasPrefix(m.chain, "|exists") {
					break
				}
			}
		}
	}
	condition := "s0"
	for i := 1; i < n; i++ {
		condition += pick(rnd, []string{" and ", " or ", " and not ", " or not "}) + fmt.Sprintf("s%d", i)
	}
	condition = pick(rnd, []string{condition, condition, "not (" + condition + ")", "1 of s*", "all of s*", "not 1 of s*"})
	fmt.Fprintf(&b, "  condition: %s\n", condition)
	return b.String()
}

// parsed returns the rules of texts of YAML; what is rejected is left out.
func parsed(texts []string) []*sigma.Rule {
	return sigma.Load(func(yield func(string, []byte) bool) {
		for i, text := range texts {
			if !yield(fmt.Sprint(i), []byte(text)) {
				return
			}
		}
	}, sigma.Options{}).Rules
}

// agree fails when the index and the loop over all rules differ about a row.
func agree(t *testing.T, m *Matcher, row *event.Row, names *event.Names, what func(rule int) string) int {
	t.Helper()
	got, want := m.Match(row, nil), naive(m.set.rules, row, names)
	if !slices.Equal(got, want) {
		wrong := -1
		for i := range m.set.rules {
			if slices.Contains(got, i) != slices.Contains(want, i) {
				wrong = i
				break
			}
		}
		t.Fatalf("match says %v, eval %v; first rule %d: %s\n%s\nrow: %s", got, want, wrong, m.set.rules[wrong].Expr, what(wrong), described(row, names))
	}
	for _, r := range got {
		if len(m.Explain(row, r)) == 0 && !constant(m.set.rules[r].Expr) {
			t.Fatalf("no reason for %s\nrow: %s", m.set.rules[r].Expr, described(row, names))
		}
	}
	return len(got)
}

func constant(e *sigma.Expr) bool { return e.Op == sigma.True }

func described(row *event.Row, names *event.Names) string {
	var b strings.Builder
	for i, f := range row.Fields {
		fmt.Fprintf(&b, "%s(%d)=%q ", names.Text(f.Name), f.Kind, row.Value(i))
	}
	return b.String()
}

// TestTwin compares the index with the slow evaluation on random rules and
// random events made of the same pieces.
func TestTwin(t *testing.T) {
	limit := 5 * time.Second
	if os.Getenv("NOROSHI_TEST_ALL") == "1" {
		limit = 30 * time.Second
	}
	pairs, hits, end := 0, 0, time.Now().Add(limit)
	for seed := uint64(1); time.Now().Before(end); seed++ {
		rnd := rand.New(rand.NewPCG(seed, 6))
		texts := make([]string, 150)
		for i := range texts {
			texts[i] = randomRule(rnd)
		}
		rules := parsed(texts)
		names := event.NewNames()
		set, err := New(rules, names, Options{NoRouting: true})
		if err != nil {
			t.Fatal(err)
		}
		m := set.NewMatcher()
		for range 60 {
			row := randomRow(rnd, names)
			hits += agree(t, m, row, names, func(i int) string { return rules[i].File })
			pairs += len(rules)
		}
	}
	t.Logf("%d pairs, %d hits", pairs, hits)
	if pairs < 1000 || hits < pairs/100 {
		t.Errorf("%d pairs with %d hits prove little", pairs, hits)
	}
}
