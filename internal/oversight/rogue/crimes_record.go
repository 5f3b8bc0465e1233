package rogue

import (
	"slices"
	"strings"
	"time"
)

// recordCrimes break the rules about what was selected.
var recordCrimes = []Crime{
	{"no purpose", "record_purpose", true, when("selection.read", nil, func(w *history, i int) bool { w.all[i].Purpose = ""; return true })},
	{"a purpose that there is not", "record_purpose", true, when("selection.read", func(a *act) bool { return a.Purpose == "analyse" }, func(w *history, i int) bool { w.all[i].Purpose = "curiosity"; return true })},
	{"another purpose without a consent", "record_purpose", true, when("selection.read", func(a *act) bool { return a.Purpose == "analyse" }, func(w *history, i int) bool { w.all[i].Purpose = "other"; return true })},
	{"a consent that was withdrawn", "record_purpose", true, when("agreement.consent", func(a *act) bool { return a.Public["withdrawn"] != nil }, func(w *history, i int) bool {
		r := slices.IndexFunc(w.all, func(a *act) bool {
			return a.Verb == "selection.read" && a.Public["consent"] == w.all[i].Public["withdrawn"]
		})
		w.add(w.all[r], w.all[i].At.Add(time.Minute))
		return true
	})},
	{"the police read what nobody gave them", "record_reader", true, when("selection.disclose", nil, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"the police read for another purpose", "record_reader", true, when("selection.disclose", nil, func(w *history, i int) bool {
		j := slices.IndexFunc(w.all, func(a *act) bool {
			return a.Verb == "selection.read" && a.Object == w.all[i].Object && a.Org == w.all[i].text("recipient")
		})
		if j >= 0 {
			w.all[j].Purpose = "measure"
		}
		return j >= 0
	})},
	{"more is read than there is", "record_left", true, fact("selection.read", someRecords, "records", func(old any) any { return whole(old) + 500 })},
	{"more is destroyed than there is", "record_left", true, fact("selection.erase", someRecords, "records", func(old any) any { return whole(old) + 500 })},
	{"destroyed records are read", "record_left", true, fact("selection.read", func(a *act) bool { return a.Public["records"] != nil && a.number("records") == 0 }, "records", always(1))},
	{"records kept longer than approved", "record_retention", true, fact("selection.run", isBegin, "retain_until", func(old any) any { return rfc(moment(old).AddDate(0, 0, 1)) })},
	{"an extension longer than may be", "record_retention", true, fact("selection.extend", nil, "until", func(old any) any { return rfc(moment(old).AddDate(2, 0, 0)) })},
	{"records destroyed late", "record_erased", true, when("selection.erase", func(a *act) bool { return a.Public["why"] == "retention" }, func(w *history, i int) bool {
		object := w.all[i].Object
		w.gone(func(a *act) bool {
			return a.Object == object && a.Verb == "selection.read" && a.At.After(w.all[i].At)
		})
		i = w.of("selection.erase", object)
		w.move(i, w.all[i].At.AddDate(0, 0, 3))
		return true
	})},
	{"records never destroyed", "record_erased", true, when("selection.erase", func(a *act) bool { return a.Public["why"] == "retention" }, func(w *history, i int) bool {
		at := w.all[i].At
		w.all = slices.Delete(w.all, i, i+1)
		return w.all[len(w.all)-1].At.Sub(at) > 100*24*time.Hour
	})},
	{"records of a run that broke off are kept", "record_erased", true, when("selection.erase", func(a *act) bool { return a.Public["why"] == "interrupted" }, func(w *history, i int) bool {
		at := w.all[i].At
		w.all = slices.Delete(w.all, i, i+1)
		return w.all[len(w.all)-1].At.Sub(at) > 48*time.Hour
	})},
	{"one person holds both shares", "opening_custody", false, fact("selection.custody", nil, "second", always("P-holder1"))},
	{"a share taken twice", "opening_custody", true, when("selection.hold", func(a *act) bool { return a.Public["what"] == "take" }, func(w *history, i int) bool { w.add(w.all[i], w.all[i].At.Add(time.Second)); return true })},
	{"pseudonyms opened with one share", "opening_shares", true, when("selection.hold", func(a *act) bool { return a.Public["what"] == "give" }, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"a share given by a stranger", "opening_shares", false, when("selection.hold", func(a *act) bool { return a.Public["what"] == "give" }, func(w *history, i int) bool { w.all[i].Who = "P-holder9"; return true })},
	{"pseudonyms of another run", "opening_approved", false, when("selection.reidentify", nil, func(w *history, i int) bool {
		other := w.find("selection.run", func(a *act) bool {
			return isBegin(a) && a.At.Before(w.all[i].At) && a.Object != "selection_run/"+w.all[i].text("run")
		})
		if other < 0 {
			return false
		}
		w.edit(i, "run", strings.TrimPrefix(w.all[other].Object, "selection_run/"))
		return true
	})},
	{"opened by somebody else", "opening_approved", true, when("selection.reidentify", func(a *act) bool { return a.Public["known"] != nil }, func(w *history, i int) bool { w.all[i].Who = "P-handler9"; return true })},
	{"a selection on an approval to re-identify", "opening_approved", false, when("selection.reidentify", nil, func(w *history, i int) bool {
		run := w.of("selection.run", "selection_run/"+w.all[i].text("run"))
		w.all[i].Grant = w.all[run].Grant
		return true
	})},
	{"records given for another purpose without a consent", "record_purpose", true, when("selection.disclose", nil, func(w *history, i int) bool {
		w.all[i].Purpose = "other"
		object, to := w.all[i].Object, w.all[i].text("recipient")
		return w.gone(func(a *act) bool { return a.Object == object && a.Org == to }) >= 0
	})},
	{"a sighting for another purpose without a consent", "record_purpose", true, when("selection.sight", nil, func(w *history, i int) bool { w.all[i].Purpose = "other"; return true })},
	{"a consent that is past its time", "record_purpose", true, when("agreement.consent", func(a *act) bool { return a.Public["consent"] != nil }, func(w *history, i int) bool {
		w.edit(i, "until", rfc(w.all[i].At.Add(30*time.Second)))
		return true
	})},
	{"a consent where none is needed", "record_purpose", true, when("selection.read", func(a *act) bool { return a.Purpose == "analyse" }, func(w *history, i int) bool {
		w.edit(i, "consent", uuid(w.rng, w.all[i].At))
		return true
	})},
	{"pseudonyms opened for another purpose than was asked", "record_purpose", true, when("selection.reidentify", func(a *act) bool { return a.Public["known"] != nil }, func(w *history, i int) bool {
		w.all[i].Purpose = "warn"
		return true
	})},
}
