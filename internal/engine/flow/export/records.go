package export

import "encoding/binary"

// records decodes the records of a set into rows and returns how many records
// there were. What is left and shorter than a record is padding.
func (d *Decoder) records(e *exporter, t *template, data []byte, c *clock, b *Batch) (n int, err error) {
	switch {
	case t.options:
		return d.options(e, t, data)
	case t.varied:
		return d.variedRecords(e, t, data, c, b)
	}
	n = len(data) / t.size
	d.fixed(e, t, data, n, t.size, c, b)
	return n, nil
}

// fixed turns n records of one length into rows.
func (d *Decoder) fixed(e *exporter, t *template, data []byte, n, size int, c *clock, b *Batch) {
	if !t.program.rows {
		e.counts.Skipped += uint64(n)
		return
	}
	for left := n; left > 0; {
		row, got := b.take(left)
		t.program.run(b, row, got, data, size, c, e)
		data = data[got*size:]
		left -= got
	}
	e.counts.Records += uint64(n)
}

// squeezed is how many octets of records are put together at a time.
const squeezed = 8 << 10

// variedRecords does the same for records with fields of variable length (RFC
// 7011 section 7): what stands between those is put together, which makes
// records of one length again.
func (d *Decoder) variedRecords(e *exporter, t *template, data []byte, c *clock, b *Batch) (n int, err error) {
	size := 0
	for _, r := range t.runs {
		size += r
	}
	full := max(squeezed/max(size, 1), 1)
	for len(data) >= t.size && err == nil {
		d.squeezed = d.squeezed[:0]
		got := 0
		for ; got < full && len(data) >= t.size; got++ {
			taken, ok := d.squeeze(t, data)
			if !ok {
				err = ErrMalformed
				break
			}
			data = data[taken:]
		}
		n += got
		d.fixed(e, t, d.squeezed, got, size, c, b)
		clear(d.squeezed)
	}
	return n, err
}

// squeeze appends the fixed fields of the first record of data to d.squeezed
// and returns the record's length; false when it is not all there.
func (d *Decoder) squeeze(t *template, data []byte) (int, bool) {
	at := 0
	for i, n := range t.runs {
		if n > len(data)-at {
			return 0, false
		}
		d.squeezed = append(d.squeezed, data[at:at+n]...)
		at += n
		if i == len(t.runs)-1 {
			break
		}
		n, at = variableLength(data, at)
		if n > len(data)-at {
			return 0, false
		}
		at += n
	}
	return at, true
}

// variableLength reads the length of a variable field and returns where the
// field begins; when that is not all there, the length is beyond any data.
func variableLength(data []byte, at int) (n, begin int) {
	if at >= len(data) {
		return 1 << 20, at
	}
	n = int(data[at])
	if n < 255 {
		return n, at + 1
	}
	if at+3 > len(data) {
		return 1 << 20, at
	}
	return int(binary.BigEndian.Uint16(data[at+1:])), at + 3
}

// layout puts the offset of every field of the first record of data into
// d.offs and returns the record's length; false when it is not all there.
func (d *Decoder) layout(t *template, data []byte) (int, bool) {
	d.offs = d.offs[:0]
	at := 0
	for _, f := range t.fields {
		n := int(f.length)
		if f.length == variable {
			n, at = variableLength(data, at)
		}
		if n > len(data)-at {
			return 0, false
		}
		d.offs = append(d.offs, at)
		at += n
	}
	return at, true
}

// The elements of option records that are used: sampling (RFC 5477, RFC 3954)
// and the exporter's boot time.
const (
	samplingInterval       = 34
	samplerIDElement       = 48
	samplerRandomInterval  = 50
	systemInitMillis       = 160
	selectorID             = 302
	samplingPacketInterval = 305
	samplingPacketSpace    = 306
	samplingSize           = 309
	samplingPopulation     = 310
)

// options reads option records: sampling rates and boot time; all else, names
// above all, is passed over.
func (d *Decoder) options(e *exporter, t *template, data []byte) (n int, err error) {
	for len(data) >= t.size {
		size, ok := d.layout(t, data)
		if !ok {
			return n, ErrMalformed
		}
		n++
		e.counts.Options++
		d.option(e, t, data)
		data = data[size:]
	}
	return n, nil
}

func (d *Decoder) option(e *exporter, t *template, data []byte) {
	var rate, interval, space, size, population, id uint64
	numbered := false
	for i, f := range t.fields {
		if f.enterprise != 0 || f.length == 0 || f.length > 8 {
			continue
		}
		var v [1]uint64
		switch f.id {
		case samplingInterval, samplerRandomInterval, samplerIDElement, selectorID, systemInitMillis,
			samplingPacketInterval, samplingPacketSpace, samplingSize, samplingPopulation:
			// The scope fields of v9 have numbers of their own (RFC 3954
			// section 6.1: 1 to 5), none of which is among these.
			gather(v[:], data[d.offs[i]:], uint8(f.length), 0)
		}
		switch f.id {
		case samplingInterval, samplerRandomInterval:
			rate = max(rate, v[0])
		case samplerIDElement, selectorID:
			id, numbered = v[0], true
		case systemInitMillis:
			e.boot = scaled(v[0], 1e6)
		case samplingPacketInterval:
			interval = v[0]
		case samplingPacketSpace:
			space = v[0]
		case samplingSize:
			size = v[0]
		case samplingPopulation:
			population = v[0]
		}
	}
	switch {
	case rate == 0 && interval > 0:
		rate = (interval + min(space, 1<<32)) / interval
	case rate == 0 && size > 0:
		rate = population / size
	}
	if rate == 0 {
		return
	}
	rate = min(rate, 1<<32-1)
	if numbered {
		e.samplers.set(uint32(id), uint32(rate))
	} else {
		e.sampling = uint32(rate)
	}
}
