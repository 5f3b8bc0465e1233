package hunt

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/fault"
)

// input is one stream of log bytes: a file, standard input, or a member of an
// archive, whose name is the archive's, an exclamation mark and its own.
type input struct {
	name string
	r    *bufio.Reader
	mod  time.Time // when it was last written; zero if not known
}

// Bounds of what is unpacked: archives inside archives, what one of these may
// hold in memory, and what comes out of one file in all.
const (
	maxNested   = 3
	maxInner    = 256 << 20
	maxUnpacked = 1 << 40
	readAhead   = 256 << 10
)

// inputs opens what a person named. It is used by one goroutine; Done may be
// asked by others.
type inputs struct {
	stdin   io.Reader
	visit   func(*input) error
	passed  func(name string, err error) // a file in a folder, or a member, that cannot be read
	read    atomic.Int64                 // bytes of the files themselves
	unpacks int64                        // bytes that came out of the file at hand
	readers []*bufio.Reader              // not in use: streams are read one inside another
}

// reader returns a buffered reader, one that was given back if there is one:
// archives have thousands of small members.
func (in *inputs) reader(r io.Reader) *bufio.Reader {
	if n := len(in.readers); n > 0 {
		b := in.readers[n-1]
		in.readers = in.readers[:n-1]
		b.Reset(r)
		return b
	}
	return bufio.NewReaderSize(r, readAhead)
}

func (in *inputs) giveBack(b *bufio.Reader) {
	b.Reset(nil) // what it read may be large
	in.readers = append(in.readers, b)
}

// Done returns how many bytes of the files were read.
func (in *inputs) Done() int64 { return in.read.Load() }

// sizeOf sums up the files behind the names, for a progress bar, and refuses a
// name behind which there is nothing.
func sizeOf(names []string) (sum int64, err error) {
	for _, name := range names {
		if name == "-" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			return 0, unreadable(name, err)
		}
		_ = filepath.WalkDir(rootOf(name), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if is, err := d.Info(); err == nil {
					sum += is.Size()
				}
			}
			return nil
		})
	}
	return sum, nil
}

// rootOf returns the name by which a folder is walked through: one that is named
// by a link is what the link leads to.
func rootOf(name string) string {
	if is, err := os.Lstat(name); err != nil || is.Mode()&fs.ModeSymlink == 0 {
		return name
	}
	if is, err := os.Stat(name); err != nil || !is.IsDir() {
		return name
	}
	return name + string(filepath.Separator)
}

// unreadable says which file could not be read, and why.
func unreadable(name string, err error) error {
	key := "hunt.input.read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		key = "hunt.input.absent"
	case errors.Is(err, fs.ErrPermission):
		key = "hunt.input.forbidden"
	}
	return fault.New(fault.Usage, key, "file", name).Because(err)
}

// walk visits everything behind the names in their order; what is in a folder
// in the order of the names there, with the folders in it.
func (in *inputs) walk(ctx context.Context, names []string) error {
	for _, name := range names {
		if name == "-" {
			if err := in.stream(ctx, "-", &counted{&waited{ctx: ctx, r: in.stdin}, &in.read}, time.Time{}, 0); err != nil {
				return err
			}
			continue
		}
		root := rootOf(name)
		err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			within := file != root
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				in.passed(file, unreadable(file, err))
				return nil
			case within && strings.HasPrefix(d.Name(), "."):
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			case d.IsDir():
				return nil
			}
			return in.file(ctx, file, within)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// file visits one file. In a folder only regular files are read: a pipe there
// would hold up the rest.
func (in *inputs) file(ctx context.Context, name string, within bool) error {
	is, err := os.Stat(name)
	if err == nil && (is.IsDir() || within && !is.Mode().IsRegular()) {
		return nil
	}
	if err != nil {
		in.passed(name, unreadable(name, err))
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		in.passed(name, unreadable(name, err))
		return nil
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.Close() })()
	in.unpacks = 0
	var magic [4]byte
	if n, _ := f.ReadAt(magic[:], 0); n == 4 && is.Mode().IsRegular() && isZip(magic[:]) {
		return in.zip(ctx, name, &countedAt{f, &in.read}, is.Size(), 0)
	}
	return in.stream(ctx, name, &counted{f, &in.read}, is.ModTime(), 0)
}

// stream visits what is in a stream, unpacked as often as it is packed.
func (in *inputs) stream(ctx context.Context, name string, r io.Reader, mod time.Time, depth int) error {
	b := in.reader(&watched{ctx, r})
	defer in.giveBack(b)
	head, err := b.Peek(300)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return in.pass(ctx, name, err)
	}
	if packed(head) && depth >= maxNested {
		in.passed(name, fault.New(fault.Usage, "hunt.input.nested", "file", name, "n", maxNested))
		return nil
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(b)
		if err != nil {
			return in.pass(ctx, name, err)
		}
		return in.stream(ctx, name, &bounded{z, &in.unpacks}, mod, depth+1)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxInner))
		if err != nil {
			return in.pass(ctx, name, err)
		}
		defer z.Close()
		return in.stream(ctx, name, &bounded{z, &in.unpacks}, mod, depth+1)
	case isZip(head): // a zip is read from its end, so it has to be held
		all, err := io.ReadAll(io.LimitReader(b, maxInner+1))
		if err != nil {
			return in.pass(ctx, name, err)
		}
		if len(all) > maxInner {
			in.passed(name, fault.New(fault.Usage, "hunt.input.inner", "file", name, "n", maxInner>>20))
			return nil
		}
		return in.zip(ctx, name, bytes.NewReader(all), int64(len(all)), depth+1)
	case isTar(head):
		return in.tar(ctx, name, b, depth+1)
	}
	return in.visit(&input{name: name, r: b, mod: mod})
}

