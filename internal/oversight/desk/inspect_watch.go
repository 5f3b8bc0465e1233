package desk

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/ledger"
	"noroshi/internal/oversight"
)

// maxWatched bounds what a watch keeps of each kind.
const maxWatched = 5_000_000

// watch gathers from entries what the desk shows beside the rules: which acts can
// be drawn, how emergencies stand, what was written to whom, and when things
// happened that the public page counts.
type watch struct {
	units  map[string][]unit // by stratum, in the order of the log
	chains map[string]*chain
	papers map[string]*paperFact
	plans  map[string]*planFact
	events map[string][]int64 // by what happened: instants, microseconds
	kept   int
}

// chain is an emergency or an ordinary use, of one chain of command.
type chain struct {
	object                            string // measure/…
	emergency, ordinary               bool
	noticeDue, noticed, review, ended time.Time
	declared                          uint64   // place of the declaration
	places                            []uint64 // of its entries that changed any of this, the last 8
}

// paperFact is what the ledger says of a paper.
type paperFact struct {
	Kind  Kind
	State State
	Due   time.Time
	Place uint64
}

// planFact is a sampling plan as the ledger has it, and the sample beside it.
type planFact struct {
	ID, Number string
	Place      uint64
	Strata     []Stratum
	Since      time.Time
	Commitment string
	Nonce      string // once it was revealed
	Drawn      bool
	Root       string
	Seed       string
	Sample     []uint64
}

func newWatch() *watch {
	return &watch{units: map[string][]unit{}, chains: map[string]*chain{}, papers: map[string]*paperFact{}, plans: map[string]*planFact{}, events: map[string][]int64{}}
}

// power are the nouns whose refusals can be drawn.
var power = []string{"approval.", "selection.", "agreement.", "measure."}

// take reads an entry. What is no entry the rules find; here it is passed over.
func (w *watch) take(place uint64, leaf []byte) error {
	verb := verbOf(leaf)
	stratum := strataOf[string(verb)]
	noun, _, _ := bytes.Cut(verb, []byte("."))
	mine := string(noun) == "measure" || string(noun) == "oversight" || stratum != "" || string(verb) == "approval.decide" || string(verb) == "agreement.grant"
	refused := bytes.Contains(leaf, []byte(`"outcome":"refused"`))
	if refused {
		mine = slices.ContainsFunc(power, func(p string) bool { return bytes.HasPrefix(verb, []byte(p)) })
	}
	if !mine {
		return nil
	}
	e, err := ledger.ParseEntry(leaf)
	if err != nil {
		return nil
	}
	if refused {
		return w.unit("refusal", place, e.At)
	}
	_, begins := e.Public["approval"]
	if stratum != "" && (stratum != "run" || begins) {
		if err := w.unit(stratum, place, e.At); err != nil {
			return err
		}
	}
	switch {
	case strings.HasPrefix(e.Verb, "measure."):
		w.measure(place, &e)
	case strings.HasPrefix(e.Verb, "oversight."):
		w.desk(place, &e)
	}
	return w.count(&e, begins)
}

// verbOf finds the verb of a leaf; no text before it can hold the same bytes,
// because a quotation mark within a text is escaped.
func verbOf(leaf []byte) []byte {
	_, rest, ok := bytes.Cut(leaf, []byte(`"verb":"`))
	if !ok {
		return nil
	}
	verb, _, _ := bytes.Cut(rest, []byte(`"`))
	return verb
}

func (w *watch) unit(kind string, place uint64, at time.Time) error {
	w.units[kind] = append(w.units[kind], unit{place, at.UnixMicro()})
	return w.keep()
}

func (w *watch) keep() error {
	if w.kept++; w.kept > maxWatched {
		return oversight.ErrHeld
	}
	return nil
}

func words1(e *ledger.Entry, name string) string { s, _ := e.Public[name].(string); return s }

func instant(e *ledger.Entry, name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, words1(e, name))
	if err != nil {
		return time.Time{}
	}
	return t
}

func numbers(v any) (out []uint64) {
	list, _ := v.([]any)
	for _, x := range list {
		if n, ok := x.(json.Number); ok {
			if i, err := n.Int64(); err == nil && i >= 0 {
				out = append(out, uint64(i))
			}
		}
	}
	return out
}

