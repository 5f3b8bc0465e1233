package export

import (
	"math/rand/v2"
	"testing"
)

func TestGuess(t *testing.T) {
	five := make([]byte, head5+size5)
	five[1], five[3] = 5, 1
	for want, m := range map[Kind][]byte{
		NetFlow5: five,
		NetFlow9: newMessage(false, 1, secs, 0, 1).template(256, 0, few).set(256, fewRecord(1, 1)).bytes(),
		IPFIX:    newMessage(true, 1, secs, 0, 1).template(256, 0, few).set(256, fewRecord(1, 1)).bytes(),
		SFlow5:   (&samples{}).add(2, words(1, 2, 3)).bytes(1),
	} {
		if m[0] = 0; want == NetFlow9 { // header: version, count of records
			m[3] = 2
		}
		equal(t, "whole", Guess(m), want)
		passed := 0
		for i := range m {
			if Guess(m[:i]) != Unknown {
				passed++
			}
		}
		if passed > 1 || passed == 1 && want != NetFlow9 { // v9 tells no length: cut between its sets it is whole
			t.Errorf("%v: %d of %d cuts pass", want, passed, len(m))
		}
		equal(t, "longer", Guess(append(m[:len(m):len(m)], 0)), Unknown)
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	taken := 0
	for range 200_000 {
		m := make([]byte, rnd.IntN(200))
		for i := range m {
			m[i] = byte(rnd.Uint32() >> (rnd.Uint32() % 32))
		}
		if len(m) > 4 {
			m[0], m[1] = 0, []byte{0, 5, 9, 10}[rnd.IntN(4)]
		}
		if Guess(m) != Unknown {
			taken++
		}
	}
	if taken > 20 {
		t.Errorf("%d of 200000 random payloads taken for exports", taken)
	}
	equal(t, "a usual port", UsualPort(4739), true)
	equal(t, "another", UsualPort(53), false)
}
