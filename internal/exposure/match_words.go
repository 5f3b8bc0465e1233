package exposure

import (
	"strings"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// phrases puts proofs into the words of one language. Sentences are taken
// apart once, since a list can need millions of them.
type phrases struct {
	p    text.Printer
	made map[string]sentence
	memo map[spoken][]string
	why  map[Reason][]byte // grounds as JSON strings
}

// spoken is what the sentence of a reason depends on, but for the version.
type spoken struct {
	rule      product.Rule
	statement *product.Statement
	line      *product.Line
	rng       *version.Range
	overruled bool
}

// sentence is a text with its gaps: parts[i] stands before the gap names[i].
type sentence struct{ parts, names []string }

func newPhrases(p text.Printer) *phrases {
	return &phrases{p: p, made: map[string]sentence{}, memo: map[spoken][]string{}, why: map[Reason][]byte{}}
}

// gaps are what a sentence of a proof can ask for.
var gaps = []string{"by", "version", "range", "product", "why", "say", "v"}

// fill returns the sentence of a key with its gaps filled.
func (f *phrases) fill(key string, with ...string) string {
	s, ok := f.made[key]
	if !ok {
		pairs := make([]any, 0, 2*len(gaps))
		for _, g := range gaps {
			pairs = append(pairs, g, "\x00"+g+"\x00")
		}
		for i, part := range strings.Split(f.p.T(key, pairs...), "\x00") {
			if i%2 == 0 {
				s.parts = append(s.parts, part)
			} else {
				s.names = append(s.names, part)
			}
		}
		f.made[key] = s
	}
	var b strings.Builder
	for i, part := range s.parts {
		b.WriteString(part)
		if i == len(s.names) {
			break
		}
		for j := 0; j+1 < len(with); j += 2 {
			if with[j] == s.names[i] {
				b.WriteString(with[j+1])
			}
		}
	}
	return b.String()
}

// maxSpoken bounds how many sentences are remembered.
const maxSpoken = 1 << 18

// reason is one step of a proof in words.
func (f *phrases) reason(r *product.Reason) string { return strings.Join(f.around(r), r.Version) }

// around is the sentence of a step without the version of the equipment: what
// stands before, between and after it.
func (f *phrases) around(r *product.Reason) []string {
	k := spoken{r.Rule, r.Statement, r.Line, r.Range, r.Overruled}
	parts, ok := f.memo[k]
	if !ok {
		s := f.say(r)
		if r.Overruled {
			s = f.fill("exposure.proof.overruled", "say", s)
		}
		parts = strings.Split(s, versionMark)
		if len(f.memo) >= maxSpoken {
			clear(f.memo)
		}
		f.memo[k] = parts
	}
	return parts
}

// versionMark stands for the version in a sentence that is remembered.
const versionMark = "\x01"

func (f *phrases) say(r *product.Reason) string {
	with := []string{"by", source(r.Statement), "version", versionMark, "range", f.between(r.Range), "product", called(r.Line)}
	key := "exposure.proof." + string(r.Rule)
	if r.Rule == product.MakerSays && r.Line != nil {
		key += ".not_affected"
		if r.Line.Status == product.Fixed {
			key = "exposure.proof.maker_says.fixed"
		} else if why := "exposure.why." + string(r.Line.Why); r.Line.Why != "" && f.p.Has(why) {
			key, with = "exposure.proof.maker_says.because", append(with, "why", f.p.T(why))
		}
	}
	return f.fill(key, with...)
}

// between is a range in words: from 7.4.0, before 7.4.3.
func (f *phrases) between(r *version.Range) string {
	if r == nil {
		return ""
	}
	var ends []string
	end := func(key, v string) { ends = append(ends, f.fill("exposure.proof.range."+key, "v", v)) }
	if r.From != "" && r.From != "0" && r.From != "*" {
		if r.FromExcluded {
			end("after", r.From)
		} else {
			end("from", r.From)
		}
	}
	if r.To != "" && r.To != "*" {
		if r.ToIncluded {
			end("through", r.To)
		} else {
			end("before", r.To)
		}
	}
	return strings.Join(ends, f.p.T("exposure.proof.range.and"))
}

// source is who says it, as people call them.
func source(s *product.Statement) string {
	switch {
	case s == nil:
		return ""
	case s.Source == "nvd":
		return "NVD"
	case s.By != "":
		return s.By
	}
	return strings.ToUpper(s.Source)
}

// called is a product as people read it: vendor and product of its name, or
// its package.
func called(l *product.Line) string {
	if l == nil {
		return ""
	}
	if l.Text != "" && l.Name.IsZero() && l.Package == "" {
		return l.Text
	}
	return calledName(l.Name, l.Package)
}

func calledName(n cpe.Name, pkg string) string {
	if n == (cpe.Name{}) {
		return pkg
	}
	name := strings.ReplaceAll(n.Vendor.Text()+" "+n.Product.Text(), "_", " ")
	if n.Version.Set() {
		name += " " + n.Version.Text()
	}
	return name
}

// quoted is one ground as a JSON string, nothing when there are no words for
// it.
func (f *phrases) quoted(r Reason) []byte {
	b, ok := f.why[r]
	if !ok {
		if s := f.ground(r); s != "" {
			b = appendQuoted(nil, s)
		}
		if len(f.why) >= maxSpoken {
			clear(f.why)
		}
		f.why[r] = b
	}
	return b
}

// ground is one ground of a decision in words, empty when there are none for
// it.
func (f *phrases) ground(r Reason) string {
	key := "exposure.because." + r.Code
	if !f.p.Has(key) {
		return ""
	}
	return f.p.T(key, "n", r.N)
}
