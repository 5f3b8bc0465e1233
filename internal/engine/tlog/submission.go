package tlog

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxSubmission is the largest submission to a witness in bytes.
const MaxSubmission = maxCheckpoint + 8<<10

// maxSubmitted is how many hashes of a proof a submission has at most
// (c2sp.org/tlog-witness).
const maxSubmitted = 63

// Submission is what a log gives a witness to cosign: a checkpoint, and the
// proof that it continues the one the witness cosigned last
// (c2sp.org/tlog-witness, add-checkpoint).
type Submission struct {
	Old        uint64 // size of the checkpoint that the witness cosigned last; 0: none
	Proof      []Hash // from there to the checkpoint (RFC 6962 section 2.1.2)
	Checkpoint []byte // the signed note
}

// Text returns the body of the request.
func (s Submission) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", s.Old)
	for _, h := range s.Proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(s.Checkpoint)
	return b.Bytes()
}

// ParseSubmission reads the body of a request. An error names the line, counted
// from 1. Whether checkpoint and proof are good is for the witness to say.
func ParseSubmission(body []byte) (s Submission, err error) {
	if len(body) > MaxSubmission {
		return s, fmt.Errorf("has more than %d bytes", MaxSubmission)
	}
	head, checkpoint, ok := strings.Cut(string(body), "\n\n")
	if !ok || checkpoint == "" {
		return s, errors.New("has no empty line with a checkpoint behind it")
	}
	lines := strings.Split(head, "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	s.Old, err = strconv.ParseUint(size, 10, 64)
	if !ok || err != nil || s.Old > MaxSize || strconv.FormatUint(s.Old, 10) != size {
		return s, errors.New("line 1: is not old and a size without leading zeroes")
	}
	if len(lines)-1 > maxSubmitted {
		return s, fmt.Errorf("line %d: more than %d hashes", maxSubmitted+2, maxSubmitted)
	}
	for i, line := range lines[1:] {
		h, err := parseHash(line)
		if err != nil {
			return s, fmt.Errorf("line %d: %w", i+2, err)
		}
		s.Proof = append(s.Proof, h)
	}
	s.Checkpoint = []byte(checkpoint)
	return s, nil
}
