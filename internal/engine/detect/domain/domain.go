// Package domain tells names that an algorithm made from names that people
// chose. A small linear model over short runs of letters gives a probability
// whose parts a person can check, and a streaming detector finds the hosts
// that ask for many such names, most of which do not exist.
package domain

import "math"

// Part is one reason for or against a name.
type Part uint8

// The parts of a verdict. Each is a sum of log-odds: above 0 speaks for an
// algorithm, below 0 for a person.
const (
	Shape    Part = iota // runs of two to four letters: common in names, or not
	Length               // how long the label is
	Digits               // how many digits, and how often they change with letters
	Vowels               // share of vowels among the letters
	Runs                 // longest run of consonants
	Variety              // share of different characters
	Alphabet             // only hexadecimal, only digits, hyphens
	Parts                // how many parts there are
)

// String returns the part's key, as used in evidence.
func (p Part) String() string {
	return [...]string{"shape", "length", "digits", "vowels", "runs", "variety", "alphabet", "?"}[min(p, Parts)]
}

// Verdict is what the model thinks of one name. It holds no text: From and To
// cut the judged label out of the name that was given.
type Verdict struct {
	Probability float32        // 0 … 1, calibrated on names the model has not learned from
	Generated   bool           // Probability reaches the model's threshold
	Judged      bool           // false: nothing to judge (an address, a bare suffix, a reverse name, too short)
	From, To    int            // the judged label is name[From:To]
	Start       int            // the registered domain is name[Start:]
	Parts       [Parts]float32 // log-odds; with Base and calibration they make Probability
}

// minLabel is the shortest label that is judged: shorter ones say too little.
const minLabel = 5

// Score judges the label under the public suffix of a name; the names of hosts
// below it are not looked at, so that the hashed host names of clouds and
// content networks do not count. It neither keeps the name nor allocates.
func Score[T string | []byte](name T) Verdict {
	var v Verdict
	cut := Cut(name)
	v.From, v.To, v.Start = cut.From, cut.To, cut.From
	if !cut.OK || cut.Reverse {
		return v
	}
	var label [maxLabel]byte
	n := lower(&label, name[cut.From:cut.To])
	if n < minLabel {
		return v
	}
	v.Judged = true
	if idn(label[:n]) {
		// Names in other scripts were no part of the training, and no known
		// algorithm makes them.
		return v
	}
	embedded.judge(label[:n], &v)
	clear(label[:n])
	return v
}

func (m *model) judge(label []byte, v *Verdict) {
	var f Features
	f.Extract(label)
	shape := int32(0)
	for _, g := range f.Grams[:f.N] {
		shape += int32(m.table[g])
	}
	v.Parts[Shape] = float32(shape) * m.scale
	z := v.Parts[Shape] + m.base
	for g, slot := range f.Dense {
		w := m.dense[g][slot]
		v.Parts[g+1] = w
		z += w
	}
	f.wipe()
	v.Probability = probability(m.slope*z + m.offset)
	v.Generated = v.Probability >= m.threshold
}

func probability(z float32) float32 {
	return float32(1 / (1 + math.Exp(-float64(z))))
}

// Threshold is the probability from which a name counts as generated. It was
// chosen in training so that at most one in two hundred popular and Japanese
// names that the model has not learned from reaches it.
func Threshold() float32 { return embedded.threshold }
