package feed

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"noroshi/internal/base/fault"
)

// Open reads a file, an archive or a folder with everything below it, and
// returns what was read by kind. In an archive or folder, what is no feed
// (checksums, signatures, licences) is left out and counted; a feed that is
// broken makes the whole call fail. Links are not followed, and names that
// begin with a dot are left out.
func (o Reader) Open(ctx context.Context, path string, yield func(*Record) error) ([]File, error) {
	p := o.reading(ctx, yield)
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if info.IsDir() {
		err = p.folder(path)
	} else {
		err = p.opened(path, path, 0)
	}
	if err != nil {
		return nil, err
	}
	return p.result(path)
}

func unreadable(path string, err error) error {
	kind, code := fault.Usage, "feed.unreadable"
	if errors.Is(err, fs.ErrNotExist) {
		kind, code = fault.NotFound, "feed.not_there"
	}
	return fault.New(kind, code, "file", path).Because(err)
}

// opened reads the file at path, called name.
func (p *reading) opened(path, name string, depth int) error {
	f, err := os.Open(path)
	if err != nil {
		return unreadable(path, err)
	}
	defer f.Close()
	return p.packed(name, f, depth)
}

func (p *reading) folder(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return unreadable(path, err)
		}
		if path != root && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		if err := p.member(); err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return p.leaveOut(filepath.ToSlash(name), p.opened(path, filepath.ToSlash(name), 1))
	})
}

// member counts a file of an archive or folder.
func (p *reading) member() error {
	if p.members++; p.members > p.Limits.Members {
		return p.fault("feed.many_files", "", "limit", p.Limits.Members)
	}
	return p.ctx.Err()
}

// leaveOut notes a member that is no feed.
func (p *reading) leaveOut(name string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) && (f.Code == "feed.unknown_kind" || f.Code == "feed.empty") {
		if p.left++; len(p.skipped) < 20 {
			p.skipped = append(p.skipped, name)
		}
		return nil
	}
	return err
}

// packed unpacks r when it is packed, and reads what is in it. Depth is how
// many archives and folders it is in.
func (p *reading) packed(name string, r io.Reader, depth int) error {
	p.name = name
	src := &counter{r: r}
	src.n = &src.count
	var h *hashing
	in := bufio.NewReaderSize(src, 32<<10)
	if depth == 0 {
		h = newHashing(src)
		in = bufio.NewReaderSize(h, 32<<10)
	}
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return p.broken(err)
	}
	switch {
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")), bytes.HasPrefix(magic, []byte("PK\x05\x06")):
		err = p.zipped(name, r, in, depth)
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		var z *gzip.Reader
		if z, err = gzip.NewReader(in); err == nil {
			err = p.unpacked(name, z, src)
		} else {
			err = damaged(err, src)
		}
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		var z *zstd.Decoder
		if z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderMaxWindow(128<<20)); err == nil {
			err = p.unpacked(name, z, src)
			z.Close()
		} else {
			err = damaged(err, src)
		}
	default:
		err = p.document(name, in)
	}
	if h != nil && err == nil {
		p.sum, err = h.sum()
	}
	return p.unpackFault(name, err)
}

// unpacked reads a packed document, watching how much comes out of how little.
func (p *reading) unpacked(name string, r io.Reader, src *counter) error {
	return p.document(name, &swelling{r: r, packed: &src.count, limit: p.Limits.Ratio, src: src})
}

// unpackFault names a broken archive.
func (p *reading) unpackFault(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSwelling), errors.Is(err, errTooMuch):
		return fault.New(fault.TooLarge, "feed.bomb", "file", name, "limit", p.Limits.Ratio, "bytes", p.Limits.Unpacked).Because(err)
	case errors.Is(err, errDamaged):
		return fault.New(fault.Invalid, "feed.archive", "file", name).Because(err)
	}
	return p.broken(err)
}

// zipped reads the members of a zip in the order of their directory.
func (p *reading) zipped(name string, r io.Reader, in io.Reader, depth int) error {
	if depth > 1 {
		return p.fault("feed.archive_in_archive", "")
	}
	at, size, done, err := p.seekable(r, in)
	if err != nil {
		return err
	}
	defer done()
	z, err := zip.NewReader(at, size)
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	z.RegisterDecompressor(zip.Deflate, p.inflate)
	for _, m := range z.File {
		base := filepath.Base(filepath.FromSlash(m.Name))
		if m.FileInfo().IsDir() || strings.HasPrefix(base, ".") || !m.Mode().IsRegular() {
			continue
		}
		if err := p.member(); err != nil {
			return err
		}
		if err := p.leaveOut(m.Name, p.zipMember(name, m)); err != nil {
			return err
		}
	}
	p.name = name
	return nil
}

// inflate returns the one decompressor, begun anew: members are read one after
// the other, and many are smaller than its tables.
func (p *reading) inflate(r io.Reader) io.ReadCloser {
	if p.flate == nil {
		p.flate = flate.NewReader(r)
	} else if err := p.flate.(flate.Resetter).Reset(r, nil); err != nil {
		panic("BUG: flate reader cannot be reset: " + err.Error())
	}
	return io.NopCloser(p.flate)
}

func (p *reading) zipMember(name string, m *zip.File) error {
	p.name = name + "!" + m.Name
	packed := max(int64(m.CompressedSize64), 1)
	if int64(m.UncompressedSize64) > p.Limits.Unpacked {
		return errTooMuch
	}
	r, err := m.Open()
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	defer r.Close()
	return p.packed(p.name, &swelling{r: r, packed: &packed, limit: p.Limits.Ratio}, 2)
}

// seekable returns r as a zip reader needs it: itself when it is a file, else
// copied to a temporary one. In holds what was already read of it.
func (p *reading) seekable(r, in io.Reader) (io.ReaderAt, int64, func(), error) {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, info.Size(), func() {}, nil
		}
	}
	f, err := os.CreateTemp("", "feed-*.zip")
	if err != nil {
		return nil, 0, nil, err
	}
	done := func() {
		f.Close()
		os.Remove(f.Name())
	}
	n, err := io.Copy(f, io.LimitReader(in, p.Limits.Unpacked+1))
	if err == nil && n > p.Limits.Unpacked {
		err = errTooMuch
	}
	if err != nil {
		done()
		return nil, 0, nil, err
	}
	return f, n, done, nil
}

var (
	errSwelling = errors.New("unpacks to far more than it is")
	errTooMuch  = errors.New("unpacks to more than the limit")
	errDamaged  = errors.New("cannot be unpacked")
)

// counter counts what is read, up to a limit.
type counter struct {
	r     io.Reader
	n     *int64
	count int64 // what n points to when nobody else counts
	limit int64 // 0: none
	err   error // of r, not its end
}

// Read implements io.Reader.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	*c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	if c.limit > 0 && *c.n > c.limit {
		return n, errTooMuch
	}
	return n, err
}

// swelling stops a reader that gives far more than was packed into it.
type swelling struct {
	r      io.Reader
	packed *int64
	out    int64
	limit  int64
	src    *counter // what is unpacked; nil for a member of an archive
}

// small is what may come out whatever the ratio.
const small = 16 << 20

// Read implements io.Reader.
func (s *swelling) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.out += int64(n)
	if s.out > small && s.out / *s.packed > s.limit {
		return n, errSwelling
	}
	if err != nil && err != io.EOF {
		err = damaged(err, s.src)
	}
	return n, err
}

// damaged makes what an unpacker complains of the archive's fault, unless the
// file or the network below it failed. That it ends too early has its own words.
func damaged(err error, src *counter) error {
	switch {
	case src != nil && src.err != nil, errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}
