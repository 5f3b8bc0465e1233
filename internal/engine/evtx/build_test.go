package evtx

import (
	"bytes"
	"encoding/xml"
	"errors"
	"hash/crc32"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"noroshi/internal/engine/event"
)

// chunk builds a chunk, so that the package is tested without any log of
// others and with logs that no Windows would write.
type chunk struct {
	b     []byte
	names map[string]int
	defs  map[string]int
	last  int // the place of the last record
	id    uint64
}

func newChunk() *chunk {
	return &chunk{b: make([]byte, chunkHead, ChunkSize), names: map[string]int{}, defs: map[string]int{}}
}

func (c *chunk) u8(x byte)    { c.b = append(c.b, x) }
func (c *chunk) u16(x uint16) { c.b = le.AppendUint16(c.b, x) }
func (c *chunk) u32(x int)    { c.b = le.AppendUint32(c.b, uint32(x)) }
func (c *chunk) u64(x uint64) { c.b = le.AppendUint64(c.b, x) }
func (c *chunk) text(s string) {
	for _, u := range utf16.Encode([]rune(s)) {
		c.u16(u)
	}
}

// patch writes the number of bytes after at+4 to at.
func (c *chunk) patch(at int) { le.PutUint32(c.b[at:], uint32(len(c.b)-at-4)) }

// name writes a reference to a name, and the name itself if it is the first.
func (c *chunk) name(s string) {
	if at, ok := c.names[s]; ok {
		c.u32(at)
		return
	}
	at := len(c.b) + 4
	c.names[s] = at
	c.u32(at)
	c.u32(0)
	c.u16(0)
	c.u16(uint16(len(utf16.Encode([]rune(s)))))
	c.text(s)
	c.u16(0)
}

// A hole is {3}, an optional one {?3}; {#65} is a character reference, {$amp}
// one to an entity and {!text} CDATA.
var special = regexp.MustCompile(`\{[?#$!]?[^}]*\}`)

func (c *chunk) content(s string) {
	for s != "" {
		at := special.FindStringIndex(s)
		if at == nil {
			at = []int{len(s), len(s)}
		}
		if plain := s[:at[0]]; plain != "" {
			c.u8(tokenText)
			c.u8(typeString)
			c.u16(uint16(len(utf16.Encode([]rune(plain)))))
			c.text(plain)
		}
		if part := s[at[0]:at[1]]; part != "" {
			c.special(part[1 : len(part)-1])
		}
		s = s[at[1]:]
	}
}

func (c *chunk) special(s string) {
	n, _ := strconv.Atoi(strings.TrimLeft(s, "?#"))
	switch s[0] {
	case '#':
		c.u8(tokenChar)
		c.u16(uint16(n))
	case '$':
		c.u8(tokenEntity)
		c.name(s[1:])
	case '!':
		c.u8(tokenCDATA)
		c.u16(uint16(len(s) - 1))
		c.text(s[1:])
	case '?':
		c.u8(tokenOptional)
		c.u16(uint16(n))
		c.u8(0)
	default:
		c.u8(tokenHole)
		c.u16(uint16(n))
		c.u8(0)
	}
}

func rawName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

// xml writes a document as binary XML.
func (c *chunk) xml(doc string, inTemplate bool) {
	dec := xml.NewDecoder(strings.NewReader(doc))
	var open []int // the size of each open element
	for {
		token, err := dec.RawToken()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			panic("BUG: " + err.Error())
		}
		switch token := token.(type) {
		case xml.StartElement:
			open = append(open, c.start(token, inTemplate))
		case xml.EndElement:
			c.u8(tokenClose)
			c.patch(open[len(open)-1])
			open = open[:len(open)-1]
		case xml.CharData:
			c.content(string(token))
		case xml.ProcInst:
			c.u8(tokenPITarget)
			c.name(token.Target)
			c.u8(tokenPIData)
			c.u16(uint16(len(token.Inst)))
			c.text(string(token.Inst))
		}
	}
}

func (c *chunk) start(e xml.StartElement, inTemplate bool) (size int) {
	if len(e.Attr) > 0 {
		c.u8(tokenOpen | moreFlag)
	} else {
		c.u8(tokenOpen)
	}
	if inTemplate {
		c.u16(0xffff)
	}
	size = len(c.b)
	c.u32(0)
	c.name(rawName(e.Name))
	if len(e.Attr) > 0 {
		list := len(c.b)
		c.u32(0)
		for i, a := range e.Attr {
			if i < len(e.Attr)-1 {
				c.u8(tokenAttribute | moreFlag)
			} else {
				c.u8(tokenAttribute)
			}
			c.name(rawName(a.Name))
			c.content(a.Value)
		}
		c.patch(list)
	}
	c.u8(tokenCloseStart)
	return size
}

// val is a value of a template instance.
type val struct {
	typ   byte
	write func(*chunk)
}

func raw(typ byte, b ...byte) val { return val{typ, func(c *chunk) { c.b = append(c.b, b...) }} }
func str(s string) val            { return val{typeString, func(c *chunk) { c.text(s) }} }
func num(typ byte, x uint64) val {
	return raw(typ, le.AppendUint64(nil, x)[:sizes[typ]]...)
}
func null() val { return raw(typeNull) }

// inner is binary XML as a value.
func inner(write func(*chunk)) val {
	return val{typeBinXML, func(c *chunk) {
		c.fragment()
		write(c)
		c.u8(tokenEnd)
	}}
}

func (c *chunk) fragment() { c.b = append(c.b, tokenFragment, 1, 1, 0) }

