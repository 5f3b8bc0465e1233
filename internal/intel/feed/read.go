package feed

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"hash/maphash"
	"io"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/jsonscan"
	"noroshi/internal/engine/product/cpe"
)

// Words are the sentences of this package's faults.
//
//go:embed text
var Words embed.FS

// Reader reads feeds. The zero Reader reads every kind but CSAF and does not
// look at the clock. It may be used by many goroutines.
type Reader struct {
	// Now is the time of reading: a source that dates something more than a day
	// after it is refused. Zero: dates are not held against a clock.
	Now time.Time
	// CSAF reads a CSAF document. Nil: such a document is refused by a fault
	// that says so. It is the hook of package csaf, which knows this package.
	CSAF func(ctx context.Context, name string, r io.Reader, yield func(*Record) error) error
	// Limits bounds what is read; a zero field means its default.
	Limits Limits
}

// Limits bounds what one reading takes in.
type Limits struct {
	Unpacked int64 // bytes of one file after unpacking; 16 GiB
	Ratio    int64 // how many times larger than packed it may be, beyond 16 MiB; 200
	Members  int   // files in one folder or archive; 2 Mi
	Element  int   // bytes of one record; 32 MiB
	Records  int   // records of one reading; 4 Mi
}

func (l Limits) filled() Limits {
	if l.Unpacked <= 0 {
		l.Unpacked = 16 << 30
	}
	if l.Ratio <= 0 {
		l.Ratio = 200
	}
	if l.Members <= 0 {
		l.Members = 2 << 20
	}
	if l.Element <= 0 {
		l.Element = 32 << 20
	}
	if l.Records <= 0 {
		l.Records = 4 << 20
	}
	return l
}

// File is what was read from one file, or from the files of one kind in one
// archive or folder.
type File struct {
	Name      string    `json:"name"`
	Kind      Kind      `json:"kind"`
	Files     int       `json:"files"`              // documents read; 1 unless it is an archive or folder
	Records   int       `json:"records"`            // yielded
	Withdrawn int       `json:"withdrawn"`          // of these, withdrawn or rejected by their source
	Bytes     int64     `json:"bytes"`              // unpacked
	SHA256    string    `json:"sha256,omitempty"`   // of the file as it came; of an archive's file, not of its members; empty for a folder
	Released  time.Time `json:"released,omitzero"`  // the newest date the files give themselves
	Newest    time.Time `json:"newest,omitzero"`    // when the newest record was last modified
	Version   string    `json:"version,omitempty"`  // of the catalogue or model, as the source counts
	Skipped   []string  `json:"skipped,omitempty"`  // members that are no feed, the first 20
	Left      int       `json:"left_out,omitempty"` // how many members are no feed
}

// Read reads one file with a zero [Reader]; see [Reader.Read].
func Read(ctx context.Context, name string, r io.Reader, yield func(*Record) error) (File, error) {
	return Reader{}.Read(ctx, name, r, yield)
}

// Open reads a file, archive or folder with a zero [Reader]; see [Reader.Open].
func Open(ctx context.Context, path string, yield func(*Record) error) ([]File, error) {
	return Reader{}.Open(ctx, path, yield)
}

// Read reads one document, packed or not, finds its kind by its content, and
// calls yield with each record. The record is the callee's to keep. Name is
// for faults, and for the product of an old endoflife.date file, which does
// not say it. An archive of files of several kinds gives the File of the kind
// with the most records; [Reader.Open] gives them all.
//
// Records are yielded before the end is seen: whoever stores them has to drop
// them all when Read returns an error. The error is a fault that names the
// file, the place in it and what is wrong, or what yield or the context said.
func (o Reader) Read(ctx context.Context, name string, r io.Reader, yield func(*Record) error) (File, error) {
	p := o.reading(ctx, yield)
	if err := p.packed(name, r, 0); err != nil {
		return File{Name: name}, err
	}
	files, err := p.result(name)
	if err != nil {
		return File{Name: name}, err
	}
	most := files[0]
	for _, f := range files[1:] {
		if f.Records > most.Records {
			most = f
		}
	}
	return most, nil
}