// measure follows how one chain of command stands with its emergency.
func (w *watch) measure(place uint64, e *ledger.Entry) {
	id, act := words1(e, "chain"), words1(e, "act")
	if id == "" {
		return
	}
	c := w.chains[id]
	if c == nil {
		c = &chain{object: e.Object}
		w.chains[id] = c
		w.kept++
	}
	was := *c
	if act == "declare" {
		c.emergency, c.declared = true, place
	}
	c.ordinary = c.ordinary || act == "authorise" && words1(e, "from") == "approved"
	for _, x := range []struct {
		to   *time.Time
		name string
	}{{&c.noticeDue, "notice_due_at"}, {&c.noticed, "noticed_at"}, {&c.review, "review_due_at"}, {&c.ended, "settled_at"}} {
		if t := instant(e, x.name); !t.IsZero() {
			*x.to = t
		}
	}
	if c.emergency != was.emergency || c.ordinary != was.ordinary || c.noticed != was.noticed || c.ended != was.ended {
		c.places = append(c.places, place)
		c.places = c.places[max(0, len(c.places)-8):]
	}
}

// late says what of an emergency is past its time: notice, review, or nothing.
func (c *chain) late(now time.Time) (what string, due time.Time) {
	switch {
	case !c.emergency || !c.ended.IsZero():
	case c.noticed.IsZero() && now.After(c.noticeDue):
		return "notice", c.noticeDue
	case !c.noticed.IsZero() && !c.review.IsZero() && now.After(c.review):
		return "review", c.review
	}
	return "", time.Time{}
}

// desk follows papers, plans and samples.
func (w *watch) desk(place uint64, e *ledger.Entry) {
	if id := words1(e, "paper"); id != "" {
		w.papers[id] = &paperFact{Kind: Kind(words1(e, "kind")), State: State(words1(e, "to")), Due: instant(e, "due"), Place: place}
	}
	id := words1(e, "plan")
	switch {
	case id == "":
	case e.Verb == "oversight.plan":
		p := &planFact{ID: id, Number: words1(e, "number"), Place: place, Commitment: words1(e, "commitment"), Since: instant(e, "since")}
		list, _ := e.Public["strata"].([]any)
		for _, x := range list {
			kind, size, _ := strings.Cut(textOf(x), ":")
			p.Strata = append(p.Strata, Stratum{kind, atoi(size)})
		}
		w.plans[id] = p
	case e.Verb == "oversight.reveal" && w.plans[id] != nil:
		w.plans[id].Nonce = words1(e, "nonce")
	case e.Verb == "oversight.draw" && w.plans[id] != nil:
		p := w.plans[id]
		p.Drawn, p.Root, p.Seed, p.Sample = true, words1(e, "root"), words1(e, "seed"), numbers(e.Public["sample"])
	}
}

func textOf(v any) string { s, _ := v.(string); return s }

func atoi(s string) (n int) {
	for _, c := range s {
		if c < '0' || c > '9' || n > maxSample {
			return 0
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// count remembers when something happened that the public page counts.
func (w *watch) count(e *ledger.Entry, begins bool) error {
	kind := words1(e, "kind")
	key := ""
	switch e.Verb {
	case "approval.ask":
		key = "asked." + kind
	case "agreement.grant":
		key = "approved.agreement"
	case "approval.decide":
		if words1(e, "to") == "approved" {
			key = "approved." + kind
		} else {
			key = "declined." + kind
		}
	case "selection.run":
		if begins && words1(e, "basis") != "test" {
			key = "runs"
		}
	case "measure.declare":
		key = "emergency"
	case "oversight.settle":
		key = "paper." + kind
	}
	if key == "" {
		return nil
	}
	w.events[key] = append(w.events[key], e.At.UnixMicro())
	return w.keep()
}

// sample draws what a plan asks for from what was before it.
func (p *planFact) sample(w *watch, root string) (seedHex string, strata []Drawn, picks []Pick) {
	s := seed(root, p.ID, p.Nonce)
	for _, want := range p.Strata {
		var all []unit
		for _, u := range w.units[want.Kind] {
			if u.place < p.Place && (p.Since.IsZero() || u.at >= p.Since.UnixMicro()) {
				all = append(all, u)
			}
		}
		strata = append(strata, Drawn{Stratum: want, Population: uint64(len(all))})
		for _, place := range draw(s, all, want.Size) {
			picks = append(picks, Pick{Place: place, Kind: want.Kind})
		}
	}
	return seedText(s), strata, picks
}
