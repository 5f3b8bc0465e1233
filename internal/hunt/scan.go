package hunt

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/event"
	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/engine/sigma/correlate"
	"noroshi/internal/engine/sigma/match"
)

// Scan is what a run is asked for.
type Scan struct {
	Paths     []string
	Stdin     io.Reader
	Rules     *RuleSet
	Workers   int         // 0: one for each processor
	Least     sigma.Level // what is below is not told; correlations see it all the same
	NoRouting bool        // every rule over every event
	Read      Reading
	Known     []Expected       // what is harmless
	Progress  func(done int64) // may be nil
}

// Reading says what files do not say themselves.
type Reading struct {
	Kind    format.Kind    // Unknown: by content
	Zone    *time.Location // of times without one; nil: UTC
	Mapping *format.Mapping
	Routes  *sigma.Routes // which events a logsource means; nil: as it comes with the program
}

// Report is what a run did.
type Report struct {
	Events   uint64
	Bytes    int64 // of the files as they are
	Sources  []*Source
	Passed   []Passed // what could not be opened
	More     int      // sources and files beyond those listed
	Empty    int      // files with nothing in them
	Match    match.Report
	Combined correlate.Stats
	Rules    int // that were looked for
	Known    int // hits that are known to be harmless, not told
}

// Source is one stream of events that was read.
type Source struct {
	Name    string
	Kind    format.Kind
	Events  uint64
	Damaged int // places
	Damage  []format.Damage
	Ended   error // why it could not be read to its end
	last    time.Time
}

// Passed is a file that could not be read.
type Passed struct {
	Name string
	Err  error
}

// Bounds of a report.
const (
	maxSources = 100_000
	maxDamage  = 20 // of one source
	maxPassed  = 1000
)

// Run reads everything and gives what is found to emit, hits of rules in the
// order of the events, then those of correlations in the order of their times.
// What emit is given it may keep.
func (s *Scan) Run(ctx context.Context, emit func(*Detection) error) (*Report, error) {
	names := event.NewNames()
	set, err := match.New(s.Rules.Rules, names, match.Options{NoRouting: s.NoRouting, Routes: s.Read.Routes})
	if err != nil {
		return nil, err
	}
	r := &running{scan: s, names: names, set: set, together: correlate.Compile(s.Rules.Correlations), emit: emit, known: byRule(s.Known),
		report: &Report{Rules: len(s.Rules.Rules) + len(s.Rules.Correlations)}}
	r.wanted()
	if err := cmp.Or(r.read(ctx), ctx.Err()); err != nil { // what was interrupted is no result
		return nil, err
	}
	return r.report, r.correlate()
}

// running is a run that goes on.
type running struct {
	scan     *Scan
	names    *event.Names
	set      *match.Set
	together *correlate.Set
	emit     func(*Detection) error
	report   *Report
	hits     timeline // for the correlations

	known expectations
	needs [][]event.Name // of each rule: the fields that correlations over it ask for; nil: none
	hosts []event.Name
	users []event.Name
}

// The fields that tell the host and the account of an event, the first that is
// there.
var (
	hostFields = []string{"Computer", "Hostname", "hostname", "host", "host.name", "_HOSTNAME", "node", "DeviceName", "aid"}
	userFields = []string{"User", "TargetUserName", "SubjectUserName", "user", "acct", "auid", "userIdentity.userName", "userIdentity.arn", "UserId", "userPrincipalName",
		"properties.userPrincipalName", "initiatedBy.user.userPrincipalName", "actor.email", "actor.alternateId", "protoPayload.authenticationInfo.principalEmail", "AccountName", "user.name"}
)

func (r *running) wanted() {
	for _, name := range hostFields {
		r.hosts = append(r.hosts, r.names.ID(name))
	}
	for _, name := range userFields {
		r.users = append(r.users, r.names.ID(name))
	}
	r.needs = make([][]event.Name, len(r.scan.Rules.Rules))
	for i, rule := range r.scan.Rules.Rules {
		fields, asked := r.together.Needs(rule)
		if !asked {
			continue
		}
		r.needs[i] = make([]event.Name, 0, len(fields))
		for _, f := range fields {
			r.needs[i] = append(r.needs[i], r.names.ID(f))
		}
	}
}

// piece is a block on its way: read, looked through, taken in. There are only so
// many, so what waits is bounded.
type piece struct {
	block  format.Block
	seq    uint64
	src    *Source
	ended  error // why the source ends here
	rows   uint64
	known  int
	found  []*Detection
	hits   []heldHit
	damage []format.Damage
	err    error
	part   bool // more of it will come when this is taken in
	taken  chan struct{}
}

// maxFound is how much a piece holds before it is taken in: small events that
// every rule hits would make much of little.
const maxFound = 1 << 12

// heldHit is a hit that correlations are asked about.
type heldHit struct {
	at   int64
	line []byte
}

