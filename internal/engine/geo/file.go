package geo

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"time"
)

// A table file is
//
//	magic     8 bytes "NRSGEO" 0x1a version
//	length    4 bytes, big endian: bytes of the body before compression
//	body      DEFLATE (RFC 1951)
//	checksum  32 bytes, SHA-256 of all before it
//
// and its body is, numbers as unsigned varints, texts as length and bytes:
//
//	source, licence, day of the data since 1970-01-01 plus 1 (0: not known)
//	n, n countries whose lists are complete
//	n, n entries: country (2 bytes, "--" for none), AS number, name
//	n, the number of segments, the first of which begins at ::
//	n-1 bytes: trailing zero bits of the distance from one beginning to the
//	    next (bit 7: its upper half is not zero)
//	n-1 numbers: that distance without its zeros; upper halves follow theirs
//	n numbers: the value of each segment
//
// A column of its own for each kind of number is what makes it small.
var magic = [8]byte{'N', 'R', 'S', 'G', 'E', 'O', 0x1a, 1}

// MaxFile bounds a table file, and maxBody what it unpacks to, in bytes.
const (
	MaxFile = 64 << 20
	maxBody = 256 << 20
)

// The errors of reading a table file.
var (
	ErrNotTable = errors.New("geo: not a table file")
	ErrVersion  = errors.New("geo: a table file of another version")
	ErrDamaged  = errors.New("geo: the table file is damaged")
)

// Encode returns the table as a file. The same table gives the same bytes.
func (t *Table) Encode() []byte {
	body := t.body()
	out := bytes.NewBuffer(slices.Clone(magic[:]))
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(body)))
	out.Write(n[:])
	w, err := flate.NewWriter(out, flate.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("BUG: geo: compressing to memory: " + err.Error())
	}
	sum := sha256.Sum256(out.Bytes())
	return append(out.Bytes(), sum[:]...)
}

func (t *Table) body() []byte {
	var b []byte
	put := func(n uint64) { b = binary.AppendUvarint(b, n) }
	text := func(s string) { put(uint64(len(s))); b = append(b, s...) }
	text(t.meta.Source)
	text(t.meta.Licence)
	if t.meta.Date.IsZero() || t.meta.Date.Unix() < 0 {
		put(0)
	} else {
		put(uint64(t.meta.Date.Unix()/86400) + 1)
	}
	put(uint64(len(t.meta.Complete)))
	for _, c := range t.meta.Complete {
		b = append(b, c...)
	}
	put(uint64(len(t.entries) - entryFirst))
	for _, e := range t.entries[entryFirst:] {
		if e.Country == "" {
			e.Country = "--"
		}
		b = append(b, e.Country...)
		put(uint64(e.ASN))
		text(e.Org)
	}
	s := &t.segs
	put(uint64(len(s.starts)))
	var far []byte
	for i := 1; i < len(s.starts); i++ {
		d := s.starts[i].minus(s.starts[i-1])
		zeros := bits.TrailingZeros64(d.lo)
		if d.lo == 0 {
			zeros = 64 + bits.TrailingZeros64(d.hi)
		}
		d = d.right(zeros)
		far = binary.AppendUvarint(far, d.lo)
		if d.hi != 0 {
			zeros |= 0x80
			far = binary.AppendUvarint(far, d.hi)
		}
		b = append(b, byte(zeros))
	}
	b = append(b, far...)
	for _, v := range s.values {
		put(uint64(v))
	}
	return b
}

// right returns a shifted right by n bits, n < 128.
func (a addr) right(n int) addr {
	if n >= 64 {
		return addr{0, a.hi >> (n - 64)}
	}
	if n == 0 {
		return a
	}
	return addr{a.hi >> n, a.lo>>n | a.hi<<(64-n)}
}

// left returns a shifted left by n bits, n < 128.
func (a addr) left(n int) addr {
	if n >= 64 {
		return addr{a.lo << (n - 64), 0}
	}
	if n == 0 {
		return a
	}
	return addr{a.hi<<n | a.lo>>(64-n), a.lo << n}
}

