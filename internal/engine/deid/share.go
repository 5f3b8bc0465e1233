package deid

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/zeebo/blake3"
)

// MaxHolders bounds into how many shares a key can be split.
const MaxHolders = 16

const (
	shareKind      = "noroshi-deid-share/1"
	contextShare   = "noroshi 2026-11-22 deid share file check v1"
	contextMark    = "noroshi 2026-11-22 deid share mark v1"
	sizeOfMark     = 16
	leastOfHolders = 2
)

// ErrHolders is returned for a split that is none, or that nobody could join.
var ErrHolders = errors.New("deid: a key is split among 2 to 16 holders, of whom at least 2 are needed")

// Share is one holder's part of a key (Shamir, "How to share a secret", 1979,
// byte by byte over GF(2^8)). Fewer than Need shares say nothing about the key.
type Share struct {
	ID       string // of the key
	Approval string
	Index    int // 1…Of
	Need, Of int

	y     [32]byte
	marks [][sizeOfMark]byte // a digest of each share, so that holders can check each other
}

// Split cuts the key into shares for holders, of which any need give it back.
// It does not destroy the key: that is the caller's next step.
func (k *Key) Split(holders, need int) ([]*Share, error) {
	if need < leastOfHolders || need > holders || holders > MaxHolders {
		return nil, ErrHolders
	}
	// One polynomial per byte of the key: the byte, then random coefficients.
	coefficients := make([][32]byte, need)
	coefficients[0] = k.secret
	for i := range coefficients[1:] {
		_, _ = rand.Read(coefficients[1+i][:]) // never fails (crypto/rand)
	}
	defer clear(coefficients)
	marks := make([][sizeOfMark]byte, holders)
	shares := make([]*Share, holders)
	for i := range shares {
		s := &Share{ID: k.ID(), Approval: k.approval, Index: i + 1, Need: need, Of: holders, marks: marks}
		for b := range s.y {
			var v byte
			for c := need - 1; c >= 0; c-- { // Horner
				v = multiply(v, byte(s.Index)) ^ coefficients[c][b]
			}
			s.y[b] = v
		}
		marks[i] = s.mark()
		shares[i] = s
	}
	return shares, nil
}

// mark is a digest of what the share holds. A share is 256 random bits, so its
// mark does not help to guess it.
func (s *Share) mark() (m [sizeOfMark]byte) {
	head := fmt.Sprintf("%s %s %d/%d/%d ", s.ID, orNone(s.Approval), s.Index, s.Need, s.Of)
	blake3.DeriveKey(contextMark, append([]byte(head), s.y[:]...), m[:])
	return m
}

// Wipe overwrites the share.
func (s *Share) Wipe() { clear(s.y[:]) }

// Text is the share as a file for its holder.
func (s *Share) Text() []byte {
	out := newPage(shareKind)
	out.put("id", s.ID)
	out.put("approval", orNone(s.Approval))
	out.put("index", strconv.Itoa(s.Index))
	out.put("need", strconv.Itoa(s.Need))
	out.put("of", strconv.Itoa(s.Of))
	out.put("share", encode64(s.y[:]))
	var marks []byte
	for _, m := range s.marks {
		marks = append(marks, m[:]...)
	}
	out.put("marks", encode64(marks))
	out.put("check", encode64(checkOf(contextShare, out.b)))
	return out.b
}

// ParseShare reads what Text wrote. ErrDamaged says that it is not the share
// that was made.
func ParseShare(raw []byte) (*Share, error) {
	l, err := readPage(raw, shareKind)
	if err != nil {
		return nil, err
	}
	s := &Share{ID: l.takeID(), Approval: l.takeApproval()}
	s.Index, s.Need, s.Of = l.takeNumber("index"), l.takeNumber("need"), l.takeNumber("of")
	copy(s.y[:], l.takeBytes("share", len(s.y)))
	marks := l.takeBytes("marks", -1)
	check := l.takeBytes("check", 8)
	if err := l.end(); err != nil {
		return nil, err
	}
	if s.Need < leastOfHolders || s.Need > s.Of || s.Of > MaxHolders || s.Index < 1 || s.Index > s.Of || len(marks) != s.Of*sizeOfMark {
		return nil, fmt.Errorf("%w: index, need and of do not fit", ErrDamaged)
	}
	for m := range slices.Chunk(marks, sizeOfMark) {
		s.marks = append(s.marks, [sizeOfMark]byte(m))
	}
	text := s.Text()
	if want, _, _ := bytes.Cut(text, []byte("\ncheck: ")); !bytes.Equal(check, checkOf(contextShare, append(want, '\n'))) {
		return nil, fmt.Errorf("%w: the check does not fit", ErrDamaged)
	}
	return s, nil
}

