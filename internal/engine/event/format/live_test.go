package format

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"noroshi/internal/engine/event"
)

// rowsOf writes down the events of blocks.
func rowsOf(d *Decoder, b *Block, names *event.Names, to *[]string) error {
	var row event.Row
	_, err := d.Rows(b, &row, func(r *event.Row) error {
		var s strings.Builder
		fmt.Fprintf(&s, "%d %d", r.Record, r.Time)
		for i := range r.Fields {
			fmt.Fprintf(&s, " %s=%q", names.Text(r.Fields[i].Name), r.Value(i))
		}
		*to = append(*to, s.String())
		return nil
	})
	return err
}

// liveSamples are files of every kind that grows, as their programs write them.
func liveSamples(t testing.TB) map[Kind][]byte {
	var w, z, c, a, j, x, s, k strings.Builder
	w.WriteString("#Software: Server\n#Fields: date time c-ip cs-method cs-uri-stem\n")
	z.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tquery\n#types\ttime\tstring\taddr\tstring\n")
	c.WriteString("time,user,text\n")
	for i := range 60 {
		fmt.Fprintf(&w, "2026-11-22 20:%02d:01 192.0.2.%d GET /a%d\n", i, i, i)
		fmt.Fprintf(&z, "17%08d.5\tC%d\t192.0.2.%d\tn%d.example.jp\n", i, i, i, i)
		fmt.Fprintf(&c, "2026-11-22 20:%02d:01,user%d,\"a \"\"b\"\",\nand more %d\"\n", i, i, i)
		fmt.Fprintf(&a, "type=SYSCALL msg=audit(17000000%02d.100:%d): arch=c000003e syscall=59 success=yes exit=0 comm=\"id%d\"\ntype=EXECVE msg=audit(17000000%02d.100:%d): argc=1 a0=\"id\"\ntype=PROCTITLE msg=audit(17000000%02d.100:%d): proctitle=6964\n", i, i, i, i, i, i, i)
		fmt.Fprintf(&j, "__REALTIME_TIMESTAMP=17%014d\n_HOSTNAME=h\nMESSAGE=line %d\n\n", i, i)
		fmt.Fprintf(&x, "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>%d</EventID></System><EventData><Data Name='A'>%d</Data></EventData></Event>\n", i, i)
		fmt.Fprintf(&s, "Nov 22 20:%02d:01 host sshd[%d]: Failed password for root from 192.0.2.%d port 22 ssh2\n", i, i, i)
		fmt.Fprintf(&k, "{\"n\":%d,\"text\":\"日本語 %d\"}\n", i, i)
	}
	return map[Kind][]byte{W3C: []byte(w.String()), ZeekTSV: []byte(z.String()), CSV: []byte(c.String()), Auditd: []byte(a.String()), Journal: []byte(j.String()),
		EventXML: []byte(x.String()), Syslog: []byte(s.String()), JSONLines: []byte(k.String()), Text: []byte("one\ntwo\n\nthree\n")}
}

// A file that grows by any pieces, with a new Live from the position at any
// time, gives the events that one reading of the whole file gives.
func TestLiveIsTheSplitter(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 5))
	samples := liveSamples(t)
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes(append(samples[JSONLines], "{\"a\":\"\U0001f525\"}\n"...))
	if err != nil {
		t.Fatal(err)
	}
	kana, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte("時刻,利用者\n" + strings.Repeat("1,山田\n2,表示\n", 30)))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, kind Kind, file []byte) {
		names := event.NewNames()
		var want []string
		split, d, b := NewSplitter(bytes.NewReader(file), kind, 0), NewDecoder(kind, Options{Names: names, Year: 2026}), &Block{}
		for split.Next(b) == nil {
			if err := rowsOf(d, b, names, &want); err != nil {
				t.Fatal(err)
			}
		}
		if len(want) < 3 {
			t.Fatalf("%s: %d events", name, len(want))
		}
		for round := range 30 {
			var got []string
			d, l := NewDecoder(kind, Options{Names: names, Year: 2026}), (*Live)(nil)
			var at Position
			for end := 0; end < len(file); {
				end = min(len(file), end+1+rng.IntN(1+rng.IntN(500)))
				if l == nil || rng.IntN(3) == 0 {
					var ok bool
					if l, ok = NewLive(kind, at); !ok {
						t.Fatalf("%s: no position %+v", name, at)
					}
				}
				if end < 4 && end < len(file) {
					continue
				}
				l.Give(file[l.Position().Offset:end])
				for l.Next(b, end == len(file)) {
					if err := rowsOf(d, b, names, &got); err != nil {
						t.Fatal(err)
					}
				}
				at = l.Position()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s, round %d: %s", name, round, diff)
			}
			if at.Offset != int64(len(file)) {
				t.Fatalf("%s: ends at %d of %d", name, at.Offset, len(file))
			}
		}
	}
	for kind, file := range samples {
		check(kind.String(), kind, file)
		check(kind.String()+" without its last line end", kind, bytes.TrimRight(file, "\n"))
	}
	check("UTF-16", JSONLines, wide)
	check("Shift_JIS", CSV, kana)
	check("with a mark", JSONLines, append([]byte("\xef\xbb\xbf"), samples[JSONLines]...))
}

// A record larger than the limit is passed over, however it comes.
func TestLiveLarge(t *testing.T) {
	file := append(append([]byte("one\n"), bytes.Repeat([]byte("x"), MaxRecord+(5<<20))...), "\ntwo\n"...)
	var at Position
	var texts []string
	var damage []Damage
	for end := 0; at.Offset < int64(len(file)); {
		end = min(len(file), end+(8<<20))
		l, _ := NewLive(Text, at)
		var b Block
		l.Give(file[at.Offset:min(end, int(at.Offset)+MaxRecord)])
		for l.Next(&b, false) {
			texts = append(texts, string(b.Data))
			damage = append(damage, b.Damage...)
		}
		at = l.Position()
	}
	if diff := cmp.Diff([]string{"one\n", "two\n"}, texts); diff != "" {
		t.Error(diff)
	}
	want := []Damage{{Offset: 4, Record: 2, Length: MaxRecord + (5 << 20) + 1, Reason: Large}}
	if diff := cmp.Diff(want, damage); diff != "" {
		t.Error(diff)
	}
}

func FuzzLive(f *testing.F) {
	for kind, file := range liveSamples(f) {
		f.Add(uint8(kind), file, 100)
	}
	f.Fuzz(func(t *testing.T, kind uint8, file []byte, step int) {
		if !IsLive(Kind(kind)) || step < 1 || len(file)/step > 200 {
			return
		}
		var at Position
		for end := 0; end < len(file); {
			end = min(len(file), end+step)
			l, ok := NewLive(Kind(kind), at)
			if !ok {
				t.Fatalf("no position %+v", at)
			}
			l.Give(file[at.Offset:end])
			for b := (Block{}); l.Next(&b, end == len(file)); {
				if next := l.Position(); next.Offset < at.Offset || next.Offset > int64(end) {
					t.Fatalf("from %d to %d of %d", at.Offset, next.Offset, end)
				}
			}
			at = l.Position()
		}
	})
}
