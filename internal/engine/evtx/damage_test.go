package evtx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"noroshi/internal/engine/event"
)

const small = `<Event><EventData><Data Name="n">{0}</Data></EventData></Event>`

// numbered returns a chunk of n records, and where each begins.
func numbered(n int) (c *chunk, at []int) {
	c = newChunk()
	for i := range n {
		c.record(func(c *chunk) { c.instance(small, num(typeUint32, uint64(i))) })
		at = append(at, c.last)
	}
	return c, at
}

func TestDamagedChunks(t *testing.T) {
	_, at := numbered(6)
	for _, c := range []struct {
		name   string
		o      Options
		break_ func(b []byte) []byte
		rows   string
		damage string
	}{
		{"whole", Options{}, func(b []byte) []byte { return b }, "n=0,n=1,n=2,n=3,n=4,n=5", ""},
		{"header", Options{}, func(b []byte) []byte { b[60] ^= 1; return b }, "n=0,n=1,n=2,n=3,n=4,n=5", "chunk_checksum"},
		{"no checksums", Options{}, func(b []byte) []byte { b[60] ^= 1; b[120] = flagNoChecksum; return b },
			"n=0,n=1,n=2,n=3,n=4,n=5", ""},
		{"records", Options{}, func(b []byte) []byte { b[at[5]+16] ^= 1; return b }, "n=0,n=1,n=2,n=3,n=4,n=5", "records_checksum"},
		{"signature of a record", Options{}, func(b []byte) []byte { b[at[2]] = 0; return b },
			"n=0,n=1,* n=3,* n=4,* n=5", "records_checksum,record_header"},
		{"size of a record", Options{}, func(b []byte) []byte { b[at[2]+7] = 0xff; return b },
			"n=0,n=1,* n=3,* n=4,* n=5", "records_checksum,record_header"},
		{"second size of a record", Options{}, func(b []byte) []byte { b[at[3]-4]++; return b },
			"n=0,n=1,n=2,n=3,n=4,n=5", "records_checksum,record_size"},
		{"token of a record", Options{}, func(b []byte) []byte { b[at[2]+recordHead+4] = 0x3f; return b },
			"n=0,n=1,n=3,n=4,n=5", "records_checksum,bad_token"},
		{"template of a record", Options{}, func(b []byte) []byte { b[at[2]+recordHead+13] = 0x7f; return b },
			"n=0,n=1,n=3,n=4,n=5", "records_checksum,bad_template"},
		{"number of values", Options{}, func(b []byte) []byte { b[at[2]+recordHead+17] = 0x7f; return b },
			"n=0,n=1,n=3,n=4,n=5", "records_checksum,bad_values"},
		{"signature of the chunk", Options{}, func(b []byte) []byte { b[0] = 'e'; return b },
			"* n=0,* n=1,* n=2,* n=3,* n=4,* n=5", "chunk_header"},
		{"end of records", Options{}, func(b []byte) []byte { b[51] = 1; sum(b); return b }, "n=0,n=1,n=2,n=3,n=4,n=5", "chunk_header"},
		{"cut off", Options{}, func(b []byte) []byte { return b[:at[4]+20] }, "n=0,n=1,n=2,n=3", "chunk_truncated,record_header"},
		{"cut off in the header", Options{}, func(b []byte) []byte { return b[:100] }, "", "chunk_header"},
		{"nothing", Options{}, func([]byte) []byte { return nil }, "", "chunk_header"},
		{"one more than listed", Options{}, func(b []byte) []byte { return listed(b, at[5]) }, "n=0,n=1,n=2,n=3,n=4,n=5", ""},
		{"old records", Options{}, func(b []byte) []byte { b[at[4]+8] = 99; return listed(b, at[4]) }, "n=0,n=1,n=2,n=3", ""},
		{"old records asked for", Options{Slack: true}, func(b []byte) []byte { b[at[4]+8] = 99; return listed(b, at[4]) },
			"n=0,n=1,n=2,n=3,* n=4,* n=5", ""},
	} {
		b, _ := numbered(6)
		rows, damage := show(t, c.o, c.break_(b.bytes()))
		if got := strings.Join(rows, ","); got != c.rows {
			t.Errorf("%s: rows %q, want %q", c.name, got, c.rows)
		}
		if got := strings.Join(damage, ","); got != c.damage {
			t.Errorf("%s: damage %q, want %q", c.name, got, c.damage)
		}
	}
}

// listed makes the header of a chunk say that records end at free.
func listed(b []byte, free int) []byte {
	le.PutUint32(b[48:], uint32(free))
	le.PutUint32(b[52:], crcOf(b[chunkHead:free]))
	sum(b)
	return b
}

// TestDamagePlace: the report says where and how much.
func TestDamagePlace(t *testing.T) {
	c, at := numbered(6)
	b := c.bytes()
	b[at[2]], b[at[3]+1] = 0, 0
	b[at[4]+recordHead+4] = 0x3f
	var row event.Row
	var carved []int64
	damage, err := NewDecoder(Options{}).Chunk(&row, b, 1<<20, func(r *event.Row) error {
		if r.Carved {
			carved = append(carved, r.Offset)
		}
		return nil
	})
	want := []Damage{
		{1<<20 + chunkHead, int64(len(c.b) - chunkHead), 0, RecordsChecksum},
		{1<<20 + int64(at[2]), int64(at[4] - at[2]), 0, RecordHeader},
		{1<<20 + int64(at[4]), int64(at[5] - at[4]), 5, BadToken},
	}
	if err != nil || !slices.Equal(damage, want) {
		t.Errorf("damage %v, want %v, error %v", damage, want, err)
	}
	if !slices.Equal(carved, []int64{1<<20 + int64(at[5])}) {
		t.Errorf("carved %v", carved)
	}
}

