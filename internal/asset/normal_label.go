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
