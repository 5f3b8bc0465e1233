package oversight

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// algCosignature is the type of an Ed25519 key that signs with a time
// (c2sp.org/tlog-cosignature).
const algCosignature = 0x04

// cosigner signs checkpoints as a witness: that the log, at this instant,
// continued everything the witness had seen of it.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
	now  func() time.Time
}

// NewCosigner makes a key of a witness and returns its secret, as it is kept,
// and its verifier key.
func NewCosigner(name string) (secret, vkey string, err error) {
	if name == "" || strings.ContainsAny(name, " +\n\t") {
		return "", "", fmt.Errorf("%q is no name of a key", name)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	secret = fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, keyHash(name, public), base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, private.Seed()...)))
	return secret, verifierText(name, public), nil
}

func verifierText(name string, public ed25519.PublicKey) string {
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, public), base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, public...)))
}

// keyHash is the id of a key: the first four bytes of SHA-256 over name, line
// end, type and key (c2sp.org/signed-note).
func keyHash(name string, public ed25519.PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{algCosignature})
	h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

var errKey = errors.New("is not a key of a witness")

// readCosigner reads a secret as [NewCosigner] makes it.
func readCosigner(text string, now func() time.Time) (*cosigner, string, error) {
	part := strings.SplitN(strings.TrimSpace(text), "+", 5)
	if len(part) != 5 || part[0] != "PRIVATE" || part[1] != "KEY" {
		return nil, "", errKey
	}
	raw, err := base64.StdEncoding.DecodeString(part[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize || raw[0] != algCosignature {
		return nil, "", errKey
	}
	private := ed25519.NewKeyFromSeed(raw[1:])
	public, _ := private.Public().(ed25519.PublicKey)
	c := &cosigner{part[2], keyHash(part[2], public), private, now}
	if fmt.Sprintf("%08x", c.hash) != part[3] {
		return nil, "", errKey
	}
	return c, verifierText(c.name, public), nil
}

// Name and KeyHash are those of a [note.Signer].
func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

// Sign signs a checkpoint's text: eight bytes of time, then the signature.
func (c *cosigner) Sign(text []byte) ([]byte, error) {
	at := c.now().Unix()
	sig := binary.BigEndian.AppendUint64(nil, uint64(at))
	return append(sig, ed25519.Sign(c.key, cosigned(at, text))...), nil
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
	if len(part) != 3 {
		return nil, errKey
	}
	raw, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algCosignature {
		return nil, errKey
	}
	w := &witness{part[0], keyHash(part[0], raw[1:]), raw[1:]}
	if fmt.Sprintf("%08x", w.hash) != part[1] {
		return nil, errKey
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
	return at <= 1<<62 && ed25519.Verify(w.key, cosigned(int64(at), text), sig[8:])
}
