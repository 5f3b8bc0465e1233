package evtx

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"noroshi/internal/engine/event"
)

func TestValues(t *testing.T) {
	guid := raw(typeGUID, 0x5f, 0x38, 0x70, 0x57, 0x2a, 0xc2, 0xe0, 0x43, 0xbf, 0x4c, 0x06, 0xf5, 0x69, 0x8f, 0xfb, 0xd9)
	sid := raw(typeSID, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0)
	systime := []byte{0xea, 7, 12, 0, 4, 0, 31, 0, 23, 0, 59, 0, 58, 0, 0xe7, 3}
	for _, c := range []struct {
		v    val
		want string
		kind event.Kind
	}{
		{str("añ"), "añ", event.Text},
		{raw(typeString, 0x00, 0xd8, 'x', 0), "\ufffdx", event.Text},
		{raw(typeANSI, 'a', 0xe9, 0), "aé", event.Text},
		{raw(typeANSI, 0xe6, 0x97, 0xa5), "日", event.Text},
		{num(typeInt8, 0xff), "-1", event.Number},
		{num(typeUint8, 0xff), "255", event.Number},
		{num(typeInt16, 0x8000), "-32768", event.Number},
		{num(typeUint16, 0x8000), "32768", event.Number},
		{num(typeInt32, 1<<31), "-2147483648", event.Number},
		{num(typeUint32, 1<<32-1), "4294967295", event.Number},
		{num(typeInt64, 1<<63), "-9223372036854775808", event.Number},
		{num(typeUint64, math.MaxUint64), "18446744073709551615", event.Number},
		{num(typeFloat, uint64(math.Float32bits(1.5))), "1.5", event.Number},
		{num(typeDouble, math.Float64bits(-0.1)), "-0.1", event.Number},
		{num(typeBool, 1), "true", event.Bool},
		{num(typeBool, 0), "false", event.Bool},
		{raw(typeBinary, 0xde, 0xad), "DEAD", event.Text},
		{raw(typeBinary), "", event.Text},
		{guid, "5770385F-C22A-43E0-BF4C-06F5698FFBD9", event.Text},
		{raw(typeSize, 0xe7, 3, 0, 0), "0x3e7", event.Text},
		{raw(typeSize, 0xe7, 3, 0, 0, 0, 0, 0, 0), "0x3e7", event.Text},
		{num(typeHex32, 0xDEADBEEF), "0xdeadbeef", event.Text},
		{num(typeHex64, 0), "0x0", event.Text},
		{num(typeFiletime, ticks2026+1234567), "2026-01-01T00:00:00.123456Z", event.Text},
		{num(typeFiletime, 0), "1601-01-01T00:00:00.000000Z", event.Text},
		{num(typeFiletime, math.MaxUint64), "18446744073709551615", event.Text},
		{raw(typeSystime, systime...), "2026-12-31T23:59:58.999000Z", event.Text},
		{sid, "S-1-5-32-544", event.Text},
		{raw(typeSID, 1, 0, 1, 0, 0, 0, 0, 0), "S-1-0x10000000000", event.Text},
		{val{typeXML, str("<a/>").write}, "<a/>", event.Text},
		{num(typeInt32, math.MaxUint64), "-1", event.Number},
	} {
		var row event.Row
		names := event.NewNames()
		b := newChunk()
		b.record(func(b *chunk) { b.instance(`<E><x>{0}</x></E>`, c.v) })
		damage, _ := NewDecoder(Options{Names: names}).Chunk(&row, b.bytes(), 0, func(r *event.Row) error {
			if got := string(r.Value(0)); got != c.want || r.Fields[0].Kind != c.kind {
				t.Errorf("type %#x: %q of kind %d, want %q of %d", c.v.typ, got, r.Fields[0].Kind, c.want, c.kind)
			}
			return nil
		})
		if len(damage) > 0 || len(row.Fields) != 1 {
			t.Errorf("type %#x: %d fields, damage %v", c.v.typ, len(row.Fields), damage)
		}
	}
	native := newChunk()
	native.record(func(c *chunk) {
		c.instance(`<E><a>{0}</a><b>{1}</b></E>`, guid, num(typeFiletime, ticks2026+1234567))
	})
	if rows, _ := show(t, Options{Native: true}, native.bytes()); rows[0] != "a={5770385F-C22A-43E0-BF4C-06F5698FFBD9} b=2026-01-01T00:00:00.1234567Z" {
		t.Error(rows)
	}
}

