package oversight

import (
	"time"

	"noroshi/internal/base/text"
)

// key is what a year's tally counts.
type key string

// The keys. Those of cases are counted by kind; a kind with a plus is its
// extension (art 19).
const (
	keyAsked    key = "asked"
	keyApproved key = "approved"
	keyDeclined key = "declined"
	keyStopped  key = "stopped" // withdrawn, given up, revoked
	keyRuns     key = "runs"
	keyTests    key = "tests" // of them on made-up traffic
	keyBroken   key = "broken"
	keyRead     key = "read"
	keyGiven    key = "given"
	keyErased   key = "erased"
	keyOpened   key = "opened"
	keyIssued   key = "issued" // under agreements
	keyDeclared key = "emergencies"
	keyNotified key = "emergency_notices"
)

// under is one heading of a year.
type under struct {
	year int // of Japan's calendar
	key  key
	kind string
}

// volume is how much passed in a year's runs.
type volume struct {
	seen, destroyed, selected amount
	records, erased           uint64
}

// tally counts what the yearly report says (art 61), with the cases behind every
// number.
type tally struct {
	ids     map[under][]id
	volumes map[int]*volume
	refused map[int]uint64
	entries map[int]uint64
}

func newTally() tally {
	return tally{ids: map[under][]id{}, volumes: map[int]*volume{}, refused: map[int]uint64{}, entries: map[int]uint64{}}
}

// yearOf is the year of an instant in Japan.
func yearOf(at int64) int { return time.UnixMicro(at).In(text.JST).Year() }

// count adds a case, run or approval to a heading; one that stands there last is
// counted once more, and listed once.
func (t *tally) count(at int64, k key, kind string, what id) {
	u := under{yearOf(at), k, kind}
	t.ids[u] = append(t.ids[u], what)
}

func (t *tally) of(year int) *volume {
	v := t.volumes[year]
	if v == nil {
		v = &volume{}
		t.volumes[year] = v
	}
	return v
}

// measure adds what a run says it saw.
func (t *tally) measure(at int64, seen, destroyed, selected amount, records uint64) {
	v := t.of(yearOf(at))
	v.seen, v.destroyed, v.selected, v.records = v.seen.plus(seen), v.destroyed.plus(destroyed), v.selected.plus(selected), top(v.records, records)
}

func (t *tally) destroyed(at int64, records uint64) {
	v := t.of(yearOf(at))
	v.erased = top(v.erased, records)
}

// saw counts an entry, and a refusal.
func (t *tally) saw(e *entry) {
	y := yearOf(e.at)
	t.entries[y]++
	if e.refused {
		t.refused[y]++
	}
}
