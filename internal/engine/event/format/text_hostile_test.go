package format

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// TestTextHostile reads what was made to make readers of text look at the same
// bytes again and again, or to make rows without end. That it ends in the time
// of the test, with rows of bounded size, is what is asked.
func TestTextHostile(t *testing.T) {
	const size = 2 << 20
	repeat := func(head, s string) string { return head + strings.Repeat(s, size/len(s)) }
	var open bytes.Buffer
	for i := 0; open.Len() < size; i++ {
		fmt.Fprintf(&open, "type=SYSCALL msg=audit(1.0:%d):\n", i)
	}
	for name, c := range map[string]struct {
		kind Kind
		text string
	}{
		"events that never end":       {EventXML, repeat("", "<Event>")},
		"tags that never end":         {EventXML, repeat("", "<Event <")},
		"more data than fields":       {EventXML, repeat("<Event><EventData>", "<Data/>") + "</EventData></Event>"},
		"names of System again":       {EventXML, repeat("<Event><EventData>", "<Level/>") + "</EventData></Event>"},
		"empty CDATA":                 {EventXML, repeat("<Event><EventData><Data>", "<![CDATA[]]>") + "</Data></EventData></Event>"},
		"deep elements":               {EventXML, repeat("<Event><EventData>", "<a>")},
		"nothing but quotes":          {CSV, repeat("a,b\n", `"`)},
		"a quote in each line":        {CSV, repeat("a,b\n", "\"a\n")},
		"a quote that never ends":     {CSV, repeat("a,b\n\"", "line\n")},
		"lengths that cannot be":      {Journal, repeat("", "A\n\x00\x00\x10\x00\x00\x00\x00\x00")},
		"names without values":        {Journal, repeat("", "A\n")},
		"audit events without an end": {Auditd, open.String()},
		"pieces of arguments":         {Auditd, repeat("type=EXECVE msg=audit(1.0:1): a1[0]=41 ", "a1[1]=41 ")},
		"more arguments than fields":  {Auditd, repeat("type=EXECVE msg=audit(1.0:1): ", "a1=41 ")},
		"a file made again and again": {Auditd, repeat("type=PATH msg=audit(1.0:1): ", "nametype=CREATE ")},
		"pairs of CEF":                {Syslog, repeat("<1>Nov 22 20:01:02 h CEF:0|a|b|c|d|e|f|", "cs1=b ")},
		"structured data":             {Syslog, repeat("<1>1 - - - - - [a ", `b="c" `)},
		"counts beyond the end":       {Syslog, repeat("", "999999 <1>x")},
		"names of Cisco":              {Syslog, repeat("", "%A-1-")},
		"pairs of a firewall":         {Syslog, repeat("Nov 22 20:01:02 h kernel: IN= SRC= DST= ", "a=b ")},
		"escapes":                     {Access, repeat(`192.0.2.7 - - [22/Nov/2026:20:01:02 +0900] "`, `\\\"`)},
		"a long list":                 {ZeekTSV, repeat("#fields\tts\ta\n#types\ttime\tset[string]\n1\t", "a,")},
		"headers":                     {ZeekTSV, repeat("", "#fields\ta\tb\n")},
		"days":                        {W3C, repeat("", "#Date: a\n")},
	} {
		s, d := NewSplitter(strings.NewReader(c.text), c.kind, 0), NewDecoder(c.kind, Options{})
		var b Block
		var row event.Row
		for s.Next(&b) == nil {
			if len(b.Head) > maxHead {
				t.Errorf("%s: a head of %d bytes", name, len(b.Head))
			}
			_, err := d.Rows(&b, &row, func(r *event.Row) error {
				if len(r.Fields) > maxFields+64 {
					t.Fatalf("%s: a row of %d fields", name, len(r.Fields))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
