package asset

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"noroshi/internal/base/text"
)

// vocabulary is what people write for our columns, kinds and zones.
type vocabulary struct {
	columns map[string]column
	kinds   map[string]Kind
	zones   map[string]Zone
	own     map[string]bool
	words   map[string][]string // of a kind or zone, as the table has them: English in small letters
}

// column is a field and how plainly a header means it: 0 is the field's own
// name or its first word in the table, and lower is plainer.
type column struct {
	field Field
	rank  int
}

var vocab = sync.OnceValue(func() *vocabulary {
	raw, err := data.ReadFile("data/columns.toml")
	if err != nil {
		panic("BUG: asset: " + err.Error())
	}
	v, err := parseVocabulary(string(raw))
	if err != nil {
		panic("BUG: asset: columns.toml: " + err.Error())
	}
	return v
})

func parseVocabulary(raw string) (*vocabulary, error) {
	var file struct {
		Column, Kind, Zone map[string][]string
		Own                []string
	}
	meta, err := toml.Decode(raw, &file)
	if err != nil {
		return nil, err
	}
	if un := meta.Undecoded(); len(un) > 0 {
		return nil, fmt.Errorf("unknown key %s", un[0])
	}
	v := &vocabulary{map[string]column{}, map[string]Kind{}, map[string]Zone{}, map[string]bool{Own: true}, map[string][]string{}}
	for name, words := range file.Column {
		f, ok := FieldNamed(name)
		if !ok {
			return nil, fmt.Errorf("no such field: %s", name)
		}
		for rank, w := range append([]string{name}, words...) {
			k := join(tokens(w))
			if old, ok := v.columns[k]; ok && old.field != f {
				return nil, fmt.Errorf("%q means both %v and %v", w, old.field, f)
			} else if !ok {
				v.columns[k] = column{f, max(rank-1, 0)}
			}
		}
	}
	for name, words := range file.Kind {
		v.words[name] = words
		if err := fill(v.kinds, Kind(name), append(slices.Clip(words), name)); err != nil {
			return nil, err
		}
	}
	for name, words := range file.Zone {
		v.words[name] = words
		if err := fill(v.zones, Zone(name), append(slices.Clip(words), name)); err != nil {
			return nil, err
		}
	}
	for _, w := range file.Own {
		v.own[join(tokens(w))] = true
	}
	if len(v.columns) < int(fieldCount) || len(file.Kind) != len(Kinds()) || len(file.Zone) != len(Zones()) {
		return nil, fmt.Errorf("a field, kind or zone is missing")
	}
	return v, nil
}

func fill[V comparable](m map[string]V, v V, words []string) error {
	for _, w := range words {
		k := join(tokens(w))
		if old, ok := m[k]; ok && old != v {
			return fmt.Errorf("%q means both %v and %v", w, old, v)
		}
		m[k] = v
	}
	return nil
}

// ParseKind reads a kind by its name or by what people write for it in
// Japanese or English: firewall, ファイアウォール, FW.
func ParseKind(s string) (Kind, bool) {
	k, ok := vocab().kinds[join(tokens(s))]
	return k, ok
}

// ParseZone reads a zone by its name or by what people write for it:
// internet, インターネット接続, DMZ, 制御系.
func ParseZone(s string) (Zone, bool) {
	z, ok := vocab().zones[join(tokens(s))]
	return z, ok
}

// wordsFor are the words that people of a language write for a kind or a zone.
func wordsFor(name string, lang text.Lang) []string {
	var out []string
	for _, w := range vocab().words[name] {
		if english := isASCII(w); lang == text.EN && english || lang != text.EN && !(english && w == strings.ToLower(w)) {
			out = append(out, w)
		}
	}
	return out
}

func isOwn(s string) bool { return vocab().own[join(tokens(s))] }

// fieldOf returns the field that a column's header means, and how plainly:
// of two columns for one field, the lower rank has it.
func fieldOf(header string) (f Field, rank int, ok bool) {
	if len(header) > MaxName {
		return 0, 0, false
	}
	c, ok := vocab().columns[join(tokens(header))]
	if !ok { // メーカー名（必須）
		plain, _, _ := strings.Cut(nfkc(header), "(")
		c, ok = vocab().columns[join(tokens(plain))]
	}
	return c.field, c.rank, ok
}
