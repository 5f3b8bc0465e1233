package oversight

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// thePlan is a sampling plan: what the commission promised before it could know
// the root of the log, and what was drawn.
type thePlan struct {
	commitment [64]byte
	nonce      [64]byte
	revealed   bool
	drawn      bool
	sample     []uint64
	entry      uint64
	owes       int64 // instant of the entry that the next step is owed from
	told       bool
}

// MaxSample bounds a sample, in acts of all kinds.
const MaxSample = 500

// Commitment is what a plan says of a nonce before it is revealed: its SHA-256, in
// hexadecimal digits as the nonce itself.
func Commitment(nonce string) string {
	sum := sha256.Sum256([]byte(nonce))
	return hex.EncodeToString(sum[:])
}

// SampleSeed is what the choice of a sample hangs on: the SHA-256, in hexadecimal
// digits, of four lines: "noroshi sample v2", the root of the log that ends with
// the plan's own entry, in base64, the plan's id, and the nonce. The hub fixes the
// root before it knows the nonce, and the commission the nonce before it knows the
// root: neither can choose the sample.
func SampleSeed(root, plan, nonce string) string {
	sum := sha256.Sum256([]byte("noroshi sample v2\n" + root + "\n" + plan + "\n" + nonce + "\n"))
	return hex.EncodeToString(sum[:])
}

// sampled is an act on a sampling plan. That the root is that of the log, and
// which acts the seed draws, is held against the files by who draws again.
func (r *Replay) sampled() {
	noun, x, ok := about(r.e.object)
	p := r.plans[x]
	act := string(r.e.verb[len("oversight."):])
	known := ok && string(noun) == "oversight" && string(r.e.text("plan")) == string(x[:])
	if act == "plan" {
		var c [64]byte
		copy(c[:], r.e.text("commitment"))
		at, used := r.promised[c]
		if !r.check(ruleSample, known && p == nil && r.ofCommission(r.who(r.e.org)), "plan_again") {
			return
		}
		if !used {
			r.promised[c] = r.e.index
		}
		r.checkAt(ruleSample, !used, "plan_used", []uint64{at})
		r.plans[x] = &thePlan{commitment: c, entry: r.e.index, owes: r.e.at}
		return
	}
	if !r.check(ruleSample, known && p != nil, "plan_unknown") {
		return
	}
	switch act {
	case "reveal":
		nonce := string(r.e.text("nonce"))
		if r.checkAt(ruleSample, !p.revealed && Commitment(nonce) == trim(p.commitment[:]), "plan_nonce", []uint64{p.entry}) {
			r.checkAt(ruleSample, r.e.at <= p.owes+r.tolerance.revealed, "plan_late", []uint64{p.entry})
			p.revealed, p.owes, p.told = true, r.e.at, false
			copy(p.nonce[:], nonce)
		}
	case "draw":
		sample, most := placesOf(r.e.public, "sample")
		r.checkAt(ruleSample, p.revealed && !p.drawn && r.e.number("place") == p.entry && !most && string(r.e.text("seed")) == SampleSeed(string(r.e.text("root")), string(x[:]), trim(p.nonce[:])) &&
			!slices.ContainsFunc(sample, func(n uint64) bool { return n >= p.entry }), "plan_draw", []uint64{p.entry})
		p.drawn, p.sample = true, sample
		r.paper()
	case "check":
		r.checkAt(ruleSample, slices.Contains(p.sample, r.e.number("place")), "plan_check", []uint64{p.entry})
	}
}

// overduePlans finds plans whose nonce was not revealed in time, and those of which
// nothing was drawn: who may plan many samples and leave what does not suit them
// chooses the sample after all.
func (r *Replay) overduePlans(now int64) {
	var late []id
	for x, p := range r.plans {
		term := r.tolerance.revealed
		if p.revealed {
			term = r.tolerance.drawn
		}
		if !p.told && !p.drawn && now > p.owes+term {
			late = append(late, x)
		}
	}
	slices.SortFunc(late, func(a, b id) int { return cmp.Compare(r.plans[a].entry, r.plans[b].entry) })
	for _, x := range late {
		p, object := r.plans[x], "oversight/"+string(x[:])
		if p.told = true; p.revealed {
			r.owedBy(ruleSample, "plan_undrawn", object, p.entry)
		} else {
			r.owedBy(ruleSample, "plan_hidden", object, p.entry)
		}
	}
}

// placesOf reads a fact that is a list of places, at most so many as a sample has.
func placesOf(public []byte, name string) (out []uint64, more bool) {
	raw, _ := field(public, name)
	all := each(raw, true, func(_, v []byte) bool {
		if len(out) >= MaxSample {
			return false
		}
		out = append(out, whole(v))
		return true
	})
	return out, !all
}
