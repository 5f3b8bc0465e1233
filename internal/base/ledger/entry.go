package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Outcomes of an act.
const (
	Done    = "done"
	Refused = "refused"
)

// Entry is what the log says of one act. It is the leaf of the Merkle tree:
// its JSON, in the order of the fields below, byte for byte.
type Entry struct {
	V       int            `json:"v"`                 // 1
	ID      string         `json:"id"`                // UUIDv7
	At      time.Time      `json:"at"`                // UTC, microseconds
	Who     string         `json:"who,omitempty"`     // pseudonym of the person; empty for the system itself
	Org     string         `json:"org,omitempty"`     // pseudonym of their organisation
	Verb    string         `json:"verb"`              // noun.verb
	Object  string         `json:"object,omitempty"`  // noun/id
	Purpose string         `json:"purpose,omitempty"` // for what it was done, where a purpose is asked
	Grant   string         `json:"grant,omitempty"`   // id of the Grant it rests on, where one is needed
	Outcome string         `json:"outcome"`           // done | refused
	Reason  string         `json:"reason,omitempty"`  // code of the refusal
	Public  map[string]any `json:"public,omitempty"`  // what oversight needs in clear to replay the rules
	Digest  string         `json:"digest,omitempty"`  // sha256:… of salt and secret
}

// maxID bounds an id in an entry, in bytes.
const maxID = 160

// plain returns an id, or "?" for what is none. What a request asked for
// stands in its refusal: somebody may have typed a name there, or a book, and
// the log never forgets.
func plain(id string) string {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._:-", r)
	}
	if len(id) > maxID || strings.ContainsFunc(id, odd) {
		return "?"
	}
	return id
}

// encode returns the leaf.
func (e Entry) encode() (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return "", fmt.Errorf("ledger entry %s: %w", e.Verb, err)
	}
	return string(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// ParseEntry reads a leaf. It fails when the leaf is not exactly what encoding
// the entry gives, so that nothing can hide in spelling.
func ParseEntry(leaf []byte) (Entry, error) {
	var e Entry
	dec := json.NewDecoder(bytes.NewReader(leaf))
	dec.DisallowUnknownFields()
	dec.UseNumber()
	if err := dec.Decode(&e); err != nil {
		return e, fmt.Errorf("ledger entry: %w", err)
	}
	if e.V != 1 || e.ID == "" || e.Verb == "" || (e.Outcome != Done && e.Outcome != Refused) {
		return e, fmt.Errorf("ledger entry: v, id, verb or outcome is missing or unknown")
	}
	again, err := e.encode()
	if err != nil {
		return e, err
	}
	if again != string(leaf) {
		return e, fmt.Errorf("ledger entry %s: is not in canonical form", e.ID)
	}
	return e, nil
}

// Digest returns the salted digest of a secret, as it stands in an entry: of
// its JSON, or of the very bytes of a json.RawMessage.
func Digest(salt []byte, secret any) (string, error) {
	raw, ok := secret.(json.RawMessage)
	if !ok {
		var err error
		if raw, err = json.Marshal(secret); err != nil {
			return "", fmt.Errorf("ledger digest: %w", err)
		}
	}
	h := sha256.New()
	h.Write(salt)
	h.Write(raw)
	return "sha256:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)), nil
}
