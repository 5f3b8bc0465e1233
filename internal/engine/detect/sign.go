package detect

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"noroshi/internal/engine/flow/record"
)

// Sign is one thing that a list of indicators looks for: a network or an
// address, a name, or a fingerprint.
type Sign struct {
	Label  string       // by which a finding calls it: its id, or the value itself
	Prefix netip.Prefix // zero when it is another kind
	Name   string       // a name in the form that records have: through their Naming; also all below it
	Print  string       // JA3 or HASSH, 32 hexadecimal digits, or JA4
	Part   bool         // it is part of a pattern that asks for more
}

// signs are the same for looking up.
type signs struct {
	all      []Sign
	prefixes map[netip.Prefix]int32
	lengths4 []int // that occur, the longest first
	lengths6 []int
	names    map[string]int32
	prints   map[string]int32
	next     []int32 // another sign that looks for the same, -1 without
}

func newSigns(list []Sign) signs {
	s := signs{all: slices.Clone(list)}
	if len(list) == 0 {
		return s
	}
	for i := range s.all {
		s.all[i].Label, s.all[i].Name = readable(s.all[i].Label), strings.ToLower(s.all[i].Name)
	}
	s.prefixes, s.names, s.prints = map[netip.Prefix]int32{}, map[string]int32{}, map[string]int32{}
	s.next = make([]int32, len(list))
	var have4 [33]bool
	var have6 [129]bool
	for i, x := range s.all {
		switch {
		case x.Prefix.IsValid():
			p := x.Prefix.Masked()
			chain(&s, s.prefixes, p, i)
			if p.Addr().Is4() {
				have4[p.Bits()] = true
			} else {
				have6[p.Bits()] = true
			}
		case x.Name != "":
			chain(&s, s.names, x.Name, i)
		case x.Print != "":
			chain(&s, s.prints, x.Print, i)
		}
	}
	for n := 32; n >= 0; n-- {
		if have4[n] {
			s.lengths4 = append(s.lengths4, n)
		}
	}
	for n := 128; n >= 0; n-- {
		if have6[n] {
			s.lengths6 = append(s.lengths6, n)
		}
	}
	return s
}

// maxLabel bounds what a list calls a sign, in bytes.
const maxLabel = 255

// readable is what a list calls a sign without what does not print or changes how
// the rest is shown: others wrote the list, and a person reads it on a terminal.
func readable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), maxLabel)], "")
}

// chain puts a sign before those that look for the same.
func chain[K comparable](s *signs, m map[K]int32, k K, i int) {
	s.next[i] = -1
	if j, ok := m[k]; ok {
		s.next[i] = j
	}
	m[k] = int32(i)
}

func (s *signs) addr(a netip.Addr) int32 {
	a = a.Unmap()
	lengths := s.lengths6
	if a.Is4() {
		lengths = s.lengths4
	}
	for _, n := range lengths {
		if p, err := a.Prefix(n); err == nil {
			if i, ok := s.prefixes[p]; ok {
				return i
			}
		}
	}
	return -1
}

// name looks a name up, and all names above it.
func (s *signs) name(name string) int32 {
	for rest := name; len(s.names) > 0; {
		if i, ok := s.names[rest]; ok {
			return i
		}
		dot := strings.IndexByte(rest, '.')
		if dot < 0 {
			break
		}
		rest = rest[dot+1:]
	}
	return -1
}

// hit is a machine and a sign that matched, 0.2 KB.
type hit struct {
	Src, Dst    ip
	Name        string
	Label       string
	What        string // address, name, print
	Part        bool
	Answered    bool
	Port        uint16
	Proto       uint8
	Count       uint32
	Out, In     uint64
	First, Last int64
}

