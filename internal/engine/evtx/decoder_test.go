package evtx

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/event"
)

func TestEvent(t *testing.T) {
	c := newChunk()
	for _, image := range []string{`C:\a.exe`, `C:\日本\あ😀.exe`} {
		c.event(3, `<EventData><Data Name="Image">{0}</Data><Data Name="Pid">{1}</Data></EventData>`, str(image), num(typeUint32, 77))
	}
	var row event.Row
	row.Source = "a.evtx"
	n := 0
	damage, err := NewDecoder(Options{}).Chunk(&row, c.bytes(), 4096, func(r *event.Row) error {
		n++
		at := time.Date(2026, 1, 1, 0, 0, 0, n*1000, time.UTC)
		if r.Source != "a.evtx" || r.Record != 1000+uint64(n) || r.Time != at.UnixNano() || r.Carved {
			t.Errorf("record %d at %v", r.Record, time.Unix(0, r.Time))
		}
		if n == 1 && r.Offset != 4096+512 {
			t.Errorf("offset %d", r.Offset)
		}
		return nil
	})
	if err != nil || n != 2 || len(damage) != 0 {
		t.Error(n, damage, err)
	}
	rows, _ := show(t, Options{}, c.bytes())
	want := prefix + "TimeCreated_SystemTime=2026-01-01T00:00:00.000002Z EventRecordID=1002" + middle + ` Image=C:\日本\あ😀.exe Pid=77`
	if len(rows) != 2 || rows[1] != want {
		t.Errorf("rows %q, want %q", rows, want)
	}
	stop := errors.New("stop")
	if _, err := NewDecoder(Options{}).Chunk(&row, c.bytes(), 0, func(*event.Row) error { return stop }); err != stop {
		t.Errorf("error %v", err)
	}
}

