package dissect

import "noroshi/internal/engine/flow/record"

// tally counts operations, each protocol of its own. Operations beyond its
// places are counted with none.
type tally struct {
	used  uint8
	count [24]record.Count
}

func (t *tally) add(op uint8) {
	for i := range t.count[:t.used] {
		if c := &t.count[i]; c.Operation == record.Operation(op) {
			c.Times++
			return
		}
	}
	if int(t.used) < len(t.count) {
		t.count[t.used] = record.Count{Operation: record.Operation(op), Times: 1}
		t.used++
	}
}

// settle adds the most frequent operations to out, the more frequent first and
// of equals the lower number, and counts anew.
func (t *tally) settle(out *[4]record.Count) {
	for _, c := range out {
		if c.Times > 0 {
			t.merge(c)
		}
	}
	for i := range out {
		best := -1
		for j := range t.count[:t.used] {
			c := &t.count[j]
			if c.Times > 0 && (best < 0 || c.Times > t.count[best].Times ||
				c.Times == t.count[best].Times && c.Operation < t.count[best].Operation) {
				best = j
			}
		}
		out[i] = record.Count{}
		if best >= 0 {
			out[i], t.count[best] = t.count[best], record.Count{}
		}
	}
	*t = tally{}
}

// merge adds what was counted before.
func (t *tally) merge(c record.Count) {
	t.add(uint8(c.Operation))
	for i := range t.count[:t.used] {
		if t.count[i].Operation == c.Operation {
			t.count[i].Times += c.Times - 1
		}
	}
}

// addHash puts a hash among the others if it is new and there is room.
func addHash(all *[record.MaxName]record.Hash, h record.Hash) {
	if h == (record.Hash{}) {
		return
	}
	for i := range all {
		if all[i] == h {
			return
		}
		if all[i] == (record.Hash{}) {
			all[i] = h
			return
		}
	}
}

// resync finds where the next message may begin after a gap: how many bytes to
// drop, and whether what follows them is known to be one.
func resync(b []byte, begins func([]byte) verdict) (drop int, found bool) {
	for i := range b {
		switch begins(b[i:]) {
		case yes:
			return i, true
		case unsure:
			return i, false
		}
	}
	return len(b), false
}

// latin writes UTF-16LE as UTF-8 into out, as much as fits; half a pair of
// surrogates is a question mark. It stops at a zero.
func latin(out, b []byte) []byte {
	n := 0
	for ; len(b) >= 2; b = b[2:] {
		r := rune(b[0]) | rune(b[1])<<8
		if r == 0 {
			break
		}
		if r >= 0xd800 && r < 0xe000 {
			r = '?'
		}
		switch {
		case n+3 > len(out):
			return out[:n]
		case r < 0x80:
			out[n] = byte(r)
			n++
		case r < 0x800:
			out[n], out[n+1] = 0xc0|byte(r>>6), 0x80|byte(r&0x3f)
			n += 2
		default:
			out[n], out[n+1], out[n+2] = 0xe0|byte(r>>12), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f)
			n += 3
		}
	}
	return out[:n]
}
