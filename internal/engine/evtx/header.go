package evtx

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// ChunkSize is the size of a chunk in bytes.
const ChunkSize = 1 << 16

const (
	fileSign       = "ElfFile\x00"
	chunkSign      = "ElfChnk\x00"
	recordSign     = "**\x00\x00"
	fileBlock      = 4096 // what the file header takes, unless it says otherwise
	sector         = 512  // chunks of broken files are looked for at multiples of it
	chunkHead      = 512  // the header of a chunk with its two tables
	recordHead     = 24
	flagNoChecksum = 4 // of a chunk
)

var le = binary.LittleEndian

// Header is the header of a file. A file that was being written when it was
// copied is dirty, and then the counts are those of its last clean state.
type Header struct {
	First, Last  uint64 // numbers of the oldest and the newest chunk
	NextRecord   uint64 // the record number that comes next
	Major, Minor uint16 // 3.1, or 3.2 since Windows 11
	Chunks       uint16
	Block        uint16 // bytes from the beginning of the file to the first chunk
	Dirty, Full  bool
}

// Detect reports whether a file that begins with head is an EVTX file, or the
// chunks of one without its header.
func Detect(head []byte) bool {
	return hasSign(head, 0, fileSign) || hasSign(head, 0, chunkSign) || hasSign(head, fileBlock, chunkSign)
}

func hasSign(b []byte, at int, sign string) bool {
	return len(b) >= at+len(sign) && string(b[at:at+len(sign)]) == sign
}

// ParseHeader reads the first 128 bytes of a file. The reason is None,
// FileChecksum, with a header that was read all the same, or FileHeader.
func ParseHeader(b []byte) (Header, Reason) {
	if len(b) < 128 || !hasSign(b, 0, fileSign) {
		return Header{Block: fileBlock}, FileHeader
	}
	flags := le.Uint32(b[120:])
	h := Header{
		First: le.Uint64(b[8:]), Last: le.Uint64(b[16:]), NextRecord: le.Uint64(b[24:]),
		Minor: le.Uint16(b[36:]), Major: le.Uint16(b[38:]), Block: le.Uint16(b[40:]), Chunks: le.Uint16(b[42:]),
		Dirty: flags&1 != 0, Full: flags&2 != 0,
	}
	if h.Major != 3 || h.Block < 128 || h.Block%sector != 0 {
		h.Block = fileBlock
		return h, FileHeader
	}
	if crc32.ChecksumIEEE(b[:120]) != le.Uint32(b[124:]) {
		return h, FileChecksum
	}
	return h, None
}

// headerSum is the checksum of a chunk's header: it leaves out itself and the
// flags before it.
func headerSum(chunk []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(chunk[:120]), crc32.IEEETable, chunk[128:chunkHead])
}

// freeSpace returns where the header says that records end, 0 if it cannot be.
func freeSpace(chunk []byte) int {
	if len(chunk) < chunkHead {
		return 0
	}
	free := int64(le.Uint32(chunk[48:]))
	if free < chunkHead || free > ChunkSize {
		return 0
	}
	return int(free)
}

// isWhole reports whether a chunk of full size has the checksum of its records.
func isWhole(chunk []byte) bool {
	if len(chunk) < ChunkSize {
		return false
	}
	free := freeSpace(chunk)
	return free > 0 && crc32.ChecksumIEEE(chunk[chunkHead:free]) == le.Uint32(chunk[52:])
}

// nextSign returns the first place after from, at a multiple of the sector
// size, where a chunk begins; -1 if there is none.
func nextSign(b []byte, from int) int {
	for at := (from + sector - 1) / sector * sector; at+len(chunkSign) <= len(b); at += sector {
		if string(b[at:at+len(chunkSign)]) == chunkSign {
			return at
		}
	}
	return -1
}

var zeros [sector]byte

// isZero reports whether b holds nothing but zeros, as space has that was
// taken in advance.
func isZero(b []byte) bool {
	for len(b) > sector {
		if !bytes.Equal(b[:sector], zeros[:]) {
			return false
		}
		b = b[sector:]
	}
	return bytes.Equal(b, zeros[:len(b)])
}
