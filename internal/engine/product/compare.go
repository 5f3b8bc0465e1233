package product

import (
	"strings"
	"unicode"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/purl"
	"noroshi/internal/engine/product/version"
)

// text is a value as people write it, empty for Any and NA.
func text(v cpe.Value) string {
	if !v.Set() {
		return ""
	}
	return v.Text()
}

// glob reports whether a value, perhaps with wildcards, means another.
func glob(said, is cpe.Value) bool {
	r := cpe.CompareValue(said, is)
	return r == cpe.Equal || r == cpe.Superset
}

// packageVersion returns the version of a package URL, empty when it has none.
func packageVersion(pkg string) string {
	if strings.IndexByte(pkg, '@') < 0 {
		return ""
	}
	_, v, err := purl.Key(pkg)
	if err != nil {
		return ""
	}
	return v
}

// letters keeps lower-case letters and digits, of any script.
func letters(r rune) rune {
	switch {
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		return unicode.ToLower(r)
	}
	return -1
}

// schemeOf returns how the versions of a line's product are ordered: as its
// source says, else as its maker does. A range that would be empty by that
// order was written by another: NVD's "from 1.9 to 7.0.0" of Java, where the
// maker calls 1.9 the same as 9, is one of numbers.
func schemeOf(l *Line) version.Scheme {
	s := l.Scheme
	switch own := version.SchemeOf(l.Name.Part, l.Name.Vendor, l.Name.Product); {
	case s == version.SemVer && l.Package == "" && own != version.Generic:
		// Records call nearly everything "semver". Where the maker has an order
		// of its own it is that: 7.2.4 build1396 of FortiOS is 7.2.4, and
		// 10.1.6-h3 of PAN-OS follows 10.1.6.
		s = own
	case s != version.Generic:
	case l.Package != "":
		s, _ = version.ParseScheme(purl.Type(l.Package))
	default:
		s = own
	}
	if s == version.Generic {
		return s
	}
	for i := range l.Ranges {
		r := &l.Ranges[i]
		if openFrom(r.From) || openTo(r.To) {
			continue
		}
		if order, ok := version.Compare(s, r.From, r.To); ok && order > 0 {
			if order, ok = version.Compare(version.Generic, r.From, r.To); ok && order < 0 {
				return version.Generic
			}
		}
	}
	return s
}

// joined puts a version and its update together.
func joined(base, update string) string {
	if update == "" {
		return base
	}
	return version.Join(base, update)
}

// bound is one end of a range, read once. The zero value is open.
type bound struct {
	closed   bool
	readable bool
	at       version.Prepared
}

func newBound(s version.Scheme, text string, last bool) bound {
	b := bound{closed: true}
	b.at, b.readable = version.PrepareBound(s, text, last)
	return b
}

// interval is a range made ready.
type interval struct{ from, to bound }

func newInterval(s version.Scheme, r *version.Range) interval {
	var i interval
	if !openFrom(r.From) {
		i.from = newBound(s, r.From, false)
	}
	if !openTo(r.To) {
		i.to = newBound(s, r.To, true)
	}
	return i
}

func openFrom(s string) bool { return s == "" || s == "0" || s == "*" || s == "-" }
func openTo(s string) bool   { return s == "" || s == "*" || s == "-" }

// open reports whether a range holds every version ([version.Range]).
func open(r *version.Range) bool { return openFrom(r.From) && openTo(r.To) }

// contains reports whether a version lies in the range, and whether that could
// be told.
func (i *interval) contains(r *version.Range, v version.Prepared) (in, known bool) {
	known = true
	if i.from.closed {
		order, ok := v.Compare(i.from.at)
		if ok && (order < 0 || order == 0 && r.FromExcluded) {
			return false, true
		}
		known = ok
	}
	if i.to.closed {
		order, ok := v.Compare(i.to.at)
		if ok && (order > 0 || order == 0 && !r.ToIncluded) {
			return false, true
		}
		known = known && ok
	}
	return known, known
}

// reading is a version text, read at most once for each scheme.
type reading struct {
	text string
	done uint32 // schemes it has been read by, one bit each
	by   [24]version.Prepared
}

func (r *reading) prepare(s version.Scheme) version.Prepared {
	if int(s) >= len(r.by) {
		p, _ := version.Prepare(s, r.text)
		return p
	}
	if r.done&(1<<s) == 0 {
		r.done |= 1 << s
		r.by[s], _ = version.Prepare(s, r.text)
	}
	return r.by[s]
}

// is reports whether the version is the one of a text that has been read, and
// whether that could be told.
func (r *reading) is(s version.Scheme, text string, p version.Prepared) (same, known bool) {
	if strings.EqualFold(r.text, text) {
		return true, true
	}
	order, ok := r.prepare(s).Compare(p)
	return ok && order == 0, ok
}
