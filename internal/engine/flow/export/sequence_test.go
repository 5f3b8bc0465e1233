package export

import (
	"net/netip"
	"testing"
)

// v9 is a datagram of one record with its number, and seconds since the
// device began.
func v9(number, up uint32) []byte {
	return newMessage(false, number, 1_700_000_000+up, up*1000, 1).set(256, fewRecord(1, 1)).bytes()
}

// played decodes datagrams after a template and returns what was counted.
func played(t *testing.T, first []byte, all ...[]byte) Counts {
	t.Helper()
	d, c := NewDecoder(Limits{}), collect(10)
	for i, m := range append([][]byte{first}, all...) {
		_ = d.Decode(router, received+int64(i)*second, m, c.batch)
	}
	return only(t, d).Counts
}

func TestSequence(t *testing.T) {
	def := newMessage(false, 10, 1_700_000_000+100, 100_000, 1).template(256, 0, few).bytes()
	for _, x := range []struct {
		what                             string
		all                              [][]byte
		lost, disorder, repeat, restarts uint64
	}{
		{"in order", [][]byte{v9(11, 101), v9(12, 102)}, 0, 0, 0, 0},
		{"two missing", [][]byte{v9(13, 101), v9(14, 102)}, 2, 0, 0, 0},
		{"late, not missing", [][]byte{v9(12, 102), v9(11, 101), v9(13, 103)}, 0, 1, 0, 0},
		{"twice", [][]byte{v9(11, 101), v9(11, 101), v9(12, 102)}, 0, 0, 1, 0},
		{"began anew", [][]byte{v9(11, 101), v9(0, 1), v9(1, 2)}, 0, 0, 0, 1},
		{"number wraps", [][]byte{v9(1<<32-1, 101), v9(0, 102)}, 0, 0, 0, 1},
	} {
		if x.what == "began anew" { // its clock goes on
			for i, m := range x.all[1:] {
				copy(m[8:12], newMessage(false, 0, 1_700_000_000+110+uint32(i), 0, 0).data[8:12])
			}
		}
		c := played(t, def, x.all...)
		if c.Lost != x.lost || c.Disorder != x.disorder || c.Duplicates != x.repeat || c.Restarts != x.restarts {
			t.Errorf("%s: lost %d, disorder %d, repeated %d, restarts %d", x.what, c.Lost, c.Disorder, c.Duplicates, c.Restarts)
		}
	}
}

// TestRestartForgetsTemplates: a v9 device that began anew may number its
// templates anew, so what it sends before them waits.
func TestRestartForgetsTemplates(t *testing.T) {
	def := newMessage(false, 10, 1_700_000_000+100, 100_000, 1).template(256, 0, few).bytes()
	anew := newMessage(false, 0, 1_700_000_000+200, 1_000, 1).set(256, fewRecord(1, 1)).bytes()
	c := played(t, def, v9(11, 101), anew)
	if c.Restarts != 1 || c.Records != 1 || c.Early != 1 {
		t.Errorf("%+v", c)
	}
}

// TestTwoClocksInOneDomain: two parts of a device that share a domain but not
// an uptime are not taken for one that restarts at every datagram.
func TestTwoClocksInOneDomain(t *testing.T) {
	d, c := NewDecoder(Limits{}), collect(1000)
	for i := range uint32(50) {
		for part := range uint32(2) {
			up := 100_000 + part*50_000_000 + i*1000
			m := newMessage(false, i, 1_700_000_000+i, up, 1).template(256, 0, few).set(256, fewRecord(1, 1)).bytes()
			_ = d.Decode(router, received+int64(i)*second, m, c.batch)
		}
	}
	if e := only(t, d); e.Restarts > 2 || e.Records != 100 {
		t.Errorf("%+v", e.Counts)
	}
}

// TestRecordsCounted: exporters of v9 that count records, as softflowd does,
// are found out and then lose nothing.
func TestRecordsCounted(t *testing.T) {
	d, c := NewDecoder(Limits{}), collect(1000)
	number := uint32(0)
	for i := range 20 {
		m := newMessage(false, number, 1_700_000_000, 1000, 1)
		if i == 0 {
			m.template(256, 0, few)
		}
		var body []byte
		for j := range 2 + i%3 {
			body = append(body, fewRecord(byte(j), 1)...)
			number++
		}
		if i == 15 {
			number += 100 // a real loss
		}
		_ = d.Decode(router, received, m.set(256, body).bytes(), c.batch)
	}
	if e := only(t, d); e.Lost != 100 {
		t.Errorf("%d lost", e.Lost)
	}
}

// TestIPFIXSequence counts data records, those of options too; a template
// alone takes no number.
func TestIPFIXSequence(t *testing.T) {
	m := func(number uint32, n int) []byte {
		var body []byte
		for range n {
			body = append(body, fewRecord(1, 1)...)
		}
		return newMessage(true, number, secs, 0, 1).template(256, 0, few).set(256, body).bytes()
	}
	def := newMessage(true, 5, secs, 0, 1).template(256, 0, few).bytes()
	c := played(t, def, def, m(5, 3), m(8, 2), m(17, 1), m(18, 1))
	if c.Lost != 7 || c.Duplicates != 0 || c.Disorder != 0 || c.Records != 7 {
		t.Errorf("%+v", c)
	}
	// Where a set could not be counted, the next number is taken as it is.
	c = played(t, newMessage(true, 5, secs, 0, 1).set(999, fewRecord(1, 1)).bytes(), m(50, 1), m(51, 1))
	if c.Lost != 0 || c.Early != 1 {
		t.Errorf("%+v", c)
	}
}

// TestExportersAreApart: the same numbers from other addresses, domains and
// kinds do not meet.
func TestExportersAreApart(t *testing.T) {
	d, c := NewDecoder(Limits{}), collect(10)
	_ = d.Decode(router, received, newMessage(false, 0, secs, 0, 1).template(256, 0, few).bytes(), c.batch)
	_ = d.Decode(router, received, newMessage(false, 9, secs, 0, 2).set(256, fewRecord(1, 1)).bytes(), c.batch)
	_ = d.Decode(router, received, newMessage(true, 9, secs, 0, 1).set(256, fewRecord(1, 1)).bytes(), c.batch)
	_ = d.Decode(netip.MustParseAddr("192.0.2.9"), received, newMessage(false, 9, secs, 0, 1).set(256, fewRecord(1, 1)).bytes(), c.batch)
	all := d.Exporters()
	if len(all) != 4 || len(c.bytesSeen()) != 0 {
		t.Fatalf("%+v", all)
	}
	for _, e := range all {
		if e.Lost != 0 || e.Records != 0 {
			t.Errorf("%+v", e)
		}
	}
}
