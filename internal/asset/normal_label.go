package asset

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Label writes a maker and a product that are named in small letters, as
// dictionaries name them, the way people write them: by the table where it
// knows them, else with capitals in front: "Fortinet FortiOS", "Example Box".
func (m *Makers) Label(maker, product string) string {
	name, key := m.Maker(maker)
	mk := m.byKey[key]
	if mk == nil {
		return capitals(name) + " " + capitals(product)
	}
	line := capitals(product)
	if p := mk.lines[join(mk.cut(tokens(product)))]; p != nil {
		line = p.Name
	}
	if strings.HasPrefix(line, name+" ") {
		return line
	}
	return name + " " + line
}

// capitals begins each word that is all small with a capital.
func capitals(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		if r, n := utf8.DecodeRuneInString(w); w == strings.ToLower(w) {
			words[i] = string(unicode.ToUpper(r)) + w[n:]
		}
	}
	return strings.Join(words, " ")
}

// Spellings lists the ways in which the table writes a maker and a product, the
// given one first: feeds may know "NetScaler ADC" by its long name and Connect
// Secure under the maker it had before. At most 64.
func (m *Makers) Spellings(maker, product string) [][2]string {
	out := [][2]string{{maker, product}}
	_, key := m.Maker(maker)
	mk := m.byKey[key]
	if mk == nil {
		return out
	}
	makers, products := append([]string{mk.Name}, mk.Aliases...), []string{product}
	if p := mk.lines[join(mk.cut(tokens(product)))]; p != nil {
		products = append(products, p.Name)
		products = append(products, p.Aliases...)
	}
	for _, name := range products {
		for _, by := range makers {
			if len(out) < 64 {
				out = append(out, [2]string{by, name})
			}
		}
	}
	return out
}

// Runs returns the system that a maker's hardware runs: FortiOS for a FortiGate
// 100F. It is empty for what is no hardware of the table.
func (m *Makers) Runs(maker, product string) string {
	_, key := m.Maker(maker)
	mk := m.byKey[key]
	if mk == nil {
		return ""
	}
	words, best, runs := mk.cut(tokens(product)), "", ""
	for name, p := range mk.lines {
		if _, ok := cutWords(words, name, true); ok && len(name) > len(best) {
			best, runs = name, p.Runs
		}
	}
	return runs
}
