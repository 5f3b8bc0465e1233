package dissect

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"noroshi/internal/engine/flow/record"
)

// ja3 is the MD5 of version, ciphers, extensions, groups and point formats as
// decimal numbers, GREASE left out (the JA3 of its authors' description).
func (h *hello) ja3() [16]byte {
	var room [1 << 10]byte
	text := strconv.AppendUint(room[:0], uint64(h.version), 10)
	text = decimals(append(text, ','), h.ciphers)
	text = kinds(append(text, ','), h.extensions)
	text = decimals(append(text, ','), h.groups)
	text = append(text, ',')
	for i, v := range h.formats {
		if i > 0 {
			text = append(text, '-')
		}
		text = strconv.AppendUint(text, uint64(v), 10)
	}
	return md5.Sum(text)
}

// ja3s is the same of a server hello: version, cipher, extensions.
func (h *hello) ja3s() [16]byte {
	var room [256]byte
	text := strconv.AppendUint(room[:0], uint64(h.version), 10)
	text = strconv.AppendUint(append(text, ','), uint64(h.cipher), 10)
	return md5.Sum(kinds(append(text, ','), h.extensions))
}

// decimals appends numbers of two bytes, joined by hyphens, without GREASE.
func decimals(text, list []byte) []byte {
	first := true
	for ; len(list) >= 2; list = list[2:] {
		text, first = decimal(text, be16(list), first)
	}
	return text
}

// kinds appends the kinds of extensions in the same way.
func kinds(text, list []byte) []byte {
	first := true
	for all := (extensions{list}); ; {
		kind, _, ok := all.next()
		if !ok {
			return text
		}
		text, first = decimal(text, kind, first)
	}
}

func decimal(text []byte, v uint16, first bool) ([]byte, bool) {
	if grease(v) {
		return text, first
	}
	if !first {
		text = append(text, '-')
	}
	return strconv.AppendUint(text, uint64(v), 10), false
}

// ja4 is the client fingerprint of that name (technical description of JA4,
// BSD-3): transport ('t' TCP, 'q' QUIC, 'd' DTLS), version, whether there is a
// server name, numbers of ciphers and extensions, ends of the first protocol of
// ALPN; then the hashes of the sorted ciphers and of the sorted extensions with
// the signature algorithms in their order.
func (h *hello) ja4(transport byte) (out record.JA4) {
	var room [2][96]uint16
	ciphers, all := room[0][:0], room[1][:0]
	for b := h.ciphers; len(b) >= 2; b = b[2:] {
		if v := be16(b); !grease(v) {
			ciphers = append(ciphers, v)
		}
	}
	count := 0
	for list := (extensions{h.extensions}); ; {
		kind, _, ok := list.next()
		if !ok {
			break
		}
		if grease(kind) {
			continue
		}
		if count++; kind != extServerName && kind != extALPN {
			all = append(all, kind)
		}
	}
	slices.Sort(ciphers)
	slices.Sort(all)

	text := append(out[:0], transport)
	text = append(text, versionCode(h.highest(transport == 'd'))...)
	if h.named {
		text = append(text, 'd')
	} else {
		text = append(text, 'i')
	}
	text = twoDigits(text, len(ciphers))
	text = twoDigits(text, count)
	text = protocolEnds(text, firstName(h.protocols))

	var long [1 << 10]byte
	list := hexes(long[:0], ciphers)
	text = shortHash(append(text, '_'), list)
	list = hexes(list[:0], all)
	if len(all) > 0 && len(h.signatures) > 0 {
		list = signatures(list, h.signatures)
	}
	shortHash(append(text, '_'), list)
	return out
}

// versionCode is how JA4 writes a version.
func versionCode(v uint16) string {
	switch v {
	case 0x0304:
		return "13"
	case 0x0303:
		return "12"
	case 0x0302:
		return "11"
	case 0x0301:
		return "10"
	case 0x0300:
		return "s3"
	case 0x0002:
		return "s2"
	case 0xfeff:
		return "d1"
	case 0xfefd:
		return "d2"
	case 0xfefc:
		return "d3"
	}
	return "00"
}

func twoDigits(text []byte, n int) []byte {
	n = min(n, 99)
	return append(text, byte('0'+n/10), byte('0'+n%10))
}

const hexLetters = "0123456789abcdef"

// protocolEnds appends the first and last character of a protocol's name: 99
// when one of them is not ASCII, as FoxIO's own programs and the lists made
// with them have it (the description that came later has hexadecimal digits
// there too), or those of its hexadecimal form when one of them is neither
// letter nor digit.
func protocolEnds(text, name []byte) []byte {
	if len(name) == 0 {
		return append(text, "00"...)
	}
	first, last := name[0], name[len(name)-1]
	if alphanumeric(first) && alphanumeric(last) {
		return append(text, first, last)
	}
	if first >= 0x80 || last >= 0x80 {
		return append(text, "99"...)
	}
	return append(text, hexLetters[first>>4], hexLetters[last&15])
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// hexes appends numbers as four hexadecimal digits, joined by commas.
func hexes(text []byte, list []uint16) []byte {
	for i, v := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = hex4(text, v)
	}
	return text
}

// signatures appends an underscore and the algorithms in their order; nothing
// when all of them are GREASE.
func signatures(text, list []byte) []byte {
	join := byte('_')
	for ; len(list) >= 2; list = list[2:] {
		if v := be16(list); !grease(v) {
			text = hex4(append(text, join), v)
			join = ','
		}
	}
	return text
}

func hex4(text []byte, v uint16) []byte {
	return append(text, hexLetters[v>>12], hexLetters[v>>8&15], hexLetters[v>>4&15], hexLetters[v&15])
}

// shortHash appends the first 12 hexadecimal digits of SHA-256, or zeros when
// there is nothing to hash.
func shortHash(text, list []byte) []byte {
	if len(list) == 0 {
		return append(text, "000000000000"...)
	}
	sum := sha256.Sum256(list)
	return hex.AppendEncode(text, sum[:6])
}
