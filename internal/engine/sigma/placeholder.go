package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// piece is a text, or the name of a placeholder.
type piece struct {
	text   string
	holder bool
}

// placeholders splits text at its %names%. A percent sign behind a backslash is
// plain (Sigma rules specification, Placeholders).
func placeholders(text string) []piece {
	var pieces []piece
	var run strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && text[i+1] == '%' {
			i++
			run.WriteByte('%')
			continue
		}
		if text[i] == '%' {
			if n := strings.IndexByte(text[i+1:], '%'); n > 0 && isHolder(text[i+1:i+1+n]) {
				if run.Len() > 0 {
					pieces = append(pieces, piece{text: run.String()})
					run.Reset()
				}
				pieces = append(pieces, piece{text[i+1 : i+1+n], true})
				i += n + 1
				continue
			}
		}
		run.WriteByte(text[i])
	}
	if run.Len() > 0 {
		pieces = append(pieces, piece{text: run.String()})
	}
	return pieces
}

func isHolder(name string) bool {
	for _, r := range name {
		if !isWord(r) && r != '-' && r != '.' {
			return false
		}
	}
	return true
}

// expandPattern replaces the placeholders of a pattern with their values, which
// may have wildcards; several in one pattern are combined in every way.
func (b *builder) expandPattern(parts []Part, v *node) ([][]Part, *problem) {
	variants := [][]Part{nil}
	for _, part := range tidy(parts, true) {
		if part.Kind != Literal {
			variants = appendAll(variants, []Part{part})
			continue
		}
		for _, pc := range placeholders(part.Text) {
			if !pc.holder {
				variants = appendAll(variants, literal(pc.text))
				continue
			}
			values := b.valuesOf(pc.text, v)
			if len(variants)*len(values)*(1+len(parts)) > 10*maxTests {
				return nil, fail(v.line, TooLarge, v.text, strconv.Itoa(maxTests)+" tests")
			}
			next := make([][]Part, 0, len(variants)*len(values))
			for _, have := range variants {
				for _, value := range values {
					next = append(next, append(have[:len(have):len(have)], parsePattern(value)...))
				}
			}
			variants = next
		}
	}
	return variants, nil
}

// expandText does the same for values that are no patterns.
func (b *builder) expandText(v *node) ([]string, *problem) {
	texts := []string{""}
	for _, pc := range placeholders(v.text) {
		values := []string{pc.text}
		if pc.holder {
			values = b.valuesOf(pc.text, v)
		}
		if n := len(texts) * len(values); n > maxTests || n*len(v.text) > maxBytes {
			return nil, fail(v.line, TooLarge, v.text, strconv.Itoa(maxTests)+" tests")
		}
		next := make([]string, 0, len(texts)*len(values))
		for _, t := range texts {
			for _, value := range values {
				next = append(next, t+value)
			}
		}
		texts = next
	}
	if b.tests += len(texts); b.tests > maxTests {
		return nil, fail(v.line, TooLarge, "the rule", strconv.Itoa(maxTests)+" tests")
	}
	return texts, nil
}

// valuesOf returns the values of a placeholder. One without any is noted and
// reading goes on, so that all that are missing are said at once.
func (b *builder) valuesOf(name string, v *node) []string {
	values := b.values[name]
	if len(values) == 0 {
		if len(b.missing) == 0 {
			b.missingLine = v.line
		}
		if !slices.Contains(b.missing, name) && len(b.missing) < maxMissing {
			b.missing = append(b.missing, name)
		}
	}
	return values
}

// maxMissing bounds how many placeholders are named in one note.
const maxMissing = 100

// unfilled returns the problem of a rule whose placeholders miss values.
func (b *builder) unfilled() *problem {
	if len(b.missing) == 0 {
		return nil
	}
	return fail(b.missingLine, NeedsValues, strings.Join(b.missing, ", "))
}

// ParseValues reads the values of a placeholder for [Options]: one in a line, in
// UTF-8; empty lines and those that begin with # are left out.
func ParseValues(data []byte) ([]string, error) {
	data, p := decode(data)
	if p != nil {
		n := Note{Line: p.line, Code: p.code, Args: p.args}
		return nil, fmt.Errorf("line %d: %s", n.Line, n.Reason())
	}
	var values []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if len(values) == maxTests {
			return nil, fmt.Errorf("more than %d values", maxTests)
		}
		values = append(values, line)
	}
	return values, nil
}

// Placeholders returns the names of the placeholders that the notes miss values
// for, in order, once each.
func Placeholders(notes []Note) []string {
	seen := map[string]bool{}
	for _, n := range notes {
		if n.Code == NeedsValues && len(n.Args) > 0 {
			for name := range strings.SplitSeq(n.Args[0], ", ") {
				seen[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
