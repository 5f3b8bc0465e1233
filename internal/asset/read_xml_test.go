package asset

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// ours writes down what our scanner sees; twin what encoding/xml sees.
func ours(s string) (string, error) {
	var b strings.Builder
	x := newXML(strings.NewReader(s))
	for {
		k, err := x.next()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		} else if err != nil {
			return b.String(), err
		}
		switch k {
		case xmlStart:
			a, _ := x.attr("a")
			fmt.Fprintf(&b, "<%s a=%q>", x.name, a)
		case xmlEnd:
			fmt.Fprintf(&b, "</%s>", x.name)
		case xmlText:
			fmt.Fprintf(&b, "%q", x.text)
		}
	}
}

func twin(s string) (string, error) {
	var b strings.Builder
	d := xml.NewDecoder(strings.NewReader(s))
	text, depth := "", 0
	flush := func() {
		if text != "" && depth > 0 {
			fmt.Fprintf(&b, "%q", text)
		}
		text = ""
	}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		} else if err != nil {
			return b.String(), err
		}
		switch t := t.(type) {
		case xml.StartElement:
			flush()
			depth++
			a := ""
			for _, at := range t.Attr {
				if at.Name.Local == "a" {
					a = at.Value
					break
				}
			}
			fmt.Fprintf(&b, "<%s a=%q>", t.Name.Local, a)
		case xml.EndElement:
			flush()
			depth--
			fmt.Fprintf(&b, "</%s>", t.Name.Local)
		case xml.CharData:
			text += string(t)
		case xml.Directive:
			return "", errDocType
		}
	}
}

var xmlSeeds = []string{
	`<?xml version="1.0"?><r a="1 &lt; 2"><x:c a='"'>t&amp;x</x:c><!-- <no> --><e/><![CDATA[<&]]>tail</r>`,
	"<r>\r\n&#65;&#x3042;</r>\n",
	`<r a="x>y"><s a="1"></s></r>`,
	`<r`, `<r></s>`, `<r>&nope;</r>`, `<!DOCTYPE r><r/>`, `<r/><r/>`, `x<r/>`, ``,
}

func TestXMLAgreesWithTheStandardLibrary(t *testing.T) {
	long := `<r>` + strings.Repeat("あ&amp;", 30_000) + `</r>`
	for _, s := range append(xmlSeeds, long[:3]+strings.Repeat("x", 65_530)+"&amp;&#x3042;</r>") {
		got, err := ours(s)
		want, werr := twin(s)
		switch s {
		case `<r/><r/>`, `x<r/>`, ``: // not documents; the standard library lets them pass
			if err == nil {
				t.Errorf("%q: accepted", s)
			}
			continue
		}
		if (err == nil) != (werr == nil) || err == nil && got != want {
			t.Errorf("%q: %s %v, want %s %v", s, got, err, want, werr)
		}
	}
	x := newXML(strings.NewReader(long))
	for range 2 {
		if _, err := x.next(); err != nil {
			t.Fatal(err)
		}
	}
	if len(x.text) != 120_000 || x.over {
		t.Errorf("%d bytes of text, over %v", len(x.text), x.over)
	}
}

// What both accept, both must see alike: a file that two readers read
// differently is an attack.
func FuzzXML(f *testing.F) {
	for _, s := range xmlSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ours(s)
		if err != nil {
			return
		}
		if want, werr := twin(s); werr == nil && got != want {
			t.Errorf("%q:\n%s\n%s", s, got, want)
		}
	})
}
