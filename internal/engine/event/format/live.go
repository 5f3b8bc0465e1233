package format

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// Position is how far a file that grows was read: enough to go on from there in
// another run. The zero Position is the beginning.
type Position struct {
	Offset  int64    // bytes of the file, as they are there
	Record  uint64   // records before it
	Head    []byte   // what stood above and explains the records that follow
	Letters Encoding // how the text is encoded
	Within  int64    // bytes of a record larger than the limit that were passed over; 0: not in one
}

// Encoding is how text is written.
type Encoding uint8

// The encodings. What is all ASCII so far may still turn out to be another.
const (
	ASCII Encoding = iota
	UTF8
	UTF16LE
	UTF16BE
	ShiftJIS
)

// Live divides a file that grows into blocks of whole records: what is not
// whole yet stays until the rest is there. It keeps no bytes of the file. EVTX
// and JSON over several lines cannot be divided so.
type Live struct {
	cutter cutter
	at     Position
	have   []byte // what was given and not yet taken
	wide   bool
	damage []Damage
}

// IsLive reports whether files of a kind can be read by a [Live].
func IsLive(k Kind) bool { return k > Unknown && k < kinds && k != EVTX && k != JSON }

// NewLive returns a Live for a file of a kind that [IsLive], from a position in
// it; ok is false when there can be no such position.
func NewLive(k Kind, from Position) (l *Live, ok bool) {
	if !IsLive(k) || from.Offset < 0 || from.Within < 0 || from.Letters > ShiftJIS {
		return nil, false
	}
	l = &Live{cutter: newCutter(k), at: from}
	l.at.Head = bytes.Clone(from.Head)
	if from.Head != nil {
		switch c := l.cutter.(type) {
		case *csvCutter:
			line, _, _ := cutLine(from.Head)
			c.head, c.mark = l.at.Head, csvMark(line)
		case *headCutter:
			c.head = l.at.Head
		case *syslogCutter:
			c.head = l.at.Head
		}
	}
	return l, true
}

// Position returns how far the file was taken.
func (l *Live) Position() Position {
	p := l.at
	switch c := l.cutter.(type) {
	case *csvCutter:
		p.Head = c.head
	case *headCutter:
		p.Head = c.head
	case *syslogCutter:
		p.Head = c.head
	}
	return p
}

// Give says what stands in the file from the position on, [MaxRecord] bytes at
// most. It replaces what was given before and is used until the next Give.
func (l *Live) Give(data []byte) {
	if l.at.Offset == 0 {
		order, mark := utf16Order(data)
		switch {
		case order == littleOrder:
			l.at.Letters = UTF16LE
		case order == bigOrder:
			l.at.Letters = UTF16BE
		case mark > 0:
			l.at.Letters = UTF8
		}
		data = data[mark:]
		l.at.Offset = int64(mark)
	}
	if l.at.Letters == ASCII && l.at.Offset < HeadSize {
		l.at.Letters = lettersOf(data)
	}
	l.have = data
	if l.wide = l.at.Letters == UTF16LE || l.at.Letters == UTF16BE; l.wide {
		l.have = l.narrow(data)
	}
}

// lettersOf tells UTF-8 from Shift_JIS once there is a letter beyond ASCII.
func lettersOf(data []byte) Encoding {
	for _, c := range data {
		if c >= 0x80 {
			if isShiftJIS(data) {
				return ShiftJIS
			}
			return UTF8
		}
	}
	return ASCII
}

// narrow returns UTF-16 as UTF-8, up to its last whole letter.
func (l *Live) narrow(data []byte) []byte {
	n := len(data) &^ 1
	endian, high := unicode.LittleEndian, 1
	if l.at.Letters == UTF16BE {
		endian, high = unicode.BigEndian, 0
	}
	if n >= 2 && data[n-2+high]&0xfc == 0xd8 { // half a letter
		n -= 2
	}
	text, err := unicode.UTF16(endian, unicode.IgnoreBOM).NewDecoder().Bytes(data[:n])
	if err != nil {
		return nil
	}
	return text
}

// raw returns how many bytes of the file a text took there.
func (l *Live) raw(text []byte) int64 {
	if !l.wide {
		return int64(len(text))
	}
	n := int64(0)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r > 0xffff {
			n += 2
		}
		n += 2
		text = text[size:]
	}
	return n
}

// Next puts the next whole records into b and reports whether there were any.
// Last says that nothing will follow what was given: then all of it is taken.
// The data of b is valid until Give, Next or Position is called.
func (l *Live) Next(b *Block, last bool) bool {
	if l.at.Within > 0 {
		l.skip(last)
	}
	for len(l.have) > 0 {
		c := l.cutter.cut(l.have, last)
		for _, d := range c.Damage {
			d.Offset += l.at.Offset
			d.Record = l.at.Record + 1
			l.damage = append(l.damage, d)
		}
		switch {
		case c.Take > 0:
			l.pass(c.Skip)
			l.block(b, c)
			return true
		case c.Skip > 0:
			l.pass(c.Skip)
			continue
		case last:
			l.damage = append(l.damage, Damage{Offset: l.at.Offset, Record: l.at.Record + 1, Length: l.raw(l.have), Reason: Cut})
			l.pass(len(l.have))
		case len(l.have) >= MaxRecord:
			l.skip(last)
			continue
		}
		break
	}
	if len(l.damage) > 0 {
		l.block(b, cut{})
		return true
	}
	return false
}

// block fills b with what was cut off.
func (l *Live) block(b *Block, c cut) {
	data := l.have[:c.Take]
	b.Seq, b.Offset, b.First, b.Head = b.Seq+1, l.at.Offset, l.at.Record+1, c.Head
	if c.Head == nil {
		b.Head = l.at.Head
	}
	b.Damage = append(b.Damage[:0], l.damage...)
	l.damage = l.damage[:0]
	l.pass(c.Take)
	l.at.Record += c.Records
	if c.Head != nil {
		l.at.Head = c.Head
	}
	if b.Data = data; l.at.Letters == ShiftJIS {
		b.Data, b.Head = fromShiftJIS(data), fromShiftJIS(b.Head)
	}
}

// fromShiftJIS returns text as UTF-8; the decoder replaces what is no letter.
func fromShiftJIS(b []byte) []byte {
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(b)
	if err != nil {
		return b
	}
	return text
}

// pass moves on by n bytes of what was given.
func (l *Live) pass(n int) {
	l.at.Offset += l.raw(l.have[:n])
	l.have = l.have[n:]
}

// skip passes over a record that is too large, as far as it is there.
func (l *Live) skip(last bool) {
	for len(l.have) > 0 {
		n, done := l.cutter.skip(l.have)
		n = min(n, len(l.have))
		l.at.Within += l.raw(l.have[:n])
		l.pass(n)
		if done {
			l.skipped()
			return
		}
		if n == 0 {
			break
		}
	}
	if last && l.at.Within > 0 {
		l.skipped()
	}
}

func (l *Live) skipped() {
	l.damage = append(l.damage, Damage{Offset: l.at.Offset - l.at.Within, Record: l.at.Record + 1, Length: l.at.Within, Reason: Large})
	l.at.Record++
	l.at.Within = 0
}
