package asset

import (
	"bytes"
	"errors"
	"hash/maphash"
	"io"
	"unicode/utf8"

	"noroshi/internal/base/fault"
)

// Read reads an equipment list and yields its rows one after another, the bad
// ones too, each with what is wrong with it. What the file is, is told by its
// content; the name is only for messages. It fails on a file that cannot be
// read at all or that is over a limit, and on an error of yield, which it
// returns as it is. Rows yielded before a failure are worth nothing: an import
// takes all or nothing.
//
// At most one row and, of an XLSX, the table of shared strings are held in
// memory (MaxStrings).
func Read(name string, r io.ReaderAt, size int64, yield func(Row) error) (File, error) {
	if size > MaxFile {
		return File{}, fault.New(fault.TooLarge, "asset.import.file_large", "max", MaxFile/1_000_000)
	}
	head := make([]byte, min(size, 4096))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return File{}, unreadable(err)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, bomUTF8), " \t\r\n")
	switch {
	case len(bytes.Trim(head, "\x00 \t\r\n")) == 0 || len(text) == 0:
		return File{}, fault.New(fault.Usage, "asset.import.file_empty")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return readXLSX(r, size, yield)
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return File{}, compoundFile(r, size)
	case text[0] == '{' || text[0] == '[':
		return readCycloneDX(r, size, yield)
	case text[0] == '<' || binary(head):
		return File{}, fault.New(fault.Usage, "asset.import.file_unknown", "name", clip(name))
	}
	return readCSV(r, size, yield)
}

func unreadable(err error) error {
	return fault.New(fault.Internal, "asset.import.file_unreadable").Because(err)
}

var (
	bomUTF8    = []byte("\xef\xbb\xbf")
	bomUTF16LE = []byte("\xff\xfe")
	bomUTF16BE = []byte("\xfe\xff")
)

// binary reports whether the head of a file is no text: a control character
// that no list contains, unless the file is UTF-16.
func binary(head []byte) bool {
	if utf16Order(head) != "" {
		return false
	}
	for _, b := range head {
		if b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != 0x1b && b != '\v' && b != '\f' && b != 0 {
			return true
		}
	}
	// NULs are refused cell by cell, but a file that is mostly NULs is no list.
	return bytes.Count(head, []byte{0})*8 > len(head)
}

// utf16Order tells UTF-16 by its mark or, without one, by ASCII characters
// every second byte of which is zero.
func utf16Order(head []byte) string {
	switch {
	case bytes.HasPrefix(head, bomUTF16LE):
		return "utf-16le"
	case bytes.HasPrefix(head, bomUTF16BE):
		return "utf-16be"
	case len(head) < 8:
		return ""
	}
	var zero [2]int
	for i, b := range head[:len(head)&^1] {
		if b == 0 {
			zero[i%2]++
		}
	}
	// Some characters (一, U+4E00) have a zero on the other side.
	switch n := len(head) / 2; {
	case zero[1] > 3 && zero[1] > n/8 && zero[0] < zero[1]/8:
		return "utf-16le"
	case zero[0] > 3 && zero[0] > n/8 && zero[1] < zero[0]/8:
		return "utf-16be"
	}
	return ""
}

// compoundFile says what an OLE compound file is: a workbook under a password,
// or the format of Excel before 2007. Both are told by the names in its
// directory, which are UTF-16.
func compoundFile(r io.ReaderAt, size int64) error {
	wide := func(s string) []byte {
		var b []byte
		for _, c := range []byte(s) {
			b = append(b, c, 0)
		}
		return b
	}
	locked := wide("EncryptedPackage")
	buf := make([]byte, 64<<10)
	for off := int64(0); off < size; off += int64(len(buf) - len(locked)) {
		n, err := r.ReadAt(buf, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return unreadable(err)
		}
		if bytes.Contains(buf[:n], locked) {
			return fault.New(fault.Usage, "asset.import.file_locked")
		}
		if err != nil {
			break
		}
	}
	return fault.New(fault.Usage, "asset.import.file_old")
}

// interner gives equal texts one string: a list says the same makers, sites and
// zones over and over. It forgets rather than grows.
type interner struct {
	seed  maphash.Seed
	slots [4096]string
}

func newInterner() *interner { return &interner{seed: maphash.MakeSeed()} }

func (in *interner) text(b []byte) string {
	if len(b) == 0 || len(b) > 128 {
		return string(b)
	}
	slot := &in.slots[maphash.Bytes(in.seed, b)%uint64(len(in.slots))]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// columnLetters names a column as spreadsheets do: 0 is A, 26 is AA.
func columnLetters(i int) string {
	var b [8]byte
	at := len(b)
	for i >= 0 && at > 0 {
		at--
		b[at] = byte('A' + i%26)
		i = i/26 - 1
	}
	return string(b[at:])
}

// cut shortens text to at most n bytes without cutting a character in two.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
