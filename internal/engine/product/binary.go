package product

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"time"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// The compiled form of an index:
//
//	magic     8 bytes "NRSHIDX" and the format's version
//	counts    texts, bytes of texts, statements, nodes, lines, ranges, single versions
//	texts     length of each, then the bytes of all
//	statements, each with its nodes and lines in place; texts by number
//	checksum  SHA-256 of everything before, 32 bytes
//
// Numbers are unsigned varints. A reader that meets another version refuses:
// compiled indexes are made again from the feeds, never migrated.
const magic = "NRSHIDX\x01"

// MaxIndex bounds the compiled form that is read, in bytes.
const MaxIndex = 2 << 30

// ErrIndex is what every error of [ReadIndex] about the content wraps.
var ErrIndex = errors.New("compiled index")

// IsIndex reports whether a file that starts so is a compiled index, of
// whichever version. Eight bytes are enough.
func IsIndex(start []byte) bool {
	return len(start) >= 7 && string(start[:7]) == magic[:7]
}

// writer numbers texts and counts what is written.
type writer struct {
	numbers                        map[string]uint64
	texts                          []string
	size                           uint64
	nodes, lines, ranges, versions uint64
	body                           []byte
}

func (w *writer) num(n uint64) { w.body = binary.AppendUvarint(w.body, n) }

func (w *writer) text(s string) {
	n, ok := w.numbers[s]
	if !ok {
		n = uint64(len(w.texts))
		w.numbers[s] = n
		w.texts = append(w.texts, s)
		w.size += uint64(len(s))
	}
	w.num(n)
}

// WriteTo writes the compiled form, which [ReadIndex] reads. The same
// statements in the same order give the same bytes.
func (x *Index) WriteTo(to io.Writer) (int64, error) {
	w := writer{numbers: map[string]uint64{}}
	w.text("")
	w.body = w.body[:0]
	for _, s := range x.statements {
		w.statement(s)
	}
	head := []byte(magic)
	for _, n := range []uint64{uint64(len(w.texts)), w.size, uint64(len(x.statements)), w.nodes, w.lines, w.ranges, w.versions} {
		head = binary.AppendUvarint(head, n)
	}
	for _, t := range w.texts {
		head = binary.AppendUvarint(head, uint64(len(t)))
	}
	sum := sha256.New()
	c := &counter{to: bufio.NewWriterSize(to, 1<<16), sum: sum}
	c.write(head)
	for _, t := range w.texts {
		c.write([]byte(t))
	}
	c.write(w.body)
	c.write(sum.Sum(nil))
	if c.err == nil {
		c.err = c.to.Flush()
	}
	if c.err != nil {
		return c.n, fmt.Errorf("write the compiled index: %w", c.err)
	}
	return c.n, nil
}

type counter struct {
	to  *bufio.Writer
	sum hash.Hash
	n   int64
	err error
}

func (c *counter) write(b []byte) {
	if c.err == nil {
		c.sum.Write(b)
		_, c.err = c.to.Write(b)
		c.n += int64(len(b))
	}
}

func (w *writer) statement(s *Statement) {
	w.text(s.Vulnerability)
	w.text(s.Source)
	w.text(s.By)
	w.text(s.Ref)
	w.text(s.Licence)
	at := uint64(0) // 0 is the zero time
	if !s.At.IsZero() {
		at = zigzag(s.At.UnixMicro()) + 1
	}
	w.num(at)
	w.node(&s.Root, 0)
}

func zigzag(n int64) uint64   { return uint64(n<<1) ^ uint64(n>>63) }
func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

func (w *writer) node(n *Node, depth int) {
	children := n.Children
	if depth == maxDepth {
		children = nil // what lies deeper is not looked at either
	}
	flags := uint64(n.Op)
	if n.Negate {
		flags |= 2
	}
	w.num(flags)
	w.num(uint64(len(n.Lines)))
	w.num(uint64(len(children)))
	w.nodes += uint64(len(children))
	w.lines += uint64(len(n.Lines))
	for i := range n.Lines {
		w.line(&n.Lines[i])
	}
	for i := range children {
		w.node(&children[i], depth+1)
	}
}

// The fields of a line that are seldom set are marked by a bit each.
const (
	hasName = 1 << iota
	hasPackage
	hasText
	hasRanges
	hasVersions
	hasFixed
	hasWhy
	hasDetail
	isPlatform
	hasUnread
)

