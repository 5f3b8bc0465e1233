package selection

import (
	"bytes"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/engine/deid"
	flowrecord "noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
	"noroshi/internal/engine/selector/sieve"
)

// Kept is a selected communication as it leaves a run: in the fields that the
// order allows, with pseudonyms in place of identifiers. Line is one JSON object
// and a line feed; it is lent until Put returns.
type Kept struct {
	Line           []byte
	Start, End     int64 // ns since 1970 UTC
	Direction      geo.Class
	Provenance     string
	Selector       string // public id
	Packets, Bytes uint64
}

// maxRefs bounds the selectors of which the name part is remembered.
const maxRefs = 1 << 14

// shaper turns records into lines.
type shaper struct {
	has    map[string]bool
	line   []byte
	rest   []byte // ,"approval":…,"retain_until":… – the same in all records
	source string // provenance, where the order's kind decides it
	names  *deid.Names
	nets   *deid.CryptoPAn // nil: addresses stay as they are
	sealer *deid.Sealer    // nil: nobody can turn pseudonyms back
	sealed []byte
	keeps  map[selector.ID][]byte // what stays of a name, by selector
	buf    []byte
}

func newShaper(o approval.Order, retain time.Time, w *deid.Working, to *deid.Public) (*shaper, error) {
	fields, err := CheckFields(o.Fields)
	if err != nil {
		return nil, err
	}
	s := &shaper{has: map[string]bool{}, keeps: map[selector.ID][]byte{}, names: w.Names(0), line: make([]byte, 0, 1<<10), buf: make([]byte, 0, 512)}
	for _, f := range fields {
		s.has[f] = true
	}
	s.rest = append(flowrecord.AppendText([]byte(`,"approval":`), o.ID), `,"retain_until":"`...)
	s.rest = append(retain.UTC().AppendFormat(s.rest, time.RFC3339), `","provenance":"`...)
	if o.Kind == approval.Agreement {
		s.source = string(approval.Agreement)
	}
	if o.Addresses == "pseudonym" {
		s.nets = w.Networks(0)
	}
	if to == nil {
		return s, nil
	}
	s.sealer = deid.NewSealer(*to)
	s.sealed = s.sealer.Begin(nil)
	if s.nets != nil {
		s.sealed, err = s.sealer.AddNetworks(s.sealed, s.nets, 0)
	}
	return s, err
}

// timeForm is RFC 3339 with microseconds, as in records of flows.
const timeForm = "2006-01-02T15:04:05.000000Z"

// shape returns the record as it is kept.
func (s *shaper) shape(r *sieve.Record) (Kept, error) {
	k := Kept{Start: r.Start, End: r.End, Direction: r.Direction, Provenance: s.source, Selector: r.Selector, Packets: r.Packets, Bytes: r.Bytes}
	if k.Provenance == "" {
		k.Provenance = r.Direction.String()
	}
	b := append(s.line[:0], `{"start":"`...)
	b = time.Unix(0, r.Start).UTC().AppendFormat(b, timeForm)
	b = append(b, `","end":"`...)
	b = append(time.Unix(0, r.End).UTC().AppendFormat(b, timeForm), '"')
	if s.has["src"] {
		b = s.address(append(b, `,"src":"`...), r, true)
	}
	if s.has["dst"] {
		b = s.address(append(b, `,"dst":"`...), r, false)
	}
	b = s.number(b, "sport", uint64(r.SrcPort), true)
	b = s.number(b, "dport", uint64(r.DstPort), true)
	b = s.number(b, "proto", uint64(r.Proto), true)
	b = strconv.AppendUint(append(b, `,"pkts":`...), r.Packets, 10)
	b = strconv.AppendUint(append(b, `,"bytes":`...), r.Bytes, 10)
	b = s.word(b, "app", r.App.String())
	b = s.number(b, "flags", uint64(r.Flags), false)
	b = s.number(b, "vlan", uint64(r.VLAN), false)
	b = s.word(b, "tunnel", r.Tunnel.String())
	var err error
	if s.has["name"] && !r.Name.IsZero() {
		if b, err = s.name(append(b, `,"name":`...), r); err != nil {
			return Kept{}, err
		}
	}
	if s.has["ja3"] && r.JA3 != [16]byte{} {
		b = append(hex.AppendEncode(append(b, `,"ja3":"`...), r.JA3[:]), '"')
	}
	if r.JA4 != (flowrecord.JA4{}) {
		b = s.word(b, "ja4", r.JA4.String())
	}
	b = append(append(append(b, `,"direction":"`...), r.Direction.String()...), `","selector":"`...)
	b = append(append(append(b, r.Selector...), '"'), s.rest...)
	b = append(append(b, k.Provenance...), "\"}\n"...)
	s.line, k.Line = b, b
	return k, nil
}

