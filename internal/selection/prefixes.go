package selection

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/geo"
)

// Prefixes says on which side of the border an address lies: as it is compiled
// into a file, and as it is asked.
type Prefixes struct {
	file       []byte
	digest     string
	table      *geo.Table
	own, away  []netip.Prefix // made up: networks that no registry gives out
	strict     bool
	guard      *Prefixes // what it takes for domestic is domestic; nil: none
	classifier *geo.Classifier
}

// Faults of a table of prefixes.
var (
	ErrPrefixes     = fault.New(fault.Usage, "selection.prefixes")      // neither a table nor a list of prefixes
	ErrPrefixesHome = fault.New(fault.Usage, "selection.prefixes.home") // none of Japan
)

// Bounds of a file of prefixes, in bytes, and of how many it may declare that no
// registry gives out.
const (
	MaxPrefixes = 1 << 28
	maxMadeUp   = 100
)

// ReadPrefixes reads a compiled table, a CSV file as "geo build" takes it, or a
// plain list of the prefixes of Japan, the last two also packed with gzip; nil is
// the table that comes with the program. Where a file lists nothing but Japan, all
// else that a registry has given out counts as foreign. Private networks and those
// of examples that a CSV file or list names are where it says, which is for orders
// of the kind Trial alone; everything else that no registry gives out is unknown.
func ReadPrefixes(name string, raw []byte) (*Prefixes, error) {
	t, file, own, away, err := tableOf(name, raw)
	if err != nil {
		return nil, err
	}
	p, err := compiled(file, t, own, away)
	if err != nil {
		return nil, fault.New(fault.Usage, ErrPrefixesHome.Code, "file", name).Because(err)
	}
	return p, nil
}

// NewPrefixes takes a table as it is. own and away are networks declared domestic
// and foreign, for orders of the kind Trial alone. Errors are those of
// geo.Table.Classifier.
func NewPrefixes(t *geo.Table, own, away []netip.Prefix) (*Prefixes, error) {
	return compiled(nil, t, own, away)
}

// compiled is NewPrefixes where the table was read from a file: that is not
// compressed again.
func compiled(file []byte, t *geo.Table, own, away []netip.Prefix) (*Prefixes, error) {
	if file == nil {
		file = t.Encode()
	}
	p := &Prefixes{file: file, digest: DigestOf(file), table: t, own: own, away: away}
	var err error
	p.classifier, err = t.Classifier(geo.Options{Own: own, Away: away})
	return p, err
}

// Strict is the same table where an address on no list is unknown, even where all
// of Japan is listed, instead of foreign: for traffic in which an error would
// select what must not be selected.
func (p *Prefixes) Strict() (*Prefixes, error) {
	q := *p
	q.strict = true
	var err error
	q.classifier, err = p.table.Classifier(geo.Options{Own: p.own, Away: p.away, Strict: true})
	return &q, err
}

func tableOf(name string, raw []byte) (t *geo.Table, file []byte, own, away []netip.Prefix, err error) {
	if raw == nil {
		t, err = geo.Embedded()
		return t, nil, nil, nil, err
	}
	if t, err = geo.Decode(raw); err == nil {
		return t, raw, nil, nil, nil
	}
	bad := fault.New(fault.Usage, ErrPrefixes.Code, "file", name)
	if !errors.Is(err, geo.ErrNotTable) {
		return nil, nil, nil, nil, bad.Because(err)
	}
	if raw, err = unpacked(raw); err != nil {
		return nil, nil, nil, nil, bad.Because(err)
	}
	if t, err = build(name, raw, (*geo.Builder).TableOf); err == nil && t.Counts().Countries > 1 {
		t, err = build(name, raw, (*geo.Builder).Table)
	}
	if err == nil {
		own, away, err = madeUp(t, raw)
	}
	if err == nil {
		return t, nil, own, away, nil
	}
	bad = bad.Because(err)
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range all.Unwrap() {
			var e *geo.LineError
			if errors.As(one, &e) {
				bad = bad.At(fault.Place{At: fmt.Sprintf("%s:%d", name, e.Line), Code: "selection.prefixes.line", Args: fault.Args{"value": e.Value}})
			}
		}
	}
	return nil, nil, nil, nil, bad
}

