package dissect

import "noroshi/internal/engine/flow/record"

// questions are the ids of the questions of a record, by their place in it, so
// that an answer finds the one it belongs to.
type questions struct {
	count uint8
	first [4]uint16 // most communications ask no more than two
	more  *[record.MaxDNS - 4]uint16
}
