package asset

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/unicode/norm"
)

//go:embed data
var data embed.FS

// Makers knows the names that makers and their products go by. It is
// immutable and safe for use by many.
type Makers struct {
	makers map[string]*maker // by every folded alias
	byKey  map[string]*maker
}

type maker struct {
	Key     string `toml:"key"`
	Name    string `toml:"name"`
	Aliases []string
	Product []*product
	alias   []string            // folded, for cutting the maker off a product's name
	lines   map[string]*product // by folded alias
}

type product struct {
	Name    string
	Kind    Kind
	Aliases []string
	Runs    string   // the system that hardware of this line runs; empty when it is none
	words   []string // of the name, folded
}

// Names returns the table of data/makers.toml.
var Names = sync.OnceValue(func() *Makers {
	raw, err := data.ReadFile("data/makers.toml")
	if err != nil {
		panic("BUG: asset: " + err.Error())
	}
	m, err := parseMakers(string(raw))
	if err != nil {
		panic("BUG: asset: makers.toml: " + err.Error())
	}
	return m
})

func parseMakers(raw string) (*Makers, error) {
	var file struct{ Maker []*maker }
	meta, err := toml.Decode(raw, &file)
	if err != nil {
		return nil, err
	}
	if un := meta.Undecoded(); len(un) > 0 {
		return nil, fmt.Errorf("unknown key %s", un[0])
	}
	m := &Makers{makers: map[string]*maker{}, byKey: map[string]*maker{}}
	for _, mk := range file.Maker {
		if mk.Key == "" || mk.Name == "" || mk.Key != foldMaker(mk.Key) {
			return nil, fmt.Errorf("maker %q: key %q is empty or not folded", mk.Name, mk.Key)
		}
		m.byKey[mk.Key] = mk
		for _, a := range append([]string{mk.Key, mk.Name}, mk.Aliases...) {
			k := foldMaker(a)
			if other := m.makers[k]; other != nil && other != mk {
				return nil, fmt.Errorf("%q names both %s and %s", a, other.Name, mk.Name)
			} else if other == nil {
				m.makers[k] = mk
				mk.alias = append(mk.alias, k)
			}
		}
		mk.lines = map[string]*product{}
		for _, p := range mk.Product {
			p.words = mk.cut(tokens(p.Name))
			if len(p.words) == 0 {
				return nil, fmt.Errorf("%s: a product without a name", mk.Name)
			}
			if _, ok := ParseKind(string(p.Kind)); !ok {
				return nil, fmt.Errorf("%s: kind %q", p.Name, p.Kind)
			}
			for _, a := range append([]string{p.Name}, p.Aliases...) {
				k := join(mk.cut(tokens(a)))
				if other := mk.lines[k]; other != nil && other != p {
					return nil, fmt.Errorf("%q names both %s and %s", a, other.Name, p.Name)
				}
				mk.lines[k] = p
			}
		}
	}
	return m, nil
}

// Maker returns the canonical name and the key of a maker as typed. The key
// is the same for full- and half-width, case, kana, spacing, punctuation,
// legal form (株式会社, Inc.) and the aliases of the table. Normalising the
// name or the key again gives the same name and key for a maker of the table,
// and the same key for any other.
func (m *Makers) Maker(typed string) (name, key string) {
	key = foldMaker(typed)
	if mk := m.makers[key]; mk != nil {
		return mk.Name, mk.Key
	}
	return nfkc(typed), key
}

// Product returns the canonical name and key of a product as typed, and the
// kind the table knows its product line for, else "". A maker's name in front
// of the product is not part of the key; a line known by another name (in
// kana, say) is written with the table's.
func (m *Makers) Product(makerKey, typed string) (name, key string, kind Kind) {
	name, key, kind = m.product(makerKey, typed)
	for range 4 { // cutting can bring a shorter name to light
		_, next, k := m.product(makerKey, key)
		if next == key {
			break
		}
		key = next
		if kind == "" {
			kind = k
		}
	}
	return name, key, kind
}

func (m *Makers) product(makerKey, typed string) (name, key string, kind Kind) {
	name = nfkc(typed)
	words := tokens(typed)
	if len(words) == 0 {
		return name, exact(typed), ""
	}
	mk := m.byKey[makerKey]
	if mk == nil {
		mk = &maker{alias: []string{makerKey}}
	}
	words = mk.cut(words)
	var line *product
	best, rest := "", words
	for a, p := range mk.lines {
		if len(a) > len(best) {
			if r, ok := cutWords(words, a, true); ok {
				line, best, rest = p, a, r
			}
		}
	}
	if line == nil {
		return name, join(words), ""
	}
	if best != join(line.words) {
		name = strings.TrimSpace(line.Name + " " + strings.ToUpper(strings.Join(rest, " ")))
	}
	return name, join(slices.Concat(line.words, rest)), line.Kind
}

// cut cuts the maker's names off the front of a product's, unless nothing
// would be left.
func (mk *maker) cut(words []string) []string {
	for again := true; again; {
		again = false
		for _, a := range mk.alias {
			if rest, ok := cutWords(words, a, false); ok && len(rest) > 0 {
				words, again = rest, true
			}
		}
	}
	return words
}

