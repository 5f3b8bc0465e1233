package names

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
)

// The log is a line that says what it is and then the steps since the snapshot:
// four bytes each with the highest first, its length, the CRC-32C of these four
// bytes and that of what follows: the serials from and to, the orders, the changes.
const (
	logFile  = "names.log"
	logHead  = "noroshi steps 1\n"
	maxLog   = 1 << 29
	logFront = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pack writes changes as the log has them. Orders stand with them, so that a
// step can be read without the snapshot.
func (s *Store) pack(changes []change) []byte {
	orders, place := []uint32{}, map[uint32]int{}
	for _, c := range changes {
		if _, ok := place[c.order]; !ok {
			place[c.order] = len(orders)
			orders = append(orders, c.order)
		}
	}
	b := binary.AppendUvarint(nil, uint64(len(orders)))
	for _, o := range orders {
		b = append(binary.AppendUvarint(b, uint64(len(s.orders[o]))), s.orders[o]...)
	}
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for _, c := range changes {
		gone := uint64(0)
		if c.gone {
			gone = 1
		}
		b = append(binary.AppendUvarint(b, uint64(len(c.name))), c.name...)
		b = append(binary.AppendUvarint(b, uint64(place[c.order])<<1|gone), c.word)
	}
	return b
}

// unpack reads them again; ok is false when they are not what pack writes.
func (s *Store) unpack(r *reader) (changes []change, ok bool) {
	var orders []uint32
	for n := r.number(); n > 0 && !r.bad; n-- {
		id := string(r.bytes())
		if id == "" || len(id) > maxOrder {
			return nil, false
		}
		orders = append(orders, s.order(id))
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		name := string(r.bytes())
		at := r.number()
		c := change{claim{name: name, word: r.byte()}, at&1 == 1}
		if r.bad || at>>1 >= uint64(len(orders)) || !validWord(c.word) || !Valid(name) {
			return nil, false
		}
		c.order = orders[at>>1]
		if changes = append(changes, c); len(changes) > MaxStep {
			return nil, false
		}
	}
	return changes, !r.bad && len(r.data) == 0
}

// readLog makes the steps of the log. A last one that is not whole was never
// confirmed to anybody and is cut off; anything else that is wrong is a fault.
func (s *Store) readLog(step Step) error {
	file := s.path(logFile)
	raw, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s.emptyLog()
	case err != nil:
		return cannot(file, err)
	case len(raw) > maxLog:
		return damaged(file, "size")
	case len(raw) < len(logHead) && logHead[:len(raw)] == string(raw):
		return s.emptyLog() // it was being begun
	case string(raw[:min(len(raw), len(logHead))]) != logHead:
		return damaged(file, "head")
	case s.fresh && len(raw) > len(logHead):
		return damaged(file, "alone") // the snapshot it follows is missing
	}
	whole, why := s.replay(raw[len(logHead):], step)
	if why != "" {
		return damaged(file, why)
	}
	s.known = len(s.orders)
	s.logSize = int64(len(logHead) + whole)
	if s.log, err = os.OpenFile(file, os.O_WRONLY, 0o600); err != nil {
		return cannot(file, err)
	}
	if s.logSize < int64(len(raw)) {
		s.moved = true
		if err := errors.Join(s.log.Truncate(s.logSize), s.log.Sync()); err != nil {
			return cannot(file, err)
		}
	}
	return nil
}

// replay makes the steps and returns how many bytes are whole, or what is wrong.
func (s *Store) replay(data []byte, step Step) (whole int, why string) {
	began := len(data)
	for len(data) >= logFront {
		front := data[:logFront]
		if crc32.Checksum(front[:4], castagnoli) != binary.BigEndian.Uint32(front[4:]) {
			if len(bytes.Trim(data, "\x00")) == 0 {
				break // room that a step was to be written into
			}
			return 0, "length"
		}
		size := binary.BigEndian.Uint32(front)
		if uint64(size) > uint64(len(data)-logFront) {
			break
		}
		body, rest := data[logFront:logFront+size], data[logFront+size:]
		if crc32.Checksum(body, castagnoli) != binary.BigEndian.Uint32(front[8:]) {
			if len(rest) > 0 {
				return 0, "checksum"
			}
			break
		}
		if len(body) < 8 {
			return 0, "step"
		}
		from, to := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
		changes, ok := s.unpack(&reader{data: body[8:]})
		switch {
		case !ok:
			return 0, "step"
		case from == s.serial:
			var seen func(string, Effect, Effect)
			if step != nil && !s.moved {
				seen = step(from, to)
			}
			sortChanges(changes)
			s.held, s.serial = s.held.with(changes, seen), to
		case int32(to-s.serial) > 0:
			return 0, "order" // a step is missing; older ones are in the snapshot
		}
		data = rest
	}
	return began - len(data), ""
}

// appendLog adds a step and waits until it is on disk.
func (s *Store) appendLog(to uint32, record []byte) error {
	b := make([]byte, logFront+8, logFront+8+len(record))
	binary.BigEndian.PutUint32(b[logFront:], s.serial)
	binary.BigEndian.PutUint32(b[logFront+4:], to)
	b = append(b, record...)
	binary.BigEndian.PutUint32(b, uint32(len(b)-logFront))
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(b[:4], castagnoli))
	binary.BigEndian.PutUint32(b[8:], crc32.Checksum(b[logFront:], castagnoli))
	_, err := s.log.WriteAt(b, s.logSize)
	if err == nil {
		err = s.log.Sync()
	}
	if err != nil {
		// What may stand there is overwritten by the next step, or cut off.
		return errors.Join(cannot(s.path(logFile), err), s.log.Truncate(s.logSize))
	}
	s.logSize += int64(len(b))
	return nil
}

// emptyLog begins a log after a snapshot.
func (s *Store) emptyLog() error {
	file := s.path(logFile)
	if s.log != nil {
		_ = s.log.Close() // nothing is written to it any more
	}
	s.log = nil
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return cannot(file, err)
	}
	if _, err := f.WriteAt([]byte(logHead), 0); err != nil {
		return errors.Join(cannot(file, err), f.Close())
	}
	s.log, s.logSize = f, int64(len(logHead))
	return nil
}
