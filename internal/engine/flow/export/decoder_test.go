package export

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// few is a small layout: addresses and octets.
var few = []field{ie(8, 4), ie(12, 4), ie(1, 4)}

// fewRecord is a record of it.
func fewRecord(last byte, octets uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{192, 0, 2, last, 198, 51, 100, last}, octets)
}

func (c *collector) bytesSeen() (all []uint64) {
	c.batch.Flush()
	for _, r := range c.rows {
		all = append(all, r.Bytes)
	}
	return all
}

func only(t *testing.T, d *Decoder) Exporter {
	t.Helper()
	all := d.Exporters()
	if len(all) != 1 {
		t.Fatalf("%d exporters", len(all))
	}
	return all[0]
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

const secs = uint32(received / second)

func TestNetFlow5(t *testing.T) {
	be := binary.BigEndian
	m := make([]byte, head5+2*size5)
	be.PutUint16(m, 5)
	be.PutUint16(m[2:], 2)
	be.PutUint32(m[4:], 100_000)
	be.PutUint32(m[8:], secs)
	be.PutUint32(m[12:], 500_000_000)
	be.PutUint16(m[20:], 0x0102)
	be.PutUint16(m[22:], 1<<14|100)
	r := m[head5:]
	copy(r, []byte{10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 3})
	be.PutUint16(r[12:], 3)
	be.PutUint16(r[14:], 4)
	be.PutUint32(r[16:], 5)
	be.PutUint32(r[20:], 600)
	be.PutUint32(r[24:], 90_000)
	be.PutUint32(r[28:], 95_000)
	be.PutUint16(r[32:], 1234)
	be.PutUint16(r[34:], 8<<8)
	r[37], r[38], r[39] = 0x12, 1, 0x20
	be.PutUint16(r[40:], 64500)
	be.PutUint16(r[42:], 64501)
	r[44], r[45] = 24, 16
	d, c := NewDecoder(Limits{}), collect(1)
	if err := d.Decode(router, received, m, c.batch); err != nil {
		t.Fatal(err)
	}
	b := c.batch
	c.batch.Flush()
	equal(t, "rows", len(c.rows), 2)
	at := int64(secs)*second + 500_000_000
	want := row{Given: c.rows[0].Given, Src: netip.MustParseAddr("10.0.0.1"), Dst: netip.MustParseAddr("10.0.0.2"), SrcPort: 1234, DstPort: 2048, Proto: 1, Flags: 0x12, Tos: 0x20,
		SrcMask: 24, DstMask: 16, Packets: 5, Bytes: 600, Start: at - 10*second, End: at - 5*second, In: 3, Out: 4, SrcAS: 64500, DstAS: 64501, Sampling: 100}
	equal(t, "row", c.rows[0], want)
	e := only(t, d)
	equal(t, "domain", e.Domain, 0x0102)
	equal(t, "records", e.Records, 2)
	n, _ := b.Extend(1)
	b.Proto[n], b.DstPort[n] = 1, 0x0305
	kind, code := b.TypeCode(n)
	equal(t, "type and code in the port", [2]uint8{kind, code}, [2]uint8{3, 5})
	if err := d.Decode(router, received, m[:len(m)-1], c.batch); !errors.Is(err, ErrMalformed) {
		t.Errorf("a cut datagram: %v", err)
	}
}

// TestEarlySets: what comes before its template is decoded when that comes, or
// counted as lost.
func TestEarlySets(t *testing.T) {
	d, c := NewDecoder(Limits{PendingWait: 10 * second}), collect(10)
	send := func(at int64, m *message) {
		t.Helper()
		if err := d.Decode(router, at, m.bytes(), c.batch); err != nil {
			t.Fatal(err)
		}
	}
	send(received, newMessage(true, 0, secs, 0, 1).set(256, fewRecord(1, 11)))
	send(received, newMessage(true, 0, secs, 0, 1).set(257, fewRecord(1, 99)))
	send(received, newMessage(true, 0, secs, 0, 2).set(256, fewRecord(1, 77))) // of another domain
	send(received+5*second, newMessage(true, 1, secs, 0, 1).template(256, 0, few).set(256, fewRecord(2, 22)))
	if got := c.bytesSeen(); len(got) != 2 || got[0] != 11 || got[1] != 22 {
		t.Fatalf("%v", got)
	}
	send(received+11*second, newMessage(true, 2, secs, 0, 1).template(257, 0, few)) // too late
	if got := c.bytesSeen(); len(got) != 2 {
		t.Fatalf("%v", got)
	}
	e, _ := d.Exporter(1)
	equal(t, "early", e.Early, 2)
	equal(t, "released", e.Released, 1)
	equal(t, "lost sets", e.LostSets, 1)
	equal(t, "all lost", d.Stats().PendingLost, 2)
	if !bytes.Equal(d.waiting.octets, make([]byte, len(d.waiting.octets))) {
		t.Error("octets of sets stay in the queue")
	}
}

// TestPendingIsBounded floods the queue of sets without templates.
func TestPendingIsBounded(t *testing.T) {
	d, c := NewDecoder(Limits{PendingBytes: 1000, PendingSets: 8}), collect(10)
	for i := range 500 {
		from := netip.AddrFrom4([4]byte{192, 0, 2, byte(i % 5)})
		body := bytes.Repeat([]byte{0xee}, 1+i%240)
		_ = d.Decode(from, received, newMessage(true, 0, secs, 0, 1).set(300, body).bytes(), c.batch)
		p := &d.waiting
		if len(p.octets) > 1000 || p.used > 1000 || len(p.entries) > 8 {
			t.Fatalf("%d octets, %d used, %d sets", len(p.octets), p.used, len(p.entries))
		}
	}
	var early, lost, waiting uint64
	for _, e := range d.Exporters() {
		early, lost = early+e.Early, lost+e.LostSets
	}
	waiting = uint64(len(d.waiting.entries))
	equal(t, "early", early, 500)
	equal(t, "lost and waiting", lost+waiting, 500)
	d.Wipe()
	if bytes.IndexByte(d.waiting.octets, 0xee) >= 0 || len(d.waiting.entries) != 0 {
		t.Error("octets stay after Wipe")
	}
}

// TestTemplateFlood defines templates without end, from one exporter and many.
func TestTemplateFlood(t *testing.T) {
	d, c := NewDecoder(Limits{Exporters: 10, Templates: 20, AllFields: 300}), collect(10)
	for i := range 1500 {
		from := netip.AddrFrom4([4]byte{10, 0, byte(i / 256 % 8), byte(i % 50)})
		_ = d.Decode(from, received, newMessage(i%2 == 0, uint32(i), secs, 0, 1).template(uint16(256+i), 0, usual).bytes(), c.batch)
		fields, templates := 0, 0
		for _, e := range d.exporters {
			for _, x := range e.templates {
				fields += len(x.fields)
				templates++
			}
			if len(e.templates) > 20 {
				t.Fatalf("%d templates", len(e.templates))
			}
		}
		if fields != d.fields || fields > 300 || len(d.exporters) > 10 || len(d.numbers) != len(d.exporters) {
			t.Fatalf("%d fields (told %d), %d templates, %d exporters", fields, d.fields, templates, len(d.exporters))
		}
	}
	if d.Stats().ExportersEvicted == 0 {
		t.Error("nothing evicted")
	}
	one := NewDecoder(Limits{Templates: 3})
	for i := range 10 {
		m := newMessage(false, uint32(i), secs, 0, 1).template(uint16(256+i), 0, few)
		if i > 0 {
			m.set(256, fewRecord(1, 1)) // keeps the first in use
		}
		_ = one.Decode(router, received, m.bytes(), c.batch)
	}
	e := only(t, one)
	equal(t, "evicted", e.Evicted, 7)
	equal(t, "the used one stays", e.Records, 9)
}

// TestTemplateChanges: defined again with other fields, withdrawn, refused.
func TestTemplateChanges(t *testing.T) {
	d, c := NewDecoder(Limits{Fields: 30}), collect(10)
	n := uint32(0)
	send := func(m *message) error { return d.Decode(router, received, m.bytes(), c.batch) }
	_ = send(newMessage(true, n, secs, 0, 1).template(256, 0, few).template(256, 0, few).set(256, fewRecord(1, 5)))
	equal(t, "the same again", only(t, d).Templates, 1)
	_ = send(newMessage(true, 1, secs, 0, 1).template(256, 0, []field{ie(8, 4), ie(12, 4), ie(1, 8)}).set(256, binary.BigEndian.AppendUint64([]byte{192, 0, 2, 9, 198, 51, 100, 9}, 1<<40)))
	if got := c.bytesSeen(); len(got) != 2 || got[0] != 5 || got[1] != 1<<40 {
		t.Fatalf("%v", got)
	}
	_ = send(newMessage(true, 2, secs, 0, 1).set(templateSet, []byte{1, 0, 0, 0}).set(256, fewRecord(1, 5)))
	equal(t, "withdrawn", only(t, d).Withdrawn, 1)
	equal(t, "then unknown", only(t, d).Early, 1)
	_ = send(newMessage(true, 2, secs, 0, 1).template(260, 0, few).template(261, 0, few).template(262, 1, few).set(templateSet, []byte{0, 2, 0, 0}))
	equal(t, "all withdrawn but options", only(t, d).Withdrawn, 3)
	equal(t, "fields left", d.fields, len(few))
	for i, m := range []*message{
		newMessage(true, 2, secs, 0, 1).template(200, 0, few),                                    // a reserved number
		newMessage(true, 2, secs, 0, 1).template(300, 0, []field{ie(8, 0)}),                      // records of no octets
		newMessage(true, 2, secs, 0, 1).template(300, 0, make([]field, 31)),                      // too many fields
		newMessage(true, 2, secs, 0, 1).template(300, 0, append(make([]field, 20), ie(4, 1))),    // nearly all empty
		newMessage(true, 2, secs, 0, 1).set(templateSet, []byte{1, 44, 0, 9, 0, 8, 0, 4}),        // fewer fields than said
		newMessage(true, 2, secs, 0, 1).set(optionsSet, []byte{1, 44, 0, 1, 0, 2, 0, 8, 0, 4}),   // more scope than fields
		newMessage(false, 2, secs, 0, 1).set(optionsSet9, []byte{1, 44, 0, 3, 0, 5, 0, 8, 0, 4}), // odd lengths
		newMessage(true, 2, secs, 0, 1).template(300, 0, []field{ie(8, 40000), ie(8, 40000)}),    // longer than a datagram
		newMessage(true, 2, secs, 0, 1).set(templateSet, []byte{1, 44, 0, 1, 0x80, 8, 0, 4}),     // enterprise cut
	} {
		if err := send(m); !errors.Is(err, ErrTemplate) {
			t.Errorf("template %d: %v", i, err)
		}
	}
}

// TestLies: lengths that do not fit end a datagram, never the program.
func TestLies(t *testing.T) {
	d, c := NewDecoder(Limits{}), collect(10)
	good := newMessage(true, 0, secs, 0, 1).template(256, 0, few).set(256, fewRecord(1, 5)).bytes()
	for i := range good {
		for _, v := range []byte{0, 1, 0x7f, 0xff} {
			bad := bytes.Clone(good)
			bad[i] = v
			_ = d.Decode(router, received, bad, c.batch)
		}
		_ = d.Decode(router, received, good[:i], c.batch)
	}
	for what, m := range map[string][]byte{
		"message longer than the datagram": append([]byte{0, 10, 0, 255}, good[4:]...),
		"set of no length":                 newMessage(true, 0, secs, 0, 1).set(256, nil).bytes()[:18],
		"reserved set":                     newMessage(true, 0, secs, 0, 1).set(7, []byte{1, 2, 3, 4}).bytes(),
	} {
		if what == "set of no length" {
			m = append(m, 0, 0)
			binary.BigEndian.PutUint16(m[2:], uint16(len(m)))
		}
		if err := d.Decode(router, received, m, c.batch); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := d.Decode(router, received, []byte("hello"), c.batch); !errors.Is(err, ErrVersion) {
		t.Error(err)
	}
}

// TestBiflow: RFC 5103, ASA counters, and OUT_ beside IN_ in v9 only.
func TestBiflow(t *testing.T) {
	ip := []byte{192, 0, 2, 1, 198, 51, 100, 1}
	for _, x := range []struct {
		ipfix  bool
		fields []field
		want   uint64
	}{
		{true, []field{ie(8, 4), ie(12, 4), ie(1, 1), {reverseElement, 1, 1}}, 9},
		{true, []field{ie(8, 4), ie(12, 4), ie(231, 1), ie(232, 1)}, 9},
		{false, []field{ie(8, 4), ie(12, 4), ie(1, 1), ie(23, 1)}, 9},
		{true, []field{ie(8, 4), ie(12, 4), ie(1, 1), ie(23, 1)}, 0},
	} {
		d, c := NewDecoder(Limits{}), collect(10)
		m := newMessage(x.ipfix, 0, secs, 0, 1).template(256, 0, x.fields).set(256, append(append([]byte{}, ip...), 4, 9))
		if err := d.Decode(router, received, m.bytes(), c.batch); err != nil {
			t.Fatal(err)
		}
		c.batch.Flush()
		if len(c.rows) != 1 || c.rows[0].Bytes != 4 || c.rows[0].RevBytes != x.want {
			t.Errorf("%+v: %+v", x, c.rows)
		}
	}
}

// TestOptions: sampling rates and boot times come as option records.
func TestOptions(t *testing.T) {
	d, c := NewDecoder(Limits{}), collect(10)
	be := binary.BigEndian
	fields := append([]field{ie(22, 4), ie(21, 4), ie(48, 1)}, few...)
	rec := func(sampler byte) []byte {
		return append([]byte{0, 0, 3, 232, 0, 0, 7, 208, sampler}, fewRecord(1, 5)...)
	}
	m := newMessage(true, 0, secs, 0, 1).
		template(400, 1, []field{ie(149, 4), ie(302, 1), ie(305, 4), ie(306, 4)}).
		template(401, 1, []field{ie(149, 4), ie(160, 8), ie(82, variable)}).
		set(400, append(append([]byte{0, 0, 0, 1, 7}, be.AppendUint32(nil, 1)...), be.AppendUint32(nil, 999)...)).
		set(401, append(be.AppendUint64([]byte{0, 0, 0, 1}, uint64(received/1e6-60_000)), 4, 'e', 't', 'h', '0'))
	if err := d.Decode(router, received, m.bytes(), c.batch); err != nil {
		t.Fatal(err)
	}
	m = newMessage(true, 2, secs, 0, 1).template(256, 0, fields).set(256, append(rec(7), rec(8)...))
	if err := d.Decode(router, received, m.bytes(), c.batch); err != nil {
		t.Fatal(err)
	}
	c.batch.Flush()
	equal(t, "rows", len(c.rows), 2)
	equal(t, "sampler 7", c.rows[0].Sampling, 1000)
	equal(t, "sampler 8, of which nobody told", c.rows[1].Sampling, 0)
	equal(t, "start", c.rows[0].Start, received-59*second)
	equal(t, "end", c.rows[0].End, received-58*second)
	e := only(t, d)
	equal(t, "options", e.Options, 2)
	equal(t, "lost", e.Lost, 0)
	// v9: scope "system" without octets, and a rate for all.
	d, c = NewDecoder(Limits{}), collect(10)
	m = newMessage(false, 0, secs, 0, 1).template(400, 1, []field{ie(1, 0), ie(34, 4), ie(35, 1)}).set(400, []byte{0, 0, 0, 64, 2}).
		template(256, 0, few).set(256, fewRecord(1, 5))
	if err := d.Decode(router, received, m.bytes(), c.batch); err != nil {
		t.Fatal(err)
	}
	c.batch.Flush()
	equal(t, "rate of v9", c.rows[0].Sampling, 64)
}

// TestUnknownClock: IPFIX uptimes without a boot time are no times.
func TestUnknownClock(t *testing.T) {
	d, c := NewDecoder(Limits{}), collect(10)
	m := newMessage(true, 0, secs, 0, 1).template(256, 0, append([]field{ie(22, 4)}, few...)).set(256, append([]byte{0, 0, 0, 9}, fewRecord(1, 5)...))
	_ = d.Decode(router, received, m.bytes(), c.batch)
	c.batch.Flush()
	if r := c.rows[0]; r.Start != received || r.End != received || r.Given&(ColStart|ColEnd) != 0 {
		t.Errorf("%+v", r)
	}
}

// TestUptimeWraps: a flow that began before the uptime's 2^32 ms, and one that
// ended a little after its datagram was made.
func TestUptimeWraps(t *testing.T) {
	d, c := NewDecoder(Limits{}), collect(10)
	be := binary.BigEndian
	rec := append(be.AppendUint32(be.AppendUint32(nil, 1<<32-5_000), 6_000), fewRecord(1, 5)...)
	m := newMessage(false, 0, secs, 5_000, 1).template(256, 0, append([]field{ie(22, 4), ie(21, 4)}, few...)).set(256, rec)
	_ = d.Decode(router, received, m.bytes(), c.batch)
	c.batch.Flush()
	equal(t, "start", c.rows[0].Start, received-10*second)
	equal(t, "end", c.rows[0].End, received+second)
}

func TestNTP(t *testing.T) {
	equal(t, "1970", fromNTP(2_208_988_800<<32), 0)
	equal(t, "a half", fromNTP(2_208_988_800<<32|1<<31), second/2)
	equal(t, "era 1", time.Unix(0, fromNTP(0)).UTC().Year(), 2036)
}
