package sigma

import (
	"math/big"
	"strconv"
	"strings"

	"noroshi/internal/engine/event"
)

// parsePattern reads a value with its wildcards * and ?. A backslash makes a
// wildcard or a backslash after it plain; before anything else it is itself
// (Sigma rules specification, Escape Character).
func parsePattern(text string) []Part {
	if !strings.ContainsAny(text, `*?\`) {
		return literal(text)
	}
	var parts []Part
	run := make([]byte, 0, len(text))
	flush := func() {
		if len(run) > 0 {
			parts = append(parts, Part{Literal, string(run)})
			run = run[:0]
		}
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`*?\`, text[i+1]) >= 0:
			i++
			run = append(run, text[i])
		case c == '*':
			flush()
			parts = append(parts, Part{Kind: Many})
		case c == '?':
			flush()
			parts = append(parts, Part{Kind: One})
		default:
			run = append(run, c)
		}
	}
	flush()
	return parts
}

// literal returns the parts of a plain text.
func literal(text string) []Part {
	if text == "" {
		return nil
	}
	return []Part{{Literal, text}}
}

// plainText returns the text of parts without wildcards.
func plainText(parts []Part) (string, bool) {
	switch {
	case len(parts) == 0:
		return "", true
	case len(parts) == 1 && parts[0].Kind == Literal:
		return parts[0].Text, true
	}
	return "", false
}

// patternTest returns the test of a field against parts: Equal when there are
// no wildcards.
func patternTest(field string, parts []Part, cased bool) *Test {
	parts = tidy(parts, cased)
	if text, ok := plainText(parts); ok {
		return &Test{Field: field, Kind: Equal, Cased: cased, Value: text}
	}
	return &Test{Field: field, Kind: Wild, Cased: cased, Parts: parts}
}

// tidy folds the literals, joins those beside each other and leaves out a Many
// after a Many.
func tidy(parts []Part, cased bool) []Part {
	out := make([]Part, 0, len(parts))
	for _, p := range parts {
		if p.Kind == Literal && !cased {
			p.Text = fold(p.Text)
		}
		if n := len(out); n > 0 && p.Kind == out[n-1].Kind {
			if p.Kind == Many {
				continue
			}
			if p.Kind == Literal {
				out[n-1].Text += p.Text
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

// fold returns text in lower case as rows are folded.
func fold(text string) string {
	for i := range len(text) {
		if c := text[i]; c-'A' < 26 || c >= 0x80 {
			return string(event.AppendFold(make([]byte, 0, len(text)), []byte(text)))
		}
	}
	return text
}

// numberTexts returns the texts that a number in a rule is equal to: as written,
// and in plain decimal where that is another (0x1F and 31, 1.50 and 1.5).
func numberTexts(text string) []string {
	if plain := plainDecimal(text); plain != text {
		return []string{text, plain}
	}
	return []string{text}
}

func plainDecimal(text string) string {
	clean := strings.TrimPrefix(strings.ReplaceAll(text, "_", ""), "+")
	if len(clean) > 64 {
		return text
	}
	if n, ok := new(big.Int).SetString(clean, 0); ok {
		return n.String()
	}
	if f, err := strconv.ParseFloat(clean, 64); err == nil {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return text
}
