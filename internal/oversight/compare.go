package oversight

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/engine/tlog"
)

// Codes of what two ledgers may say differently.
const (
	divSplit      = "split"      // two copies of one log are not of one history
	divEntry      = "entry"      // one id, two entries
	divOrder      = "order"      // one approval, two orders
	divTerms      = "terms"      // one approval, other periods or caps
	divUnapproved = "unapproved" // acted on, and approved in no ledger
	divEnded      = "ended"      // acted on after another ledger ended it
	divStopped    = "stopped"    // acted on after another ledger confirmed its stop
	divEarly      = "early"      // confirmed before another ledger approved it
	divStatement  = "statement"  // one run, two statements of what it selected
)

// maxCompared bounds the approvals, runs and acts that are held of all ledgers.
const maxCompared = 2_000_000

// Divergence is one thing that ledgers say differently, or that one says and
// another rules out.
type Divergence struct {
	Code   string  `json:"code"`
	Object string  `json:"object"` // such as approval/01a2…
	Places []Place `json:"places"`
	Text   string  `json:"text"` // in the reader's language
}

// Place is an entry of one of the ledgers.
type Place struct {
	Ledger string `json:"ledger"` // origin
	Entry  uint64 `json:"entry"`
	Folder string `json:"folder,omitempty"` // which copy, where two of one ledger differ
	Verb   string `json:"verb,omitempty"`   // what the entry says there
	At     string `json:"at,omitempty"`
	Absent bool   `json:"absent,omitempty"` // this copy has no such entry
}

// Compared is what a comparison came to.
type Compared struct {
	Ledgers     []Head       `json:"ledgers"`
	Approvals   int          `json:"approvals"` // that some ledger decides or acts on
	Shared      int          `json:"shared"`    // of which two ledgers or more speak
	Same        int          `json:"same"`      // entries of power that two ledgers have alike
	Copies      []Copy       `json:"copies,omitempty"`
	Runs        int          `json:"runs"`
	Divergences []Divergence `json:"divergences"`
	More        int          `json:"more_divergences,omitempty"`
	Alarms      []Alarm      `json:"alarms"` // ledgers that do not verify: nothing is taken from them
}

// Copy is that two folders are copies of one log, and how far they are alike.
type Copy struct {
	Folders [2]string `json:"folders"`
	Alike   uint64    `json:"alike"` // entries from the beginning on
}

// Head is one of the ledgers.
type Head struct {
	Folder string `json:"folder"`
	Origin string `json:"origin"`
	Size   uint64 `json:"size"`
	Root   string `json:"root"`
}

// saying is what one ledger says of one approval.
type saying struct {
	ledger    int32
	order     string // digest, hex
	terms     string // period and cap
	decided   int64  // instants; 0: says nothing of it
	ended     int64
	confirmed int64
	stopped   int64
	begun     int64 // newest use
	places    [5]uint64
	actsOn    bool
}

// Indexes of places.
const (
	atDecided = iota
	atEnded
	atConfirmed
	atStopped
	atBegun
)

// Comparison reads ledgers one after the other and holds what they say of the
// same approvals, runs and entries against each other. Pseudonyms of people and
// bodies differ between ledgers and are not compared.
type Comparison struct {
	out       Compared
	heads     []tlog.Checkpoint
	names     []string
	fsys      []fs.FS
	cases     map[id][]saying
	runs      map[id][]statement
	acts      map[id]anAct
	tolerance int64
	held      int
}

type statement struct {
	ledger int32
	entry  uint64
	sha    [32]byte
}

type anAct struct {
	ledger int32
	entry  uint64
	hash   [16]byte // of the leaf
}

// NewComparison returns an empty one.
func NewComparison() (*Comparison, error) {
	t, err := LoadTable()
	if err != nil {
		return nil, err
	}
	return &Comparison{cases: map[id][]saying{}, runs: map[id][]statement{}, acts: map[id]anAct{}, tolerance: t.limit("auditor_clock_s") * second,
		out: Compared{Divergences: []Divergence{}, Alarms: []Alarm{}}}, nil
}

