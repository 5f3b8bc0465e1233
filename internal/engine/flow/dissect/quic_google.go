package dissect

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Google's versions before QUIC was standardised: Q043 and earlier have a
// header of their own, Q044 to Q048 an early long header; in all of these the
// hello is in clear. Q050 encrypts it as drafts do.

const (
	maxOldOffset = 160 // bytes in which the hello has to begin
	maxOldTags   = 64
)

// isNewGoogle reports Q044 to Q048.
func isNewGoogle(v uint32) bool { return v >= 0x51303434 && v <= 0x51303438 }

// isOldQUIC reports a packet of a client of Q043 or earlier: flags that say
// that connection id and version are there, and a version.
func isOldQUIC(b []byte) bool {
	return len(b) >= 13 && b[0]&0x89 == 0x09 && b[9] == 'Q' && b[10] == '0' && allDigits(b[11:13])
}

// old reads the names in a hello of one of Google's versions: its tags are in
// order, each with the offset at which its value ends.
func (q *quicState) old(b, version []byte, f record.Facts) {
	facts := q.facts(binary.BigEndian.Uint32(version), f)
	at := bytes.Index(b[:min(len(b), maxOldOffset)], []byte("CHLO"))
	if at < 0 || len(b) < at+8 {
		return
	}
	b = b[at+4:]
	count := int(binary.LittleEndian.Uint16(b))
	tags := b[4:]
	if count > maxOldTags || len(tags) < 8*count {
		return
	}
	values := tags[8*count:]
	from := 0
	for ; count > 0; count-- {
		tag, to := tags[:4], int(binary.LittleEndian.Uint32(tags[4:]))
		tags = tags[8:]
		if to < from || to > len(values) {
			break
		}
		switch string(tag) {
		case "SNI\x00":
			facts.SNI = f.Naming.Host(values[from:to])
		case "UAID":
			facts.Agent = f.Naming.Agent(values[from:to])
		}
		from = to
	}
	q.end()
}