// TestArrays: a field for each element, of every type that has a size.
func TestArrays(t *testing.T) {
	sid := []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}
	for _, c := range []struct {
		v    val
		want string
	}{
		{raw(typeArray|typeUint8, 1, 2), "x=1 x=2"},
		{raw(typeArray|typeInt16, 0xff, 0xff, 2, 0), "x=-1 x=2"},
		{raw(typeArray|typeHex32, 1, 0, 0, 0, 0x10, 0, 0, 0), "x=0x1 x=0x10"},
		{raw(typeArray|typeBool, 1, 0, 0, 0, 0, 0, 0, 0), "x=true x=false"},
		{raw(typeArray|typeSize, 1, 0, 0, 0, 0, 0, 0, 0), "x=0x1"},
		{raw(typeArray|typeSID, append(sid, sid...)...), "x=S-1-5-18 x=S-1-5-18"},
		{raw(typeArray|typeANSI, 'a', 0, 'b'), "x=a x=b"},
		{raw(typeArray|typeFiletime, make([]byte, 16)...), "x=1601-01-01T00:00:00.000000Z x=1601-01-01T00:00:00.000000Z"},
		{raw(typeArray | typeUint8), "x null"},
	} {
		b := newChunk()
		b.record(func(b *chunk) { b.instance(`<E><D><x>{0}</x></D></E>`, c.v) })
		if rows, damage := show(t, Options{}, b.bytes()); len(rows) != 1 || rows[0] != c.want || len(damage) > 0 {
			t.Errorf("type %#x: %q, want %q, damage %v", c.v.typ, rows, c.want, damage)
		}
	}
}

// TestBadValues: a value of an impossible size is shown as it is, and said.
func TestBadValues(t *testing.T) {
	for _, v := range []val{
		raw(typeUint32, 1, 2), raw(typeGUID, 1), raw(typeSID, 1, 2, 3), raw(typeSize, 1), raw(0x7f, 1),
		raw(typeArray|typeUint32, 1, 2, 3), raw(typeArray|typeBinary, 9), raw(typeArray|typeSize, 1, 2, 3), raw(typeArray|typeSID, 1),
	} {
		b := newChunk()
		b.record(func(b *chunk) { b.instance(`<E><x>{0}</x><y>{1}</y></E>`, v, str("z")) })
		rows, damage := show(t, Options{}, b.bytes())
		h := newChunk()
		v.write(h)
		want := fmt.Sprintf("x=%X y=z", h.b[chunkHead:])
		if len(rows) != 1 || rows[0] != want || len(damage) != 1 || damage[0] != "bad_value" {
			t.Errorf("type %#x: %q, want %q, damage %v", v.typ, rows, want, damage)
		}
	}
}

// TestDigits compares the fast ways with those of the standard library.
func TestDigits(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := NewDecoder(Options{})
	for range 20000 {
		x := rng.Uint64() >> rng.IntN(64)
		if got, want := string(appendUint(nil, x)), strconv.FormatUint(x, 10); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		if got, want := string(append0x(nil, x)), fmt.Sprintf("%#x", x); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		b := le.AppendUint64(le.AppendUint64(nil, rng.Uint64()), rng.Uint64())
		h := strings.ToUpper(hex.EncodeToString([]byte{b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6]}) + hex.EncodeToString(b[8:]))
		want := h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		if got := string(appendGUID(nil, b, false)); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		ticks := x % ticks10000
		at := time.Unix(int64(ticks/ticksPerSec)-ticks1970/ticksPerSec, int64(ticks%ticksPerSec)*100).UTC()
		if got, want := string(d.appendFiletime(nil, ticks)), at.Format("2006-01-02T15:04:05.000000Z"); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
		if n := unixNano(ticks); n != 0 && n != at.UnixNano() {
			t.Fatalf("%d, want %d", n, at.UnixNano())
		}
	}
}

// TestUTF16 compares the fast way with the standard library's.
func TestUTF16(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50000 {
		units := make([]uint16, rng.IntN(40))
		odd := rng.IntN(20)
		var b []byte
		for i := range units {
			units[i] = uint16(rng.IntN(128))
			if rng.IntN(20) < odd/4 {
				units[i] = uint16(rng.Uint32())
			}
			if rng.IntN(20) < odd/8 {
				units[i] = 0xd800 + uint16(rng.IntN(0x800))
			}
			b = le.AppendUint16(b, units[i])
		}
		want := "before" + string(utf16.Decode(units))
		if got := string(appendUTF16([]byte("before"), b)); got != want {
			t.Fatalf("%x: %q, want %q", units, got, want)
		}
	}
}
