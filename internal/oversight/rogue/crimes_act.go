package rogue

import (
	"slices"
	"time"
)

// told reports whether an entry leads an order from a state to another.
func told(from, to string) func(*act) bool {
	return func(a *act) bool { return a.text("from") == from && a.text("to") == to }
}

// actCrimes break the rules about one's own equipment.
var actCrimes = []Crime{
	{"an order that was live before it was sent", "act_steps", true, fact("act.outcome", told("sent", "live"), "from", always("asked"))},
	{"an order that nobody asked for", "act_steps", false, when("act.ask", nil, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"who asked approves", "act_apart", true, when("act.approve", nil, func(w *history, i int) bool { w.all[i].Who = w.all[i].text("asker"); return true })},
	{"who approved carries it out", "act_apart", true, when("act.take", nil, func(w *history, i int) bool {
		w.all[i].Who = w.all[w.of("act.approve", w.all[i].Object)].Who
		return true
	})},
	{"subscribers' communications without a ground", "act_basis", true, when("act.ask", nil, func(w *history, i int) bool {
		w.edit(i, "basis", "subscribers")
		w.without(i, "ground")
		return true
	})},
	{"another order than was shown", "act_grant", true, func(w *history) bool {
		i := w.find("act.dry", func(a *act) bool { return w.of("act.approve", a.Object) >= 0 })
		if i >= 0 {
			w.edit(i, "fits", false)
		}
		return i >= 0
	}},
	{"another order than was approved", "act_grant", true, when("act.take", nil, func(w *history, i int) bool {
		w.edit(i, "digest", "0000000000000000000000000000000000000000000000000000000000000000")
		return true
	})},
	{"equipment without a Grant", "act_grant", true, when("act.take", nil, func(w *history, i int) bool { w.all[i].Grant = uuid(w.rng, w.all[i].At); return true })},
	{"equipment that says nothing, and no alarm", "act_outcome", true, when("act.alarm", func(a *act) bool { return a.text("what") == "no_outcome" }, func(w *history, i int) bool {
		w.all = slices.Delete(w.all, i, i+1)
		return true
	})},
	{"an order that does not end", "act_ended", true, when("act.outcome", told("live", "expired"), func(w *history, i int) bool {
		at := w.all[i].At
		w.all = slices.Delete(w.all, i, i+1)
		return w.end().Sub(at) > time.Hour
	})},
	{"an order that does not end, with an alarm before its time", "act_ended", true, when("act.outcome", told("live", "expired"), func(w *history, i int) bool {
		at, take := w.all[i].At, w.all[w.of("act.take", w.all[i].Object)]
		w.all = slices.Delete(w.all, i, i+1)
		a := w.add(take, take.At.Add(time.Minute))
		a.Verb, a.Who, a.Org, a.Public = "act.alarm", "", "", facts{"what": "overdue"}
		return w.end().Sub(at) > time.Hour
	})},
	{"an order that ends late", "act_ended", true, when("act.outcome", told("live", "expired"), func(w *history, i int) bool {
		w.move(i, w.all[i].At.Add(5*time.Hour))
		return true
	})},
}
