package capture

import "encoding/binary"

// oldFormat is the state of a pcap file (draft-ietf-opsawg-pcap) and its kin.
type oldFormat struct {
	unit   int64 // nanoseconds of a fraction
	record int   // bytes of a record header
	link   Link
	swapped
}

// swapped says that a file's two lengths may stand in the other order, as
// versions before 2.4 wrote them.
type swapped uint8

const (
	lengthsUsual swapped = iota
	lengthsTurned
	lengthsEither
)

const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // records with interface, protocol and packet type
	magicHardware = 0x1c0001ac // Ixia, time of the hardware: nanoseconds
	magicSoftware = 0x1c0001ab // Ixia, time of the software
	pcapHeader    = 24
)

// pcapMagic returns a file's magic number and whether it is big-endian.
func pcapMagic(b []byte) (magic uint32, big, ok bool) {
	for _, big = range []bool{false, true} {
		magic = binary.LittleEndian.Uint32(b)
		if big {
			magic = binary.BigEndian.Uint32(b)
		}
		switch magic {
		case magicMicro, magicNano, magicModified, magicHardware, magicSoftware:
			return magic, big, true
		}
	}
	return 0, false, false
}

// beginPcap reads a file header at lo.
func (r *Reader) beginPcap() bool {
	if !r.need(pcapHeader) {
		return false
	}
	b := r.buf[r.lo:r.hi]
	magic, big, ok := pcapMagic(b)
	if !ok {
		return false
	}
	r.form, r.swap = formPcap, big
	o := oldFormat{unit: 1000, record: 16, link: Link(r.u32(b[20:]))} // above 16 bits: facts about the FCS
	size := pcapHeader
	switch magic {
	case magicNano:
		o.unit = 1
	case magicModified:
		o.record = 24
	case magicHardware, magicSoftware:
		o.unit = 1
		size += 4 // length of all records
	}
	if r.u16(b[4:]) == 2 {
		switch minor := r.u16(b[6:]); {
		case minor < 3:
			o.swapped = lengthsTurned
		case minor == 3:
			o.swapped = lengthsEither
		}
	}
	r.old = o
	r.stats.Sections++
	return r.skip(int64(size))
}

// nextPcap fills batch from the records in the buffer and reads on only while
// the batch is empty. It returns 0 when a section or the capture ended.
func (r *Reader) nextPcap(batch []Packet) int {
	head := r.old.record
	n := 0
	if r.old.swapped == lengthsUsual && !r.swap && head == 16 {
		n = r.usual(batch)
	}
	for n < len(batch) {
		rest := r.buf[r.lo:r.hi]
		if len(rest) < head {
			if n > 0 {
				return n
			}
			if !r.need(head) {
				r.cutOff()
				return 0
			}
			continue
		}
		size, orig := int(r.u32(rest[8:])), r.u32(rest[12:])
		if r.old.swapped != lengthsUsual && (r.old.swapped == lengthsTurned || size > int(orig)) {
			size, orig = int(orig), uint32(size)
		}
		seconds, fraction := r.u32(rest), r.u32(rest[4:])
		if (fraction&^0x06060606 == 0 || seconds == blockSection) && fileAhead(rest) {
			if n == 0 && !r.begin() {
				r.cutOff()
			}
			return n
		}
		if len(rest) < head+size || size > MaxPacket {
			if n > 0 {
				return n
			}
			if !r.awaitRecord(size) {
				return 0
			}
			continue
		}
		r.lo += head + size
		batch[n] = Packet{
			Data: rest[head : head+size : head+size],
			At:   int64(seconds)*1e9 + int64(fraction)*r.old.unit,
			Orig: orig, Link: r.old.link,
		}
		n++
	}
	return n
}

// usual is nextPcap for what nearly every file is, as far as records are whole
// and nothing about them is strange. nextPcap goes on from there.
func (r *Reader) usual(batch []Packet) int {
	rest, unit, link := r.buf[r.lo:r.hi], r.old.unit, r.old.link
	n := 0
	for n < len(batch) && len(rest) >= 16 {
		seconds, fraction := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:])
		size := uint(binary.LittleEndian.Uint32(rest[8:]))
		if fraction&^0x06060606 == 0 || seconds == blockSection || size > MaxPacket || size > uint(len(rest)-16) {
			break
		}
		p := &batch[n]
		p.Orig, p.Link = binary.LittleEndian.Uint32(rest[12:]), link
		p.At = int64(seconds)*1e9 + int64(fraction)*unit
		p.Data = rest[16 : 16+size : 16+size]
		rest = rest[16+size:]
		n++
	}
	r.lo = r.hi - len(rest)
	return n
}

// awaitRecord reads until a record of size bytes is there. A record too long
// for the buffer is skipped; it returns false when the capture or the file in
// it ended.
func (r *Reader) awaitRecord(size int) bool {
	switch {
	case size <= MaxPacket:
		if r.need(r.old.record + size) {
			return true
		}
		r.cutOff()
		return false
	case size > 128*MaxPacket:
		r.damaged()
		return false
	}
	r.stats.Oversize++
	if !r.skip(int64(r.old.record + size)) {
		r.cutOff()
		return false
	}
	return true
}

// fileAhead reports whether a file header stands where a record should: files
// were put behind one another. No record looks like this: its time would be
// 2055 or 1975 with a fraction that is a version number.
func fileAhead(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	if _, big, ok := pcapMagic(b); ok {
		major, minor := binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])
		if big {
			major, minor = binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:])
		}
		return major == 2 && minor == 4
	}
	return binary.LittleEndian.Uint32(b) == blockSection &&
		(binary.LittleEndian.Uint32(b[8:]) == byteOrderMagic || binary.BigEndian.Uint32(b[8:]) == byteOrderMagic)
}
