package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

// maxPointers bounds how often a name may point back (RFC 1035 §4.1.4). A name
// of 255 bytes has at most 127 labels.
const maxPointers = 127

// maxDNSName bounds a name with its dots, in bytes: 255 on the wire (RFC 1035
// §3.1) less the first length and the last zero.
const maxDNSName = 253

// dnsFault is why a name cannot be read.
type dnsFault uint8

const (
	dnsSound dnsFault = iota
	dnsCut
	dnsLong
	dnsLoop
	dnsLabel
)

// dnsFaults are what tshark shows instead of such a name.
var dnsFaults = [...][]byte{dnsLong: []byte("<Name too long>"), dnsLoop: []byte("<Name contains a pointer that loops>"),
	dnsLabel: []byte("<Unknown extended label>")}

// dnsName writes the name at off into the scratch, labels with dots between
// them, and returns where the message goes on, 0 when that is not known. A
// pointer must go back before everything that was read so far, so that no loop
// is possible.
func dnsName(b []byte, off int, scratch *[256]byte) (name []byte, next int, fault dnsFault) {
	used, first, low := 0, 0, off
	for jumps := 0; ; {
		if off >= len(b) {
			return nil, first, dnsCut
		}
		length := int(b[off])
		switch length >> 6 {
		case 0:
			if length == 0 {
				if first == 0 {
					first = off + 1
				}
				return scratch[:used], first, dnsSound
			}
			if off+1+length > len(b) {
				return nil, first, dnsCut
			}
			if used+min(used, 1)+length > maxDNSName {
				if first == 0 {
					first, _ = dnsSkip(b, off)
				}
				return nil, first, dnsLong
			}
			if used > 0 {
				scratch[used] = '.'
				used++
			}
			used += copy(scratch[used:], b[off+1:off+1+length])
			off += 1 + length
		case 3:
			if off+2 > len(b) {
				return nil, first, dnsCut
			}
			if first == 0 {
				first = off + 2
			}
			to := length&0x3f<<8 | int(b[off+1])
			if jumps++; to >= low || jumps > maxPointers {
				return nil, first, dnsLoop
			}
			off, low = to, to
		default:
			return nil, first, dnsLabel // RFC 6891 §5: nothing uses these
		}
	}
}

// dnsSkip passes over a name.
func dnsSkip(b []byte, off int) (next int, ok bool) {
	for off < len(b) {
		length := int(b[off])
		switch {
		case length == 0:
			return off + 1, true
		case length >= 0xc0:
			return off + 2, off+2 <= len(b)
		case length > 63:
			return 0, false
		}
		off += 1 + length
	}
	return 0, false
}

// dnsSum is FNV-1a of a name in lower case.
func dnsSum(name []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// dnsNumbers writes what the numbers of a name are, and its bounded form.
func dnsNumbers(d *record.DNS, name []byte, f record.Facts) {
	d.Length = uint8(len(name))
	if len(name) == 0 {
		// tshark has a word of its own for the root of all names.
		d.Name = f.Naming.Host(rootDot)
		if f.Naming.Full() {
			d.Name = f.Naming.Host(rootWord)
		}
		return
	}
	judged := f.App == record.DNSApp // the others name machines
	if f.Naming.Recall(d, name, judged) {
		return
	}
	labels, longest, start := 0, 0, 0
	for i := 0; i <= len(name); i++ {
		if i == len(name) || name[i] == '.' {
			labels, longest = labels+1, max(longest, i-start)
			start = i + 1
		}
	}
	d.Labels, d.Longest = uint8(labels), uint8(min(longest, 63))
	d.Entropy = record.Entropy(name[:registered(name)])
	if f.Naming.Full() && !plain(name) {
		var text [4 * 256]byte
		f.Naming.Remember(d, name, escaped(text[:0], name), judged)
		clear(text[:])
		return
	}
	f.Naming.Remember(d, name, name, judged)
}

var rootWord, rootDot = []byte("<Root>"), []byte(".")

// plain reports whether a name needs no escapes to be shown.
func plain(name []byte) bool {
	for _, c := range name {
		if c < ' ' || c == 0x7f || c == '\\' {
			return false
		}
	}
	return true
}

// escaped appends a name with what does not print as \ and three octal digits.
func escaped(out, name []byte) []byte {
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			out = append(out, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// secondLevel are the labels under which two-letter domains hand out names.
const secondLevel = " ac ad co com ed edu go gob gov gr lg ltd mil ne net nom or org plc sch "

// registered is where the registered name begins: the last two labels, or three
// when the last two are such as co.jp.
func registered(name []byte) int {
	top := bytes.LastIndexByte(name, '.')
	if top < 0 {
		return 0
	}
	second := bytes.LastIndexByte(name[:top], '.') + 1
	if n := top - second; second > 0 && len(name)-top == 3 && n >= 2 && n <= 3 && handsOut(name[second:top]) {
		return bytes.LastIndexByte(name[:second-1], '.') + 1
	}
	return second
}

// handsOut reports whether a label is one of secondLevel, whatever its case.
func handsOut(label []byte) bool {
	for at := 0; at+1+len(label) < len(secondLevel); at++ {
		if secondLevel[at] != ' ' || secondLevel[at+1+len(label)] != ' ' {
			continue
		}
		same := true
		for i, c := range label {
			same = same && secondLevel[at+1+i] == c|0x20
		}
		if same {
			return true
		}
	}
	return false
}

// netbiosName decodes in place the first label of a name of NBNS: 32 letters A
// to P, two to each byte, of which the last is a kind of name (RFC 1001 §14.1).
// What is no such name stays as it is.
func netbiosName(name []byte) []byte {
	if len(name) < 32 || len(name) > 32 && name[32] != '.' {
		return name
	}
	for _, c := range name[:32] {
		if c < 'A' || c > 'P' {
			return name
		}
	}
	for i := range 16 {
		name[i] = (name[2*i]-'A')<<4 | (name[2*i+1] - 'A')
	}
	end := 15
	for end > 1 && (name[end-1] == ' ' || name[end-1] == 0) {
		end--
	}
	n := copy(name[end:], name[32:])
	clear(name[end+n:])
	return name[:end+n]
}
