package rogue

import (
	"slices"
	"strings"
	"time"
)

// is reports whether an entry is an act of a measure.
func is(name string) func(*act) bool { return func(a *act) bool { return a.text("act") == name } }

// chained finds an act of the same chain of command.
func (w *history) chained(like *act, name string) int {
	return slices.IndexFunc(w.all, func(a *act) bool { return a.Public["chain"] == like.Public["chain"] && a.text("act") == name })
}

// came runs fn with an entry whose chain of command came as far as an act.
func came(verb string, ok func(*act) bool, name string, fn func(w *history, i, there int) bool) func(*history) bool {
	return func(w *history) bool {
		i := w.find(verb, func(a *act) bool { return (ok == nil || ok(a)) && w.chained(a, name) >= 0 })
		return i >= 0 && fn(w, i, w.chained(w.all[i], name))
	}
}

func abroad(a *act) bool { return a.text("place") != "japan" }

func overdue(a *act) bool { late, _ := a.Public["overdue"].(bool); return late }

// changed changes a fact of an entry whose chain came as far as an act.
func changed(verb string, ok func(*act) bool, name, key string, value func(any) any) func(*history) bool {
	return came(verb, ok, name, func(w *history, i, _ int) bool {
		w.edit(i, key, value(w.all[i].Public[key]))
		return true
	})
}

// bound reports whether an entry is a step of a measure.
func bound(a *act) bool { return a.Public["chain"] != nil }

// meant reports whether an entry is a step of a measure that is about to be sent.
func meant(a *act) bool { return bound(a) && a.text("phase") != "outcome" }

func hoursOn(n int) func(any) any {
	return func(old any) any { return rfc(moment(old).Add(time.Duration(n) * time.Hour)) }
}

