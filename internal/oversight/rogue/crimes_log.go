package rogue

import (
	"bytes"
	"maps"
	"slices"
	"time"

	"noroshi/internal/base/ledger"
)

// logCrimes break the rules about entries and the log itself.
var logCrimes = []Crime{
	{"an entry with another order of keys", "entry_form", true, when("asset.add", nil, func(w *history, i int) bool {
		a := w.all[i]
		raw, _ := bytes.CutPrefix(a.leaf(), []byte(`{"v":1,`))
		a.raw = append([]byte(`{"v": 1,`), raw...)
		return true
	})},
	{"an entry in another zone", "entry_form", true, when("asset.add", nil, func(w *history, i int) bool {
		w.all[i].At = w.all[i].At.In(time.FixedZone("", 9*3600))
		return true
	})},
	{"an entry twice", "entry_once", true, when("asset.add", nil, func(w *history, i int) bool {
		w.all = slices.Insert(w.all, i+1, &act{Entry: w.all[i].Entry})
		return true
	})},
	{"an entry put in afterwards", "entry_once", true, when("asset.add", nil, func(w *history, i int) bool {
		if i > 0 {
			w.all[i].ID = uuid(w.rng, w.all[i-1].At.Add(-48*time.Hour))
		}
		return i > 0
	})},
	{"a clock that goes back", "entry_clock", true, when("asset.add", nil, func(w *history, i int) bool {
		if i < 2 {
			return false
		}
		w.all[i].At = w.all[i-1].At.Add(-time.Hour)
		return true
	})},
	{"a decision that does not say what it allows", "entry_facts", false, when("approval.decide", nil, func(w *history, i int) bool {
		w.all[i].Public = maps.Clone(w.all[i].Public)
		delete(w.all[i].Public, "until_at")
		return true
	})},
	{"a run that does not say how long its records are kept", "entry_facts", false, when("selection.run", isBegin, func(w *history, i int) bool {
		w.all[i].Public = maps.Clone(w.all[i].Public)
		delete(w.all[i].Public, "retain_until")
		return true
	})},
	{"a vote of nobody", "entry_actor", false, when("approval.vote", nil, func(w *history, i int) bool { w.all[i].Who = ""; return true })},
	{"a refusal with facts", "refusal", true, func(w *history) bool {
		i := slices.IndexFunc(w.all, func(a *act) bool { return a.Outcome == ledger.Refused })
		if i >= 0 {
			w.all[i].Public = facts{"records": 3}
		}
		return i >= 0
	}},
	{"a refusal without reason", "refusal", true, func(w *history) bool {
		i := slices.IndexFunc(w.all, func(a *act) bool { return a.Outcome == ledger.Refused })
		if i >= 0 {
			w.all[i].Reason = ""
		}
		return i >= 0
	}},
	{"an act of power that nobody knows", "entry_verb", true, when("approval.vote", nil, func(w *history, i int) bool {
		a := w.add(w.all[i], w.all[i].At.Add(time.Second))
		a.Verb, a.Public = "approval.waive", nil
		return true
	})},
	{"an unknown act that was refused", "entry_verb", true, func(w *history) bool {
		i := slices.IndexFunc(w.all, func(a *act) bool { return a.Outcome == ledger.Refused })
		if i >= 0 {
			w.all[i].Verb = "selection.run_all"
		}
		return i >= 0
	}},
	{"a cap that is a text", "entry_facts", false, fact("approval.decide", approves, "packets", always("many"))},
	{"a cap that is negative", "entry_facts", false, fact("approval.decide", approves, "packets", always(-1))},
	{"a cap that is a fraction", "entry_facts", false, fact("approval.ask", nil, "packets", always(1.5))},
	{"an end that is no instant", "entry_facts", false, fact("approval.decide", approves, "until_at", always("never"))},
	{"a retention that is no instant", "entry_facts", false, fact("selection.run", isBegin, "retain_until", always(0))},
	{"an amount that lacks its bytes", "entry_facts", false, fact("selection.run", isEnd, "seen", always(facts{"packets": 1}))},
	{"a record count that is null", "entry_facts", false, fact("selection.read", nil, "records", always(nil))},
	{"an act of a run in no known form", "entry_facts", true, when("selection.run", isBegin, func(w *history, i int) bool {
		a := w.add(w.all[i], w.all[i].At.Add(time.Second))
		a.Public = facts{"records": 5}
		return true
	})},
	{"records in the entry that begins a run", "entry_facts", true, when("selection.run", isBegin, func(w *history, i int) bool { w.edit(i, "records", 5); return true })},
	{"an application that says more than it may", "entry_facts", true, fact("approval.ask", nil, "note", always("x"))},
	{"an instruction that nobody confirms", "entry_actor", true, when("approval.confirm", nil, func(w *history, i int) bool { w.all[i].Who = ""; return true })},
}
