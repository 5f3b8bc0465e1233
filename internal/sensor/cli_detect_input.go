package sensor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/zeek"
)

// detectRun reads files one after the other into a detector.
type detectRun struct {
	env      *cli.Env
	ctx      context.Context
	options  flow.Options
	since    int64
	kept     *keptState
	detector *detect.Detector
	naming   *record.Naming
	packets  *packetRun
	read     []fileStats
	skipped  int64 // records before --since
	passed   int64 // files and folders in a folder that were passed over
	stream   bool  // what is read is standard input
}

// packetRun is the flow table that all captures of a run share: communications
// go on from one to the next.
type packetRun struct {
	tracker *flow.Tracker
	stats   flow.Stats
}

// fileStats is what became of one file.
type fileStats struct {
	File    string `json:"file"`
	Kind    string `json:"kind"` // zeek, records, nfdump or capture
	Bytes   int64  `json:"bytes,omitempty"`
	Records int64  `json:"records,omitempty"`
	Packets int64  `json:"packets,omitempty"`
	From    int64  `json:"from,omitempty"` // where reading went on, in bytes of the decompressed log
	Other   int64  `json:"other,omitempty"`
	Bad     int64  `json:"bad,omitempty"`
	Cut     int64  `json:"cut,omitempty"`
	Lost    int64  `json:"lost,omitempty"`
	Before  bool   `json:"read_before,omitempty"` // nothing was new
}

func (d *detectRun) files(names []string) (err error) {
	names, within, passed, err := inFolders(names)
	if err != nil {
		return err
	}
	in := &watchedFiles{stdin: d.env.In, done: d.env.Progress(sizeOf(names), d.env.Printer().T("sensor.detect.short"))}
	d.passed, d.naming = passed, record.NewNaming(d.options.Key, d.options.Full)
	defer func() {
		if d.packets != nil && err != nil {
			err = errors.Join(err, d.packets.tracker.Abort())
		}
	}()
	for i, name := range names {
		switch err := d.file(in, name); {
		case err != nil && within[i] && ofAnotherKind(err):
			d.passed++
		case err != nil:
			return err
		}
	}
	if d.packets != nil {
		if err := d.packets.tracker.Close(); err != nil {
			return err
		}
		d.packets.stats = d.packets.tracker.Stats()
	}
	return nil
}

// file reads one file by what it is.
func (d *detectRun) file(in *watchedFiles, name string) (err error) {
	src, err := in.open(name)
	if err != nil {
		return badFile(name, err)
	}
	defer src.Close()
	d.stream = name == "-"
	b := bufio.NewReaderSize(in, peekSize)
	defer overwrite(b) // what was read ahead may be packets
	head, err := b.Peek(zeek.HeadSize)
	if len(head) == 0 {
		d.read = append(d.read, fileStats{File: name, Kind: "empty"})
		return nil // an empty file has nothing new
	}
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return badFile(name, err)
	}
	first := make([]byte, zeek.HeadSize)
	defer clear(first) // it may be packets
	n, packed := capture.Begins(head, first)
	if packed && n == 0 { // what is packed with zstd is known from a whole block on
		more, _ := b.Peek(peekSize)
		n, _ = capture.Begins(more, first)
	}
	plain := first[:n]
	if !packed {
		plain = head
	}
	if ownTable(plain) {
		return fault.New(fault.Usage, "sensor.detect.records", "file", name)
	}
	if zeek.Is(plain) || otherLog(plain) {
		head = bytes.Clone(head) // reading on overwrites it
		defer clear(head)
		return d.log(b, head, packed, name)
	}
	if ownRecords(plain) {
		head = bytes.Clone(head)
		return d.records(b, head, packed, name)
	}
	// Packets cannot be read on with: a file of the same beginning and size was read.
	size := sizeOf([]string{name})
	if m, ok := d.kept.find(head); ok && size > 0 && m.Offset == size {
		d.read = append(d.read, fileStats{File: name, Kind: "capture", Before: true})
		return nil
	}
	if size > 0 {
		begin := bytes.Clone(head)
		defer func() {
			if err == nil {
				d.kept.putPacked(begin, size)
			}
			clear(begin)
		}()
	}
	if len(head) > 1 && (head[0] == 0x0c && head[1] == 0xa5 || head[0] == 0xa5 && head[1] == 0x0c) {
		return d.flows(b, name)
	}
	// What was read ahead first, which is then overwritten, since a stream may last
	// for days, then the file itself: packets are read into their own memory without
	// another copy.
	return d.capture(io.MultiReader(io.LimitReader(b, int64(b.Buffered())), spent{b}, in), name)
}