// reading is one call of Read or Open.
type reading struct {
	Reader
	ctx   context.Context
	yield func(*Record) error

	name    string // of the document being read
	doc     int32  // its number
	stem    string // its name without folder and ending
	kind    Kind
	mark    string // the member it was known by
	file    *File  // of its kind
	files   []*File
	members int
	bytes   int64 // unpacked, of the document
	sum     string
	skipped []string
	left    int

	scan  *jsonscan.Scanner
	in    *bufio.Reader
	parts int           // how much the record being read may still hold
	flate io.ReadCloser // kept from one member of an archive to the next
	seed  maphash.Seed
	seen  map[uint64]said
	names map[string]cpe.Name
	short map[string]string
}

// said is what was said of one id, to find contradictions.
type said struct {
	hash uint64
	at   int64 // when it was modified, microseconds
	doc  int32
}

func (o Reader) reading(ctx context.Context, yield func(*Record) error) *reading {
	o.Limits = o.Limits.filled()
	return &reading{
		Reader: o, ctx: ctx, yield: yield,
		scan: jsonscan.New(nil, jsonscan.Limits{Element: o.Limits.Element, Total: o.Limits.Unpacked}),
		in:   bufio.NewReaderSize(nil, prefix),
		seed: maphash.MakeSeed(), seen: map[uint64]said{}, names: map[string]cpe.Name{}, short: map[string]string{},
	}
}

// prefix is how much of a document may be looked at to find its kind.
const prefix = 256 << 10

// document reads one unpacked document.
func (p *reading) document(name string, r io.Reader) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	p.name, p.doc, p.stem, p.bytes = name, p.doc+1, stemOf(name), 0
	p.in.Reset(&counter{r: r, n: &p.bytes, limit: p.Limits.Unpacked})
	head, err := p.in.Peek(prefix)
	if err != nil && !errors.Is(err, io.EOF) {
		return p.broken(err)
	}
	p.mark = ""
	kind, err := p.detect(head)
	if err != nil {
		return err
	}
	p.use(kind)
	p.file.Files++
	p.scan.Reset(p.in)
	switch kind {
	case NVD:
		err = p.readNVD()
	case KEV:
		err = p.readKEV()
	case CVE5:
		err = p.readDocuments(p.cveRecord)
	case EPSS:
		err = p.readEPSS()
	case OSV:
		err = p.readOSV()
	case EOL:
		err = p.readEOL()
	case JVN:
		err = p.readJVN()
	case CSAF:
		err = p.readCSAF()
	default:
		return p.fault("feed.unknown_kind", "")
	}
	p.file.Bytes += p.bytes
	return p.broken(err)
}

// readCSAF hands the document to the reader that was given for it.
func (p *reading) readCSAF() error {
	if p.CSAF == nil {
		return fault.New(fault.Usage, "feed.csaf", "file", p.name)
	}
	times := map[string]int{} // a document may have several parts about one id
	return p.CSAF(p.ctx, p.name, p.in, func(r *Record) error {
		b, err := json.Marshal(r)
		if err != nil {
			return err
		}
		p.begin()
		key := r.Ref + " " + r.ID
		times[key]++
		return p.emit(r, key+" "+itoa(times[key]), "/document", b)
	})
}

// use makes kind the kind of the document being read.
func (p *reading) use(kind Kind) {
	p.kind = kind
	for _, f := range p.files {
		if f.Kind == kind {
			p.file = f
			return
		}
	}
	p.file = &File{Kind: kind}
	p.files = append(p.files, p.file)
}

// result closes the reading of the file called name.
func (p *reading) result(name string) ([]File, error) {
	if len(p.files) == 0 {
		return nil, fault.New(fault.Invalid, "feed.nothing", "file", name)
	}
	out := make([]File, 0, len(p.files))
	for _, f := range p.files {
		f.Name, f.SHA256 = name, p.sum
		out = append(out, *f)
	}
	out[0].Skipped, out[0].Left = p.skipped, p.left
	return out, nil
}

// released notes the date a document gives itself, which must not be to come.
func (p *reading) released(t time.Time, place string) error {
	if err := p.past(t, place); err != nil {
		return err
	}
	if t.After(p.file.Released) {
		p.file.Released = t
	}
	return nil
}

// grace is how far a date may be ahead of the clock: a date without a zone may
// be that of a country where the next day has begun.
const grace = 24 * time.Hour

