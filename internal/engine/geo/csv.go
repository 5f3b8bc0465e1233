package geo

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// Problem says what is wrong with a row.
type Problem string

// The problems.
const (
	BadColumns Problem = "columns" // neither start,end,country nor prefix,country, with AS number and name or without
	BadAddress Problem = "address" // not an IPv4 or IPv6 address
	BadPrefix  Problem = "prefix"  // not a prefix, or bits are set below its length
	BadRange   Problem = "range"   // the end is before the start, or of the other family
	BadCountry Problem = "country" // not two letters
	BadSystem  Problem = "asn"     // not an AS number
	TooLong    Problem = "length"  // longer than MaxLine bytes
)

// MaxLine bounds a row of an input, in bytes.
const MaxLine = 4096

// LineError says which row of an input cannot be read, and why.
type LineError struct {
	Place
	Problem Problem
	Value   string // what stands there, at most 40 bytes of printable text
}

func (e *LineError) Error() string {
	return fmt.Sprintf("geo: %s:%d: bad %s %q", e.File, e.Line, e.Problem, e.Value)
}

// maxBad bounds the faults that one reading collects.
const maxBad = 10

// ReadCSV adds the rows of a CSV file: "start,end" or "prefix", and then
// "country", "country,ASN", "country,ASN,name", "ASN,name" or
// "ASN,country,name". Fields are separated by commas or tabs and may stand in double quotes. Empty
// lines, lines that begin with "#", and a heading in the first line are passed
// over. An empty country, "-", ZZ and XX mean that none is said.
//
// Nothing is guessed: when rows cannot be read, the joined LineErrors of the
// first ten are returned, and the builder should not be used on.
func ReadCSV(b *Builder, name string, r io.Reader) error {
	b.File(name)
	return eachLine(r, name, func(n int, line string, first bool) (Problem, string, error) {
		fields, ok := split(line)
		if !ok {
			return BadColumns, line, nil
		}
		if first && !strings.ContainsAny(fields[0], ".:") {
			return "", "", nil // a heading
		}
		return b.row(fields, n)
	})
}

// ReadList adds the prefixes of a country's list, one in a line. Lines that
// begin with "#" and empty lines are passed over.
func ReadList(b *Builder, name, country string, r io.Reader) error {
	b.File(name)
	return eachLine(r, name, func(n int, line string, _ bool) (Problem, string, error) {
		p, ok := prefix(line)
		if !ok {
			return BadPrefix, line, nil
		}
		return "", "", b.AddPrefix(p, Entry{Country: country}, n)
	})
}

// eachLine calls fn with every line that says something. first is true for
// the first of them.
func eachLine(r io.Reader, name string, fn func(n int, line string, first bool) (Problem, string, error)) error {
	in := bufio.NewReaderSize(r, MaxLine)
	var bad []error
	first := true
	for n := 1; ; n++ {
		raw, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return errors.Join(append(bad, &LineError{Place{name, n}, TooLong, clean(string(raw[:40]), 40)})...)
		}
		if err != nil && err != io.EOF {
			return err
		}
		line := strings.TrimSpace(string(raw))
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		if line != "" && line[0] != '#' {
			problem, value, e := fn(n, line, first)
			first = false
			if e != nil {
				return e
			}
			if problem != "" {
				if bad = append(bad, &LineError{Place{name, n}, problem, clean(value, 40)}); len(bad) == maxBad {
					return errors.Join(bad...)
				}
			}
		}
		if err == io.EOF {
			return errors.Join(bad...)
		}
	}
}

// row adds a row of fields, or says what is wrong with which of them.
func (b *Builder) row(f []string, line int) (Problem, string, error) {
	var first, last addr
	second, isAddr := netip.Addr{}, false
	if len(f) > 1 {
		a, err := netip.ParseAddr(f[1])
		second, isAddr = a, err == nil
	}
	switch {
	case strings.Contains(f[0], "/"):
		p, ok := prefix(f[0])
		if !ok {
			return BadPrefix, f[0], nil
		}
		first, last = span(p)
		f = f[1:]
	default:
		a, err := netip.ParseAddr(f[0])
		if err != nil || a.Zone() != "" {
			return BadAddress, f[0], nil
		}
		if first, last = addrOf(a), addrOf(a); isAddr {
			if second.Zone() != "" {
				return BadAddress, f[1], nil
			}
			if last = addrOf(second); last.less(first) || first.is4() != last.is4() {
				return BadRange, f[0] + "-" + f[1], nil
			}
			f = f[1:]
		} else if len(f) > 2 && strings.ContainsAny(f[1], ".:") {
			return BadAddress, f[1], nil
		}
		f = f[1:]
	}
	if len(f) < 1 || len(f) > 3 {
		return BadColumns, strings.Join(f, ","), nil
	}
	e, problem, value := says(f)
	if problem != "" {
		return problem, value, nil
	}
	return "", "", b.add(first, last, e, line)
}

// says reads country, AS number and AS name; the number may come first.
func says(f []string) (e Entry, problem Problem, value string) {
	country, system, name := f[0], "", ""
	switch n, isSystem := number(f[0]); {
	case isSystem && len(f) == 3:
		country, system, name = f[1], f[0], f[2]
	case isSystem && len(f) == 2 && n != 0:
		country, system, name = "", f[0], f[1]
	case len(f) == 3:
		system, name = f[1], f[2]
	case len(f) == 2:
		system = f[1]
	}
	if e.Country = strings.ToUpper(country); e.Country == "-" || e.Country == "NONE" {
		e.Country = ""
	}
	if e.Country != "" && !isCountry(e.Country) {
		return e, BadCountry, country
	}
	if system != "" && system != "-" {
		n, ok := number(system)
		if !ok {
			return e, BadSystem, system
		}
		e.ASN = n
	}
	e.Org = name
	return e, "", ""
}

// number reads an AS number, with "AS" before it or without.
func number(s string) (uint32, bool) {
	if len(s) > 2 && strings.EqualFold(s[:2], "AS") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// prefix reads a prefix of which no bit below its length is set.
func prefix(s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p != p.Masked() {
		return p, false
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return p, false
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p, true
}

// split cuts a line at commas, or at tabs when it has one. A field in double
// quotes may hold them; two double quotes inside are one.
func split(line string) (fields []string, ok bool) {
	sep := byte(',')
	if strings.IndexByte(line, '\t') >= 0 {
		sep = '\t'
	}
	for {
		if len(fields) == 8 {
			return nil, false
		}
		field := ""
		if strings.HasPrefix(line, `"`) {
			rest := line[1:]
			for {
				i := strings.IndexByte(rest, '"')
				if i < 0 {
					return nil, false
				}
				field += rest[:i]
				if rest = rest[i+1:]; !strings.HasPrefix(rest, `"`) {
					break
				}
				field, rest = field+`"`, rest[1:]
			}
			if rest != "" && rest[0] != sep {
				return nil, false
			}
			line = rest
		} else if i := strings.IndexByte(line, sep); i >= 0 {
			field, line = line[:i], line[i:]
		} else {
			field, line = line, ""
		}
		fields = append(fields, strings.TrimSpace(field))
		if line == "" {
			return fields, true
		}
		line = line[1:]
	}
}
