package capture

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// What follows writes captures in every form, slowly and after the drafts, for
// tests to read.

// some returns n packets of random content and size.
func some(r *rand.Rand, n int) []Packet {
	ps := make([]Packet, n)
	at := int64(1_700_000_000_000_000_000)
	for i := range ps {
		size := r.IntN(200)
		switch {
		case r.IntN(40) == 0:
			size = 60_000
		case r.IntN(3) == 0:
			size = 1000 + r.IntN(514)
		}
		at += r.Int64N(5_000_000)
		ps[i] = Packet{Data: make([]byte, size), At: at / 1000 * 1000, Orig: uint32(size + r.IntN(2)*r.IntN(100)), Link: LinkEthernet}
		for j := range ps[i].Data {
			ps[i].Data[j] = byte(r.Uint32())
		}
	}
	return ps
}

type form1 struct {
	o     binary.ByteOrder
	magic uint32
	minor uint16
}

// old writes a pcap file.
func old(f form1, ps []Packet) []byte {
	var b bytes.Buffer
	put := func(vs ...any) {
		for _, v := range vs {
			binary.Write(&b, f.o, v)
		}
	}
	put(f.magic, uint16(2), f.minor, uint32(0), uint32(0), uint32(65535), uint32(1)|0x1c<<24)
	if f.magic == magicHardware {
		put(uint32(12345))
	}
	for i := range ps {
		p := &ps[i]
		unit := int64(1000)
		if f.magic == magicNano || f.magic == magicHardware {
			unit = 1
		}
		put(uint32(p.At/1e9), uint32(p.At%1e9/unit))
		if f.minor < 3 {
			put(p.Orig, uint32(len(p.Data)))
		} else {
			put(uint32(len(p.Data)), p.Orig)
		}
		if f.magic == magicModified {
			put(uint32(7), uint16(0x0800), uint16(0))
		}
		b.Write(p.Data)
	}
	return b.Bytes()
}

// ng writes a pcapng file: two interfaces with different units and links, every
// kind of packet block, options and unknown blocks between them. times says
// whether simple packet blocks, which have no time, may be used.
func ng(o binary.ByteOrder, r *rand.Rand, ps []Packet, times bool) []byte {
	var out bytes.Buffer
	block := func(kind uint32, body []byte) {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		n := uint32(12 + len(body))
		binary.Write(&out, o, [2]uint32{kind, n})
		out.Write(body)
		binary.Write(&out, o, n)
	}
	body := func(vs ...any) []byte {
		var b bytes.Buffer
		for _, v := range vs {
			if raw, ok := v.([]byte); ok {
				b.Write(raw)
				continue
			}
			binary.Write(&b, o, v)
		}
		return b.Bytes()
	}
	option := func(code uint16, v []byte) []byte {
		size := uint16(len(v))
		for len(v)%4 != 0 {
			v = append(v, 0)
		}
		return body(code, size, v)
	}
	head := func() {
		block(blockSection, body(uint32(byteOrderMagic), uint16(1), uint16(0), int64(-1), option(2, []byte("x"))))
		block(blockInterface, body(uint16(LinkEthernet), uint16(0), uint32(0), option(9, []byte{9}), option(0, nil)))
		block(blockInterface, body(uint16(LinkEthernet), uint16(0), uint32(0), option(9, []byte{6}), option(14, body(int64(1_600_000_000))), option(0, nil)))
		block(blockInterface, body(uint16(LinkEthernet), uint16(0), uint32(0)))
	}
	head()
	for i := range ps {
		p := &ps[i]
		if r.IntN(50) == 0 {
			head()
		}
		if r.IntN(10) == 0 {
			block(0x0bad, make([]byte, r.IntN(3000)))
		}
		if r.IntN(20) == 0 {
			block(blockStatistics, body(uint32(0), uint64(0), option(5, body(uint64(3))), option(0, nil)))
		}
		lengths := [2]uint32{uint32(len(p.Data)), p.Orig}
		pad := make([]byte, -len(p.Data)&3)
		id := uint32(r.IntN(3))
		t := uint64(p.At)
		switch id {
		case 1:
			t = uint64(p.At-1_600_000_000e9) / 1000
		case 2:
			t = uint64(p.At) / 1000
		}
		stamp := [2]uint32{uint32(t >> 32), uint32(t)}
		switch kind := r.IntN(5); {
		case kind == 0 && !times && int(p.Orig) == len(p.Data):
			block(blockSimple, body(p.Orig, p.Data))
		case kind == 1:
			block(blockOldPacket, body(uint16(id), uint16(0xffff), stamp, lengths, p.Data, pad))
		default:
			block(blockPacket, body(id, stamp, lengths, p.Data, pad, option(1, []byte("a comment")), option(0, nil)))
		}
	}
	return out.Bytes()
}

func gzipped1(b []byte, level int) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, level)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstd1(b []byte, opts ...zstd.EOption) []byte {
	w, _ := zstd.NewWriter(nil, opts...)
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// zstdStream compresses without saying the size in advance.
func zstdStream(b []byte, opts ...zstd.EOption) []byte {
	var out bytes.Buffer
	w, _ := zstd.NewWriter(&out, opts...)
	for len(b) > 0 {
		n := min(len(b), 70_000)
		w.Write(b[:n])
		b = b[n:]
	}
	w.Close()
	return out.Bytes()
}
