package capture

import (
	"encoding/binary"
	"errors"
	"io"
)

// ErrFormat says that the input is no pcap or pcapng file, plain or compressed.
var ErrFormat = errors.New("neither pcap nor pcapng")

// Reader reads one capture. It is not safe for concurrent use.
type Reader struct {
	src   io.Reader
	buf   []byte // the one buffer; packets point into it
	lo    int    // what was parsed ends here
	hi    int    // what was read ends here
	eof   bool
	order binary.ByteOrder
	nano  bool
	link  Link
	stats Stats
}

const bufferSize = 2 << 20

// NewReader returns a reader of a capture whose format and compression are
// recognised by content. It returns ErrFormat for anything else and io.EOF for
// an empty input.
func NewReader(src io.Reader) (*Reader, error) {
	r := &Reader{src: src, buf: make([]byte, bufferSize)}
	if !r.need(24) {
		return nil, ErrFormat
	}
	h := r.buf
	for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch o.Uint32(h) {
		case 0xa1b2c3d4:
			r.order = o
		case 0xa1b23c4d:
			r.order, r.nano = o, true
		}
	}
	if r.order == nil {
		return nil, ErrFormat
	}
	r.link = Link(r.order.Uint32(h[20:]))
	r.lo = 24
	return r, nil
}

// need reads until n bytes stand at lo, moving what is unread to the front.
func (r *Reader) need(n int) bool {
	if r.hi-r.lo >= n {
		return true
	}
	copy(r.buf, r.buf[r.lo:r.hi])
	r.hi, r.lo = r.hi-r.lo, 0
	for r.hi < n && !r.eof {
		k, err := r.src.Read(r.buf[r.hi:])
		r.hi += k
		r.eof = err != nil
	}
	return r.hi >= n
}

// Next fills batch with the packets that follow, at least one, and returns how
// many. Their Data is overwritten by the next call. It returns io.EOF at the
// end of the capture; a last packet that the file does not hold wholly is
// counted in Stats.Truncated.
func (r *Reader) Next(batch []Packet) (int, error) {
	n := 0
	for n < len(batch) {
		if r.hi-r.lo < 16 && n > 0 || !r.need(16) {
			break
		}
		h := r.buf[r.lo:]
		size, orig := int(r.order.Uint32(h[8:])), r.order.Uint32(h[12:])
		if r.hi-r.lo < 16+size && n > 0 || size > MaxPacket || !r.need(16+size) {
			break
		}
		h = r.buf[r.lo:]
		frac := int64(r.order.Uint32(h[4:]))
		if !r.nano {
			frac *= 1000
		}
		batch[n] = Packet{Data: h[16 : 16+size : 16+size], At: int64(r.order.Uint32(h))*1e9 + frac, Orig: orig, Link: r.link}
		r.lo += 16 + size
		n++
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Stats returns what has been seen so far.
func (r *Reader) Stats() Stats { return r.stats }

// Wipe overwrites every buffer that held packets. The reader is at its end afterwards.
func (r *Reader) Wipe() { clear(r.buf); r.lo, r.hi, r.eof = 0, 0, true }
