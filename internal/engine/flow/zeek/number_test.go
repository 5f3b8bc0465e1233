package zeek

import (
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// A count of 2^63 and more became a negative number of bytes in a finding.
func TestCountsAreCapped(t *testing.T) {
	for in, want := range map[string]uint64{
		"": 0, "-": 0, "0": 0, "60": 60, "60.0": 60, "-5": 0, "7x": 0, ".5": 0, "1125899906842623": maxCount - 1, "1125899906842624": maxCount,
		"9223372036854775808": maxCount, "18446744073709551615": maxCount, "18446744073709551616": maxCount, "99999999999999999999.0": maxCount,
		strings.Repeat("9", 400): maxCount, strings.Repeat("9", 400) + "x": 0, strings.Repeat("0", 40) + "7": 7,
	} {
		if got := number([]byte(in)); got != want {
			t.Errorf("%.30s: %d, want %d", in, got, want)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	top := big.NewInt(maxCount)
	for range 10_000 { // against big numbers, of every length
		s := strconv.FormatUint(rnd.Uint64()>>rnd.IntN(64), 10) + strings.Repeat("0", rnd.IntN(3))
		slow, _ := new(big.Int).SetString(s, 10)
		if slow.Cmp(top) > 0 {
			slow = top
		}
		if got := number([]byte(s)); got != slow.Uint64() {
			t.Fatalf("%s: %d, want %s", s, got, slow)
		}
	}
}

// No count of a record is so large that it has a sign, or that thousands of
// them have one together.
func TestALogCannotCountBelowZero(t *testing.T) {
	const line = `{"_path":"conn","ts":1700000000.5,"id.orig_h":"192.0.2.1","id.orig_p":1,"id.resp_h":"198.51.100.1","id.resp_p":443,"proto":"tcp",` +
		`"orig_bytes":9223372036854775809,"resp_bytes":18446744073709551615,"orig_pkts":18446744073709551615,"resp_pkts":1,"orig_ip_bytes":9223372036854775808,"resp_ip_bytes":1,"missed_bytes":18446744073709551615}` + "\n"
	r, err := NewReader(strings.NewReader(line), record.NewNaming([32]byte{1}, false))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := make([]record.Record, 1)
	if n, _ := r.Next(out); n != 1 {
		t.Fatal("no record")
	}
	for _, v := range []uint64{out[0].Payload[0], out[0].Payload[1], out[0].Bytes[0], out[0].Bytes[1], out[0].Packets[0], out[0].Lost[record.In]} {
		if v != maxCount {
			t.Errorf("%d", v)
		}
	}
}
