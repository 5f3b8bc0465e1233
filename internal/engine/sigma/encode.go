package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// dashRunes are the characters that begin an option on Windows command lines.
var dashRunes = []string{"-", "/", "–", "—", "―"}

// maxVariants bounds what one value becomes: five characters to the fifth. All
// of them together have no more parts than maxTests.
const maxVariants = 3125

// windash returns parts with every dash at the beginning of a word in all its
// ways of being written.
func windash(parts []Part) ([][]Part, bool) {
	variants := [][]Part{nil}
	for _, p := range parts {
		if p.Kind != Literal {
			variants = appendAll(variants, []Part{p})
			continue
		}
		for _, piece := range splitDashes(p.Text) {
			if piece != "" {
				variants = appendAll(variants, literal(piece))
				continue
			}
			next := make([][]Part, 0, len(variants)*len(dashRunes))
			for _, v := range variants {
				for _, d := range dashRunes {
					next = append(next, append(v[:len(v):len(v)], Part{Literal, d}))
				}
			}
			if variants = next; len(variants) > maxVariants || len(variants)*len(parts) > maxTests {
				return nil, false
			}
		}
	}
	return variants, true
}

func appendAll(variants [][]Part, tail []Part) [][]Part {
	for i, v := range variants {
		variants[i] = append(v[:len(v):len(v)], tail...)
	}
	return variants
}

// splitDashes splits text at dashes that begin a word: none before them, one
// after. Each such dash is an empty piece.
func splitDashes(text string) []string {
	var pieces []string
	from, before := 0, false
	for i, r := range text {
		n := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, n = utf8.DecodeRuneInString(text[i:])
		}
		if isDash(r) && !before {
			if after, _ := utf8.DecodeRuneInString(text[i+n:]); isWord(after) {
				if i > from {
					pieces = append(pieces, text[from:i])
				}
				pieces, from = append(pieces, ""), i+n
			}
		}
		before = isWord(r)
	}
	if from < len(text) {
		pieces = append(pieces, text[from:])
	}
	return pieces
}

func isDash(r rune) bool { return strings.ContainsRune("-/–—―", r) }

func isWord(r rune) bool {
	return r != utf8.RuneError && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r))
}

// encodeUTF16 returns text as UTF-16 bytes, with a byte order mark if mark.
func encodeUTF16(text string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		b = order.AppendUint16(b, 0xFEFF)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

// base64Offsets returns what text looks like inside a longer text in Base64,
// one for each of the three places it may begin at. The first and last
// characters that depend on what is around it are left out.
func base64Offsets(text string) []string {
	variants := make([]string, 0, 3)
	for shift := range 3 {
		enc := base64.StdEncoding.EncodeToString([]byte("  "[:shift] + text))
		from := [...]int{0, 2, 3}[shift]
		to := len(enc) - [...]int{0, 3, 2}[(shift+len(text))%3]
		if from < to {
			variants = append(variants, enc[from:to])
		}
	}
	return variants
}
