package hunt

import (
	"bytes"
	"os"
	"time"

	"noroshi/internal/engine/event/format"
)

// tail is one file that is followed.
type tail struct {
	path  string // where it stands now
	name  string // where it was first seen: the source of its events
	id    fileID
	f     *os.File // nil when nothing more is expected of it
	kind  format.Kind
	at    format.Position // of EVTX: Record is the newest that was read
	live  *format.Live
	src   *Source
	print print

	size    int64     // when it was last looked at
	mod     time.Time // likewise
	shown   time.Time // when it was last written, by the last look at the folder
	grew    time.Time // by the clock of the process
	missed  time.Time // since when it is not found; zero if it is
	more    bool      // there was more to read than its turn allowed
	moved   bool      // another file has its name
	gone    bool      // it has no name any more
	done    bool      // it was moved and read to its end
	aside   bool      // a file beside one that is followed, which is nobody's rest
	copied  bool      // it holds what another one holds
	of      *tail     // the other one
	settled bool      // what waits for more lines was read without them
	again   bool      // to be looked at again though it did not grow
	from    int64     // what stands before is passed over
	chunks  map[int64]uint32
}

func (t *tail) close() {
	if t.f != nil {
		_ = t.f.Close()
		t.f = nil
	}
}

// follows reports whether it is read at all.
func (t *tail) follows() bool { return !t.aside && !t.copied && !t.done }

// restart makes it a file of which nothing was read.
func (t *tail) restart() {
	t.at, t.live, t.src, t.kind, t.print, t.chunks = format.Position{}, nil, nil, format.Unknown, print{}, nil
	t.more, t.settled, t.from = true, false, 0
}

// turn reads what is new in a file, a piece of it; more says that there is more.
func (g *watching) turn(t *tail) (more bool, err error) {
	if t.aside || t.f == nil && !g.reopen(t) {
		return false, nil
	}
	is, err := t.f.Stat()
	if err != nil {
		g.note("unread", t.path, 0)
		return false, nil
	}
	_, names := idOf(is, t.path)
	t.gone = t.gone || names == 0
	size, quiet := is.Size(), time.Since(t.grew)
	last := (t.moved && quiet >= g.Grace || t.gone) && !t.done
	idle := t.kind == format.Auditd && quiet >= auditQuiet && !t.settled || t.kind == format.Unknown && quiet >= textQuiet && size > t.at.Offset
	if size == t.size && is.ModTime().Equal(t.mod) && !t.more && !t.again && !last && !idle {
		return false, nil
	}
	if size != t.size || !is.ModTime().Equal(t.mod) {
		t.grew, t.settled = time.Now(), false
		quiet = 0
	}
	if t.kind != format.EVTX && (size < t.at.Offset || !t.print.holds(t.f, t.at.Offset)) {
		return true, g.replaced(t)
	}
	t.size, t.mod, t.again = size, is.ModTime(), false
	if t.at.Offset == 0 && t.kind == format.Unknown {
		if yes, err := g.claimed(t); yes || err != nil {
			t.more = false
			return false, err
		}
	}
	if t.kind == format.EVTX {
		more, err = g.turnEVTX(t, quiet)
	} else {
		more, err = g.turnText(t, last, quiet)
	}
	if t.more = more; last && !more && err == nil {
		t.done = true
		t.close()
	}
	return more, err
}

// reopen opens a file that was read to its end and grew all the same.
func (g *watching) reopen(t *tail) bool {
	is, err := os.Stat(t.path)
	if err != nil || is.Size() == t.size && is.ModTime().Equal(t.mod) {
		return false
	}
	s := seenFile{path: t.path, id: t.id}
	if t.f, _, err = s.open(); err != nil {
		return false
	}
	t.done = false
	return true
}

