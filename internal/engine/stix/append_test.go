package stix

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// What is appended is what encoding/json makes of the same object.
func TestAppend(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		return [...]string{"", "t13d1516h2_8daaf6152771_e5627efa2ab1", "1:ab+/=", "a\"<b>&\\日"}[rng.IntN(4)]
	}
	at := func() time.Time {
		if rng.IntN(8) == 0 {
			return time.Time{}
		}
		return time.Unix(rng.Int64N(4e9), rng.Int64N(1000)*[...]int64{0, 1, 1000, 1000_000}[rng.IntN(4)])
	}
	port := func() int { return rng.IntN(65537) - 1 }
	for range 5000 {
		src, dst := Address(netip.AddrFrom4([4]byte{192, 0, 2, byte(rng.Uint32())})), Address(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(rng.Uint32())}))
		c := Traffic{Start: at(), End: at(), Src: src.ID(), Dst: dst.ID(), SrcPort: port(), DstPort: port(),
			Protocols: [][]string{{"ipv4", "tcp"}, {"ipv6", "udp", "dns"}, {"<ipv4>\n日"}}[rng.IntN(3)],
			SrcBytes:  rng.Int64N(1<<50) - 1, DstBytes: int64(rng.IntN(3)) - 1, SrcPackets: int64(rng.IntN(9)), DstPkts: int64(rng.IntN(9)),
			Active: rng.IntN(3) == 0, JA3: text(), JA4: text(), Community: text()}
		o := c.Object()
		want, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		got, id := c.AppendJSON([]byte("x"))
		if string(got) != "x"+string(want) || id != o.ID() {
			t.Fatalf("%s\n%s", got, want)
		}
		m := Maker{At: at(), By: text()}
		if rng.IntN(2) == 0 {
			m.Markings = []string{"marking-definition--1"}
		}
		if want, err = json.Marshal(m.ObservedData(c.Start, c.End, 3, src, dst, o)); err != nil {
			t.Fatal(err)
		}
		if got := m.AppendObserved(nil, c.Start, c.End, 3, src.ID(), dst.ID(), id); string(got) != string(want) {
			t.Fatalf("%s\n%s", got, want)
		}
	}
}
