package export

import (
	"encoding/binary"
	"net/netip"
)

// The layout of a NetFlow v5 record, in the terms of v9 (Cisco NetFlow
// Services Solutions Guide, table B-4).
var layout5 = [...]field{
	{0, 8, 4}, {0, 12, 4}, {0, 15, 4}, {0, 10, 2}, {0, 14, 2}, {0, 2, 4}, {0, 1, 4}, {0, 22, 4}, {0, 21, 4},
	{0, 7, 2}, {0, 11, 2}, {0, 210, 1}, {0, 6, 1}, {0, 4, 1}, {0, 5, 1}, {0, 16, 2}, {0, 17, 2}, {0, 9, 1}, {0, 13, 1}, {0, 210, 2},
}

const (
	head5, size5 = 24, 48
	head9        = 20
	headIPFIX    = 16
)

// netflow5 decodes v5 datagrams: a header of 24 octets and count records of
// 48. Relays put several behind one another.
func (d *Decoder) netflow5(from netip.Addr, at int64, data []byte, b *Batch) error {
	for {
		n, err := d.one5(from, at, data, b)
		if err != nil {
			return err
		}
		if data = data[n:]; len(data) < head5 || binary.BigEndian.Uint16(data) != 5 {
			return nil
		}
	}
}

// one5 decodes the first datagram of data and returns its length.
func (d *Decoder) one5(from netip.Addr, at int64, data []byte, b *Batch) (int, error) {
	if len(data) < head5 {
		d.stats.Unversioned++
		return 0, ErrVersion
	}
	count := int(binary.BigEndian.Uint16(data[2:]))
	size := head5 + count*size5
	e := d.exporter(from, NetFlow5, uint32(binary.BigEndian.Uint16(data[20:])), at, min(size, len(data)))
	up, secs, nanos := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:]), binary.BigEndian.Uint32(data[12:])
	number := binary.BigEndian.Uint32(data[16:])
	e.follow(number, up, secs, at)
	e.consumed(number, uint32(count), true)
	if rate := binary.BigEndian.Uint16(data[22:]) & 0x3fff; rate != 0 {
		e.sampling = uint32(rate)
	}
	c := clock{export: int64(secs)*1e9 + int64(nanos%1e9), uptime: up, legacy: true}
	var err error
	if have := (len(data) - head5) / size5; have < count {
		count, err = have, ErrMalformed
		e.counts.Malformed++
	}
	if d.five == nil {
		p := compile(layout5[:], true)
		d.five = &p
	}
	records := data[head5:]
	for left := count; left > 0; {
		row, got := b.take(left)
		d.five.run(b, row, got, records, size5, &c, e)
		records = records[got*size5:]
		left -= got
	}
	e.counts.Records += uint64(count)
	return min(size, len(data)), err
}

// netflow9 decodes a v9 datagram: a header of 20 octets and flow sets.
func (d *Decoder) netflow9(from netip.Addr, at int64, data []byte, b *Batch) error {
	if len(data) < head9 {
		d.stats.Unversioned++
		return ErrVersion
	}
	e := d.exporter(from, NetFlow9, binary.BigEndian.Uint32(data[16:]), at, len(data))
	up, secs, number := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:]), binary.BigEndian.Uint32(data[12:])
	if e.follow(number, up, secs, at) {
		d.forget(e) // a device that began anew may number its templates anew
	}
	c := clock{export: int64(secs) * 1e9, uptime: up, legacy: true}
	n, known, err := d.message(e, data[head9:], &c, at, b)
	e.counted(number, uint32(n), known && err == nil)
	return err
}

// ipfix decodes an IPFIX message: a header of 16 octets and sets.
func (d *Decoder) ipfix(from netip.Addr, at int64, data []byte, b *Batch) error {
	if len(data) < headIPFIX {
		d.stats.Unversioned++
		return ErrVersion
	}
	e := d.exporter(from, IPFIX, binary.BigEndian.Uint32(data[12:]), at, len(data))
	size, secs, number := int(binary.BigEndian.Uint16(data[2:])), binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	if size < headIPFIX || size > len(data) {
		e.counts.Malformed++
		return ErrMalformed
	}
	e.follow(number, 0, secs, at)
	c := clock{export: int64(secs) * 1e9, boot: e.boot}
	n, known, err := d.message(e, data[headIPFIX:size], &c, at, b)
	e.consumed(number, uint32(n), known && err == nil)
	return err
}

// message decodes the sets of a v9 or IPFIX datagram. It returns the number of
// data records and whether every set's could be told.
func (d *Decoder) message(e *exporter, data []byte, c *clock, at int64, b *Batch) (n int, known bool, err error) {
	known = true
	v9 := e.kind == NetFlow9
	var bad error
	for len(data) >= 4 {
		id, size := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if size < 4 || size > len(data) {
			bad = ErrMalformed
			break
		}
		body := data[4:size]
		data = data[size:]
		switch {
		case v9 && id <= optionsSet9, !v9 && (id == templateSet || id == optionsSet):
			if err := d.definitions(e, id, body, b); err != nil {
				bad = err
			}
		case id < firstTemplate: // reserved
			bad = ErrMalformed
		default:
			t := d.template(e, id)
			if t == nil {
				d.wait(e, id, body, c, at)
				known = false
				continue
			}
			got, err := d.records(e, t, body, c, b)
			n += got
			if err != nil {
				bad = err
			}
		}
	}
	if bad == ErrMalformed {
		e.counts.Malformed++
	}
	return n, known, bad
}
