package names

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"noroshi/internal/base/fault"
)

// A snapshot is: a line that says what it is, the mark, the serial, the orders,
// the blocks, and the SHA-256 of all that. Texts and blocks have their length in
// front, and numbers are unsigned varints.
const (
	snapshotFile = "names.state"
	snapshotHead = "noroshi names 1\n"
	maxSnapshot  = 1 << 30
)

// readSnapshot takes what the folder holds, if anything.
func (s *Store) readSnapshot() error {
	file := s.path(snapshotFile)
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		s.fresh = true
		return nil
	}
	if err != nil {
		return cannot(file, err)
	}
	if info.Size() > maxSnapshot {
		return damaged(file, "size")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return cannot(file, err)
	}
	if why := s.parseSnapshot(raw); why != "" {
		return damaged(file, why)
	}
	s.snapshot, s.known = int64(len(raw)), len(s.orders)
	return nil
}

// parseSnapshot returns where a snapshot is wrong, or nothing. The blocks stay
// in raw.
func (s *Store) parseSnapshot(raw []byte) string {
	body := len(raw) - sha256.Size
	if body < 0 || !bytes.HasPrefix(raw, []byte(snapshotHead)) {
		return "head"
	}
	if sum := sha256.Sum256(raw[:body]); !bytes.Equal(sum[:], raw[body:]) {
		return "checksum"
	}
	r := reader{data: raw[len(snapshotHead):body]}
	s.moved = string(r.bytes()) != s.mark
	serial := r.number()
	for range r.number() {
		id := string(r.bytes())
		if _, twice := s.place[id]; r.bad || id == "" || len(id) > maxOrder || twice {
			return "orders"
		}
		s.order(id)
	}
	h := &Held{}
	last := ""
	for range r.number() {
		data := r.bytes()
		n, claims, end := checkBlock(data, last, len(s.orders))
		if r.bad || n == 0 {
			return "names"
		}
		e, _ := next(data)
		h.blocks = append(h.blocks, block{first: strings.Clone(string(e.name)), data: data[:len(data):len(data)]})
		h.names, h.claims, last = h.names+n, h.claims+claims, end
	}
	if r.bad || len(r.data) > 0 || serial > 1<<32-1 {
		return "end"
	}
	s.held, s.serial = h, uint32(serial)
	return ""
}

// checkBlock counts the names and claims of a block and returns its last name.
// It counts no name when the block is not one that a builder makes: names valid
// and rising from the one before, claims rising and of known orders.
func checkBlock(data []byte, last string, orders int) (names, claims int, end string) {
	for r := (reader{data: data}); len(r.data) > 0; names++ {
		size := int(r.data[0])
		if r.data = r.data[1:]; size > len(r.data) {
			return 0, 0, ""
		}
		name := string(r.data[:size])
		r.data = r.data[size:]
		n, before := r.number(), claim{}
		if !Valid(name) || name <= last || n == 0 {
			return 0, 0, ""
		}
		for i := range n {
			c := claim{order: uint32(min(r.number(), 1<<32-1)), word: r.byte()}
			if r.bad || int64(c.order) >= int64(orders) || !validWord(c.word) || i > 0 && before.compare(c) >= 0 {
				return 0, 0, ""
			}
			before = c
			claims++
		}
		last = name
	}
	return names, claims, last
}

func validWord(w uint8) bool { return w>>1 >= uint8(Listed) && w>>1 <= uint8(NoDomain) }

// rewrite makes a new snapshot of the next set and empties the log.
func (s *Store) rewrite(h *Held, serial uint32) error {
	h, orders := s.tidy(h)
	size, err := Replace(s.path(snapshotFile), 0o600, func(w io.Writer) error {
		sum := sha256.New()
		out := writer{w: io.MultiWriter(w, sum)}
		out.write([]byte(snapshotHead))
		out.bytes(s.mark)
		out.number(uint64(serial))
		out.number(uint64(len(orders)))
		for _, id := range orders {
			out.bytes(id)
		}
		out.number(uint64(len(h.blocks)))
		for _, b := range h.blocks {
			out.number(uint64(len(b.data)))
			out.write(b.data)
		}
		_, err := w.Write(sum.Sum(nil))
		return errors.Join(out.err, err)
	})
	if err != nil {
		return err
	}
	s.held, s.serial, s.orders, s.known = h, serial, orders, len(orders)
	clear(s.place)
	for i, id := range orders {
		s.place[id] = uint32(i)
	}
	s.snapshot, s.fresh, s.moved = size, false, false
	// Steps that are older than the snapshot do no harm; without a log the next
	// change is a snapshot again.
	_ = s.emptyLog()
	return nil
}

func damaged(file, why string) error {
	return fault.New(fault.Unmet, "names.damaged", "file", file, "why", why)
}

// reader takes numbers and texts apart; bad is set at the first that is not whole.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) number() uint64 {
	n, w := binary.Uvarint(r.data)
	if w <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[w:]
	return n
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.bad = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

// writer puts them together, and keeps the first error.
type writer struct {
	w   io.Writer
	buf []byte
	err error
}

func (w *writer) write(b []byte) {
	if w.err == nil {
		_, w.err = w.w.Write(b)
	}
}

func (w *writer) number(n uint64) {
	w.buf = binary.AppendUvarint(w.buf[:0], n)
	w.write(w.buf)
}

func (w *writer) bytes(s string) {
	w.number(uint64(len(s)))
	w.write([]byte(s))
}
