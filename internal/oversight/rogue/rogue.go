package rogue

import "slices"

// Crime is one way to break a rule.
type Crime struct {
	Name  string // what is done, in English, for tests
	Rule  string // id of the rule that it breaks
	Alone bool   // nothing else follows from it
	do    func(*history) bool
}

// Crimes lists all of them, by what they are about.
func Crimes() []Crime {
	return slices.Concat(logCrimes, caseCrimes, runCrimes, recordCrimes, measureCrimes, actCrimes, deskCrimes, witnessCrimes)
}

// Commit does it in a history; the seed chooses where. It reports false where the
// history has no place for it. Errors are those of leaves that are no entries.
func (c Crime) Commit(leaves [][]byte, seed uint64) ([][]byte, bool, error) {
	w, err := read(leaves, seed)
	if err != nil {
		return nil, false, err
	}
	named, before := w.named(), slices.Clone(w.all)
	if !c.do(w) {
		return nil, false, nil
	}
	w.rename(named, before)
	return w.leaves(), true, nil
}
