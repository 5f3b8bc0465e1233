package detect

import (
	"bytes"
	"encoding/gob"
	"errors"
	"io"
)

// version says in which form a state is written. Another form is not read: the
// state is begun anew.
const version = 3

// ErrState says that a saved state is of another version, or broken.
var ErrState = errors.New("the saved state is of another version or broken")

// Save writes what the Detector knows, so that a later run goes on from there.
// Nothing but numbers, addresses, hashes and bounded names is in it.
func (d *Detector) Save(w io.Writer) error {
	e := gob.NewEncoder(w)
	if err := e.Encode(version); err != nil {
		return err
	}
	return e.Encode(&d.state)
}

// Load makes a Detector that knows what Save wrote. The limits and the seed are
// those of then; the home networks and the list of what is expected are those
// of c.
func Load(c Config, r io.Reader) (*Detector, error) {
	dec := gob.NewDecoder(r)
	have := 0
	if err := dec.Decode(&have); err != nil || have != version {
		return nil, ErrState
	}
	d := &Detector{conf: c, lim: c.Limits.filled(), home: newHomes(c.Home)}
	if err := dec.Decode(&d.state); err != nil || !d.state.sound() {
		return nil, ErrState
	}
	d.wire()
	return d, nil
}

// sound reports whether the tables refer to what is there, so that a damaged
// file is refused instead of read beyond an end.
func (s *state) sound() bool {
	ok := s.Beats.sound() && s.Waiting.sound() && filled(&s.Homes) && filled(&s.Outside) && filled(&s.Domains) && filled(&s.Led) && filled(&s.Pairs) && filled(&s.Names) && filled(&s.Leaves) && filled(&s.Hosts) && filled(&s.Ports) &&
		filled(&s.Guesses) && filled(&s.Victims) && filled(&s.Reflect) && filled(&s.Stones) && filled(&s.Bridges) && filled(&s.Tools) && filled(&s.Prints) && filled(&s.Hits)
	s.Victims.each(func(v *victim) { ok = ok && v.Newest >= 0 && v.Newest < 1<<40 })
	s.Pairs.each(func(p *pair) { ok = ok && p.Beat >= 0 && p.Beat <= s.Beats.Made })
	s.Names.each(func(n *named) { ok = ok && n.Beat >= 0 && n.Beat <= s.Beats.Made })
	s.Tools.each(func(u *toolUse) { ok = ok && u.Tool >= 0 && int(u.Tool) < len(toolList) })
	return ok
}

// filled reports whether a table was in the file at all.
func filled[V any](c *cache[V]) bool { return len(c.Slots) >= ways }

// packed is a table without its empty slots.
type packed[V any] struct {
	Size    int
	Max     int
	Evicted int64
	At      []uint32
	Keys    []uint64
	Uses    []uint32
	Vals    []V
}

// GobEncode writes what is in use.
func (c *cache[V]) GobEncode() ([]byte, error) {
	p := packed[V]{Size: len(c.Slots), Max: c.Max, Evicted: c.Evicted}
	for i, s := range c.Slots {
		if s.Key != 0 {
			p.At, p.Keys, p.Uses, p.Vals = append(p.At, uint32(i)), append(p.Keys, s.Key), append(p.Uses, s.Uses), append(p.Vals, *c.value(i))
		}
	}
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(&p)
	return b.Bytes(), err
}

// maxSlots bounds a table that is read back.
const maxSlots = 1 << 26

// GobDecode reads what GobEncode wrote; a table that does not hang together is
// an error.
func (c *cache[V]) GobDecode(b []byte) error {
	var p packed[V]
	if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&p); err != nil {
		return err
	}
	n := len(p.At)
	// A table doubles only when eight stand together: it is never nearly empty,
	// and a file cannot ask for more memory than what it holds gives reason for.
	if p.Size > 1024 && p.Size/256 > n || p.Size < ways || p.Size&(p.Size-1) != 0 || p.Size > p.Max || p.Max > maxSlots || p.Max&(p.Max-1) != 0 || len(p.Keys) != n || len(p.Uses) != n || len(p.Vals) != n {
		return ErrState
	}
	*c = cache[V]{Slots: make([]slot, p.Size), Max: p.Max, Evicted: p.Evicted, drop: c.drop}
	for k, i := range p.At {
		if from, end := c.set(p.Keys[k]); int(i) < from || int(i) >= end || c.Slots[i].Key != 0 || p.Keys[k] == 0 {
			return ErrState
		}
		c.put(int(i), p.Keys[k], p.Uses[k])
		*c.value(int(i)) = p.Vals[k]
	}
	return nil
}
