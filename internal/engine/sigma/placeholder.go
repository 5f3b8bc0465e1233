package sigma

import (
	"fmt"
	"sort"
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
			values, p := b.valuesOf(pc.text, v)
			if p != nil {
				return nil, p
			}
			if len(variants)*len(values) > maxTests {
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
			var p *problem
			if values, p = b.valuesOf(pc.text, v); p != nil {
				return nil, p
			}
		}
		if len(texts)*len(values) > maxTests {
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

// valuesOf returns the values of a placeholder. Without any the rule cannot run.
func (b *builder) valuesOf(name string, v *node) ([]string, *problem) {
	values := b.values[name]
	if len(values) == 0 {
		return nil, fail(v.line, NeedsValues, name)
	}
	return values, nil
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
	var names []string
	for _, n := range notes {
		if n.Code == NeedsValues && len(n.Args) > 0 && !seen[n.Args[0]] {
			seen[n.Args[0]] = true
			names = append(names, n.Args[0])
		}
	}
	sort.Strings(names)
	return names
}
