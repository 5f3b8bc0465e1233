package selection

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/selector/sieve"
)

// Source is where packets come from: a capture in any form that
// engine/flow/capture reads, opened when its turn comes.
type Source struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// ErrSource is returned when a source cannot be opened, is no capture or breaks
// off; its place says which. What came before it is in the statement, if anything
// did.
var ErrSource = fault.New(fault.Usage, "selection.source")

// Why a source cannot be read, where nothing else says it.
var (
	errFolder = errors.New("selection: a folder, not a file")
	errCut    = errors.New("selection: the capture breaks off")
	errLength = errors.New("selection: a length in the capture cannot be true")
)

// sourceFault is ErrSource of one source, with the reason in its place.
func sourceFault(name string, err error) *fault.Error {
	why := "selection.source.broken"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why = "selection.source.missing"
	case errors.Is(err, fs.ErrPermission):
		why = "selection.source.forbidden"
	case errors.Is(err, errFolder):
		why = "selection.source.folder"
	case errors.Is(err, capture.ErrFormat):
		why = "selection.source.format"
	case errors.Is(err, errCut):
		why = "selection.source.cut"
	case errors.Is(err, errLength):
		why = "selection.source.length"
	}
	return fault.New(fault.Usage, ErrSource.Code, "file", name).At(fault.Place{At: name, Code: why}).Because(err)
}

// How often a run that waits for packets looks up, and how often it asks whether
// the approval still stands.
const (
	glance = 100 * time.Millisecond
	asking = 250 * time.Millisecond
)

// patient reads a source that may have nothing to give for long, and calls idle
// while it waits, so that what was held is destroyed in time and the run can be
// stopped. Another goroutine asks the source; while that one waits, its buffer
// holds nothing, and what it got is overwritten as soon as it was handed on.
type patient struct {
	ask  chan int
	got  chan given
	over chan struct{}
	tick *time.Ticker
	idle func() error
	err  error // of idle: the source is not asked again
}

type given struct {
	b   []byte
	err error
}

const patientSize = 128 << 10

func newPatient(src io.Reader, idle func() error) *patient {
	p := &patient{ask: make(chan int), got: make(chan given), over: make(chan struct{}), tick: time.NewTicker(glance), idle: idle}
	go func() {
		buf := make([]byte, patientSize)
		for {
			select {
			case n := <-p.ask:
				n, err := src.Read(buf[:min(n, len(buf))])
				select {
				case p.got <- given{buf[:n], err}:
				case <-p.over:
					clear(buf)
					return
				}
			case <-p.over:
				return
			}
		}
	}()
	return p
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	if len(b) == 0 || p.err != nil {
		return 0, p.err
	}
	p.ask <- len(b)
	for {
		select {
		case g := <-p.got:
			n := copy(b, g.b)
			clear(g.b)
			return n, g.err
		case <-p.tick.C:
			if p.err = p.idle(); p.err != nil {
				return 0, p.err
			}
		}
	}
}

func (p *patient) close() {
	p.tick.Stop()
	close(p.over)
}

// errEnough ends the reading of a source without a fault: the run is over.
var errEnough = errors.New("selection: the run is over")