// Add verifies a ledger and reads it; name is that of its folder, as people know it.
// One that does not verify is an alarm and takes no further part. Errors are those of
// ctx, [tlog.ErrMoved] and [ErrHeld].
func (c *Comparison) Add(ctx context.Context, name string, fsys fs.FS, keys []note.Verifier) error {
	n := int32(len(c.heads))
	res, err := tlog.Verify(ctx, fsys, tlog.Options{Keys: keys}) // before anything of it is believed
	var bad tlog.Problems
	if errors.As(err, &bad) {
		for _, p := range bad {
			c.out.Alarms = append(c.out.Alarms, Alarm{Code: string(p.Code), Path: name + "/" + p.Path, Text: p.Detail})
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	c.heads, c.fsys, c.names = append(c.heads, res.Checkpoint), append(c.fsys, fsys), append(c.names, name)
	c.out.Ledgers = append(c.out.Ledgers, Head{name, res.Checkpoint.Origin, res.Checkpoint.Size, res.Checkpoint.Root.String()})
	if c.copies(int(n)) {
		return nil // its entries are those of the other copy, or no history at all
	}
	var e entry
	_, err = tlog.Verify(ctx, fsys, tlog.Options{Keys: keys, Replay: func(index uint64, leaf []byte) error {
		e.index = index
		if e.read(leaf) && !e.refused && powers[string(nounOf(e.verb))] {
			e.split()
			c.take(n, &e, leaf)
		}
		if c.held > maxCompared {
			return ErrHeld
		}
		return nil
	}})
	if c.held > maxCompared {
		return ErrHeld
	}
	if err != nil && !errors.As(err, &bad) {
		return fmt.Errorf("compare: %w", err)
	}
	return nil
}

// copies compares a ledger with an earlier copy of the same log: the one has to
// begin the other.
func (c *Comparison) copies(n int) bool {
	for i := range n {
		a, b := c.heads[i], c.heads[n]
		if a.Origin != b.Origin {
			continue
		}
		older, newer, fsys := a, b, c.fsys[n]
		if a.Size > b.Size {
			older, newer, fsys = b, a, c.fsys[i]
		}
		if tlog.Consistent(fsys, older, newer) != nil {
			at, err := common(c.fsys[i], a.Size, c.fsys[n], b.Size)
			if err != nil { // verified a moment ago, and not readable now
				at = min(a.Size, b.Size)
			}
			c.diverge(divSplit, b.Origin, c.there(i, at), c.there(n, at))
		} else {
			c.out.Copies = append(c.out.Copies, Copy{[2]string{c.names[i], c.names[n]}, older.Size})
		}
		return true
	}
	return false
}

// take reads what an entry says that another ledger may know too.
func (c *Comparison) take(n int32, e *entry, leaf []byte) {
	_, x, ok := about(e.object)
	switch string(e.verb) {
	case "approval.decide":
		if ok && string(e.text("to")) == "approved" {
			c.decided(n, x, e)
		}
	case "agreement.grant":
		if x, ok = idOf(e.text("approval")); ok {
			c.decided(n, x, e)
		}
	case "approval.revoke", "approval.withdraw", "approval.expire":
		if ok {
			s := c.of(n, x)
			s.ended, s.places[atEnded] = e.at, e.index
		}
	case "approval.confirm":
		if ok {
			s := c.of(n, x)
			s.actsOn = true
			if e.yes("stopped") {
				s.stopped, s.places[atStopped] = e.at, e.index
			} else if s.confirmed == 0 {
				s.confirmed, s.places[atConfirmed] = e.at, e.index
			}
		}
	case "selection.run":
		c.run(n, e, x, ok)
	case "measure.begin":
		if x, ok = idOf(e.grant); ok {
			c.begun(n, x, e)
		}
	}
	c.act(n, e, leaf)
}

// act holds an act of power by its id: the same receipt in two ledgers is the
// same entry.
func (c *Comparison) act(n int32, e *entry, leaf []byte) {
	x, ok := idOf(e.id)
	if !ok {
		return
	}
	sum := tlog.LeafHash(leaf)
	a := anAct{n, e.index, [16]byte(sum[:16])}
	have, twice := c.acts[x]
	switch {
	case !twice:
		c.acts[x] = a
		c.held++
	case have.ledger != n && have.hash == a.hash:
		c.out.Same++
	case have.hash != a.hash:
		c.diverge(divEntry, "entry/"+string(x[:]), c.place(have.ledger, have.entry), c.place(n, e.index))
	}
}

func (c *Comparison) place(n int32, entry uint64) Place {
	return Place{Ledger: c.heads[n].Origin, Entry: entry}
}

// there is what a copy says at a place.
func (c *Comparison) there(n int, at uint64) Place {
	p := Place{Ledger: c.heads[n].Origin, Entry: at, Folder: c.names[n], Absent: true}
	r, err := tlog.NewReader(c.fsys[n], c.heads[n].Size)
	if err != nil {
		return p
	}
	leaf, err := r.Entry(at)
	var e entry
	if err == nil && e.read(leaf) {
		p.Absent, p.Verb, p.At = false, string(e.verb), time.UnixMicro(e.at).UTC().Format(time.RFC3339)
	}
	return p
}

// of is what a ledger says of an approval.
func (c *Comparison) of(n int32, x id) *saying {
	list := c.cases[x]
	for i := range list {
		if list[i].ledger == n {
			return &list[i]
		}
	}
	c.held++
	c.cases[x] = append(list, saying{ledger: n})
	return &c.cases[x][len(list)]
}

func (c *Comparison) decided(n int32, x id, e *entry) {
	s := c.of(n, x)
	if s.decided != 0 {
		return // of one ledger the replay judges
	}
	s.decided, s.places[atDecided] = e.at, e.index
	s.order = string(e.text("order"))
	s.terms = fmt.Sprintf("%s %s %s %d %d", e.text("kind"), e.text("from_at"), e.text("until_at"), e.number("packets"), e.number("bytes"))
}

func (c *Comparison) begun(n int32, x id, e *entry) {
	s := c.of(n, x)
	s.actsOn = true
	s.begun, s.places[atBegun] = e.at, e.index
}

// run reads the beginning of a run, with its approval, and its statement.
func (c *Comparison) run(n int32, e *entry, run id, ok bool) {
	if x, begins := idOf(e.text("approval")); begins {
		c.begun(n, x, e)
		if s := c.of(n, x); s.order == "" {
			s.order, s.places[atDecided] = string(e.text("order")), e.index
		}
		return
	}
	var sha [32]byte
	if raw := e.text("statement"); ok && len(raw) == 64 {
		if _, err := hex.Decode(sha[:], raw); err == nil {
			c.runs[run] = append(c.runs[run], statement{n, e.index, sha})
			c.held++
		}
	}
}

// Close holds everything against each other.
func (c *Comparison) Close() Compared {
	for x, list := range c.cases {
		c.approval("approval/"+string(x[:]), list)
	}
	for x, list := range c.runs {
		for _, s := range list[1:] {
			if s.sha != list[0].sha && s.ledger != list[0].ledger {
				c.diverge(divStatement, "selection_run/"+string(x[:]), c.place(list[0].ledger, list[0].entry), c.place(s.ledger, s.entry))
			}
		}
	}
	c.out.Approvals, c.out.Runs = len(c.cases), len(c.runs)
	slices.SortFunc(c.out.Divergences, func(a, b Divergence) int {
		if d := strings.Compare(a.Object, b.Object); d != 0 {
			return d
		}
		return strings.Compare(a.Code, b.Code)
	})
	return c.out
}

// approval compares what ledgers say of one approval, each with each.
func (c *Comparison) approval(object string, list []saying) {
	if len(list) > 1 {
		c.out.Shared++
	}
	approved := slices.ContainsFunc(list, func(s saying) bool { return s.decided != 0 })
	for i := range list {
		a := &list[i]
		if a.actsOn && !approved {
			at := atBegun
			switch {
			case a.begun != 0:
			case a.confirmed != 0:
				at = atConfirmed
			default:
				at = atStopped
			}
			c.diverge(divUnapproved, object, c.place(a.ledger, a.places[at]))
		}
		for j := range list {
			if b := &list[j]; i != j {
				c.pair(object, a, b, i < j)
			}
		}
	}
}

// pair compares two sayings; once is true for one of the two orders.
func (c *Comparison) pair(object string, a, b *saying, once bool) {
	say := func(code string, at, bt int) {
		c.diverge(code, object, c.place(a.ledger, a.places[at]), c.place(b.ledger, b.places[bt]))
	}
	if once && a.order != "" && b.order != "" && a.order != b.order {
		say(divOrder, atDecided, atDecided)
	}
	if once && a.decided != 0 && b.decided != 0 && a.terms != b.terms {
		say(divTerms, atDecided, atDecided)
	}
	if a.ended != 0 && b.begun > a.ended+c.tolerance {
		say(divEnded, atEnded, atBegun)
	}
	if a.stopped != 0 && b.begun > a.stopped+c.tolerance {
		say(divStopped, atStopped, atBegun)
	}
	if a.decided != 0 && b.confirmed != 0 && b.confirmed < a.decided-c.tolerance {
		say(divEarly, atDecided, atConfirmed)
	}
}

func (c *Comparison) diverge(code, object string, places ...Place) {
	if len(c.out.Divergences) >= maxListed {
		c.out.More++
		return
	}
	c.out.Divergences = append(c.out.Divergences, Divergence{Code: code, Object: object, Places: places})
}