// peekSize is how much of a file is read ahead to see what it is, in bytes: more
// than a block of zstd has (RFC 8878 §3.1.1.2.4).
const peekSize = 136 << 10

// spent has nothing more to read, and overwrites what was read.
type spent struct{ b *bufio.Reader }

// Read implements io.Reader.
func (s spent) Read([]byte) (int, error) {
	overwrite(s.b)
	return 0, io.EOF
}

// overwrite leaves nothing of what was read ahead.
func overwrite(b *bufio.Reader) {
	b.Reset(zeroReader{})
	_, _ = b.Peek(peekSize)
}

// zeroReader overwrites a buffer.
type zeroReader struct{}

// Read implements io.Reader.
func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// log reads a log of Zeek, from where an earlier run stopped.
func (d *detectRun) log(src *bufio.Reader, head []byte, packed bool, name string) error {
	st := fileStats{File: name, Kind: "zeek"}
	from, mark, err := d.goOn(src, head, packed, name)
	if err != nil {
		return err
	}
	if from == nil {
		st.Before, st.From = true, mark.Offset
		d.read = append(d.read, st)
		return nil
	}
	base := mark.Offset - int64(len(mark.Header))
	st.From = mark.Offset
	r, err := zeek.NewReader(from, d.naming)
	if errors.Is(err, io.EOF) {
		st.Before = true
		d.read = append(d.read, st)
		return nil
	}
	if err != nil {
		return badFile(name, err)
	}
	defer r.Close()
	if err := d.pump(r); err != nil {
		if d.ctx.Err() != nil {
			return err
		}
		return badFile(name, err)
	}
	s := r.Stats()
	st.Bytes, st.Records, st.Other, st.Bad, st.Cut = s.Bytes, s.Records, s.Other, s.Bad+s.Headless+s.Oversize, s.Truncated
	st.Before = s.Lines == 0 && st.From > 0
	d.read = append(d.read, st)
	if !packed {
		d.kept.put(name, head, base+r.Offset(), r.Header())
	} else {
		d.kept.putPacked(head, r.Offset())
	}
	return nil
}

// skipTo goes to where an earlier run stopped; false when what stands before is
// not what stood there then.
func skipTo(src *bufio.Reader, m zeek.Mark) (io.Reader, bool) {
	before := max(m.Offset-zeek.HeadSize, 0)
	if n, err := io.CopyN(io.Discard, src, before); err != nil || n != before {
		return nil, false
	}
	last := make([]byte, m.Offset-before)
	if _, err := io.ReadFull(src, last); err != nil || !m.Goes(last) {
		return nil, false
	}
	return src, true
}

// reader fills batches with records, and what they point to stays until the same
// batch is filled again.
type reader interface {
	Next(batch []record.Record) (int, error)
}

// pump reads on one core and detects on another: three batches go around.
func (d *detectRun) pump(r reader) error {
	type full struct {
		batch []record.Record
		n     int
	}
	free, ready, failed := make(chan []record.Record, 3), make(chan full, 3), make(chan error, 1)
	for range 3 {
		free <- make([]record.Record, 1024)
	}
	go func() {
		defer close(ready)
		for batch := range free {
			n, err := r.Next(batch)
			if err != nil {
				if !errors.Is(err, io.EOF) {
					failed <- err
				}
				return
			}
			ready <- full{batch, n}
		}
	}()
	stopped := false
	for f := range ready {
		if stopped = stopped || d.ctx.Err() != nil; !stopped {
			d.addAll(f.batch[:f.n])
			free <- f.batch
			continue
		}
		close(free) // the reader sees it and ends
		for range ready {
		}
		return d.interrupted()
	}
	select {
	case err := <-failed:
		return err
	default:
		return d.interrupted()
	}
}

