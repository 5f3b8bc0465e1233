package asset

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
)

// Limits of a CycloneDX document, beside those of every file.
const (
	maxJSONDepth  = 64 // of arrays and objects, one in the other
	maxComponents = 16 // of components, one in the other
)

// The versions of CycloneDX that are read (ECMA-424 is 1.6). 1.7 adds to what is
// read here and changes nothing of it.
var cdxVersions = []string{"1.4", "1.5", "1.6", "1.7"}

// equipment lists the types of component that are pieces of equipment. The
// rest (library, framework, container, file, data …) are parts of software.
var equipment = []string{"device", "firmware", "operating-system", "application", "platform"}

// readCycloneDX reads the JSON form of CycloneDX. A component is a row when its
// type is one of equipment, at any depth; metadata.component is one when it is a
// device, firmware or operating system. The maker is the manufacturer, else the
// supplier, the publisher, the vendor of the CPE, or the maker of the component
// around it. Properties named "noroshi:" and a field's name fill that field;
// other properties of that prefix become further fields; all else is left.
func readCycloneDX(r io.ReaderAt, size int64, yield func(Row) error) (File, error) {
	c := &cdxReader{file: File{Format: FormatCycloneDX}, yield: yield, r: r, size: size, texts: newInterner()}
	in := io.Reader(io.NewSectionReader(r, 0, size))
	mark := make([]byte, len(bomUTF8))
	if n, err := r.ReadAt(mark, 0); err != nil && !errors.Is(err, io.EOF) {
		return c.file, unreadable(err)
	} else if n == len(mark) && string(mark) == string(bomUTF8) {
		in, c.offset = io.NewSectionReader(r, 3, size-3), 3
	}
	c.dec = json.NewDecoder(in)
	c.dec.UseNumber()
	err := c.document()
	var f *fault.Error
	var syntax *json.SyntaxError
	switch {
	case err == nil || c.yielded || errors.As(err, &f):
		return c.file, err
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return c.file, c.syntax(err, c.dec.InputOffset())
	}
	return c.file, unreadable(err)
}

type cdxReader struct {
	file    File
	yield   func(Row) error
	yielded bool // the error at hand is yield's own
	r       io.ReaderAt
	size    int64
	offset  int64 // of the decoder's first byte
	dec     *json.Decoder
	depth   int
	count   int // components seen
	skipped int // components that are no equipment
	format  string
	texts   *interner
}

// component is what is kept of a component while its parts are read.
type component struct {
	kind, group, name, version, cpe, purl, publisher, manufacturer, supplier string
	properties                                                               [][2]string
}

// syntax says at which line and column the document stops being JSON.
func (c *cdxReader) syntax(err error, at int64) error {
	// A decoder that gave out tokens no longer knows how far it is; one that
	// takes the document as a whole does.
	var s *json.SyntaxError
	var all json.RawMessage
	again := json.NewDecoder(io.NewSectionReader(c.r, c.offset, c.size-c.offset)).Decode(&all)
	if errors.As(again, &s) && s.Offset > 0 {
		at = s.Offset - 1 // it counts the bytes read, the bad one included
	} else if errors.Is(again, io.ErrUnexpectedEOF) {
		at = c.size - c.offset
	}
	at += c.offset
	line, column := 1, 1
	buf := make([]byte, 64<<10)
	for off := int64(0); off < at; {
		n, err := c.r.ReadAt(buf[:min(int64(len(buf)), at-off)], off)
		for _, b := range buf[:n] {
			switch {
			case b == '\n':
				line, column = line+1, 1
			case b < 0x80 || b >= 0xc0: // the first byte of a character
				column++
			}
		}
		if off += int64(n); err != nil || n == 0 {
			break
		}
	}
	return fault.New(fault.Usage, "asset.import.json_syntax", "line", line, "col", column).Because(err)
}

func (c *cdxReader) token() (json.Token, error) {
	t, err := c.dec.Token()
	if d, ok := t.(json.Delim); ok {
		if d == '{' || d == '[' {
			c.depth++
		} else {
			c.depth--
		}
		if c.depth > maxJSONDepth {
			return nil, fault.New(fault.TooLarge, "asset.import.json_deep", "max", maxJSONDepth)
		}
	}
	return t, err
}

// skip reads the value that begins with token t to its end.
func (c *cdxReader) skip(t json.Token) error {
	if d, ok := t.(json.Delim); !ok || d == '}' || d == ']' {
		return nil
	}
	for outer := c.depth - 1; c.depth > outer; {
		if _, err := c.token(); err != nil {
			return err
		}
	}
	return nil
}

// object calls each for every member of an object that begins with t; each
// gets the first token of the value and reads the rest. A value that is no
// object is skipped.
func (c *cdxReader) object(t json.Token, each func(key string, t json.Token) error) error {
	if t != json.Delim('{') {
		return c.skip(t)
	}
	for {
		k, err := c.token()
		if err != nil {
			return err
		}
		key, ok := k.(string)
		if !ok {
			return nil // the closing brace
		}
		v, err := c.token()
		if err != nil {
			return err
		}
		if err := each(key, v); err != nil {
			return err
		}
	}
}

// array calls each for every element of an array that begins with t.
func (c *cdxReader) array(t json.Token, each func(i int, t json.Token) error) error {
	if t != json.Delim('[') {
		return c.skip(t)
	}
	for i := 0; ; i++ {
		v, err := c.token()
		if err != nil {
			return err
		}
		if v == json.Delim(']') {
			return nil
		}
		if err := each(i, v); err != nil {
			return err
		}
	}
}

// text takes a string value, cut when it is longer than any cell may be: the
// checks of New then refuse it.
func (c *cdxReader) text(into *string, t json.Token) error {
	if s, ok := t.(string); ok {
		*into = c.texts.text([]byte(cut(s, MaxCell)))
		return nil
	}
	return c.skip(t)
}

func (c *cdxReader) document() error {
	t, err := c.token()
	if err != nil {
		return err
	}
	services := 0
	err = c.object(t, func(key string, t json.Token) error {
		switch key {
		case "bomFormat":
			return c.text(&c.format, t)
		case "specVersion":
			return c.text(&c.file.Version, t)
		case "metadata":
			return c.object(t, func(key string, t json.Token) error {
				if key == "component" {
					return c.component(t, "/metadata/component", 1, "", true)
				}
				return c.skip(t)
			})
		case "components":
			return c.array(t, func(i int, t json.Token) error {
				return c.component(t, "/components/"+strconv.Itoa(i), 1, "", false)
			})
		case "services":
			return c.array(t, func(_ int, t json.Token) error {
				services++
				return c.skip(t)
			})
		}
		return c.skip(t)
	})
	if err != nil {
		return err
	}
	if c.format != "CycloneDX" {
		return fault.New(fault.Usage, "asset.import.json_other")
	}
	if !slices.Contains(cdxVersions, c.file.Version) {
		return fault.New(fault.Invalid, "asset.import.cdx_version", "version", clip(c.file.Version))
	}
	for code, n := range map[string]int{"cdx_services": services, "cdx_skipped": c.skipped} {
		if n > 0 {
			c.file.Notes = append(c.file.Notes, fault.Place{At: "/", Code: "asset.import." + code, Args: fault.Args{"n": n}})
		}
	}
	slices.SortFunc(c.file.Notes, func(a, b fault.Place) int { return strings.Compare(a.Code, b.Code) })
	if _, err := c.dec.Token(); !errors.Is(err, io.EOF) { // something follows the document
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return c.syntax(err, c.dec.InputOffset())
	}
	if c.file.Rows == 0 {
		return fault.New(fault.Invalid, "asset.import.cdx_empty")
	}
	return nil
}

// component reads a component and the ones inside it, which it yields first:
// only at its end is it known.
func (c *cdxReader) component(t json.Token, at string, depth int, maker string, root bool) error {
	if depth > maxComponents {
		return fault.New(fault.TooLarge, "asset.import.cdx_deep", "max", maxComponents)
	}
	if t != json.Delim('{') {
		return c.skip(t)
	}
	if c.count++; c.count > MaxRows {
		return fault.New(fault.TooLarge, "asset.import.rows_many", "max", MaxRows)
	}
	number := c.count
	var k component
	name := func(into *string) func(string, json.Token) error {
		return func(key string, t json.Token) error {
			if key == "name" {
				return c.text(into, t)
			}
			return c.skip(t)
		}
	}
	err := c.object(t, func(key string, t json.Token) error {
		switch key {
		case "type":
			return c.text(&k.kind, t)
		case "group":
			return c.text(&k.group, t)
		case "name":
			return c.text(&k.name, t)
		case "version":
			return c.text(&k.version, t)
		case "cpe":
			return c.text(&k.cpe, t)
		case "purl":
			return c.text(&k.purl, t)
		case "publisher":
			return c.text(&k.publisher, t)
		case "manufacturer":
			return c.object(t, name(&k.manufacturer))
		case "supplier":
			return c.object(t, name(&k.supplier))
		case "properties":
			return c.array(t, func(_ int, t json.Token) error { return c.property(&k, t) })
		case "components":
			return c.array(t, func(i int, t json.Token) error {
				return c.component(t, at+"/components/"+strconv.Itoa(i), depth+1, k.maker(maker), false)
			})
		}
		return c.skip(t)
	})
	if err != nil {
		return err
	}
	if !slices.Contains(equipment, k.kind) || root && (k.kind == "application" || k.kind == "platform") {
		if !root {
			c.skipped++
		}
		return nil
	}
	c.file.Rows++
	if err := c.yield(k.row(at, number, maker)); err != nil {
		c.yielded = true
		return err
	}
	return nil
}

func (c *cdxReader) property(k *component, t json.Token) error {
	var name, value string
	err := c.object(t, func(key string, t json.Token) error {
		switch key {
		case "name":
			return c.text(&name, t)
		case "value":
			return c.text(&value, t)
		}
		return c.skip(t)
	})
	name, ours := strings.CutPrefix(name, "noroshi:")
	if ours && name != "" && len(k.properties) < int(fieldCount)+2*MaxFurther {
		k.properties = append(k.properties, [2]string{name, value})
	}
	return err
}

// maker returns what the component says of its maker, else outer.
func (k *component) maker(outer string) string {
	for _, s := range []string{k.manufacturer, k.supplier, k.publisher} {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	if v := cpeVendor(k.cpe); v != "" {
		return v
	}
	return outer
}

// cpeVendor returns the vendor of a CPE as words, or nothing.
func cpeVendor(s string) string {
	cpe, ok := ParseCPE(strings.TrimSpace(s))
	if !ok {
		return ""
	}
	rest := cpe[len("cpe:2.3:a:"):]
	vendor := rest[:componentEnd(rest)]
	if vendor == "-" || strings.ContainsAny(vendor, "*?") {
		return ""
	}
	return strings.ReplaceAll(strings.ReplaceAll(vendor, `\`, ""), "_", " ")
}

func (k *component) row(at string, number int, outer string) Row {
	row := Row{Place: at, Number: number}
	var d Draft
	d.Values[FieldMaker] = k.maker(outer)
	d.Values[FieldProduct] = k.name
	d.Values[FieldVersion] = k.version
	d.Values[FieldCPE] = k.cpe
	d.Values[FieldPURL] = k.purl
	where := [fieldCount]string{FieldMaker: "/manufacturer", FieldProduct: "/name", FieldVersion: "/version", FieldCPE: "/cpe", FieldPURL: "/purl"}
	for _, p := range k.properties {
		if f, ok := FieldNamed(p[0]); ok {
			d.Values[f] = p[1]
			where[f] = "/properties/noroshi:" + p[0]
			continue
		}
		if d.Further == nil {
			d.Further = map[string]string{}
		}
		d.Further[strings.TrimPrefix(p[0], "further:")] = p[1]
	}
	row.Item, row.Problems = New(&d, func(f Field) fault.Place {
		p := where[f]
		if p == "" {
			p = "/properties/noroshi:" + f.String()
		}
		return fault.Place{At: at + p, Code: "asset."}
	})
	row.assume(&d)
	for i := range row.Problems {
		if strings.HasPrefix(row.Problems[i].At, "further/") {
			row.Problems[i].At = at + "/properties"
		}
	}
	return row
}