// Decode reads a table file. Errors are ErrNotTable, ErrVersion, ErrDamaged
// and a LimitError. Memory is bounded by MaxFile, MaxRanges and MaxEntries.
func Decode(file []byte) (*Table, error) {
	head := len(magic) + 4
	if len(file) < len(magic) || !bytes.Equal(file[:len(magic)-1], magic[:len(magic)-1]) {
		return nil, ErrNotTable
	}
	if file[len(magic)-1] != magic[len(magic)-1] {
		return nil, ErrVersion
	}
	if len(file) > MaxFile {
		return nil, &LimitError{"bytes", MaxFile}
	}
	if len(file) < head+sha256.Size {
		return nil, fmt.Errorf("%w: it is cut off", ErrDamaged)
	}
	packed, sum := file[:len(file)-sha256.Size], file[len(file)-sha256.Size:]
	if got := sha256.Sum256(packed); !bytes.Equal(got[:], sum) {
		return nil, fmt.Errorf("%w: its checksum differs", ErrDamaged)
	}
	n := binary.BigEndian.Uint32(packed[len(magic):head])
	if n > maxBody {
		return nil, &LimitError{"bytes", maxBody}
	}
	// A buffer of what was unpacked, not of what is promised.
	var body bytes.Buffer
	z := flate.NewReader(bytes.NewReader(packed[head:]))
	if got, err := io.Copy(&body, io.LimitReader(z, int64(n)+1)); err != nil || got != int64(n) {
		return nil, fmt.Errorf("%w: it does not unpack", ErrDamaged)
	}
	r := &reader{b: body.Bytes()}
	t := r.table()
	if r.bad || len(r.b) != 0 {
		return nil, fmt.Errorf("%w: its contents make no table", ErrDamaged)
	}
	return t, nil
}

// reader takes values off the front of b; after the first that is not there it
// is bad and gives zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number(max uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > max {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bytes(n int) string {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) text(max int) string {
	s := r.bytes(int(r.number(uint64(max))))
	r.bad = r.bad || s != clean(s, max)
	return s
}

// count reads a number of things that take at least size bytes each.
func (r *reader) count(max uint64, size int) int {
	return int(r.number(min(max, uint64(len(r.b)/size))))
}

func (r *reader) table() *Table {
	t := &Table{}
	t.meta.Source, t.meta.Licence = r.text(MaxText), r.text(MaxText)
	if day := r.number(1 << 20); day > 0 {
		t.meta.Date = time.Unix(int64(day-1)*86400, 0).UTC()
	}
	for range r.count(26*26, 2) {
		c := r.bytes(2)
		r.bad = r.bad || !isCountry(c)
		t.meta.Complete = append(t.meta.Complete, c)
	}
	r.bad = r.bad || !slices.IsSorted(t.meta.Complete)
	n := r.count(MaxEntries, 4)
	t.entries = make([]Entry, entryFirst, entryFirst+n)
	for range n {
		e := Entry{Country: r.bytes(2), ASN: uint32(r.number(1<<32 - 1)), Org: r.text(MaxOrg)}
		if e.Country == "--" {
			e.Country = ""
		}
		r.bad = r.bad || e.Country != "" && !isCountry(e.Country)
		t.entries = append(t.entries, e)
	}
	r.segments(t)
	return t
}

func (r *reader) segments(t *Table) {
	s := &t.segs
	n := r.count(2*MaxRanges+3, 1)
	if r.bad = r.bad || n == 0; r.bad {
		return
	}
	zeros := r.bytes(n - 1)
	if r.bad {
		return
	}
	s.starts, s.values = make([]addr, 1, n), make([]uint32, 0, n)
	for i := range len(zeros) {
		d := addr{lo: r.number(^uint64(0))}
		if zeros[i]&0x80 != 0 {
			d.hi = r.number(^uint64(0))
		}
		shift := int(zeros[i] & 0x7f)
		next, ok := s.starts[i].plus(d.left(shift))
		// A distance that loses bits when shifted, or none, is no distance.
		if r.bad = r.bad || !ok || d == (addr{}) || d.left(shift).right(shift) != d; r.bad {
			return
		}
		s.starts = append(s.starts, next)
	}
	for range n {
		s.values = append(s.values, uint32(r.number(uint64(len(t.entries)-1))))
	}
	// Counting trusts that no segment lies in both families.
	for _, at := range [...]addr{{0, mapped}, {0, last4 + 1}} {
		r.bad = r.bad || s.starts[s.index(at)] != at
	}
}