// TestShapes are the shapes of data that providers write, one event each.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name, doc, want string
		values          []val
	}{
		{"unnamed", `<EventData><Data>{0}</Data><Data>{1}</Data></EventData>`, "Data=a Data=b", []val{str("a"), str("b")}},
		{"array", `<EventData><Data>{0}</Data><Binary>{1}</Binary></EventData>`, "Data=a Data= Data=b Binary=0AFF",
			[]val{raw(typeArray|typeString, 'a', 0, 0, 0, 0, 0, 'b', 0, 0, 0), raw(typeBinary, 0x0a, 0xff)}},
		{"named array", `<EventData><Data Name="x">{0}</Data></EventData>`, "x=1 x=2", []val{raw(typeArray|typeUint16, 1, 0, 2, 0)}},
		{"null", `<EventData><Data Name="x">{0}</Data><Data Name="y">{?0}</Data><Data Name="z"/></EventData>`, "x null z null", []val{null()}},
		{"empty", `<EventData><Data Name="x">{0}</Data></EventData>`, "x=", []val{str("")}},
		{"nothing", `<EventData><Data Name="x">{0}</Data><Data Name="y">{1}</Data><Data Name="z">{2}</Data></EventData>`, "x null y null z null",
			[]val{raw(typeSID), raw(typeSize), raw(typeUint32)}},
		{"absent", `<EventData><Data Name="x">{7}</Data></EventData>`, "x null", nil},
		{"zeros", `<EventData><Data Name="x">{0}</Data></EventData>`, "x=a", []val{str("a\x00\x00")}},
		{"literal", `<EventData><Data Name="x">one{#45}{$amp}{!two}{$nbsp}</Data></EventData>`, "x=one-&two&nbsp;", nil},
		{"mixed", `<EventData><Data Name="x">a {0} b {1}</Data></EventData>`, "x=a 5 b 1,2",
			[]val{num(typeUint8, 5), raw(typeArray|typeUint8, 1, 2)}},
		{"instruction", `<?go on?><EventData><?stop here?><Data Name="x">a</Data></EventData>`, "x=a", nil},
		{"dynamic name", `<EventData><Data Name="{0}">{1}</Data><Data Name="{2}">b</Data></EventData>`, "who=a p1=b",
			[]val{str("who"), str("a"), str("p1")}},
		{"name of the data", `<EventData Name="Task">a<Data Name="x">{0}</Data></EventData>`, "EventData_Name=Task EventData=a x=b", []val{str("b")}},
		{"user data", `<UserData><Log xmlns="u" xmlns:e="v"><e:Who>{0}</e:Who><What e:Of="{1}">c</What></Log></UserData>`,
			"Who=a What_Of=b What=c", []val{str("a"), str("b")}},
		{"list", `<UserData><L><I><N>1</N></I><I><N>2</N></I></L></UserData>`, "N=1 N=2", nil},
		{"two places", `<UserData><L><A><N>1</N></A><B><N>2</N></B></L></UserData>`, "N=1 UserData.L.B.N=2", nil},
		{"routing name", `<UserData><L><Channel>c</Channel><Computer>d</Computer></L></UserData>`, "UserData.L.Channel=c UserData.L.Computer=d", nil},
		{"routing name of data", `<EventData><Data Name="EventID">9</Data></EventData>`, "EventData.EventID=9", nil},
		{"nested", `<UserData>{0}</UserData>`, "B=x", []val{inner(func(c *chunk) { c.xml(`<A><B>x</B></A>`, false) })}},
		{"nested template", `<UserData><A>{0}</A></UserData>`, "B=x", []val{inner(func(c *chunk) { c.instance(`<B>{0}</B>`, str("x")) })}},
	} {
		b := newChunk()
		b.event(3, c.doc, c.values...)
		rows, damage := show(t, Options{}, b.bytes())
		if len(rows) != 1 || len(damage) > 0 {
			t.Errorf("%s: rows %q, damage %v", c.name, rows, damage)
			continue
		}
		if _, got, _ := strings.Cut(rows[0], "UserID=S-1-5-18 "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestShadow: a name of System that the data uses too is the data's, but not
// one that decides about routing.
func TestShadow(t *testing.T) {
	c := newChunk()
	c.event(3, `<EventData><Data Name="Level">high</Data><Data Name="Version">2</Data></EventData>`)
	c.event(3, `<EventData><Data Name="Ok">1</Data></EventData>`)
	rows, damage := show(t, Options{}, c.bytes())
	if len(rows) != 2 || len(damage) > 0 {
		t.Fatal(rows, damage)
	}
	for _, part := range []string{" System.Version=1 System.Level=4 Task=7", " Level=high Version=2"} {
		if !strings.Contains(rows[0], part) {
			t.Errorf("no %q in %q", part, rows[0])
		}
	}
	if !strings.Contains(rows[1], " Version=1 Level=4 ") {
		t.Errorf("the event after it: %q", rows[1])
	}
}

// TestForwarded: what a collector adds to an event stands beside System.
func TestForwarded(t *testing.T) {
	c := newChunk()
	c.record(func(c *chunk) {
		c.xml(`<Event><System><EventID>3</EventID><Level>4</Level></System><EventData/><RenderingInfo Culture="en-US">`+
			`<Message>text</Message><Level>Information</Level><Keywords><Keyword>A</Keyword><Keyword>B</Keyword></Keywords>`+
			`</RenderingInfo></Event>`, false)
	})
	rows, damage := show(t, Options{}, c.bytes())
	want := []string{"EventID=3 Level=4 RenderingInfo_Culture=en-US Message=text RenderingInfo.Level=Information Keyword=A Keyword=B"}
	if !slices.Equal(rows, want) || len(damage) > 0 {
		t.Errorf("rows %q, damage %v", rows, damage)
	}
}

// TestTimeAsText: an event that was made from text has its time as text.
func TestTimeAsText(t *testing.T) {
	for _, text := range []string{"2021-04-27T15:03:16.983Z", "{0}"} {
		c := newChunk()
		c.record(func(c *chunk) {
			c.instance(`<Event><System><TimeCreated SystemTime="`+text+`"/><EventRecordID>9</EventRecordID></System></Event>`,
				str("2021-04-27T15:03:16.983Z"))
		})
		var row event.Row
		n := 0
		_, err := NewDecoder(Options{}).Chunk(&row, c.bytes(), 0, func(r *event.Row) error {
			n++
			if want := time.Date(2021, 4, 27, 15, 3, 16, 983e6, time.UTC); r.Time != want.UnixNano() || r.Record != 9 {
				t.Errorf("%s: record %d at %v", text, r.Record, time.Unix(0, r.Time).UTC())
			}
			return nil
		})
		if n != 1 || err != nil {
			t.Error(n, err)
		}
	}
}

// TestInstanceInTemplate: a template may stand inside another without a value
// in between.
func TestInstanceInTemplate(t *testing.T) {
	c := newChunk()
	c.record(func(c *chunk) {
		c.b = append(c.b, tokenOpen)
		size := len(c.b)
		c.u32(0)
		c.name("Event")
		c.u8(tokenCloseStart)
		c.instance(`<EventData><Data Name="x">{0}</Data></EventData>`, str("y"))
		c.u8(tokenClose)
		c.patch(size)
	})
	if rows, damage := show(t, Options{}, c.bytes()); !slices.Equal(rows, []string{"x=y"}) || len(damage) > 0 {
		t.Errorf("rows %q, damage %v", rows, damage)
	}
}

// TestSameTemplate: chunks have different templates at the same place and under
// the same GUID, even of the same bytes but with other names behind their
// references, and none gets that of another.
func TestSameTemplate(t *testing.T) {
	d := NewDecoder(Options{})
	var row event.Row
	for i := range 8 {
		name := []string{"Aaaa", "Bbbb"}[i%2]
		c := newChunk()
		if i >= 4 {
			c.record(func(c *chunk) { c.u8(tokenEnd); c.name(name) })
		}
		c.record(func(c *chunk) { c.instance(`<Event><EventData><`+name+`>{0}</`+name+`></EventData></Event>`, str("v")) })
		id := d.opts.Names.ID(name)
		_, err := d.Chunk(&row, c.bytes(), 0, func(r *event.Row) error {
			if len(r.Fields) != 1 || r.Fields[0].Name != id {
				t.Errorf("%s: %s", name, line(d.opts.Names, r))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestKept: what was compiled for a chunk is used for another in which the same
// definitions stand elsewhere and find their names elsewhere.
func TestKept(t *testing.T) {
	d := NewDecoder(Options{})
	var row event.Row
	for i := range 4 {
		c := newChunk()
		for j := range i {
			c.record(func(c *chunk) { c.u8(tokenEnd); c.name([]string{"Event", "Data", "System"}[j]) })
		}
		c.event(3, `<EventData><Data Name="a">{0}</Data></EventData>`, str("x"))
		n := 0
		damage, _ := d.Chunk(&row, c.bytes(), 0, func(r *event.Row) error {
			n++
			if got := line(d.opts.Names, r); !strings.HasSuffix(got, " a=x") || len(r.Fields) != 15 {
				t.Errorf("chunk %d: %s", i, got)
			}
			return nil
		})
		if n != 1 || len(damage) > 0 || len(d.kept) != 2 || len(d.templates) != 1 {
			t.Errorf("chunk %d: %d events, damage %v, %d templates", i, n, damage, len(d.kept))
		}
	}
	for _, k := range d.kept {
		if k.cost == 0 {
			t.Error("a template that cost nothing")
		}
	}
	d.keptBytes = maxKept
	d.keep(place{}, d.spare())
	if len(d.kept) != 3 {
		t.Errorf("%d templates, the limit is not reached yet", len(d.kept))
	}
	odd := d.spare()
	odd.bytes = make([]byte, 1)
	d.keep(place{}, odd)
	if len(d.kept) != 1 || d.keptBytes != 1 {
		t.Errorf("%d templates of %d bytes after all were dropped", len(d.kept), d.keptBytes)
	}
}

// TestKeptToItsEnd: a definition that ends without a mark is not the same as one
// that says something more.
func TestKeptToItsEnd(t *testing.T) {
	whole := newChunk()
	whole.event(3, `<EventData><Data Name="a">{0}</Data></EventData>`, str("x"))
	b := whole.bytes()
	// The definition begins, behind its size, with a fragment; the record's own
	// fragment stands before it.
	mark := []byte{tokenFragment, 1, 1, 0}
	first := bytes.Index(b, mark)
	size := first + 1 + bytes.Index(b[first+1:], mark) - 4
	n := le.Uint32(b[size:])
	last := size + 4 + int(n) - 1
	if b[last] != tokenEnd {
		t.Fatalf("the definition ends with %#x", b[last])
	}
	short := bytes.Clone(b)
	le.PutUint32(short[size:], n-1)
	longer := bytes.Clone(b)
	longer[last] = 0x20
	d := NewDecoder(Options{})
	twice(t, d, short)
	twice(t, d, longer)
}
