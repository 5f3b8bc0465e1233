// Package fault gives every error that leaves the program a kind, a code and
// its arguments. The kind decides the HTTP status and the exit code; the code
// is the key of a sentence in Japanese and English (see base/text). Packages
// return or handle a fault, never both, and wrap with the step and %w.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind says what sort of thing went wrong, and so who has to act.
type Kind int

// The kinds. Internal is the zero value: an error nobody classified is ours.
const (
	Internal        Kind = iota // a defect or a broken environment
	Invalid                     // the input says something that cannot be accepted
	Usage                       // the input cannot be parsed, or the call is wrong
	Unauthenticated             // nobody is signed in
	Refused                     // somebody is signed in, and may not
	NotFound                    // it does not exist, or its existence is not theirs to know
	Conflict                    // it changed meanwhile, or it is in the wrong state
	TooLarge                    // over a stated limit
	Busy                        // try again later: a bounded queue is full
	Unmet                       // a check ran and found something
)

var kinds = map[Kind]struct {
	name   string
	status int
	exit   int
}{
	Internal:        {"internal", 500, 1},
	Invalid:         {"invalid", 422, 3},
	Usage:           {"usage", 400, 2},
	Unauthenticated: {"unauthenticated", 401, 3},
	Refused:         {"refused", 403, 3},
	NotFound:        {"not_found", 404, 1},
	Conflict:        {"conflict", 409, 1},
	TooLarge:        {"too_large", 413, 2},
	Busy:            {"busy", 503, 1},
	Unmet:           {"unmet", 422, 3},
}

// String returns the kind's name as it stands in problem documents and logs.
func (k Kind) String() string { return kinds[k].name }

// Status returns the HTTP status of the kind (RFC 9110).
func (k Kind) Status() int { return kinds[k].status }

// Exit returns the exit code of the kind: 1 could not do it, 2 usage or
// unparsable input, 3 refused or a check found something.
func (k Kind) Exit() int { return kinds[k].exit }

// Args are the named values a sentence is filled with.
type Args map[string]any

// Place is one thing wrong at one place of an input: a row and cell of a
// table, a JSON pointer of a document, the name of a form field.
type Place struct {
	At   string `json:"at"`             // "row 23, column C", "/items/3/name", "maker"
	Code string `json:"code"`           // key of the sentence that says what to do
	Args Args   `json:"args,omitempty"` // values for the sentence
}

// Error is a classified error.
type Error struct {
	Kind   Kind
	Code   string
	Args   Args
	Places []Place
	cause  error
}

// New returns a fault. Pairs are name, value, name, value.
func New(kind Kind, code string, pairs ...any) *Error {
	if len(pairs)%2 != 0 {
		panic("BUG: fault.New: odd number of pairs for " + code)
	}
	e := &Error{Kind: kind, Code: code}
	for i := 0; i < len(pairs); i += 2 {
		if e.Args == nil {
			e.Args = Args{}
		}
		e.Args[pairs[i].(string)] = pairs[i+1]
	}
	return e
}

// Because returns a copy of the fault that wraps cause. The cause is for the
// log; it is never shown to a client.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// At returns a copy of the fault with the places appended.
func (e *Error) At(places ...Place) *Error {
	c := *e
	c.Places = append(slices.Clone(e.Places), places...)
	return &c
}

// Error returns the code, its arguments in order of name, and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	for _, k := range slices.Sorted(maps.Keys(e.Args)) {
		fmt.Fprintf(&b, " %s=%v", k, e.Args[k])
	}
	for _, p := range e.Places {
		fmt.Fprintf(&b, "; %s: %s", p.At, p.Code)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is a fault with the same code, so that a
// package's exported faults work with errors.Is whatever their arguments.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Of returns the fault in err's chain, or an Internal one that wraps err.
// Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return New(Internal, "fault.internal").Because(err)
}

// KindOf returns the kind of err.
func KindOf(err error) Kind { return Of(err).Kind }
