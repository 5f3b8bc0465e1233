package notice

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/text"
)

// Limits of the version for small firms (UI.md 8): steps, characters of a
// Japanese sentence, words of an English one.
const (
	maxSteps     = 5
	plainChars   = 30
	plainWords   = 20
	maxPlainHits = 50 // of one version; more help nobody
)

// jargon is one word and what to say in its place.
type jargon struct {
	word, use string
	lang      text.Lang
}

func parseJargon(raw string) ([]jargon, error) {
	var d struct {
		Word []struct{ JA, EN, Use string } `toml:"word"`
	}
	if _, err := toml.Decode(raw, &d); err != nil {
		return nil, fmt.Errorf("jargon: %w", err)
	}
	var out []jargon
	for _, w := range d.Word {
		j := jargon{fold(w.JA), w.Use, text.JA}
		if w.JA == "" {
			j = jargon{fold(w.EN), w.Use, text.EN}
		}
		if j.word == "" || w.Use == "" || w.JA != "" && w.EN != "" {
			return nil, fmt.Errorf("jargon: %q needs one language and what to use", w.JA+w.EN)
		}
		out = append(out, j)
	}
	// The longer word goes first: ファームウェア is not found again as a part.
	slices.SortStableFunc(out, func(a, b jargon) int { return len(b.word) - len(a.word) })
	return out, nil
}

// fold makes letter case and width alike.
func fold(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// PlainHit is one thing in a text for small firms that is not plain.
type PlainHit struct {
	Word string // the jargon; empty when a sentence is too long
	Use  string // what to say in its place
	Long string // the sentence
	N    int    // its length: characters, or words in English
}

// Plain finds jargon and long sentences in a text.
func (r *RuleSet) Plain(lang text.Lang, s string) (out []PlainHit) {
	folded := fold(s)
	for _, j := range r.jargon {
		// English words stand alone, with their endings; Japanese has no spaces.
		// A Latin word in Japanese text (CVE) is jargon too.
		latin := j.word[0] < utf8.RuneSelf
		if j.lang != lang {
			continue
		}
		at, found := 0, false
		for at <= len(folded)-len(j.word) {
			i := strings.Index(folded[at:], j.word)
			if i < 0 {
				break
			}
			i += at
			if !latin || alone(folded, i, i+len(j.word)) {
				found = true
				folded = folded[:i] + strings.Repeat(" ", len(j.word)) + folded[i+len(j.word):]
			}
			at = i + len(j.word)
		}
		if found {
			out = append(out, PlainHit{Word: j.word, Use: j.use})
		}
		if len(out) >= maxPlainHits {
			return out
		}
	}
	for _, sentence := range sentences(s) {
		n, limit := utf8.RuneCountInString(sentence), plainChars
		if lang == text.EN {
			n, limit = len(strings.Fields(sentence)), plainWords
		}
		if n > limit && len(out) < maxPlainHits {
			out = append(out, PlainHit{Long: sentence, N: n})
		}
	}
	return out
}

// alone reports whether the Latin word at [from:to] is no part of another one;
// an ending of its own (patches, patched) is.
func alone(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	letter := func(r rune) bool { return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	if letter(before) {
		return false
	}
	rest := s[to:]
	for _, end := range []string{"s", "es", "ed", "ing", ""} {
		tail, ok := strings.CutPrefix(rest, end)
		next, _ := utf8.DecodeRuneInString(tail)
		if ok && !letter(next) {
			return true
		}
	}
	return false
}

// sentences cuts a text at full stops and line ends, trimmed, without the
// empty ones. A full stop inside a version number is none.
func sentences(s string) (out []string) {
	rs := []rune(s)
	start := 0
	cut := func(end int) {
		if p := strings.TrimSpace(string(rs[start:end])); p != "" {
			out = append(out, p)
		}
	}
	for i, c := range rs {
		end := strings.ContainsRune("。！？\n", c) || strings.ContainsRune(".!?", c) && (i+1 == len(rs) || unicode.IsSpace(rs[i+1]))
		if end {
			cut(i)
			start = i + 1
		}
	}
	cut(len(rs))
	return out
}