// instance writes a template instance, its definition at its first use.
func (c *chunk) instance(doc string, values ...val) {
	c.u8(tokenTemplate)
	c.u8(1)
	c.u32(7)
	at, known := c.defs[doc]
	if !known {
		at = len(c.b) + 4
	}
	c.u32(at)
	if !known {
		c.defs[doc] = at
		c.u32(0)
		c.u32(7) // the GUID, whose beginning the instance repeats
		c.b = append(c.b, make([]byte, 12)...)
		size := len(c.b)
		c.u32(0)
		c.fragment()
		c.xml(doc, true)
		c.u8(tokenEnd)
		c.patch(size)
	}
	c.values(values...)
}

func (c *chunk) values(values ...val) {
	c.u32(len(values))
	list := len(c.b)
	for _, v := range values {
		c.u16(0)
		c.u8(v.typ)
		c.u8(0)
	}
	for i, v := range values {
		from := len(c.b)
		v.write(c)
		le.PutUint16(c.b[list+4*i:], uint16(len(c.b)-from))
	}
}

const ticks2026 = 134116992000000000 // 2026-01-01T00:00:00Z

// record writes a record with the next number.
func (c *chunk) record(write func(*chunk)) {
	c.id++
	c.last = len(c.b)
	c.b = append(c.b, recordSign...)
	c.u32(0)
	c.u64(c.id)
	c.u64(ticks2026 + 10*c.id)
	c.fragment()
	write(c)
	c.u8(tokenEnd)
	for len(c.b)%8 != 4 {
		c.u8(0)
	}
	size := len(c.b) + 4 - c.last
	c.u32(size)
	le.PutUint32(c.b[c.last+4:], uint32(size))
}

// bytes returns the chunk with its header.
func (c *chunk) bytes() []byte {
	b := append([]byte(nil), c.b...)
	free := len(b)
	if free > ChunkSize {
		panic("BUG: the chunk is larger than a chunk")
	}
	b = append(b, make([]byte, ChunkSize-free)...)
	copy(b, chunkSign)
	le.PutUint64(b[8:], 1)
	le.PutUint64(b[16:], c.id)
	le.PutUint64(b[24:], 1)
	le.PutUint64(b[32:], c.id)
	le.PutUint32(b[40:], 128)
	le.PutUint32(b[44:], uint32(c.last))
	le.PutUint32(b[48:], uint32(free))
	le.PutUint32(b[52:], crc32.ChecksumIEEE(b[chunkHead:free]))
	sum(b)
	return b
}

// sum sets the checksum of a chunk's header.
func sum(b []byte) { le.PutUint32(b[124:], headerSum(b)) }

// file puts chunks behind a file header.
func file(chunks ...[]byte) []byte {
	b := make([]byte, fileBlock)
	copy(b, fileSign)
	le.PutUint64(b[16:], uint64(len(chunks)-1))
	le.PutUint32(b[32:], 128)
	le.PutUint16(b[36:], 1)
	le.PutUint16(b[38:], 3)
	le.PutUint16(b[40:], fileBlock)
	le.PutUint16(b[42:], uint16(len(chunks)))
	le.PutUint32(b[124:], crc32.ChecksumIEEE(b[:120]))
	return append(b, bytes.Join(chunks, nil)...)
}

const ns = `xmlns="http://schemas.microsoft.com/win/2004/08/events/event"`

// outer is what most events have around their data.
const outer = `<Event ` + ns + `><System><Provider Name="{0}" Guid="{?1}"/><EventID Qualifiers="{?2}">{3}</EventID>` +
	`<Version>{4}</Version><Level>{5}</Level><Task>{6}</Task><Opcode>{7}</Opcode><Keywords>{8}</Keywords>` +
	`<TimeCreated SystemTime="{9}"/><EventRecordID>{10}</EventRecordID><Correlation ActivityID="{?11}"/>` +
	`<Execution ProcessID="{12}" ThreadID="{13}"/><Channel>{14}</Channel><Computer>{15}</Computer>` +
	`<Security UserID="{?16}"/></System>{17}</Event>`

// event writes a record as most are: a template for System, in whose last place
// stands the data with a template of its own.
func (c *chunk) event(id uint64, doc string, values ...val) {
	c.record(func(c *chunk) {
		c.instance(outer, str("Prov"), null(), null(), num(typeUint16, id), num(typeUint8, 1), num(typeUint8, 4),
			num(typeUint16, 7), num(typeUint8, 0), num(typeHex64, 1<<63), num(typeFiletime, ticks2026+10*c.id),
			num(typeUint64, 1000+c.id), null(), num(typeUint32, 4), num(typeUint32, 5), str("Chan"), str("host"),
			raw(typeSID, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0),
			inner(func(c *chunk) { c.instance(doc, values...) }))
	})
}

const (
	prefix = "Provider_Name=Prov EventID=3 Version=1 Level=4 Task=7 Opcode=0 Keywords=0x8000000000000000 "
	middle = " Execution_ProcessID=4 Execution_ThreadID=5 Channel=Chan Computer=host Security_UserID=S-1-5-18"
)

// show decodes a chunk and returns each row as text, the carved ones with a *,
// and the reasons of all damage.
func show(t testing.TB, o Options, b []byte) (rows []string, damage []string) {
	t.Helper()
	if o.Names == nil {
		o.Names = event.NewNames()
	}
	var row event.Row
	bad, err := NewDecoder(o).Chunk(&row, b, 4096, func(r *event.Row) error {
		rows = append(rows, line(o.Names, r))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range bad {
		damage = append(damage, d.Reason.String())
	}
	return rows, damage
}

func line(names *event.Names, r *event.Row) string {
	var parts []string
	if r.Carved {
		parts = append(parts, "*")
	}
	for i, f := range r.Fields {
		text := names.Text(f.Name) + "=" + string(r.Value(i))
		if f.Kind == event.Null {
			text = names.Text(f.Name) + " null"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }
