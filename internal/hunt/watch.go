package hunt

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/engine/sigma/correlate"
	"noroshi/internal/engine/sigma/match"
)

// Watch follows files that grow, and standard input, with the rules of a scan.
type Watch struct {
	Paths   []string // files, folders, and - for standard input
	Stdin   io.Reader
	Rules   *RuleSet
	Least   sigma.Level
	Read    Reading
	FromEnd bool       // what a file held before it was first seen is passed over
	State   string     // file in which the position is kept; empty: nowhere
	Out     string     // file that detections are appended to; empty: To
	To      io.Writer  // without Out
	Not     []string   // files that are never followed: those that are written
	Known   []Expected // what is harmless, until it is over
	Form    func(io.Writer) func(*Detection) error
	Now     func() time.Time
	Poll    time.Duration // how long it waits when nothing grew; 0: 200 ms
	Save    time.Duration // how often the position is kept; 0: 1 s
	Grace   time.Duration // how long a file that was moved may still grow; 0: 5 s
	Note    func(Notice)
	Tick    func(*Watched) // after every round that waits; may be nil
}

// Notice is something that happens to what is followed.
type Notice struct {
	Key   string // of a text, behind "hunt.watch.note."
	Name  string
	Bytes int64
}

// Watched is what a watch did since it began.
type Watched struct {
	Events     uint64
	Bytes      int64
	Behind     int64 // bytes that are there and not read, by the last look
	Files      int
	Detections uint64
	Damaged    uint64 // places
	LostFiles  uint64 // that were gone before they were read to their end
	LostBytes  int64  // of these, as far as it is known
	Known      uint64 // hits that are known to be harmless, not told
	Late       uint64 // hits too old for correlations
	Future     uint64 // hits with a time that is still to come, taken as of now
	Combined   correlate.Stats
	Saved      time.Time // when the position was last kept
}

// The bounds of a watch.
const (
	watchTurn  = 1 << 20 // bytes that are read of a file before the next has its turn
	maxTails   = 4096    // files that are followed
	auditQuiet = 5 * time.Second
	textQuiet  = 2 * time.Second // after it a file is judged by the few lines it has
)

// watching is a watch that goes on. All of it is done by one goroutine, so that
// who reads slowly slows the reading, and nothing waits anywhere else.
type watching struct {
	*Watch
	run    *running
	worker *worker
	piece  piece
	out    *watchOut
	emit   func(*Detection) error
	tails  []*tail // in the order in which they are read
	hits   *watchHits
	told   Watched
	buf    []byte
	dirty  bool
	saved  time.Time // by the clock of the process
	found  time.Time
	took   time.Duration // of the last look at the folders
	stdin  *watchStdin
	begun  bool // the first look is over
	saving time.Duration
	known  time.Time // when the first of what is known to be harmless is over; zero: never
	lock   *os.File  // of the position
}

// Run follows until the context ends or standard input, if there is nothing
// else, does. Then the position is kept.
func (w *Watch) Run(ctx context.Context) (*Watched, error) {
	g, err := w.begin()
	if err != nil {
		return nil, err
	}
	defer g.close()
	g.out.done = ctx.Done()
	err = g.loop(ctx)
	if errors.Is(err, errStopped) {
		return &g.told, nil // what was not written whole is not kept as read
	}
	if err == nil && g.ended() {
		err = g.hits.end()
	}
	if err == nil {
		err = g.save()
	}
	return &g.told, err
}

// errStopped says that the end came while a reader took nothing.
var errStopped = errors.New("stopped while writing")

func (w *Watch) begin() (*watching, error) {
	if w.Now == nil {
		w.Now = time.Now
	}
	for _, d := range []struct {
		at *time.Duration
		is time.Duration
	}{{&w.Poll, 200 * time.Millisecond}, {&w.Save, time.Second}, {&w.Grace, 5 * time.Second}} {
		if *d.at == 0 {
			*d.at = d.is
		}
	}
	names := event.NewNames()
	set, err := match.New(w.Rules.Rules, names, match.Options{Routes: w.Read.Routes})
	if err != nil {
		return nil, err
	}
	g := &watching{Watch: w, run: &running{scan: &Scan{Rules: w.Rules, Least: w.Least, Read: w.Read}, names: names, set: set, together: correlate.Compile(w.Rules.Correlations)}}
	g.run.wanted()
	g.expect()
	g.worker = g.run.newWorker()
	g.hits = newWatchHits(g)
	if err := g.resume(); err != nil {
		g.close()
		return nil, err
	}
	take := w.Form(g.out)
	g.emit = func(d *Detection) error {
		g.told.Detections++
		g.dirty = true
		if err := take(d); err != nil || !g.out.full() {
			return err
		}
		return g.out.flush()
	}
	for _, p := range w.Paths {
		if p == "-" {
			g.stdin = newWatchStdin(w.Stdin)
		}
	}
	return g, nil
}

func (g *watching) close() {
	for _, t := range g.tails {
		t.close()
	}
	if g.out != nil {
		g.out.close()
	}
	if g.stdin != nil {
		g.stdin.close()
	}
	if g.lock != nil {
		_ = g.lock.Close()
	}
}