func (s *shaper) number(b []byte, field string, v uint64, zero bool) []byte {
	if !s.has[field] || v == 0 && !zero {
		return b
	}
	b = append(append(append(b, `,"`...), field...), `":`...)
	return strconv.AppendUint(b, v, 10)
}

// word appends a word of a fixed vocabulary, which needs no escapes.
func (s *shaper) word(b []byte, field, v string) []byte {
	if !s.has[field] || v == "" {
		return b
	}
	b = append(append(append(b, `,"`...), field...), `":"`...)
	return append(append(b, v...), '"')
}

func (s *shaper) address(b []byte, r *sieve.Record, source bool) []byte {
	a := r.Dst
	if source {
		a = r.Src
	}
	if s.nets != nil {
		return append(s.nets.Append(b, a), '"')
	}
	return append(a.AppendTo(b), '"')
}

// name appends a host name of which only what the selector names stays.
func (s *shaper) name(b []byte, r *sieve.Record) ([]byte, error) {
	keep, ok := s.keeps[r.ID]
	if !ok {
		if len(s.keeps) >= maxRefs {
			clear(s.keeps)
		}
		keep = keptName(r.Set.Info(r.ID))
		s.keeps[r.ID] = keep
	}
	name := []byte(r.Name.String())
	s.buf = s.buf[:0]
	switch below := labels(name) - labels(keep); {
	case len(keep) > 0 && below == 0:
		s.buf = append(s.buf, keep...) // the selector's own name and nothing else
	case len(keep) > 0 && !bytes.HasSuffix(name, keep):
		// A label of the selector was too long or too strange to be shown.
		s.buf = append(append(s.names.Of(deid.Host, name).Append(s.buf), '.'), keep...)
	default:
		s.buf = s.names.Host(s.buf, name, keep)
	}
	if s.sealer != nil && bytes.HasPrefix(s.buf, []byte("p:")) {
		var err error
		if s.sealed, err = s.sealer.Add(s.sealed, s.names.Of(deid.Host, name), name); err != nil {
			return b, err
		}
	}
	return flowrecord.AppendText(b, string(s.buf)), nil
}

// labels counts the labels of a name, those included of which "+2." says only
// how many they are.
func labels(name []byte) int {
	n := 0
	if len(name) > 0 && name[0] == '+' {
		count, rest, _ := bytes.Cut(name[1:], []byte{'.'})
		n, _ = strconv.Atoi(string(count))
		name = rest
	}
	if len(name) == 0 {
		return n
	}
	return n + bytes.Count(name, []byte{'.'}) + 1
}

// keptName is the part of a host name that a selector names: all of a domain,
// the fixed end of a template's host; nothing where it names something else.
func keptName(s selector.Selector) []byte {
	switch s.Kind {
	case selector.Domain, selector.Suffix:
		return []byte(strings.TrimPrefix(s.Value, "."))
	case selector.URI:
		host, _, _ := strings.Cut(s.Value, "/")
		if i := strings.LastIndexAny(host, "*}"); i >= 0 {
			_, host, _ = strings.Cut(host[i:], ".")
		}
		return []byte(host)
	}
	return nil
}

// flush hands on what was sealed since.
func (s *shaper) flush(seal func([]byte) error) error {
	if len(s.sealed) == 0 {
		return nil
	}
	err := seal(s.sealed)
	s.sealed = s.sealed[:0]
	return err
}

// wipe overwrites keys and what was last worked on.
func (s *shaper) wipe() {
	s.names.Wipe()
	if s.nets != nil {
		s.nets.Wipe()
	}
	if s.sealer != nil {
		s.sealer.Wipe()
	}
	clear(s.line[:cap(s.line)])
	clear(s.buf[:cap(s.buf)])
	clear(s.sealed[:cap(s.sealed)])
}
