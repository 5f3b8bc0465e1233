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
}