// TestPartOfRecord: what could be read of a record before it breaks is kept.
func TestPartOfRecord(t *testing.T) {
	c := newChunk()
	c.event(3, `<EventData><Data Name="a">{0}</Data></EventData>`, str("x"))
	b := c.bytes()
	i := bytes.LastIndex(b, []byte{tokenFragment, 1, 1, 0, tokenOpen})
	b[i+4] = 0x3f
	rows, damage := show(t, Options{}, b)
	if len(rows) != 1 || !strings.HasPrefix(rows[0], "* "+prefix) || strings.Contains(rows[0], "a=x") ||
		!slices.Equal(damage, []string{"records_checksum", "bad_token"}) {
		t.Errorf("rows %q, damage %v", rows, damage)
	}
}

func TestChunks(t *testing.T) {
	c1, at := numbered(3)
	one, two := c1.bytes(), c1.bytes()
	whole := file(one, two)
	flip := func(b []byte, at int) []byte { b = bytes.Clone(b); b[at] ^= 1; return b }
	for _, c := range []struct {
		name    string
		b       []byte
		offsets string
		rows    int
		damage  string
	}{
		{"whole", whole, "[4096 69632]", 6, ""},
		{"space taken in advance", append(bytes.Clone(whole), make([]byte, 3*ChunkSize+9)...), "[4096 69632]", 6, ""},
		{"header checksum", flip(whole, 125), "[4096 69632]", 6, "file_checksum"},
		{"header signature", flip(whole, 0), "[4096 69632]", 6, "file_header"},
		{"header layout", flip(whole, 38), "[4096 69632]", 6, "file_header"},
		{"header gone", whole[4096:], "[0 65536]", 6, "file_header"},
		{"half of the header gone", whole[1024:], "[3072 68608]", 6, "file_header"},
		{"sectors gone", append(whole[:4096+1024:4096+1024], whole[69632:]...), "[4096 5120]", 6, "chunk_truncated"},
		{"sectors of the second gone", append(whole[:69632:69632], whole[69632+512:]...), "[4096 69632]", 6, "no_chunk,chunk_header"},
		{"chunk signature", flip(whole, 4096), "[4096 69632]", 6, "no_chunk,chunk_header"},
		{"cut off", whole[:69632+at[2]], "[4096 69632]", 5, "chunk_truncated"},
		{"cut off in the header", whole[:50], "[]", 0, "file_header"},
		{"empty", nil, "[]", 0, ""},
		{"text", []byte(strings.Repeat("no log ", 12000)), "[4096 69632]", 0, "file_header,no_chunk,chunk_header,no_chunk,chunk_header"},
	} {
		offsets, rows, damage := []int64{}, 0, []string{}
		chunks, buf := NewChunks(iotest.OneByteReader(bytes.NewReader(c.b))), make([]byte, ChunkSize)
		if len(c.b) > 4*ChunkSize {
			chunks = NewChunks(bytes.NewReader(c.b))
		}
		var row event.Row
		d := NewDecoder(Options{})
		for {
			n, offset, err := chunks.Next(buf)
			all := chunks.Damage()
			if err == nil {
				offsets = append(offsets, offset)
				if !bytes.Equal(buf[:n], c.b[offset:int(offset)+n]) {
					t.Errorf("%s: other bytes at %d", c.name, offset)
				}
				more, _ := d.Chunk(&row, buf[:n], offset, func(*event.Row) error { rows++; return nil })
				all = append(all, more...)
			}
			for _, d := range all {
				damage = append(damage, d.Reason.String())
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("%s: %v", c.name, err)
				}
				break
			}
		}
		if got := fmt.Sprint(offsets); got != c.offsets || rows != c.rows {
			t.Errorf("%s: chunks at %s with %d rows, want %s with %d", c.name, got, rows, c.offsets, c.rows)
		}
		if got := strings.Join(damage, ","); got != c.damage {
			t.Errorf("%s: damage %q, want %q", c.name, got, c.damage)
		}
	}
	if _, _, err := NewChunks(bytes.NewReader(whole)).Next(make([]byte, 10)); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("a small buffer: %v", err)
	}
	fault := errors.New("fault")
	if _, _, err := NewChunks(iotest.ErrReader(fault)).Next(make([]byte, ChunkSize)); err != fault {
		t.Errorf("error %v", err)
	}
}

func TestHeader(t *testing.T) {
	b := file(make([]byte, ChunkSize))
	b[120], b[24] = 1, 7
	h, reason := ParseHeader(b)
	if want := (Header{NextRecord: 7, Major: 3, Minor: 1, Chunks: 1, Block: 4096, Dirty: true}); h != want || reason != FileChecksum {
		t.Errorf("%+v, %v", h, reason)
	}
	for _, c := range []struct {
		head []byte
		want bool
	}{
		{b, true}, {[]byte(fileSign), true}, {[]byte(chunkSign), true}, {[]byte("ElfFile"), false}, {nil, false},
		{append(make([]byte, 4096), chunkSign...), true},
	} {
		if Detect(c.head) != c.want {
			t.Errorf("%.10q: not %v", c.head, c.want)
		}
	}
	seen := map[string]bool{}
	for r := range numReasons {
		if s := r.String(); s == "" || seen[s] {
			t.Errorf("reason %d: %q", r, s)
		} else {
			seen[s] = true
		}
	}
	if s := numReasons.String(); !strings.HasPrefix(s, "reason_") {
		t.Error(s)
	}
}
