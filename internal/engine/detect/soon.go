package detect

import (
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/memory"
)

// Ahead is how many records ahead of Add one does well to call Soon.
const Ahead = 4

// Soon has the memory fetched that Add will look into for a record. It changes
// nothing.
func (d *Detector) Soon(r *record.Record) {
	s := &d.state
	src, dst := ipOf(r.Src), ipOf(r.Dst)
	from, to := src.hash(s.Seed), dst.hash(s.Seed)
	m := s.Homes.find(from)
	memory.Soon(m)
	if len(r.DNS) > 0 {
		memory.Soon(d.askedAt(&r.DNS[0]))
		if m != nil {
			d.names.made.Soon(m.watch)
		}
		return // most who are asked are the same few
	}
	memory.Soon(s.Outside.find(to))
	memory.Soon(s.Pairs.find(pairHash(from, to, r.Proto, r.DstPort)))
}