// ended reports whether there is nothing more to come.
func (g *watching) ended() bool { return g.stdin != nil && g.stdin.ended && len(g.Paths) == 1 }

// loop goes round: what grew is read a piece each, and when nothing did it waits.
func (g *watching) loop(ctx context.Context) error {
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		busy, err := g.round(ctx)
		if err != nil {
			return err
		}
		if err := g.hits.settle(busy); err != nil {
			return err
		}
		if !busy || g.out.full() {
			if err := g.out.flush(); err != nil {
				return err
			}
		}
		if err := g.keep(); err != nil {
			return err
		}
		g.tell()
		if ctx.Err() != nil || !busy && g.ended() {
			return nil
		}
		if busy {
			continue
		}
		wait.Reset(g.Poll)
		select {
		case <-ctx.Done():
		case <-wait.C:
		case p, ok := <-g.stdin.wait():
			if err := g.take(p, ok); err != nil {
				return err
			}
		}
	}
}

// expect takes what is known to be harmless and is not over.
func (g *watching) expect() {
	g.run.known, g.known = expectations{}, time.Time{}
	now := g.Now()
	for _, x := range g.Known {
		if !x.Until.After(now) {
			continue
		}
		g.run.known[x.Rule] = append(g.run.known[x.Rule], x)
		if g.known.IsZero() || x.Until.Before(g.known) {
			g.known = x.Until
		}
	}
}

// round gives every file its turn; busy says that more is there to be read.
func (g *watching) round(ctx context.Context) (busy bool, err error) {
	if err := g.find(); err != nil {
		return false, err
	}
	if !g.known.IsZero() && !g.known.After(g.Now()) {
		g.expect()
	}
	g.told.Behind = 0
	for _, t := range g.tails {
		for {
			more, err := g.turn(t)
			if err != nil || ctx.Err() != nil {
				return false, err
			}
			busy = busy || more
			if !more || !t.moved {
				break // what was moved away is read to its end before what stands in its place
			}
			if err := g.keep(); err != nil {
				return false, err
			}
		}
		g.told.Behind += max(0, t.size-t.at.Offset)
	}
	if g.stdin != nil {
		select {
		case p, ok := <-g.stdin.wait():
			busy = ok
			if err := g.take(p, ok); err != nil {
				return false, err
			}
		default:
			if err := g.readStdin(false); err != nil {
				return false, err
			}
		}
	}
	g.clean()
	return busy, nil
}

// keep saves the position when it is time for it; it takes no more than a tenth
// of the time.
func (g *watching) keep() error {
	if !g.dirty || time.Since(g.saved) < max(g.Save, 10*g.saving) {
		return nil
	}
	return g.save()
}

func (g *watching) tell() {
	if g.Tick == nil {
		return
	}
	g.told.Files = 0
	for _, t := range g.tails {
		if t.follows() {
			g.told.Files++
		}
	}
	g.told.Combined = g.hits.engine.Stats()
	g.Tick(&g.told)
}

func (g *watching) note(key, name string, n int64) {
	if g.Note != nil {
		g.Note(Notice{key, name, n})
	}
}

// look decodes a block and gives its events to the rules. Accept, which may be
// nil, says which events are new. What an event is hit by is given away before
// the next one is looked at: small events that every rule hits make much of little.
func (g *watching) look(src *Source, accept func(*event.Row) bool) error {
	p, w := &g.piece, g.worker
	p.src = src
	g.dirty = true
	damage := p.block.Damage
	var err error
	if len(p.block.Data) > 0 {
		w.row.Source, w.costly = src.Name, w.costly[:0]
		damage, err = w.decoder(src).Rows(&p.block, &w.row, func(row *event.Row) error {
			if accept != nil && !accept(row) {
				return nil
			}
			g.told.Events++
			p.begin()
			w.match(p, row)
			return g.give(p)
		})
	}
	for _, list := range [][]format.Damage{damage, w.costly} {
		g.told.Damaged += uint64(len(list))
		for _, d := range list {
			g.note("damage."+d.Reason.Code(), src.Name, d.Offset)
		}
	}
	w.costly = w.costly[:0]
	return err
}

// give hands on what a piece holds.
func (g *watching) give(p *piece) error {
	g.told.Known += uint64(p.known)
	for _, h := range p.hits {
		if err := g.hits.add(h.at, h.line); err != nil {
			return err
		}
	}
	for _, d := range p.found {
		if err := g.emit(d); err != nil {
			return err
		}
	}
	return nil
}

// divide looks through what stands in a stream from its position on and returns
// how many bytes were whole records. Without a source it only passes over them.
func (g *watching) divide(l *format.Live, src *Source, data []byte, last bool) (int, error) {
	before := l.Position().Offset
	l.Give(data)
	for l.Next(&g.piece.block, last) {
		if src == nil {
			continue
		}
		if err := g.look(src, nil); err != nil {
			return 0, err
		}
	}
	n := l.Position().Offset - before
	g.told.Bytes += n
	return int(n), nil
}

// newest returns a time that no event is newer than, for logs without a year:
// the end of the day of a file's last change, so that it seldom differs.
func newest(mod time.Time) time.Time { return mod.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }
