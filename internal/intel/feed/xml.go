package feed

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"noroshi/internal/base/fault"
)

// element is an XML element with what is in it. Names are without prefix.
type element struct {
	name  string
	attrs []xml.Attr
	text  string
	parts []*element
}

// What one element may be: JVN's largest are below 1 MiB, 10 deep and of a
// few thousand parts.
const (
	xmlElement = 16 << 20
	xmlDepth   = 32
	xmlParts   = 200_000
)

var (
	errDocType  = errors.New("document type declared")
	errXMLLarge = errors.New("element nested too deeply or too large")
)

// xmlReader reads XML element by element. Entities cannot be declared, since a
// document type is refused: none can multiply itself or fetch a file. Memory
// is bounded by xmlElement.
type xmlReader struct {
	src *rationed
	d   *xml.Decoder
}

// rationed gives so many bytes until it is given new ones. It reads byte by
// byte, because a Decoder that buffers for itself reads ahead of the ration.
type rationed struct {
	r    *bufio.Reader
	left int
}

// ReadByte implements io.ByteReader.
func (r *rationed) ReadByte() (byte, error) {
	if r.left <= 0 {
		return 0, errXMLLarge
	}
	r.left--
	return r.r.ReadByte()
}

// Read implements io.Reader.
func (r *rationed) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	b[0] = c
	return 1, nil
}

func newXML(r io.Reader) *xmlReader {
	src := &rationed{r: bufio.NewReaderSize(r, 64<<10), left: xmlElement}
	if lead, err := src.r.Peek(3); err == nil && string(lead) == "\xef\xbb\xbf" {
		_, _ = src.r.Discard(3)
	}
	d := xml.NewDecoder(src)
	return &xmlReader{src: src, d: d}
}

// next returns the next start or end; text outside of what is read is skipped.
func (x *xmlReader) next() (xml.Token, error) {
	for {
		t, err := x.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, errDocType
		case xml.StartElement, xml.EndElement:
			return t, nil
		}
	}
}

// root returns the name of the outermost element and goes into it.
func (x *xmlReader) root() (string, error) {
	t, err := x.next()
	if err != nil {
		return "", err
	}
	if s, ok := t.(xml.StartElement); ok {
		return s.Name.Local, nil
	}
	return "", io.ErrUnexpectedEOF
}

// element reads the element whose start was read last.
func (x *xmlReader) element(start xml.StartElement) (*element, error) {
	top := &element{name: start.Name.Local, attrs: start.Attr}
	open := []*element{top}
	texts := [][]byte{nil}
	x.src.left = xmlElement
	parts := 0
	for len(open) > 0 {
		t, err := x.d.Token()
		if err != nil {
			return nil, err
		}
		e := open[len(open)-1]
		switch t := t.(type) {
		case xml.StartElement:
			if parts++; len(open) >= xmlDepth || parts > xmlParts {
				return nil, errXMLLarge
			}
			in := &element{name: t.Name.Local, attrs: t.Attr}
			e.parts = append(e.parts, in)
			open, texts = append(open, in), append(texts, nil)
		case xml.EndElement:
			e.text = strings.TrimSpace(string(texts[len(texts)-1]))
			open, texts = open[:len(open)-1], texts[:len(texts)-1]
		case xml.CharData:
			texts[len(texts)-1] = append(texts[len(texts)-1], t...)
		case xml.Directive:
			return nil, errDocType
		}
	}
	return top, nil
}

// attr returns an attribute, empty when it is not there.
func (e *element) attr(name string) string {
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// at returns the elements at a path below e.
func (e *element) at(path ...string) []*element {
	found := []*element{e}
	for _, name := range path {
		var next []*element
		for _, f := range found {
			for _, p := range f.parts {
				if p.name == name {
					next = append(next, p)
				}
			}
		}
		found = next
	}
	return found
}

// word returns the text of the first element at a path.
func (e *element) word(path ...string) string {
	if f := e.at(path...); len(f) > 0 {
		return f[0].text
	}
	return ""
}

// xmlFault turns what an XML document lacks into a fault.
func (p *reading) xmlFault(err error, x *xmlReader, place string) error {
	var f *fault.Error
	var syntax *xml.SyntaxError
	at := x.d.InputOffset()
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case errors.Is(err, errDocType):
		return p.fault("feed.xml_doctype", place)
	case errors.Is(err, errXMLLarge):
		return p.fault("feed.xml_large", place, "byte", at)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Msg == "unexpected EOF":
		return p.fault("feed.cut", place, "byte", at)
	case errors.As(err, &syntax):
		return p.fault("feed.xml", place, "byte", at)
	}
	// A decoder's other complaints (encoding, instruction) have no type.
	if strings.HasPrefix(err.Error(), "xml:") {
		return p.fault("feed.xml", place, "byte", at)
	}
	return err
}
