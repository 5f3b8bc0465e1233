package synth

import (
	"container/heap"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
)

// LinkConfig is what some minutes of a line between countries are made of.
type LinkConfig struct {
	Seed   uint64
	Start  time.Time
	Length time.Duration // 10 minutes
	Talks  int           // ordinary communications; 2,000
}

// What is planted into a line between countries. All of it is made up; Content
// stands in mails and pages, and nothing that reads the line may keep it.
const (
	LinkDomain  = "update-check.hibana.example" // that infected machines ask for
	LinkMailbox = "tanaka.hanako@aohama-power.example"
	LinkContent = "ZQ内容は誰にも残らないはず"
)

// LinkServer gives the orders that infected machines fetch, LinkRelay is another
// machine abroad that fetches from it.
var (
	LinkServer = netip.MustParseAddr("198.18.66.6")
	LinkRelay  = netip.MustParseAddr("198.51.100.66")
)

// LinkOwn and LinkAway are the networks at home and abroad: networks of
// examples, so that made-up traffic is never taken for somebody's.
func LinkOwn() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("203.0.113.0/24")}
}

// LinkAway is described at LinkOwn.
func LinkAway() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24")}
}

// WriteLink writes the packets of a line between countries as a pcap file of raw
// IP: pages, mails and questions in all four directions, some wrapped in a
// tunnel, some from addresses that are nobody's; and, in three directions, what
// asks LinkServer for orders.
func WriteLink(w io.Writer, c LinkConfig) error {
	if c.Length <= 0 {
		c.Length = 10 * time.Minute
	}
	if c.Talks <= 0 {
		c.Talks = 2000
	}
	out, err := capture.NewWriter(w, capture.LinkRaw)
	if err != nil {
		return err
	}
	l := link{rng: rand.New(rand.NewPCG(c.Seed, 0x6c696e6b)), start: c.Start.UnixNano(), length: int64(c.Length)}
	for i := range c.Talks {
		l.talk(i, c.Talks)
	}
	l.orders()
	for len(l.to) > 0 {
		p := heap.Pop(&l.to).(capture.Packet)
		if err := out.Write(&p); err != nil {
			return err
		}
	}
	return nil
}

// link makes up communications of a line.
type link struct {
	rng           *rand.Rand
	start, length int64
	to            packets
	names         *record.Naming
}

func (l *link) at(i, n int) int64 { return l.start + second/10 + int64(i)*(l.length-second)/int64(n) }

func (l *link) home() netip.Addr {
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + l.rng.IntN(250))})
}

func (l *link) abroad() netip.Addr {
	return netip.AddrFrom4([4]byte{198, 18, byte(l.rng.IntN(60)), byte(1 + l.rng.IntN(250))})
}

// write adds the packets of one communication that with fills in further.
func (l *link) write(at int64, src, dst netip.Addr, port uint16, proto uint8, with func(*record.Record)) {
	r := record.Record{Start: at, End: at + second/2, Src: src, Dst: dst, SrcPort: uint16(32768 + l.rng.IntN(28000)), DstPort: port, Proto: proto,
		State: record.Closed, Packets: [2]uint64{1, 1}, Payload: [2]uint64{uint64(300 + l.rng.IntN(900)), uint64(l.rng.IntN(6000))}}
	with(&r)
	f := frames{r: &r, to: &l.to, at: at}
	f.write()
}

func (l *link) naming() *record.Naming {
	if l.names == nil {
		l.names = record.NewNaming([32]byte{}, true)
	}
	return l.names
}

// talk is one ordinary communication: its ends by turns in each of the four
// directions, and some that are nobody's.
func (l *link) talk(i, n int) {
	src, dst := l.home(), l.abroad()
	switch i % 8 {
	case 0, 1:
		src, dst = dst, src
	case 2, 3:
		src = l.abroad()
	case 4:
		dst = netip.AddrFrom4([4]byte{203, 0, 113, byte(1 + l.rng.IntN(250))})
	case 5:
		src = netip.AddrFrom4([4]byte{10, 1, byte(l.rng.IntN(9)), byte(1 + l.rng.IntN(250))}) // leaked from some private network
	}
	at := l.at(i, n)
	switch l.rng.IntN(4) {
	case 0:
		l.mail(at, src, dst)
	case 1:
		l.write(at, src, dst, 53, 17, func(r *record.Record) {
			r.AddDNS(record.DNS{Type: 1, Name: l.naming().Host([]byte("www.minato-kisen.example")), Answered: true})
		})
	default:
		l.write(at, src, dst, 443, 6, func(r *record.Record) {
			r.TLS = &record.TLS{SNI: l.naming().Host([]byte("portal.aohama-power.example"))}
		})
	}
	if i%50 == 7 {
		l.wrapped(at, src, dst)
	}
}

