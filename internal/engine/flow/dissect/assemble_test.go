package dissect

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// talk is one communication as the two sides said it, in the order in which
// it was seen: the input of tests that cut it into pieces.
type talk struct {
	src, dst netip.AddrPort
	proto    uint8
	said     []utterance
	next     [2]uint32
	begun    [2]bool
	ahead    [2]map[uint32][]byte
}

// utterance is contiguous bytes of one side, or a datagram.
type utterance struct {
	side int
	at   int64
	b    []byte
	lost uint64 // bytes missing before it
}

// talks puts the packets of a capture together, slowly and without bounds.
func talks(t testing.TB, name string, b []byte) (out []*talk) {
	t.Helper()
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	type key struct {
		a, b  netip.AddrPort
		proto uint8
	}
	have := map[key]*talk{}
	batch := make([]capture.Packet, 64)
	var h packet.Headers
	for {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			p := &batch[i]
			packet.Decode(p, &h)
			if h.Proto != packet.ProtoTCP && h.Proto != packet.ProtoUDP || h.SrcPort == 0 && h.DstPort == 0 {
				continue
			}
			src := netip.AddrPortFrom(netip.AddrFrom16(h.Src).Unmap(), h.SrcPort)
			dst := netip.AddrPortFrom(netip.AddrFrom16(h.Dst).Unmap(), h.DstPort)
			k := key{src, dst, h.Proto}
			if src.Compare(dst) > 0 {
				k = key{dst, src, h.Proto}
			}
			syn := h.Proto == packet.ProtoTCP && h.TCPFlags&2 != 0
			c := have[k]
			if c == nil || syn && h.TCPFlags&16 == 0 && c.begun[0] && h.Seq+1 != c.next[0] {
				c = &talk{src: src, dst: dst, proto: h.Proto, ahead: [2]map[uint32][]byte{{}, {}}}
				if syn && h.TCPFlags&16 != 0 {
					c.src, c.dst = dst, src
				}
				have[k], out = c, append(out, c)
			}
			side := record.Out
			if src != c.src {
				side = record.In
			}
			payload := bytes.Clone(p.Data[h.Payload : h.Payload+h.PayloadLen])
			if h.Proto == packet.ProtoUDP {
				c.said = append(c.said, utterance{side: side, at: p.At, b: payload})
				continue
			}
			c.segment(side, p.At, &h, payload)
		}
		if err != nil {
			break
		}
	}
	for _, c := range out {
		c.rest()
	}
	return out
}

func (c *talk) segment(side int, at int64, h *packet.Headers, b []byte) {
	seq := h.Seq
	if h.TCPFlags&2 != 0 {
		seq++
	}
	if !c.begun[side] {
		c.begun[side], c.next[side] = true, seq
	}
	if len(b) == 0 {
		return
	}
	if len(c.ahead[side][seq]) < len(b) {
		c.ahead[side][seq] = b
	}
	for c.advance(side, at) {
	}
}

// advance says what comes next, if it is there.
func (c *talk) advance(side int, at int64) bool {
	for from, b := range c.ahead[side] {
		behind := int32(c.next[side] - from)
		if behind < 0 {
			continue
		}
		delete(c.ahead[side], from)
		if int(behind) < len(b) {
			c.next[side] += uint32(len(b)) - uint32(behind)
			c.said = append(c.said, utterance{side: side, at: at, b: b[behind:]})
		}
		return true
	}
	return false
}

// rest says what lies behind gaps.
func (c *talk) rest() {
	for side := range c.ahead {
		for len(c.ahead[side]) > 0 {
			first, found := uint32(0), false
			for at := range c.ahead[side] {
				if !found || int32(at-first) < 0 {
					first, found = at, true
				}
			}
			lost := uint64(first - c.next[side])
			c.next[side] = first
			before := len(c.said)
			for c.advance(side, 0) {
			}
			if len(c.said) > before {
				c.said[before].lost = lost
			}
		}
	}
}

// playing is the contract of Start and Stream as the flow table keeps it.
type playing struct {
	rec    record.Record
	facts  record.Facts
	stream Stream
	know   bool
	left   [2][]byte
	skip   [2]uint64
	done   [2]bool
	state  State
}

