package exposure

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
)

// The compiled form of feeds: compiledMagic, the facts, and the index.
//
//	magic     8 bytes
//	length    of the facts, 8 bytes, big endian
//	facts     count, then id, flags, likelihood, automatable, impact, vector
//	checksum  SHA-256 of the facts, 32 bytes
//	index     see [product.ReadIndex]
const compiledMagic = "NRSHFED\x01"

// maxFacts bounds the facts of a compiled file, in bytes.
const maxFacts = 1 << 30

// Flags of a fact.
const (
	factExploited = 1 << iota
	factRansomware
	factWithdrawn
	factConceivable
	factActive
	factDescribed
	factRejected
)

// WriteTo writes the compiled form of feeds. The same feeds in the same order
// give the same bytes.
func (s *Stated) WriteTo(to io.Writer) (int64, error) {
	facts := binary.AppendUvarint(nil, uint64(len(s.known)))
	put := func(t string) { facts = append(binary.AppendUvarint(facts, uint64(len(t))), t...) }
	for _, id := range slices.Sorted(maps.Keys(s.known)) {
		k := s.known[id]
		put(id)
		flags := byte(0)
		for i, on := range [...]bool{k.Exploited, k.Ransomware, k.Withdrawn, k.Stated == Conceivable, k.Stated == Active, k.Described, k.Rejected} {
			if on {
				flags |= 1 << i
			}
		}
		facts = binary.BigEndian.AppendUint64(append(facts, flags), math.Float64bits(k.Likelihood))
		put(k.Automatable)
		put(k.Impact)
		put(k.Vector)
	}
	head := binary.BigEndian.AppendUint64([]byte(compiledMagic), uint64(len(facts)))
	sum := sha256.Sum256(facts)
	n := int64(0)
	for _, part := range [][]byte{head, facts, sum[:]} {
		wrote, err := to.Write(part)
		if n += int64(wrote); err != nil {
			return n, fmt.Errorf("write compiled feeds: %w", err)
		}
	}
	wrote, err := s.index.WriteTo(to)
	return n + wrote, err
}

// openCompiled reads a compiled file.
func openCompiled(path string) (*Stated, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Usage, "exposure.match.feed_unreadable", "file", path).Because(err)
	}
	defer f.Close()
	s, err := readCompiled(f)
	if err != nil {
		return nil, fault.New(fault.Usage, "exposure.match.compiled_bad", "file", filepath.Base(path)).Because(err)
	}
	return s, nil
}

var errCompiled = errors.New("compiled feeds: cut off or changed")

func readCompiled(r io.Reader) (*Stated, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:8]) != compiledMagic {
		return nil, errCompiled
	}
	length := binary.BigEndian.Uint64(head[8:])
	if length > maxFacts {
		return nil, errCompiled
	}
	var facts bytes.Buffer
	if n, err := io.CopyN(&facts, r, int64(length)+sha256.Size); err != nil || n != int64(length)+sha256.Size {
		return nil, errCompiled
	}
	b := facts.Bytes()
	sum := sha256.Sum256(b[:length])
	if !bytes.Equal(sum[:], b[length:]) {
		return nil, errCompiled
	}
	s := &Stated{memo: map[wording]Named{}}
	if err := s.readFacts(b[:length]); err != nil {
		return nil, err
	}
	var err error
	s.index, err = product.ReadIndex(bufio.NewReaderSize(r, 1<<20))
	return s, err
}

func (s *Stated) readFacts(b []byte) error {
	count, n := binary.Uvarint(b)
	const least = 13 // bytes of a fact without any text
	if n <= 0 || count > uint64(len(b)/least) {
		return errCompiled
	}
	b = b[n:]
	// One string holds the texts of all facts.
	all, at := string(b), 0
	text := func() string {
		size, w := binary.Uvarint(b[at:])
		if w <= 0 || size > uint64(len(b)-at-w) {
			at = len(b) + 1
			return ""
		}
		from := at + w
		at = from + int(size)
		return all[from:at]
	}
	s.known = make(map[string]Known, count)
	for range count {
		id := text()
		if at+9 > len(b) {
			return errCompiled
		}
		flags := b[at]
		k := Known{
			Exploited: flags&factExploited != 0, Ransomware: flags&factRansomware != 0, Withdrawn: flags&factWithdrawn != 0, Described: flags&factDescribed != 0, Rejected: flags&factRejected != 0,
			Likelihood: math.Float64frombits(binary.BigEndian.Uint64(b[at+1:])),
		}
		switch {
		case flags&factActive != 0:
			k.Stated = Active
		case flags&factConceivable != 0:
			k.Stated = Conceivable
		}
		at += 9
		for _, to := range [...]*string{&k.Automatable, &k.Impact, &k.Vector} {
			if at > len(b) {
				return errCompiled
			}
			*to = text()
		}
		if at > len(b) || math.IsNaN(k.Likelihood) {
			return errCompiled
		}
		s.known[id] = k
	}
	if at != len(b) {
		return errCompiled
	}
	return nil
}
