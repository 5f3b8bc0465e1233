package sieve

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

var (
	worldAddrs = []string{dom, dom2, "20.1.2.3", abr, abr2, "30.9.9.9", "30.0.7.7", dom6, abr6, "2400:30::77", nowhere, "224.0.0.1"}
	worldNames = []string{"c2.evil.example.com", "www.evil.example.com", "bad.example.net", "x.bad.example.net", "y.x.bad.example.net", "fine.example.org", "a.example"}
	worldWords = []string{"whoami", "cmd.exe /c", "cmd.exe /c whoami", "aaaa", "aaab", "net user"}
)

// world makes traffic at random.
type world struct {
	r      *rand.Rand
	t      testing.TB
	hellos map[string][]byte
}

func (w *world) pick(list []string) string { return list[w.r.IntN(len(list))] }

// payload is something that one side may say over TCP.
func (w *world) payload() []byte {
	var b []byte
	switch w.r.IntN(6) {
	case 0:
		name := w.pick(worldNames)
		if w.hellos[name] == nil {
			w.hellos[name] = tlsHello(w.t, name)
		}
		b = slices.Clone(w.hellos[name])
	case 1, 2:
		for range 1 + w.r.IntN(3) {
			if w.r.IntN(3) == 0 {
				body := w.noise(w.r.IntN(400))
				b = append(b, fmt.Sprintf("POST /up HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n", w.pick(worldNames), len(body))...)
				b = append(b, body...)
			} else {
				b = append(b, httpGet(w.pick(worldNames), w.pick([]string{"/", "/gate/a", "/gate/b?q=1"}))...)
			}
		}
	case 3:
		for range 1 + w.r.IntN(3) {
			b = append(b, framed(dnsQuery(w.pick(worldNames), w.r.IntN(2) == 0))...)
		}
	default:
		b = append([]byte{'~'}, w.noise(w.r.IntN(3000))...)
	}
	return b
}

// noise is bytes with words in it.
func (w *world) noise(n int) []byte {
	var b []byte
	for len(b) < n {
		if w.r.IntN(30) == 0 {
			b = append(b, w.pick(worldWords)...)
		} else {
			b = append(b, "ab ~"[w.r.IntN(4)])
		}
	}
	return b[:n]
}

// flow is the packets of one flow, without times.
func (w *world) flow() (out []pk) {
	p := pk{src: w.pick(worldAddrs), dst: w.pick(worldAddrs), sport: uint16(40000 + w.r.IntN(3)), dport: []uint16{53, 80, 443, 4444}[w.r.IntN(4)], proto: 6}
	for len(p.src) > 12 != (len(p.dst) > 12) { // of one family
		p.dst = w.pick(worldAddrs)
	}
	for (p.src[:4] == "2400") != (p.dst[:4] == "2400") {
		p.dst = w.pick(worldAddrs)
	}
	if w.r.IntN(6) == 0 {
		p.vlan = uint16(w.r.IntN(3))
	}
	for range max(0, w.r.IntN(8)-5) { // tunnels, most of which agree
		src, dst := p.src, p.dst
		if w.r.IntN(3) == 0 {
			src, dst = w.pick(worldAddrs[:3]), w.pick(worldAddrs[3:6])
		}
		p.around = append(p.around, src, dst)
	}
	if w.r.IntN(10) == 0 {
		p.opts = w.options(p.src)
	}
	if len(p.around) == 2 && w.r.IntN(4) == 0 {
		p.outerOpts = w.options(p.around[0])
	}
	switch w.r.IntN(9) {
	case 8:
		p.proto = []uint8{33, 50, 55, 59, 89, 94, 98, 103, 112, 115, 132, 136, 253}[w.r.IntN(13)]
		p.body, p.typ = make([]byte, 12+w.r.IntN(20)), 0
		binary.BigEndian.PutUint16(p.body, p.sport)
		binary.BigEndian.PutUint16(p.body[2:], p.dport)
		for range 1 + w.r.IntN(3) {
			out = append(out, w.parts(p)...)
		}
	case 0:
		p.proto, p.typ = 1, uint8(w.r.IntN(12))
		if p.src[:4] == "2400" {
			p.proto = 58
		}
		p.sport, p.dport = 0, 0
		for range 1 + w.r.IntN(3) {
			p.body = w.noise(40)
			out = append(out, p)
		}
	case 1, 2, 3:
		p.proto = 17
		if w.r.IntN(12) == 0 { // of those that are decoded, with a port that stops that
			odd := [][2]uint16{{443, 4789}, {53, 2152}, {80, 6081}, {5555, 4000}, {4000, 6080}, {51820, 51820}, {4500, 9}, {1194, 443}, {0, 0}, {53, 1701}}[w.r.IntN(10)]
			p.sport, p.dport = odd[0], odd[1]
			if w.r.IntN(2) == 0 {
				p.sport, p.dport = p.dport, p.sport
			}
		}
		for range 1 + w.r.IntN(20) {
			switch p.body = w.noise(w.r.IntN(60)); w.r.IntN(3) {
			case 0:
				p.body = dnsQuery(w.pick(worldNames), w.r.IntN(2) == 0)
			case 1:
				p.body = append([]byte{'~'}, p.body...)
			}
			if w.r.IntN(10) == 0 {
				p.body = w.inside()
			}
			out = append(out, w.parts(p)...)
		}
	default:
		out = w.segments(p)
	}
	return out
}

