package rogue

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/ledger"
)

// world makes lawful histories: the hub's acts as its entries say them, by an
// office, a commission, a carrier, operators and police.
type world struct {
	*rand.Rand
	all   []*act
	lists []madeList
	start time.Time
	units int // chains of command so far

	commission string // the organisation that decides
}

type madeList struct{ sha, maker, second string }

type facts = map[string]any

func (w *world) uuid(at time.Time) string { return uuid(w.Rand, at) }

func (w *world) hash() string {
	sum := sha256.Sum256([]byte(fmt.Sprint(w.Uint64())))
	return hex.EncodeToString(sum[:])
}

func (w *world) one(kind string, n int) string { return fmt.Sprintf("%s%d", kind, w.IntN(n)) }

// orgOf is the organisation of a person of a made-up history.
func (w *world) orgOf(who string) string {
	switch kind := strings.TrimRight(who, "0123456789"); kind {
	case "examiner", "member", "inspector":
		return w.commission
	case "carrier":
		return "O-telecom"
	case "party":
		return "O-operator"
	case "police":
		return "O-police"
	default:
		return "O-office"
	}
}

func (w *world) does(at time.Time, who, verb, object string, public facts) *act {
	a := &act{Entry: ledger.Entry{V: 1, At: at.UTC().Truncate(time.Microsecond), Verb: verb, Object: object, Outcome: ledger.Done, Public: public}}
	if who != "" {
		name, org, known := strings.Cut(who, "@")
		if !known {
			org = w.orgOf(who)
		}
		a.Who, a.Org = "P-"+name, org
	}
	w.all = append(w.all, a)
	return a
}

// list makes a list of selectors, alone or with a second person.
func (w *world) list(at time.Time) {
	maker, second := w.one("analyst", 2), "analyst"+fmt.Sprint(2+w.IntN(2))
	object, sha := "selection_list/"+w.uuid(at), w.hash()
	if w.IntN(2) == 0 {
		w.does(at, maker, "selection.list_make", object, facts{"selectors": 3, "warned": 0, "sha256": sha})
		w.lists = append(w.lists, madeList{sha, maker, ""})
		return
	}
	w.does(at, maker, "selection.list_make", object, facts{"selectors": 2, "warned": 1, "sha256": ""})
	w.does(at.Add(time.Minute), second, "selection.list_second", object, facts{"selectors": 3, "sha256": sha, "dropped": false})
	w.lists = append(w.lists, madeList{sha, maker, second})
}

// made is an approval of a made-up history.
type made struct {
	id, order   string
	kind        approval.Kind
	from, until time.Time
	sel         string
	cap         uint64
	retain      int
	asker       string
	members     []string
	handler     string
	holders     [2]string
}

// approved asks for something and has it decided; ok is false where it did not
// come to an approval.
func (w *world) approved(at time.Time, kind approval.Kind, base *made, run string) (m made, end time.Time, ok bool) {
	m = made{id: w.uuid(at), order: w.hash(), kind: kind, asker: w.one("clerk", 3), cap: uint64(1000 + w.IntN(100000)), retain: 1 + w.IntN(20), handler: w.one("handler", 3)}
	m.from, m.until = at.Add(2*time.Hour).Truncate(time.Second), at.AddDate(0, 0, 3+w.IntN(40)).Truncate(time.Second)
	extends := ""
	m.sel = w.lists[w.IntN(len(w.lists))].sha
	if base != nil {
		m.from, m.until, m.sel, extends, m.handler = base.until, base.until.AddDate(0, 0, 2+w.IntN(20)), base.sel, base.id, base.handler
	}
	packets, subject := m.cap, ""
	if kind == approval.Reidentify {
		m.sel, m.retain, packets, subject = "", 0, 0, run
		m.until = at.AddDate(0, 0, 3+w.IntN(20)).Truncate(time.Second)
	}
	object := "approval/" + m.id
	w.does(at, m.asker, "approval.ask", object, facts{"kind": string(kind), "to": "asked", "from_at": rfc(m.from), "until_at": rfc(m.until), "extends": extends, "selectors": m.sel, "packets": packets,
		"bytes": 0, "retain_days": m.retain, "run": subject})
	end, ok = w.deliberated(at, &m, object, extends, packets)
	return m, end, ok
}

