package dissect

import (
	"testing"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

func on(port uint16, begin func(record.Facts) Stream, said ...utterance) *record.Record {
	p := newPlaying(&talk{proto: packet.ProtoTCP}, record.NewNaming([32]byte{1}, false))
	p.rec.SrcPort, p.rec.DstPort = 50000, port
	if begin != nil {
		p.stream, p.know = begin(p.facts), true
	}
	for i, u := range said {
		if u.lost > 0 {
			p.lost(u.side, u.lost)
		}
		p.data(u.side, int64(i), u.b)
	}
	if p.stream != nil {
		p.stream.End()
	}
	return &p.rec
}

func TestModbus(t *testing.T) {
	r := on(502, nil,
		out("\x00\x01\x00\x00\x00\x06\x07\x03\x00\x00\x00\x02"+"\x00\x02\x00\x00\x00\x06\x07\x05\x00\x01\xff\x00"+"\x00\x03\x00\x00\x00\x06\x09\x08\x00\x04\x00\x00"),
		in("\x00\x01\x00\x00\x00\x07\x07\x03\x04abcd"+"\x00\x02\x00\x00\x00\x03\x07\x85\x02"),
		utterance{side: record.Out, lost: 3, b: []byte("\x06\x01\x04\x00\x00\x00\x01" + "\x00\x05\x00\x00\x00\x08\x0a\x10\x00\x00\x00\x01\x02xx")})
	want := record.Control{Functions: setOf(3, 5, 8, 16), Units: setOf(7, 9, 10), Requests: 4, Writes: 2, Stops: 1, Exceptions: 1}
	if r.App != record.Modbus || r.Control == nil || *r.Control != want {
		t.Errorf("%s %+v, want %+v", r.App, r.Control, want)
	}
}

func TestDNP3(t *testing.T) {
	ask := "\x05\x64\x08\xc4\x04\x00\x03\x00\xaa\xbb\xc0\xc1\x02\xcc\xdd"
	stop := "\x05\x64\x08\xc4\x04\x00\x03\x00\xaa\xbb\xc0\xc2\x0d\xcc\xdd"
	link := "\x05\x64\x05\xc9\x04\x00\x03\x00\xaa\xbb"
	answer := "\x05\x64\x0a\x44\x03\x00\x04\x00\xaa\xbb\xc0\xc1\x81\x00\x04\xcc\xdd"
	for what, r := range map[string]*record.Record{
		"whole":       on(20000, nil, out(ask+link+stop), in(answer)),
		"behind dirt": on(20000, newDNP3, out(ask[:9]), utterance{side: record.Out, lost: 1, b: []byte("\x05\x00\x64" + ask + stop)}, in("x"+answer)),
	} {
		want := record.Control{Functions: setOf(2, 13, 129), Units: setOf(4), Requests: 2, Writes: 1, Stops: 1, Exceptions: 1, Source: 3, Target: 4}
		if r.Control == nil || *r.Control != want {
			t.Errorf("%s: %+v, want %+v", what, r.Control, want)
		}
	}
}

func TestS7(t *testing.T) {
	connect := "\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a"
	job := func(function string) string {
		return "\x03\x00\x00\x13\x02\xf0\x80\x32\x01\x00\x00\x00\x01\x00\x02\x00\x00" + function + "\x00"
	}
	r := on(102, nil, out(connect), in("\x03\x00\x00\x0b\x06\xd0\x00\x01\x00\x02\x00"), out(job("\xf0")+job("\x04")+job("\x05")+job("\x29")),
		in("\x03\x00\x00\x13\x02\xf0\x80\x32\x03\x00\x00\x00\x01\x00\x00\x00\x00\x85\x00"))
	want := record.Control{Functions: setOf(0xf0, 4, 5, 0x29), Units: setOf(2), Requests: 4, Writes: 2, Stops: 1, Exceptions: 1}
	if r.App != record.S7 || r.Control == nil || *r.Control != want {
		t.Errorf("%s %+v, want %+v", r.App, r.Control, want)
	}
}

func TestRDP(t *testing.T) {
	n := record.NewNaming([32]byte{1}, false)
	r := on(3389, nil, out("\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Admin\r\n\x01\x00\x08\x00\x0b\x00\x00\x00"), in("\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x03\x00\x08\x00\x05\x00\x00\x00"))
	if want := (record.RDP{Requested: 11, Failure: 5, Cookie: n.Fold([]byte("admin"))}); r.App != record.RDPApp || r.RDP == nil || *r.RDP != want {
		t.Errorf("%s %+v, want %+v", r.App, r.RDP, want)
	}
}
