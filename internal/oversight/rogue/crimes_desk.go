package rogue

import (
	"slices"
	"strings"
	"time"
)

// after reports whether so much is in the log after an entry that a term which
// began with it is over.
func (w *history) after(i int, term time.Duration) bool { return w.end().Sub(w.all[i].At) > term }

// deskCrimes break the rules about the commission's own desk.
var deskCrimes = []Crime{
	{"a paper that nobody proposed is sent", "paper_steps", true, when("oversight.propose", nil, func(w *history, i int) bool {
		return w.of("oversight.settle", w.all[i].Object) > i && w.gone(func(a *act) bool { return a.Verb == "oversight.propose" && a.Object == w.all[i].Object }) > 0
	})},
	{"a paper is answered before it was sent", "paper_steps", true, fact("oversight.answer", nil, "from", always("drafted"))},
	{"a paper is sent with a day that is past", "paper_steps", true, when("oversight.settle", nil, func(w *history, i int) bool {
		w.edit(i, "due", rfc(w.all[i].At.Add(-time.Hour)))
		return true
	})},
	{"a paper goes to another than it was written to", "paper_steps", true, when("oversight.settle", nil, func(w *history, i int) bool {
		w.edit(i, "body", "O-ministry")
		return true
	})},
	{"who proposed settles", "paper_two", true, when("oversight.settle", nil, func(w *history, i int) bool {
		w.all[i].Who = w.all[w.of("oversight.propose", w.all[i].Object)].Who
		return true
	})},
	{"who drafted settles", "paper_two", true, when("oversight.settle", nil, func(w *history, i int) bool {
		w.all[i].Who = w.all[w.of("oversight.draft", w.all[i].Object)].Who
		return w.of("oversight.revise", w.all[i].Object) < 0
	})},
	{"somebody else answers for the body", "paper_two", true, when("oversight.answer", nil, func(w *history, i int) bool { w.all[i].Org = "O-office"; return true })},
	{"a body closes what was written to it", "paper_two", true, when("oversight.close", nil, func(w *history, i int) bool { w.all[i].Org = w.all[i].text("body"); return true })},
	{"another value than was promised", "sample_drawn", true, fact("oversight.reveal", nil, "nonce", always(strings.Repeat("0", 64)))},
	{"a sample drawn before the value was revealed", "sample_drawn", true, when("oversight.draw", nil, func(w *history, i int) bool {
		return w.gone(func(a *act) bool { return a.Verb == "oversight.reveal" && a.Object == w.all[i].Object }) > 0
	})},
	{"a sample that somebody chose", "sample_drawn", true, fact("oversight.draw", nil, "seed", always(strings.Repeat("0", 64)))},
	{"another entry is looked at than was drawn", "sample_drawn", true, fact("oversight.check", nil, "place", always(1<<40))},
	{"a plan whose value is never revealed", "sample_drawn", true, when("oversight.reveal", nil, func(w *history, i int) bool {
		at := w.of("oversight.plan", w.all[i].Object)
		late := w.after(at, 8*24*time.Hour)
		w.gone(func(a *act) bool { return a.Object == w.all[at].Object && a.Verb != "oversight.plan" })
		return late
	})},
	{"a value that is revealed late", "sample_drawn", true, when("oversight.plan", nil, func(w *history, i int) bool {
		const late = 8 * 24 * time.Hour
		plan, long := w.all[i], w.after(i, late+24*time.Hour)
		for _, a := range slices.Clone(w.all) {
			if a.Object == plan.Object && a != plan {
				w.move(slices.Index(w.all, a), a.At.Add(late))
			}
		}
		return long
	})},
	{"a sample that is never drawn", "sample_drawn", true, when("oversight.draw", nil, func(w *history, i int) bool {
		late := w.after(i, 2*24*time.Hour)
		object := w.all[i].Object
		w.gone(func(a *act) bool {
			return a.Object == object && (a.Verb == "oversight.draw" || a.Verb == "oversight.check")
		})
		return late
	})},
	{"what was opened is read by somebody else", "unsealed", true, when("oversight.look", nil, func(w *history, i int) bool { w.all[i].Who = "P-inspector9"; return true })},
	{"a sealed entry is opened by a body whose act it is not", "unsealed", true, when("oversight.open", nil, func(w *history, i int) bool { w.all[i].Org = "O-office"; return true })},
	{"what was opened is kept", "unsealed", true, when("oversight.forget", nil, func(w *history, i int) bool {
		long := w.after(i, 3*24*time.Hour)
		w.all = slices.Delete(w.all, i, i+1)
		return long
	})},
	{"what was destroyed is read again", "unsealed", true, when("oversight.forget", nil, func(w *history, i int) bool {
		asked := w.of("oversight.unseal", w.all[i].Object)
		a := w.add(w.all[asked], w.all[i].At.Add(time.Hour))
		a.Verb = "oversight.look"
		return true
	})},
}
