package csaf

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
)

// Class is how much a problem weighs (CSAF 2.0 §6).
type Class uint8

// The classes. A document with a problem of the first two is not valid.
const (
	Schema      Class = iota // not of the shape the schema asks for, or no JSON
	Mandatory                // a test of section 6.1 fails
	Recommended              // 6.2: optional in 2.0, recommended in 2.1
	Informative              // 6.3
)

// String returns the class as JSON and files write it.
func (c Class) String() string {
	return [...]string{"schema", "mandatory", "recommended", "informative"}[c]
}

// Problem is one thing a check found in a document.
type Problem struct {
	Rule  string // number of the test, 6.1.1; "schema" for the shape
	Class Class
	At    string     // JSON pointer into the document
	Code  string     // key of the sentence
	Args  fault.Args // its values
}

// Report says what [Validate] found.
type Report struct {
	Version  string // 2.0 or 2.1
	ID       string // document.tracking.id
	Category string // document.category
	Title    string
	Problems []Problem // in order of class, then of place; at most maxProblems
	Left     int       // how many more there are
}

// maxProblems bounds a report: a hostile document must not make a longer one.
const maxProblems = 1000

// OK reports whether the document is valid: it has the shape and passes every
// mandatory test. Remarks do not count.
func (r Report) OK() bool {
	return len(r.Problems) == 0 || r.Problems[0].Class > Mandatory
}

// Err returns nil for a valid document, else a fault of kind Invalid
// (csaf.not_valid) with the first places that are wrong.
func (r Report) Err() error {
	if r.OK() {
		return nil
	}
	n := 0
	var places []fault.Place
	for _, p := range r.Problems {
		if p.Class > Mandatory {
			break
		}
		if n++; len(places) < 50 {
			places = append(places, fault.Place{At: p.At, Code: p.Code, Args: p.Args})
		}
	}
	return fault.New(fault.Invalid, "csaf.not_valid", "id", r.ID, "n", n).At(places...)
}

// Validate checks a document of CSAF 2.0 or 2.1: strict JSON, the shape of the
// schema, and every test of the table in rules.go that the version knows.
func Validate(raw []byte) Report { return ValidateFrom(bytes.NewReader(raw)) }

// ValidateFrom is [Validate] on a stream of at most [MaxDocument] bytes.
func ValidateFrom(r io.Reader) Report {
	root, err := parse(r)
	if err != nil {
		f := fault.Of(err)
		if !errors.As(err, new(*fault.Error)) {
			f = fault.New(fault.Usage, "csaf.unreadable").Because(err)
		}
		p := Problem{Rule: "schema", Class: Schema, Code: f.Code, Args: f.Args}
		if len(f.Places) > 0 {
			p.At = f.Places[0].At
		}
		return Report{Problems: []Problem{p}}
	}
	return validate(root)
}

func validate(root *value) Report {
	rep := Report{
		Version: root.str("document", "csaf_version"), ID: root.str("document", "tracking", "id"),
		Category: root.str("document", "category"), Title: root.str("document", "title"),
	}
	add := func(p Problem) {
		if len(rep.Problems) >= maxProblems {
			rep.Left++
			return
		}
		rep.Problems = append(rep.Problems, p)
	}
	s := schema20
	switch rep.Version {
	case "2.0":
	case "2.1":
		s = schema21
	default:
		add(Problem{Rule: "schema", Class: Schema, At: "/document/csaf_version", Code: "csaf.version", Args: fault.Args{"value": clip(rep.Version)}})
		return rep
	}
	d := newDocument(root, rep.Version == "2.1")
	s.check(root, "", func(f found) {
		if f.extra {
			d.extra = append(d.extra, f)
			return
		}
		add(Problem{Rule: "schema", Class: Schema, At: f.at, Code: f.code, Args: f.args})
	})
	for i := range rules {
		t := &rules[i]
		if t.in&d.edition() == 0 {
			continue
		}
		t.check(d, func(at string, pairs ...any) {
			p := Problem{Rule: t.number, Class: t.class(), At: at, Code: t.code()}
			for i := 0; i < len(pairs); i += 2 {
				if p.Args == nil {
					p.Args = fault.Args{}
				}
				p.Args[pairs[i].(string)] = pairs[i+1]
			}
			if p.Args == nil {
				p.Args = fault.Args{}
			}
			if _, ok := p.Args["value"]; !ok {
				p.Args["value"] = ""
			}
			add(p)
		})
	}
	if d.named > mostResolved {
		rep.Problems = rep.Problems[:min(len(rep.Problems), maxProblems-1)]
		add(Problem{Rule: "schema", Class: Schema, At: "/product_tree/product_groups", Code: "csaf.too_many_named", Args: fault.Args{"limit": mostResolved}})
	}
	sort.SliceStable(rep.Problems, func(i, j int) bool {
		a, b := rep.Problems[i], rep.Problems[j]
		return a.Class < b.Class
	})
	return rep
}

// class follows from the section the test stands in.
func (t *rule) class() Class {
	switch {
	case strings.HasPrefix(t.number, "6.1."):
		return Mandatory
	case strings.HasPrefix(t.number, "6.2."):
		return Recommended
	}
	return Informative
}

func (t *rule) code() string { return "csaf.test." + t.name }

// canonical writes a value so that equal values give equal text (JSON Schema
// 2020-12 §4.2.2: members in any order, numbers by value).
func canonical(v *value) string {
	var b strings.Builder
	var write func(v *value)
	write = func(v *value) {
		switch v.kind {
		case null:
			b.WriteString("null")
		case boolean:
			b.WriteString(v.text)
		case number:
			f, _ := strconv.ParseFloat(v.text, 64)
			b.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
		case text:
			b.WriteString(strconv.Quote(v.text))
		case list:
			b.WriteByte('[')
			for i := range v.items {
				write(&v.items[i])
				b.WriteByte(',')
			}
			b.WriteByte(']')
		case object:
			order := make([]int, len(v.keys))
			for i := range order {
				order[i] = i
			}
			sort.Slice(order, func(i, j int) bool { return v.keys[order[i]] < v.keys[order[j]] })
			b.WriteByte('{')
			for _, i := range order {
				b.WriteString(strconv.Quote(v.keys[i]))
				b.WriteByte(':')
				write(&v.items[i])
				b.WriteByte(',')
			}
			b.WriteByte('}')
		}
	}
	write(v)
	return b.String()
}
