package dissect

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

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
}

// played is one communication.
type played struct {
	rec    *record.Record
	src    string
	stream Stream
	quic   quicState
	dir    [2]direction
}

type direction struct {
	started bool
	next    uint32
	left    []byte // shown again
	skip    int
	done    bool
	ahead   map[uint32][]byte
}

func newPlayer() *player {
	return &player{naming: record.NewNaming([32]byte{7}, true), flows: map[string]*played{}}
}

func (p *player) file(t testing.TB, name string, b []byte) {
	t.Helper()
	if strings.HasSuffix(name, ".gz") {
		r, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b, err = io.ReadAll(r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	var next func() ([]byte, gopacket.CaptureInfo, error)
	var link layers.LinkType
	if r, err := pcapgo.NewReader(bytes.NewReader(b)); err == nil {
		r.SetSnaplen(0)
		next, link = r.ReadPacketData, r.LinkType()
	} else if r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions); err == nil {
		next, link = r.ReadPacketData, r.LinkType()
	} else {
		return // not a format of this reader; the table of flows has a better one
	}
	for {
		data, _, err := next()
		if err != nil {
			break
		}
		p.packet(gopacket.NewPacket(data, link, gopacket.DecodeOptions{Lazy: true, NoCopy: true}))
	}
	for _, f := range p.order {
		p.end(f)
	}
}

func (p *player) packet(pkt gopacket.Packet) {
	var src, dst netip.Addr
	var last gopacket.Layer
	proto := uint8(0)
	for _, l := range pkt.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			src, _ = netip.AddrFromSlice(l.SrcIP)
			dst, _ = netip.AddrFromSlice(l.DstIP)
		case *layers.IPv6:
			src, _ = netip.AddrFromSlice(l.SrcIP)
			dst, _ = netip.AddrFromSlice(l.DstIP)
		case *layers.TCP:
			last, proto = l, 6
		case *layers.UDP:
			last, proto = l, 17
		}
	}
	if last == nil || !src.IsValid() {
		return
	}
	var sport, dport uint16
	tcp, _ := last.(*layers.TCP)
	if tcp != nil {
		sport, dport = uint16(tcp.SrcPort), uint16(tcp.DstPort)
	} else {
		udp := last.(*layers.UDP)
		sport, dport = uint16(udp.SrcPort), uint16(udp.DstPort)
	}
	a, b := netip.AddrPortFrom(src, sport).String(), netip.AddrPortFrom(dst, dport).String()
	key := fmt.Sprint(proto, min(a, b), max(a, b))
	f := p.flows[key]
	if f == nil || tcp != nil && tcp.SYN && !tcp.ACK && f.dir[0].started && f.dir[0].next != tcp.Seq+1 {
		f = &played{src: a, rec: &record.Record{Src: src, Dst: dst, SrcPort: sport, DstPort: dport, Proto: proto}}
		if tcp != nil && tcp.SYN && tcp.ACK { // the first packet is the answer
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
		p.segment(f, side, tcp)
		return
	}
	p.datagram(f, side, bytes.Clone(last.LayerPayload()))
}

func (p *player) facts(f *played) record.Facts { return record.Facts{Record: f.rec, Naming: p.naming} }

func (p *player) datagram(f *played, side int, b []byte) {
	switch {
	case f.rec.App == record.QUICApp || f.rec.App == record.NoApp && isQUIC(b):
		f.rec.App = record.QUICApp
		f.quic.datagram(side, 0, b, p.facts(f))
	case isDTLS(b):
		f.rec.App = record.TLSApp
		dtlsDatagram(side, 0, b, p.facts(f))
	}
}

// segment puts the bytes of a direction in order.
func (p *player) segment(f *played, side int, tcp *layers.TCP) {
	d := &f.dir[side]
	seq, b := tcp.Seq, bytes.Clone(tcp.Payload)
	if tcp.SYN {
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
}

// show feeds contiguous bytes to the stream, in pieces when asked to.
func (p *player) show(f *played, side int, b []byte) {
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