// interrupted is why reading stopped early. A stream is over then, because who
// writes into a pipe is interrupted with us, and what came until then is judged.
func (d *detectRun) interrupted() error {
	if d.stream {
		return nil
	}
	return d.ctx.Err()
}

// add hands a record to the detector.
func (d *detectRun) add(r *record.Record) {
	if r.Start < d.since {
		d.skipped++
		return
	}
	d.detector.Add(r)
}

// addAll hands records to the detector.
func (d *detectRun) addAll(all []record.Record) {
	for i := range all {
		if i+detect.Ahead < len(all) {
			d.detector.Soon(&all[i+detect.Ahead])
		}
		d.add(&all[i])
	}
}

// flows reads a file of nfdump's collectors.
func (d *detectRun) flows(src io.Reader, name string) error {
	st := fileStats{File: name, Kind: "nfdump"}
	var sum readSum
	err := sum.readFlows(d.ctx, &d.options, src, name, func(r *record.Record) error {
		st.Records++
		d.add(r)
		return nil
	})
	st.Bad = int64(sum.badLines)
	d.read = append(d.read, st)
	return err
}

// capture reads packets.
func (d *detectRun) capture(src io.Reader, name string) error {
	if d.packets == nil {
		d.packets = &packetRun{tracker: flow.New(d.options, func(r *record.Record) error {
			d.add(r)
			return nil
		})}
	}
	r, err := capture.NewReader(src)
	if errors.Is(err, io.EOF) {
		return nil
	} else if errors.Is(err, capture.ErrFormat) {
		return fault.New(fault.Usage, "sensor.detect.unknown", "file", name).Because(err)
	} else if err != nil {
		return badFile(name, err)
	}
	defer r.Wipe()
	r.SetClock(d.options.Clock)
	st := fileStats{File: name, Kind: "capture"}
	batch := make([]capture.Packet, flow.BatchSize)
	for d.ctx.Err() == nil && !errors.Is(err, io.EOF) {
		var n int
		var loan *capture.Loan
		if n, loan, err = r.Lend(batch); n > 0 {
			if err := d.packets.tracker.AddLent(batch[:n], loan); err != nil {
				return err
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return badFile(name, err)
		}
	}
	if !errors.Is(err, io.EOF) {
		if err := d.interrupted(); err != nil {
			return err
		}
	}
	s := r.Stats()
	st.Packets, st.Bytes, st.Bad, st.Cut, st.Lost = s.Packets, s.Bytes, s.Damaged+s.Oversize, s.Truncated, s.Lost
	d.read = append(d.read, st)
	return nil
}

// say tells what was read and what was not, on standard error.
func (d *detectRun) say(r *detect.Report) {
	var bad, other, cut, before int64
	for _, f := range d.read {
		bad, other, cut = bad+f.Bad, other+f.Other, cut+f.Cut
		if f.Before {
			before++
		}
	}
	d.env.Say("sensor.detect.sum", "records", r.Stats.Records, "home", r.Stats.Home, "outside", r.Stats.Outside)
	for _, line := range [...]struct {
		key string
		n   int64
	}{{"sensor.detect.bad", bad}, {"sensor.detect.other", other}, {"sensor.detect.cut", cut}, {"sensor.detect.before", before}, {"sensor.detect.skipped", d.skipped}, {"sensor.detect.passed", d.passed},
		{"sensor.detect.allowed", int64(len(r.Allowed))}} {
		if line.n > 0 {
			d.env.Say(line.key, "n", line.n)
		}
	}
	for _, a := range r.Expired {
		d.env.Say("sensor.detect.expired", "reason", a.Reason, "until", a.Until.Format("2006-01-02"))
	}
	for kind, n := range r.Stats.Evicted {
		if n > 0 && kind != "scans" {
			d.env.Say("sensor.detect.evicted", "table", kind, "n", n)
		}
	}
	if r.Stats.Records > 0 && r.Stats.Home == 0 && unjudged(r) == "" {
		d.env.Say("sensor.detect.no_home")
	}
}

// readable opens a file for its last bytes before an offset.
func readable(name string, offset int64) []byte {
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	from := max(offset-zeek.HeadSize, 0)
	b := make([]byte, offset-from)
	if _, err := f.ReadAt(b, from); err != nil {
		return nil
	}
	return b
}