func newPlaying(c *talk, n *record.Naming) *playing {
	p := &playing{rec: record.Record{Src: c.src.Addr(), Dst: c.dst.Addr(), SrcPort: c.src.Port(), DstPort: c.dst.Port(), Proto: c.proto}}
	p.facts = record.Facts{Record: &p.rec, Naming: n}
	return p
}

func (p *playing) data(side int, at int64, b []byte) {
	if p.done[side] || p.know && p.stream == nil {
		return
	}
	n := min(p.skip[side], uint64(len(b)))
	p.skip[side] -= n
	if b = b[n:]; len(b) == 0 {
		return
	}
	p.left[side] = append(p.left[side], b...)
	if !p.know {
		if p.stream, p.know = Start(side, p.left[side], p.facts); p.stream == nil {
			return
		}
		if other := 1 - side; len(p.left[other]) > 0 {
			p.show(other, at)
		}
	}
	p.show(side, at)
}

func (p *playing) show(side int, at int64) {
	seen := p.left[side]
	switch n := p.stream.Data(side, at, seen); {
	case n == Done:
		p.done[side] = true
	case n < 0:
		panic("BUG: a stream returns a negative number")
	case n >= len(seen):
		p.skip[side], p.left[side] = uint64(n-len(seen)), nil
	default:
		p.left[side] = bytes.Clone(seen[n:])
		p.done[side] = len(seen)-n > Window
	}
}

func (p *playing) lost(side int, n uint64) {
	passed := min(p.skip[side], n)
	p.skip[side] -= passed
	if n -= passed; n == 0 || p.done[side] {
		return
	}
	if p.left[side] = nil; p.stream != nil {
		p.stream.Lost(side, n)
	}
}

// play shows a communication in pieces of at most the lengths that cut gives,
// leaving out the utterances that drop says, and returns its record.
func play(c *talk, n *record.Naming, cut func(int) int, drop func(int) bool) *record.Record {
	p := newPlaying(c, n)
	for i, u := range c.said {
		if c.proto == packet.ProtoUDP {
			if !drop(i) {
				Datagram(u.side, u.at, bytes.Clone(u.b), p.facts, &p.state)
			}
			continue
		}
		if u.lost > 0 {
			p.lost(u.side, u.lost)
		}
		if drop(i) {
			p.lost(u.side, uint64(len(u.b)))
			continue
		}
		for b := u.b; len(b) > 0; {
			k := min(cut(len(b)), len(b))
			p.data(u.side, u.at, b[:k])
			b = b[k:]
		}
	}
	if p.stream != nil {
		p.stream.End()
	}
	p.state.End()
	return &p.rec
}

func none(int) bool      { return false }
func whole(n int) int    { return n }
func bytewise(n int) int { return 1 }
func always(int) bool    { return true }
func asText(r *record.Record) string {
	return string(record.AppendJSON(nil, r))
}

// captures of the shared archives in which the protocols of this part are.
var spoken = []string{
	"dns/long-connection.pcap", "dns53.pcap", "dns-edns-tcp-keepalive.pcap", "dns/mdns.pcap", "dns/naptr.pcap", "dns/dns-binds.pcap",
	"http/pipelined-requests.pcap", "http/100-continue.pcap", "http/connect-with-smtp.pcap", "http/proxy.pcap", "http/multipart.pcap",
	"http/get.pcap", "http/post.pcap", "http/bro.org-filtered.pcap", "http/docker-http-upgrade.pcap", "http/http_09.pcap",
	"http/261/variant-01-chunk_2pow64_overflow.pcap", "http/261/variant-04-te_cl_desync.pcap", "http/smuggle-http-request.pcap",
	"http/cooper-grill-dvwa.pcapng", "http/zero-length-bodies-with-drops.pcap", "http/entity_gap.pcap",
	"smtp.pcap", "smtp-multi-addr.pcap", "smtp-one-side-only.pcap", "smtp/rfc3030-bdat-multipart-chunked.pcap", "tls/smtp-starttls.pcap",
	"tls/imap-starttls.pcap", "tls/pop3-starttls.pcap", "pop3/pop3.pcap", "pop3-unknown-commands.pcap",
	"smb/smb1.pcap", "smb/smb3.pcap", "smb/smb311.pcap", "smb/smb2readwrite.pcap", "smb/smb1_transaction_request.pcap",
	"smb/raw_ntlm_in_smb.pcap", "smb/smb2-multiple-pdus.pcap", "dce-rpc/dce_rpc_ntlm.pcapng",
	"rdp/rdp-proprietary-encryption.pcap", "rdp/rdp-to-ssl.pcap", "rdp/rdp-x509.pcap", "rdp/rdp-no-cookie-mstshash.pcap",
	"krb/kinit.pcap", "krb/auth.pcap", "krb/kerberos_tso.pcapng", "krb/smb2_krb.pcap", "krb/error-preauth-padata.pcap",
	"ldap/simpleauth.pcap", "ldap/ldap-starttls.pcap", "ldap/sasl-ntlm.pcap", "ldap/aduser1.pcap", "ldap/ldap-add.pcap",
	"modbus/modbus-eit.pcap", "modbus/modbusSmall.pcap", "modbus/fuzz-72.pcap", "modbus/modbus-and-non-modbus-p502.pcap",
	"dnp3/dnp3.pcap", "dnp3/dnp3_udp_write.pcap", "dnp3/dnp3_file_write.pcap", "dnp3/dnp3_select_operate.pcap",
	"socks.pcap", "tunnels/socks.pcap",
}

