package oversight

// theList is a list of selectors: who made it, and who decided of its warnings.
type theList struct {
	maker  person
	second person
	org    person
	entry  uint64
	over   bool
}

func (r *Replay) makeList() {
	noun, x, ok := about(r.e.object)
	if !r.check(ruleListSecond, ok && string(noun) == "selection_list" && r.lists[x] == nil, "list_again") {
		return
	}
	l := theList{maker: r.who(r.e.who), org: r.who(r.e.org), entry: r.e.index}
	if sha := r.e.text("sha256"); len(sha) > 0 {
		r.check(ruleListSecond, r.e.number("warned") == 0, "list_alone")
		r.keepList(sha, l)
		return
	}
	r.lists[x] = &l
}

func (r *Replay) secondList() {
	_, x, _ := about(r.e.object)
	l := r.lists[x]
	if !r.check(ruleListSecond, l != nil && !l.over, "list_unknown") {
		return
	}
	l.second, l.over = r.who(r.e.who), true
	r.checkAt(ruleListSecond, l.second != l.maker && r.who(r.e.org) == l.org, "list_same", []uint64{l.entry})
	if !r.e.yes("dropped") {
		r.keepList(r.e.text("sha256"), *l)
	}
}

func (r *Replay) keepList(sha []byte, l theList) {
	var key [64]byte
	if !r.check(ruleListSecond, len(sha) == len(key), "list_hash") {
		return
	}
	copy(key[:], sha)
	for _, have := range r.made[key] {
		if have.maker == l.maker && have.second == l.second && have.org == l.org {
			return
		}
	}
	r.made[key] = append(r.made[key], l)
}

// listed checks that a run's list was made here, and that who runs neither made
// it nor decided of its warnings.
func (r *Replay) listed(c *theCase) {
	var own, free bool
	var entries []uint64
	who := r.who(r.e.who)
	for _, l := range r.made[c.selectors] {
		if l.org == c.org {
			own = true
			free = free || l.maker != who && l.second != who
			entries = append(entries, l.entry)
		}
	}
	if r.checkAt(ruleList, own, "list_none", []uint64{c.asked}) {
		r.checkAt(ruleExecutor, free, "executor_list", entries)
	}
}