// cutWords cuts a folded name off the front of words. With digits, the name may
// end inside a word where a digit or another script begins: FortiGate|60F.
func cutWords(words []string, name string, digits bool) ([]string, bool) {
	if name == "" {
		return nil, false
	}
	acc := ""
	for i, w := range words {
		acc = join([]string{acc, w})
		switch {
		case acc == name:
			return words[i+1:], true
		case strings.HasPrefix(name, acc):
		case digits && strings.HasPrefix(acc, name):
			after := acc[len(name):]
			prev, _ := utf8.DecodeLastRuneInString(name)
			next, _ := utf8.DecodeRuneInString(after)
			if unicode.IsDigit(prev) || !unicode.IsDigit(next) && (prev < utf8.RuneSelf) == (next < utf8.RuneSelf) {
				return nil, false
			}
			return append([]string{strings.TrimPrefix(after, "-")}, words[i+1:]...), true
		default:
			return nil, false
		}
	}
	return nil, false
}

// legal forms, cut off the front and the end of a maker's name
var (
	legalJA = []string{
		"株式会社", "有限会社", "合同会社", "合資会社", "合名会社", "相互会社", "一般社団法人", "一般財団法人", "公益社団法人",
		"公益財団法人", "独立行政法人", "国立研究開発法人", "(株)", "(有)", "(同)", "(資)",
	}
	legalEN = map[string]bool{
		"inc": true, "incorporated": true, "corp": true, "corporation": true, "co": true, "company": true, "ltd": true, "limited": true,
		"llc": true, "llp": true, "lp": true, "plc": true, "gmbh": true, "ag": true, "kg": true, "se": true, "sa": true, "sas": true,
		"spa": true, "srl": true, "bv": true, "nv": true, "ab": true, "oy": true, "oyj": true, "aps": true, "kk": true, "gk": true,
		"pte": true, "pty": true, "sdnbhd": true,
	}
)

func foldMaker(s string) string {
	s = strings.TrimSpace(norm.NFKC.String(s))
	for cut := true; cut; {
		cut = false
		for _, l := range legalJA {
			if t := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(s, l), l)); t != s && t != "" {
				s, cut = t, true
			}
		}
	}
	words := tokens(dotless(s))
	if len(words) == 0 {
		return exact(s)
	}
	for len(words) > 1 && legalEN[words[len(words)-1]] {
		words = words[:len(words)-1]
	}
	key := join(words)
	if key != s && len(key) < len(s) { // what was inside may itself carry a legal form
		return foldMaker(key)
	}
	return key
}

// dotless drops the dots of abbreviations, G.K. and S.A., but not those of numbers.
func dotless(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '.' && !(i > 0 && i+1 < len(s) && digit(s[i-1]) && digit(s[i+1])) {
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// exact is the key of a name that has no letter or digit at all.
func exact(s string) string { return strings.ToLower(nfkc(s)) }

// tokens folds a name into its words: NFKC, lower case, no accents on Latin
// letters, hiragana as katakana, small kana as large, no long-vowel mark, and
// nothing but letters, digits, dots between digits and plus signs.
func tokens(s string) []string {
	var out []string
	start := -1
	buf := make([]byte, 0, len(s)+8)
	end := func() {
		if start >= 0 && len(buf) > start {
			out = append(out, string(buf[start:]))
		}
		start = -1
	}
	if !isASCII(s) {
		s = norm.NFKC.String(s)
	}
	for i, r := range s {
		r = foldRune(r)
		switch {
		case r == 'ー' || unicode.Is(unicode.Mn, r):
			continue
		case unicode.IsLetter(r) || unicode.IsNumber(r) || r == '+',
			r == '.' && start >= 0 && len(buf) > start && digit(buf[len(buf)-1]) && i+1 < len(s) && digit(s[i+1]):
			if start < 0 {
				start = len(buf)
			}
			buf = utf8.AppendRune(buf, r)
		default:
			end()
		}
	}
	end()
	return out
}

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	if r >= 'ぁ' && r <= 'ゖ' {
		r += 'ァ' - 'ぁ'
	}
	switch r {
	case 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ッ', 'ャ', 'ュ', 'ョ', 'ヮ':
		return r + 1
	case 'ヵ':
		return 'カ'
	case 'ヶ':
		return 'ケ'
	}
	r = unicode.ToLower(r)
	if r >= 0xc0 && r < 0x250 || r >= 0x1e00 && r < 0x1f00 {
		base, _ := utf8.DecodeRune(norm.NFD.AppendString(nil, string(r)))
		return unicode.ToLower(base)
	}
	return r
}

// join writes words without spaces, so that FortiGate 60F and FortiGate60F are
// one, but keeps two numbers apart.
func join(words []string) string {
	var b strings.Builder
	last := byte(0)
	for _, w := range words {
		if w == "" {
			continue
		}
		if digit(last) && digit(w[0]) {
			b.WriteByte('-')
		}
		b.WriteString(w)
		last = w[len(w)-1]
	}
	return b.String()
}
