package deid

import (
	"bufio"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// maxVaultLine bounds a line of a vault: a name, a number, and the base 64 of the
// longest value.
const maxVaultLine = 2 * MaxSealed

// CheckVault reads a vault line by line, without a key, and returns its head and
// how many entries it has. Every line has to be one that a Sealer writes: entries
// of a segment are numbered from 0, each names a pseudonym or the key of the
// addresses, and its value has the length of something sealed. What the values say
// only the holders of the key can tell. A VaultError names the line; ErrForeign is
// another file, and errors of r come as they are.
func CheckVault(r io.Reader) (head Head, entries int, err error) {
	in := bufio.NewReaderSize(r, maxVaultLine)
	var top []byte
	for range 3 {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return Head{}, 0, cutShort(err, ErrForeign)
		}
		top = append(top, line...)
	}
	if head, _, err = vaultHead(top); err != nil {
		return Head{}, 0, err
	}
	index := perSegment // no segment has begun
	for n := 4; ; n++ {
		line, err := in.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return head, entries, nil
		}
		if err != nil {
			return Head{}, 0, cutShort(err, &VaultError{n, ErrDamaged})
		}
		e, err := parseEntry(line[:len(line)-1])
		switch {
		case err != nil:
		case e.once != nil:
			if index = 0; decodes(e.once) != 32 {
				err = ErrDamaged
			}
		case e.index != index || !e.written():
			err = ErrDamaged
		default:
			index, entries = index+1, entries+1
		}
		if err != nil {
			return Head{}, 0, &VaultError{n, err}
		}
	}
}

// cutShort is bad where a file ends within a line, or has one that is too long.
func cutShort(err, bad error) error {
	if err == io.EOF || errors.Is(err, bufio.ErrBufferFull) {
		return bad
	}
	return err
}

// written reports whether a Sealer can have written the entry.
func (e entry) written() bool {
	n := decodes(e.sealed) - chacha20poly1305.Overhead
	if n <= 0 || n%padding != 0 || n > MaxSealed+padding {
		return false
	}
	if epoch, ok := strings.CutPrefix(e.name, networksKey); ok {
		v, err := strconv.ParseUint(epoch, 10, 32)
		return err == nil && strconv.FormatUint(v, 10) == epoch && n == 2*padding
	}
	p, err := ParsePseudonym(e.name)
	return err == nil && p.String() == e.name
}

// decodes is how many bytes the base 64 stands for; -1 where it is none.
func decodes(text []byte) int {
	raw, err := base64.RawStdEncoding.Strict().DecodeString(string(text))
	if err != nil {
		return -1
	}
	return len(raw)
}
