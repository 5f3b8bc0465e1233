package oversight

// What the commission wrote, as its desk puts it into the ledger (arts 66 to 68).
const (
	keyNotices         key = "notices"
	keyRequests        key = "requests"
	keyRecommendations key = "recommendations"
	keyReplies         key = "replies"
	keyEnded           key = "ended"
	keySamples         key = "samples"
	keyUnsealed        key = "unsealed"
)

// paperKeys are counted under item v, in its order; deskKeys under item iv.
var (
	paperKeys = [...]key{keyNotices, keyRequests, keyRecommendations, keyReplies, keyEnded}
	deskKeys  = [...]key{keySamples, keyUnsealed}
)

// emergencyKeys are counted under item vi, by kind: see the replay of measures.
var emergencyKeys = [...]key{keyDeclared, keyNotified}

// paperKind says under which number a kind of paper is counted.
var paperKind = map[string]key{"notice": keyNotices, "request": keyRequests, "recommendation": keyRecommendations}

// paper counts what became of a notice, a request or a recommendation, and what
// else the desk did. A paper that is sent again after an answer is one paper.
func (r *Replay) paper() {
	_, x, ok := about(r.e.object)
	if !ok {
		return
	}
	switch string(r.e.verb) {
	case "oversight.settle":
		if k, ok := paperKind[string(r.e.text("kind"))]; ok {
			r.tally.count(r.e.at, k, "", x)
		}
	case "oversight.answer":
		if string(r.e.text("from")) == "sent" {
			r.tally.count(r.e.at, keyReplies, "", x)
		}
	case "oversight.close":
		r.tally.count(r.e.at, keyEnded, "", x)
	case "oversight.draw":
		r.tally.count(r.e.at, keySamples, "", x)
	case "oversight.open":
		r.tally.count(r.e.at, keyUnsealed, "", x)
	}
}
