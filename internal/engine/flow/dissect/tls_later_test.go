package dissect

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// A protocol in clear that goes on with TLS is read from there, in whatever
// pieces it comes; its App stays.
func TestClearThenTLS(t *testing.T) {
	hello := tlsRecord(tlsHandshake, clientHelloBytes("a.example", "h2", 50))
	answer := append([]byte{serverHello, 0, 0, 38, 3, 3}, make([]byte, 36)...)
	talk := []chunk{
		{record.In, []byte("220 ready\r\n")}, {record.Out, []byte("AUTH TLS\r\n\x16")}, {record.In, []byte("234 go\x16\x03 on\r\n")},
		{record.Out, hello}, {record.In, tlsRecord(tlsHandshake, answer)}, {record.Out, tlsRecord(tlsChange, []byte{1})},
		{record.In, tlsRecord(tlsChange, []byte{1})}, {record.Out, tlsRecord(tlsHandshake, make([]byte, 40))},
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		r := follow(newClear, talk, rnd)
		if r.TLS == nil || r.TLS.SNI.String() != "a.example" || !r.TLS.Established || r.App != record.NoApp {
			t.Fatalf("%+v", r.TLS)
		}
	}
	f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, false)}
	s := newClear(f)
	if got := s.Data(record.Out, 0, []byte(strings.Repeat("nothing ", maxClear))); got != Done || f.TLS != nil {
		t.Errorf("%d, %+v", got, f.TLS)
	}
	s = newClear(f)
	if got := s.Data(record.Out, 0, append([]byte("abc"), hello[:8]...)); got != 3 {
		t.Errorf("a hello that is not whole yet: %d", got)
	}
	s.Lost(record.Out, 10)
	s.End()
}

func FuzzClear(f *testing.F) {
	hello := tlsRecord(tlsHandshake, clientHelloBytes("a.example", "h2", 50))
	f.Add(append([]byte("AUTH TLS\r\n"), hello...), bytes.Repeat([]byte{0x16, 3}, 40), uint64(1))
	f.Fuzz(func(t *testing.T, out, in []byte, seed uint64) { fuzzStream(t, newClear, out, in, seed) })
}
