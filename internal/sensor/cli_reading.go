package sensor

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/detect"
	"noroshi/internal/sensor/listen"
)

// forgetStats removes what an earlier run wrote of what it read: nobody may send
// it as that of this one. A device or a pipe stays.
func forgetStats(name string) error {
	if name == "" {
		return nil
	}
	if is, err := os.Lstat(name); err != nil || !is.Mode().IsRegular() {
		return nil // nothing there, or nothing that an earlier run left
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.Usage, "sensor.read.write", "file", name).Because(err)
	}
	return nil
}

// reading is what was read in a run that took so long, in the counts that a hub
// keeps of a source. Lost are packets that the capturing system says it dropped,
// of all files; what a log does not tell of its own losses is not in it, nor are
// bytes missing in a TCP stream. Where nothing was read it is of the run itself.
func (d *detectRun) reading(r *detect.Report, took time.Duration) *Reading {
	now := d.env.Now().UTC()
	out := &Reading{From: now.Add(-took), Until: now, Records: uint64(r.Stats.Records), Findings: uint64(len(r.Findings))}
	if r.Stats.Records > 0 {
		out.From, out.Until = believed(time.Unix(0, r.Stats.First), now), believed(time.Unix(0, r.Stats.Last), now)
	}
	for _, f := range d.read {
		if f.Kind != "capture" { // of packets the table knows how long they were on the wire
			out.Bytes = plus(out.Bytes, f.Bytes)
		}
		out.Lost = plus(out.Lost, f.Lost)
		out.Broken = plus(out.Broken, f.Bad, f.Cut)
	}
	if d.packets != nil {
		st := &d.packets.stats
		out.Packets, out.Evicted = st.Packets, st.Evicted
		out.Bytes += st.Bytes
		out.Broken += st.Unread + st.ExportsBad
	}
	return out
}

// believed is a time of a record that a hub takes: clocks of packets say
// anything.
func believed(t, now time.Time) time.Time {
	switch t = t.UTC(); {
	case t.Before(earliest):
		return earliest
	case t.After(now):
		return now
	}
	return t
}

// plus adds counts, none of them below zero.
func plus(sum uint64, counts ...int64) uint64 {
	for _, n := range counts {
		sum += uint64(max(n, 0))
	}
	return sum
}

// listened is what "flow listen --stats" writes of exporters.
type listened struct {
	listen.Summary
	Reading *Reading `json:"reading"` // what "flow send" tells the hub of it
}

// heard is what exporters told, in the counts that a hub keeps of a source. Lost
// is what their sequences miss: flows (NetFlow v5, IPFIX) or datagrams (v9,
// sFlow). What the kernel dropped here is among them, unless it dropped all that
// an exporter ever sent; so the larger of the two counts.
func heard(s *listen.Summary, from, until time.Time) *Reading {
	out := &Reading{From: from.UTC(), Until: until.UTC(), Bytes: s.Octets, Records: s.Records, Broken: s.Unreadable + s.Foreign}
	for i := range s.Exporters {
		e := &s.Exporters[i]
		out.Lost += e.Lost + e.LostSets
	}
	out.Lost = max(out.Lost, s.KernelDrops)
	return out
}

// reading is what an interface told, in the counts that a hub keeps of a
// source. Lost are packets that the kernel dropped because this program fell
// behind.
func (w *Watched) reading(from, until time.Time) *Reading {
	return &Reading{From: from.UTC(), Until: until.UTC(), Packets: w.Packets, Bytes: w.Bytes, Records: w.Records, Lost: w.Dropped, Broken: w.Oversize + w.Unread,
		Evicted: w.Evicted}
}