func (w *writer) line(l *Line) {
	flags := uint64(0)
	for _, f := range [...]struct {
		set bool
		bit uint64
	}{
		{l.Name != cpe.Name{}, hasName}, {l.Package != "", hasPackage}, {l.Text != "", hasText}, {len(l.Ranges) > 0, hasRanges},
		{len(l.Versions) > 0, hasVersions}, {l.Fixed != "", hasFixed}, {l.Why != "", hasWhy}, {l.Detail != "", hasDetail}, {l.Platform, isPlatform}, {l.Unread != "", hasUnread},
	} {
		if f.set {
			flags |= f.bit
		}
	}
	w.num(flags)
	w.num(uint64(l.Status))
	w.num(uint64(l.Scheme))
	if flags&hasName != 0 {
		w.name(&l.Name)
	}
	for _, f := range [...]struct {
		bit uint64
		s   string
	}{{hasPackage, l.Package}, {hasText, l.Text}, {hasFixed, l.Fixed}, {hasWhy, string(l.Why)}, {hasDetail, l.Detail}, {hasUnread, l.Unread}} {
		if flags&f.bit != 0 {
			w.text(f.s)
		}
	}
	if flags&hasRanges != 0 {
		w.num(uint64(len(l.Ranges)))
		w.ranges += uint64(len(l.Ranges))
		for _, r := range l.Ranges {
			ends := uint64(0)
			if r.FromExcluded {
				ends |= 1
			}
			if r.ToIncluded {
				ends |= 2
			}
			w.num(ends)
			w.text(r.From)
			w.text(r.To)
		}
	}
	if flags&hasVersions != 0 {
		w.num(uint64(len(l.Versions)))
		w.versions += uint64(len(l.Versions))
		for _, v := range l.Versions {
			w.text(v)
		}
	}
}

// name writes which attributes are not Any, then those.
func (w *writer) name(n *cpe.Name) {
	values := n.Values()
	set := uint64(0)
	for i, v := range values {
		if v != cpe.Any {
			set |= 1 << i
		}
	}
	w.num(set)
	for _, v := range values {
		if v != cpe.Any {
			w.text(string(v))
		}
	}
}

// reader reads the compiled form out of memory. The first error stays; numbers
// read after it are zero.
type reader struct {
	b        []byte
	at       int
	texts    []string
	nodes    []Node
	lines    []Line
	ranges   []version.Range
	versions []string
	err      error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: byte %d: %s", ErrIndex, r.at, what)
	}
}

func (r *reader) num() uint64 {
	if r.at < len(r.b) && r.b[r.at] < 0x80 { // nine of ten are this small
		r.at++
		return uint64(r.b[r.at-1])
	}
	n, size := binary.Uvarint(r.b[min(r.at, len(r.b)):])
	if size <= 0 {
		r.fail("a number is cut off")
		return 0
	}
	r.at += size
	return n
}

func (r *reader) text() string {
	n := r.num()
	if n >= uint64(len(r.texts)) {
		r.fail("a text that does not exist")
		return ""
	}
	return r.texts[n]
}

// ReadIndex reads a compiled index. It refuses what is not one, is of another
// version, is cut off or changed, with an error that wraps [ErrIndex] and names
// the place; memory is bounded by the size of what is read.
func ReadIndex(from io.Reader) (*Index, error) {
	var buf bytes.Buffer
	if sized, ok := from.(interface{ Len() int }); ok && sized.Len() < MaxIndex {
		buf.Grow(sized.Len() + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(io.LimitReader(from, MaxIndex+1)); err != nil {
		return nil, fmt.Errorf("read the compiled index: %w", err)
	}
	return readIndex(buf.Bytes())
}

func readIndex(b []byte) (*Index, error) {
	switch {
	case len(b) > MaxIndex:
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrIndex, MaxIndex)
	case !IsIndex(b):
		return nil, fmt.Errorf("%w: byte 0: this is none", ErrIndex)
	case len(b) < len(magic)+sha256.Size:
		return nil, fmt.Errorf("%w: cut off after %d bytes", ErrIndex, len(b))
	case b[7] != magic[7]:
		return nil, fmt.Errorf("%w: version %d; this program reads %d: compile the feeds again", ErrIndex, b[7], magic[7])
	}
	body := b[:len(b)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], b[len(body):]) {
		return nil, fmt.Errorf("%w: the checksum differs: cut off or changed", ErrIndex)
	}
	r := reader{b: body, at: len(magic)}
	statements := r.all()
	if r.err == nil && r.at != len(r.b) {
		r.fail("something follows the last statement")
	}
	if r.err != nil {
		return nil, r.err
	}
	return newIndex(statements), nil
}

// count reads how many things follow; each takes at least size bytes, so that
// no more memory is set aside than what was read warrants.
func (r *reader) count(size int) int {
	n := r.num()
	if n > uint64(len(r.b)/size) || n > math.MaxInt32 {
		r.fail("more things than there are bytes")
		return 0
	}
	return int(n)
}

