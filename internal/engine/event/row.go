package event

// Kind says what a value was in its source. Its text is kept in any case.
type Kind uint8

// The kinds. A null has no text.
const (
	Text Kind = iota
	Number
	Bool
	Null
)

// Field is one value of a row: a name and where its text stands.
type Field struct {
	Name Name
	Off  uint32 // in the row's text, in bytes
	Len  uint32 // in bytes
	Kind Kind
}

// Log says what kind of log an event is of, in the terms of a Sigma rule's
// logsource. Empty parts are not known.
type Log struct{ Product, Category, Service string }

// Row is one event. Its zero value is an empty row; [Row.Reset] makes it empty
// again and keeps its memory. A row is used by one goroutine at a time.
type Row struct {
	Source string // the path as given, archive!member inside archives
	Record uint64 // the number that the source gives it, else its place from 1
	Offset int64  // of its first byte in the source, in bytes
	Time   int64  // nanoseconds since 1970 UTC; 0 if not known
	Log    Log
	Carved bool // found in a damaged part, outside what the source lists
	Fields []Field

	text   []byte
	folded []byte
	ends   []uint32 // of the folded fields
	isFold bool
}

// MaxText is the largest text of a row in bytes; what comes after is cut off.
const MaxText = 64 << 20

// Reset empties the row for the next event of the same source.
func (r *Row) Reset() {
	*r = Row{Source: r.Source, Log: r.Log, Fields: r.Fields[:0], text: r.text[:0], folded: r.folded, ends: r.ends}
}

// Add appends a field. It copies the value. A field without a name, from a full
// [Names], is left out.
func (r *Row) Add(name Name, kind Kind, value []byte) {
	if name == 0 {
		return
	}
	value = value[:min(len(value), MaxText-len(r.text))]
	r.Fields = append(r.Fields, Field{name, uint32(len(r.text)), uint32(len(value)), kind})
	r.text = append(r.text, value...)
	r.isFold = false
}

// AddString is [Row.Add] of a string.
func (r *Row) AddString(name Name, kind Kind, value string) {
	if name == 0 {
		return
	}
	value = value[:min(len(value), MaxText-len(r.text))]
	r.Fields = append(r.Fields, Field{name, uint32(len(r.text)), uint32(len(value)), kind})
	r.text = append(r.text, value...)
	r.isFold = false
}

// Open returns the row's text for a reader that decodes a value straight into
// it; the reader appends and hands the result to [Row.Close].
func (r *Row) Open() []byte { return r.text }

// Close makes a field of what was appended to the text since [Row.Open].
func (r *Row) Close(name Name, kind Kind, text []byte) {
	from := len(r.text)
	if name == 0 {
		return
	}
	text = text[:min(len(text), MaxText)]
	r.Fields = append(r.Fields, Field{name, uint32(from), uint32(len(text) - from), kind})
	r.text = text
	r.isFold = false
}

// Settle makes text the row's text: a reader of whole events got it from
// [Row.Open], wrote to it, and appended the fields that point into it to Fields.
func (r *Row) Settle(text []byte) {
	r.text = text
	r.isFold = false
}

// Value returns the text of field i. It is valid until [Row.Reset].
func (r *Row) Value(i int) []byte {
	f := r.Fields[i]
	return r.text[f.Off : f.Off+f.Len : f.Off+f.Len]
}

// Find returns the place of the first field of that name, -1 if there is none.
func (r *Row) Find(name Name) int {
	for i := range r.Fields {
		if r.Fields[i].Name == name {
			return i
		}
	}
	return -1
}

// Get returns the text of the first field of that name, nil if there is none
// or it is null.
func (r *Row) Get(name Name) []byte {
	if i := r.Find(name); i >= 0 && r.Fields[i].Kind != Null {
		return r.Value(i)
	}
	return nil
}

// Text returns the texts of all fields one after the other.
func (r *Row) Text() []byte { return r.text }
