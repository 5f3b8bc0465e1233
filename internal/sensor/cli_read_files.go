package sensor

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
)

// readSum is what happened while files were read.
type readSum struct {
	flow                        flow.Stats
	capture                     capture.Stats
	records                     uint64
	lines, badLines, otherLines uint64 // of logs and flow files
	passed                      int64  // files and folders in a folder that were passed over
	first                       int64  // earliest start and latest end of the records, ns since 1970
	last                        int64
}

// readFiles turns files into records, one file after the other, and gives each
// to emit, which may not keep it. Communications go on from one capture to the
// next.
func readFiles(ctx context.Context, env *cli.Env, o flow.Options, files []string, emit func(*record.Record) error) (*readSum, error) {
	files, within, passed, err := inFolders(files)
	if err != nil {
		return nil, err
	}
	sum := &readSum{passed: passed}
	in := &watchedFiles{stdin: &interruptible{ctx, env.In}, done: env.Progress(sizeOf(files), env.Printer().T("sensor.read.short"))}
	see := func(r *record.Record) error {
		sum.see(r)
		return emit(r)
	}
	t := flow.New(o, see)
	for i, name := range files {
		if err = sum.read(ctx, t, &o, in, name, see); err != nil && within[i] && ofAnotherKind(err) {
			sum.passed++
			err = nil
		}
		if err != nil || ctx.Err() != nil {
			break
		}
	}
	if ctx.Err() != nil { // who stopped it gets no part of it
		err = fault.New(fault.Internal, "sensor.read.stopped")
	}
	if err != nil { // what is open still goes through emit, but nobody wants it
		return nil, errors.Join(err, t.Abort())
	}
	if err = t.Close(); err != nil {
		return nil, err
	}
	sum.flow = t.Stats()
	return sum, nil
}

func (s *readSum) see(r *record.Record) {
	if s.records == 0 || r.Start < s.first {
		s.first = r.Start
	}
	s.last = max(s.last, r.End)
	s.records++
}

// read takes one file in, whatever it is of what is read.
func (s *readSum) read(ctx context.Context, t *flow.Tracker, o *flow.Options, in *watchedFiles, name string, emit func(*record.Record) error) error {
	src, err := in.open(name)
	if err != nil {
		return badFile(name, err)
	}
	defer src.Close()
	if name != "-" { // a pipe nobody writes to does not hold up who stops it
		defer context.AfterFunc(ctx, func() { _ = src.Close() })()
	}
	start := &replay{src: in}
	defer start.drop()
	r, err := capture.NewReader(start)
	switch {
	case err == nil:
		start.drop()
		return s.readPackets(ctx, t, r, name, o.Clock)
	case err == io.EOF:
		return nil // an empty file has nothing
	case !errors.Is(err, capture.ErrFormat):
		return badFile(name, err)
	}
	if start.over {
		return fault.New(fault.Usage, "sensor.read.unknown", "file", name).Because(err)
	}
	flows := start.nfdump()
	start.again()
	if flows {
		return s.readFlows(ctx, o, start, name, emit)
	}
	return s.readLog(ctx, o, start, name, emit)
}

func (s *readSum) add(c capture.Stats) {
	s.capture.Truncated += c.Truncated
	s.capture.Oversize += c.Oversize
	s.capture.Damaged += c.Damaged
	s.capture.Lost += c.Lost
	s.capture.Cut += c.Cut
	s.capture.HeldNanos = max(s.capture.HeldNanos, c.HeldNanos)
}

// badFile says which file could not be read, and why.
func badFile(name string, err error) error {
	why := fault.Of(unread(err))
	if why.Code == "sensor.count.broken" {
		why = fault.New(fault.Usage, "sensor.read.broken")
	}
	return fault.New(fault.Usage, "sensor.read.file", "file", name).At(fault.Place{At: name, Code: why.Code, Args: why.Args}).Because(err)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// say tells what was read, and what was not, on standard error.
func (s *readSum) say(env *cli.Env) {
	if s.lines > 0 {
		env.Say("sensor.read.lines", "n", int64(s.lines))
	}
	env.Say("sensor.read.sum", "packets", int64(s.flow.Packets), "records", int64(s.records))
	if s.records > 0 {
		env.Say("sensor.read.span", "from", time.Unix(0, s.first).UTC().Format(time.RFC3339), "to", time.Unix(0, s.last).UTC().Format(time.RFC3339))
	}
	if stayed := max(s.capture.HeldNanos, s.flow.WipeNanos); stayed > 0 {
		env.Say("sensor.read.wiped", "ms", stayed/1e6+1)
	}
	for _, line := range [...]struct {
		key string
		n   uint64
	}{
		{"sensor.read.not_ip", s.flow.NotIP}, {"sensor.read.unread", s.flow.Unread}, {"sensor.read.lost", s.flow.Lost},
		{"sensor.read.evicted", s.flow.Evicted}, {"sensor.read.no_room", s.flow.NoRoom}, {"sensor.read.fragments", s.flow.FragmentsBad + s.flow.FragmentsLeft},
		{"sensor.read.jumps", s.flow.JumpsBack + s.flow.JumpsAhead}, {"sensor.read.file_cut", uint64(s.capture.Truncated)},
		{"sensor.read.damaged", uint64(s.capture.Damaged + s.capture.Oversize)}, {"sensor.read.dropped", uint64(s.capture.Lost)},
		{"sensor.read.bad_lines", s.badLines}, {"sensor.read.other_lines", s.otherLines}, {"sensor.read.exports", s.flow.Exports},
		{"sensor.read.exports_bad", s.flow.ExportsBad}, {"sensor.detect.passed", uint64(s.passed)},
	} {
		if line.n > 0 {
			env.Say(line.key, "n", int64(line.n))
		}
	}
}

// interruptible is a reader that gives up waiting when its context ends:
// standard input cannot be closed while it is read.
type interruptible struct {
	ctx context.Context
	src io.Reader
}

// Read implements io.Reader.
func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	done := make(chan struct{})
	var m int
	var failed error
	go func() {
		defer close(done)
		m, failed = r.src.Read(p)
	}()
	select {
	case <-done:
		return m, failed
	case <-r.ctx.Done(): // the process is about to end
		return 0, r.ctx.Err()
	}
}
