package format

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/event"
)

// read returns the rows of data by their fields, each "name=value", and what is
// damaged.
func readText(t testing.TB, kind Kind, data []byte, size int) (rows [][]string, damage []Damage) {
	t.Helper()
	o := textOptions()
	s, d := NewSplitter(bytes.NewReader(data), kind, size), NewDecoder(kind, o)
	var b Block
	var row event.Row
	for s.Next(&b) == nil {
		more, err := d.Rows(&b, &row, func(r *event.Row) error {
			var one []string
			for i, f := range r.Fields {
				one = append(one, o.Names.Text(f.Name)+"="+string(r.Value(i)))
			}
			rows = append(rows, one)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		damage = append(damage, more...)
	}
	return rows, damage
}

// TestCSVTwin writes random tables with the standard library and reads them.
func TestCSVTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []rune("ab,\"\n;\t 日=")
	for round := range 200 {
		columns := 2 + r.IntN(5)
		var out bytes.Buffer
		w := csv.NewWriter(&out)
		w.UseCRLF = round%2 == 0
		var names []string
		for i := range columns {
			names = append(names, fmt.Sprintf("Column%d", i))
		}
		var want [][]string
		w.Write(names)
		for range 1 + r.IntN(20) {
			record, kept := make([]string, columns), []string(nil)
			for i := range record {
				n := r.IntN(8)
				for range n {
					record[i] += string(letters[r.IntN(len(letters))])
				}
				if record[0] == "" {
					record[0] = "x" // an empty record is no record
				}
				// Windows line ends inside values are the writer's doing.
				if value := record[i]; value != "" {
					if w.UseCRLF {
						value = strings.ReplaceAll(value, "\n", "\r\n")
					}
					kept = append(kept, names[i]+"="+value)
				}
			}
			w.Write(record)
			want = append(want, kept)
		}
		w.Flush()
		got, damage := readText(t, CSV, out.Bytes(), 1+r.IntN(100))
		if len(damage) > 0 || !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("round %d of\n%s\ngot  %q\nwant %q\n%v", round, out.Bytes(), got, want, damage)
		}
	}
}

// TestAuditTwin interleaves the records of events at random, as a busy kernel
// does, and compares with each event alone.
func TestAuditTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		n := 2 + r.IntN(60)
		events := make([][]string, n)
		var want [][]string
		for i := range events {
			ms := 1795345262000 + i*10
			id := fmt.Sprintf("msg=audit(%d.%03d:%d):", ms/1000, ms%1000, 500+i)
			if r.IntN(4) == 0 {
				events[i] = []string{"type=USER_AUTH " + id + fmt.Sprintf(" pid=%d msg='op=x acct=\"u%d\" res=failed'", i, i)}
			} else {
				events[i] = append(events[i], "type=SYSCALL "+id+fmt.Sprintf(" arch=c000003e syscall=59 success=yes pid=%d exe=\"/bin/p%d\"", i, i),
					"type=EXECVE "+id+fmt.Sprintf(" argc=2 a0=\"p%d\" a1=\"x y\"", i))
				for j := range r.IntN(3) {
					events[i] = append(events[i], "type=PATH "+id+fmt.Sprintf(" item=%d name=\"/f%d\"", j, j))
				}
				if r.IntN(2) == 0 {
					events[i] = append(events[i], "type=PROCTITLE "+id+" proctitle=\"p\"")
				}
				if r.IntN(2) == 0 {
					events[i] = append(events[i], "type=EOE "+id+" ")
				}
			}
			alone, damage := readText(t, Auditd, []byte(strings.Join(events[i], "\n")), 4096)
			if len(alone) != 1 || len(damage) != 0 {
				t.Fatalf("event alone: %d rows, %v", len(alone), damage)
			}
			want = append(want, alone[0])
		}
		// At most nine are under way at once.
		var log []string
		first := 0
		for left := slices.Clone(events); first < n; {
			i := first + r.IntN(min(9, n-first))
			if len(left[i]) > 0 {
				log, left[i] = append(log, left[i][0]), left[i][1:]
			}
			for first < n && len(left[first]) == 0 {
				first++
			}
		}
		data := []byte(strings.Join(log, "\n") + "\n")
		for _, size := range []int{1, 500, 5000} {
			got, damage := readText(t, Auditd, data, size)
			if len(damage) > 0 || len(got) != n {
				t.Fatalf("round %d, blocks of %d: %d rows of %d events, %v", round, size, len(got), n, damage)
			}
			if !sameRows(got, want) {
				t.Fatalf("round %d, blocks of %d: rows differ", round, size)
			}
		}
	}
}

