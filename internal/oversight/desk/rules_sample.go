package desk

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"sort"

	"noroshi/internal/oversight"
)

// Strata are the kinds of acts that a sample can be drawn of, in the order in
// which they are shown.
var Strata = []string{"case", "measure", "run", "use", "erase", "refusal"}

// maxSample bounds a sample, in acts of all kinds.
const maxSample = oversight.MaxSample

// strataOf says of which kind an act is, by its verb. An act is drawn once, by
// the entry that began it: a run's pages and its end are looked at with the run.
var strataOf = map[string]string{
	"approval.ask": "case", "measure.ask": "case", "measure.open": "measure", "selection.run": "run",
	"selection.read": "use", "selection.disclose": "use", "selection.sight": "use", "selection.extend": "use", "selection.reidentify": "use", "selection.erase": "erase",
}

// unit is one act that can be drawn.
type unit struct {
	place uint64 // in the log
	at    int64  // microseconds
}

// NewNonce makes the value that a plan promises: 32 random bytes in hexadecimal.
// Whoever inspects makes it on a machine of the commission: a hub that knew it
// beforehand could choose what is drawn.
func NewNonce() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	return hex.EncodeToString(raw[:])
}

// hex64 reports whether a text is 32 bytes in hexadecimal, in lower case.
func hex64(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 32 && hex.EncodeToString(raw) == s
}

// seed is what the choice hangs on: see [oversight.SampleSeed].
func seed(root, plan, nonce string) (out [32]byte) {
	raw, _ := hex.DecodeString(oversight.SampleSeed(root, plan, nonce))
	copy(out[:], raw)
	return out
}

// draw picks n acts: those of which the SHA-256 over the seed and the place in the
// log, eight bytes with the highest first, is smallest. They come back in the
// order of the log.
func draw(seed [32]byte, all []unit, n int) []uint64 {
	type ticket struct {
		hash  [32]byte
		place uint64
	}
	less := func(a, b ticket) int {
		return cmp.Or(slices.Compare(a.hash[:], b.hash[:]), cmp.Compare(a.place, b.place))
	}
	var best []ticket // ascending, at most n
	for _, u := range all {
		var in [40]byte
		copy(in[:], seed[:])
		binary.BigEndian.PutUint64(in[32:], u.place)
		t := ticket{sha256.Sum256(in[:]), u.place}
		if len(best) == n && (n == 0 || less(t, best[n-1]) >= 0) {
			continue
		}
		i, _ := slices.BinarySearchFunc(best, t, less)
		best = slices.Insert(best, i, t)
		best = best[:min(len(best), n)]
	}
	out := make([]uint64, len(best))
	for i, t := range best {
		out[i] = t.place
	}
	slices.Sort(out)
	return out
}

func seedText(s [32]byte) string { return hex.EncodeToString(s[:]) }

// Excluded returns the share of violations among a population that a sample
// without replacement excludes with a confidence in per cent: had that share or
// more been violations, so few findings would be rarer than the rest of the
// hundred (hypergeometric distribution). 1 means that nothing is excluded.
func Excluded(population uint64, sample, findings, confidence int) float64 {
	total, n, c := int(min(population, math.MaxInt32)), sample, findings
	if total == 0 || n <= 0 || n > total || c < 0 || c > n {
		return 1
	}
	bound := (1 - float64(confidence)/100) * (1 + 1e-9) // of the chance; logarithms are not exact
	least := c + 1                                      // so many violations at least, or the findings would be impossible
	i := sort.Search(total-least+1, func(i int) bool { return atMost(total, least+i, n, c) <= bound })
	return min(1, float64(least+i)/float64(total))
}

// atMost is the chance to find at most c of d among n drawn of total.
func atMost(total, d, n, c int) (p float64) {
	for k := max(0, n-(total-d)); k <= c; k++ {
		p += math.Exp(choose(d, k) + choose(total-d, n-k) - choose(total, n))
	}
	return p
}

// choose is the logarithm of a binomial coefficient.
func choose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}