// takeNumber reads the next line as a small number.
func (l *leaf) takeNumber(name string) int {
	s := l.take(name)
	n, err := strconv.Atoi(s)
	if l.err == nil && (err != nil || n < 0 || n > 255 || strconv.Itoa(n) != s) {
		l.err = fmt.Errorf("%w: line %q", ErrDamaged, name)
	}
	return n
}

// Why shares do not join.
const (
	TooFew    = "too_few"   // fewer shares than the key needs
	OtherKey  = "other_key" // of another key or approval than the first share
	OtherCut  = "other_cut" // of another split of the same key
	Duplicate = "duplicate" // a share given before
	Altered   = "altered"   // not what the other shares say it was
	Wrong     = "wrong"     // together they give another key; which is wrong cannot be told
)

// JoinError says which of the shares given to Join cannot be used.
type JoinError struct {
	At   []int  // places in the argument, from 0; empty for TooFew
	Why  string // one of the reasons above
	Need int    // of TooFew
	Have int
}

// Error names the shares by their places, from 1.
func (e *JoinError) Error() string {
	if e.Why == TooFew {
		return fmt.Sprintf("deid: %d shares are needed and %d given", e.Need, e.Have)
	}
	at := make([]int, len(e.At))
	for i, v := range e.At {
		at[i] = v + 1
	}
	return fmt.Sprintf("deid: share %v: %s", at, e.Why)
}

// Join gives back the key that was split. It refuses shares that do not belong
// together and names which (JoinError).
func Join(shares ...*Share) (*Key, error) {
	if len(shares) == 0 {
		return nil, &JoinError{Why: TooFew, Need: leastOfHolders}
	}
	if err := belong(shares); err != nil {
		return nil, err
	}
	if need := shares[0].Need; len(shares) < need {
		return nil, &JoinError{Why: TooFew, Need: need, Have: len(shares)}
	}
	k := &Key{approval: shares[0].Approval}
	used := shares[:shares[0].Need]
	for i, s := range used {
		// Lagrange at 0: the product of x_j / (x_j - x_i). Indices are public.
		weight := byte(1)
		for j, o := range used {
			if j != i {
				weight = multiply(weight, multiply(byte(o.Index), invert(byte(o.Index)^byte(s.Index))))
			}
		}
		for b := range k.secret {
			k.secret[b] ^= multiply(weight, s.y[b])
		}
	}
	if k.ID() != shares[0].ID {
		k.Wipe()
		all := make([]int, len(used))
		for i := range all {
			all[i] = i
		}
		return nil, &JoinError{At: all, Why: Wrong}
	}
	return k, nil
}

// belong checks each share against the first and against what the others
// remember of it.
func belong(shares []*Share) error {
	first, seen := shares[0], map[int]bool{}
	for i, s := range shares {
		switch {
		case s.ID != first.ID || s.Approval != first.Approval:
			return &JoinError{At: []int{i}, Why: OtherKey}
		case s.Need != first.Need || s.Of != first.Of:
			return &JoinError{At: []int{i}, Why: OtherCut}
		case seen[s.Index]:
			return &JoinError{At: []int{i}, Why: Duplicate}
		}
		seen[s.Index] = true
	}
	var altered []int
	strange := 0
	for i, s := range shares {
		against := 0
		for _, o := range shares {
			if o.marks[s.Index-1] != s.mark() {
				against++
			}
		}
		if against > 0 {
			altered = append(altered, i)
		}
		if s.marks[s.Index-1] == s.mark() && against == len(shares)-1 && against > 0 {
			strange++ // true to itself and to nobody else: of another split
		}
	}
	switch {
	case len(altered) == 0:
		return nil
	case strange > 0:
		return &JoinError{At: altered, Why: OtherCut}
	}
	return &JoinError{At: altered, Why: Altered}
}

// multiply is the product in GF(2^8) modulo x^8+x^4+x^3+x+1, in constant time:
// no table, no branch on a value.
func multiply(a, b byte) (p byte) {
	for range 8 {
		p ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return p
}

// invert is a^254, the inverse of a in GF(2^8); that of 0 is 0.
func invert(a byte) byte {
	r := byte(1)
	for range 7 { // 254 = 2+4+…+128
		a = multiply(a, a)
		r = multiply(r, a)
	}
	return r
}
