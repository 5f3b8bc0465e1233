package sigma

import "iter"

// Options are what rules need from outside.
type Options struct {
	// Values are those of placeholders, by name without the percent signs. They
	// may have wildcards.
	Values map[string][]string
}

// File is what was read of one file, before its rules are joined with those of
// other files by [Link].
type File struct {
	Name     string
	Rules    []*Rule // correlations too, their Rules not yet found
	Filters  []*Filter
	Rejected []Note
	Warnings []Note
	Lost     []string // ids and names of rejected rules
}

// Parse reads a file of rules. It may be called from several goroutines at once.
func Parse(name string, data []byte, o Options) *File {
	f := &File{Name: name}
	r := &reader{file: name, values: o.Values, out: f}
	p := documents(data, func(doc []byte, before int) *problem {
		r.rule = ""
		n, p := parseDocument(doc, before)
		if p != nil {
			r.reject(p)
			return nil
		}
		r.document(n)
		return nil
	})
	r.rule = ""
	if p != nil {
		r.reject(p)
	}
	if r.unused > 0 {
		r.warn(r.unused, FieldIgnored, "action: global")
	}
	return f
}

// Load reads and links files, given as pairs of name and contents.
func Load(files iter.Seq2[string, []byte], o Options) *Collection {
	var parsed []*File
	for name, data := range files {
		parsed = append(parsed, Parse(name, data, o))
	}
	return Link(parsed)
}
