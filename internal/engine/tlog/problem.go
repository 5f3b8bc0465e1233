package tlog

import (
	"fmt"
	"strings"
)

// Code says what sort of thing is wrong with a log. It is stable: callers
// choose their words by it.
type Code string

// The codes of problems.
const (
	Missing    Code = "missing"    // the checkpoint demands the file and it is not there
	Unexpected Code = "unexpected" // the file is no file of a log
	Stale      Code = "stale"      // a partial tile or bundle that a wider one has superseded
	Beyond     Code = "beyond"     // a tile or bundle of entries after the checkpoint's last
	Unreadable Code = "unreadable" // the file could not be read; nothing is known of its content
	Malformed  Code = "malformed"  // wrong length, framing or text
	Differs    Code = "differs"    // hashes do not agree: something was changed
	Unsigned   Code = "unsigned"   // no valid signature by a given key, or one for another log
	TooLarge   Code = "too_large"  // more entries than the caller allows
	Forked     Code = "forked"     // two checkpoints cannot belong to one history
	Refused    Code = "refused"    // the caller's own check of an entry failed
)

// NoEntry is the Entry of a problem that is not about a single entry.
const NoEntry = -1

// Problem is one thing wrong at one place of a log.
type Problem struct {
	Code   Code   `json:"code"`
	Path   string `json:"path"`  // file within the folder; "proof" in a proof
	Entry  int64  `json:"entry"` // index in the log, or NoEntry
	Detail string `json:"detail"`
	cause  error
}

// Error returns path, entry and what is wrong, in one line.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Path + ": ")
	if p.Entry != NoEntry {
		fmt.Fprintf(&b, "entry %d ", p.Entry)
	}
	b.WriteString(p.Detail)
	return b.String()
}

// Unwrap returns what the file system or the caller's check said, if it did.
func (p *Problem) Unwrap() error { return p.cause }

func problem(code Code, path, format string, args ...any) *Problem {
	return &Problem{Code: code, Path: path, Entry: NoEntry, Detail: fmt.Sprintf(format, args...)}
}

func (p *Problem) because(err error) *Problem {
	p.cause = err
	return p
}

// Problems is everything found wrong in one check, checkpoint first and then
// by path and entry; at most [MaxProblems].
type Problems []*Problem

// MaxProblems is how many problems a check collects before it gives up.
const MaxProblems = 100

// Error returns one line per problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems, for [errors.Is] and [errors.As].
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}
