package rogue

import (
	"slices"
	"time"

	"noroshi/internal/base/ledger"
)

// caseCrimes break the rules about approvals and agreements.
var caseCrimes = []Crime{
	{"no examination", "case_steps", false, when("approval.examine", nil, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"a vote after the decision", "case_steps", true, when("approval.decide", nil, func(w *history, i int) bool {
		v := w.of("approval.vote", w.all[i].Object)
		a := w.add(w.all[v], w.all[i].At.Add(time.Minute))
		a.Public["votes"] = 5
		return true
	})},
	{"an approval that expires early", "case_steps", true, when("approval.expire", nil, func(w *history, i int) bool {
		c := w.of("approval.decide", w.all[i].Object)
		w.move(i, moment(w.all[c].Public["until_at"]).Add(-time.Minute))
		return true
	})},
	{"an application nobody made", "case_steps", false, when("approval.ask", nil, func(w *history, i int) bool { w.all = slices.Delete(w.all, i, i+1); return true })},
	{"who asked examines", "case_sides", true, when("approval.examine", nil, func(w *history, i int) bool {
		w.all[i].Who = w.all[w.of("approval.ask", w.all[i].Object)].Who
		return w.of("approval.question", w.all[i].Object) < 0
	})},
	{"who examined votes and decides", "case_sides", true, when("approval.vote", nil, func(w *history, i int) bool {
		examiner, old := w.all[w.of("approval.examine", w.all[i].Object)].Who, w.all[i].Who
		for _, a := range w.all {
			if a.Object == w.all[i].Object && a.Who == old && a.Verb != "approval.revoke" {
				a.Who = examiner
			}
		}
		return true
	})},
	{"the office examines", "case_bodies", true, when("approval.examine", nil, func(w *history, i int) bool { w.all[i].Org = "O-office"; return true })},
	{"the office votes", "case_bodies", true, when("approval.vote", nil, func(w *history, i int) bool { w.all[i].Org = "O-office"; return true })},
	{"a question without an answer", "case_questions", true, when("approval.answer", nil, func(w *history, i int) bool {
		object := w.all[i].Object
		return w.gone(func(a *act) bool { return a.Verb == "approval.answer" && a.Object == object }) > 0 && w.of("approval.examine", object) >= 0
	})},
	{"a majority that was none", "case_votes", true, when("approval.decide", approves, func(w *history, i int) bool {
		for _, a := range w.all {
			if a.Verb == "approval.vote" && a.Object == w.all[i].Object {
				a.Public = facts{"choice": "against", "votes": a.Public["votes"]}
			}
		}
		return true
	})},
	{"a quorum that was none", "case_votes", true, when("approval.decide", func(a *act) bool { return approves(a) }, func(w *history, i int) bool {
		object, who, left := w.all[i].Object, w.all[i].Who, 0
		w.gone(func(a *act) bool { return a.Verb == "approval.vote" && a.Object == object && a.Who != who })
		w.gone(func(a *act) bool {
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
	{"closed by a member who did not vote", "case_votes", true, when("approval.decide", nil, func(w *history, i int) bool { w.all[i].Who = "P-member9"; return true })},
	{"votes counted wrongly", "case_votes", true, fact("approval.vote", nil, "votes", always(4711))},
	{"a longer period than was asked", "case_bounds", true, when("approval.decide", func(a *act) bool { return approves(a) && a.Public["kind"] != "reidentify" }, func(w *history, i int) bool {
		ask := w.all[w.of("approval.ask", w.all[i].Object)]
		if w.of("approval.expire", w.all[i].Object) >= 0 {
			return false
		}
		w.edit(i, "until_at", rfc(moment(ask.Public["until_at"]).AddDate(0, 0, 1)))
		return true
	})},
	{"a higher cap than was asked", "case_bounds", true, fact("approval.decide", func(a *act) bool { return approves(a) && a.Public["kind"] != "reidentify" }, "packets", always(uint64(1<<40)))},
	{"no cap at all", "case_bounds", true, fact("approval.decide", func(a *act) bool { return approves(a) && a.Public["kind"] != "reidentify" }, "packets", always(0))},
	{"a period longer than the law's", "case_bounds", true, when("approval.ask", func(a *act) bool { return a.Public["extends"] == "" && a.Public["kind"] == "fd" }, func(w *history, i int) bool {
		d := w.of("approval.decide", w.all[i].Object)
		if d < 0 || !approves(w.all[d]) || w.of("approval.expire", w.all[i].Object) >= 0 {
			return false
		}
		long := rfc(moment(w.all[i].Public["from_at"]).AddDate(0, 4, 0))
		w.edit(i, "until_at", long)
		w.edit(d, "until_at", long)
		return true
	})},
	{"an extension of what was over", "case_extension", false, when("approval.ask", func(a *act) bool { return a.Public["extends"] != "" }, func(w *history, i int) bool {
		like, member := w.all[i], &act{Entry: ledger.Entry{V: 1, Who: "P-member8", Org: "O-commission", Verb: "approval.revoke", Object: "approval/" + w.all[i].text("extends"), Outcome: ledger.Done,
			Public: facts{"kind": w.all[i].Public["kind"], "from": "approved", "to": "revoked"}}}
		w.add(member, like.At.Add(-time.Second))
		return true
	})},
	{"an extension that leaves a gap", "case_extension", true, when("approval.ask", func(a *act) bool { return a.Public["extends"] != "" }, func(w *history, i int) bool {
		later := rfc(moment(w.all[i].Public["from_at"]).Add(time.Second))
		w.edit(i, "from_at", later)
		if d := w.of("approval.decide", w.all[i].Object); d >= 0 {
			w.edit(d, "from_at", later)
		}
		return true
	})},
	{"an approval without an answer of the party", "agreement_grant", false, when("agreement.grant", nil, func(w *history, i int) bool {
		object := w.all[i].Object
		return w.gone(func(a *act) bool { return a.Object == object && a.Verb == "agreement.answer" }) > 0
	})},
	{"an approval after the agreement ended", "agreement_grant", true, when("agreement.end", nil, func(w *history, i int) bool {
		g := w.of("agreement.grant", w.all[i].Object)
		a := w.add(w.all[g], w.all[i].At.Add(time.Hour))
		a.Grant = uuid(w.rng, a.At)
		a.Public["approval"] = a.Grant
		return true
	})},
	{"a consent of a stranger", "agreement_consent", false, when("agreement.consent", func(a *act) bool { return a.Public["consent"] != nil }, func(w *history, i int) bool { w.all[i].Org = "O-stranger"; return true })},
	{"a consent of a body that is not whose communications they are", "agreement_consent", false, when("agreement.consent", func(a *act) bool { return a.Public["consent"] != nil }, func(w *history, i int) bool {
		consent := w.all[i]
		answer := w.of("agreement.answer", consent.Object)
		w.add(w.all[answer], w.all[answer].At.Add(time.Second)).Org = "O-stranger"
		consent.Org = "O-stranger"
		return true
	})},
	{"a consent withdrawn by a stranger", "agreement_consent", true, when("agreement.consent", func(a *act) bool { return a.Public["withdrawn"] != nil }, func(w *history, i int) bool { w.all[i].Org = "O-stranger"; return true })},
	{"the office confirms its own instruction", "carrier_apart", true, when("approval.confirm", nil, func(w *history, i int) bool {
		w.all[i].Org = w.all[w.of("approval.ask", w.all[i].Object)].Org
		return true
	})},
	{"a body that is not the commission votes", "case_bodies", true, when("approval.vote", nil, func(w *history, i int) bool { w.all[i].Org = "O-ministry"; return w.known(i) })},
	{"a body that is not the commission examines", "case_bodies", true, when("approval.examine", nil, func(w *history, i int) bool { w.all[i].Org = "O-telecom"; return w.known(i) })},
	{"the commission asks", "case_bodies", true, when("approval.withdraw", func(a *act) bool { return a.text("to") == "withdrawn" }, func(w *history, i int) bool {
		ask := w.of("approval.ask", w.all[i].Object)
		w.all[ask].Org = w.commission()
		return w.known(ask) && w.of("approval.question", w.all[i].Object) < 0
	})},
	{"an approval of a kind that there is not", "case_bounds", false, when("approval.ask", nil, func(w *history, i int) bool {
		for _, a := range w.all {
			if a.Object == w.all[i].Object && a.Public["kind"] != nil {
				a.Public["kind"] = "anything"
			}
		}
		return true
	})},
	{"an application without a cap", "case_bounds", true, when("approval.withdraw", func(a *act) bool { return a.text("to") == "withdrawn" }, func(w *history, i int) bool {
		w.edit(w.of("approval.ask", w.all[i].Object), "packets", 0)
		return true
	})},
	{"a consent to an agreement that ended", "agreement_consent", true, when("agreement.end", nil, func(w *history, i int) bool {
		a := w.add(w.all[i], w.all[i].At.Add(time.Hour))
		a.Verb, a.Grant = "agreement.consent", ""
		p := w.all[w.of("agreement.answer", w.all[i].Object)]
		a.Who, a.Org = p.Who, p.Org
		a.Public = facts{"consent": uuid(w.rng, a.At), "until": rfc(a.At.AddDate(0, 1, 0))}
		return true
	})},
}
