package format

import (
	"time"

	"noroshi/internal/engine/event"
)

// Kind is a format of files: how records are divided and decoded. What a
// record of JSON means is seen record by record and is no Kind of its own.
type Kind uint8

// The formats.
const (
	Unknown   Kind = iota
	EVTX           // Windows event log, binary
	JSONLines      // a JSON object on each line
	JSON           // any other JSON: arrays, objects over several lines, wrappers such as {"Records":[…]}
	Syslog         // RFC 3164 and RFC 5424, with what usual daemons write in them
	Auditd         // records of the Linux audit daemon
	Journal        // journald's export format
	ZeekTSV        // Zeek's tab-separated logs with their header
	CSV            // comma, semicolon or tab separated, with a row of column names
	EventXML       // Windows events as XML, as wevtutil and evtx_dump write them
	Access         // lines of web servers and of Squid
	W3C            // W3C Extended Log Format of IIS and others
	Text           // lines that are none of these: one field
	kinds
)

var kindNames = [kinds]string{
	"unknown", "evtx", "jsonl", "json", "syslog", "auditd", "journal", "zeek", "csv", "eventxml",
	"access", "w3c", "text",
}

// String returns the name by which a person overrides what is detected.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return kindNames[Unknown]
}

// ParseKind returns the format of that name; ok is false if there is none.
func ParseKind(name string) (k Kind, ok bool) {
	for k := EVTX; k < kinds; k++ {
		if kindNames[k] == name {
			return k, true
		}
	}
	return Unknown, false
}

// Options say what a file does not say itself.
type Options struct {
	Names   *event.Names   // shared with the rules; nil: new ones
	Zone    *time.Location // of times that have none; nil: UTC
	Year    int            // of times that have none, as in RFC 3164; 0: from Last
	Last    time.Time      // no event is newer, as a file's time of modification
	Mapping *Mapping       // the user's own names, before those of the dialects
}

// Block is a run of whole records. It is read into and given back by the
// caller, so that its memory serves again.
type Block struct {
	Seq    uint64   // from 0
	Offset int64    // of Data in the file, in bytes (of UTF-16: in the UTF-8 it is read as)
	First  uint64   // number of its first record, from 1
	Head   []byte   // what stands above the records: the names of columns; shared, not to be written to
	Data   []byte   // the records; valid until the block is given to Next again
	Damage []Damage // what could not be divided into records, before this block
}

// Damage is a part of a file that could not be read.
type Damage struct {
	Offset int64  // where it begins, as [Block.Offset]
	Record uint64 // the number of the record in which it is, 0 if not known
	Length int64  // bytes that are left out; 0 if the record was kept in part
	Reason Reason
}

// Reason says what is wrong with a damaged part.
type Reason uint8

// The reasons.
const (
	Broken  Reason = iota + 1 // not of the format
	Cut                       // the file ends in the middle of a record
	Large                     // a record larger than the limit
	Deep                      // nested too deeply: what is deeper is left out
	Wide                      // more fields or names than the limit: the rest is left out
	Letters                   // bytes that are no UTF-8, or half a surrogate: each is read as U+FFFD
	Header                    // records without the header that explains them
	Chunk                     // a chunk of an EVTX file whose checksum or structure is wrong
	Costly                    // a record so large that not every rule was tried on it, told by who tries them
	Twice                     // a key that says what log the record is of stands twice with different values: the first counts
	reasons
)

var reasonCodes = [reasons]string{"", "broken", "cut", "large", "deep", "wide", "letters", "header", "chunk", "costly", "twice"}

// Code returns the word for a reason, as in reports and keys of texts.
func (r Reason) Code() string {
	if r < reasons {
		return reasonCodes[r]
	}
	return ""
}

// Decoder turns blocks into rows. It is used by one goroutine at a time.
type Decoder struct {
	reader reader
}

// reader decodes the blocks of one kind.
type reader interface {
	rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error)
}

// NewDecoder returns a Decoder for blocks of a kind.
func NewDecoder(k Kind, o Options) *Decoder {
	if o.Names == nil {
		o.Names = event.NewNames()
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	return &Decoder{newReader(k, o)}
}

// Rows calls yield with each event of the block, in order. The row, whose Source
// says which file it is, is filled again for every event; what yield keeps, it
// copies. The damage is that of the block and of the records in it and is valid
// until Rows is called again. An error is one that yield returned.
func (d *Decoder) Rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	return d.reader.rows(b, row, yield)
}

func newReader(k Kind, o Options) reader {
	switch k {
	case EVTX:
		return newChunkReader(o)
	case JSON, JSONLines:
		return newJSONReader(o, k == JSONLines)
	default:
		return newTextReader(k, o)
	}
}

func newCutter(k Kind) cutter {
	switch k {
	case JSONLines:
		return &lineCutter{}
	case JSON:
		return &jsonCutter{}
	default:
		return newTextCutter(k)
	}
}