// read takes in one source. It returns errEnough when the run ended.
func (r *run) read(s Source) error {
	src, err := s.Open()
	if err != nil {
		return r.broken(s, err)
	}
	defer src.Close()
	var from io.Reader = src
	r.live = true
	if f, ok := src.(interface{ Stat() (os.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			r.live = false
		}
	}
	if r.live {
		p := newPatient(src, r.idle)
		defer p.close()
		from = p
	}
	in, err := capture.NewReader(from)
	switch {
	case r.why != "":
		return errEnough
	case err == io.EOF:
		return nil // an empty file has no packets
	case err != nil:
		return r.broken(s, err)
	}
	defer func() {
		in.Wipe()
		r.took(in.Stats())
	}()
	in.SetClock(r.mono)
	for {
		n, err := in.Next(r.batch)
		if n > 0 && r.why == "" {
			if err := r.take(r.batch[:n]); err != nil {
				return err
			}
		}
		switch {
		case r.why != "":
			return errEnough
		case err == io.EOF:
			return r.whole(s, in.Stats())
		case err != nil:
			return r.broken(s, err)
		}
	}
}

// whole ends the run where a source ended before its last packet did: what came
// behind it, in this source and in the next ones, nobody has seen.
func (r *run) whole(s Source, got capture.Stats) error {
	switch {
	case !got.Broken:
		return nil
	case got.Truncated > 0:
		return r.broken(s, errCut)
	}
	return r.broken(s, errLength)
}

func (r *run) broken(s Source, err error) error {
	if r.why != "" { // the reading ended because the run did
		return errEnough
	}
	r.why = EndUnreadable
	r.cause = sourceFault(s.Name, err)
	return errEnough
}

// took adds what a reader measured and could not hand on.
func (r *run) took(s capture.Stats) {
	in := &r.st.Input
	in.Lost += s.Lost
	in.Truncated += s.Truncated
	in.Oversize += s.Oversize
	in.Damaged += s.Damaged
	r.st.Stay.Batch = max(r.st.Stay.Batch, s.HeldNanos/1000)
}

// take hands a batch to the sieve, within what was reserved of the cap.
func (r *run) take(batch []capture.Packet) error {
	if err := r.glance(); err != nil {
		return err
	}
	if r.first {
		r.first = false
		if at := batch[0].At; at < r.from || at >= r.until {
			r.cause, r.why = r.outside(at), EndPeriod
			return errEnough
		}
	}
	if err := r.reserve(batch); err != nil {
		return err
	}
	end, err := r.sieve.Add(batch) // an error is put's, which keeps it
	r.latest = batch[len(batch)-1].At
	seen := batch
	if end != sieve.Going || err != nil { // what lies behind the end was not seen
		seen = batch[:min(r.sieve.Tally().Seen.Packets-r.counted, uint64(len(batch)))]
	}
	r.counted += uint64(len(seen))
	for i := range seen {
		r.early, r.late = min(r.early, seen[i].At), max(r.late, seen[i].At)
	}
	if err != nil {
		r.why = EndOutput
		return errEnough
	}
	if (end == sieve.PeriodOver || end == sieve.BeforePeriod) && r.job.Outside != nil && len(seen) < len(batch) {
		r.job.Outside(time.Unix(0, batch[len(seen)].At).UTC())
	}
	return r.ended(end)
}

func (r *run) ended(end sieve.End) error {
	switch end {
	case sieve.Going:
		return nil
	case sieve.CapReached:
		r.why = EndCap
	case sieve.BeforePeriod:
		r.why = EndBefore
	case sieve.PeriodOver:
		r.why = EndPeriod
	}
	return errEnough
}

// glance looks, not more often than needed, whether the run may go on.
func (r *run) glance() error {
	now := r.mono()
	if now-r.looked < int64(glance) {
		return nil
	}
	r.looked = now
	switch {
	case r.ctx.Err() != nil:
		r.why = EndStopped
		return errEnough
	case r.expires > 0 && (now >= r.expires || !r.job.now().Before(r.order.Until)): // by the clock that never goes back, and by the one that was set forward or went on while the machine slept
		r.why = EndExpired
		return errEnough
	}
	if r.job.Alive != nil && now-r.asked >= int64(asking) {
		r.asked = now
		if err := r.job.Alive(); err != nil {
			r.why, r.cause = endOf(err), err
			return errEnough
		}
	}
	return r.wait(now)
}

// wait tells the sieve the time of a live source in which no packet came for
// long, or slower than they were sent: what waits is destroyed by our clock, not
// by theirs. The end of the period only packets tell.
func (r *run) wait(now int64) error {
	if !r.live || r.first {
		return nil
	}
	if at := r.anchor + now - r.anchored; r.anchored == 0 || r.latest > at || r.latest < at-sieve.MaxDisorder {
		r.anchor, r.anchored = r.latest, now
		return nil
	} else if _, err := r.sieve.Tick(min(at, r.until-1)); err != nil {
		r.why = EndOutput
		return errEnough
	}
	return nil
}

// idle is glance while nothing comes.
func (r *run) idle() error {
	r.looked = 0
	return r.glance()
}
