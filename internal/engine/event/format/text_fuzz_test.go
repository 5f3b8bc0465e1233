package format

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// fuzzText reads anything as logs of a kind.
func fuzzText(f *testing.F, kind Kind) {
	for name, data := range samples(f) {
		if kindOfFile(f, name) == kind {
			f.Add(data)
			f.Add(data[:len(data)/2])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		checkText(t, kind, data)
	})
}

// checkText reads a file that may be damaged. Rows and damage stay inside of it,
// reading ends, and blocks of another size give the same rows, which it returns.
func checkText(t *testing.T, kind Kind, data []byte) string {
	t.Helper()
	var all [2]string
	for i, size := range []int{32 << 10, 50} {
		o := Options{}
		o.Names = event.NewNames()
		s, d := NewSplitter(bytes.NewReader(data), kind, size), NewDecoder(kind, o)
		var b Block
		var row event.Row
		var out strings.Builder
		for rounds := 0; s.Next(&b) == nil; rounds++ {
			if rounds > len(data)+2 {
				t.Fatal("more blocks than bytes")
			}
			rows := 0
			damage, err := d.Rows(&b, &row, func(r *event.Row) error {
				if rows++; rows > len(b.Data) {
					t.Fatal("more rows than bytes")
				}
				if r.Offset < b.Offset || r.Offset > b.Offset+int64(len(b.Data)) {
					t.Fatalf("a row at %d of a block at %d of %d bytes", r.Offset, b.Offset, len(b.Data))
				}
				for i := range r.Fields {
					r.Value(i)
					r.Folded(i)
				}
				out.WriteString(rowText(o.Names, r))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range damage {
				if d.Reason == 0 || d.Length < 0 || d.Offset < 0 || d.Offset > 4*int64(len(data)) {
					t.Fatalf("damage: %+v", d)
				}
			}
		}
		all[i] = out.String()
	}
	if all[0] != all[1] {
		t.Fatalf("small blocks give other rows: %s", firstDifference(all[1], all[0]))
	}
	return all[0]
}

// TestTextDamage changes files at random places, as broken disks and copies do.
func TestTextDamage(t *testing.T) {
	for name, data := range samples(t) {
		r := rand.New(rand.NewPCG(7, uint64(len(name))))
		kind := kindOfFile(t, name)
		for range 150 {
			bad := bytes.Clone(data)
			for range 1 + r.IntN(6) {
				at := r.IntN(len(bad))
				end := min(len(bad), at+1+r.IntN(40))
				switch r.IntN(5) {
				case 0:
					bad[at] = byte(r.IntN(256))
				case 1:
					bad = slices.Delete(bad, at, end)
				case 2:
					bad = slices.Insert(bad, at, bad[at:end]...)
				case 3:
					clear(bad[at:end])
				case 4:
					bad = slices.Insert(bad, at, []byte("\n\"<=[%{'\x1d|,\\")[r.IntN(11)])
				}
				if len(bad) == 0 {
					bad = []byte{'x'}
				}
			}
			checkText(t, kind, bad)
			checkText(t, kind, bad[:r.IntN(len(bad))])
		}
	}
}

// TestLinesAreLostAlone breaks one line in the middle of many: the others are
// read, and the damage says where it is.
func TestLinesAreLostAlone(t *testing.T) {
	for _, c := range []struct {
		kind            Kind
		head, good, bad string
		reason          Reason
	}{
		{Auditd, "", "type=USER_AUTH msg=audit(1795345262.001:77): pid=900 res=success\n", "type=USER_AUTH msg=audit(17953\n", Broken},
		{ZeekTSV, "#fields\tts\tuid\tquery\n", "1795345262.5\tC1\tx\n", "1795345262.5\n", Broken},
		{W3C, "#Fields: date time c-ip\n", "2026-11-22 11:01:02 192.0.2.7\n", "2026-11-22\n", Broken},
		{CSV, "a,b\n", "1,2\n", "1,\"2\n", Broken},
		{EventXML, "", "<Event><System><EventID>1</EventID></System></Event>\n", "<Event><System><EventID>1</System></Event>\n", Broken},
		{Journal, "", "MESSAGE=a\n_PID=1\n\n", "MESSAGE=a\nno field\n\n", Broken},
		{Access, "", "192.0.2.7 - - [22/Nov/2026:20:01:02 +0900] \"GET / HTTP/1.1\" 200 1\n", "192.0.2.7 - - [22/Nov\n", Broken},
		{Syslog, "", "Nov 22 20:01:02 h p: m\n", "Nov 31 20:01:02 h p: m\n", Broken},
	} {
		const n = 50
		data := c.head + strings.Repeat(c.good, n) + c.bad + strings.Repeat(c.good, n)
		for _, size := range []int{0, 100} {
			rows, damage := readText(t, c.kind, []byte(data), size)
			if len(rows) < 2*n || len(rows) > 2*n+1 || len(damage) != 1 {
				t.Errorf("%v, blocks of %d: %d rows, %+v", c.kind, size, len(rows), damage)
				continue
			}
			at := int64(len(c.head) + n*len(c.good))
			if d := damage[0]; d.Reason != c.reason || d.Offset < at || d.Offset >= at+int64(len(c.bad)) {
				t.Errorf("%v: %+v, want it at %d", c.kind, d, at)
			}
		}
	}
}

func FuzzSyslog(f *testing.F)   { fuzzText(f, Syslog) }
func FuzzAuditd(f *testing.F)   { fuzzText(f, Auditd) }
func FuzzJournal(f *testing.F)  { fuzzText(f, Journal) }
func FuzzZeek(f *testing.F)     { fuzzText(f, ZeekTSV) }
func FuzzCSV(f *testing.F)      { fuzzText(f, CSV) }
func FuzzEventXML(f *testing.F) { fuzzText(f, EventXML) }
func FuzzAccess(f *testing.F)   { fuzzText(f, Access) }
func FuzzW3C(f *testing.F)      { fuzzText(f, W3C) }

// FuzzDetectText looks at anything.
func FuzzDetectText(f *testing.F) {
	for _, data := range samples(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if k := detectText(data, "a.log"); k == Unknown || k >= kinds {
			t.Fatal(k)
		}
	})
}
