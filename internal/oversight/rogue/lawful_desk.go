package rogue

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"time"
)

// inspected is something that the commission does at its desk.
func (w *world) inspected(at time.Time) {
	switch w.IntN(3) {
	case 0:
		w.paper(at)
	case 1:
		w.sample(at)
	default:
		w.wish(at)
	}
}

// paper is a notice, a request or a recommendation, from its draft to its end.
func (w *world) paper(at time.Time) {
	id, body := w.uuid(at), "O-police"
	state, says := "", facts{"paper": id, "number": "C-" + w.hash()[:8], "kind": []string{"notice", "request", "recommendation"}[w.IntN(3)], "body": body, "entries": []int{}}
	does := func(verb, act, who, to string) {
		pub := maps.Clone(says)
		maps.Copy(pub, facts{"act": act, "to": to})
		if state != "" {
			pub["from"] = state
		}
		w.does(at, who, "oversight."+verb, "oversight/"+id, pub)
		state, at = to, at.Add(time.Duration(1+w.IntN(50))*time.Minute)
	}
	members := w.Perm(5)
	first, second := fmt.Sprint("member", members[0]), fmt.Sprint("member", members[1])
	does("draft", "draft", []string{"inspector1", first}[w.IntN(2)], "drafted")
	if w.IntN(3) == 0 {
		does("revise", "revise", "inspector2", "drafted")
	}
	if w.IntN(8) == 0 {
		does("drop", "drop", first, "dropped")
		return
	}
	does("propose", "propose", first, "proposed")
	if w.IntN(4) == 0 {
		does("back", "back", second, "drafted")
		does("propose", "propose", first, "proposed")
	}
	due := func() time.Time { t := at.AddDate(0, 0, 14); says["due"] = rfc(t); return t }
	by := due()
	does("settle", "settle", second, "sent")
	if w.IntN(3) == 0 {
		at = by.AddDate(0, 0, -3)
		does("remind", "prompt", "", "sent")
		at = by.Add(time.Hour)
		does("remind", "remind", "", "sent")
	}
	does("answer", "answer", "command@"+body, "answered")
	if w.IntN(3) == 0 {
		due()
		does("insist", "insist", first, "sent")
		does("answer", "answer", "command@"+body, "answered")
	}
	does("close", "close", second, "closed")
}

// sample is a sampling plan, from the promise to what was found. Its places in the
// log are known once everything is in order: see settle.
func (w *world) sample(at time.Time) {
	id, nonce := w.uuid(at), w.hash()
	sum := sha256.Sum256([]byte(nonce))
	bound := facts{"plan": id, "number": "T-" + w.hash()[:8]}
	does := func(who, verb string, more facts) {
		pub := maps.Clone(bound)
		maps.Copy(pub, more)
		w.does(at, who, "oversight."+verb, "oversight/"+id, pub)
		at = at.Add(time.Duration(1+w.IntN(50)) * time.Minute)
	}
	does("inspector1", "plan", facts{"commitment": hex.EncodeToString(sum[:]), "strata": []string{"use:3"}})
	does("inspector1", "reveal", facts{"nonce": nonce})
	root := sha256.Sum256([]byte(id))
	text := base64.StdEncoding.EncodeToString(root[:])
	seed := sha256.Sum256([]byte("noroshi sample v2\n" + text + "\n" + id + "\n" + nonce + "\n"))
	does("", "draw", facts{"root": text, "seed": hex.EncodeToString(seed[:]), "population": []string{"use:3"}})
	for range 3 {
		does("inspector2", "check", facts{"result": []string{"fine", "finding"}[w.IntN(2)]})
	}
}

// wish is a sealed entry that an inspector asks a body to open.
func (w *world) wish(at time.Time) {
	id := w.uuid(at)
	bound := facts{"opening": id, "number": "K-" + w.hash()[:8], "entry": w.uuid(at), "ground": "sample", "body": "O-police", "asker": "P-inspector1"}
	does := func(who, verb string, more facts) {
		pub := maps.Clone(bound)
		maps.Copy(pub, more)
		w.does(at, who, "oversight."+verb, "oversight/"+id, pub)
	}
	does("inspector1", "unseal", nil)
	if w.IntN(3) == 0 {
		at = at.AddDate(0, 0, 4)
		does("", "remind", facts{"act": "prompt", "due": rfc(at.AddDate(0, 0, 3))})
	}
	at = at.Add(5 * time.Hour)
	if w.IntN(4) == 0 {
		does("command@O-police", "withhold", nil)
		return
	}
	does("command@O-police", "open", facts{"verified": true})
	gone := at.AddDate(0, 0, 30)
	for range w.IntN(3) {
		at = at.Add(time.Hour)
		does("inspector1", "look", nil)
	}
	at = gone.Add(5 * time.Second)
	does("", "forget", nil)
}

// numbered gives the acts of samples their places in the log: the plan's own, and
// entries before it.
func (w *world) numbered() {
	plans, drawn, checked := map[string]int{}, map[string][]int{}, map[string]int{}
	for i, a := range w.all {
		id := a.text("plan")
		switch a.Verb {
		case "oversight.plan":
			plans[id] = i
		case "oversight.draw":
			sample := []int{}
			for n := max(0, plans[id]-3); n < plans[id]; n++ {
				sample = append(sample, n)
			}
			a.Public["place"], a.Public["sample"], drawn[id] = plans[id], sample, sample
		case "oversight.check":
			if n := checked[id]; n < len(drawn[id]) {
				a.Public["place"] = drawn[id][n]
			}
			checked[id]++
		}
	}
}
