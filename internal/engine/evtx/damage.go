package evtx

import "strconv"

// Reason says what is wrong with a part of a file. Its text is a code that
// stays the same over releases.
type Reason uint8

// The reasons. Only those about a checksum and a size leave all records in place.
const (
	None            Reason = iota
	FileHeader             // the file header is missing or of an unknown layout
	FileChecksum           // the file header does not have its checksum
	NoChunk                // bytes where a chunk should begin
	ChunkHeader            // the header of a chunk is missing or impossible
	ChunkChecksum          // the header of a chunk does not have its checksum
	RecordsChecksum        // the records of a chunk do not have their checksum
	ChunkTruncated         // the file ends inside a chunk
	RecordHeader           // no record begins where one should
	RecordSize             // the two sizes of a record differ
	BadToken               // binary XML that cannot be
	BadName                // a reference to a name leads nowhere
	BadTemplate            // a reference to a template leads nowhere
	BadValues              // values that do not fit into their record
	BadValue               // a value of another size than its type has; shown as hex
	TooDeep                // elements or templates inside each other without end
	TooMuch                // more work or text than any true record or chunk needs
	numReasons
)

var reasonCodes = [numReasons]string{
	"none", "file_header", "file_checksum", "no_chunk", "chunk_header", "chunk_checksum", "records_checksum",
	"chunk_truncated", "record_header", "record_size", "bad_token", "bad_name", "bad_template", "bad_values",
	"bad_value", "too_deep", "too_much",
}

// String returns the code of a reason, such as chunk_checksum.
func (r Reason) String() string {
	if r < numReasons {
		return reasonCodes[r]
	}
	return "reason_" + strconv.Itoa(int(r))
}

// Damage is a part of a file that could not be read as it should.
type Damage struct {
	Offset int64  // in the file, in bytes
	Length int64  // in bytes; 0 if it is one place
	Record uint64 // the number in the record's header, 0 if it is no record
	Reason Reason
}
