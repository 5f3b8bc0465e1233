package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// all reads a capture and copies its packets.
func all(t testing.TB, src io.Reader, size int) ([]Packet, Stats, error) {
	t.Helper()
	r, err := NewReader(src)
	if err != nil {
		return nil, Stats{}, err
	}
	var ps []Packet
	batch := make([]Packet, size)
	for {
		n, err := r.Next(batch)
		for _, p := range batch[:n] {
			p.Data = bytes.Clone(p.Data)
			ps = append(ps, p)
		}
		if err == io.EOF {
			return ps, r.Stats(), nil
		} else if err != nil {
			return ps, r.Stats(), err
		}
		if n == 0 {
			t.Fatal("no packet and no error")
		}
	}
}

func samePackets(t *testing.T, got, want []Packet, times bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if !bytes.Equal(g.Data, w.Data) || g.Orig != w.Orig || g.Link != w.Link || g.At != w.At && (times || g.At != 0) {
			t.Fatalf("packet %d: %d bytes of %d at %d on %d, want %d of %d at %d on %d", i, len(g.Data), g.Orig, g.At, g.Link, len(w.Data), w.Orig, w.At, w.Link)
		}
	}
}

// forms are the same packets in every form.
func forms(r *rand.Rand, ps []Packet) map[string][]byte {
	le, be := binary.LittleEndian, binary.BigEndian
	m := map[string][]byte{
		"micro": old(form1{le, magicMicro, 4}, ps), "micro big": old(form1{be, magicMicro, 4}, ps),
		"nano": old(form1{le, magicNano, 4}, ps), "nano big": old(form1{be, magicNano, 4}, ps),
		"modified": old(form1{le, magicModified, 4}, ps), "hardware": old(form1{be, magicHardware, 4}, ps),
		"turned": old(form1{le, magicMicro, 2}, ps),
		"ng":     ng(le, r, ps, true), "ng big": ng(be, r, ps, true), "ng simple": ng(le, r, ps, false),
	}
	half := len(ps) / 2
	m["two files"] = append(old(form1{le, magicMicro, 4}, ps[:half]), old(form1{be, magicNano, 4}, ps[half:])...)
	m["old and new"] = append(old(form1{le, magicMicro, 4}, ps[:half]), ng(be, r, ps[half:], true)...)
	m["two sections"] = append(ng(le, r, ps[:half], true), ng(be, r, ps[half:], true)...)
	plain := m["micro"]
	cut := len(plain) / 3
	m["gzip"] = gzipped1(plain, 6)
	m["gzip stored"] = gzipped1(plain, 0)
	m["gzip members"] = append(gzipped1(plain[:cut], 9), gzipped1(plain[cut:], 1)...)
	m["zstd"] = zstd1(plain)
	m["zstd stream"] = zstdStream(plain, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	m["zstd small window"] = zstdStream(plain, zstd.WithWindowSize(1024), zstd.WithEncoderCRC(false))
	m["zstd frames"] = bytes.Join([][]byte{{0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9}, zstd1(plain[:cut], zstd.WithSingleSegment(true)),
		zstdStream(plain[cut:], zstd.WithWindowSize(8<<20))}, nil)
	m["gzip ng"] = gzipped1(m["ng simple"], 6)
	return m
}

func TestForms(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 3, 700} {
		ps := some(r, n)
		for name, b := range forms(r, ps) {
			for _, size := range []int{1, 512} {
				src := io.Reader(bytes.NewReader(b))
				if size == 1 && n < 100 {
					src = iotest.OneByteReader(src)
				} else if size == 1 {
					src = iotest.DataErrReader(iotest.HalfReader(src))
				}
				got, s, err := all(t, src, size)
				if err != nil {
					t.Fatalf("%s, %d packets: %v", name, n, err)
				}
				t.Run(name, func(t *testing.T) { samePackets(t, got, ps, name != "ng simple" && name != "gzip ng") })
				if s.Damaged+s.Truncated+s.Oversize > 0 || s.Packets != int64(n) {
					t.Fatalf("%s: %+v", name, s)
				}
			}
		}
	}
}

