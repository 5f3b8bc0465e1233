// Package jsonscan reads JSON documents that are larger than memory: a
// [Scanner] goes to an array or object inside the document and hands out its
// elements one by one, each checked and as plain bytes; a [Cursor] then reads
// the fields of one element in a single pass.
//
// It is stricter than encoding/json (RFC 8259 with the restrictions of
// RFC 7493): a name that stands twice in one object, bytes that are no UTF-8,
// half a surrogate pair and U+0000 are errors, because two readers would
// understand them differently. Memory is bounded by [Limits] whatever is read.
package jsonscan

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Limits bounds what a Scanner accepts. A zero field means its default.
type Limits struct {
	Depth   int   // arrays and objects inside each other; 128
	Element int   // bytes of one value that is handed out or skipped; 32 MiB
	Members int   // names of one object that is entered, of 64 MiB together; 1 Mi
	Total   int64 // bytes of the document; unlimited
}

// Value is one valid JSON value without space around it.
type Value []byte

// Kind is the kind of a value.
type Kind uint8

// The kinds. Invalid is the kind of an empty [Value] only.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

var kindOf = [256]Kind{
	'n': Null, 't': Bool, 'f': Bool, '"': String, '[': Array, '{': Object, '-': Number,
	'0': Number, '1': Number, '2': Number, '3': Number, '4': Number,
	'5': Number, '6': Number, '7': Number, '8': Number, '9': Number,
}

// Kind returns the kind of v.
func (v Value) Kind() Kind {
	if len(v) == 0 {
		return Invalid
	}
	return kindOf[v[0]]
}

// What can be wrong with a document, for errors.Is.
var (
	ErrSyntax = errors.New("not valid JSON")
	ErrCut    = errors.New("the document ends in the middle")
	ErrTwice  = errors.New("a name stands twice in one object")
	ErrDeep   = errors.New("nested too deeply")
	ErrLarge  = errors.New("larger than the limit")
	ErrText   = errors.New("text that is not valid UTF-8, or has a broken escape or U+0000 in it")
	ErrAfter  = errors.New("something follows the end of the document")
)

// Error says what is wrong and where.
type Error struct {
	Offset int64  // bytes from the start of the document
	Path   string // JSON pointer (RFC 6901) of the innermost value begun
	Err    error  // one of the Err… values, or what the reader returned
}

// Error returns the place and what is wrong there.
func (e *Error) Error() string {
	return fmt.Sprintf("byte %d, %q: %v", e.Offset, e.Path, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Elements reads the document in r and calls yield with each element of the
// array, or member of the object, at path (names, or decimal indexes of
// arrays). Key is empty in an array. The value is valid until yield returns.
// Elements reads on to the end of the document, so that it returns nil only
// for a document that is valid as a whole; found reports whether path exists.
func Elements(r io.Reader, l Limits, path []string, yield func(key string, i int, v Value) error) (found bool, err error) {
	s := New(r, l)
	if err := s.elements(path, &found, yield); err != nil {
		return found, err
	}
	return found, s.End()
}

func (s *Scanner) elements(path []string, found *bool, yield func(string, int, Value) error) error {
	k, err := s.Kind()
	if err != nil || k != Array && k != Object {
		return err
	}
	if err := s.Enter(); err != nil {
		return err
	}
	*found = *found || len(path) == 0
	for i := 0; ; i++ {
		more, err := s.Next()
		if err != nil || !more {
			return err
		}
		switch {
		case len(path) == 0:
			v, err := s.Value()
			if err == nil {
				err = yield(s.Key(), i, v)
			}
			if err != nil {
				return err
			}
		case k == Object && s.Key() == path[0], k == Array && strconv.Itoa(i) == path[0]:
			if err := s.elements(path[1:], found, yield); err != nil {
				return err
			}
		}
	}
}
