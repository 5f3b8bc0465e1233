package detect

import (
	"encoding/binary"
	"strings"

	"noroshi/internal/engine/detect/tunnel"
	"noroshi/internal/engine/flow/record"
)

// called is what the detectors make of a name that follows from the name alone.
type called struct {
	shown  record.Name
	text   string // in lower case
	hash   uint64 // of text
	own    uint64 // of the registered name in it
	tunnel tunnel.Shown
	tool   int16 // whose servers are called so, from 1
}

// Names that are asked for, and names of the other end of a communication, that
// are remembered: 1.2 and 0.1 MB.
const (
	maxAsked  = 1 << 14
	maxCalled = 1 << 10
)

// calls are the names that were looked at lately. Of two that fall together the
// later stays; what they are is the same whether or not they are there.
type calls struct {
	asked  [maxAsked]called
	called [maxCalled]called
}

// asked is what there is to say of a question's name, good until the next.
func (d *Detector) asked(q *record.DNS) *called {
	c := d.askedAt(q)
	if c.shown != q.Name {
		*c = d.call(q.Name)
	}
	return c
}

// askedAt is where a question's name is remembered.
func (d *Detector) askedAt(q *record.DNS) *called {
	return &d.calls.asked[binary.LittleEndian.Uint16(q.Whole[:])%maxAsked]
}

// called is what there is to say of the name of a communication's other end, good
// until the next.
func (d *Detector) called(n record.Name) *called {
	c := &d.calls.called[hashText(n.String(), d.state.Seed)%maxCalled]
	if c.shown != n {
		*c = d.call(n)
	}
	return c
}

func (d *Detector) call(n record.Name) called {
	text := n.Fold()
	return called{shown: n, text: text, hash: hashText(text, d.state.Seed), own: hashText(registered(text), d.state.Seed), tunnel: tunnel.Look(n), tool: toolOf(text)}
}

// toolOf is the tool of whose servers a name is one, from 1; 0 without.
func toolOf(name string) int16 {
	// The name itself, then what is below the next dot, down to the registered one.
	for rest := name; ; {
		if i, ok := toolByName[rest]; ok {
			return int16(i + 1)
		}
		dot := strings.IndexByte(rest, '.')
		if dot < 0 {
			return 0
		}
		rest = rest[dot+1:]
	}
}