// deliberated is what the commission does with an application: questions, an
// opinion, votes and a decision, which may be less than was asked.
func (w *world) deliberated(at time.Time, m *made, object, extends string, packets uint64) (end time.Time, ok bool) {
	kind, bytes := m.kind, uint64(0)
	power := kind != approval.PolicePower && kind != approval.DefencePower
	examiner := w.one("examiner", 2)
	step := func() time.Time { at = at.Add(time.Duration(1+w.IntN(5)) * time.Minute); return at }
	for range w.IntN(3) {
		w.does(step(), examiner, "approval.question", object, nil)
		answers := m.asker
		if power {
			answers = w.one("clerk", 3)
		}
		w.does(step(), answers, "approval.answer", object, nil)
	}
	if w.IntN(12) == 0 && extends == "" && power && kind != approval.Reidentify {
		w.does(step(), m.asker, "approval.withdraw", object, facts{"kind": string(kind), "from": "asked", "to": "withdrawn"})
		return at, false
	}
	w.does(step(), examiner, "approval.examine", object, facts{"kind": string(kind), "from": "asked", "to": "examined"})
	yes, no := 0, 0
	order := w.Perm(5)[:3+w.IntN(3)]
	for i, v := range order {
		choice := "for"
		if w.IntN(4) == 0 {
			choice = "against"
		}
		if choice == "for" {
			yes++
		} else {
			no++
		}
		who := fmt.Sprint("member", v)
		m.members = append(m.members, who)
		w.does(step(), who, "approval.vote", object, facts{"choice": choice, "votes": i + 1})
	}
	to := "refused"
	if yes > no {
		to = "approved"
	}
	if w.IntN(4) == 0 && to == "approved" && power && kind != approval.Reidentify { // less than was asked
		m.until = m.until.Add(-time.Hour)
		m.cap -= m.cap / 10
		packets = m.cap
	}
	w.does(step(), m.members[w.IntN(len(m.members))], "approval.decide", object, facts{"kind": string(kind), "from": "examined", "to": to, "for": yes, "against": no, "quorum": 3, "members": 5, "conditions": 0,
		"order": m.order, "extends": extends, "from_at": rfc(m.from), "until_at": rfc(m.until), "packets": packets, "bytes": bytes, "retain_days": m.retain, "selectors": m.sel})
	return at, to == "approved"
}

// selected carries out a run and what becomes of its records; it returns the run
// and when it was over.
func (w *world) selected(at time.Time, m *made, take uint64) (run string, records int, over time.Time) {
	run = w.uuid(at)
	object := "selection_run/" + run
	retain := at.UTC().Truncate(time.Second).AddDate(0, 0, m.retain)
	way := map[approval.Kind]string{approval.ForeignForeign: "ff", approval.ForeignDomestic: "fd", approval.DomesticForeign: "df", approval.Agreement: "fd"}[m.kind]
	on := func(a *act) *act { a.Grant = m.id; return a }
	on(w.does(at, m.handler, "selection.run", object, facts{"approval": m.id, "order": m.order, "selectors": m.sel, "place": "hub", "basis": "acquisition", "directions": []string{way}, "retain_until": rfc(retain)}))
	output := ""
	for page := range 1 + w.IntN(3) {
		n := 1 + w.IntN(40)
		records += n
		output = w.hash()
		on(w.does(at.Add(time.Duration(page+1)*time.Second), m.handler, "selection.run", object, facts{"page": page, "records": n, "output": output}))
	}
	over = at.Add(5 * time.Minute)
	if w.IntN(10) == 0 {
		on(w.does(over, "", "selection.interrupt", object, facts{"outcome": "interrupted", "records": records, "taken": facts{"packets": records, "bytes": records * 100}}))
		on(w.does(over.Add(time.Second), "", "selection.erase", object, facts{"why": "interrupted", "records": records, "digest": w.hash()}))
		return "", 0, over
	}
	amounts := func(n uint64) facts { return facts{"packets": n, "bytes": n * 100} }
	chosen := min(take, uint64(records))
	dropped := map[string]any{"cap": amounts(0), "direction": amounts(w.Uint64N(500)), "domestic": amounts(w.Uint64N(500)), "malformed": amounts(0), "unknown": amounts(w.Uint64N(50)), "unselected": amounts(take - chosen)}
	seen := chosen
	for _, d := range dropped {
		seen += d.(facts)["packets"].(uint64)
	}
	on(w.does(over, m.handler, "selection.run", object, facts{"ended": "end_of_input", "statement": w.hash(), "seen": amounts(seen), "dropped": dropped,
		"selected": facts{"packets": chosen, "bytes": chosen * 100, "records": records}, "destroyed_at": over.Add(-time.Second).UTC().Format(time.RFC3339Nano),
		"hashes": facts{"order": m.order, "selectors": m.sel, "output": output, "prefixes": w.hash(), "program": ""}, "first_at": rfc(at.Add(time.Second)), "last_at": rfc(at.Add(3 * time.Minute))}))
	w.used(over, m, object, records, retain)
	return run, records, over
}