// TestCutOff cuts captures at every place: whole packets are delivered and the
// rest is counted once.
func TestCutOff(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	ps := some(r, 9)
	for i := range ps {
		ps[i].Data = ps[i].Data[:min(len(ps[i].Data), 40)]
	}
	for name, b := range map[string][]byte{"old": old(form1{binary.BigEndian, magicNano, 4}, ps), "ng": ng(binary.LittleEndian, r, ps, true)} {
		for cut := range len(b) {
			got, s, err := all(t, bytes.NewReader(b[:cut]), 4)
			if cut < 24 {
				if len(got) > 0 || err == nil && cut > 0 {
					t.Fatalf("%s cut at %d: %d packets, %v", name, cut, len(got), err)
				}
				continue
			}
			if err != nil && !errors.Is(err, ErrFormat) {
				t.Fatalf("%s cut at %d: %v", name, cut, err)
			}
			samePackets(t, got, ps[:len(got)], true)
			if s.Truncated > 1 || s.Damaged > 0 {
				t.Fatalf("%s cut at %d: %+v", name, cut, s)
			}
		}
		if got, s, _ := all(t, bytes.NewReader(b[:len(b)-1]), 4); len(got) >= len(ps)+1 || s.Truncated != 1 {
			t.Fatalf("%s without its last byte: %d packets, %+v", name, len(got), s)
		}
	}
	// A compressed file that ends early is cut off, not broken.
	whole := gzipped1(old(form1{binary.LittleEndian, magicMicro, 4}, some(r, 100)), 6)
	got, s, err := all(t, bytes.NewReader(whole[:len(whole)/2]), 64)
	if err != nil || s.Truncated != 1 || len(got) == 0 {
		t.Fatalf("half a gzip: %d packets, %+v, %v", len(got), s, err)
	}
	// One whose check sum is wrong is broken, and what came before is delivered.
	whole[len(whole)-6] ^= 1
	if got, _, err := all(t, bytes.NewReader(whole), 64); err == nil || len(got) == 0 {
		t.Fatalf("a damaged gzip: %d packets, %v", len(got), err)
	}
}

func TestNoCapture(t *testing.T) {
	for _, s := range []string{"x", "hello world, this is not a capture at all", "\x1f\x8b", "\x1f\x8b\x08\x00aaaaaaaaaaaaaaaaaaaaaaaa", "\x28\xb5\x2f\xfd\x00\x58", "\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x00\x00\x00\x00xxxxxxxxxxxxxxxxxxxx"} {
		if r, err := NewReader(bytes.NewReader([]byte(s))); err == nil || err == io.EOF {
			t.Errorf("%q: %v, %v", s, r, err)
		}
	}
	if _, err := NewReader(bytes.NewReader(nil)); err != io.EOF {
		t.Errorf("nothing at all: %v", err)
	}
	want := errors.New("disk")
	if _, err := NewReader(iotest.ErrReader(want)); err != want {
		t.Errorf("a broken disk: %v", err)
	}
}