// read is the pipeline: one goroutine reads blocks, the workers look through
// them, and this one takes the results in the order of the blocks.
func (r *running) read(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	workers := r.scan.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	free, todo, done := make(chan *piece, 4*workers), make(chan *piece, 4*workers), make(chan *piece, 4*workers)
	for range cap(free) {
		free <- &piece{taken: make(chan struct{}, 1)}
	}
	in := &inputs{stdin: r.scan.Stdin}
	walked := make(chan error, 1)
	go func() {
		defer close(todo)
		walked <- r.feed(ctx, in, free, todo)
	}()
	ended := make(chan *match.Matcher, workers)
	for range workers {
		w := r.newWorker()
		go func() {
			for p := range todo {
				w.look(p, func() {
					p.part = true
					done <- p
					<-p.taken
				})
				done <- p
			}
			ended <- w.matcher
		}()
	}
	var matchers []*match.Matcher
	left := workers
	waiting := map[uint64]*piece{}
	var next uint64
	var failed error
	for left > 0 {
		select {
		case m := <-ended:
			matchers = append(matchers, m)
			left--
			continue
		case p := <-done:
			waiting[p.seq] = p
		}
		for p := waiting[next]; p != nil; p = waiting[next] {
			delete(waiting, next)
			if failed == nil {
				if failed = r.take(p); failed != nil {
					stop()
				}
			}
			if p.part {
				p.part = false
				p.taken <- struct{}{}
				continue
			}
			next++
			free <- p
		}
		if r.scan.Progress != nil {
			r.scan.Progress(in.Done())
		}
	}
	for len(done) > 0 { // results that came with the last of the workers
		p := <-done
		waiting[p.seq] = p
	}
	for p := waiting[next]; p != nil && failed == nil; p = waiting[next] {
		next++
		failed = r.take(p)
	}
	r.report.Bytes = in.Done()
	r.report.Match = r.set.Report(matchers...)
	return errors.Join(failed, <-walked)
}

// feed divides everything into blocks and hands them to the workers.
func (r *running) feed(ctx context.Context, in *inputs, free <-chan *piece, todo chan<- *piece) error {
	var seq uint64
	in.passed = r.report.pass
	in.visit = func(f *input) error {
		src, err := r.report.open(f, r.scan.Read)
		if err != nil {
			return nil // it is empty, or among those passed over
		}
		split := format.NewSplitter(f.r, src.Kind, 0)
		for {
			var p *piece
			select {
			case p = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			p.src, p.seq, p.ended = src, seq, nil
			if err := split.Next(&p.block); err != nil {
				p.block.Data = p.block.Data[:0]
				if !errors.Is(err, io.EOF) {
					p.ended = err
				}
				seq++
				todo <- p
				return nil
			}
			seq++
			todo <- p
		}
	}
	return in.walk(ctx, r.scan.Paths)
}

func (r *Report) pass(name string, err error) {
	if len(r.Passed) >= maxPassed {
		r.More++
		return
	}
	r.Passed = append(r.Passed, Passed{name, err})
}

// open finds out what a stream is.
func (r *Report) open(f *input, read Reading) (*Source, error) {
	src := &Source{Name: f.name, Kind: read.Kind, last: f.mod}
	if _, err := f.r.Peek(1); errors.Is(err, io.EOF) {
		r.Empty++
		return nil, err
	}
	if src.Kind == format.Unknown {
		head, _ := f.r.Peek(64 << 10)
		src.Kind = format.Detect(head, f.name)
	}
	if src.Kind == format.Unknown {
		err := fault.New(fault.Usage, "hunt.input.unknown", "file", f.name)
		r.pass(f.name, err)
		return nil, err
	}
	if len(r.Sources) < maxSources {
		r.Sources = append(r.Sources, src)
	} else {
		r.More++
	}
	return src, nil
}

func (s *Source) damaged(d []format.Damage) {
	s.Damaged += len(d)
	s.Damage = append(s.Damage, d[:min(len(d), maxDamage-len(s.Damage))]...)
}

// take puts the results of a piece into the report and hands on what was found.
func (r *running) take(p *piece) error {
	p.src.Events += p.rows
	r.report.Events += p.rows
	r.report.Known += p.known
	p.src.damaged(p.damage)
	if p.ended != nil {
		p.src.Ended = unreadable(p.src.Name, p.ended)
	}
	for _, h := range p.hits {
		if err := r.hits.add(h.at, h.line); err != nil {
			return err
		}
	}
	for _, d := range p.found {
		if err := r.emit(d); err != nil {
			return err
		}
	}
	return p.err
}

// peakMemory returns how much memory the process had at most, in bytes.
func peakMemory() int64 {
	if b, err := os.ReadFile("/proc/self/status"); err == nil {
		if _, rest, ok := strings.Cut(string(b), "VmHWM:"); ok {
			if kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
