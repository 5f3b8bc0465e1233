package asset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"
)

// xmlScanner pulls the elements of a UTF-8 XML document, as much of XML 1.0 as
// an XLSX holds: elements, attributes, text, CDATA, the five predefined
// entities and character references. Comments and instructions are skipped. A
// document type is refused: entities that multiply themselves (billion laughs)
// or fetch a file cannot be declared. Memory is bounded by maxTag, maxText and
// maxDepth, whatever is read.
//
// encoding/xml does the same eight times slower; the tests hold the two
// against each other.
type xmlScanner struct {
	r     *bufio.Reader
	stack []byte // names of the open elements, each followed by a space
	ends  []int
	tag   []byte // what stands between < and >
	name  []byte // local name of the element
	attrs []byte
	text  []byte
	over  bool // text was longer than maxText and is cut
	empty bool // the element ends where it starts
	seen  bool // the root element was seen
}

const (
	maxTag   = 16 << 10
	maxText  = 4*MaxCell + 16
	maxDepth = 32
)

type xmlKind uint8

const (
	xmlStart xmlKind = iota
	xmlEnd
	xmlText
)

var (
	errXML      = errors.New("not well-formed XML")
	errDocType  = errors.New("document type declared")
	errXMLDeep  = errors.New("elements nested too deeply")
	errXMLLarge = errors.New("a tag is too long")
)

func newXML(r io.Reader) *xmlScanner {
	return &xmlScanner{r: bufio.NewReaderSize(r, 64<<10)}
}

// next returns the next start, end or text; io.EOF at the end of the document.
// name, attrs and text are valid until the next call.
func (x *xmlScanner) next() (xmlKind, error) {
	if x.empty {
		x.empty = false
		return xmlEnd, x.pop()
	}
	x.text, x.over = x.text[:0], false
	for {
		b, err := x.r.Peek(1)
		if err != nil {
			if errors.Is(err, io.EOF) && (len(x.ends) > 0 || !x.seen) {
				return 0, errXML
			}
			return 0, err
		}
		if b[0] != '<' {
			if err := x.readText(); err != nil {
				return 0, err
			}
			continue
		}
		mark, err := x.r.Peek(9)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		switch {
		case bytes.HasPrefix(mark, []byte("<![CDATA[")):
			_, _ = x.r.Discard(9) // peeked
			if err := x.until("]]>", true); err != nil {
				return 0, err
			}
			continue
		case bytes.HasPrefix(mark, []byte("<!--")):
			_, _ = x.r.Discard(4) // peeked
			if err := x.until("-->", false); err != nil {
				return 0, err
			}
			continue
		case bytes.HasPrefix(mark, []byte("<?")):
			_, _ = x.r.Discard(2) // peeked
			if err := x.until("?>", false); err != nil {
				return 0, err
			}
			continue
		case bytes.HasPrefix(mark, []byte("<!")):
			return 0, errDocType
		}
		if len(x.text) > 0 {
			if len(x.ends) == 0 { // white space around the root
				x.text = x.text[:0]
				continue
			}
			return xmlText, nil
		}
		return x.element()
	}
}

// readText takes text up to the next markup.
func (x *xmlScanner) readText() error {
	for {
		chunk, err := x.r.ReadSlice('<')
		if err == nil {
			chunk = chunk[:len(chunk)-1]
			if e := x.r.UnreadByte(); e != nil {
				return e
			}
		} else if !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return err
		}
		if len(x.ends) == 0 && len(bytes.TrimLeft(bytes.TrimPrefix(chunk, bomUTF8), " \t\r\n")) > 0 {
			return errXML
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			// An entity may lie across two chunks: leave its head for the next.
			if i := bytes.LastIndexByte(chunk, '&'); i >= len(chunk)-12 && i > 0 && bytes.IndexByte(chunk[i:], ';') < 0 {
				tail := bytes.Clone(chunk[i:])
				if e := x.appendText(chunk[:i]); e != nil {
					return e
				}
				rest, e := x.r.ReadSlice(';')
				if e != nil || len(rest) > 12 {
					return errXML
				}
				if e := x.appendText(append(tail, rest...)); e != nil {
					return e
				}
				continue
			}
		}
		if e := x.appendText(chunk); e != nil {
			return e
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil // at markup, or at the end of the file
		}
	}
}

func (x *xmlScanner) appendText(chunk []byte) error {
	var err error
	if x.over {
		return nil
	}
	if x.text, err = unescape(x.text, chunk); err != nil {
		return err
	}
	x.limit()
	return nil
}

func (x *xmlScanner) limit() {
	if len(x.text) > maxText {
		x.text, x.over = x.text[:maxText], true
	}
}

// until skips to a mark, keeping what is before it as text if asked.
func (x *xmlScanner) until(mark string, keep bool) error {
	var last [3]byte
	n := 0
	for {
		b, err := x.r.ReadByte()
		if errors.Is(err, io.EOF) {
			return errXML
		} else if err != nil {
			return err
		}
		n++
		last[0], last[1], last[2] = last[1], last[2], b
		if keep && !x.over {
			x.text = append(x.text, b)
		}
		if n >= len(mark) && string(last[3-len(mark):]) == mark {
			if keep && !x.over {
				x.text = x.text[:len(x.text)-len(mark)]
			}
			if keep && len(x.ends) == 0 {
				return errXML
			}
			return nil
		}
		x.limit()
	}
}

