package nfdump

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
)

// method is how the blocks of a file are compressed.
type method uint8

// The numbers of nffileV2.h.
const (
	plainBlocks method = iota
	lzoBlocks
	bz2Blocks
	lz4Blocks
	zstdBlocks
)

// expander decompresses blocks to at most MaxBlock octets.
type expander struct{ zstd *zstd.Decoder }

// block puts the octets of a compressed block into dst, which is empty; what
// does not fit its capacity is an error, except that zstd may take more.
func (x *expander) block(m method, dst, src []byte) ([]byte, error) {
	switch m {
	case lzoBlocks:
		return lzo(dst, src, cap(dst))
	case lz4Blocks:
		return lz4(dst, src, cap(dst))
	case bz2Blocks:
		return bunzip(dst, src)
	case zstdBlocks:
		if x.zstd == nil {
			d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxBlock))
			if err != nil {
				return dst, errBlock
			}
			x.zstd = d
		}
		out, err := x.zstd.DecodeAll(src, dst)
		if err != nil {
			return out, errBlock
		}
		return out, nil
	}
	return dst, errBlock
}

// bunzip decompresses one bzip2 stream into dst's capacity.
func bunzip(dst, src []byte) ([]byte, error) {
	z := bzip2.NewReader(bytes.NewReader(src))
	room := dst[:cap(dst)]
	n := 0
	for n < len(room) {
		k, err := z.Read(room[n:])
		n += k
		if errors.Is(err, io.EOF) {
			return room[:n], nil
		}
		if err != nil {
			return room[:n], errBlock
		}
	}
	var more [1]byte
	if k, err := z.Read(more[:]); k > 0 || !errors.Is(err, io.EOF) {
		return room, errBlock
	}
	return room, nil
}

// lz4 decompresses one LZ4 block (lz4_Block_format.md): tokens of literals and
// of matches within what was written before.
func lz4(dst, src []byte, limit int) ([]byte, error) {
	begin := len(dst)
	for at := 0; at < len(src); {
		token := src[at]
		at++
		n, ok := lz4Length(src, &at, int(token>>4))
		if !ok || n > len(src)-at || len(dst)-begin+n > limit {
			return dst, errBlock
		}
		dst = append(dst, src[at:at+n]...)
		if at += n; at == len(src) {
			return dst, nil // the last sequence has literals only
		}
		if at+2 > len(src) {
			return dst, errBlock
		}
		back := int(binary.LittleEndian.Uint16(src[at:]))
		at += 2
		if n, ok = lz4Length(src, &at, int(token&15)); !ok {
			return dst, errBlock
		}
		if dst, ok = repeat(dst, begin, back, n+4, limit); !ok {
			return dst, errBlock
		}
	}
	return dst, errBlock
}

func lz4Length(src []byte, at *int, n int) (int, bool) {
	if n < 15 {
		return n, true
	}
	for {
		if *at >= len(src) || n > MaxBlock {
			return 0, false
		}
		v := src[*at]
		*at++
		n += int(v)
		if v != 255 {
			return n, true
		}
	}
}

// repeat appends n octets that stand back octets before the end; they may run
// into what is being appended.
func repeat(dst []byte, begin, back, n, limit int) ([]byte, bool) {
	from := len(dst) - back
	if back <= 0 || from < begin || len(dst)-begin+n > limit {
		return dst, false
	}
	for n > 0 {
		k := min(n, len(dst)-from)
		dst = append(dst, dst[from:from+k]...)
		from += k
		n -= k
	}
	return dst, true
}

// lzo decompresses one LZO1X stream (Linux Documentation/staging/lzo.rst
// describes it): an instruction is a copy of literals, or a match with up to
// three literals behind it. What the lowest instructions mean depends on the
// literals copied just before.
func lzo(dst, src []byte, limit int) ([]byte, error) {
	x := lzoReader{src: src, dst: dst, begin: len(dst), limit: limit}
	x.run()
	if x.bad || !x.done {
		return x.dst, errBlock
	}
	return x.dst, nil
}

type lzoReader struct {
	src, dst     []byte
	at           int
	begin, limit int
	before       int // literals copied last: 0 to 3 behind a match, 4 in a run of their own
	done, bad    bool
}

func (x *lzoReader) run() {
	if len(x.src) > 0 && x.src[0] > 17 { // the stream begins with literals
		n := int(x.src[0]) - 17
		x.at = 1
		x.literals(n)
		x.before = min(n, 4)
	}
	for !x.done && !x.bad {
		x.step()
	}
}

func (x *lzoReader) step() {
	c := x.octet()
	switch {
	case c >= 64:
		back := int(x.octet())<<3 + c>>2&7 + 1
		x.match(back, c>>5+1, c&3)
	case c >= 32:
		n := x.length(c&31, 31) + 2
		v := x.word()
		x.match(v>>2+1, n, v&3)
	case c >= 16:
		n := x.length(c&7, 7) + 2
		v := x.word()
		back := c&8<<11 + v>>2
		if back == 0 {
			x.done = !x.bad
			return
		}
		x.match(back+0x4000, n, v&3)
	case x.before == 0:
		x.literals(x.length(c, 15) + 3)
		x.before = 4
	case x.before < 4:
		x.match(x.octet()<<2+c>>2+1, 2, c&3)
	default:
		x.match(x.octet()<<2+c>>2+0x801, 3, c&3)
	}
}

// octet returns the next octet of the input; beyond its end the stream is bad.
func (x *lzoReader) octet() int {
	if x.at >= len(x.src) {
		x.bad = true
		return 0
	}
	x.at++
	return int(x.src[x.at-1])
}

func (x *lzoReader) word() int {
	low := x.octet()
	return x.octet()<<8 | low
}

// length returns n, or when it is 0 the longer form: 255 for every zero octet,
// then the first other one, and base.
func (x *lzoReader) length(n, base int) int {
	if n > 0 {
		return n
	}
	n = base
	for !x.bad {
		v := x.octet()
		if v != 0 {
			return n + v
		}
		if n += 255; n > x.limit {
			x.bad = true
		}
	}
	return 0
}

func (x *lzoReader) literals(n int) {
	if n > len(x.src)-x.at || len(x.dst)-x.begin+n > x.limit {
		x.bad = true
	}
	if !x.bad {
		x.dst = append(x.dst, x.src[x.at:x.at+n]...)
		x.at += n
	}
}

func (x *lzoReader) match(back, n, then int) {
	if x.bad {
		return
	}
	var ok bool
	if x.dst, ok = repeat(x.dst, x.begin, back, n, x.limit); !ok {
		x.bad = true
		return
	}
	x.literals(then)
	x.before = then
}
