package oversight

// measureSays is what every act of a measure says in clear, beside what it says
// of its own.
const measureSays = "act word ?approval id ?barred bool body word by word chain id ?conditions n consulted bool ?declared_at time emergency bool ?expires_at time"

// measureVerbs are the acts of measures. Of each the facts that the rules of
// measures read are held against their kinds; it may say more.
func measureVerbs() map[string]need {
	all := map[string]need{"measure.switch": {person: true, shapes: only("by word shut bool unit name ...")}}
	for _, verb := range []string{"open", "invite", "assess", "locate", "designate", "dismiss", "plan", "consult", "answer", "agree", "order", "ask", "recall", "drop", "second", "declare", "authorise",
		"begin", "intend", "go", "outcome", "account", "vouch", "finish", "stop", "restore", "tell", "review", "close", "notify", "weigh", "settle"} {
		all["measure."+verb] = need{person: true, shapes: only(measureSays + " ...")}
	}
	for _, verb := range []string{"lapse", "alarm"} {
		all["measure."+verb] = need{shapes: only(measureSays + " ...")}
	}
	return all
}

// actVerbs are the acts of one's own equipment.
func actVerbs() map[string]need {
	all := map[string]need{}
	for _, verb := range []string{"ask", "dry", "approve", "refuse", "withdraw", "take", "outcome", "undo", "settle"} {
		all["act."+verb] = need{person: true, any: true}
	}
	for _, verb := range []string{"end", "alarm"} {
		all["act."+verb] = need{any: true}
	}
	return all
}