// TestLies has lengths that cannot be: they are counted, and reading goes on
// where the next record can be found.
func TestLies(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	ps := some(r, 3)
	big := Packet{Data: make([]byte, MaxPacket+1), At: ps[0].At, Orig: MaxPacket + 1, Link: LinkEthernet}
	with := []Packet{ps[0], big, ps[1], ps[2]}
	for name, b := range map[string][]byte{"old": old(form1{binary.LittleEndian, magicMicro, 4}, with), "ng": ng(binary.LittleEndian, r, with, true)} {
		got, s, err := all(t, bytes.NewReader(b), 512)
		if err != nil || s.Oversize != 1 {
			t.Fatalf("%s: %+v, %v", name, s, err)
		}
		samePackets(t, got, ps, true)
	}
	b := old(form1{binary.LittleEndian, magicMicro, 4}, ps)
	binary.LittleEndian.PutUint32(b[24+16+len(ps[0].Data)+8:], 0xfffffff0)
	got, s, err := all(t, bytes.NewReader(b), 512)
	if err != nil || s.Damaged != 1 || len(got) != 1 {
		t.Fatalf("a length of four thousand million: %d packets, %+v, %v", len(got), s, err)
	}
	b = ng(binary.LittleEndian, r, ps, true)
	binary.LittleEndian.PutUint32(b[4:], 8)
	if _, s, err = all(t, bytes.NewReader(b), 512); err != nil || s.Damaged != 1 {
		t.Fatalf("a block of eight bytes: %+v, %v", s, err)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		a    adapter
		t    uint64
		want int64
	}{
		{adapter{exp: 6, units: 1e6}, 1_700_000_000_123_456, 1_700_000_000_123_456_000},
		{adapter{exp: 9, units: 1e9, offset: -5}, 1_700_000_000_123_456_789, 1_699_999_995_123_456_789},
		{adapter{exp: 3, units: 1e3}, 1_700_000_000_123, 1_700_000_000_123_000_000},
		{adapter{exp: 12, units: 1e12}, 1_700_000_123_456_789_012, 1_700_000_123_456_789},
		{adapter{binary: true, exp: 10}, 1_700_000_000<<10 + 512, 1_700_000_000_500_000_000},
		{adapter{binary: true, exp: 0}, 7, 7_000_000_000},
		{adapter{exp: 0, units: 1}, 7, 7_000_000_000},
	} {
		if got := c.a.time(c.t); got != c.want {
			t.Errorf("%+v %d: %d, want %d", c.a, c.t, got, c.want)
		}
	}
}

func TestWriter(t *testing.T) {
	ps := some(rand.New(rand.NewPCG(7, 8)), 50)
	for i := range ps {
		ps[i].At += int64(i)
		ps[i].Link = LinkRaw
	}
	var b bytes.Buffer
	w, err := NewWriter(&b, LinkRaw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range ps {
		if err := w.Write(&ps[i]); err != nil {
			t.Fatal(err)
		}
	}
	got, _, err := all(t, &b, 512)
	if err != nil {
		t.Fatal(err)
	}
	samePackets(t, got, ps, true)
}

// TestSteady asks for no allocation once a capture is being read.
func TestSteady(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	ps := some(r, 4000)
	for name, b := range map[string][]byte{"old": old(form1{binary.LittleEndian, magicMicro, 4}, ps), "ng": ng(binary.LittleEndian, r, ps, true)} {
		in, err := NewReader(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		batch := make([]Packet, 16)
		if n := testing.AllocsPerRun(100, func() { in.Next(batch) }); n > 0 {
			t.Errorf("%s: %v allocations a batch", name, n)
		}
	}
}

// TestPipe: a packet that came through a pipe is handed out at once, though the
// next is not there yet.
func TestPipe(t *testing.T) {
	ps := some(rand.New(rand.NewPCG(17, 18)), 3)
	b := old(form1{binary.LittleEndian, magicMicro, 4}, ps)
	in, out := io.Pipe()
	asked := make(chan int)
	go func() {
		at := 24
		out.Write(b[:at])
		for i := range ps {
			n := 16 + len(ps[i].Data)
			out.Write(b[at : at+n])
			at += n
			<-asked // the packet just written has been read
		}
		out.Close()
	}()
	r, err := NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]Packet, 512)
	for i := range ps {
		n, err := r.Next(batch)
		if err != nil || n != 1 || !bytes.Equal(batch[0].Data, ps[i].Data) {
			t.Fatalf("%d packets, %v", n, err)
		}
		asked <- i
	}
	if _, err := r.Next(batch); err != io.EOF {
		t.Fatal(err)
	}
}
