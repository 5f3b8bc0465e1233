package format

import "bytes"

// HeadSize is how many bytes of a file's beginning Detect wants to see.
const HeadSize = 64 << 10

// Detect says which format a file has, by its first bytes. Its name only breaks
// ties. Empty files and files that are no log are Unknown.
func Detect(head []byte, name string) Kind {
	if bytes.HasPrefix(head, []byte("ElfFile\x00")) || bytes.HasPrefix(head, []byte("ElfChnk\x00")) {
		return EVTX
	}
	text := detectable(head)
	trimmed := bytes.TrimLeft(text, " \t\r\n\x00")
	if len(trimmed) == 0 {
		return Unknown
	}
	if k := detectJSON(trimmed); k != Unknown {
		return k
	}
	if isBinary(text) {
		return Unknown
	}
	return detectText(text, name)
}

// detectable returns the head as UTF-8 without a byte order mark.
func detectable(head []byte) []byte {
	o, mark := utf16Order(head)
	head = head[mark:]
	if o == utf8Order {
		return head
	}
	text := make([]byte, 0, len(head)/2)
	for i := 0; i+1 < len(head); i += 2 {
		low, high := head[i], head[i+1]
		if o == bigOrder {
			low, high = high, low
		}
		if high != 0 {
			low = '?' // which letter it is does not matter here
		}
		text = append(text, low)
	}
	return text
}

// isBinary reports whether a head looks like no text at all: control bytes other
// than white space and NUL padding.
func isBinary(head []byte) bool {
	control := 0
	for _, c := range head {
		if c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != 0x1b && c != 0 {
			control++
		}
	}
	return control*10 > len(head)
}
