package selection

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
	"noroshi/internal/engine/selector/sieve"
)

// Addresses of the table that comes with the program: two of Japan, two of others.
var (
	tokyo = netip.MustParseAddr("133.11.0.10")
	kyoto = netip.MustParseAddr("133.3.0.20")
	ohio  = netip.MustParseAddr("128.146.216.51")
	berne = netip.MustParseAddr("78.46.10.20")
)

var epoch = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// bench is a folder with an authority, a list and captures.
type bench struct {
	t         testing.TB
	dir       string
	authority *Executor
	list      string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), list: ohio.String() + "\nevil.example.net\n.bad.example.org\n"}
	b.authority = newKey(t, "authority")
	return b
}

func newKey(t testing.TB, name string) *Executor {
	t.Helper()
	secret, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	e, err := ReadExecutor([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (b *bench) verifier() note.Verifier {
	v, err := ReadVerifier([]byte(b.authority.Verifier()))
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// order writes an order, changed by edit, and returns its file.
func (b *bench) order(name string, edit func(*approval.Order)) string {
	b.t.Helper()
	o := approval.Order{ID: "trial-1", Kind: approval.Trial, Directions: []geo.Class{geo.FD}, Link: "files", From: epoch, Until: epoch.Add(24 * time.Hour),
		Selectors: DigestOf([]byte(b.list)), Fields: slices.Clone(DefaultFields), Addresses: "plain", RetainDays: 30, IssuedAt: time.Now().UTC().Truncate(time.Second)}
	if edit != nil {
		edit(&o)
	}
	paper, err := o.Sign(b.authority.signer)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.write(name, paper)
}

func (b *bench) write(name string, raw []byte) string {
	b.t.Helper()
	file := filepath.Join(b.dir, name)
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		b.t.Fatal(err)
	}
	return file
}

// job is a run of an order over captures, to the folder out.
func (b *bench) job(order, out string, captures ...string) FileJob {
	b.t.Helper()
	paper, err := os.ReadFile(order)
	if err != nil {
		b.t.Fatal(err)
	}
	j := FileJob{Order: order, Paper: paper, Authorities: []note.Verifier{b.verifier()}, ListName: "list", List: []byte(b.list), Dir: filepath.Join(b.dir, out)}
	for _, c := range captures {
		j.Sources = append(j.Sources, Source{Name: c, Open: func() (io.ReadCloser, error) { return os.Open(c) }})
	}
	return j
}

func (b *bench) verify(out string) (*Verified, error) {
	return Verify(filepath.Join(b.dir, out), Against{Authorities: []note.Verifier{b.verifier()}})
}

// sent is one packet of a made-up capture.
type sent struct {
	after    time.Duration
	src, dst netip.Addr
	proto    uint8
	from, to uint16
	payload  []byte
}

// frame is the packet from its IPv4 header on.
func (s sent) frame() []byte {
	size := 8
	if s.proto == 6 {
		size = 20
	}
	p := make([]byte, 20+size, 20+size+len(s.payload))
	p[0], p[8], p[9] = 0x45, 64, s.proto
	binary.BigEndian.PutUint16(p[2:], uint16(20+size+len(s.payload)))
	src, dst := s.src.As4(), s.dst.As4()
	copy(p[12:], src[:])
	copy(p[16:], dst[:])
	binary.BigEndian.PutUint16(p[20:], s.from)
	binary.BigEndian.PutUint16(p[22:], s.to)
	if s.proto == 6 {
		p[32], p[33] = 0x50, 0x18
	} else {
		binary.BigEndian.PutUint16(p[24:], uint16(8+len(s.payload)))
	}
	return append(p, s.payload...)
}

// capture writes packets to a file.
func (b *bench) capture(name string, all ...sent) string {
	b.t.Helper()
	return b.write(name, captureOf(b.t, all...))
}

func captureOf(t testing.TB, all ...sent) []byte {
	var buf bytes.Buffer
	w, err := capture.NewWriter(&buf, capture.LinkRaw)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		f := s.frame()
		if err := w.Write(&capture.Packet{Data: f, At: epoch.Add(s.after).UnixNano(), Orig: uint32(len(f)), Link: capture.LinkRaw}); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

// traffic is n packets of each kind: selected inward, answered outward, inward
// and not selected, domestic, and foreign to foreign.
func traffic(n int, payload string) []sent { return trafficEach(n, time.Millisecond, payload) }

// trafficEach is the same with so much time between: where that is long, records
// are written out meanwhile.
func trafficEach(n int, each time.Duration, payload string) (all []sent) {
	for i := range n {
		at := time.Duration(i) * each
		port := uint16(20000 + i%1000)
		all = append(all,
			sent{at, ohio, tokyo, 17, 4000, port, []byte(payload)},
			sent{at, tokyo, ohio, 17, port, 4000, []byte(payload)},
			sent{at, berne, kyoto, 17, 4001, port, []byte(payload)},
			sent{at, kyoto, tokyo, 17, 4002, port, []byte(payload)},
			sent{at, berne, ohio, 17, 4003, port, []byte(payload)},
		)
	}
	return all
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func conserved(t *testing.T, st Statement) {
	t.Helper()
	sum := st.Dropped.Sum().Plus(sieve.Amount{Packets: st.Selected.Packets, Bytes: st.Selected.Bytes})
	if sum != st.Seen {
		t.Errorf("seen %+v, accounted for %+v", st.Seen, sum)
	}
}

// overridden compiles a list that meets warning lists; its second person is hanako.
func overridden(t testing.TB, csv string) string {
	t.Helper()
	b := selector.NewBuilder(selector.Options{Lister: "taro"})
	if _, err := b.Read("list", []byte("type,value,reason,by\n"+csv)); err != nil {
		t.Fatal(err)
	}
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
