package packet

// MaxFragmented bounds the fragmented packets that are watched at once. The one
// begun longest ago goes first.
const MaxFragmented = 1024

// Reassembly watches the parts of fragmented packets: which have come, and what
// layers the first one begins. It keeps no content. Its zero value is ready.
type Reassembly struct {
	Complete  int64 // packets all of whose parts came
	Abandoned int64 // packets forgotten before that
	Bad       int64 // parts that contradict each other or cannot be

	byKey map[fragmentKey]*fragmented
	oldest,
	newest *fragmented
	spare *fragmented
}

type fragmentKey struct {
	pair  Pair
	id    uint32
	proto uint8
}

// fragmented is what is known of one fragmented packet. Offsets count eight
// octets (RFC 791 section 3.2), so a bit each is exact.
type fragmented struct {
	key        fragmentKey
	seen       [65536 / 8 / 64]uint64
	have       int    // bits set in seen
	want       int    // bits of the whole packet; 0 until the last part came
	inside     Layers // what the first part begins
	next, prev *fragmented
}

// Layers returns the layers to count for a decoded packet: all of them, unless
// it is part of a fragmented packet; then those down to the fragment header,
// and with the part that completes the packet also what it carries.
func (r *Reassembly) Layers(h *Headers) Layers {
	all := h.Layers | h.Quoted
	if h.Before == 0 {
		return all
	}
	if h.FragWhole { // parts not captured wholly, or damaged, are not put together
		return r.part(h, all)
	}
	if h.FragOffset == 0 {
		return all
	}
	return h.Before
}

func (r *Reassembly) part(h *Headers, all Layers) Layers {
	pair := Pair{h.Src, h.Dst, h.V6}
	if h.FragPair < h.Outers {
		pair = h.Outer[h.FragPair]
	}
	key := fragmentKey{pair: pair, id: h.FragID}
	if !pair.V6 { // RFC 791 section 3.2 tells apart by protocol, RFC 8200 section 4.5 does not
		key.proto = h.FragProto
	}
	f := r.byKey[key]
	if f == nil {
		f = r.open(key)
	}
	from, n := int(h.FragOffset/8), int(h.FragLen+7)/8
	if from+n > len(f.seen)*64 || h.More && h.FragLen%8 != 0 {
		r.Bad++
		return h.Before
	}
	for i := from; i < from+n; i++ {
		if bit := uint64(1) << (i & 63); f.seen[i>>6]&bit == 0 {
			f.seen[i>>6] |= bit
			f.have++
		}
	}
	if h.FragOffset == 0 {
		f.inside = all
	}
	if !h.More {
		if f.want != 0 && f.want != from+n {
			r.Bad++
		}
		f.want = from + n
	}
	if f.want == 0 || f.have < f.want {
		return h.Before
	}
	inside := f.inside
	r.Complete++
	r.close(f)
	return h.Before | inside
}

func (r *Reassembly) open(key fragmentKey) *fragmented {
	if r.byKey == nil {
		r.byKey = make(map[fragmentKey]*fragmented)
	}
	if len(r.byKey) == MaxFragmented {
		r.Abandoned++
		r.close(r.oldest)
	}
	f := r.spare
	if f != nil {
		r.spare = f.next
		*f = fragmented{}
	} else {
		f = new(fragmented)
	}
	f.key = key
	f.prev = r.newest
	if r.newest != nil {
		r.newest.next = f
	} else {
		r.oldest = f
	}
	r.newest = f
	r.byKey[key] = f
	return f
}

func (r *Reassembly) close(f *fragmented) {
	delete(r.byKey, f.key)
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		r.oldest = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	} else {
		r.newest = f.prev
	}
	f.prev, f.next = nil, r.spare
	r.spare = f
}

// Open returns how many fragmented packets wait for parts.
func (r *Reassembly) Open() int64 { return int64(len(r.byKey)) }
