package oversight

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/ledger"
)

// crime is a history in which something unlawful is done.
type crime struct {
	all  []*act
	seed uint64
	rng  *rand.Rand
}

// find returns the place of an entry of a verb, chosen by the seed; -1 where
// there is none.
func (w *crime) find(verb string, ok func(a *act) bool) int {
	if w.rng == nil {
		w.rng = rand.New(rand.NewPCG(w.seed, 3))
	}
	var places []int
	for i, a := range w.all {
		if a.Verb == verb && a.Outcome == ledger.Done && (ok == nil || ok(a)) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return -1
	}
	return places[w.rng.IntN(len(places))]
}

// edit changes facts of an entry.
func (w *crime) edit(i int, key string, value any) {
	w.all[i].Public = maps.Clone(w.all[i].Public)
	w.all[i].Public[key] = value
}

func (w *crime) drop(ok func(a *act) bool) int {
	before := len(w.all)
	w.all = slices.DeleteFunc(w.all, ok)
	return before - len(w.all)
}

// move takes an entry to another instant, with the place that goes with it.
func (w *crime) move(i int, at time.Time) {
	a := w.all[i]
	w.all = slices.Delete(w.all, i, i+1)
	a.At = at.Truncate(time.Microsecond)
	to := slices.IndexFunc(w.all, func(b *act) bool { return b.At.After(at) })
	if to < 0 {
		to = len(w.all)
	}
	w.all = slices.Insert(w.all, to, a)
	x := world{Rand: w.rng}
	a.ID = x.uuid(a.At)
}

// add puts a new entry in, at an instant.
func (w *crime) add(like *act, at time.Time) *act {
	a := &act{Entry: like.Entry}
	a.Public = maps.Clone(like.Public)
	w.all = append(w.all, a)
	w.move(len(w.all)-1, at)
	return a
}

func isBegin(a *act) bool { return a.Public["approval"] != nil }
func isEnd(a *act) bool   { return a.Public["statement"] != nil }
func isPage(a *act) bool  { return a.Public["page"] != nil }

// of finds the first entry of a verb about an object.
func (w *crime) of(verb, object string) int {
	return slices.IndexFunc(w.all, func(a *act) bool { return a.Verb == verb && a.Object == object })
}

// when runs fn with an entry of a verb.
func when(verb string, ok func(*act) bool, fn func(w *crime, i int) bool) func(*crime) bool {
	return func(w *crime) bool {
		i := w.find(verb, ok)
		return i >= 0 && fn(w, i)
	}
}

// fact changes one fact of an entry of a verb.
func fact(verb string, ok func(*act) bool, key string, value func(old any) any) func(*crime) bool {
	return when(verb, ok, func(w *crime, i int) bool {
		w.edit(i, key, value(w.all[i].Public[key]))
		return true
	})
}

func always(v any) func(any) any { return func(any) any { return v } }

func moment(v any) time.Time {
	t, err := time.Parse(time.RFC3339, v.(string))
	if err != nil {
		panic(err)
	}
	return t
}

func approves(a *act) bool { return a.Public["to"] == "approved" }

// someRecords reports whether an entry is about records that there are.
func someRecords(a *act) bool { n, ok := a.Public["records"].(int); return ok && n > 0 }

