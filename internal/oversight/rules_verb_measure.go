package oversight

import (
	"slices"
	"strings"
)

// measureFacts is everything that acts of measures say in clear, with its kind.
// What all of them say is without a question mark.
const measureFacts = "?accountant name act word ?agreed bool ?approval id ?barred bool body word by word chain id ?choice word ?conditions n consulted bool ?danger bool ?declared_at time emergency bool" +
	" ?evidence sha? ?expires_at time ?first name ?for n from word? ?against n ?indispensable bool ?joint bool kind word ?late bool ?machine name ?members n ?notice word ?notice_due_at time ?noticed_at time" +
	" ?officer name ?officers n ?order sha? ?order_until time ordered bool ?organised bool ?outcome word overdue bool ?partner name ?partner_chain id ?place word ?plan sha ?power_until time ?proportionate bool ?quorum n" +
	" requested bool ?review_due_at time ?second name ?second_signature bool seconded bool ?settled_at time ?shut bool ?step n ?step_id id ?step_kind word ?step_phase word ?steps list ?steps_n n ?superior name to word ?tried n unit name" +
	" ?unlawful bool ?urgent bool ?use id ?votes n ?voucher name ?what word ?window_from time ?window_until time ?worksheet sha"

// measureMust is what an act of a measure has to say beside that.
var measureMust = map[string]string{
	"open": "machine", "invite": "partner partner_chain", "assess": "unlawful danger urgent proportionate", "locate": "place", "designate": "officer", "dismiss": "officer",
	"plan": "plan steps window_from window_until", "consult": "plan worksheet", "answer": "worksheet", "order": "order_until", "ask": "approval plan window_until", "second": "superior",
	"declare": "plan declared_at expires_at notice_due_at second_signature steps_n", "authorise": "plan", "begin": "plan", "intend": "first step step_id", "go": "first second step step_id",
	"outcome": "first outcome step step_id", "account": "accountant step step_id", "vouch": "accountant outcome step step_id voucher", "notify": "late noticed_at review_due_at", "weigh": "choice votes",
	"settle": "against for quorum settled_at", "alarm": "what", "agree": "", "recall": "", "drop": "", "finish": "", "stop": "", "restore": "", "tell": "", "review": "", "close": "", "lapse": "",
}

// measureVerbs are the acts of measures.
func measureVerbs() map[string]need {
	all := map[string]need{"measure.switch": {person: true, shapes: only("agreed bool by word shut bool unit name")}}
	for verb, must := range measureMust {
		all["measure."+verb] = need{person: verb != "lapse" && verb != "alarm", shapes: []shape{measureShape(strings.Fields(must))}}
	}
	return all
}

// measureShape is the form of an act that has to say some of what it may say.
func measureShape(must []string) shape {
	words := strings.Fields(measureFacts)
	type pair struct{ name, kind string }
	var list []pair
	for i := 0; i < len(words); i += 2 {
		name := words[i]
		if bare := strings.TrimPrefix(name, "?"); slices.Contains(must, bare) {
			name = bare
		}
		list = append(list, pair{name, words[i+1]})
	}
	slices.SortFunc(list, func(a, b pair) int {
		return strings.Compare(strings.TrimPrefix(a.name, "?"), strings.TrimPrefix(b.name, "?"))
	})
	var out strings.Builder
	for _, p := range list {
		out.WriteString(p.name + " " + p.kind + " ")
	}
	return says(out.String())
}