// element takes a tag.
func (x *xmlScanner) element() (xmlKind, error) {
	x.tag = x.tag[:0]
	quote := byte(0)
	for {
		chunk, err := x.r.ReadSlice('>')
		for _, b := range chunk {
			if quote == 0 && (b == '"' || b == '\'') {
				quote = b
			} else if b == quote {
				quote = 0
			}
		}
		if len(x.tag)+len(chunk) > maxTag {
			return 0, errXMLLarge
		}
		x.tag = append(x.tag, chunk...)
		switch {
		case errors.Is(err, io.EOF):
			return 0, errXML
		case errors.Is(err, bufio.ErrBufferFull) || err == nil && quote != 0:
			continue
		case err != nil:
			return 0, err
		}
		break
	}
	tag := x.tag[1 : len(x.tag)-1]
	if len(tag) > 0 && tag[0] == '/' {
		full := bytes.TrimRight(tag[1:], " \t\r\n")
		if len(x.ends) == 0 || !bytes.Equal(full, x.top()) {
			return 0, errXML
		}
		x.name = local(full)
		return xmlEnd, x.pop()
	}
	if len(tag) > 0 && tag[len(tag)-1] == '/' {
		x.empty = true
		tag = tag[:len(tag)-1]
	}
	end := bytes.IndexAny(tag, " \t\r\n")
	if end < 0 {
		end = len(tag)
	}
	full := tag[:end]
	if len(full) == 0 || !nameByte(full[0]) || bytes.ContainsAny(full, "<&\"'=") || len(x.ends) == 0 && x.seen {
		return 0, errXML
	}
	if len(x.ends) == maxDepth {
		return 0, errXMLDeep
	}
	x.seen = true
	x.stack = append(x.stack, full...)
	x.ends = append(x.ends, len(x.stack))
	x.name, x.attrs = local(full), tag[end:]
	return xmlStart, nil
}

func nameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b == ':' || b >= utf8.RuneSelf
}

func local(name []byte) []byte { return name[bytes.LastIndexByte(name, ':')+1:] }

func (x *xmlScanner) top() []byte {
	start := 0
	if n := len(x.ends); n > 1 {
		start = x.ends[n-2]
	}
	return x.stack[start:]
}

func (x *xmlScanner) pop() error {
	x.ends = x.ends[:len(x.ends)-1]
	if n := len(x.ends); n > 0 {
		x.stack = x.stack[:x.ends[n-1]]
	} else {
		x.stack = x.stack[:0]
	}
	return nil
}

// attr returns the value of an attribute by its local name, and whether it is
// there. An attribute that is not well-formed ends the search.
func (x *xmlScanner) attr(name string) (string, bool) { return x.find(name, false) }

// prefixed returns the value of an attribute with a namespace prefix, as r:id
// beside an id of another meaning.
func (x *xmlScanner) prefixed(name string) (string, bool) { return x.find(name, true) }

func (x *xmlScanner) find(name string, prefix bool) (string, bool) {
	a := x.attrs
	for {
		a = bytes.TrimLeft(a, " \t\r\n")
		eq := bytes.IndexByte(a, '=')
		if eq <= 0 {
			return "", false
		}
		full := bytes.TrimRight(a[:eq], " \t\r\n")
		a = bytes.TrimLeft(a[eq+1:], " \t\r\n")
		if len(a) < 2 || a[0] != '"' && a[0] != '\'' {
			return "", false
		}
		end := bytes.IndexByte(a[1:], a[0])
		if end < 0 {
			return "", false
		}
		if l := local(full); string(l) == name && (!prefix || len(l) < len(full)) {
			v, err := unescape(nil, a[1:1+end])
			return string(v), err == nil
		}
		a = a[end+2:]
	}
}

// skip reads to the end of the element that just started.
func (x *xmlScanner) skip() error {
	for depth := 1; depth > 0; {
		k, err := x.next()
		if err != nil {
			return err
		}
		switch k {
		case xmlStart:
			depth++
		case xmlEnd:
			depth--
		}
	}
	return nil
}

// unescape appends text with its references resolved and its line ends as \n.
func unescape(dst, s []byte) ([]byte, error) {
	for {
		i := bytes.IndexAny(s, "&\r")
		if i < 0 {
			return append(dst, s...), nil
		}
		dst = append(dst, s[:i]...)
		if s[i] == '\r' {
			s = s[i+1:]
			if len(s) == 0 || s[0] != '\n' {
				dst = append(dst, '\n')
			}
			continue
		}
		end := bytes.IndexByte(s[i:], ';')
		if end < 2 || end > 12 {
			return dst, errXML
		}
		switch ref := string(s[i+1 : i+end]); ref {
		case "lt":
			dst = append(dst, '<')
		case "gt":
			dst = append(dst, '>')
		case "amp":
			dst = append(dst, '&')
		case "quot":
			dst = append(dst, '"')
		case "apos":
			dst = append(dst, '\'')
		default:
			r, ok := charRef(ref)
			if !ok {
				return dst, errXML
			}
			dst = utf8.AppendRune(dst, r)
		}
		s = s[i+end+1:]
	}
}

func charRef(ref string) (rune, bool) {
	if len(ref) < 2 || ref[0] != '#' {
		return 0, false
	}
	base, digits := 10, ref[1:]
	if digits[0] == 'x' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || n < ' ' && n != '\t' && n != '\n' && n != '\r' || n >= 0xd800 && n < 0xe000 {
		return 0, false
	}
	return rune(n), true
}
