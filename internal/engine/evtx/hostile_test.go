package evtx

import (
	"bytes"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

// define writes a template definition that no instance comes with, and returns
// its place.
func (c *chunk) define(write func()) int {
	at := len(c.b)
	c.u32(0)
	c.b = append(c.b, make([]byte, 16)...)
	size := len(c.b)
	c.u32(0)
	c.fragment()
	write()
	c.u8(tokenEnd)
	c.patch(size)
	return at
}

// refer writes an instance of the definition at a place.
func (c *chunk) refer(at int, values ...val) {
	c.b = append(c.b, tokenTemplate, 1, 7, 0, 0, 0)
	c.u32(at)
	c.values(values...)
}

// hide writes what a record may refer to into one that is no event.
func (c *chunk) hide(write func()) {
	c.record(func(c *chunk) {
		c.u8(tokenEnd)
		write()
	})
}

// TestHostile: chunks that no Windows writes end soon, with a reason.
func TestHostile(t *testing.T) {
	for _, c := range []struct {
		name  string
		build func(c *chunk)
		want  Reason
	}{
		{"a template in itself", func(c *chunk) {
			at := 0
			c.hide(func() { at = c.define(func() { c.refer(len(c.b) - 28) }) })
			c.record(func(c *chunk) { c.refer(at) })
		}, BadTemplate}, // it has no element
		{"a template in itself, with an element", func(c *chunk) {
			at := 0
			c.hide(func() { at = selfish(c, 1) })
			c.record(func(c *chunk) { c.refer(at) })
		}, TooDeep},
		{"a template twice in itself", func(c *chunk) {
			at := 0
			c.hide(func() { at = selfish(c, 2) })
			c.record(func(c *chunk) { c.refer(at) })
		}, TooDeep},
		{"two templates in each other", func(c *chunk) {
			at, other := 0, 0
			c.hide(func() {
				at = c.define(func() { around(c, func() { other = len(c.b) + 6; c.refer(0) }) })
				le.PutUint32(c.b[other:], uint32(c.define(func() { around(c, func() { c.refer(at) }) })))
			})
			c.record(func(c *chunk) { c.refer(at) })
		}, TooDeep},
		{"binary XML in binary XML", func(c *chunk) {
			c.record(func(c *chunk) {
				v := str("end")
				for range 40 {
					inside := v
					v = inner(func(c *chunk) { c.instance(`<A>{0}</A>`, inside) })
				}
				c.instance(`<Event>{0}</Event>`, v)
			})
		}, TooDeep},
		{"binary XML many times", func(c *chunk) {
			many := `<A>` + strings.Repeat(`<B>{0}</B>`, 500) + `</A>`
			c.record(func(c *chunk) {
				c.instance(many, inner(func(c *chunk) {
					c.instance(many, inner(func(c *chunk) { c.instance(many, inner(func(c *chunk) { c.instance(many, str("x")) })) }))
				}))
			})
		}, TooMuch},
		{"a long text many times", func(c *chunk) {
			c.record(func(c *chunk) {
				c.instance(`<A>`+strings.Repeat(`<B>{0}</B>`, 500)+`</A>`, str(strings.Repeat("x", 16000)))
			})
		}, TooMuch},
		{"a long literal many times", func(c *chunk) {
			long := `<C>` + strings.Repeat("x", 15000) + `</C>`
			c.record(func(c *chunk) {
				c.instance(`<A>`+strings.Repeat(`<B>{0}</B>`, 500)+`</A>`, inner(func(c *chunk) { c.instance(long) }))
			})
		}, TooMuch},
		{"a long array many times", func(c *chunk) {
			c.record(func(c *chunk) {
				c.instance(`<A>`+strings.Repeat(`<B>{0}</B>`, 500)+`</A>`, raw(typeArray|typeUint8, make([]byte, 20000)...))
			})
		}, TooMuch},
		{"too many steps", func(c *chunk) {
			c.record(func(c *chunk) {
				c.instance(`<A><B>` + strings.Repeat(`{0}`, maxOps+9) + `</B></A>`)
			})
		}, TooMuch},
		{"elements in elements", func(c *chunk) {
			c.record(func(c *chunk) { c.instance(strings.Repeat("<A>", 500) + strings.Repeat("</A>", 500)) })
		}, TooDeep},
		{"an element in an attribute", func(c *chunk) {
			c.record(func(c *chunk) {
				c.b = append(c.b, tokenOpen)
				c.u32(0)
				c.name("A")
				c.u8(tokenAttribute)
				c.name("b")
				c.xml("<c/>", false)
			})
		}, BadToken},
		{"an end without a beginning", func(c *chunk) { c.record(func(c *chunk) { c.u8(tokenClose) }) }, BadToken},
		{"a text without an element", func(c *chunk) { c.record(func(c *chunk) { c.content("text") }) }, BadToken},
		{"a hole without a template", func(c *chunk) { c.record(func(c *chunk) { c.xml("<A>{0}</A>", false) }) }, BadToken},
		{"an attribute behind the content", func(c *chunk) {
			c.record(func(c *chunk) {
				c.b = append(c.b, tokenOpen)
				c.u32(0)
				c.name("A")
				c.u8(tokenCloseStart)
				c.content("a")
				c.u8(tokenAttribute)
				c.name("b")
				c.content("b")
				c.u8(tokenClose)
			})
		}, BadToken},
		{"content before the end of the attributes", func(c *chunk) {
			c.record(func(c *chunk) {
				c.b = append(c.b, tokenOpen)
				c.u32(0)
				c.name("A")
				c.content("a")
				c.u8(tokenCloseEmpty)
			})
		}, BadToken},
		{"a text beyond its record", func(c *chunk) {
			c.record(func(c *chunk) {
				c.b = append(c.b, tokenOpen)
				c.u32(0)
				c.name("A")
				c.b = append(c.b, tokenCloseStart, tokenText, 1, 0xff, 0xff)
			})
		}, BadToken},
		{"a name beyond the chunk", func(c *chunk) {
			c.record(func(c *chunk) { c.u8(tokenOpen); c.u32(0); c.u32(1<<32 - 1) })
		}, BadName},
		{"a name without end", func(c *chunk) {
			c.record(func(c *chunk) { c.u8(tokenOpen); c.u32(0); c.u32(len(c.b) + 4); c.u32(0); c.u32(-1) })
		}, BadName},
		{"a template beyond the chunk", func(c *chunk) { c.record(func(c *chunk) { c.refer(1 << 31) }) }, BadTemplate},
		{"a template in the header", func(c *chunk) { c.record(func(c *chunk) { c.refer(0) }) }, BadTemplate},
		{"a template without end", func(c *chunk) {
			c.record(func(c *chunk) {
				c.refer(len(c.b) + 10)
				c.b = append(c.b[:len(c.b)-4], make([]byte, 20)...)
				c.u32(-1)
				c.u32(0)
			})
		}, BadTemplate},
		{"values without end", func(c *chunk) {
			c.record(func(c *chunk) {
				c.instance(`<A>{0}</A>`)
				le.PutUint32(c.b[len(c.b)-4:], 1<<32-1)
			})
		}, BadValues},
		{"values beyond the record", func(c *chunk) {
			c.record(func(c *chunk) {
				c.instance(`<A>{0}</A>`, str("x"))
				le.PutUint16(c.b[len(c.b)-6:], 60000)
			})
		}, BadValues},
	} {
		b := newChunk()
		c.build(b)
		b.record(func(c *chunk) {
			c.instance(`<Event><EventData><Data Name="n">{0}</Data></EventData></Event>`, str("after it"))
		})
		text := 0
		rows, damage := show(t, Options{}, b.bytes())
		for _, r := range rows {
			text = max(text, len(r))
		}
		if !slices.Equal(damage, []string{c.want.String()}) {
			t.Errorf("%s: damage %v, want %v", c.name, damage, c.want)
		}
		if len(rows) == 0 || rows[len(rows)-1] != "n=after it" {
			t.Errorf("%s: the record after it is lost", c.name)
		}
		if text > 4*recordText {
			t.Errorf("%s: a row of %d bytes", c.name, text)
		}
	}
}

// around writes an element with something inside.
func around(c *chunk, write func()) {
	c.u8(tokenOpen)
	c.u16(0xffff)
	c.u32(0)
	c.name("A")
	c.u8(tokenCloseStart)
	write()
	c.u8(tokenClose)
}

// selfish writes a template that has itself inside n times.
func selfish(c *chunk, n int) int {
	at := len(c.b)
	return c.define(func() {
		for range n {
			around(c, func() { c.refer(at) })
		}
	})
}

// TestBudget: records that each ask for as much as a record may are stopped by
// what a chunk may ask for.
func TestBudget(t *testing.T) {
	c := newChunk()
	for range 1000 {
		c.record(func(c *chunk) {
			c.instance(`<Event><EventData>` + strings.Repeat(`<B>{0}</B>`, 1400) + `</EventData></Event>`)
			c.b = append(c.b, 0)
		})
		if len(c.b) > ChunkSize-200 {
			break
		}
	}
	c.b = c.b[:c.last]
	b := c.bytes()
	for _, at := range []int{0, 1} {
		if at == 1 {
			b[0] = 0 // carved
		}
		rows, fields := 0, 0
		d := NewDecoder(Options{})
		var row event.Row
		damage, _ := d.Chunk(&row, b, 0, func(r *event.Row) error { rows++; fields += len(r.Fields); return nil })
		if last := damage[len(damage)-1]; last.Reason != TooMuch || fields > chunkSteps || rows < 100 {
			t.Errorf("%d rows, %d fields, damage %v", rows, fields, last)
		}
	}
}

// TestForget: a decoder that has learned too many names begins anew.
func TestForget(t *testing.T) {
	d := NewDecoder(Options{})
	var row event.Row
	n := 0
	for i := range 40 {
		c := newChunk()
		for j := 0; len(c.b) < ChunkSize-400; j++ {
			name := string(rune('a'+i%26)) + strings.Repeat("x", i/26) + string(rune('A'+j%26)) + string(rune('A'+j/26%26)) + string(rune('A'+j/676))
			c.record(func(c *chunk) {
				c.instance(`<Event><EventData><Data Name="{0}">{1}</Data></EventData></Event>`, str(name), str(name))
			})
		}
		_, err := d.Chunk(&row, c.bytes(), 0, func(r *event.Row) error {
			n++
			if got := d.opts.Names.Text(r.Fields[0].Name); len(r.Fields) != 1 || got != string(r.Value(0)) {
				t.Fatalf("%s = %s", got, r.Value(0))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n < maxLearned*6/5 || len(d.naming.data) > maxLearned+ChunkSize/64 {
		t.Errorf("%d events, %d names", n, len(d.naming.data))
	}
}

// samples are built chunks of many shapes, and with the shared data also real ones.
func samples(t testing.TB) (all [][]byte) {
	c, _ := numbered(20)
	all = append(all, c.bytes()[:len(c.b)])
	c = newChunk()
	for i := range 5 {
		c.event(uint64(i), `<EventData><Data Name="a">{0}</Data><Data>{1}</Data><Binary>{2}</Binary></EventData>`,
			str("text"), raw(typeArray|typeString, 'a', 0, 0, 0, 'b', 0), raw(typeBinary, 1, 2, 3))
		c.event(uint64(i), `<UserData><L xmlns="u"><A b="{0}">x{1}y</A><Level>{2}</Level></L></UserData>`,
			num(typeUint32, 1), num(typeBool, 1), num(typeHex64, 7))
	}
	return append(all, c.bytes()[:len(c.b)])
}

// TestTruncation cuts files at every 997th byte.
func TestTruncation(t *testing.T) {
	files := [][]byte{}
	for _, c := range samples(t) {
		files = append(files, file(append(c, make([]byte, ChunkSize-len(c))...)))
	}
	if !testing.Short() {
		n := 0
		for name, f := range unzippedIfThere(t, "copyleft/evtx/evtx-attack-samples-dev.zip") {
			if path.Ext(name) == ".evtx" && n < 12 {
				files = append(files, f[:min(len(f), 3*ChunkSize)])
				n++
			}
		}
	}
	d := NewDecoder(Options{Slack: true})
	for _, f := range files {
		whole := 0
		decode(t, d, f, func(*event.Row) { whole++ })
		for n := 0; n < len(f); n += 997 {
			rows := 0
			decode(t, d, f[:n], func(*event.Row) { rows++ })
			if rows > whole {
				t.Errorf("%d rows of the first %d bytes, %d of all", rows, n, whole)
			}
		}
	}
}

// TestFlippedBytes: no byte makes the decoder fail, and it decodes a damaged
// chunk twice in the same way.
func TestFlippedBytes(t *testing.T) {
	d := NewDecoder(Options{Slack: true})
	for _, c := range samples(t) {
		for i := range c {
			x := []byte{1, 0x80, 0xff, 0x10}[i%4]
			c[i] ^= x
			twice(t, d, c)
			c[i] ^= x
		}
	}
}

// TestManyFlips damages chunks in many places at once, with bytes that mean
// something to the format among them.
func TestManyFlips(t *testing.T) {
	chunks := samples(t)
	for name, f := range unzippedIfThere(t, "copyleft/evtx/evtx-attack-samples-dev.zip") {
		if path.Ext(name) == ".evtx" && len(f) >= fileBlock+ChunkSize {
			chunks = append(chunks, f[fileBlock:fileBlock+ChunkSize])
		}
	}
	rng := rand.New(rand.NewPCG(5, 6))
	d := NewDecoder(Options{Slack: true})
	for range 400 {
		b := bytes.Clone(chunks[rng.IntN(len(chunks))])
		end := min(max(freeSpace(b), chunkHead+1), len(b))
		for range 1 + rng.IntN(60) {
			at := rng.IntN(end)
			switch rng.IntN(4) {
			case 0:
				b[at] = byte(rng.Uint32())
			case 1:
				b[at] ^= 1 << rng.IntN(8)
			case 2:
				copy(b[at:min(at+rng.IntN(64), end)], b[rng.IntN(end):])
			default:
				tokens := []byte{tokenOpen, tokenTemplate, tokenHole, tokenOptional, tokenAttribute, typeBinXML, typeArray | typeSize, 0xff}
				b[at] = tokens[rng.IntN(len(tokens))]
			}
		}
		twice(t, d, b)
	}
}

// twice decodes a chunk with a decoder that has seen others and with a new one.
func twice(t testing.TB, d *Decoder, b []byte) {
	t.Helper()
	var row event.Row
	var first, second bytes.Buffer
	d2 := NewDecoder(Options{Slack: d.opts.Slack})
	one, _ := d.Chunk(&row, b, 0, func(r *event.Row) error { first.WriteString(line(d.opts.Names, r)); return nil })
	two, _ := d2.Chunk(&row, b, 0, func(r *event.Row) error { second.WriteString(line(d2.opts.Names, r)); return nil })
	if !slices.Equal(one, two) || first.String() != second.String() {
		t.Fatalf("damage %v and %v, rows %q and %q", one, two, first.String(), second.String())
	}
	for _, x := range one {
		if x.Offset < 0 || x.Length < 0 || x.Reason == None || x.Reason >= numReasons {
			t.Fatalf("damage %+v", x)
		}
	}
}
