package record

import "noroshi/internal/engine/detect/domain"

// Judge fills in Made and Own of a question from its name as it was sent: what is
// left afterwards, a hash of a name that looks made up, can tell nothing any more.
// Names without a registered domain, such as addresses, bare suffixes and reverse
// lookups, have neither. Nothing of the name is kept.
func (n *Naming) Judge(d *DNS, name []byte) {
	d.Made, d.Own = n.judge(name)
}

func (n *Naming) judge(name []byte) (made uint8, own Hash) {
	if k := len(name); k > 0 && name[k-1] == '.' {
		name = name[:k-1]
	}
	v := domain.Score(name)
	if v.To == 0 || !v.Judged && domain.Cut(name).Reverse {
		return 0, own
	}
	return likely(v), n.Fold(name[v.Start:])
}

// likely is a verdict in 255ths, of which the least says that there is one.
// Rounding carries none over the model's threshold, in either direction.
func likely(v domain.Verdict) uint8 {
	if !v.Judged {
		return 0
	}
	made := max(1, uint8(v.Probability*255+0.5))
	over := float32(made)/255 >= domain.Threshold()
	switch {
	case over && !v.Generated:
		made--
	case v.Generated && !over:
		made++
	}
	return made
}