// pass reports a file that cannot be read and goes on, unless the run is over.
func (in *inputs) pass(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	in.passed(name, unreadable(name, err))
	return nil
}

func (in *inputs) zip(ctx context.Context, name string, r io.ReaderAt, size int64, depth int) error {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return in.pass(ctx, name, err)
	}
	members, over := disjoint(z.File)
	for _, m := range over {
		full := name + "!" + m.Name
		in.passed(full, fault.New(fault.Usage, "hunt.input.overlap", "file", full))
	}
	slices.SortStableFunc(members, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range members {
		if m.FileInfo().IsDir() || hidden(m.Name) {
			continue
		}
		full := name + "!" + m.Name
		if m.Flags&1 != 0 {
			in.passed(full, fault.New(fault.Usage, "hunt.input.encrypted", "file", full))
			continue
		}
		f, err := m.Open()
		if err != nil {
			in.passed(full, unreadable(full, err))
			continue
		}
		err = in.stream(ctx, full, &bounded{f, &in.unpacks}, m.Modified, depth)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// disjoint divides the members of a zip into those with bytes of their own and those
// that lie over an earlier one, which no packer writes: so a small file would
// unpack to as much as it likes.
func disjoint(all []*zip.File) (own, over []*zip.File) {
	begin := make(map[*zip.File]int64, len(all))
	for _, m := range all {
		at, err := m.DataOffset()
		if err != nil {
			at = -1 // opening it will say so
		}
		begin[m] = at
	}
	inOrder := slices.Clone(all)
	slices.SortStableFunc(inOrder, func(a, b *zip.File) int { return cmp.Compare(begin[a], begin[b]) })
	end := int64(0)
	for _, m := range inOrder {
		if begin[m] >= 0 && begin[m] < end && m.CompressedSize64 > 0 {
			over = append(over, m)
			continue
		}
		own = append(own, m)
		end = max(end, begin[m]+int64(min(m.CompressedSize64, 1<<62)))
	}
	return own, over
}

func (in *inputs) tar(ctx context.Context, name string, r io.Reader, depth int) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return in.pass(ctx, name, err)
		}
		if h.Typeflag != tar.TypeReg || hidden(h.Name) {
			continue
		}
		if err := in.stream(ctx, name+"!"+h.Name, &bounded{t, &in.unpacks}, h.ModTime, depth); err != nil {
			return err
		}
	}
}

// hidden reports whether a member is what a system put there for itself.
func hidden(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], ".")
}

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

func isTar(head []byte) bool { return len(head) >= 262 && string(head[257:262]) == "ustar" }

func packed(head []byte) bool {
	return isZip(head) || isTar(head) || bytes.HasPrefix(head, []byte{0x1f, 0x8b}) || bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd})
}

// counted and countedAt tell how far a file is read.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

type countedAt struct {
	r io.ReaderAt
	n *atomic.Int64
}

// ReadAt implements io.ReaderAt.
func (c *countedAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(p, off)
	c.n.Add(int64(n))
	return n, err
}

// bounded ends a stream that unpacks to more than anybody has.
type bounded struct {
	r io.Reader
	n *int64
}

var errUnpacked = errors.New("unpacks to more than 1 TiB")

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if *b.n > maxUnpacked {
		return 0, errUnpacked
	}
	n, err := b.r.Read(p)
	*b.n += int64(n)
	return n, err
}

// watched gives up when the run is over.
type watched struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

// waited reads what may keep one waiting, as a terminal or a pipe does, and gives
// up waiting when the run is over.
type waited struct {
	ctx  context.Context
	r    io.Reader
	read chan given // of the read that goes on, nil without one
	buf  []byte
	have []byte // read and not yet taken
	err  error  // after it
}

type given struct {
	n   int
	err error
}

// Read implements io.Reader.
func (w *waited) Read(p []byte) (int, error) {
	if len(w.have) == 0 && w.err == nil {
		w.wait()
	}
	if len(w.have) == 0 {
		return 0, w.err
	}
	n := copy(p, w.have)
	w.have = w.have[n:]
	return n, nil
}

func (w *waited) wait() {
	if w.read == nil {
		if w.buf == nil {
			w.buf = make([]byte, readAhead)
		}
		read, buf, r := make(chan given, 1), w.buf, w.r
		w.read = read
		go func() {
			n, err := r.Read(buf)
			read <- given{n, err}
		}()
	}
	select {
	case g := <-w.read:
		w.read, w.have, w.err = nil, w.buf[:g.n], g.err
	case <-w.ctx.Done():
		w.err = w.ctx.Err()
	}
}