// A record must not depend on how the bytes were cut into pieces, whether by
// the network or by the reader.
func TestPiecesDoNotMatter(t *testing.T) {
	n := record.NewNaming([32]byte{3}, true)
	rnd := rand.New(rand.NewPCG(1, 2))
	compared := 0
	for _, zip := range []string{"pcap/zeek-traces.zip", "pcap/suricata-verify-dev.zip", "pcap/ipfixprobe-functional.zip", "copyleft/pcap/ndpi-dev.zip"} {
		for name, f := range archive(t, zip) {
			if !isCapture(name) || f.UncompressedSize64 > 3<<20 {
				continue
			}
			for i, c := range talks(t, name, content(t, f)) {
				size := total(c)
				if c.proto != packet.ProtoTCP || size == 0 || size > 512<<10 {
					continue
				}
				compared++
				want := asText(play(c, n, whole, none))
				cuts := map[string]func(int) int{"at random": func(n int) int { return 1 + rnd.IntN(n) }}
				if size < 16<<10 {
					cuts["byte by byte"] = bytewise
				}
				for what, cut := range cuts {
					if got := asText(play(c, n, cut, none)); got != want {
						t.Errorf("%s %d %s:\n got %s\nwant %s", name, i, what, got, want)
					}
				}
			}
		}
	}
	if t.Logf("%d conversations", compared); compared < 900 {
		t.Error("too few")
	}
}

func isCapture(name string) bool {
	name = strings.TrimSuffix(name, ".gz")
	return strings.HasSuffix(name, ".pcap") || strings.HasSuffix(name, ".pcapng") || strings.HasSuffix(name, ".cap") || strings.HasSuffix(name, ".trace")
}

func total(c *talk) (n int) {
	for _, u := range c.said {
		n += len(u.b)
	}
	return n
}

// Gaps, missing sides and beginnings that were not seen must do no harm: what
// is read on is bounded by what was said.
func TestGapsDoNoHarm(t *testing.T) {
	files := archive(t, "pcap/zeek-traces.zip")
	n := record.NewNaming([32]byte{3}, false)
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, name := range spoken {
		f := files[name]
		if f == nil {
			t.Errorf("%s is not in the archive", name)
			continue
		}
		for _, c := range talks(t, name, content(t, f)) {
			full := play(c, n, whole, none)
			for range 8 {
				r := play(c, n, whole, func(int) bool { return rnd.IntN(6) == 0 })
				if len(r.HTTP) > 2*len(full.HTTP)+4 || len(r.DNS) > 2*len(full.DNS) {
					t.Errorf("%s: %d requests and %d questions out of %d and %d", name, len(r.HTTP), len(r.DNS), len(full.HTTP), len(full.DNS))
				}
			}
			for side := range 2 {
				play(c, n, whole, func(i int) bool { return c.said[i].side == side })
			}
			skip := rnd.IntN(len(c.said) + 1)
			mid := *c
			mid.said = c.said[skip:]
			play(&mid, n, whole, none)
			if r := play(c, n, whole, always); len(r.DNS)+len(r.HTTP) > 0 {
				t.Errorf("%s: facts out of nothing", name)
			}
		}
	}
}