// mail is a letter in the clear (RFC 5321), with words that nobody may keep.
func (l *link) mail(at int64, src, dst netip.Addr) {
	lines := []string{"EHLO mx.aohama-power.example", "MAIL FROM:<" + LinkMailbox + ">", "RCPT TO:<desk@minato-kisen.example>", "DATA",
		"Subject: " + LinkContent, "", LinkContent, ".", "QUIT", ""}
	f := frames{r: &record.Record{Src: src, Dst: dst, SrcPort: uint16(32768 + l.rng.IntN(28000)), DstPort: 25, Proto: 6}, to: &l.to, at: at, seq: [2]uint32{7, 9}}
	f.segment(record.Out, syn, nil, 0)
	f.segment(record.In, syn|ack, nil, 0)
	f.segment(record.Out, ack, nil, 0)
	f.segment(record.In, psh|ack, []byte("220 mx ESMTP\r\n"), 0)
	f.segment(record.Out, psh|ack, []byte(strings.Join(lines, "\r\n")), 0)
	f.segment(record.In, fin|ack, []byte("250 OK\r\n"), 0)
	f.segment(record.Out, fin|ack, nil, 0)
}

// wrapped is a packet between two ends in a tunnel between two others (RFC
// 2003): outside it goes home, inside it does not.
func (l *link) wrapped(at int64, src, dst netip.Addr) {
	inner := make([]byte, 28)
	ip4(inner, 17, l.abroad(), l.abroad())
	binary.BigEndian.PutUint16(inner[20:], 4000)
	binary.BigEndian.PutUint16(inner[22:], 4001)
	binary.BigEndian.PutUint16(inner[24:], 8)
	outer := make([]byte, 20, 48)
	outer = append(outer, inner...)
	ip4(outer, 4, src, dst)
	heap.Push(&l.to, capture.Packet{Data: outer, At: at, Orig: uint32(len(outer)), Link: capture.LinkRaw})
}

// ip4 writes an IPv4 header (RFC 791 §3.1) over the first 20 bytes.
func ip4(b []byte, proto byte, src, dst netip.Addr) {
	b[0], b[8], b[9] = 0x45, 64, proto
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	s, t := src.As4(), dst.As4()
	copy(b[12:], s[:])
	copy(b[16:], t[:])
}

// orders are what is looked for: machines at home and abroad ask the server for
// orders, by its address and by its name, and the server calls some of them.
func (l *link) orders() {
	beat := func(src netip.Addr, port uint16) func(int64) {
		return func(at int64) {
			l.write(at, src, LinkServer, port, 6, func(r *record.Record) {
				r.TLS = &record.TLS{SNI: l.naming().Host([]byte(LinkDomain))}
				r.Payload = [2]uint64{517, 1200}
			})
		}
	}
	lookup := func(src netip.Addr) func(int64) {
		return func(at int64) {
			l.write(at, src, l.abroad(), 53, 17, func(r *record.Record) {
				r.AddDNS(record.DNS{Type: 1, Name: l.naming().Host([]byte(LinkDomain)), Answered: true})
			})
		}
	}
	inHome := []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("203.0.113.8")}
	beats := []func(int64){beat(LinkRelay, 443), beat(inHome[0], 443), beat(inHome[1], 8443), func(at int64) {
		l.write(at, LinkServer, inHome[0], 4444, 6, func(r *record.Record) { r.Payload = [2]uint64{96, 0} })
	}, lookup(inHome[0]), lookup(LinkRelay)}
	for i, do := range beats {
		for k := range 20 {
			do(l.start + second + int64(i)*second/3 + int64(k)*(l.length-3*second)/20)
		}
	}
}