// used is what is done with the records of a run, up to their end.
func (w *world) used(at time.Time, m *made, object string, records int, retain time.Time) {
	on := func(a *act, purpose string) { a.Grant, a.Purpose = m.id, purpose }
	at = at.Add(time.Minute)
	on(w.does(at, m.handler, "selection.read", object, facts{"records": records}), "analyse")
	if w.IntN(2) == 0 {
		on(w.does(at.Add(time.Minute), m.handler, "selection.disclose", object, facts{"recipient": "O-police", "basis": "art 27", "records": records, "ids": w.hash()}), "warn")
		on(w.does(at.Add(2*time.Minute), "police1", "selection.read", object, facts{"records": records}), "warn")
	}
	if w.IntN(2) == 0 {
		on(w.does(at.Add(3*time.Minute), w.one("analyst", 4), "selection.sight", object, facts{"selector": "s:1", "sighting": w.uuid(at)}), "analyse")
	}
	if w.IntN(4) == 0 {
		until := retain.AddDate(0, 0, 1+w.IntN(100))
		on(w.does(at.Add(4*time.Minute), m.handler, "selection.extend", object, facts{"until": rfc(until), "times": 1}), "")
		retain = until
	}
	late := retain.Add(time.Duration(w.IntN(60)) * time.Minute)
	first := records
	if records > 3 && w.IntN(2) == 0 {
		first = records / 2
		on(w.does(late.Add(time.Second), "", "selection.erase", object, facts{"why": "retention", "records": records - first, "digest": w.hash(), "key": true}), "")
	}
	on(w.does(late, "", "selection.erase", object, facts{"why": "retention", "records": first, "digest": w.hash()}), "")
	on(w.does(late.Add(time.Hour), m.handler, "selection.read", object, facts{"records": 0}), "analyse")
}

// affair is one approval with all that follows from it.
func (w *world) affair(at time.Time) {
	kind := []approval.Kind{approval.ForeignForeign, approval.ForeignDomestic, approval.DomesticForeign}[w.IntN(3)]
	m, end, ok := w.approved(at, kind, nil, "")
	if !ok {
		return
	}
	if w.IntN(2) == 0 {
		a := w.does(end.Add(time.Minute), "carrier1", "approval.confirm", "approval/"+m.id, facts{"carrier": "O-telecom"})
		a.Grant = m.id
	}
	sealed := w.IntN(2) == 0
	if sealed {
		w.entrust(end.Add(2*time.Minute), &m)
	}
	begin, left := m.from.Add(time.Duration(w.IntN(600))*time.Minute), m.cap
	for range 1 + w.IntN(3) {
		take := left / 4
		run, _, over := w.selected(begin, &m, take)
		left -= take
		if sealed && run != "" {
			w.opened(over.Add(10*time.Minute), &m, run)
			sealed = false
		}
		begin = over.Add(time.Hour)
	}
	stop := begin.Add(2 * time.Hour)
	switch w.IntN(5) {
	case 0:
		w.does(stop, w.one("member", 5), "approval.revoke", "approval/"+m.id, facts{"kind": string(kind), "from": "approved", "to": "revoked"})
	case 1:
		w.does(stop, m.asker, "approval.withdraw", "approval/"+m.id, facts{"kind": string(kind), "from": "approved", "to": "given_up"})
	case 2:
		next, _, ok := w.approved(stop, kind, &m, "")
		if ok {
			w.selected(next.from.Add(time.Hour), &next, next.cap/2)
		}
		fallthrough
	case 3:
		w.does(m.until.Add(5*time.Second), "", "approval.expire", "approval/"+m.id, facts{"kind": string(kind), "from": "approved", "to": "expired"})
	}
}

func (w *world) entrust(at time.Time, m *made) {
	m.holders = [2]string{"holder1", "holder2"}
	clerk := w.one("clerk", 3)
	a := w.does(at, clerk, "selection.custody", "selection_custody/"+m.id, facts{"key": "k", "first": "P-holder1", "second": "P-holder2"})
	a.Grant = m.id
	for i, h := range m.holders {
		a := w.does(at.Add(time.Duration(i+1)*time.Minute), h, "selection.hold", "selection_custody/"+m.id, facts{"what": "take"})
		a.Grant = m.id
	}
}

// opened has pseudonyms of a run opened, while its records last.
func (w *world) opened(at time.Time, m *made, run string) {
	if m.retain < 2 {
		return
	}
	o, _, ok := w.approved(at, approval.Reidentify, nil, run)
	if !ok {
		return
	}
	end := o.from.Add(time.Minute)
	id := w.uuid(end)
	object := "selection_opening/" + id
	on := func(a *act, purpose string) { a.Grant, a.Purpose = o.id, purpose }
	on(w.does(end, o.handler, "selection.reidentify", object, facts{"run": run, "subjects": w.hash(), "n": 1}), "analyse")
	for i, h := range m.holders {
		on(w.does(end.Add(time.Duration(i+1)*time.Minute), h, "selection.hold", object, facts{"what": "give"}), "")
	}
	on(w.does(end.Add(5*time.Minute), o.handler, "selection.reidentify", object, facts{"run": run, "subjects": w.hash(), "n": 1, "known": 1}), "analyse")
}

