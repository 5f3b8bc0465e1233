package tlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	proofHeader = "c2sp.org/tlog-proof@v1"
	proofPath   = "proof" // stands for the proof in a Problem
	maxHashes   = 60      // no path in a tree of MaxSize entries is longer
	maxExtra    = 64 << 10
	maxProof    = maxCheckpoint + 2*maxExtra + 64*maxHashes
)

// Proof shows, to somebody who has only the log's key, that an entry is in
// the log (c2sp.org/tlog-proof). In JSON the hashes are base64.
type Proof struct {
	Index      uint64 `json:"index"`           // of the entry in the log
	Hashes     []Hash `json:"hashes"`          // inclusion proof, sibling of the leaf first (RFC 6962 section 2.1.1)
	Checkpoint string `json:"checkpoint"`      // the signed checkpoint, verbatim
	Extra      []byte `json:"extra,omitempty"` // anything; nobody vouches for it
}

// Text returns the proof as the content of a .tlog-proof file.
func (p Proof) Text() []byte {
	var b bytes.Buffer
	b.WriteString(proofHeader + "\n")
	if len(p.Extra) > 0 {
		fmt.Fprintf(&b, "extra %s\n", base64.StdEncoding.EncodeToString(p.Extra))
	}
	fmt.Fprintf(&b, "index %d\n", p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteString("\n" + p.Checkpoint)
	return b.Bytes()
}

// ParseProof reads the content of a .tlog-proof file. An error names the
// line, counted from 1. What the proof proves is for [Proof.Verify] to say.
func ParseProof(data []byte) (Proof, error) {
	if len(data) > maxProof {
		return Proof{}, fmt.Errorf("proof: has more than %d bytes", maxProof)
	}
	var p Proof
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != proofHeader {
		return Proof{}, fmt.Errorf("proof: line 1 is not %q, or no empty line ends the hashes", proofHeader)
	}
	at := 1
	if at < len(lines) {
		if text, ok := strings.CutPrefix(lines[at], "extra "); ok {
			extra, err := base64.StdEncoding.Strict().DecodeString(text)
			if err != nil || len(extra) == 0 || len(extra) > maxExtra {
				return Proof{}, fmt.Errorf("proof: line %d: extra is not base64 of 1 to %d bytes", at+1, maxExtra)
			}
			p.Extra = extra
			at++
		}
	}
	if at == len(lines) {
		return Proof{}, errors.New("proof: has no index line")
	}
	text, ok := strings.CutPrefix(lines[at], "index ")
	index, err := strconv.ParseUint(text, 10, 64)
	if !ok || err != nil || strconv.FormatUint(index, 10) != text {
		return Proof{}, fmt.Errorf("proof: line %d is not an index", at+1)
	}
	p.Index, p.Hashes = index, []Hash{} // JSON has a list even for the only entry
	for at++; at < len(lines); at++ {
		h, err := parseHash(lines[at])
		if err != nil {
			return Proof{}, fmt.Errorf("proof: line %d: %w", at+1, err)
		}
		if len(p.Hashes) == maxHashes {
			return Proof{}, fmt.Errorf("proof: line %d: more than %d hashes", at+1, maxHashes)
		}
		p.Hashes = append(p.Hashes, h)
	}
	p.Checkpoint = checkpoint
	return p, nil
}

// Prove returns the proof that the log of a signed checkpoint, whose size is
// at most the reader's, holds the entry at index. It does not check what the
// files say; [Proof.Verify] does.
func (r Reader) Prove(index uint64, checkpoint []byte) (Proof, error) {
	c, err := OpenCheckpoint(checkpoint)
	if err != nil {
		return Proof{}, err
	}
	hashes, err := r.Inclusion(index, c.Size)
	if err != nil {
		return Proof{}, err
	}
	return Proof{Index: index, Hashes: hashes, Checkpoint: string(checkpoint)}, nil
}

// Verify checks that the checkpoint is good, as [OpenCheckpoint] does with
// the keys, and that its log has the leaf at the proof's index. Without keys
// the signer is unknown. It fails with a [*Problem].
func (p Proof) Verify(leaf Hash, keys ...note.Verifier) (Checkpoint, error) {
	c, err := OpenCheckpoint([]byte(p.Checkpoint), keys...)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := CheckInclusion(p.Index, leaf, c, p.Hashes); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// CheckInclusion checks that the tree of a checkpoint has the leaf at index
// (RFC 6962 section 2.1.1). It fails with a [*Problem].
func CheckInclusion(index uint64, leaf Hash, in Checkpoint, proof []Hash) error {
	bad := func(format string, args ...any) error {
		p := problem(Differs, proofPath, format, args...)
		p.Entry = int64(min(index, MaxSize))
		return p
	}
	if in.Size > MaxSize || index >= in.Size {
		return bad("is not among the %d entries of the checkpoint", in.Size)
	}
	if len(proof) > maxHashes || tlog.CheckRecord(proof, int64(in.Size), in.Root, int64(index), leaf) != nil {
		return bad("is not proven: leaf and hashes do not lead to the root %v", in.Root)
	}
	return nil
}

// CheckConsistency checks that the log of an older checkpoint is the
// beginning of that of a newer one (RFC 6962 section 2.1.2). It fails with a
// [*Problem] of code Forked.
func CheckConsistency(older, newer Checkpoint, proof []Hash) error {
	if err := mayFollow(older, newer); err != nil {
		return err
	}
	switch {
	case older.Size == newer.Size || older.Size == 0: // nothing to prove
		if len(proof) > 0 {
			return problem(Forked, proofPath, "has %d hashes where none are needed", len(proof))
		}
	case len(proof) > 2*maxHashes || tlog.CheckTree(proof, int64(newer.Size), newer.Root, int64(older.Size), older.Root) != nil:
		return problem(Forked, proofPath, "does not lead from the checkpoint at %d to the one at %d", older.Size, newer.Size)
	}
	return nil
}

// mayFollow checks everything about two checkpoints that needs no hashes.
func mayFollow(older, newer Checkpoint) error {
	switch {
	case older.Origin != newer.Origin:
		return problem(Forked, CheckpointPath, "is of log %q, the earlier one of log %q", newer.Origin, older.Origin)
	case newer.Size > MaxSize:
		return problem(Malformed, CheckpointPath, "has size %d; a log has at most %d entries", newer.Size, uint64(MaxSize))
	case older.Size > newer.Size:
		return problem(Forked, CheckpointPath, "has %d entries, the earlier one had %d: entries were taken away", newer.Size, older.Size)
	case older.Size == newer.Size && older.Root != newer.Root:
		return problem(Forked, CheckpointPath, "has the root %v at size %d, the earlier one %v: the history was rewritten", newer.Root, newer.Size, older.Root)
	case older.Size == 0 && older.Root != emptyRoot():
		return problem(Forked, CheckpointPath, "the earlier one has size 0 but not the root of the empty log")
	}
	return nil
}

// Consistent checks with the tiles of a folder that the log of an older
// checkpoint is the beginning of that of the folder's own, newer one. A fork
// or a rollback is a [*Problem] of code Forked; tiles that are missing or
// belong to neither checkpoint fail too. The signatures are the caller's
// matter: see [OpenCheckpoint].
func Consistent(fsys fs.FS, older, newer Checkpoint) error {
	if err := mayFollow(older, newer); err != nil {
		return err
	}
	if older.Size == newer.Size || older.Size == 0 {
		return nil
	}
	r := Reader{fsys, newer.Size}
	proof, err := r.Consistency(older.Size, newer.Size)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	if CheckConsistency(older, newer, proof) == nil {
		return nil
	}
	// Are the tiles good and the older checkpoint of another history, or are
	// the tiles bad?
	if root, err := r.Root(newer.Size); err != nil || root != newer.Root {
		return problem(Differs, CheckpointPath, "the tiles of size %d have the root %v, not %v", newer.Size, root, newer.Root)
	}
	root, err := r.Root(older.Size)
	if err != nil {
		return fmt.Errorf("consistency: %w", err)
	}
	return problem(Forked, CheckpointPath, "the log had the root %v at size %d, the earlier checkpoint says %v: the history was rewritten", root, older.Size, older.Root)
}
