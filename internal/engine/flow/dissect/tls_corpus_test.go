package dissect

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/testkit"
)

const sharedData = "../../../../../shared/data/"

// player feeds the packets of a capture to the dissectors of this part: a
// small, slow flow table of the test's own.
type player struct {
	naming *record.Naming
	flows  map[string]*played
	order  []*played
	rnd    *rand.Rand // splits what a stream is shown at random places, when set
	keep   bool       // the bytes of each direction stay in all
}

// played is one communication.
type played struct {
	rec    *record.Record
	src    string
	stream Stream
	quic   quicState
	dtls   dtlsState
	dir    [2]direction
}

type direction struct {
	started bool
	next    uint32
	left    []byte // shown again
	skip    int
	done    bool
	ahead   map[uint32][]byte
	all     []byte
}

func newPlayer() *player {
	return &player{naming: record.NewNaming([32]byte{7}, true), flows: map[string]*played{}}
}

func (p *player) file(t testing.TB, name string, b []byte) {
	t.Helper()
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	batch := make([]capture.Packet, 64)
	var h packet.Headers
	for {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			packet.Decode(&batch[i], &h)
			p.packet(batch[i].Data, &h)
		}
		if err != nil {
			break
		}
	}
	for _, f := range p.order {
		p.end(f)
	}
}

func (p *player) packet(data []byte, h *packet.Headers) {
	if h.Proto != packet.ProtoTCP && h.Proto != packet.ProtoUDP || h.SrcPort == 0 && h.DstPort == 0 {
		return
	}
	proto, sport, dport := h.Proto, h.SrcPort, h.DstPort
	src, dst := netip.AddrFrom16(h.Src).Unmap(), netip.AddrFrom16(h.Dst).Unmap()
	payload := data[h.Payload : h.Payload+h.PayloadLen]
	var tcp *packet.Headers
	if proto == packet.ProtoTCP {
		tcp = h
	}
	const syn, ack = 2, 16
	a, b := netip.AddrPortFrom(src, sport).String(), netip.AddrPortFrom(dst, dport).String()
	key := fmt.Sprint(proto, min(a, b), max(a, b))
	f := p.flows[key]
	if f == nil || tcp != nil && tcp.TCPFlags&(syn|ack) == syn && f.dir[0].started && f.dir[0].next != tcp.Seq+1 {
		f = &played{src: a, rec: &record.Record{Src: src, Dst: dst, SrcPort: sport, DstPort: dport, Proto: proto}}
		if tcp != nil && tcp.TCPFlags&(syn|ack) == syn|ack { // the first packet is the answer
			f.src, f.rec.Src, f.rec.Dst, f.rec.SrcPort, f.rec.DstPort = b, dst, src, dport, sport
		}
		p.flows[key] = f
		p.order = append(p.order, f)
	}
	side := record.Out
	if a != f.src {
		side = record.In
	}
	if tcp != nil {
		p.segment(f, side, tcp, payload)
		return
	}
	p.datagram(f, side, payload)
}

func (p *player) facts(f *played) record.Facts { return record.Facts{Record: f.rec, Naming: p.naming} }

func (p *player) datagram(f *played, side int, b []byte) {
	switch {
	case f.rec.App == record.QUICApp || f.rec.App == record.NoApp && isQUIC(b):
		f.rec.App = record.QUICApp
		f.quic.datagram(side, 0, b, p.facts(f))
	case isDTLS(b):
		f.rec.App = record.TLSApp
		f.dtls.datagram(side, 0, b, p.facts(f))
	}
}

// segment puts the bytes of a direction in order.
func (p *player) segment(f *played, side int, tcp *packet.Headers, b []byte) {
	d := &f.dir[side]
	seq := tcp.Seq
	b = bytes.Clone(b)
	if tcp.TCPFlags&2 != 0 {
		seq++
	}
	if !d.started {
		d.started, d.next, d.ahead = true, seq, map[uint32][]byte{}
	}
	if len(b) == 0 {
		return
	}
	if have := d.ahead[seq]; len(have) < len(b) {
		d.ahead[seq] = b
	}
	for again := true; again; {
		again = false
		for at, b := range d.ahead {
			if behind := int32(d.next - at); behind >= 0 {
				delete(d.ahead, at)
				if again = true; int(behind) < len(b) {
					d.next += uint32(len(b)) - uint32(behind)
					p.show(f, side, b[behind:])
				}
				break
			}
		}
	}
}

// end shows what is left behind gaps.
func (p *player) end(f *played) {
	for side := range f.dir {
		d := &f.dir[side]
		for len(d.ahead) > 0 {
			first, found := uint32(0), false
			for at := range d.ahead {
				if !found || int32(at-first) < 0 {
					first, found = at, true
				}
			}
			b := d.ahead[first]
			delete(d.ahead, first)
			gap := int32(first - d.next)
			if gap > 0 {
				d.left, d.skip = nil, 0
				if f.stream != nil {
					f.stream.Lost(side, uint64(gap))
				}
			} else if int(-gap) >= len(b) {
				continue
			} else {
				b = b[-gap:]
			}
			d.next = first + uint32(len(d.ahead[first]))
			p.show(f, side, b)
		}
	}
	if f.stream != nil {
		f.stream.End()
	}
	f.quic.end()
	f.dtls.end()
}

// show feeds contiguous bytes to the stream, in pieces when asked to.
func (p *player) show(f *played, side int, b []byte) {
	if p.keep {
		f.dir[side].all = append(f.dir[side].all, b...)
		return
	}
	if f.stream == nil {
		// A protocol in clear before TLS would hand over here.
		hello := len(b) > 5 && (b[0] != tlsHandshake || b[5] == clientHello || b[5] == serverHello)
		switch {
		case isTLS(b) && hello:
			if f.stream = newTLS(p.facts(f)); f.rec.App == record.NoApp {
				f.rec.App = record.TLSApp
			}
		case seenSSH(b) == yes || f.rec.DstPort == 22 && side == record.In && bytes.Contains(b, []byte("\nSSH-")):
			f.stream, f.rec.App = newSSH(p.facts(f)), record.SSHApp
		default:
			return
		}
	}
	for len(b) > 0 {
		n := len(b)
		if p.rnd != nil {
			n = 1 + p.rnd.IntN(n)
		}
		feed(f.stream, &f.dir[side], side, b[:n])
		b = b[n:]
	}
}

// feed is the contract of Stream.Data, as the table keeps it.
func feed(s Stream, d *direction, side int, b []byte) {
	if d.done {
		return
	}
	n := min(d.skip, len(b))
	d.skip, b = d.skip-n, b[n:]
	if len(b) == 0 {
		return
	}
	d.left = append(d.left, b...)
	switch used := s.Data(side, 0, d.left); {
	case used == Done:
		d.done, d.left = true, nil
	case used > len(d.left):
		d.skip, d.left = used-len(d.left), nil
	default:
		d.left = slices.Clone(d.left[used:])
		if len(d.left) > Window {
			d.done, d.left = true, nil
		}
	}
}

// archive opens a zip of the shared test data and returns its files by name.
func archive(t testing.TB, name string) map[string]*zip.File {
	t.Helper()
	path := sharedData + name
	if _, err := os.Stat(path); err != nil {
		testkit.Skip(t, filepath.Base(name)+" is not there")
	}
	r, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	out := map[string]*zip.File{}
	for _, f := range r.File {
		out[f.Name] = f
	}
	return out
}

func content(t testing.TB, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