func build(name string, raw []byte, table func(*geo.Builder, geo.Meta) (*geo.Table, error)) (*geo.Table, error) {
	var b geo.Builder
	var err error
	if plain(raw) {
		err = geo.ReadList(&b, name, geo.DefaultHome, bytes.NewReader(raw))
	} else {
		err = geo.ReadCSV(&b, name, bytes.NewReader(raw))
	}
	if err != nil {
		return nil, err
	}
	return table(&b, geo.Meta{Source: filepath.Base(name)})
}

// madeUp returns the networks of a list that no registry gives out, those of
// Japan and those of others.
func madeUp(t *geo.Table, raw []byte) (own, away []netip.Prefix, err error) {
	c, err := t.Classifier(geo.Options{})
	if err != nil {
		return nil, nil, err
	}
	for line := range bytes.Lines(raw) {
		first, rest, _ := strings.Cut(strings.TrimSpace(string(line)), ",")
		country, _, _ := strings.Cut(rest, ",")
		p, err := netip.ParsePrefix(first)
		if err != nil || p.Addr().Is4In6() {
			continue
		}
		country = strings.Trim(country, `" `)
		switch why := c.Lookup(p.Addr()).Reason; {
		case why != geo.Private && why != geo.Shared && why != geo.Documentation && why != geo.Benchmark:
		case country == "" || country == geo.DefaultHome:
			own = append(own, p.Masked())
		case len(country) == 2 && (why == geo.Documentation || why == geo.Benchmark):
			away = append(away, p.Masked())
		}
		if len(own)+len(away) > maxMadeUp {
			return nil, nil, fmt.Errorf("more than %d networks that no registry gives out", maxMadeUp)
		}
	}
	_, err = t.Classifier(geo.Options{Own: own, Away: away})
	return own, away, err
}

// unpacked undoes gzip (RFC 1952), within bounds.
func unpacked(raw []byte) ([]byte, error) {
	if !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		return raw, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, MaxPrefixes+1))
	if err == nil && len(out) > MaxPrefixes {
		err = errors.New("more than the bound when unpacked")
	}
	return out, err
}

// plain reports whether the first line that says something is a prefix alone.
func plain(raw []byte) bool {
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte{'\n'})
		raw = rest
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf")))
		if len(line) > 0 && line[0] != '#' {
			return bytes.IndexByte(line, '/') > 0 && !bytes.ContainsAny(line, ",\t;\" ")
		}
	}
	return false
}

// Digest is the SHA-256 of the compiled table, in hex.
func (p *Prefixes) Digest() string { return p.digest }

// guarded is the same where nothing is foreign that the table which comes with the
// program takes for domestic: whoever carries out a run that is no trial may add
// to what is domestic, and take nothing away. err is never of p.
func (p *Prefixes) guarded() (*Prefixes, error) {
	g, err := ReadPrefixes("", nil)
	if err != nil || g.digest == p.digest {
		return p, err
	}
	q := *p
	q.guard = g
	return &q, nil
}

// Side is the side of an address; IPv4 is ::ffff:a.b.c.d.
func (p *Prefixes) Side(a *[16]byte) geo.Side {
	side := p.classifier.Side16(a)
	if p.guard != nil && side == geo.Foreign && p.guard.classifier.Side16(a) == geo.Domestic {
		return geo.Domestic
	}
	return side
}

// Class is the direction between two addresses.
func (p *Prefixes) Class(src, dst netip.Addr) geo.Class {
	s, d := src.As16(), dst.As16()
	return geo.Combine(p.Side(&s), p.Side(&d))
}
