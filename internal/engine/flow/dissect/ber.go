package dissect

// ber walks the elements of one constructed value of BER (ITU-T X.690 §8). The
// value may be cut off: an element of which the end is missing is given as far
// as it goes and is the last one.
type ber []byte

// next is the tag and the content of the next element; whole is false when its
// end is missing, ok when there is none or its head is not sound. Tags of more
// than one byte are not sound here: no protocol that is read has them.
func (d *ber) next() (tag byte, content []byte, whole, ok bool) {
	head, size, ok := berHead(*d)
	if !ok {
		*d = nil
		return 0, nil, false, false
	}
	tag = (*d)[0]
	rest := (*d)[head:]
	if size > len(rest) {
		*d = nil
		return tag, rest, false, true
	}
	*d = rest[size:]
	return tag, rest[:size], true, true
}

// enter is the content of the next element if it has this tag.
func (d *ber) enter(tag byte) (ber, bool) {
	have, content, _, ok := d.next()
	return ber(content), ok && have == tag
}

// maxBER bounds the length of an element that is believed, in bytes.
const maxBER = 1 << 30

// berHead reads tag and length: how long both are and how long the content is.
// The indefinite form is not sound (RFC 4511 §5.1, RFC 4120 §5).
func berHead(b []byte) (head, size int, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f {
		return 0, 0, false
	}
	if b[1] < 0x80 {
		return 2, int(b[1]), true
	}
	n := int(b[1] & 0x7f)
	if n == 0 || n > 4 || len(b) < 2+n {
		return 0, 0, false
	}
	for _, c := range b[2 : 2+n] {
		size = size<<8 | int(c)
	}
	return 2 + n, size, size <= maxBER
}

// berInt is the value of an integer's content, 0 when it is longer than eight
// bytes.
func berInt(b []byte) (v int64) {
	if len(b) == 0 || len(b) > 8 {
		return 0
	}
	v = int64(int8(b[0]))
	for _, c := range b[1:] {
		v = v<<8 | int64(c)
	}
	return v
}
