package oversight

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"noroshi/internal/base/ledger"
)

// TestTheQuickReaderReadsEntries compares it with the ledger's own reader, entry
// by entry.
func TestTheQuickReaderReadsEntries(t *testing.T) {
	slow := 0
	for seed := range uint64(20) {
		for _, a := range lawful(seed, 5) {
			if !same(t, a) {
				slow++
			}
		}
	}
	if slow > 0 {
		t.Errorf("%d usual entries went the slow way", slow)
	}
}

// same holds what the quick reader says of a leaf against the ledger's reader,
// and reports whether it took the leaf.
func same(t testing.TB, leaf []byte) bool {
	var q entry
	if !q.quick(leaf) {
		return false
	}
	e, err := ledger.ParseEntry(leaf)
	if err != nil {
		t.Fatalf("%q is no entry: %v", leaf, err)
	}
	if string(q.id) != e.ID || q.at != e.At.UnixMicro() || string(q.who) != e.Who || string(q.org) != e.Org || string(q.verb) != e.Verb || string(q.object) != e.Object ||
		string(q.purpose) != e.Purpose || string(q.grant) != e.Grant || q.refused != (e.Outcome == ledger.Refused) || string(q.reason) != e.Reason || q.digest != (e.Digest != "") {
		t.Fatalf("%q was read as %+v", leaf, q)
	}
	q.split()
	for k, v := range e.Public {
		raw, ok := q.fact(k)
		var have any
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&have); !ok || err != nil {
			t.Fatalf("%q: fact %q is %q: %v", leaf, k, raw, err)
		}
		one, _ := json.Marshal(v)
		two, _ := json.Marshal(have)
		if !bytes.Equal(one, two) {
			t.Fatalf("%q: fact %q is %s, not %s", leaf, k, two, one)
		}
	}
	return true
}

func TestInstantsAreThoseOfTheStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		at := time.UnixMicro(r.Int64N(4e15) - 1e15).UTC()
		if r.IntN(2) == 0 {
			at = at.Truncate(time.Second)
		}
		got, ok := instant([]byte(at.Format(time.RFC3339Nano)))
		if !ok || got != at.UnixMicro() {
			t.Fatalf("%s is %d, not %d", at.Format(time.RFC3339Nano), got, at.UnixMicro())
		}
	}
	for _, bad := range []string{"", "2026-11-22T01:20:00", "2026-13-22T01:20:00Z", "2026-02-29T01:20:00Z", "2026-11-22T24:20:00Z", "2026-11-22T01:20:00.Z", "2026-11-22T01:20:00.10Z", "2026-11-22T01:20:00+09:00", "2026-1a-22T01:20:00Z"} {
		if _, ok := instant([]byte(bad)); ok {
			t.Errorf("%q is no instant", bad)
		}
	}
}

// FuzzEntry: what the quick reader takes, the ledger takes, and both say the
// same; no leaf, however odd, stops a replay.
func FuzzEntry(f *testing.F) {
	for i, a := range lawful(3, 3) {
		if i%7 == 0 {
			f.Add(a)
		}
	}
	f.Add([]byte(`{"v":1,"id":"a","at":"2026-11-22T01:20:00Z","verb":"x.y","outcome":"done","public":{"a":[1,-0.5e+3,{"b":"<é>"}],"b":null}}`))
	kinds := numbers(f)
	f.Fuzz(func(t *testing.T, leaf []byte) {
		same(t, leaf)
		r, err := NewReplay(kinds)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(3) {
			if err := r.Take(i, leaf); err != nil {
				t.Fatal(err)
			}
		}
		r.Close(time.Time{})
	})
}
