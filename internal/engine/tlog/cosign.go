package tlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// algCosignature is the type of an Ed25519 key that signs with a time
// (c2sp.org/tlog-cosignature).
const algCosignature = 0x04

// Cosigner signs checkpoints as a witness: that the log, at an instant,
// continued everything the witness had seen of it (c2sp.org/tlog-cosignature,
// the form with Ed25519).
type Cosigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
}

// NewCosigner makes a key of a witness from 32 random bytes and returns its
// secret, as [ReadCosigner] reads it, and its verifier key.
func NewCosigner(name string, random io.Reader) (secret, vkey string, err error) {
	if name == "" || strings.ContainsAny(name, " +\n\t") {
		return "", "", fmt.Errorf("%q is no name of a key", name)
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return "", "", fmt.Errorf("make key of witness: %w", err)
	}
	private := ed25519.NewKeyFromSeed(seed)
	public, _ := private.Public().(ed25519.PublicKey)
	secret = fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, cosignerHash(name, public), base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, seed...)))
	return secret, cosignerText(name, public), nil
}

func cosignerText(name string, public ed25519.PublicKey) string {
	return fmt.Sprintf("%s+%08x+%s", name, cosignerHash(name, public), base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, public...)))
}

// cosignerHash is the id of a key: the first four bytes of SHA-256 over name,
// line end, type and key (c2sp.org/signed-note).
func cosignerHash(name string, public ed25519.PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{algCosignature})
	h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

var errCosigner = errors.New("is not a key of a witness; one is a line such as name+1234abcd+B… in base64")

// ReadCosigner reads a secret as [NewCosigner] makes it.
func ReadCosigner(text string) (*Cosigner, error) {
	part := strings.SplitN(strings.TrimSpace(text), "+", 5)
	if len(part) != 5 || part[0] != "PRIVATE" || part[1] != "KEY" {
		return nil, errCosigner
	}
	raw, err := base64.StdEncoding.DecodeString(part[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize || raw[0] != algCosignature {
		return nil, errCosigner
	}
	private := ed25519.NewKeyFromSeed(raw[1:])
	public, _ := private.Public().(ed25519.PublicKey)
	c := &Cosigner{part[2], cosignerHash(part[2], public), private}
	if fmt.Sprintf("%08x", c.hash) != part[3] {
		return nil, errCosigner
	}
	return c, nil
}

// VKey returns the verifier key, as [ReadWitness] reads it.
func (c *Cosigner) VKey() string {
	public, _ := c.key.Public().(ed25519.PublicKey)
	return cosignerText(c.name, public)
}

// At returns a signer that signs as of an instant.
func (c *Cosigner) At(t time.Time) note.Signer { return cosignerAt{c, t.Unix()} }

type cosignerAt struct {
	*Cosigner
	at int64
}

// Name and KeyHash are those of a [note.Signer].
func (c cosignerAt) Name() string    { return c.name }
func (c cosignerAt) KeyHash() uint32 { return c.hash }

// Sign signs a checkpoint's text: eight bytes of time, then the signature.
func (c cosignerAt) Sign(text []byte) ([]byte, error) {
	if c.at <= 0 {
		return nil, errors.New("cosign: the clock stands before 1970")
	}
	sig := binary.BigEndian.AppendUint64(nil, uint64(c.at))
	return append(sig, ed25519.Sign(c.key, cosigned(c.at, text))...), nil
}

// cosigned is the message under a cosignature.
func cosigned(at int64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

// witness verifies cosignatures.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// ReadWitness reads the verifier key of a witness.
func ReadWitness(vkey string) (note.Verifier, error) {
	part := strings.SplitN(strings.TrimSpace(vkey), "+", 3)
	if len(part) != 3 || part[0] == "" {
		return nil, errCosigner
	}
	raw, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algCosignature {
		return nil, errCosigner
	}
	w := &witness{part[0], cosignerHash(part[0], raw[1:]), raw[1:]}
	if fmt.Sprintf("%08x", w.hash) != part[1] {
		return nil, errCosigner
	}
	return w, nil
}

// Name and KeyHash are those of a [note.Verifier].
func (w *witness) Name() string    { return w.name }
func (w *witness) KeyHash() uint32 { return w.hash }

// Verify reports whether a cosignature is good for a text, whatever its time.
func (w *witness) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at > 0 && at <= math.MaxInt64 && ed25519.Verify(w.key, cosigned(int64(at), text), sig[8:])
}

// Cosignature is what one witness said of a checkpoint.
type Cosignature struct {
	Name string    // of the witness's key
	Hash uint32    // its id
	At   time.Time // when the witness signed, by its own clock, to the second
	Line string    // the line of the note, with its end
}

// Cosignatures reads a signed checkpoint and what given witnesses said of it.
// The log's own keys must have signed it too. Lines of unknown keys are left
// out; one of a given key that does not verify makes the whole bad. Failures are
// [*Problem]s.
func Cosignatures(msg []byte, log, witnesses []note.Verifier) (Checkpoint, []Cosignature, error) {
	c, err := OpenCheckpoint(msg, slices.Concat(log, witnesses)...)
	if err != nil {
		return c, nil, err
	}
	if _, err := OpenCheckpoint(msg, log...); err != nil { // not by a witness of the log's name alone
		return c, nil, err
	}
	n, p := openNote(msg, witnesses)
	if p != nil || len(witnesses) == 0 {
		return c, nil, nil // by none of them
	}
	var out []Cosignature
	for _, s := range n.Sigs {
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil || len(raw) != 4+8+ed25519.SignatureSize {
			continue // no form of a cosignature; Verify said no already
		}
		at := int64(binary.BigEndian.Uint64(raw[4:12]))
		out = append(out, Cosignature{s.Name, s.Hash, time.Unix(at, 0).UTC(), "— " + s.Name + " " + s.Base64 + "\n"})
	}
	return c, out, nil
}