func (r *reader) all() []*Statement {
	texts, size := r.count(1), r.count(1)
	statements := r.count(9)
	nodes, lines, ranges, versions := r.count(3), r.count(3), r.count(3), r.count(1)
	r.strings(texts, size)
	if r.err != nil {
		return nil
	}
	r.nodes, r.lines = make([]Node, nodes), make([]Line, lines)
	r.ranges, r.versions = make([]version.Range, ranges), make([]string, versions)
	all := make([]Statement, statements)
	refs := make([]*Statement, statements)
	for i := range all {
		if r.err != nil {
			return nil
		}
		r.statement(&all[i])
		refs[i] = &all[i]
	}
	if len(r.nodes)+len(r.lines)+len(r.ranges)+len(r.versions) > 0 {
		r.fail("fewer things than announced")
	}
	return refs
}

// strings cuts the texts out of one string.
func (r *reader) strings(count, size int) {
	lengths := make([]int, count)
	sum := 0
	for i := range lengths {
		lengths[i] = r.count(1)
		sum += lengths[i]
	}
	if r.err != nil || sum != size || size > len(r.b)-r.at {
		r.fail("the texts do not fill their place")
		return
	}
	joined := string(r.b[r.at : r.at+size])
	r.at += size
	r.texts = make([]string, count)
	at := 0
	for i, n := range lengths {
		r.texts[i] = joined[at : at+n]
		at += n
	}
}

func (r *reader) statement(s *Statement) {
	s.Vulnerability, s.Source, s.By, s.Ref, s.Licence = r.text(), r.text(), r.text(), r.text(), r.text()
	if at := r.num(); at != 0 {
		s.At = time.UnixMicro(unzigzag(at - 1)).UTC()
	}
	r.node(&s.Root, 0)
}

// take cuts n things off a store; with fewer left it fails.
func take[T any](r *reader, from *[]T, n uint64) []T {
	if n > uint64(len(*from)) {
		r.fail("more things than announced")
		return nil
	}
	if n == 0 {
		return nil
	}
	got := (*from)[:n:n]
	*from = (*from)[n:]
	return got
}

func (r *reader) node(n *Node, depth int) {
	flags := r.num()
	if flags > 3 || depth > maxDepth {
		r.fail("a node that cannot be")
		return
	}
	n.Op, n.Negate = Op(flags&1), flags&2 != 0
	lines, children := r.num(), r.num()
	n.Lines = take(r, &r.lines, lines)
	n.Children = take(r, &r.nodes, children)
	for i := range n.Lines {
		if r.err != nil {
			return
		}
		r.line(&n.Lines[i])
	}
	for i := range n.Children {
		if r.err != nil {
			return
		}
		r.node(&n.Children[i], depth+1)
	}
}

func (r *reader) line(l *Line) {
	flags := r.num()
	status, scheme := r.num(), r.num()
	if flags >= hasUnread<<1 || status > uint64(StatusUnknown) || scheme > math.MaxUint8 {
		r.fail("a line that cannot be")
		return
	}
	l.Platform, l.Status, l.Scheme = flags&isPlatform != 0, Status(status), version.Scheme(scheme)
	if flags&hasName != 0 {
		r.name(&l.Name)
	}
	if flags&hasPackage != 0 {
		l.Package = r.text()
	}
	if flags&hasText != 0 {
		l.Text = r.text()
	}
	if flags&hasFixed != 0 {
		l.Fixed = r.text()
	}
	if flags&hasWhy != 0 {
		l.Why = Justification(r.text())
	}
	if flags&hasDetail != 0 {
		l.Detail = r.text()
	}
	if flags&hasUnread != 0 {
		l.Unread = r.text()
	}
	if flags&hasRanges != 0 {
		l.Ranges = take(r, &r.ranges, r.num())
		for i := range l.Ranges {
			ends := r.num()
			l.Ranges[i] = version.Range{From: r.text(), To: r.text(), FromExcluded: ends&1 != 0, ToIncluded: ends&2 != 0}
		}
	}
	if flags&hasVersions != 0 {
		l.Versions = take(r, &r.versions, r.num())
		for i := range l.Versions {
			l.Versions[i] = r.text()
		}
	}
}

func (r *reader) name(n *cpe.Name) {
	set := r.num()
	if set >= 1<<11 {
		r.fail("a name that cannot be")
		return
	}
	values := [...]*cpe.Value{&n.Part, &n.Vendor, &n.Product, &n.Version, &n.Update, &n.Edition,
		&n.Language, &n.SWEdition, &n.TargetSW, &n.TargetHW, &n.Others}
	for i, v := range values {
		if set&(1<<i) != 0 {
			*v = cpe.Value(r.text())
		}
	}
}
