package executor

import (
	"encoding/json"
	"time"

	"noroshi/internal/measure/act"
)

// entry is how one order stands here, by the journal.
type entry struct {
	task     act.Task
	use      act.ID
	until    time.Time
	line     string // last of Intent, Applied, Healthy, Halved, Removing, Gone
	ending   act.State
	reason   string
	rules    int
	missing  int
	extra    int
	told     outcome
	wait     time.Time // a removal that failed is tried again no earlier
	tries    int
	stays    int    // rules that are still held after a removal that failed
	why      string // it failed
	says     string // about what is missing or stays, for people at the hub
	happened time.Time
}

// outcome is how an order stands, as the hub is told.
type outcome struct {
	state                 act.State
	rules, missing, extra int
	reason                string
}

// now is the outcome as it is; empty before there is one.
func (e *entry) now() outcome {
	switch e.line {
	case Healthy:
		return outcome{act.Live, e.rules, 0, 0, e.reason}
	case Halved:
		return outcome{act.Half, e.rules, e.missing, e.extra, e.reason}
	case Removing:
		if e.tries > 0 { // it did not work: something is still held
			return outcome{act.Stuck, e.stays, 0, 0, e.why}
		}
		return e.told
	case Gone:
		return outcome{e.ending, 0, 0, 0, e.reason}
	}
	return outcome{}
}

// holds reports whether the equipment may hold something of an order.
func (e *entry) holds() bool { return e.line != Gone }

// wanted reports whether it ought to hold all of it.
func (e *entry) wanted() bool { return e.line == Healthy || e.line == Halved }

// book is what a journal tells.
type book struct {
	actuator act.ID
	orders   map[act.ID]*entry
	ids      []act.ID // in the order of their intents
	number   int64    // of the newest instruction
	last     time.Time
}

// read is the book of a journal.
func read(lines []Line) (*book, error) {
	b := &book{orders: map[act.ID]*entry{}}
	for _, l := range lines {
		if err := b.add(l); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// add takes in one line.
func (b *book) add(l Line) error {
	if l.At.After(b.last) {
		b.last = l.At
	}
	e := b.orders[l.Order]
	switch l.What {
	case Begun:
		b.actuator = l.Actuator
	case Numbered:
		b.number = l.Number
	case Accepted:
		b.number = 0
	case Torn:
	case Intent:
		var p struct {
			Instruction act.Instruction `json:"instruction"`
		}
		if err := json.Unmarshal([]byte(l.Instruction), &p); err != nil || e != nil {
			return ErrJournal.Because(err)
		}
		i := p.Instruction
		b.orders[l.Order] = &entry{task: i.Task, use: i.Use, until: i.Until, line: Intent, happened: l.At}
		b.ids = append(b.ids, l.Order)
		b.number = max(b.number, i.Number)
	case Gone:
		if e == nil { // it was never taken here
			e = &entry{use: l.Use}
			b.orders[l.Order] = e
			b.ids = append(b.ids, l.Order)
		}
		e.line, e.ending, e.reason, e.happened, e.tries, e.says = Gone, l.State, l.Reason, l.At, 0, ""
	default:
		if e == nil {
			return ErrJournal
		}
		b.step(e, l)
	}
	return nil
}

func (b *book) step(e *entry, l Line) {
	switch l.What {
	case Told:
		e.told = outcome{l.State, l.Rules, l.Missing, l.Extra, l.Reason}
		return
	case Applied:
		e.rules = l.Rules
	case Healthy, Halved: // the hub hears of each, also of the same again: an alarm may stand between them
		e.rules, e.missing, e.extra, e.reason, e.told = l.Rules, l.Missing, l.Extra, l.Reason, outcome{}
	case Restored:
		e.happened = l.At
		return
	case Removing:
		e.ending, e.reason = l.State, l.Reason
	}
	e.line, e.happened = l.What, l.At
}
