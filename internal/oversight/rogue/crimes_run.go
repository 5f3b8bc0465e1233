package rogue

import (
	"slices"
	"strings"
	"time"
)

// runCrimes break the rules about lists and selections.
var runCrimes = []Crime{
	{"a run without an approval", "grant_needed", true, when("selection.run", isBegin, func(w *history, i int) bool {
		a := w.add(w.all[i], w.all[i].At.Add(time.Second))
		a.Object, a.Grant = "selection_run/"+uuid(w.rng, a.At), uuid(w.rng, a.At)
		return true
	})},
	{"records read on another approval", "grant_needed", true, when("selection.read", func(a *act) bool { return a.Purpose == "analyse" }, func(w *history, i int) bool {
		d := w.find("approval.decide", func(a *act) bool {
			return approves(a) && a.At.Before(w.all[i].At) && !strings.HasSuffix(a.Object, w.all[i].Grant)
		})
		if d < 0 {
			return false
		}
		w.all[i].Grant = strings.TrimPrefix(w.all[d].Object, "approval/")
		return true
	})},
	{"records of a run that never was", "grant_needed", true, when("selection.read", nil, func(w *history, i int) bool {
		w.all[i].Object = "selection_run/" + uuid(w.rng, w.all[i].At)
		return true
	})},
	{"a run under a revoked approval", "grant_live", false, when("selection.run", isBegin, func(w *history, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		a := w.add(w.all[d], w.all[i].At.Add(-time.Second))
		a.Verb, a.Who, a.Public = "approval.revoke", "P-member8", facts{"kind": a.Public["kind"], "from": "approved", "to": "revoked"}
		return true
	})},
	{"a run before its period", "grant_live", false, when("selection.run", func(a *act) bool { return isBegin(a) && a.Public["directions"] != nil }, func(w *history, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		later := rfc(w.all[i].At.Add(3 * time.Hour))
		w.edit(d, "from_at", later)
		w.edit(w.of("approval.ask", w.all[d].Object), "from_at", later)
		return w.all[w.of("approval.ask", w.all[d].Object)].Public["extends"] == ""
	})},
	{"who made the list decides of its warnings", "list_second", false, when("selection.list_second", nil, func(w *history, i int) bool {
		w.all[i].Who = w.all[w.of("selection.list_make", w.all[i].Object)].Who
		return true
	})},
	{"a list with warnings goes without a second person", "list_second", true, fact("selection.list_make", func(a *act) bool { return a.Public["sha256"] != "" }, "warned", always(2))},
	{"another order than was approved", "run_order", true, fact("selection.run", isBegin, "order", always(strings.Repeat("0", 64)))},
	{"another direction than was approved", "run_order", true, fact("selection.run", isBegin, "directions", always([]string{"dd"}))},
	{"a statement of another list", "run_order", true, when("selection.run", isEnd, func(w *history, i int) bool {
		w.within(i, "hashes", "selectors", strings.Repeat("0", 64))
		return true
	})},
	{"a list that nobody made", "run_list", false, when("selection.list_make", func(a *act) bool { return a.Public["sha256"] != "" }, func(w *history, i int) bool {
		sha := w.all[i].Public["sha256"]
		w.edit(i, "sha256", strings.Repeat("0", 64))
		return slices.ContainsFunc(w.all, func(a *act) bool { return isBegin(a) && a.Public["selectors"] == sha })
	})},
	{"who asked carries out", "run_executor", false, when("selection.run", isBegin, func(w *history, i int) bool {
		ask := w.of("approval.ask", "approval/"+w.all[i].Grant)
		if ask < 0 {
			return false
		}
		for _, a := range w.all {
			if a.Object == w.all[i].Object && a.Verb == "selection.run" {
				a.Who = w.all[ask].Who
			}
		}
		return true
	})},
	{"a member of the commission's body carries out", "run_executor", true, when("selection.run", isBegin, func(w *history, i int) bool { return outsider(w, i) })},
	{"who made the list carries out", "run_executor", true, when("selection.run", isBegin, func(w *history, i int) bool {
		l := w.find("selection.list_make", func(a *act) bool { return a.Public["sha256"] == w.all[i].Public["selectors"] })
		if l < 0 {
			return false
		}
		for _, a := range w.all {
			if a.Object == w.all[i].Object && a.Verb == "selection.run" {
				a.Who = w.all[l].Who
			}
		}
		return true
	})},
	{"somebody else goes on with a run", "run_executor", true, when("selection.run", isPage, func(w *history, i int) bool { w.all[i].Who = "P-handler9"; return true })},
	{"two runs at a time", "run_parallel", true, when("selection.run", isBegin, func(w *history, i int) bool {
		object := "selection_run/" + uuid(w.rng, w.all[i].At)
		a := w.add(w.all[i], w.all[i].At.Add(500*time.Millisecond))
		a.Object = object
		b := w.add(a, a.At.Add(time.Millisecond))
		b.Verb, b.Who, b.Org, b.Public = "selection.interrupt", "", "", facts{"outcome": "interrupted", "records": 0, "taken": facts{"packets": 0, "bytes": 0}}
		return true
	})},
	{"more than the cap", "run_cap", true, when("selection.run", isEnd, func(w *history, i int) bool { return more(w, i, 1<<40, true) })},
	{"what was read does not add up", "run_sums", true, when("selection.run", isEnd, func(w *history, i int) bool { return more(w, i, 1, false) })},
	{"packets from after the period", "run_period", true, when("selection.run", isEnd, func(w *history, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		w.edit(i, "last_at", w.all[d].Public["until_at"])
		return true
	})},
	{"records after a revocation", "run_period", false, when("approval.revoke", nil, func(w *history, i int) bool {
		p := w.find("selection.run", func(a *act) bool { return isPage(a) && "approval/"+a.Grant == w.all[i].Object })
		if p < 0 {
			return false
		}
		w.add(w.all[p], w.all[i].At.Add(10*time.Minute))
		return true
	})},
	{"a page of records left out", "run_sums", true, when("selection.run", func(a *act) bool { return isPage(a) && a.Public["page"] != nil && a.number("page") == 1 }, func(w *history, i int) bool {
		end := w.find("selection.run", func(a *act) bool { return isEnd(a) && a.Object == w.all[i].Object })
		if end < 0 {
			return false
		}
		w.edit(i, "page", 2)
		return true
	})},
	{"records that nobody stated", "run_sums", true, when("selection.run", isEnd, func(w *history, i int) bool {
		w.within(i, "selected", "records", whole(w.all[i].inside("selected")["records"])+1)
		return true
	})},
	{"a rest that was destroyed before the run", "run_sums", true, fact("selection.run", isEnd, "destroyed_at", always("2020-01-01T00:00:00Z"))},
	{"a run without an outcome", "run_outcome", false, when("selection.run", isEnd, func(w *history, i int) bool {
		object, d := w.all[i].Object, w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 || w.end().Before(moment(w.all[d].Public["until_at"]).Add(2*time.Hour)) {
			return false
		}
		w.gone(func(a *act) bool {
			return a.Object == object && !isPage(a) && !isBegin(a)
		})
		return true
	})},
	{"a run that broke off took more than the cap", "run_cap", true, when("selection.interrupt", nil, func(w *history, i int) bool {
		w.within(i, "taken", "packets", 1<<40)
		return w.last(i)
	})},
	{"runs break off until the cap is passed", "run_cap", false, when("selection.interrupt", nil, func(w *history, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		w.within(i, "taken", "packets", w.all[d].number("packets"))
		for _, a := range w.all[i+1:] {
			if a.Verb == "selection.run" && a.Grant == w.all[i].Grant && isBegin(a) {
				return true
			}
		}
		return false
	})},
	{"a run that broke off says so when all is over", "run_outcome", false, when("selection.interrupt", nil, func(w *history, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		object := w.all[i].Object
		if d < 0 || !w.last(i) {
			return false
		}
		w.move(i, moment(w.all[d].Public["until_at"]).Add(5*time.Hour))
		w.gone(func(a *act) bool { return a.Object == object && a.Verb == "selection.erase" })
		return true
	})},
	{"a run a second before its period", "grant_live", true, when("selection.run", isBegin, func(w *history, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		for _, a := range w.all[:i] {
			if isBegin(a) && a.Grant == w.all[i].Grant {
				return false // one began in time
			}
		}
		ask, from := w.of("approval.ask", w.all[d].Object), rfc(w.all[i].At.Add(time.Second))
		w.edit(d, "from_at", from)
		w.edit(ask, "from_at", from)
		return w.all[ask].text("extends") == ""
	})},
	{"a statement hours after the approval", "run_outcome", false, when("selection.run", isEnd, func(w *history, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 || !w.last(i) {
			return false
		}
		a := w.move(i, moment(w.all[d].Public["until_at"]).Add(2*time.Hour))
		object := a.Object
		w.gone(func(b *act) bool { return b.Verb == "selection.extend" && b.Object == object })
		return true
	})},
}
