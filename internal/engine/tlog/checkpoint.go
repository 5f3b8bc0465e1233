package tlog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// maxCheckpoint is the largest signed checkpoint in bytes; a hundred
// signatures of the longest usual kind fit several times.
const maxCheckpoint = 512 << 10

// Checkpoint is the head of a log at one size (c2sp.org/tlog-checkpoint). It
// says nothing about who vouches for it: that is for [OpenCheckpoint].
type Checkpoint struct {
	Origin     string   `json:"origin"` // unique name of the log; one line
	Size       uint64   `json:"size"`   // number of entries, at most MaxSize
	Root       Hash     `json:"root"`   // Merkle tree hash of the entries
	Extensions []string `json:"extensions,omitempty"`
}

// Text returns the note text: origin, size, root and extensions, a line each.
func (c Checkpoint) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
	for _, line := range c.Extensions {
		b.WriteString(line)
		b.WriteByte('\n')
	}
	return b.String()
}

// ParseCheckpoint reads the text of a note as a checkpoint. It accepts only
// what [Checkpoint.Text] writes. An error names the line, counted from 1.
func ParseCheckpoint(text string) (Checkpoint, error) {
	var c Checkpoint
	if len(text) > maxCheckpoint {
		return c, fmt.Errorf("has more than %d bytes", maxCheckpoint)
	}
	body, ended := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	if !ended || len(lines) < 3 {
		return c, errors.New("has no three full lines: origin, size and root")
	}
	for i, line := range lines {
		if line == "" || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
			return c, fmt.Errorf("line %d is empty or is not plain UTF-8 text", i+1)
		}
	}
	size, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || size > MaxSize || strconv.FormatUint(size, 10) != lines[1] {
		return c, fmt.Errorf("line 2: %q is not a size from 0 to %d without leading zeroes", lines[1], uint64(MaxSize))
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return c, fmt.Errorf("line 3: %w", err)
	}
	if size == 0 && root != emptyRoot() {
		return c, errors.New("line 3: is not the root of the empty log, but the size is 0")
	}
	c = Checkpoint{Origin: lines[0], Size: size, Root: root}
	if len(lines) > 3 {
		c.Extensions = lines[3:]
	}
	return c, nil
}

// parseHash reads a hash in base64, in the one spelling that Hash.String has.
func parseHash(s string) (Hash, error) {
	h, err := tlog.ParseHash(s)
	if err != nil || h.String() != s {
		return Hash{}, fmt.Errorf("%q is not a SHA-256 hash in base64", s)
	}
	return h, nil
}

// SignCheckpoint returns the checkpoint as a signed note, ready to be the
// content of [CheckpointPath]. The name of the first signer must be the
// origin: clients look for the log's key by it. A log must never sign two
// checkpoints of which one does not begin the other.
func SignCheckpoint(c Checkpoint, signers ...note.Signer) ([]byte, error) {
	if len(signers) == 0 || signers[0].Name() != c.Origin {
		return nil, fmt.Errorf("sign checkpoint: the key of log %q has to sign first", c.Origin)
	}
	text := c.Text()
	if back, err := ParseCheckpoint(text); err != nil {
		return nil, fmt.Errorf("sign checkpoint: the text %w", err)
	} else if back.Origin != c.Origin || !slices.Equal(back.Extensions, c.Extensions) {
		return nil, errors.New("sign checkpoint: origin and extensions must be single lines")
	}
	msg, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return msg, nil
}

// OpenCheckpoint reads a signed checkpoint. If keys are given, one of them
// must have signed it and must bear the name of its origin; any other
// signature is ignored unless it claims to be by a given key and is wrong. If
// none are given, nobody vouches for the result. Failures are [*Problem]s of
// the codes Malformed and Unsigned.
func OpenCheckpoint(msg []byte, keys ...note.Verifier) (Checkpoint, error) {
	c, p, err := openCheckpoint(msg, keys)
	if err != nil {
		return Checkpoint{}, err
	}
	if p != nil {
		return Checkpoint{}, p
	}
	return c, nil
}

// openCheckpoint returns the checkpoint even if its signature is the problem.
func openCheckpoint(msg []byte, keys []note.Verifier) (Checkpoint, *Problem, error) {
	if len(msg) > maxCheckpoint {
		return Checkpoint{}, nil, problem(Malformed, CheckpointPath, "has more than %d bytes", maxCheckpoint)
	}
	n, p := openNote(msg, keys)
	if n == nil {
		return Checkpoint{}, nil, p
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, problem(Malformed, CheckpointPath, "%v", err)
	}
	if p == nil && len(keys) > 0 && !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool { return s.Name == c.Origin }) {
		p = problem(Unsigned, CheckpointPath, "is of log %q and signed by the key of log %q", c.Origin, n.Sigs[0].Name)
	}
	return c, p, nil
}

// openNote reads a note and says what is wrong with its signatures. The note
// is nil if it cannot be read at all.
func openNote(msg []byte, keys []note.Verifier) (*note.Note, *Problem) {
	n, err := note.Open(msg, note.VerifierList(keys...))
	if err == nil {
		return n, nil
	}
	var unverified *note.UnverifiedNoteError
	if errors.As(err, &unverified) {
		if len(keys) == 0 {
			return unverified.Note, nil
		}
		names := make([]string, 0, len(keys))
		for _, k := range keys {
			names = append(names, fmt.Sprintf("%s+%08x", k.Name(), k.KeyHash()))
		}
		return unverified.Note, problem(Unsigned, CheckpointPath, "is not signed by the given key %s", strings.Join(names, " or "))
	}
	var invalid *note.InvalidSignatureError
	if errors.As(err, &invalid) {
		p := problem(Unsigned, CheckpointPath, "has a wrong signature in the name of %s+%08x", invalid.Name, invalid.Hash)
		if _, err := note.Open(msg, note.VerifierList()); errors.As(err, &unverified) {
			return unverified.Note, p
		}
		return nil, p
	}
	return nil, problem(Malformed, CheckpointPath, "is not a signed note: %v", err).because(err)
}

// maxKeys bounds a key file.
const maxKeys = 100

// ParseKeys reads a file of verifier keys (c2sp.org/signed-note): one
// "name+hash+key" a line; blank lines and lines that start with # are
// skipped. Only Ed25519 keys are known. An error names the line.
func ParseKeys(text []byte) ([]note.Verifier, error) {
	if len(text) > maxCheckpoint {
		return nil, fmt.Errorf("key file: has more than %d bytes", maxCheckpoint)
	}
	var keys []note.Verifier
	seen := map[string]int{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if strings.HasPrefix(line, "PRIVATE+KEY+") {
			return nil, fmt.Errorf("key file: line %d holds a signing key; keep it secret and give the verifier key", number)
		}
		key, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("key file: line %d: %w", number, err)
		}
		id := fmt.Sprintf("%s+%08x", key.Name(), key.KeyHash())
		if seen[id] > 0 {
			return nil, fmt.Errorf("key file: line %d repeats the key of line %d", number, seen[id])
		}
		if len(keys) == maxKeys {
			return nil, fmt.Errorf("key file: line %d: more than %d keys", number, maxKeys)
		}
		seen[id] = number
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("key file: holds no key; a key is a line such as name+1234abcd+A… in base64")
	}
	return keys, nil
}