// options are those of one header of the family of an address.
func (w *world) options(of string) []byte {
	six := strings.Contains(of, ":")
	var all []string
	for o := range detours {
		if six == (len(o)%8 == 6) {
			all = append(all, o)
		}
	}
	slices.Sort(all)
	return []byte(w.pick(all))
}

// inside is an IP packet, perhaps with bytes behind it or damaged.
func (w *world) inside() []byte {
	b := udp(dom, dom2).build().Data[14:]
	if w.r.IntN(2) == 0 {
		b = udp(dom6, w.pick([]string{abr6, "64:ff9b::1", "4000::1", "::2"})).build().Data[14:]
	}
	if b[0] == 0x45 && w.r.IntN(2) == 0 {
		check(b[:20])
	}
	b = append(b, make([]byte, max(0, w.r.IntN(20)-9))...)
	for range w.r.IntN(3) {
		b[w.r.IntN(30)] ^= 1 << w.r.IntN(8)
	}
	return b
}

// parts are the fragments of a packet, or the packet.
func (w *world) parts(p pk) []pk {
	if w.r.IntN(8) != 0 {
		return []pk{p}
	}
	p.id = uint32(w.r.IntN(5))
	p.more = true
	first, next, last := p, p, p
	next.off, next.body = 64, w.noise(16)
	last.off, last.more, last.body = 80, false, w.noise(5)
	list := []pk{first, next, last}
	if w.r.IntN(2) == 0 {
		w.r.Shuffle(3, func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return list[:1+w.r.IntN(3)]
}

// segments are a TCP stream with what can happen to one.
func (w *world) segments(p pk) (out []pk) {
	b := w.payload()
	p.seq = w.r.Uint32()
	if w.r.IntN(5) > 0 {
		q := p
		q.flags = flagSYN
		out = append(out, q)
		p.seq++
	}
	p.flags = 0x10
	step := 1 + w.r.IntN(1400)
	if w.r.IntN(3) > 0 {
		step = max(step, len(b)/12+1)
	}
	for off := 0; off < len(b); {
		n := min(1+w.r.IntN(step), len(b)-off)
		q := p
		q.seq, q.body = p.seq+uint32(off), b[off:off+n]
		if b[0] != 22 && w.r.IntN(12) == 0 { // overlaps what comes behind, perhaps with something else; a damaged hello is read as far as it can be
			q.body = append(slices.Clone(q.body), w.noise(w.r.IntN(40))...)
		}
		if w.r.IntN(25) > 0 { // else it is lost
			out = append(out, q)
		}
		if w.r.IntN(15) == 0 {
			out = append(out, q)
		}
		off += n
	}
	if q := p; w.r.IntN(2) == 0 {
		q.seq, q.flags, q.body = p.seq+uint32(len(b)), []uint8{0x10 | flagFIN, flagRST}[w.r.IntN(2)], nil
		out = append(out, q)
	}
	for range w.r.IntN(4) {
		if len(out) > 2 {
			i := 1 + w.r.IntN(len(out)-2)
			out[i], out[i+1] = out[i+1], out[i]
		}
	}
	return out
}

// traffic mixes flows and gives them times.
func (w *world) traffic() []pk {
	var flows [][]pk
	for range 1 + w.r.IntN(12) {
		if f := w.flow(); len(f) > 0 {
			flows = append(flows, f)
		}
	}
	if len(flows) == 0 {
		return []pk{{at: t0, src: dom, dst: abr, proto: 17}}
	}
	var out []pk
	at := t0
	pace := []int64{1e5, 1e7, 2e8, 3e9}[w.r.IntN(4)]
	for len(flows) > 0 {
		i := w.r.IntN(len(flows))
		p := flows[i][0]
		if flows[i] = flows[i][1:]; len(flows[i]) == 0 {
			flows = slices.Delete(flows, i, i+1)
		}
		at += w.r.Int64N(pace)
		switch w.r.IntN(200) {
		case 0:
			at += 61e9
		case 1:
			at += 700e9
		case 2:
			at -= 90e9
		}
		p.at = at
		if w.r.IntN(10) == 0 {
			p.at -= w.r.Int64N(2e9)
		}
		out = append(out, p)
	}
	return out
}

// sels is a list at random; without expiry when swaps are tried, as it depends
// then on what else is there when an expired selector is noticed.
func (w *world) sels(expiry bool) (out []selector.Selector) {
	var all []selector.Selector
	for _, a := range worldAddrs[:9] {
		all = append(all, sel(selector.Address, a))
	}
	for _, n := range []string{"20.1.0.0/16", "20.0.0.0/8", "30.0.0.0/24", "30.0.0.0/9", "2400:30::/48", "30.0.0.0/31"} {
		all = append(all, sel(selector.Prefix, n))
	}
	all = append(all, sel(selector.Port, "tcp/443"), sel(selector.Port, "udp/53"), sel(selector.Port, "tcp/40001"))
	if w.r.IntN(5) > 0 {
		for _, n := range worldNames {
			all = append(all, sel(selector.Domain, n), sel(selector.Suffix, n))
		}
		for _, n := range worldNames {
			all = append(all, sel(selector.URI, n+"/gate/a"), sel(selector.URI, n+"/gate/b"))
		}
		for _, p := range worldWords {
			all = append(all, sel(selector.Pattern, `"`+p+`"`))
		}
	}
	few := 1 + w.r.IntN(6)
	for _, s := range all {
		if w.r.IntN(len(all)) < few {
			if expiry && w.r.IntN(4) == 0 {
				s.Expires = t0 + w.r.Int64N(3e9)
			}
			out = append(out, s)
		}
	}
	if never := sel(selector.Pattern, `"never there"`); !expiry && needsPayload(out) {
		out = append(out, never) // so that no flow is given up before its time
	}
	return out
}

func show(list []Record) (out []string) {
	for i := range list {
		r := &list[i]
		in := r.Set.Info(r.ID)
		if in.Kind == selector.Pattern {
			b, _ := hex.DecodeString(strings.TrimPrefix(in.Value, "hex:"))
			in.Value = `"` + string(b) + `"`
		}
		out = append(out, fmt.Sprintln(r.Start-t0, r.End-t0, r.Src, r.Dst, r.SrcPort, r.DstPort, r.Proto, r.Flags, r.VLAN, r.Direction, Amount{r.Packets, r.Bytes}, in.Kind, strings.TrimPrefix(in.Value, ".")))
	}
	slices.Sort(out)
	return out
}

// seed is another one where a longer search is wanted.
const seed = 5

// The sieve says what the slow twin says, of random packets and lists, however
// the packets are cut into batches, and with lists that change between them.
func TestTwin(t *testing.T) {
	rounds := 1500
	if testing.Short() {
		rounds = 300
	}
	hellos := map[string][]byte{}
	kinds := map[selector.Kind]int{}
	for round := range rounds {
		w := &world{rand.New(rand.NewPCG(uint64(round), seed)), t, hellos}
		packets := w.traffic()
		built := frames(packets)
		swaps := round%4 == 3
		lists := [][]selector.Selector{w.sels(!swaps)}
		if swaps {
			lists = append(lists, w.sels(false), w.sels(false))
		}
		var sets []*selector.Set
		for _, l := range lists {
			sets = append(sets, list(t, l...))
		}
		var granted []geo.Class
		for _, c := range every {
			if w.r.IntN(4) > 0 {
				granted = append(granted, c)
			}
		}
		var caps Amount
		if w.r.IntN(6) == 0 {
			caps.Packets = uint64(1 + w.r.IntN(len(packets)))
		}
		if w.r.IntN(6) == 0 {
			caps.Bytes = uint64(1 + w.r.IntN(50*len(packets)))
		}
		every := 1 + w.r.IntN(20) // packets between two swaps
		for _, size := range []int{1, 1 << 20} {
			if swaps {
				size = every
			}
			o := &oracle{granted: granted, swaps: swaps, caps: caps, flows: map[string]*oflow{}, frags: map[string]ofrag{}}
			var got []Record
			turn := 0
			opts := options(nil, granted...)
			opts.Directions = granted
			opts.CapPackets, opts.CapBytes = caps.Packets, caps.Bytes
			opts.Set = func() *selector.Set { return sets[turn%len(sets)] }
			s := New(opts, func(r *Record) error { got = append(got, *r); return nil })
			for off := 0; off < len(packets) && !o.capped; turn++ {
				n := min(size, len(packets)-off)
				if _, err := s.Add(built[off : off+n]); err != nil {
					t.Fatal(err)
				}
				o.use(lists[turn%len(lists)])
				for i := range n {
					o.add(packets[off+i], built[off+i].Orig)
				}
				off += n
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			o.finish()
			y := s.Tally()
			conserved(t, &y, got)
			slices.Sort(o.records)
			y.BySelector, o.y.BySelector = nil, nil
			if have := show(got); !slices.Equal(have, o.records) || fmt.Sprint(y) != fmt.Sprint(o.y) {
				t.Errorf("round %d, batches of %d, lists %v, granted %v", round, size, brief(lists), granted)
				t.Errorf("have %v\nwant %v", y, o.y)
				for _, r := range have {
					if !slices.Contains(o.records, r) {
						t.Errorf("too much: %s", r)
					}
				}
				for _, r := range o.records {
					if !slices.Contains(have, r) {
						t.Errorf("missing: %s", r)
					}
				}
				if testing.Verbose() {
					for _, p := range packets {
						t.Logf("%d %s:%d %s:%d %d flags %x seq %d %d bytes vlan %d off %d more %v id %d %v", p.at-t0, p.src, p.sport, p.dst, p.dport, p.proto, p.flags, p.seq, len(p.body), p.vlan, p.off, p.more, p.id, p.around)
					}
				}
				return
			}
			for _, r := range got {
				kinds[r.Set.Info(r.ID).Kind]++
			}
		}
	}
	for _, k := range []selector.Kind{selector.Address, selector.Prefix, selector.Domain, selector.Suffix, selector.URI, selector.Port, selector.Pattern} {
		if kinds[k] == 0 {
			t.Errorf("nothing was found by %v: %v", k, kinds)
		}
	}
	t.Log(kinds)
}

func brief(lists [][]selector.Selector) string {
	b, _ := json.Marshal(lists)
	return string(b)
}

// The order of packets in batches does not matter for anything.
func TestBatches(t *testing.T) {
	hellos := map[string][]byte{}
	for round := range 200 {
		w := &world{rand.New(rand.NewPCG(uint64(round), seed+1)), t, hellos}
		built := frames(w.traffic())
		set := list(t, w.sels(true)...)
		first, y, _ := sift(t, options(set), built, 1)
		for _, size := range []int{2, 3, 16, 127, 128, 129, 1 << 20} {
			again, z, _ := sift(t, options(set), built, size)
			if fmt.Sprint(y) != fmt.Sprint(z) || fmt.Sprint(plain(first)) != fmt.Sprint(plain(again)) {
				t.Fatalf("round %d by %d:\n%v\n%v\n%+v\n%+v", round, size, y, z, plain(first), plain(again))
			}
		}
	}
}

// plain is records in their order, without what is different each time.
func plain(list []Record) []Record {
	out := slices.Clone(list)
	for i := range out {
		out[i].Set = nil
	}
	return out
}
