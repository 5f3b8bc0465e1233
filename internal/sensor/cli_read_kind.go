package sensor

import (
	"context"
	"errors"
	"io"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/export"
	"noroshi/internal/engine/flow/nfdump"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/zeek"
)

// replay shows the beginning of a file to one reader after the other until one
// knows it. What it keeps for that is overwritten as soon as it is not needed:
// it may be packets.
type replay struct {
	src   io.Reader
	saved [][]byte
	shown int // how many of saved were read again
	size  int
	anew  bool // the next reader reads what was saved first
	over  bool // nothing is saved any more
}

// maxReplay bounds what is kept, in bytes: what a reader of captures reads
// before it knows that there is none.
const maxReplay = 8 << 20

// Read implements io.Reader.
func (r *replay) Read(p []byte) (int, error) {
	if r.anew && r.shown < len(r.saved) {
		b := r.saved[r.shown]
		n := copy(p, b)
		if n < len(b) {
			r.saved[r.shown] = b[n:]
			clear(b[:n])
			return n, nil
		}
		clear(b)
		r.shown++
		return n, nil
	}
	n, err := r.src.Read(p)
	if n > 0 && !r.over {
		r.saved = append(r.saved, append(make([]byte, 0, n), p[:n]...))
		if r.size += n; r.size > maxReplay {
			r.drop()
		}
	}
	return n, err
}

// again lets the next reader begin from the start. It is not asked twice.
func (r *replay) again() {
	r.shown, r.anew, r.over = 0, true, true
}

// drop overwrites what was kept and keeps nothing more.
func (r *replay) drop() {
	for _, b := range r.saved {
		clear(b)
	}
	r.saved, r.over = nil, true
}

// nfdump reports whether what was kept begins with the magic number of nfdump's
// files, in either byte order.
func (r *replay) nfdump() bool {
	if len(r.saved) == 0 || len(r.saved[0]) < 2 {
		return false
	}
	a, b := r.saved[0][0], r.saved[0][1]
	return a == 0x0c && b == 0xa5 || a == 0xa5 && b == 0x0c
}

// readLog turns a log of Zeek into records.
func (s *readSum) readLog(ctx context.Context, o *flow.Options, src io.Reader, name string, emit func(*record.Record) error) error {
	r, err := zeek.NewReader(src, record.NewNaming(o.Key, o.Full))
	if errors.Is(err, zeek.ErrFormat) {
		return fault.New(fault.Usage, "sensor.read.unknown", "file", name).Because(err)
	} else if err != nil {
		return badFile(name, err)
	}
	defer r.Close()
	batch := make([]record.Record, flow.BatchSize)
	for ctx.Err() == nil {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			rec := &batch[i]
			if o.Class != nil && rec.Src.IsValid() && rec.Dst.IsValid() {
				rec.Class = o.Class(rec.Src, rec.Dst)
			}
			if rec.CommunityID == ([20]byte{}) {
				rec.CommunityID = flow.Community(rec)
			}
			if err := emit(rec); err != nil {
				return err
			}
		}
		if err == io.EOF {
			st := r.Stats()
			s.lines += uint64(st.Lines)
			s.badLines += uint64(st.Bad + st.Headless + st.Oversize + st.Truncated)
			s.otherLines += uint64(st.Other)
			return nil
		} else if err != nil {
			return badFile(name, err)
		}
	}
	return ctx.Err()
}

// readFlows turns a file of nfdump's collectors into records.
func (s *readSum) readFlows(ctx context.Context, o *flow.Options, src io.Reader, name string, emit func(*record.Record) error) error {
	r, err := nfdump.NewReader(src)
	if err != nil {
		return badFlows(name, err)
	}
	var failed error
	rows := export.NewBatch(0, func(b *export.Batch) {
		var rec record.Record
		for i := range b.Len() {
			flow.FromExport(&rec, b, i, o.Class)
			rec.CommunityID = flow.Community(&rec)
			if failed == nil {
				failed = emit(&rec)
			}
		}
	})
	for ctx.Err() == nil && failed == nil {
		err := r.Next(rows)
		rows.Flush()
		if err == io.EOF {
			st := r.Stats()
			s.badLines += st.Malformed + st.Skipped
			return failed
		} else if err != nil {
			return errors.Join(failed, badFlows(name, err))
		}
	}
	return errors.Join(failed, ctx.Err())
}

// badFlows says why a file of nfdump could not be read.
func badFlows(name string, err error) error {
	code := "sensor.read.broken"
	switch {
	case errors.Is(err, nfdump.ErrEncrypted):
		code = "sensor.read.encrypted"
	case errors.Is(err, nfdump.ErrOrder):
		code = "sensor.read.order"
	case errors.Is(err, nfdump.ErrFormat):
		code = "sensor.read.layout"
	}
	return fault.New(fault.Usage, "sensor.read.file", "file", name).At(fault.Place{At: name, Code: code}).Because(err)
}

// readPackets gives the packets of a capture to the table.
func (s *readSum) readPackets(ctx context.Context, t *flow.Tracker, r *capture.Reader, name string, clock func() int64) error {
	defer r.Wipe()
	r.SetClock(clock)
	batch := make([]capture.Packet, flow.BatchSize)
	for ctx.Err() == nil {
		n, loan, err := r.Lend(batch)
		if n > 0 {
			if err := t.AddLent(batch[:n], loan); err != nil {
				return err
			}
		}
		if err == io.EOF {
			s.add(r.Stats())
			return nil
		} else if err != nil {
			return badFile(name, err)
		}
	}
	return ctx.Err()
}
