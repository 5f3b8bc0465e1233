package oversight

// maxTaken bounds the newest acts that took power and are remembered until the
// next cosignature: a silence in which there were more hides none of these.
const maxTaken = 4096

// theWitness is what is remembered for the question who took power while nobody
// cosigned the log.
type theWitness struct {
	taken []taken // a ring
	next  int
}

// taken is an act that used an approval.
type taken struct {
	entry uint64
	at    int64
}

// takes remembers that the entry used an approval. A declared emergency uses none.
func (r *Replay) takes() {
	if len(r.e.grant) == 0 {
		return
	}
	switch string(r.e.verb) {
	case "selection.run":
		if !r.e.has("approval") {
			return
		}
	case "measure.begin":
	case "act.take": // a step of a measure rests on what the measure took
		if _, x, _ := about(r.e.object); r.orders[x] != nil && r.orders[x].chain != nil {
			return
		}
	case "selection.reidentify":
		if !r.e.has("known") { // it is asked for, and nothing is opened
			return
		}
	default:
		return
	}
	r.checked[ruleWitness]++ // answered by the cosignature that comes next: in time, nothing is written
	w := &r.witness
	if len(w.taken) < maxTaken {
		w.taken = append(w.taken, taken{r.e.index, r.e.at})
		return
	}
	w.taken[w.next] = taken{r.e.index, r.e.at}
	w.next = (w.next + 1) % maxTaken
}

// cosignedLate judges the end of a silence of the witnesses: that there was one,
// what it says of itself, and that no ordinary act took power in it.
func (r *Replay) cosignedLate() {
	from, to, since, until := r.e.number("from"), r.e.number("to"), r.e.time("since"), r.e.time("until")
	wait, late := int64(r.e.number("wait_s"))*second, int64(r.e.number("late_s"))*second
	r.check(ruleWitness, from <= to && to <= r.e.index && until-since == late && late > wait && until <= r.e.at+r.tolerance.skew, "witness_says")
	r.check(ruleWitness, false, "witness_late", "entries", to-min(from, to), "minutes", late/(60*second))
	for _, x := range r.witness.taken {
		// Clocks of several machines of one hub differ by what entries may go back.
		if x.at > since+wait+r.tolerance.clock && x.at < until {
			r.checkAt(ruleWitness, false, "witness_none", []uint64{x.entry}, "minutes", (x.at-since)/(60*second))
		}
	}
}
