package selector

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/blake3"
	"golang.org/x/mod/sumdb/note"
)

// Compile makes the Set of what was gathered. The Builder is spent.
func (b *Builder) Compile() (*Set, error) {
	file, err := b.Encode()
	if err != nil {
		return nil, err
	}
	*b = Builder{}
	return Load(file, nil)
}

// Load makes a Set of a compiled list, which it keeps and uses in place: do not
// change file afterwards. With known keys, one of them must have signed it.
// Every length, offset and value is checked, and the Set tests itself. Errors
// are *FileError or *SelftestError.
func Load(file []byte, known note.Verifiers) (*Set, error) {
	b, rest, err := parseBody(file)
	if err != nil {
		return nil, err
	}
	signers, err := checkNote(rest, &b, known)
	if err != nil {
		return nil, err
	}
	s, err := index(b)
	if err != nil {
		return nil, err
	}
	s.signers = signers
	blake3.DeriveKey(contextRefs, b.hash[:], s.refs[:])
	return s, s.Selftest()
}

// statement is the text that is signed.
func statement(n int, hash [32]byte) string {
	return fmt.Sprintf("noroshi selectors\n%d\n%s\n", n, base64.StdEncoding.EncodeToString(hash[:]))
}

// Sign returns the compiled list with the signatures of the given keys behind
// it, in place of any that it had. The hash stays.
func Sign(file []byte, signers ...note.Signer) ([]byte, error) {
	b, rest, err := parseBody(file)
	if err != nil {
		return nil, err
	}
	msg, err := note.Sign(&note.Note{Text: statement(b.n, b.hash)}, signers...)
	if err != nil {
		return nil, fmt.Errorf("selector: sign: %w", err)
	}
	out := bytes.Clone(file[:len(file)-len(rest)])
	out = append(out, msg...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(msg)))
	return append(out, noteMagic...), nil
}

// checkNote checks what follows the arena: nothing, or a signed note. With
// known keys it returns the names of those that signed, and fails when none did.
func checkNote(rest []byte, b *body, known note.Verifiers) (names []string, err error) {
	if len(rest) == 0 {
		if known != nil {
			return nil, &FileError{ErrUnsigned, "it has no signature"}
		}
		return nil, nil
	}
	const tail = 4 + len(noteMagic)
	if len(rest) < tail || len(rest) > maxNote || string(rest[len(rest)-len(noteMagic):]) != noteMagic ||
		int(binary.LittleEndian.Uint32(rest[len(rest)-tail:])) != len(rest)-tail {
		return nil, damaged("bytes after the list that are no signature")
	}
	msg := rest[:len(rest)-tail]
	if !bytes.HasPrefix(msg, []byte(statement(b.n, b.hash)+"\n")) {
		return nil, damaged("the signature is for another list")
	}
	if known == nil {
		return nil, nil
	}
	n, err := note.Open(msg, known)
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		return nil, &FileError{ErrUnsigned, "it is signed with other keys"}
	}
	if err != nil {
		return nil, &FileError{ErrUnsigned, "its signature does not verify"}
	}
	for _, sig := range n.Sigs {
		// One signature is written in one way only: no bits behind its end.
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return nil, &FileError{ErrUnsigned, "its signature is not written as it was made"}
		}
		names = append(names, sig.Name)
	}
	return names, nil
}
