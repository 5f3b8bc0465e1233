package rogue

import (
	"maps"
)

func isBegin(a *act) bool { return a.Public["approval"] != nil }
func isEnd(a *act) bool   { return a.Public["statement"] != nil }
func isPage(a *act) bool  { return a.Public["page"] != nil }

// when runs fn with an entry of a verb.
func when(verb string, ok func(*act) bool, fn func(w *history, i int) bool) func(*history) bool {
	return func(w *history) bool {
		i := w.find(verb, ok)
		return i >= 0 && fn(w, i)
	}
}

// fact changes one fact of an entry of a verb.
func fact(verb string, ok func(*act) bool, key string, value func(old any) any) func(*history) bool {
	return when(verb, ok, func(w *history, i int) bool {
		w.edit(i, key, value(w.all[i].Public[key]))
		return true
	})
}

func always(v any) func(any) any { return func(any) any { return v } }

func approves(a *act) bool { return a.Public["to"] == "approved" }

// someRecords reports whether an entry is about records that there are.
func someRecords(a *act) bool { return a.number("records") > 0 }

// outsider has all of a run done by another body.
func outsider(w *history, i int) bool {
	if w.of("selection.extend", w.all[i].Object) >= 0 {
		return false // its records would be kept for longer than they may be
	}
	for _, a := range w.all {
		if a.Object == w.all[i].Object && (a.Verb == "selection.run" || a.Org == "O-office") {
			if a.Verb != "selection.run" && a.Verb != "selection.interrupt" {
				continue
			}
			a.Org = "O-ministry"
		}
	}
	// What is done with the records is the office's, which did not select them.
	return w.gone(func(a *act) bool {
		return a.Object == w.all[i].Object && (a.Verb == "selection.read" || a.Verb == "selection.disclose" || a.Verb == "selection.sight" || a.Verb == "selection.extend") || a.Verb == "selection.reidentify" || a.Public["what"] == "give"
	}) >= 0
}

// more adds packets to what a statement says was read, and, where it shall add
// up, to what was destroyed unselected.
func more(w *history, i, n int, adds bool) bool {
	w.within(i, "seen", "packets", whole(w.all[i].inside("seen")["packets"])+n)
	if !adds {
		return true
	}
	dropped := maps.Clone(w.all[i].inside("dropped"))
	un, _ := dropped["unselected"].(map[string]any)
	un = maps.Clone(un)
	un["packets"] = whole(un["packets"]) + n
	dropped["unselected"] = un
	w.edit(i, "dropped", dropped)
	return w.last(i)
}

// last reports whether a run is the last of its approval: later ones would begin
// with nothing left.
func (w *history) last(i int) bool {
	for _, a := range w.all[i+1:] {
		if a.Verb == "selection.run" && a.Grant == w.all[i].Grant {
			return false
		}
	}
	return true
}
