package packet

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
)

// MaxDepth bounds the headers of one packet that are followed.
const MaxDepth = 256

// Decode fills h with what the headers of p say and returns h.Fault: why
// decoding stopped early, or None. What was found until then stays in h.
func Decode(p *capture.Packet, h *Headers) Fault {
	if p.Link == capture.LinkEthernet && fast(p.Data, int(p.Orig), h) {
		return None
	}
	*h = Headers{wide: true}
	w := walk{h: h, d: p.Data, end: max(int(p.Orig), len(p.Data))}
	w.run(linkStep(p.Link))
	w.finish()
	return h.Fault
}

// kind says how the bytes at a walk's offset are read.
type kind uint8

const (
	kDone  kind = iota
	kLink       // arg: LINKTYPE_
	kType       // arg: EtherType
	kProto      // arg: IP protocol number
	kEther
	kLLC
	kPPP     // a PPP protocol field
	kMPLS    // a label stack
	kGuessIP // IPv4 or IPv6 by the first four bits
	kVXLAN
	kVXLANGPE
	kGeneve
	kGRE // in UDP, RFC 8086
	kGTP
	kTeredo
	kAYIYA
	kL2TP
	kSFlow
	kTZSP
	kLISP
	kCAPWAP
	kGTPOld
)

// step is what comes next.
type step struct {
	kind kind
	arg  uint16
}

var done = step{}

// walk goes from header to header. off and end are offsets in d; end is where
// the current layer ends on the wire and may lie behind what was captured.
type walk struct {
	h      *Headers
	d      []byte
	off    int
	end    int
	headed bool // an IP header was read
	quotes int  // how many ICMP errors this packet is quoted in
}

func (w *walk) run(s step) {
	for depth := 0; s.kind != kDone; depth++ {
		if depth == MaxDepth {
			w.fail(TooDeep)
			return
		}
		switch s.kind {
		case kType:
			s = w.etherType(s.arg)
		case kProto:
			s = w.protocol(uint8(s.arg))
		case kLink:
			s = w.link(capture.Link(s.arg))
		case kEther:
			s = w.ethernet()
		case kLLC:
			s = w.llc()
		case kPPP:
			s = w.pppProtocol()
		case kMPLS:
			s = w.mpls()
		case kGuessIP:
			s = w.guessIP()
		default:
			s = w.inUDP(s.kind)
		}
	}
}

// finish sets the payload: what lies behind the last header.
func (w *walk) finish() {
	off := min(w.off, len(w.d))
	w.h.Payload = uint32(off)
	w.h.PayloadLen = uint32(max(min(w.end, len(w.d))-off, 0))
	w.h.PayloadWire = uint32(max(w.end-off, 0))
}

// fail ends the walk with a reason; the first reason stays.
func (w *walk) fail(f Fault) step {
	if w.h.Fault == None {
		w.h.Fault = f
	}
	return done
}

// have reports whether n bytes of the current layer were captured at off.
func (w *walk) have(n int) bool { return w.off+n <= w.end && w.off+n <= len(w.d) }

// short ends the walk where a header is missing bytes.
func (w *walk) short() step { return w.fail(Truncated) }

// at returns what was captured from the current offset on.
func (w *walk) at() []byte { return w.d[w.off:] }

func (w *walk) u16(i int) uint16 { return binary.BigEndian.Uint16(w.d[w.off+i:]) }
func (w *walk) u32(i int) uint32 { return binary.BigEndian.Uint32(w.d[w.off+i:]) }

// clip ends the current layer n bytes behind off unless it ends before.
func (w *walk) clip(n int) { w.end = min(w.end, w.off+n) }
