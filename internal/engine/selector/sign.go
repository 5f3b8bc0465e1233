package selector

import "golang.org/x/mod/sumdb/note"

// Compile makes the Set of what was gathered. The Builder is spent.
func (b *Builder) Compile() (*Set, error) {
	file, err := b.Encode()
	if err != nil {
		return nil, err
	}
	*b = Builder{}
	return Load(file, nil)
}

// Load makes a Set of a compiled list, which it keeps and uses in place: do not
// change file afterwards.
func Load(file []byte, known note.Verifiers) (*Set, error) {
	b, _, err := parseBody(file)
	if err != nil {
		return nil, err
	}
	return index(b)
}
