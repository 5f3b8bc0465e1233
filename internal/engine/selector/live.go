package selector

import "encoding/binary"

// Expires returns when a selector expires, in ns UTC; 0 for never, and for an
// ID that the Set does not have. It allocates nothing: a probe does not look at
// the time, so who selects compares this with the time of the packet.
func (s *Set) Expires(id ID) int64 {
	if id == 0 || int(id) > s.body.n {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(s.body.metas[int(s.body.row(id))*metaSize+24:]))
}

// Expired returns how many selectors have expired at a time in ns UTC.
func (s *Set) Expired(now int64) int {
	rows := make([]bool, len(s.body.metas)/metaSize)
	for i := range rows {
		at := int64(binary.LittleEndian.Uint64(s.body.metas[i*metaSize+24:]))
		rows[i] = at != 0 && at <= now
	}
	return s.body.having(rows)
}

// Live returns the Set without the selectors that have expired at a time in ns
// UTC, and how many those are; the Set itself when there is none. Otherwise
// IDs and hash are new, and public ids stay.
func (s *Set) Live(now int64) (*Set, int, error) {
	gone := s.Expired(now)
	if gone == 0 {
		return s, 0, nil
	}
	b := NewBuilder(Options{Lister: s.Lister(), Warnings: &Warnings{}})
	for _, o := range s.body.all {
		in := s.body.meta(o.row)
		if in.Expires != 0 && in.Expires <= now {
			continue
		}
		v := parsed{o.form, o.value}
		slot, _ := b.find(&v)
		if _, err := b.put(&in, &v, slot); err != nil {
			return nil, 0, err
		}
	}
	live, err := b.Compile()
	if err != nil {
		return nil, 0, err
	}
	live.refs = s.refs
	return live, gone, nil
}