// match looks at a record for signs.
func (d *Detector) match(f *flow) {
	s := &d.signs
	if len(s.all) == 0 {
		return
	}
	if i := s.addr(f.Dst); i >= 0 && !f.toHome {
		d.hit(f, i, "address", "", false)
	} else if i := s.addr(f.Src); i >= 0 && !f.fromHome {
		d.hit(f, i, "address", "", true)
	}
	if f.name != nil {
		if i := s.name(f.name.text); i >= 0 {
			d.hit(f, i, "name", f.name.text, false)
		}
	}
	for i := range f.DNS {
		name := f.DNS[i].Name.Fold()
		if k := s.name(name); k >= 0 && (f.fromHome || !f.toHome) {
			d.hit(f, k, "name", s.all[k].Name, false)
		}
	}
	if len(s.prints) == 0 {
		return
	}
	for _, p := range printsOf(f.Record) {
		if i, ok := s.prints[p]; ok {
			d.hit(f, i, "print", f.text(), false)
		}
	}
}

// printsOf are the fingerprints of who began.
func printsOf(r *record.Record) (out []string) {
	add := func(b []byte) {
		text := ""
		for _, c := range b {
			text += hex(uint64(c), 2)
		}
		out = append(out, text)
	}
	if r.TLS != nil {
		if r.TLS.JA3 != [16]byte{} {
			add(r.TLS.JA3[:])
		}
		if (r.TLS.JA4 != record.JA4{}) {
			out = append(out, string(r.TLS.JA4[:]))
		}
	}
	if r.QUIC != nil && (r.QUIC.JA4 != record.JA4{}) {
		out = append(out, string(r.QUIC.JA4[:]))
	}
	if r.SSH != nil && r.SSH.HASSH != [16]byte{} {
		add(r.SSH.HASSH[:])
	}
	return out
}

func (d *Detector) hit(f *flow, i int32, what, name string, incoming bool) {
	for ; i >= 0; i = d.signs.next[i] {
		d.hitOne(f, &d.signs.all[i], what, name, incoming)
	}
}

func (d *Detector) hitOne(f *flow, x *Sign, what, name string, incoming bool) {
	src, dst, at := f.src, f.dst, f.srcHash
	if incoming {
		src, dst, at = f.dst, f.src, f.dstHash
	}
	h, fresh := d.state.Hits.at(mix(at, hashText(x.Label, d.state.Seed)))
	if fresh {
		*h = hit{Src: src, Dst: dst, Name: name, Label: x.Label, What: what, Part: x.Part, Port: f.port, Proto: f.Proto, First: f.Start}
	}
	h.First, h.Last = min(h.First, f.Start), max(h.Last, f.End)
	h.Count++
	h.Answered = h.Answered || f.answered && !f.failed
	out, in := f.volume[0], f.volume[1]
	if incoming {
		out, in = in, out
	}
	h.Out, h.In = h.Out+out, h.In+in
}

// judgeHits tells of the signs that matched. What was answered weighs more than
// a try, what one's own machine began more than what knocked.
func (d *Detector) judgeHits() (out []Finding) {
	d.state.Hits.each(func(h *hit) {
		f := Finding{Kind: Indicator, Src: h.Src.addr(), Dst: h.Dst.addr(), Name: h.Name, Port: h.Port, Proto: h.Proto, Start: h.First, End: h.Last}
		if h.What == "name" && h.Port == 53 {
			f.Dst = netip.Addr{} // the resolver is not the other end
		}
		f.Score = 0.6 + 0.25*yes(h.Answered) + 0.1*scale(float64(h.Count), 1, 100)
		if h.Part {
			f.Score *= 0.8
		}
		f.Parts = []Part{{"answered", yes(h.Answered)}, {"often", scale(float64(h.Count), 1, 100)}, {"whole_pattern", yes(!h.Part)}}
		f.fact("indicator", h.Label)
		f.fact("matched", h.What)
		f.fact("count", int64(h.Count))
		f.fact("bytes_out", int64(h.Out))
		f.fact("bytes_in", int64(h.In))
		out = append(out, f)
	})
	return out
}
