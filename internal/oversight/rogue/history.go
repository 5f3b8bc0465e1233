package rogue

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/ledger"
)

// act is an entry of a history; raw stands for it where it is no entry.
type act struct {
	ledger.Entry
	raw []byte
}

// leaf is the entry as a ledger writes it.
func (a *act) leaf() []byte {
	if a.raw != nil {
		return a.raw
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a.Entry); err != nil {
		panic("BUG: rogue: an entry that JSON cannot hold: " + err.Error())
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// text is a fact that is a text; empty where it is none.
func (a *act) text(name string) string { s, _ := a.Public[name].(string); return s }

// number is a fact that is a whole number; 0 where it is none.
func (a *act) number(name string) int { return whole(a.Public[name]) }

func whole(v any) int {
	switch x := v.(type) {
	case json.Number:
		n, _ := strconv.Atoi(x.String())
		return n
	case int:
		return x
	}
	return 0
}

// inside is a fact that has facts.
func (a *act) inside(name string) map[string]any { m, _ := a.Public[name].(map[string]any); return m }

// history is entries in their order.
type history struct {
	all  []*act
	seed uint64
	rng  *rand.Rand
}

// read reads leaves. Errors name the entry.
func read(leaves [][]byte, seed uint64) (*history, error) {
	w := &history{seed: seed, rng: rand.New(rand.NewPCG(seed, 3)), all: make([]*act, 0, len(leaves))}
	for i, l := range leaves {
		e, err := ledger.ParseEntry(l)
		if err != nil {
			return nil, fmt.Errorf("rogue: entry %d: %w", i, err)
		}
		w.all = append(w.all, &act{Entry: e})
	}
	return w, nil
}

func (w *history) leaves() [][]byte {
	out := make([][]byte, len(w.all))
	for i, a := range w.all {
		out[i] = a.leaf()
	}
	return out
}

// naming is that an entry names others by their places in the log.
type naming struct {
	by    *act
	key   string
	value []int // as it stood
	to    []*act
	many  bool // it is a list
}

// named finds the places that samples name, so that they stay those of the same
// entries when others come or go before them.
func (w *history) named() (out []naming) {
	for _, a := range w.all {
		if a.Verb != "oversight.draw" && a.Verb != "oversight.check" {
			continue
		}
		for _, key := range []string{"place", "sample"} {
			n := naming{by: a, key: key}
			switch v := a.Public[key].(type) {
			case []any:
				n.many = true
				for _, x := range v {
					n.value = append(n.value, whole(x))
				}
			case nil:
				continue
			default:
				n.value = []int{whole(v)}
			}
			if slices.ContainsFunc(n.value, func(at int) bool { return at >= len(w.all) }) {
				continue
			}
			for _, at := range n.value {
				n.to = append(n.to, w.all[at])
			}
			out = append(out, n)
		}
	}
	return out
}

// rename writes the places of what was named, unless they were changed; before are
// the entries as they were. For one that is gone the one before it stands.
func (w *history) rename(all []naming, before []*act) {
	if len(all) == 0 {
		return
	}
	at, last := make(map[*act]int, len(w.all)), 0
	for i, a := range w.all {
		at[a] = i
	}
	for _, a := range before {
		if i, there := at[a]; there {
			last = i
		} else {
			at[a] = last
		}
	}
	for _, n := range all {
		places := []int{}
		for _, to := range n.to {
			places = append(places, at[to])
		}
		i := slices.Index(w.all, n.by)
		switch {
		case i < 0:
		case n.many:
			w.edit(i, n.key, slices.Compact(places))
		case whole(n.by.Public[n.key]) == n.value[0]:
			w.edit(i, n.key, places[0])
		}
	}
}

// find returns the place of an entry of a verb, chosen by the seed; -1 where
// there is none. Of approvals only those that were asked for by themselves: a
// measure's are asked for by it.
func (w *history) find(verb string, ok func(a *act) bool) int {
	var places []int
	for i, a := range w.all {
		if a.Verb == verb && a.Outcome == ledger.Done && (ok == nil || ok(a)) && (!strings.HasPrefix(verb, "approval.") || w.of("approval.ask", a.Object) >= 0) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return -1
	}
	return places[w.rng.IntN(len(places))]
}

// of finds the first entry of a verb about an object that was done.
func (w *history) of(verb, object string) int {
	return slices.IndexFunc(w.all, func(a *act) bool { return a.Verb == verb && a.Object == object && a.Outcome == ledger.Done })
}

// edit changes a fact of an entry.
func (w *history) edit(i int, key string, value any) {
	w.all[i].Public = maps.Clone(w.all[i].Public)
	w.all[i].Public[key] = value
}

// within changes a fact inside a fact.
func (w *history) within(i int, key, inner string, value any) {
	m := maps.Clone(w.all[i].inside(key))
	m[inner] = value
	w.edit(i, key, m)
}

// without takes a fact away.
func (w *history) without(i int, key string) {
	w.all[i].Public = maps.Clone(w.all[i].Public)
	delete(w.all[i].Public, key)
}

// gone takes entries away and returns how many.
func (w *history) gone(ok func(a *act) bool) int {
	before := len(w.all)
	w.all = slices.DeleteFunc(w.all, ok)
	return before - len(w.all)
}

// move takes an entry to another instant, with the place that goes with it.
func (w *history) move(i int, at time.Time) *act {
	a := w.all[i]
	w.all = slices.Delete(w.all, i, i+1)
	a.At = at.UTC().Truncate(time.Microsecond)
	to := slices.IndexFunc(w.all, func(b *act) bool { return b.At.After(a.At) })
	if to < 0 {
		to = len(w.all)
	}
	w.all = slices.Insert(w.all, to, a)
	a.ID = uuid(w.rng, a.At)
	return a
}

// add puts in a new entry that is like another, at an instant.
func (w *history) add(like *act, at time.Time) *act {
	a := &act{Entry: like.Entry}
	a.Public = maps.Clone(like.Public)
	w.all = append(w.all, a)
	return w.move(len(w.all)-1, at)
}

// commission is the organisation that examines and votes; empty where nobody did.
func (w *history) commission() string {
	for _, a := range w.all {
		switch a.Verb {
		case "approval.examine", "approval.vote", "approval.decide", "measure.weigh", "measure.settle":
			return a.Org
		}
	}
	return ""
}

// known reports whether the commission acted before an entry.
func (w *history) known(i int) bool {
	return slices.ContainsFunc(w.all[:i], func(a *act) bool { return a.Verb == "approval.examine" || a.Verb == "approval.vote" })
}

// end is the instant of the newest entry.
func (w *history) end() time.Time {
	if len(w.all) == 0 {
		return time.Time{}
	}
	return w.all[len(w.all)-1].At
}

// uuid makes an id of an instant (UUIDv7, RFC 9562 section 5.7).
func uuid(r *rand.Rand, at time.Time) string {
	var raw [16]byte
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		raw[i] = byte(ms >> (40 - 8*i))
	}
	for i := 6; i < 16; i++ {
		raw[i] = byte(r.Uint32())
	}
	raw[6], raw[8] = raw[6]&0x0f|0x70, raw[8]&0x3f|0x80
	h := hex.EncodeToString(raw[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func rfc(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// moment is a fact that is an instant; the zero time where it is none.
func moment(v any) time.Time {
	s, _ := v.(string)
	t, _ := time.Parse(time.RFC3339, s)
	return t
}
