package blob

import (
	"bufio"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"noroshi/internal/base/key"
)

// The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): chunks
// of 64 KiB, each under a nonce of its number and a flag on the last, so that
// chunks cannot be cut off, moved or repeated. The key is used for one file
// only, so nonces start at zero.
const chunkSize = 64 << 10

type stream struct {
	aead  cipher.AEAD
	nonce [chacha20poly1305.NonceSizeX]byte
	n     uint64
}

func newStream(k []byte) *stream {
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		panic("BUG: blob: " + err.Error())
	}
	return &stream{aead: aead}
}

func (s *stream) next(last bool) []byte {
	binary.BigEndian.PutUint64(s.nonce[:], s.n)
	s.n++
	s.nonce[len(s.nonce)-1] = 0
	if last {
		s.nonce[len(s.nonce)-1] = 1
	}
	return s.nonce[:]
}

// encrypt copies r to w in sealed chunks; an empty file is one empty chunk.
func encrypt(w io.Writer, r io.Reader, k []byte) error {
	s := newStream(k)
	in := bufio.NewReaderSize(r, chunkSize+1)
	plain, sealed := make([]byte, chunkSize), make([]byte, 0, chunkSize+s.aead.Overhead())
	for {
		n, err := io.ReadFull(in, plain)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		_, peek := in.Peek(1)
		last := peek == io.EOF
		if peek != nil && !last {
			return peek
		}
		sealed = s.aead.Seal(sealed[:0], s.next(last), plain[:n], nil)
		if _, err := w.Write(sealed); err != nil {
			return err
		}
		if last {
			return nil
		}
	}
}

// decrypted reads what encrypt wrote. It returns no byte that was not
// authenticated, and an error, never io.EOF, when the end is missing.
type decrypted struct {
	s     *stream
	in    *bufio.Reader
	chunk []byte // sealed
	plain []byte // not yet read
	done  bool
}

func decrypt(r io.Reader, k []byte) io.Reader {
	s := newStream(k)
	size := chunkSize + s.aead.Overhead()
	return &decrypted{s: s, in: bufio.NewReaderSize(r, size+1), chunk: make([]byte, size)}
}

func (d *decrypted) Read(p []byte) (int, error) {
	for len(d.plain) == 0 {
		if d.done {
			return 0, io.EOF
		}
		n, err := io.ReadFull(d.in, d.chunk)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, key.ErrSealed
		}
		_, peek := d.in.Peek(1)
		d.done = peek == io.EOF
		if d.plain, err = d.s.aead.Open(d.chunk[:0], d.s.next(d.done), d.chunk[:n], nil); err != nil {
			return 0, key.ErrSealed
		}
	}
	n := copy(p, d.plain)
	d.plain = d.plain[n:]
	return n, nil
}