// turnText is turn for files that are text.
func (g *watching) turnText(t *tail, last bool, quiet time.Duration) (more bool, err error) {
	for want := watchTurn; ; want = min(4*want, format.MaxRecord) {
		if cap(g.buf) < want {
			g.buf = make([]byte, want)
		}
		n, _ := t.f.ReadAt(g.buf[:want], t.at.Offset)
		data := g.buf[:n]
		// If it was emptied and written anew meanwhile, these are other bytes.
		if !t.print.holds(t.f, t.at.Offset) {
			return true, g.replaced(t)
		}
		if len(data) == 0 || t.live == nil && !g.recognise(t, data, quiet, last) {
			return false, nil
		}
		if t.kind == format.EVTX {
			return g.turnEVTX(t, quiet)
		}
		end := last && n < want
		if t.kind == format.Auditd && quiet >= auditQuiet && n < want && !last {
			// No record has come for long: the events that wait are whole.
			data, end, t.settled = data[:bytes.LastIndexByte(data, '\n')+1], true, true
		}
		src := t.src
		if t.at.Offset < t.from {
			src, data, end = nil, data[:min(int64(n), t.from-t.at.Offset)], false
		}
		used, err := g.divide(t.live, src, data, end)
		if err != nil {
			return false, err
		}
		t.at = t.live.Position()
		t.print.pass(data[:used])
		if used == 0 && len(data) == want && want < format.MaxRecord {
			continue
		}
		if t.from > 0 {
			if used == 0 {
				t.from = 0 // what is left of it is the beginning of a line that is new
			}
			return true, nil
		}
		return used > 0 && n == want, nil
	}
}

// enoughLines is how many lines tell what text is that is of no known form.
const enoughLines = 32

// recognise finds out what a file is; false means that nothing can be said yet,
// or that it cannot be followed.
func (g *watching) recognise(t *tail, data []byte, quiet time.Duration, last bool) bool {
	lines := bytes.Count(data, []byte{'\n'})
	young := len(data) < format.HeadSize
	switch {
	case t.at.Offset > 0:
	case packed(data) || bytes.HasPrefix(data, []byte("BZh")) || bytes.HasPrefix(data, []byte("\xfd7zXZ")):
		t.aside = true
	case t.kind == format.Unknown && g.Read.Kind == format.Unknown:
		kind := format.Detect(data[:min(len(data), format.HeadSize)], t.name)
		few := lines == 0 || quiet < textQuiet && lines < enoughLines && (kind == format.Text || kind == format.Unknown)
		if few && young && !last && kind != format.EVTX {
			return false
		}
		t.kind = kind
	case t.kind == format.Unknown:
		t.kind = g.Read.Kind
	}
	switch {
	case t.aside:
	case t.kind == format.Unknown:
		g.note("no_log", t.path, 0)
		t.aside = true
	case t.kind == format.JSON:
		g.note("json", t.path, 0)
		t.aside = true
	}
	if t.aside {
		t.close()
		return false
	}
	t.src = &Source{Name: t.name, Kind: t.kind, last: newest(t.mod)}
	if t.kind == format.EVTX {
		return true
	}
	var ok bool
	if t.live, ok = format.NewLive(t.kind, t.at); !ok {
		panic("BUG: a position that nothing can be read from")
	}
	return true
}

// replaced goes on after a file was emptied, or written anew, under its name:
// what was in it and not read is looked for in a copy beside it.
func (g *watching) replaced(t *tail) error {
	rest := t.size - t.at.Offset
	g.dirty = true
	for _, c := range g.tails {
		if !c.copied || c.of != t {
			continue
		}
		switch c.of = nil; {
		case t.at.Offset == 0: // of which nothing was read
			c.copied, c.moved, c.more, rest = false, true, true, 0
		case c.size < t.at.Offset:
			c.copied, c.moved, c.done = false, true, true
			c.at.Offset = c.size
			c.print, _ = printAt(c.f, c.size)
			c.close()
		}
	}
	if c := g.restOf(t); c != nil {
		c.moved, c.aside, c.copied, c.done = true, false, false, false
		c.name, c.kind, c.at, c.print, c.live, c.src = t.name, t.kind, t.at, t.print, nil, nil
		t.restart()
		for {
			more, err := g.turnText(c, true, g.Grace)
			if err != nil {
				return err
			}
			if !more {
				break
			}
		}
		if is, err := c.f.Stat(); err == nil {
			c.size, c.mod = is.Size(), is.ModTime()
		}
		c.done = true
		c.close()
		return nil
	}
	if rest > 0 {
		g.lose(t.path, rest)
	}
	g.note("emptied", t.path, 0)
	t.restart()
	return nil
}

// lose counts what was gone before it was read.
func (g *watching) lose(name string, n int64) {
	g.told.LostFiles++
	g.told.LostBytes += n
	g.note("lost", name, n)
}