func (p *reading) past(t time.Time, place string) error {
	if !p.Now.IsZero() && t.After(p.Now.Add(grace)) {
		return p.fault("feed.future", place, "date", t.Format(time.DateOnly))
	}
	return nil
}

// mostParts is what one record may hold, counted in versions; a line counts as
// linePart of them. The largest real ones stay below a tenth.
const (
	mostParts = 800_000
	linePart  = 4
)

// begin begins a record.
func (p *reading) begin() { p.parts = mostParts }

// part takes n parts of what a record may hold, and reports whether they fit. A
// few bytes of a source become hundreds of ours, so that the size of a record
// alone does not bound the memory it takes.
func (p *reading) part(n int) bool {
	p.parts -= n
	return p.parts >= 0
}

// whole is the fault of a record of which parts did not fit.
func (p *reading) whole(place string) error {
	if p.parts < 0 {
		return p.fault("feed.many_parts", place, "limit", mostParts)
	}
	return nil
}

// emit checks a record and yields it. Key is what the source calls it, raw is
// what it was made of.
func (p *reading) emit(r *Record, key, place string, raw []byte) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if err := p.whole(place); err != nil {
		return err
	}
	if !plainID(r.ID) {
		return p.fault("feed.bad_id", place, "value", clip(r.ID))
	}
	for _, t := range [...]time.Time{r.Published, r.Modified} {
		if err := p.past(t, place); err != nil {
			return err
		}
	}
	if r.Exploited != nil {
		if err := p.past(r.Exploited.Added, place); err != nil {
			return err
		}
	}
	if r.Decision != nil {
		if err := p.past(r.Decision.At, place); err != nil {
			return err
		}
	}
	fresh, err := p.fresh(r, key, place, raw)
	if err != nil || !fresh {
		return err
	}
	r.Kind = p.kind
	if r.Modified.After(p.file.Newest) {
		p.file.Newest = r.Modified
	}
	if p.file.Records++; r.Withdrawn {
		p.file.Withdrawn++
	}
	return p.yield(r)
}

// fresh reports whether a record was not said before. The same twice is said
// once; two different ones about one id, of the same day and source, mean that
// one of them is wrong and we cannot know which.
func (p *reading) fresh(r *Record, id, place string, raw []byte) (bool, error) {
	key := maphash.String(p.seed, string(p.kind)+" "+id)
	now := said{hash: maphash.Bytes(p.seed, raw), at: r.Modified.UnixMicro(), doc: p.doc}
	if old, ok := p.seen[key]; ok {
		if old.hash == now.hash {
			return false, nil
		}
		if old.doc == now.doc || old.at == now.at {
			return false, p.fault("feed.contradiction", place, "id", id)
		}
	}
	if len(p.seen) >= p.Limits.Records {
		return false, p.fault("feed.many_records", place, "limit", p.Limits.Records)
	}
	p.seen[key] = now
	return true, nil
}

// nameOf reads a CPE name; the many lines of a feed share few of them.
func (p *reading) nameOf(s []byte) (cpe.Name, bool) {
	if n, ok := p.names[string(s)]; ok {
		return n, n.Part != ""
	}
	n, err := cpe.ParseLenient(string(s))
	if err != nil {
		n = cpe.Name{}
	}
	if len(p.names) >= 1<<17 {
		clear(p.names)
	}
	p.names[string(s)] = n
	return n, n.Part != ""
}

// word returns s as a string that is shared with others that are equal.
func (p *reading) word(s []byte) string {
	if w, ok := p.short[string(s)]; ok {
		return w
	}
	w := string(s)
	if len(p.short) >= 1<<14 {
		clear(p.short)
	}
	if len(w) <= 128 {
		p.short[w] = w
	}
	return w
}

// hashing passes what is read through to a hash.
type hashing struct {
	r io.Reader
	h hash.Hash
}

func newHashing(r io.Reader) *hashing { return &hashing{r: r, h: sha256.New()} }

// Read implements io.Reader.
func (h *hashing) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	h.h.Write(b[:n])
	return n, err
}

// sum reads the rest and returns the hash in hexadecimal.
func (h *hashing) sum() (string, error) {
	if _, err := io.Copy(h.h, h.r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.h.Sum(nil)), nil
}

// trimmed returns b without a byte order mark and space at its start.
func trimmed(b []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
}
