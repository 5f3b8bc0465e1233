package nfdump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"noroshi/internal/engine/flow/export"
)

// built is a small file of layout 2 with one flow record.
func built() []byte {
	le := binary.LittleEndian
	element := func(b []byte, kind uint16, body []byte) []byte {
		b = le.AppendUint16(b, kind)
		b = le.AppendUint16(b, uint16(4+len(body)))
		return append(b, body...)
	}
	generic := make([]byte, 48)
	le.PutUint64(generic, 1_700_000_000_123)
	le.PutUint64(generic[8:], 1_700_000_001_456)
	le.PutUint64(generic[24:], 7)
	le.PutUint64(generic[32:], 900)
	le.PutUint16(generic[40:], 50000)
	le.PutUint16(generic[42:], 443)
	generic[44], generic[45] = 6, 0x1b
	rec := element(nil, genericFlow, generic)
	rec = element(rec, ipv4Flow, []byte{1, 2, 0, 192, 5, 100, 51, 198})
	head := le.AppendUint16(nil, v3Record)
	head = le.AppendUint16(head, uint16(headV3+len(rec)))
	head = append(head, 2, 0, 0, 0, 9, 0, 0, 0)
	rec = append(head, rec...)
	file := make([]byte, head2)
	le.PutUint16(file, magic)
	le.PutUint16(file[2:], 2)
	le.PutUint32(file[36:], 1)
	file = le.AppendUint32(file, 1)
	file = le.AppendUint32(file, uint32(len(rec)))
	file = le.AppendUint16(file, blockType3)
	file = le.AppendUint16(file, 0)
	return append(file, rec...)
}

func TestBuilt(t *testing.T) {
	got, s := read(t, built())
	const want = "2023-11-14 22:13:20.123|2023-11-14 22:13:21.456|192.0.2.1|198.51.100.5|50000|443|6|...AP.SF|7|900|0|0|0|0|0|0|0|0|0"
	if len(got) != 1 || got[0] != want || s.Records != 1 {
		t.Fatalf("%v, %+v", got, s)
	}
}

// TestHostile gives files that lie about themselves.
func TestHostile(t *testing.T) {
	change := func(at int, v ...byte) []byte {
		f := built()
		copy(f[at:], v)
		return f
	}
	swapped := built()
	swapped[0], swapped[1] = swapped[1], swapped[0]
	for _, c := range []struct {
		what string
		file []byte
		want error
	}{
		{"empty", nil, ErrFormat},
		{"another program's", []byte("GIF89a.............................."), ErrFormat},
		{"the other byte order", swapped, ErrOrder},
		{"layout 3", change(2, 3), ErrFormat},
		{"encrypted", change(17, 1), ErrEncrypted},
		{"unknown compression", change(16, 9), ErrFormat},
		{"header cut", built()[:30], ErrTruncated},
		{"block cut", built()[:60], ErrTruncated},
		{"block of 4 GB", change(head2+4, 0xff, 0xff, 0xff, 0xff), ErrMalformed},
		{"more blocks than there are", change(36, 2), ErrTruncated},
		{"record longer than its block", change(head2+headBlock+2, 0xff, 0xff), io.EOF},
		{"record of no length", change(head2+headBlock+2, 0, 0), io.EOF},
		{"element of no length", change(head2+headBlock+headV3+2, 0, 0), io.EOF},
		{"blocks said to be LZO", change(16, 1), io.EOF},
		{"blocks said to be bzip2", change(16, 2), io.EOF},
		{"blocks said to be LZ4", change(16, 3), io.EOF},
		{"blocks said to be zstd", change(16, 4), io.EOF},
	} {
		r, err := NewReader(bytes.NewReader(c.file))
		b := export.NewBatch(10, nil)
		for err == nil {
			err = r.Next(b)
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if c.want == io.EOF && (b.Len() > 0 || r.Stats().Malformed == 0) {
			t.Errorf("%s: %d rows, %+v", c.what, b.Len(), r.Stats())
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(built())
	for m := range byte(5) {
		v := built()
		v[16] = m
		f.Add(v)
	}
	v1 := make([]byte, head1)
	copy(v1, built()[:2])
	v1[2] = 1
	f.Add(append(v1, 1, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2, 0, 12, 0, 0, 0, 0, 0, 5, 0, 0, 0))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		rows := 0
		b := export.NewBatch(16, func(b *export.Batch) { rows += b.Len() })
		for blocks := 0; err == nil; blocks++ {
			if err = r.Next(b); blocks > len(file) {
				t.Fatal("more blocks than the file can hold")
			}
		}
		b.Flush()
		if uint64(rows) != r.Stats().Records {
			t.Fatalf("%d rows, %+v", rows, r.Stats())
		}
	})
}

// FuzzExpand holds the decompressors to their bound.
func FuzzExpand(f *testing.F) {
	f.Add(byte(lzoBlocks), []byte{18, 'a', 0x40, 0, 17, 0, 0})
	f.Add(byte(lz4Blocks), []byte{0x1f, 'a', 1, 0, 10, 0x10, 'b'})
	f.Fuzz(func(t *testing.T, m byte, src []byte) {
		const limit = 1000
		var out []byte
		if m%2 == 0 {
			out, _ = lzo(nil, src, limit)
		} else {
			out, _ = lz4(nil, src, limit)
		}
		if len(out) > limit {
			t.Fatalf("%d octets", len(out))
		}
	})
}

func BenchmarkReader(b *testing.B) {
	raw := sample(b)
	rows := 0
	batch := export.NewBatch(0, func(x *export.Batch) { rows += x.Len() })
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := NewReader(bytes.NewReader(raw))
		for err == nil {
			err = r.Next(batch)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds()/1e6, "Mrec/s")
}
