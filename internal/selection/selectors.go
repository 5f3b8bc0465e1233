package selection

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/selector"
)

// MaxSelectors bounds a list of selectors as it is given, in bytes.
const MaxSelectors = 1 << 31

// Selectors is a list of search conditions as an order names it: its bytes as
// they were given, and what they were compiled to. Only ReadSelectors makes one,
// so that the two belong together.
type Selectors struct {
	given  []byte
	digest string
	set    *selector.Set
	report selector.Report
}

// Faults of a list.
var (
	ErrSelectors      = fault.New(fault.Usage, "selection.selectors")         // lines that cannot be taken
	ErrSelectorsEmpty = fault.New(fault.Usage, "selection.selectors.empty")   // no selector in it
	ErrTargets        = fault.New(fault.Refused, "selection.selectors.act")   // of the list, that the order does not name
	ErrSelectorsFile  = fault.New(fault.Usage, "selection.selectors.damaged") // a compiled list that is damaged or forged
)

// DigestOf is the SHA-256 of a file, in hex: of a list of selectors it is what an
// order names.
func DigestOf(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

// ReadSelectors reads a list in any form that engine/selector reads. It keeps raw.
// A selector that is over stays: the time of a packet decides. What a warning
// list keeps out is left out: see LeftOut. Faults:
// ErrSelectors with the first broken lines, ErrSelectorsEmpty, ErrSelectorsFile,
// and selector.binary.… for what is no list but a capture or the like.
func ReadSelectors(name string, raw []byte) (*Selectors, error) {
	return readSelectors(name, raw, nil)
}

// readSelectors reads a list under warnings; nil are those of the program.
func readSelectors(name string, raw []byte, w *selector.Warnings) (*Selectors, error) {
	set, report, err := selector.Read(name, raw, selector.Options{Warnings: w}, nil)
	if err == nil {
		return &Selectors{raw, DigestOf(raw), set, report}, nil
	}
	var refused *selector.RefusedError
	var file *selector.FileError
	var test *selector.SelftestError
	var binary *selector.BinaryError
	switch {
	case errors.As(err, &binary):
		return nil, binaryFault(name, binary)
	case errors.As(err, &refused):
		return nil, brokenLines(refused)
	case errors.Is(err, selector.ErrEmpty):
		return nil, ErrSelectorsEmpty.Because(err)
	case errors.As(err, &file), errors.As(err, &test):
		return nil, ErrSelectorsFile.Because(err)
	}
	return nil, err
}

// binaryFault says what was given in place of a list.
func binaryFault(name string, e *selector.BinaryError) error {
	return fault.New(fault.Usage, "selector.binary."+e.What, "file", name).Because(e)
}

// brokenLines names the first lines that cannot be taken, and how many there are.
func brokenLines(e *selector.RefusedError) error {
	r := &e.Report
	return fault.New(fault.Usage, ErrSelectors.Code, "file", r.Name, "n", r.Broken+r.Warned, "lines", r.Lines).Because(e).At(placesOf(r)...)
}

// serves reports whether the list is aimed at nothing but these target acts (art
// 21); a selector that names none is aimed at any of them. ErrTargets with the
// first that is not.
func (l *Selectors) serves(acts []string) error {
	if len(acts) == 0 {
		return nil
	}
	for id := selector.ID(1); int(id) <= l.set.Len(); id++ {
		if act := l.set.Info(id).Act; act != "" && !slices.Contains(acts, act) {
			return ErrTargets.At(fault.Place{At: l.set.Ref(id), Code: "selection.selectors.other_act", Args: fault.Args{"act": printed(act)}})
		}
	}
	return nil
}

// overridden is how many of its selectors meet a warning list and were taken with
// the reason of a second person.
func (l *Selectors) overridden() int {
	n, _ := l.set.Overridden()
	return n
}

// LeftOut says, as a fault to be shown and not returned, what a warning list kept
// out; nil where it kept nothing out.
func (l *Selectors) LeftOut() *fault.Error {
	if l.report.Warned == 0 {
		return nil
	}
	return fault.New(fault.Usage, "selector.skipped", "n", l.report.Warned, "warned", l.report.Warned).At(placesOf(&l.report)...)
}

// Digest is the SHA-256 of the list as it was given, in hex.
func (l *Selectors) Digest() string { return l.digest }

// Set is the list as it is matched.
func (l *Selectors) Set() *selector.Set { return l.set }
