package sigma

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestTranslate asks for what a pattern becomes and that it matches so.
func TestTranslate(t *testing.T) {
	for _, c := range []struct {
		pattern, want string
		yes, no       []string
	}{
		{`a+b?[c]`, `a+b?[c]`, []string{"ac"}, nil},
		{`a(?=b)`, `a(?:b)`, []string{"xab"}, []string{"ac"}},
		{`a(?!b)`, `a(?:[^b]|\z)`, []string{"ac", "a", "a\n"}, []string{"ab", "xab"}},
		{`a(?![b-d\]])`, `a(?:[^b-d\]]|\z)`, []string{"ae", "a"}, []string{"ab", "a]"}},
		{`a(?!\d)|c`, `a(?:[^\d]|\z)|c`, []string{"ax", "c"}, []string{"a1"}},
		{`(?<=a)b`, `(?:a)b`, []string{"ab"}, []string{"b", "cb"}},
		{`(?<![a-z])b`, `(?:\A|[^a-z])b`, []string{"b", "1b", "Ab"}, []string{"ab"}},
		{`(?i)(?<!a)b`, `(?i)(?:\A|[^a])b`, []string{"B"}, []string{"AB"}},
		{`x|(?<!\.)b`, `x|(?:\A|[^\.])b`, []string{"b", "x"}, []string{".b"}},
		{`a++`, `a+`, []string{"a"}, []string{"b"}},
		{`[ab]*+|c`, `[ab]*|c`, nil, nil},
		{`a(?#note)b`, `ab`, []string{"ab"}, nil},
		{`a\Z`, `a(?:\n?\z)`, []string{"a", "a\n"}, []string{"ab", "a\n\n"}},
		{`a\hb`, `a[` + shorthands['h'] + `]b`, []string{"a b", "a\tb"}, []string{"a\nb"}},
		{`a[\h_]b`, `a[` + shorthands['h'] + `_]b`, []string{"a b", "a_b"}, []string{"ab"}},
		{`a\vb`, `a[` + shorthands['v'] + `]b`, []string{"a\nb"}, []string{"avb"}},
		{`\Qa(?=b)\E`, `\Qa(?=b)\E`, []string{"a(?=b)"}, []string{"ab"}},
		{`a[(?=]b`, `a[(?=]b`, []string{"a=b"}, nil},
		{`[]a]b`, `[]a]b`, []string{"]b"}, nil},
		{`[[:alpha:]]b`, `[[:alpha:]]b`, []string{"xb"}, nil},
		{`\x{41}\p{Lu}`, `\x{41}\p{Lu}`, []string{"AB"}, []string{"ab"}},
		{`(?<n>a)b`, `(?<n>a)b`, []string{"ab"}, nil},
		{`a{1500}`, `(?:a{1000}a{500})`, []string{strings.Repeat("a", 1500)}, []string{strings.Repeat("a", 1499)}},
		{`^[ab]{1001,}$`, `^(?:[ab]{1000}[ab]{1}[ab]{0,})$`, []string{strings.Repeat("ab", 501)}, []string{strings.Repeat("ab", 500)}},
		{`^(ab){2,1001}?$`, `^(?:(ab){2}?(ab){0,999}?)$`, []string{strings.Repeat("ab", 1001), "abab"}, []string{strings.Repeat("ab", 1002), "ab"}},
		{`a{b}{,3}`, `a{b}{,3}`, []string{"a{b}{,3}"}, nil},
	} {
		got, feature := translate(c.pattern)
		if got != c.want || feature != "" {
			t.Errorf("%s became %s, want %s (%s)", c.pattern, got, c.want, feature)
		}
		re, _, p := compileRegexp(c.pattern, "", 1)
		if p != nil {
			t.Errorf("%s: %v", c.pattern, p)
			continue
		}
		for _, s := range c.yes {
			if !re.MatchString(s) {
				t.Errorf("%s does not match %.40q", c.pattern, s)
			}
		}
		for _, s := range c.no {
			if re.MatchString(s) {
				t.Errorf("%s matches %.40q", c.pattern, s)
			}
		}
	}
	for _, pattern := range []string{
		`(?=a)b`, `(?<=a){2}b`, `a(?!b)c`, `a(?!bc)`, `(a(?=b))`, `b(?<=a)`, `(?<=^a)b`, `a(?=b$)`, `a(?=b\b)`, `a++b`, `(a++)`, `(?>a)`, `(a)\1`, `\k<n>`, `(?P=n)`, `(?R)`, `(?x)a b`, `a\Zb`, `(?|a|b)`, `(?(1)a)`, `a\Kb`, `\Ga`,
	} {
		if got, feature := translate(pattern); feature == "" {
			t.Errorf("%s became %s", pattern, got)
		}
	}
}

// TestLook compares what looking around became with a slow obvious search.
func TestLook(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		b := make([]byte, rng.IntN(8))
		for i := range b {
			b[i] = "abc\n"[rng.IntN(4)]
		}
		text := string(b)
		at := func(i int) byte {
			if i < 0 || i >= len(text) {
				return 0
			}
			return text[i]
		}
		for pattern, want := range map[string]func(i int) bool{
			`a(?=b)`:       func(i int) bool { return at(i) == 'a' && at(i+1) == 'b' },
			`a(?!b)`:       func(i int) bool { return at(i) == 'a' && at(i+1) != 'b' },
			`(?<=b)a`:      func(i int) bool { return at(i) == 'a' && at(i-1) == 'b' },
			`(?<![bc])a`:   func(i int) bool { return at(i) == 'a' && at(i-1) != 'b' && at(i-1) != 'c' },
			`(?<!a)b(?!c)`: func(i int) bool { return at(i) == 'b' && at(i-1) != 'a' && at(i+1) != 'c' },
		} {
			re, _, p := compileRegexp(pattern, "", 1)
			if p != nil {
				t.Fatal(pattern, p)
			}
			found := false
			for i := range len(text) {
				found = found || want(i)
			}
			if re.MatchString(text) != found {
				t.Fatalf("%s on %q: %v", pattern, text, !found)
			}
		}
	}
}

func FuzzRegexp(f *testing.F) {
	for _, s := range []string{`a(?=b)|c{3,}`, `(?<![\w])\h+\Z`, `[^]a]{1001,2000}?x*+`, `(?i:\Qa\E)[[:alpha:]](?#x)`, `(?P<n>a)\k<n>`} {
		f.Add(s, "i")
	}
	f.Fuzz(func(t *testing.T, pattern, flags string) {
		if strings.Trim(flags, "ims") != "" || len(flags) > 3 {
			flags = ""
		}
		re, _, p := compileRegexp(pattern, flags, 1)
		if (re == nil) == (p == nil) {
			t.Fatalf("%q: %v and %v", pattern, re, p)
		}
		if re != nil {
			re.MatchString(pattern)
		}
	})
}
