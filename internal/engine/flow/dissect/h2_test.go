package dissect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	twin "golang.org/x/net/http2/hpack"

	"noroshi/internal/engine/flow/record"
)

func httpFacts(full bool) (*record.Record, record.Facts) {
	r := &record.Record{SrcPort: 50000, DstPort: 80, Proto: 6}
	return r, record.Facts{Record: r, Naming: record.NewNaming([32]byte{1}, full)}
}

// frame is one frame of HTTP/2.
func frame(kind, flags byte, id uint32, body []byte) []byte {
	b := []byte{byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, id), body...)
}

// Field sections made by the library of the Go project are read as they were
// meant, over thousands of fields that push each other out of the table.
func TestHPACKAgainstTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	var coded bytes.Buffer
	enc := twin.NewEncoder(&coded)
	d := newHPACK(record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{1}, true)})
	names := []string{":authority", ":method", ":path", ":status", "user-agent", "server", "content-type", "cookie", "x-own", "host", "accept", "x-" + strings.Repeat("long", 30)}
	text := func(k int) string {
		b := make([]byte, k)
		for i := range b {
			b[i] = byte(' ' + rnd.IntN(95))
		}
		return string(b)
	}
	for section := range 500 {
		if section%100 == 99 {
			enc.SetMaxDynamicTableSize(uint32(rnd.IntN(4097)))
		}
		coded.Reset()
		var want, got []string
		for range 1 + rnd.IntN(12) {
			f := twin.HeaderField{Name: names[rnd.IntN(len(names))], Sensitive: rnd.IntN(10) == 0}
			switch f.Name {
			case ":method":
				f.Value = []string{"GET", "POST", "PUT"}[rnd.IntN(3)]
				want = append(want, f.Value)
			case ":status":
				f.Value = fmt.Sprint(200 + rnd.IntN(9))
				want = append(want, f.Value)
			case "user-agent", "server":
				f.Value = "agent" + fmt.Sprint(rnd.IntN(40)) + text(rnd.IntN(90))
				want = append(want, f.Value)
			case ":path":
				f.Value = "/" + fmt.Sprint(rnd.IntN(50))
				want = append(want, f.Value)
			case ":authority", "host":
				f.Value = "h" + fmt.Sprint(rnd.IntN(50)) + ".example"
				want = append(want, f.Value)
			case "content-type":
				f.Value = "text/html"
				want = append(want, "html")
			default:
				f.Value = text(rnd.IntN(200))
			}
			if err := enc.WriteField(f); err != nil {
				t.Fatal(err)
			}
		}
		ok := d.decode(coded.Bytes(), func(name h2Name, v *h2Value) {
			switch name {
			case h2Method:
				got = append(got, record.Method(v.number).String())
			case h2Status:
				got = append(got, fmt.Sprint(v.number))
			case h2Agent, h2Server:
				got = append(got, v.agent.Text.String())
			case h2Type:
				got = append(got, record.Media(v.number).String())
			case h2Path, h2Authority, h2Host:
				got = append(got, v.text.String())
			}
		})
		if !ok || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("section %d, %v:\n got %q\nwant %q", section, ok, got, want)
		}
	}
	if d.scratch != [maxText]byte{} {
		t.Error("the scratch still holds what was decoded")
	}
}

// The Huffman code against the twin, byte by byte and at random.
func TestHuffmanAgainstTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 9))
	var out [64]byte
	for i := range 2000 {
		b := make([]byte, rnd.IntN(60))
		for k := range b {
			b[k] = byte(rnd.Uint32())
		}
		if i < 256 {
			b = []byte{byte(i)}
		}
		coded := twin.AppendHuffmanString(nil, string(b))
		used, size, ok := unHuffman(out[:], coded)
		if !ok || int(size) != len(b) || !bytes.Equal(out[:used], b) {
			t.Fatalf("%x: %x %v", b, out[:used], ok)
		}
		var other strings.Builder
		if len(coded) > 0 {
			coded[rnd.IntN(len(coded))] ^= 1 << rnd.IntN(8)
		}
		_, err := twin.HuffmanDecode(&other, coded)
		used, _, ok = unHuffman(out[:], coded)
		if ok != (err == nil) || ok && other.String() != string(out[:used]) {
			t.Fatalf("%x changed: %v, twin %v", coded, ok, err)
		}
	}
}

func section(fields ...string) []byte {
	var b bytes.Buffer
	e := twin.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = e.WriteField(twin.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return b.Bytes()
}

func TestH2InPieces(t *testing.T) {
	r, f := httpFacts(true)
	s := newH2(f)
	head := section(":method", "POST", ":scheme", "http", ":path", "/api/v1?secret", ":authority", "h.example:8080", "user-agent", "curl/8.0", "cookie", "secret")
	ask := append(bytes.Clone(h2Preface), frame(h2Settings, 0, 0, nil)...)
	ask = append(ask, frame(h2Headers, 0, 1, head[:5])...)
	ask = append(ask, frame(h2Continuation, 0, 1, head[5:9])...)
	ask = append(ask, frame(h2Continuation, h2EndHeaders, 1, head[9:])...)
	ask = append(ask, frame(h2Data, 1, 1, make([]byte, 100))...)
	if n := s.Data(record.Out, 5, ask); n != len(ask) {
		t.Fatalf("%d of %d", n, len(ask))
	}
	padded := append([]byte{3, 0, 0, 0, 0, 9}, section(":status", "200", "server", "nginx", "content-type", "application/json")...)
	answer := append(frame(h2Headers, h2EndHeaders|h2Padded|h2Priority, 1, append(padded, 0, 0, 0)), frame(h2Data, 0, 1, make([]byte, 70))...)
	answer = append(answer, frame(h2Headers, h2EndHeaders|1, 1, nil)...) // an empty trailer
	if n := s.Data(record.In, 6, answer); n != len(answer) {
		t.Fatalf("%d of %d", n, len(answer))
	}
	s.End()
	want := record.HTTP{At: 5, Method: record.POST, Major: 2, Host: f.Naming.Host([]byte("h.example")), Port: 8080, Path: f.Naming.Path([]byte("/api/v1?x")),
		Status: 200, Agent: f.Naming.Agent([]byte("curl/8.0")), Server: f.Naming.Agent([]byte("nginx")), Type: record.JSON, Body: [2]uint64{100, 70}}
	if len(r.HTTP) != 1 || r.HTTP[0] != want {
		t.Errorf("\n got %+v\nwant %+v", r.HTTP, want)
	}
}

// Sections that are not sound close their side and take nothing with them.
func TestH2Unsound(t *testing.T) {
	for what, b := range map[string][]byte{
		"a table too large":      frame(h2Headers, h2EndHeaders, 1, []byte{0x3f, 0xff, 0xff, 0x7f}),
		"an index out of bounds": frame(h2Headers, h2EndHeaders, 1, []byte{0xff, 0x20}),
		"padding too long":       frame(h2Headers, h2EndHeaders|h2Padded, 1, []byte{9, 0x82}),
		"a frame in between":     append(frame(h2Headers, 0, 1, []byte{0x82}), frame(h2Data, 0, 1, nil)...),
		"too large":              {0xff, 0, 0, h2Headers, 0, 0, 0, 0, 1},
		"a text too long":        frame(h2Headers, h2EndHeaders, 1, []byte{0x41, 0x7f}),
	} {
		r, f := httpFacts(false)
		s := newH2(f)
		if n := s.Data(record.Out, 1, append(bytes.Clone(h2Preface), b...)); n != Done || len(r.HTTP) != 0 {
			t.Errorf("%s: %d %+v", what, n, r.HTTP)
		}
	}
}
