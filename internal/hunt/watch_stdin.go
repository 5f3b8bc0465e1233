package hunt

import (
	"bytes"
	"io"
	"time"

	"noroshi/internal/engine/event/format"
)

// stopPatience is how long a reader may still take what is held for it after
// the end was asked for.
const stopPatience = 2 * time.Second

func after(d time.Duration) <-chan time.Time { return time.After(d) }

// watchStdin is standard input: one goroutine reads ahead by two pieces, no
// more, so that who writes waits for who reads.
type watchStdin struct {
	pieces chan []byte
	free   chan []byte
	stop   chan struct{}
	rest   []byte // read and not yet a whole record
	tail   tail
	ended  bool
	err    error
}

const stdinPiece = 256 << 10

func newWatchStdin(r io.Reader) *watchStdin {
	s := &watchStdin{pieces: make(chan []byte), free: make(chan []byte, 2), stop: make(chan struct{})}
	s.tail = tail{path: "-", name: "-", grew: time.Now()}
	for range cap(s.free) {
		s.free <- make([]byte, stdinPiece)
	}
	go s.read(r)
	return s
}

func (s *watchStdin) read(r io.Reader) {
	defer close(s.pieces)
	for idle := 0; idle < 100; idle++ {
		var b []byte
		select {
		case b = <-s.free:
		case <-s.stop:
			return
		}
		n, err := r.Read(b[:stdinPiece])
		if n > 0 {
			idle = 0
			select {
			case s.pieces <- b[:n]:
			case <-s.stop:
				return
			}
		} else {
			s.free <- b
		}
		if err != nil {
			if err != io.EOF {
				s.err = err
			}
			return
		}
	}
}

// wait gives pieces as they come; of none there is nothing to wait for.
func (s *watchStdin) wait() <-chan []byte {
	if s == nil || s.ended {
		return nil
	}
	return s.pieces
}

func (s *watchStdin) close() { close(s.stop) }

// take takes a piece of standard input; ok is false at its end.
func (g *watching) take(p []byte, ok bool) error {
	s := g.stdin
	t := &s.tail
	s.rest = append(s.rest, p...)
	t.grew, t.mod, t.more = time.Now(), g.Now(), true
	if ok {
		s.free <- p[:cap(p)]
		t.size += int64(len(p))
		return g.readStdin(false)
	}
	s.ended = true
	if s.err != nil {
		g.note("unread", "-", 0)
	}
	return g.readStdin(true)
}

// readStdin looks through what came and is whole. It looks at what is left when
// more came, and once when none did for a while.
func (g *watching) readStdin(last bool) error {
	s := g.stdin
	t := &s.tail
	quiet := time.Since(t.grew)
	settle := t.kind == format.Auditd && quiet >= auditQuiet || t.kind == format.Unknown && quiet >= textQuiet
	if len(s.rest) == 0 || !t.more && !last && !settle {
		return nil
	}
	if t.more = false; t.aside {
		s.rest = s.rest[:0]
		return nil
	}
	if t.live == nil && !g.recognise(t, s.rest, quiet, last) {
		return nil
	}
	if t.live == nil { // EVTX is no stream
		g.note("json", "-", 0)
		t.aside = true
		return nil
	}
	for {
		give := s.rest[:min(len(s.rest), format.MaxRecord)]
		end := last && len(give) == len(s.rest)
		if settle && !end {
			give, end = give[:bytes.LastIndexByte(give, '\n')+1], t.kind == format.Auditd
		}
		n, err := g.divide(t.live, t.src, give, end)
		if err != nil {
			return err
		}
		left := len(s.rest) - n
		s.rest = append(s.rest[:0], s.rest[n:]...)
		t.at = t.live.Position()
		if n == 0 || left == 0 || !last && left < format.MaxRecord {
			return nil
		}
	}
}