// measureCrimes break the rules about access and neutralisation.
var measureCrimes = []Crime{
	{"a step from where the case does not stand", "measure_steps", true, fact("measure.tell", nil, "from", always("opened"))},
	{"no review before the end", "measure_steps", true, when("measure.review", nil, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"an act that there is not", "measure_steps", false, fact("measure.tell", nil, "act", always("waive"))},
	{"a case that nobody opened", "measure_steps", false, when("measure.open", nil, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"who carried out looks back for the command", "measure_sides", true, came("measure.review", nil, "begin", func(w *history, i, begin int) bool { w.all[i].Who = w.all[begin].Who; return true })},
	{"somebody of another body tells the owner", "measure_sides", true, when("measure.tell", nil, func(w *history, i int) bool { w.all[i].Org = "O-stranger"; return true })},
	{"a member who voted on it commands", "measure_sides", true, came("measure.review", nil, "grant", func(w *history, i, grant int) bool {
		v := w.of("approval.vote", "approval/"+w.all[grant].text("approval"))
		w.all[i].Who = w.all[v].Who
		return v >= 0
	})},
	{"an officer whom nobody designated", "measure_officers", true, func(w *history) bool {
		i := w.find("measure.designate", func(a *act) bool {
			j := w.chained(a, "begin")
			return j >= 0 && w.all[j].Who == a.text("officer")
		})
		if i >= 0 {
			w.edit(i, "officer", "P-nobody")
		}
		return i >= 0
	}},
	{"asked although no danger was found", "measure_grounds", true, changed("measure.assess", nil, "ask", "danger", always(false))},
	{"declared although nothing was urgent", "measure_grounds", true, changed("measure.assess", nil, "declare", "urgent", always(false))},
	{"the Foreign Minister answered about something else", "measure_consulted", true, changed("measure.answer", is("answer"), "authorise", "worksheet", always(strings.Repeat("0", 64)))},
	{"authorised as if it were in Japan", "measure_consulted", true, fact("measure.authorise", abroad, "place", always("japan"))},
	{"a prefecture acts abroad", "measure_consulted", true, came("measure.locate", func(a *act) bool { return a.text("body") == "prefecture" }, "authorise", func(w *history, i, _ int) bool {
		for _, a := range w.all {
			if a.Object == w.all[i].Object && a.Public["place"] != nil {
				a.Public["place"] = "abroad"
			}
		}
		return true
	})},
	{"the Prime Minister's order had run out", "measure_forces", true, came("measure.order", nil, "authorise", func(w *history, i, _ int) bool {
		w.edit(i, "order_until", rfc(w.all[i].At.Add(-time.Hour)))
		return true
	})},
	{"begun on another's approval", "measure_approved", true, func(w *history) bool {
		i := w.find("measure.begin", func(a *act) bool { return a.Grant != "" })
		if i >= 0 {
			w.all[i].Grant = uuid(w.rng, w.all[i].At)
		}
		return i >= 0
	}},
	{"carried out after the emergency had run out", "measure_approved", false, came("measure.declare", nil, "begin", func(w *history, i, _ int) bool {
		w.edit(i, "expires_at", w.all[i].At.Add(time.Second).UTC().Format(time.RFC3339Nano))
		return true
	})},
	{"another plan than was approved", "measure_approved", false, came("measure.begin", func(a *act) bool { return a.Grant != "" }, "plan", func(w *history, i, plan int) bool {
		for _, a := range w.all[plan:] {
			if a.Public["chain"] == w.all[i].Public["chain"] && a.text("act") != "ask" && a.Verb != "act.ask" {
				a.Public["plan"] = strings.Repeat("0", 64)
			}
		}
		return true
	})},
	{"carried out on another day than planned", "measure_window", true, came("measure.plan", nil, "begin", func(w *history, i, _ int) bool {
		w.edit(i, "window_from", hoursOn(240)(w.all[i].Public["window_from"]))
		w.edit(i, "window_until", hoursOn(240)(w.all[i].Public["window_until"]))
		return true
	})},
	{"a plan of a week", "measure_window", true, changed("measure.plan", nil, "begin", "window_until", hoursOn(168))},
	{"a step of another kind than planned", "measure_plan", true, fact("measure.intend", is("intend"), "step_kind", always("enter"))},
	{"a plan with a step that there is not", "measure_plan", true, came("measure.plan", nil, "drop", func(w *history, i, _ int) bool { w.edit(i, "steps", []any{"enter"}); return true })},
	{"one person for both", "measure_two", true, when("measure.go", nil, func(w *history, i int) bool {
		w.all[i].Who = w.all[i].text("first")
		w.edit(i, "second", w.all[i].text("first"))
		return true
	})},
	{"a step whose outcome nobody wrote", "measure_outcome", true, func(w *history) bool {
		i := w.find("measure.outcome", func(a *act) bool { return a.text("outcome") == "done" && w.chained(a, "finish") >= 0 })
		if i >= 0 {
			w.all = slices.Delete(w.all, i, i+1)
		}
		return i >= 0
	}},
	{"nobody says that it is over", "measure_outcome", true, came("measure.finish", func(a *act) bool { return a.Public["emergency"] == false }, "begin", func(w *history, i, _ int) bool {
		chain, at := w.all[i].Public["chain"], w.all[i].At
		if w.end().Sub(at) < 100*time.Hour {
			return false
		}
		return w.gone(func(a *act) bool { return a.Public["chain"] == chain && !a.At.Before(at) && a.Verb[:8] == "measure." }) > 0
	})},
	{"it went another way, and goes on", "measure_outcome", true, came("measure.outcome", func(a *act) bool { return a.text("outcome") == "done" }, "finish", func(w *history, i, _ int) bool {
		w.edit(i, "outcome", "deviated")
		return true
	})},
	{"an emergency of a day", "measure_emergency", true, fact("measure.declare", nil, "expires_at", hoursOn(18))},
	{"an emergency of what the commission refused", "measure_emergency", true, fact("measure.declare", nil, "barred", always(true))},
	{"the commission is told late, and nobody raised an alarm", "measure_notice", true, func(w *history) bool {
		i := w.find("measure.alarm", func(a *act) bool { return a.text("what") == "notice" && w.chained(a, "notify") >= 0 })
		if i >= 0 {
			w.all = slices.Delete(w.all, i, i+1)
		}
		return i >= 0
	}},
	{"the commission is never told", "measure_notice", true, func(w *history) bool {
		i := w.find("measure.notify", nil)
		if i < 0 || w.end().Sub(w.all[i].At) < 24*time.Hour {
			return false
		}
		chain := w.all[i].Public["chain"]
		for _, a := range w.all {
			if a.Public["chain"] != chain && overdue(a) {
				return false // another emergency would wait for it
			}
		}
		return w.gone(func(a *act) bool {
			return a.Public["chain"] == chain && slices.Contains([]string{"notify", "weigh", "confirm", "advise", "alarm", "close"}, a.text("act"))
		}) > 0
	}},
	{"a review without a quorum", "measure_review", true, when("measure.weigh", nil, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"a review closed by somebody who said nothing", "measure_review", true, when("measure.settle", nil, func(w *history, i int) bool { w.all[i].Who = "P-member9"; return true })},
	{"an emergency while a notice is overdue, without a superior", "measure_brake", true, fact("measure.declare", overdue, "second_signature", always(false))},
	{"an emergency while a notice is overdue, as if it were not", "measure_brake", true, fact("measure.declare", overdue, "overdue", always(false))},
	{"the commission is asked again as if for the first time", "measure_brake", true, fact("measure.ask", func(a *act) bool { return a.Public["tried"] != nil }, "tried", always(0))},
	{"one side alone shuts off", "measure_brake", true, when("measure.declare", nil, func(w *history, i int) bool {
		a := w.add(w.all[i], w.all[i].At.Add(-time.Second))
		a.Verb, a.Who, a.Org, a.Object, a.Grant = "measure.switch", "P-member1", w.commission(), "", ""
		a.Public = facts{"unit": w.all[i].text("unit"), "by": "member", "shut": true, "agreed": true}
		return a.Org != ""
	})},
	{"closed with nothing restored", "measure_closed", true, came("measure.restore", nil, "close", func(w *history, i, _ int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"closed before the owner was told", "measure_closed", true, came("measure.tell", nil, "close", func(w *history, i, _ int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"a mail that nobody checked", "measure_request", true, when("request.send", meant, func(w *history, i int) bool { w.edit(i, "digest", strings.Repeat("0", 64)); return true })},
	{"who wrote the mail sends it", "measure_request", true, when("request.send", meant, func(w *history, i int) bool {
		w.all[i].Who = w.all[i].text("writer")
		w.edit(i, "sender", w.all[i].text("writer"))
		return true
	})},
	{"who wrote the mail sends it, under another's name as its writer", "measure_request", true, when("request.send", meant, func(w *history, i int) bool {
		w.all[i].Who = w.all[i].text("writer")
		w.edit(i, "sender", w.all[i].text("writer"))
		w.edit(i, "writer", "P-nobody")
		return true
	})},
	{"who wrote the mail anew sends it", "measure_request", true, when("request.check", bound, func(w *history, i int) bool {
		s := w.of("request.send", w.all[i].Object)
		if s < 0 || w.all[s].text("sender") == w.all[i].text("writer") {
			return false
		}
		a := &act{Entry: w.all[i].Entry} // at the instant of the check, before it
		a.ID, a.Verb, a.Who = uuid(w.rng, a.At), "request.change", w.all[s].text("sender")
		a.Public = facts{"act": "change", "by": "person", "from": "drafted", "to": "drafted", "chain": w.all[i].Public["chain"], "step": w.all[i].Public["step"]}
		w.all = slices.Insert(w.all, i, a)
		return true
	})},
	{"a mail for another step", "measure_request", true, when("request.send", meant, func(w *history, i int) bool { w.edit(i, "step", 40); return true })},
	{"a carrier's order is confirmed by who gave it", "measure_request", true, when("request.confirm", bound, func(w *history, i int) bool {
		w.all[i].Org = w.all[w.of("request.send", w.all[i].Object)].Org
		return true
	})},
	{"a mail of which nobody says what became of it", "request_outcome", true, when("request.outcome", bound, func(w *history, i int) bool {
		until := moment(w.all[w.of("request.send", w.all[i].Object)].Public["until"])
		w.all = slices.Delete(w.all, i, i+1)
		return w.end().Sub(until) > 25*time.Hour
	})},
	{"what became of a mail is said days later", "request_outcome", true, when("request.outcome", bound, func(w *history, i int) bool {
		w.move(i, moment(w.all[w.of("request.send", w.all[i].Object)].Public["until"]).Add(30*time.Hour))
		return true
	})},
	{"an outcome of a mail that was never meant to go", "request_outcome", true, fact("request.outcome", bound, "mail", func(any) any { return "018f2a00-0000-7000-8000-00000000dead" })},
	{"a mail after its time", "measure_request", true, when("request.send", meant, func(w *history, i int) bool {
		w.edit(i, "until", rfc(w.all[i].At.Add(-time.Minute)))
		return true
	})},
}