// sameRows compares rows in any order.
func sameRows(a, b [][]string) bool {
	join := func(rows [][]string) []string {
		var out []string
		for _, r := range rows {
			out = append(out, strings.Join(r, "\x00"))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(join(a), join(b))
}

// TestAuditWindow leaves events without an end: time and number close them.
func TestAuditWindow(t *testing.T) {
	line := func(ms, serial int, kind string) string {
		return fmt.Sprintf("type=%s msg=audit(%d.%03d:%d): pid=%d\n", kind, ms/1000, ms%1000, serial, serial)
	}
	late := line(1000_000, 1, "SYSCALL") + line(1004_000, 2, "SYSCALL") + line(1000_000, 1, "CWD") + line(1005_001, 3, "SYSCALL") + line(1000_000, 1, "PATH")
	rows, _ := readText(t, Auditd, []byte(late), 0)
	if len(rows) != 4 { // 1 with its CWD, closed by 3; its PATH alone; 2; 3
		t.Errorf("%d rows: %q", len(rows), rows)
	}
	var many strings.Builder
	for i := range auditOpen + 10 {
		many.WriteString(line(2000_000, i, "SYSCALL"))
	}
	for i := range auditOpen + 10 {
		many.WriteString(line(2000_000, i, "CWD"))
	}
	rows, _ = readText(t, Auditd, []byte(many.String()), 0)
	if n := len(rows); n < auditOpen+10 || n > 2*(auditOpen+10) {
		t.Errorf("%d rows", n)
	}
}

// TestXMLTwin writes random values with the standard library and reads them.
func TestXMLTwin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	letters := []rune("ab<>&\"'\n\t日; #x")
	var b bytes.Buffer
	var want [][]string
	for i := range 300 {
		one := []string{"Provider_Name=P", fmt.Sprintf("EventID=%d", i)}
		fmt.Fprintf(&b, "<Event><System><Provider Name=\"P\"/><EventID>%d</EventID></System><EventData>", i)
		for j := range r.IntN(6) {
			var text string
			for range r.IntN(10) {
				text += string(letters[r.IntN(len(letters))])
			}
			fmt.Fprintf(&b, "<Data Name=\"D%d\">", j)
			if r.IntN(4) == 0 && !strings.Contains(text, "]]>") {
				b.WriteString("<![CDATA[" + text + "]]>")
			} else if err := xml.EscapeText(&b, []byte(text)); err != nil {
				t.Fatal(err)
			}
			b.WriteString("</Data>")
			one = append(one, fmt.Sprintf("D%d=%s", j, text))
		}
		b.WriteString("</EventData></Event>\n")
		want = append(want, one)
	}
	for _, size := range []int{1, 700, 0} {
		got, damage := readText(t, EventXML, b.Bytes(), size)
		if len(damage) > 0 || !slices.EqualFunc(got, want, slices.Equal) {
			t.Fatalf("blocks of %d: %v", size, damage)
		}
	}
}

// TestYearRolls reads a log over a new year with the year of its first line, in
// blocks that begin anywhere.
func TestYearRolls(t *testing.T) {
	var b strings.Builder
	at := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
	var want []int64
	for i := range 60 {
		at := at.Add(time.Duration(i) * 11 * time.Hour)
		fmt.Fprintf(&b, "%s h p[%d]: m\n", at.Format(time.Stamp), i)
		want = append(want, at.UnixNano())
	}
	for _, size := range []int{1, 100, 0} {
		s, d := NewSplitter(strings.NewReader(b.String()), Syslog, size), NewDecoder(Syslog, Options{Year: 2026})
		var block Block
		var row event.Row
		var got []int64
		for s.Next(&block) == nil {
			if _, err := d.Rows(&block, &row, func(r *event.Row) error { got = append(got, r.Time); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("blocks of %d: %v, want %v", size, got, want)
		}
	}
}
