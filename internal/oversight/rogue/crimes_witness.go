package rogue

import (
	"time"
)

// late adds that a witness cosigned late: since an instant, until another.
func (w *history) late(since, until time.Time, wait time.Duration) *act {
	a := w.add(w.all[0], until)
	a.Verb, a.Object, a.Who, a.Org, a.Purpose, a.Grant, a.Digest = "ledger.cosigned", "witness/auditor/test", "", "", "", "", ""
	a.Public = facts{"from": 0, "to": 1, "since": rfc(since), "until": rfc(until), "late_s": int(until.Sub(since) / time.Second), "wait_s": int(wait / time.Second)}
	return a
}

// witnessCrimes break the rules about those who cosign the log.
var witnessCrimes = []Crime{
	{"a witness that cosigned late", "witness_late", true, when("asset.add", nil, func(w *history, i int) bool {
		at := w.all[i].At.Truncate(time.Second).Add(time.Second)
		w.late(at.Add(-16*time.Minute), at, 15*time.Minute)
		return i > 0
	})},
	{"a run that began while no witness cosigned", "witness_late", true, when("selection.run", isBegin, func(w *history, i int) bool {
		at := w.all[i].At.Truncate(time.Second)
		w.late(at.Add(-time.Hour), at.Add(10*time.Minute), 15*time.Minute)
		return i > 0
	})},
	{"equipment that was told while no witness cosigned", "witness_late", true, when("act.take", func(a *act) bool { return a.Grant != "" }, func(w *history, i int) bool {
		at := w.all[i].At.Truncate(time.Second)
		w.late(at.Add(-time.Hour), at.Add(10*time.Minute), 15*time.Minute)
		return i > 0 && w.all[w.of("act.ask", w.all[i].Object)].Public["chain"] == nil
	})},
	{"pseudonyms opened while no witness cosigned", "witness_late", true, when("selection.reidentify", func(a *act) bool { return a.Public["known"] != nil }, func(w *history, i int) bool {
		at := w.all[i].At.Truncate(time.Second)
		w.late(at.Add(-time.Hour), at.Add(10*time.Minute), 15*time.Minute)
		return i > 0
	})},
}
