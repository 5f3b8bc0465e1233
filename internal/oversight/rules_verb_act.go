package oversight

// actSays is what the acts of one's own equipment have to say in clear; they may
// say more.
var actSays = map[string]string{
	"ask":      "basis word ?chain id digest sha ?ground word hours n kind word ?plan sha ?step n to word ...",
	"dry":      "actuator word digest sha fits bool ...",
	"approve":  "approval id asker name digest sha from word from_at time ?order sha? to word until_at time ...",
	"refuse":   "asker name from word to word ...",
	"withdraw": "asker name from word to word ...",
	"take":     "actuator word digest sha from word to word until_at time use id ...",
	"outcome":  "actuator word ?from word ?to word use id ...",
	"undo":     "asker name from word to word use id ...",
	"settle":   "?from word ?to word use id ...",
	"end":      "from word ?reason word to word ...",
	"alarm":    "?actuator word what word ...",
}

// requestSays is what the acts of a request say that is a step of a measure; they
// may say more.
var requestSays = map[string]string{
	"draft":   "chain id step n ...",
	"change":  "chain id step n ...",
	"follow":  "chain id step n ...",
	"check":   "chain id digest sha mail id step n ...",
	"send":    "chain id ?digest sha mail id phase word ?sender name step n ?until time ?writer name ...",
	"outcome": "chain id mail id outcome word phase word step n ...",
	"confirm": "chain id step n ...",
}

// actVerbs are the acts of one's own equipment.
func actVerbs() map[string]need {
	all := map[string]need{}
	for verb, says := range actSays {
		all["act."+verb] = need{person: verb != "end" && verb != "alarm", shapes: only(says)}
	}
	for verb, must := range requestSays { // power where it is a step of a measure
		all["request."+verb] = need{person: verb != "outcome", shapes: []shape{marked("chain", must), {more: true}}}
	}
	return all
}
