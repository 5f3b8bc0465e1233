package oversight

import (
	"cmp"
	"slices"
)

// theWish is that an inspector wants to see the sealed part of an entry.
type theWish struct {
	asker  person
	body   person // whose act the entry is
	sealed id     // the entry
	state  wishState
	opened int64 // instant
	told   bool
	entry  uint64 // of the opening, once there is one
}

type wishState uint8

const (
	wished wishState = iota
	opened
	withheld
	forgotten
)

// unsealed is an act on a wish: the body whose act the entry is opens it, the
// asker alone reads it, and what was opened is destroyed in time.
func (r *Replay) unsealed() {
	noun, x, ok := about(r.e.object)
	w := r.wishes[x]
	act := string(r.e.verb[len("oversight."):])
	known := ok && string(noun) == "oversight" && string(r.e.text("opening")) == string(x[:])
	org, who, asker := r.who(r.e.org), r.who(r.e.who), r.who(r.e.text("asker"))
	sealed, _ := idOf(r.e.text("entry"))
	if act == "unseal" {
		if r.check(ruleUnsealed, known && w == nil && who == asker && r.ofCommission(org), "wish_again") {
			r.wishes[x] = &theWish{asker: asker, body: r.who(r.e.text("body")), sealed: sealed, entry: r.e.index}
		}
		return
	}
	if !r.check(ruleUnsealed, known && w != nil, "wish_unknown") {
		return
	}
	if !r.checkAt(ruleUnsealed, asker == w.asker && sealed == w.sealed && r.who(r.e.text("body")) == w.body, "wish_other", []uint64{w.entry}) {
		return
	}
	switch act {
	case "open", "withhold":
		r.checkAt(ruleUnsealed, w.state == wished && org == w.body, "wish_body", []uint64{w.entry})
		if w.state = withheld; act == "open" {
			w.state, w.opened, w.entry = opened, r.e.at, r.e.index
			r.paper()
		}
	case "look":
		r.checkAt(ruleUnsealed, w.state == opened && who == w.asker && r.e.at <= w.opened+r.tolerance.unsealed, "wish_look", []uint64{w.entry})
	case "remind":
		r.checkAt(ruleUnsealed, w.state == wished, "wish_body", []uint64{w.entry})
	case "forget":
		r.checkAt(ruleUnsealed, w.state == opened, "wish_forget", []uint64{w.entry})
		r.checkAt(ruleUnsealed, r.e.at <= w.opened+r.tolerance.unsealed, "wish_late", []uint64{w.entry})
		w.state = forgotten
	}
}

// overdueWishes finds what was opened and not destroyed in time.
func (r *Replay) overdueWishes(now int64) {
	var late []*theWish
	for _, w := range r.wishes {
		if w.state == opened && !w.told && now > w.opened+r.tolerance.unsealed {
			late = append(late, w)
		}
	}
	slices.SortFunc(late, func(a, b *theWish) int { return cmp.Compare(a.entry, b.entry) })
	for _, w := range late {
		w.told = true
		r.owedBy(ruleUnsealed, "wish_kept", "entry/"+string(w.sealed[:]), w.entry)
	}
}

// owedBy writes down what an entry owes.
func (r *Replay) owedBy(rule, found, object string, entry uint64) {
	index := r.e.index
	r.e.index = entry
	r.violate(rule, found, object, nil)
	r.e.index = index
}