// agreement is one from its proposal to its end.
func (w *world) agreement(at time.Time) {
	id := w.uuid(at)
	object := "agreement/" + id
	clerk := w.one("clerk", 3)
	step := func() time.Time { at = at.Add(time.Duration(1+w.IntN(90)) * time.Minute); return at }
	w.does(at, clerk, "agreement.propose", object, nil)
	w.does(step(), "party1", "agreement.answer", object, nil)
	if w.IntN(3) == 0 {
		w.does(step(), clerk, "agreement.settle", object, nil)
		w.does(step(), "party2", "agreement.answer", object, nil)
	}
	if w.IntN(4) == 0 {
		return // declined, as far as anybody can see
	}
	l := w.lists[w.IntN(len(w.lists))]
	m := made{id: w.uuid(at), kind: approval.Agreement, order: w.hash(), sel: l.sha, cap: 5000, retain: 40, handler: w.one("handler", 3), from: at.Add(-time.Hour).Truncate(time.Second), until: at.AddDate(0, 0, 60).Truncate(time.Second)}
	a := w.does(step(), clerk, "agreement.grant", object, facts{"approval": m.id, "kind": "agreement", "order": m.order, "selectors": m.sel, "party": "O-operator", "from_at": rfc(m.from), "until_at": rfc(m.until),
		"packets": m.cap, "bytes": 0, "retain_days": m.retain})
	a.Grant = m.id
	run, records, over := w.selected(step(), &m, 1000)
	if run != "" && w.IntN(2) == 0 {
		consent := w.uuid(over)
		w.does(over.Add(10*time.Minute), "party1", "agreement.consent", object, facts{"consent": consent, "until": rfc(over.AddDate(0, 0, 20))})
		b := w.does(over.Add(11*time.Minute), m.handler, "selection.read", "selection_run/"+run, facts{"records": records, "consent": consent})
		b.Grant, b.Purpose = m.id, "other"
		w.does(over.Add(12*time.Minute), "party1", "agreement.consent", object, facts{"withdrawn": consent})
	}
	end := w.does(over.AddDate(0, 0, 1), "party1", "agreement.end", object, nil)
	end.Grant = m.id
}

// noise is what everybody else does all day.
func (w *world) noise(at time.Time) {
	switch w.IntN(3) {
	case 0:
		w.does(at, "party3", "incident.submit", "incident/"+w.uuid(at), facts{"number": "R-1", "stage": "first", "to": []string{"O-office"}, "version": 1})
	case 1:
		w.does(at, "party4", "asset.add", "asset/"+w.uuid(at), nil).Digest = "sha256:x"
	default:
		a := w.does(at, "clerk1", "selection.run", "selection_run/"+w.uuid(at), nil)
		a.Outcome, a.Reason = ledger.Refused, "gate.role"
	}
}

// Lawful makes up a history in which every rule is kept, of so many affairs. The
// same seed gives the same one.
func Lawful(seed uint64, affairs int) [][]byte {
	h := history{all: lawful(seed, affairs, time.Date(2028, 1, 10, 0, 0, 0, 0, time.UTC), "O-commission")}
	return h.leaves()
}

// lawful makes up a history that begins at an instant, before a commission.
func lawful(seed uint64, affairs int, start time.Time, commission string) []*act {
	w := &world{Rand: rand.New(rand.NewPCG(seed, 7)), start: start, commission: commission}
	w.list(w.start.Add(-3 * time.Hour))
	w.list(w.start.Add(-2 * time.Hour))
	for i := range affairs {
		at := w.start.Add(time.Duration(w.IntN(1+i*300)) * time.Hour)
		switch w.IntN(7) {
		case 6:
			w.order(at)
		case 0:
			w.agreement(at)
		case 1, 2:
			w.measures(at)
		default:
			w.affair(at)
		}
		if w.IntN(2) == 0 {
			w.inspected(at.Add(time.Duration(w.IntN(500)) * time.Hour))
		}
		for range 3 {
			w.noise(at.Add(time.Duration(w.IntN(1000)) * time.Hour))
		}
	}
	w.settle()
	return w.all
}

// settle puts entries in order and gives them ids.
func (w *world) settle() {
	slices.SortStableFunc(w.all, func(a, b *act) int { return cmp.Compare(a.At.UnixMicro(), b.At.UnixMicro()) })
	for i, a := range w.all {
		a.At = a.At.Add(time.Duration(i) * time.Microsecond)
		a.ID = w.uuid(a.At)
	}
	w.numbered()
}
