package packet

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/capture"
)

// maxSamples bounds the samples of a datagram and the records of a sample.
const maxSamples = 256

// sflow notes the layers of the packet headers that an sFlow datagram samples
// (sFlow version 5, sflow.org/sflow_version_5.txt section 5): quoted, as they
// were not sent here.
func (w *walk) sflow() {
	d := w.d[w.off:max(min(w.end, len(w.d)), w.off)]
	if len(d) < 8 || binary.BigEndian.Uint32(d) != 5 {
		return
	}
	at := 24 + 4 // an IPv4 agent
	if binary.BigEndian.Uint32(d[4:]) == 2 {
		at += 12
	}
	for range maxSamples {
		if len(d) < at+8 {
			return
		}
		kind, size := binary.BigEndian.Uint32(d[at:]), int(binary.BigEndian.Uint32(d[at+4:]))
		at += 8
		if size > len(d)-at {
			return
		}
		switch kind {
		case 1:
			w.samples(at+32, at+size)
		case 3:
			w.samples(at+44, at+size)
		}
		at += size
	}
}

// samples reads the records of a flow sample; from and to are offsets behind off.
func (w *walk) samples(from, to int) {
	d := w.d[w.off:]
	for range maxSamples {
		if from+8 > to {
			return
		}
		kind, size := binary.BigEndian.Uint32(d[from:]), int(binary.BigEndian.Uint32(d[from+4:]))
		from += 8
		if size > to-from {
			return
		}
		if kind == 1 && size >= 16 {
			w.sampled(from, size)
		}
		from += size
	}
}

// sampled reads a record of a raw packet header.
func (w *walk) sampled(from, size int) {
	d := w.d[w.off+from:]
	proto, wire := binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:])
	var first step
	switch proto {
	case 1:
		first = linkStep(capture.LinkEthernet)
	case 11:
		first = step{kType, typeIPv4}
	case 12:
		first = step{kType, typeIPv6}
	default:
		return
	}
	start := w.off + from + 16
	w.quoted(start, start+min(int(binary.BigEndian.Uint32(d[12:])), size-16, int(wire)), first)
}