// crimes break one rule each; alone says that nothing else follows from it.
var crimes = []struct {
	name, rule string
	alone      bool
	do         func(*crime) bool
}{
	{"an entry with another order of keys", ruleForm, true, when("asset.add", nil, func(w *crime, i int) bool {
		a := w.all[i]
		raw, _ := bytes.CutPrefix(a.leaf(nil), []byte(`{"v":1,`))
		a.raw = append([]byte(`{"v": 1,`), raw...)
		return true
	})},
	{"an entry in another zone", ruleForm, true, when("asset.add", nil, func(w *crime, i int) bool {
		w.all[i].At = w.all[i].At.In(time.FixedZone("", 9*3600))
		return true
	})},
	{"an entry twice", ruleOnce, true, when("asset.add", nil, func(w *crime, i int) bool {
		w.all = slices.Insert(w.all, i+1, &act{Entry: w.all[i].Entry})
		return true
	})},
	{"an entry put in afterwards", ruleOnce, true, when("asset.add", nil, func(w *crime, i int) bool {
		x := world{Rand: w.rng}
		if i > 0 {
			w.all[i].ID = x.uuid(w.all[i-1].At.Add(-48 * time.Hour))
		}
		return i > 0
	})},
	{"a clock that goes back", ruleClock, true, when("asset.add", nil, func(w *crime, i int) bool {
		if i < 2 {
			return false
		}
		w.all[i].At = w.all[i-1].At.Add(-time.Hour)
		return true
	})},
	{"a decision that does not say what it allows", ruleFacts, false, when("approval.decide", nil, func(w *crime, i int) bool {
		w.all[i].Public = maps.Clone(w.all[i].Public)
		delete(w.all[i].Public, "until_at")
		return true
	})},
	{"a run that does not say how long its records are kept", ruleFacts, false, when("selection.run", isBegin, func(w *crime, i int) bool {
		w.all[i].Public = maps.Clone(w.all[i].Public)
		delete(w.all[i].Public, "retain_until")
		return true
	})},
	{"a vote of nobody", ruleActor, false, when("approval.vote", nil, func(w *crime, i int) bool { w.all[i].Who = ""; return true })},
	{"a refusal with facts", ruleRefusal, true, func(w *crime) bool {
		i := slices.IndexFunc(w.all, func(a *act) bool { return a.Outcome == ledger.Refused })
		if i >= 0 {
			w.all[i].Public = facts{"records": 3}
		}
		return i >= 0
	}},
	{"a refusal without reason", ruleRefusal, true, func(w *crime) bool {
		i := slices.IndexFunc(w.all, func(a *act) bool { return a.Outcome == ledger.Refused })
		if i >= 0 {
			w.all[i].Reason = ""
		}
		return i >= 0
	}},
	{"no examination", ruleSteps, false, when("approval.examine", nil, func(w *crime, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"a vote after the decision", ruleSteps, true, when("approval.decide", nil, func(w *crime, i int) bool {
		v := w.of("approval.vote", w.all[i].Object)
		a := w.add(w.all[v], w.all[i].At.Add(time.Minute))
		a.Public["votes"] = 5
		return true
	})},
	{"an approval that expires early", ruleSteps, true, when("approval.expire", nil, func(w *crime, i int) bool {
		c := w.of("approval.decide", w.all[i].Object)
		w.move(i, moment(w.all[c].Public["until_at"]).Add(-time.Minute))
		return true
	})},
	{"an application nobody made", ruleSteps, false, when("approval.ask", nil, func(w *crime, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"who asked examines", ruleSides, true, when("approval.examine", nil, func(w *crime, i int) bool {
		w.all[i].Who = w.all[w.of("approval.ask", w.all[i].Object)].Who
		return w.of("approval.question", w.all[i].Object) < 0
	})},
	{"who examined votes and decides", ruleSides, true, when("approval.vote", nil, func(w *crime, i int) bool {
		examiner, old := w.all[w.of("approval.examine", w.all[i].Object)].Who, w.all[i].Who
		for _, a := range w.all {
			if a.Object == w.all[i].Object && a.Who == old && a.Verb != "approval.revoke" {
				a.Who = examiner
			}
		}
		return true
	})},
	{"the office examines", ruleBodies, true, when("approval.examine", nil, func(w *crime, i int) bool { w.all[i].Org = "O-office"; return true })},
	{"the office votes", ruleBodies, true, when("approval.vote", nil, func(w *crime, i int) bool { w.all[i].Org = "O-office"; return true })},
	{"a question without an answer", ruleQuestions, true, when("approval.answer", nil, func(w *crime, i int) bool {
		object := w.all[i].Object
		return w.drop(func(a *act) bool { return a.Verb == "approval.answer" && a.Object == object }) > 0 && w.of("approval.examine", object) >= 0
	})},
	{"a majority that was none", ruleVotes, true, when("approval.decide", approves, func(w *crime, i int) bool {
		for _, a := range w.all {
			if a.Verb == "approval.vote" && a.Object == w.all[i].Object {
				a.Public = facts{"choice": "against", "votes": a.Public["votes"]}
			}
		}
		return true
	})},
	{"a quorum that was none", ruleVotes, true, when("approval.decide", func(a *act) bool { return approves(a) }, func(w *crime, i int) bool {
		object, who, left := w.all[i].Object, w.all[i].Who, 0
		w.drop(func(a *act) bool { return a.Verb == "approval.vote" && a.Object == object && a.Who != who })
		w.drop(func(a *act) bool {
			if a.Verb == "approval.vote" && a.Object == object {
				left++
				a.Public = facts{"choice": "for", "votes": left}
			}
			return false
		})
		j := w.of("approval.decide", object)
		w.edit(j, "for", 1)
		w.edit(j, "against", 0)
		return true
	})},
	{"closed by a member who did not vote", ruleVotes, true, when("approval.decide", nil, func(w *crime, i int) bool { w.all[i].Who = "P-member9"; return true })},
	{"votes counted wrongly", ruleVotes, true, fact("approval.vote", nil, "votes", always(4711))},
	{"a longer period than was asked", ruleBounds, true, when("approval.decide", func(a *act) bool { return approves(a) && a.Public["kind"] != "reidentify" }, func(w *crime, i int) bool {
		ask := w.all[w.of("approval.ask", w.all[i].Object)]
		if w.of("approval.expire", w.all[i].Object) >= 0 {
			return false
		}
		w.edit(i, "until_at", rfc(moment(ask.Public["until_at"]).AddDate(0, 0, 1)))
		return true
	})},
	{"a higher cap than was asked", ruleBounds, true, fact("approval.decide", func(a *act) bool { return approves(a) && a.Public["kind"] != "reidentify" }, "packets", always(uint64(1<<40)))},
	{"no cap at all", ruleBounds, true, fact("approval.decide", func(a *act) bool { return approves(a) && a.Public["kind"] != "reidentify" }, "packets", always(0))},
	{"a period longer than the law's", ruleBounds, true, when("approval.ask", func(a *act) bool { return a.Public["extends"] == "" && a.Public["kind"] == "fd" }, func(w *crime, i int) bool {
		d := w.of("approval.decide", w.all[i].Object)
		if d < 0 || !approves(w.all[d]) || w.of("approval.expire", w.all[i].Object) >= 0 {
			return false
		}
		long := rfc(moment(w.all[i].Public["from_at"]).AddDate(0, 4, 0))
		w.edit(i, "until_at", long)
		w.edit(d, "until_at", long)
		return true
	})},
	{"an extension of what was over", ruleExtension, false, when("approval.ask", func(a *act) bool { return a.Public["extends"] != "" }, func(w *crime, i int) bool {
		like, member := w.all[i], &act{Entry: ledger.Entry{V: 1, Who: "P-member8", Org: "O-commission", Verb: "approval.revoke", Object: "approval/" + w.all[i].Public["extends"].(string), Outcome: ledger.Done,
			Public: facts{"kind": w.all[i].Public["kind"], "from": "approved", "to": "revoked"}}}
		w.add(member, like.At.Add(-time.Second))
		return true
	})},
	{"an extension that leaves a gap", ruleExtension, true, when("approval.ask", func(a *act) bool { return a.Public["extends"] != "" }, func(w *crime, i int) bool {
		later := rfc(moment(w.all[i].Public["from_at"]).Add(time.Second))
		w.edit(i, "from_at", later)
		if d := w.of("approval.decide", w.all[i].Object); d >= 0 {
			w.edit(d, "from_at", later)
		}
		return true
	})},
	{"a run without an approval", ruleGrant, true, when("selection.run", isBegin, func(w *crime, i int) bool {
		x := world{Rand: w.rng}
		a := w.add(w.all[i], w.all[i].At.Add(time.Second))
		a.Object, a.Grant = "selection_run/"+x.uuid(a.At), x.uuid(a.At)
		return true
	})},
	{"records read on another approval", ruleGrant, true, when("selection.read", func(a *act) bool { return a.Purpose == "analyse" }, func(w *crime, i int) bool {
		d := w.find("approval.decide", func(a *act) bool {
			return approves(a) && a.At.Before(w.all[i].At) && !strings.HasSuffix(a.Object, w.all[i].Grant)
		})
		if d < 0 {
			return false
		}
		w.all[i].Grant = strings.TrimPrefix(w.all[d].Object, "approval/")
		return true
	})},
	{"records of a run that never was", ruleGrant, true, when("selection.read", nil, func(w *crime, i int) bool {
		x := world{Rand: w.rng}
		w.all[i].Object = "selection_run/" + x.uuid(w.all[i].At)
		return true
	})},
	{"a run under a revoked approval", ruleLive, false, when("selection.run", isBegin, func(w *crime, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		a := w.add(w.all[d], w.all[i].At.Add(-time.Second))
		a.Verb, a.Who, a.Public = "approval.revoke", "P-member8", facts{"kind": a.Public["kind"], "from": "approved", "to": "revoked"}
		return true
	})},
	{"a run before its period", ruleLive, false, when("selection.run", func(a *act) bool { return isBegin(a) && a.Public["directions"] != nil }, func(w *crime, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		later := rfc(w.all[i].At.Add(3 * time.Hour))
		w.edit(d, "from_at", later)
		w.edit(w.of("approval.ask", w.all[d].Object), "from_at", later)
		return w.all[w.of("approval.ask", w.all[d].Object)].Public["extends"] == ""
	})},
	{"who made the list decides of its warnings", ruleListSecond, false, when("selection.list_second", nil, func(w *crime, i int) bool {
		w.all[i].Who = w.all[w.of("selection.list_make", w.all[i].Object)].Who
		return true
	})},
	{"a list with warnings goes without a second person", ruleListSecond, true, fact("selection.list_make", func(a *act) bool { return a.Public["sha256"] != "" }, "warned", always(2))},
	{"another order than was approved", ruleOrder, true, fact("selection.run", isBegin, "order", always("0000"))},
	{"another direction than was approved", ruleOrder, true, fact("selection.run", isBegin, "directions", always([]string{"dd"}))},
	{"a statement of another list", ruleOrder, true, when("selection.run", isEnd, func(w *crime, i int) bool {
		h := maps.Clone(w.all[i].Public["hashes"].(facts))
		h["selectors"] = "0000"
		w.edit(i, "hashes", h)
		return true
	})},
	{"a list that nobody made", ruleList, false, when("selection.list_make", func(a *act) bool { return a.Public["sha256"] != "" }, func(w *crime, i int) bool {
		sha := w.all[i].Public["sha256"]
		w.edit(i, "sha256", strings.Repeat("0", 64))
		return slices.ContainsFunc(w.all, func(a *act) bool { return isBegin(a) && a.Public["selectors"] == sha })
	})},
	{"who asked carries out", ruleExecutor, false, when("selection.run", isBegin, func(w *crime, i int) bool {
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
	{"a member of the commission's body carries out", ruleExecutor, true, when("selection.run", isBegin, func(w *crime, i int) bool { return outsider(w, i) })},
	{"who made the list carries out", ruleExecutor, true, when("selection.run", isBegin, func(w *crime, i int) bool {
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
	{"somebody else goes on with a run", ruleExecutor, true, when("selection.run", isPage, func(w *crime, i int) bool { w.all[i].Who = "P-handler9"; return true })},
	{"two runs at a time", ruleParallel, true, when("selection.run", isBegin, func(w *crime, i int) bool {
		x := world{Rand: w.rng}
		object := "selection_run/" + x.uuid(w.all[i].At)
		a := w.add(w.all[i], w.all[i].At.Add(500*time.Millisecond))
		a.Object = object
		b := w.add(a, a.At.Add(time.Millisecond))
		b.Verb, b.Who, b.Org, b.Public = "selection.interrupt", "", "", facts{"outcome": "interrupted", "records": 0}
		return true
	})},
	{"more than the cap", ruleCap, true, when("selection.run", isEnd, func(w *crime, i int) bool { return more(w, i, 1<<40, true) })},
	{"what was read does not add up", ruleSums, true, when("selection.run", isEnd, func(w *crime, i int) bool { return more(w, i, 1, false) })},
	{"packets from after the period", rulePeriod, true, when("selection.run", isEnd, func(w *crime, i int) bool {
		d := w.of("approval.decide", "approval/"+w.all[i].Grant)
		if d < 0 {
			return false
		}
		w.edit(i, "last_at", w.all[d].Public["until_at"])
		return true
	})},
	{"records after a revocation", rulePeriod, false, when("approval.revoke", nil, func(w *crime, i int) bool {
		p := w.find("selection.run", func(a *act) bool { return isPage(a) && "approval/"+a.Grant == w.all[i].Object })
		if p < 0 {
			return false
		}
		w.add(w.all[p], w.all[i].At.Add(10*time.Minute))
		return true
	})},
	{"a page of records left out", ruleSums, true, when("selection.run", func(a *act) bool { return isPage(a) && a.Public["page"] == 1 }, func(w *crime, i int) bool {
		end := w.find("selection.run", func(a *act) bool { return isEnd(a) && a.Object == w.all[i].Object })
		if end < 0 {
			return false
		}
		w.edit(i, "page", 2)
		return true
	})},
	{"records that nobody stated", ruleSums, true, when("selection.run", isEnd, func(w *crime, i int) bool {
		s := maps.Clone(w.all[i].Public["selected"].(facts))
		s["records"] = s["records"].(int) + 1
		w.edit(i, "selected", s)
		return true
	})},
	{"a rest that was destroyed before the run", ruleSums, true, fact("selection.run", isEnd, "destroyed_at", always("2020-01-01T00:00:00Z"))},
	{"a run without an outcome", ruleOutcome, false, when("selection.run", isEnd, func(w *crime, i int) bool {
		object := w.all[i].Object
		w.drop(func(a *act) bool {
			return a.Object == object && !isPage(a) && !isBegin(a)
		})
		return true
	})},
	{"no purpose", rulePurpose, true, when("selection.read", nil, func(w *crime, i int) bool { w.all[i].Purpose = ""; return true })},
	{"a purpose that there is not", rulePurpose, true, when("selection.read", func(a *act) bool { return a.Purpose == "analyse" }, func(w *crime, i int) bool { w.all[i].Purpose = "curiosity"; return true })},
	{"another purpose without a consent", rulePurpose, true, when("selection.read", func(a *act) bool { return a.Purpose == "analyse" }, func(w *crime, i int) bool { w.all[i].Purpose = "other"; return true })},
	{"a consent that was withdrawn", rulePurpose, true, when("agreement.consent", func(a *act) bool { return a.Public["withdrawn"] != nil }, func(w *crime, i int) bool {
		r := slices.IndexFunc(w.all, func(a *act) bool {
			return a.Verb == "selection.read" && a.Public["consent"] == w.all[i].Public["withdrawn"]
		})
		w.add(w.all[r], w.all[i].At.Add(time.Minute))
		return true
	})},
	{"the police read what nobody gave them", ruleReader, true, when("selection.disclose", nil, func(w *crime, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"the police read for another purpose", ruleReader, true, when("selection.read", func(a *act) bool { return a.Org == "O-police" }, func(w *crime, i int) bool { w.all[i].Purpose = "measure"; return true })},
	{"more is read than there is", ruleLeft, true, fact("selection.read", someRecords, "records", func(old any) any { return old.(int) + 500 })},
	{"more is destroyed than there is", ruleLeft, true, fact("selection.erase", someRecords, "records", func(old any) any { return old.(int) + 500 })},
	{"destroyed records are read", ruleLeft, true, fact("selection.read", func(a *act) bool { return a.Public["records"] == 0 }, "records", always(1))},
	{"records kept longer than approved", ruleRetention, true, fact("selection.run", isBegin, "retain_until", func(old any) any { return rfc(moment(old).AddDate(0, 0, 1)) })},
	{"an extension longer than may be", ruleRetention, true, fact("selection.extend", nil, "until", func(old any) any { return rfc(moment(old).AddDate(2, 0, 0)) })},
	{"records destroyed late", ruleErased, true, when("selection.erase", func(a *act) bool { return a.Public["why"] == "retention" }, func(w *crime, i int) bool {
		object := w.all[i].Object
		w.drop(func(a *act) bool {
			return a.Object == object && a.Verb == "selection.read" && a.At.After(w.all[i].At)
		})
		i = w.of("selection.erase", object)
		w.move(i, w.all[i].At.AddDate(0, 0, 3))
		return true
	})},
	{"records never destroyed", ruleErased, true, when("selection.erase", func(a *act) bool { return a.Public["why"] == "retention" }, func(w *crime, i int) bool {
		at := w.all[i].At
		w.all = slices.Delete(w.all, i, i+1)
		return w.all[len(w.all)-1].At.Sub(at) > 100*24*time.Hour
	})},
	{"records of a run that broke off are kept", ruleErased, true, when("selection.erase", func(a *act) bool { return a.Public["why"] == "interrupted" }, func(w *crime, i int) bool {
		at := w.all[i].At
		w.all = slices.Delete(w.all, i, i+1)
		return w.all[len(w.all)-1].At.Sub(at) > 48*time.Hour
	})},
	{"one person holds both shares", ruleCustody, false, fact("selection.custody", nil, "second", always("P-holder1"))},
	{"a share taken twice", ruleCustody, true, when("selection.hold", func(a *act) bool { return a.Public["what"] == "take" }, func(w *crime, i int) bool { w.add(w.all[i], w.all[i].At.Add(time.Second)); return true })},
	{"pseudonyms opened with one share", ruleShares, true, when("selection.hold", func(a *act) bool { return a.Public["what"] == "give" }, func(w *crime, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"a share given by a stranger", ruleShares, false, when("selection.hold", func(a *act) bool { return a.Public["what"] == "give" }, func(w *crime, i int) bool { w.all[i].Who = "P-holder9"; return true })},
	{"pseudonyms of another run", ruleOpening, false, when("selection.reidentify", nil, func(w *crime, i int) bool {
		other := w.find("selection.run", func(a *act) bool {
			return isBegin(a) && a.At.Before(w.all[i].At) && a.Object != "selection_run/"+w.all[i].Public["run"].(string)
		})
		if other < 0 {
			return false
		}
		w.edit(i, "run", strings.TrimPrefix(w.all[other].Object, "selection_run/"))
		return true
	})},
	{"opened by somebody else", ruleOpening, true, when("selection.reidentify", func(a *act) bool { return a.Public["known"] != nil }, func(w *crime, i int) bool { w.all[i].Who = "P-handler9"; return true })},
	{"a selection on an approval to re-identify", ruleOpening, false, when("selection.reidentify", nil, func(w *crime, i int) bool {
		run := w.of("selection.run", "selection_run/"+w.all[i].Public["run"].(string))
		w.all[i].Grant = w.all[run].Grant
		return true
	})},
	{"an approval without an answer of the party", ruleAgreement, false, when("agreement.grant", nil, func(w *crime, i int) bool {
		object := w.all[i].Object
		return w.drop(func(a *act) bool { return a.Object == object && a.Verb == "agreement.answer" }) > 0
	})},
	{"an approval after the agreement ended", ruleAgreement, true, when("agreement.end", nil, func(w *crime, i int) bool {
		g, x := w.of("agreement.grant", w.all[i].Object), world{Rand: w.rng}
		a := w.add(w.all[g], w.all[i].At.Add(time.Hour))
		a.Grant = x.uuid(a.At)
		a.Public["approval"] = a.Grant
		return true
	})},
	{"a consent of a stranger", ruleConsent, false, when("agreement.consent", func(a *act) bool { return a.Public["consent"] != nil }, func(w *crime, i int) bool { w.all[i].Org = "O-stranger"; return true })},
	{"a consent withdrawn by a stranger", ruleConsent, true, when("agreement.consent", func(a *act) bool { return a.Public["withdrawn"] != nil }, func(w *crime, i int) bool { w.all[i].Org = "O-stranger"; return true })},
	{"the office confirms its own instruction", ruleCarrier, true, when("approval.confirm", nil, func(w *crime, i int) bool { w.all[i].Org = "O-office"; return true })},
}

// outsider has all of a run done by another body.
func outsider(w *crime, i int) bool {
	for _, a := range w.all {
		if a.Object == w.all[i].Object && (a.Verb == "selection.run" || a.Org == "O-office") {
			if a.Verb != "selection.run" && a.Verb != "selection.interrupt" {
				continue
			}
			a.Org = "O-ministry"
		}
	}
	// What is done with the records is the office's, which did not select them.
	return w.drop(func(a *act) bool {
		return a.Object == w.all[i].Object && (a.Verb == "selection.read" || a.Verb == "selection.disclose" || a.Verb == "selection.sight" || a.Verb == "selection.extend") || a.Verb == "selection.reidentify" || a.Public["what"] == "give"
	}) >= 0
}

// more adds packets to what a statement says was read, and, where it shall add
// up, to what was destroyed unselected.
func more(w *crime, i int, n uint64, adds bool) bool {
	seen := maps.Clone(w.all[i].Public["seen"].(facts))
	seen["packets"] = seen["packets"].(uint64) + n
	w.edit(i, "seen", seen)
	if !adds {
		return true
	}
	dropped := maps.Clone(w.all[i].Public["dropped"].(map[string]any))
	un := maps.Clone(dropped["unselected"].(facts))
	un["packets"] = un["packets"].(uint64) + n
	dropped["unselected"] = un
	w.edit(i, "dropped", dropped)
	return w.last(i)
}

// last reports whether a run is the last of its approval: later ones would begin
// with nothing left.
func (w *crime) last(i int) bool {
	for _, a := range w.all[i+1:] {
		if a.Verb == "selection.run" && a.Grant == w.all[i].Grant {
			return false
		}
	}
	return true
}
