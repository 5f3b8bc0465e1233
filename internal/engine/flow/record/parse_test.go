package record

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"noroshi/internal/engine/geo"
)

// filler makes up records, of all fields that there are.
type filler struct {
	r *rand.Rand
	n *Naming
}

var made = []string{"www.example.co.jp", "c2VjcmV0LXNlY3JldA.example.com", "a.b.c.d.e.f.example.jp", "localhost", "192.0.2.7", "4z9p5tjmcbnblehp4557z1d136qxk.net",
	"naïve.example", "7.2.0.192.in-addr.arpa", "2001:db8::1", "xkqzwvtbnplr.com", "_ldap._tcp.example.com", "a..b", "host.corp"}

// enums are how many values an enumeration has.
var enums = map[reflect.Type]int{reflect.TypeFor[App](): int(appEnd), reflect.TypeFor[State](): int(stateEnd), reflect.TypeFor[Tunnel](): int(tunnelEnd),
	reflect.TypeFor[Method](): int(methodEnd), reflect.TypeFor[Media](): int(mediaEnd), reflect.TypeFor[ALPN](): int(alpnEnd), reflect.TypeFor[KeyKind](): int(keyEnd),
	reflect.TypeFor[SignKind](): int(signEnd), reflect.TypeFor[Service](): int(serviceEnd), reflect.TypeFor[geo.Class](): 5, reflect.TypeFor[Family](): len(families)}

func (f *filler) fill(v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *netip.Addr:
		if *at = netip.AddrFrom4([4]byte{byte(f.r.Uint32()), 1, 2, 3}); f.r.IntN(3) == 0 {
			*at = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(f.r.Uint32())})
		}
		return
	case *Name:
		*at = f.n.Host([]byte(made[f.r.IntN(len(made))]))
		return
	case *Agent:
		*at = f.n.Agent([]byte([]string{"curl/8.0", "my own", "a\"b\\c\x01d", "SSH-2.0-OpenSSH_9.2"}[f.r.IntN(4)]))
		return
	case *JA4:
		copy(at[:], "t13d1516h2_8daaf6152771_e5627efa2ab1")
		return
	case *Pipes:
		*at = Pipes(f.r.Uint32N(uint32(OtherPipe) << 1))
		return
	case *Count:
		*at = Count{Operation(f.r.Uint32()), 1 + f.r.Uint32()>>1}
		return
	case *int64:
		*at = int64(f.r.Uint64()>>2) / 1000 * 1000
		return
	}
	if most, ok := enums[v.Type()]; ok {
		v.SetUint(uint64(f.r.IntN(most)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Pointer:
		if v.SetZero(); f.r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.r.IntN(4), 4))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Bool:
		v.SetBool(f.r.IntN(2) == 0)
	case reflect.Int32:
		v.SetInt(int64(int32(f.r.Uint32())))
	default:
		v.SetUint(f.r.Uint64() >> f.r.IntN(64) & (1<<v.Type().Bits() - 1))
	}
}

// record makes one up that AppendJSON can say all of.
func (f *filler) record() *Record {
	r := new(Record)
	f.fill(reflect.ValueOf(r).Elem())
	r.Full, r.Start = f.n.full, min(r.Start, r.End)
	if r.Sampled == 1 {
		r.Sampled = 0
	}
	for i := range r.DNS {
		if d := &r.DNS[i]; !d.Answered {
			d.Rcode, d.Answers, d.TTL = 0, 0, 0
		}
		if f.r.IntN(2) == 0 {
			r.DNS[i].Addrs = [MaxAddr]netip.Addr{r.Src}
		}
	}
	for i := range r.HTTP {
		h := &r.HTTP[i]
		h.Path = f.n.Path([]byte([]string{"/api/v1/secret?x=1", "*", "http://a/b", "/", "/a/b/c/d/e/f"}[f.r.IntN(5)]))
		if h.Major == 0 {
			h.Minor = 0
		}
	}
	return r
}

// What was written is read again as it was, of all fields that there are.
func TestParseTurnsRound(t *testing.T) {
	for _, full := range []bool{false, true} {
		n := naming(full)
		f := filler{rand.New(rand.NewPCG(1, 2)), n}
		p := NewParser(NewNaming([32]byte{7}, full))
		var got Record
		var room Room
		for range 3000 {
			r := f.record()
			line := AppendJSON(nil, r)
			if err := p.Parse(line, &got, &room); err != nil {
				t.Fatalf("%v\n%s", err, line)
			}
			if again := AppendJSON(nil, &got); !bytes.Equal(again, line) {
				t.Fatalf("\n%s\n%s", line, again)
			}
			if len(r.DNS) == 0 {
				r.DNS, got.DNS = nil, nil
			}
			if len(r.HTTP) == 0 {
				r.HTTP, got.HTTP = nil, nil
			}
			if !reflect.DeepEqual(*r, got) {
				t.Fatalf("\n%+v\n%+v\n%s", *r, got, line)
			}
		}
	}
}

// Names that were kept stay only where that is wanted, and no name gets in that a
// Naming would not have shown.
func TestParseShowsNoMore(t *testing.T) {
	p := NewParser(naming(false))
	var r Record
	var room Room
	const line = `{"start":"2026-11-22T05:00:00Z","end":"2026-11-22T05:00:01.5Z","src":"192.0.2.1","dst":"192.0.2.2","names":"full",` +
		`"dns":[{"name":"my secret is here.example.com"}],"http":[{"host":"secret.example.com:8080","port":8080,"path":"/secret","agent":{"family":"curl","hash":"0102030405060708","text":"secret"}}],"tls":{"sni":"secret.example.com"}}`
	for _, in := range []string{line, strings.NewReplacer(`"names":"full",`, "", `,"text":"secret"`, "").Replace(line)} {
		if err := p.Parse([]byte(in), &r, &room); err != nil {
			t.Fatal(err)
		}
		if b := AppendJSON(nil, &r); bytes.Contains(b, []byte("secret")) || !bytes.Contains(b, []byte("example.com")) || r.Full {
			t.Errorf("%s", b)
		}
	}
	if h := r.HTTP[0].Host.String(); !strings.HasSuffix(h, ".com:8080") && strings.Contains(h, "8080") {
		t.Errorf("%s", h)
	}
	if err := NewParser(naming(true)).Parse([]byte(line), &r, &room); err != nil || r.HTTP[0].Host.String() != "secret.example.com" || !r.Full {
		t.Errorf("%v %+v", err, r)
	}
}

func TestParseIsStrict(t *testing.T) {
	const head = `{"start":"2026-11-22T05:00:00Z","end":"2026-11-22T05:00:01Z","src":"192.0.2.1","dst":"192.0.2.2"`
	var r Record
	var room Room
	p := NewParser(naming(false))
	for _, good := range []string{`}`, ` , "sport" : 65535 }`, `,"dns":[]}`, `,"dns":[{"made":0.004,"entropy":25.5,"type":"TYPE65000","rcode":"RCODE255"}]}`, `,"kerberos":{"etype":-2147483648}}`} {
		if err := p.Parse([]byte(head+good), &r, &room); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{``, `,}`, `}}`, `} x`, `,"sport":65536}`, `,"sport":-1}`, `,"sport":01}`, `,"sport":1e3}`, `,"sport":"1"}`, `,"sport":null}`, `,"unheard":1}`, `,"app":"gopher"}`, `,"app":""}`,
		`,"pkts":[1]}`, `,"pkts":[1,2,3]}`, `,"pkts":[18446744073709551616,0]}`, `,"class":"xx"}`, `,"community_id":"1:AAAA"}`, `,"src":"secret"}`, `,"src":"fe80::1%secret"}`, `,"dns":[{}`, `,"dns":[{"made":1.001}]}`,
		`,"dns":[{"entropy":25.6}]}`, `,"dns":[{"rcode":"RCODE256"}]}`, `,"dns":[{"type":"TYPE65536"}]}`, `,"dns":[{"addrs":["1.1.1.1","1.1.1.1","1.1.1.1","1.1.1.1","1.1.1.1"]}]}`, `,"dns":[` + strings.Repeat(`{},`, 32) + `{}]}`,
		`,"tls":{"established":false}}`, `,"tls":{"ja3":"00"}}`, `,"tls":{"sni":"\u0041"}}`, `,"tls":{"sni":"` + strings.Repeat("a", 5000) + `"}}`, `,"end":"2026-11-22T04:59:59Z"}`, `,"start":"2026-02-29T00:00:00Z"}`,
		`,"start":"2026-11-22T05:00:00+09:00"}`, `,"start":"9999-11-22T05:00:00Z"}`, `,"http":[{"agent":{"family":"secret"}}]}`, `,"http":[{"agent":{"text":"x"}}]}`, `,"dns":[{}],"names":"full"}`, `,"smb":{"commands":{"256":1}}}`} {
		err := p.Parse([]byte(head+bad), &r, &room)
		if form := new(FormError); !errors.As(err, &form) || strings.Contains(err.Error(), "secret") || form.Column < 1 || r.Src.IsValid() {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// Times go there and back, whenever they are.
func TestParseStamp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	list := []int64{0, -1, 1, math.MaxInt64, math.MinInt64, math.MinInt64 + 1000, math.MaxInt64 - 1000}
	for range 20_000 {
		list = append(list, int64(rng.Uint64())>>rng.IntN(64))
	}
	for _, ns := range list {
		text := AppendTime(nil, ns)
		got, ok := parseStamp(text)
		if want := floorDiv(ns, 1000); !ok || got != max(want, math.MinInt64/1000)*1000 && got != math.MinInt64 || string(AppendTime(nil, got)) != string(text) {
			t.Fatalf("%d: %s is %d, %v", ns, text, got, ok)
		}
	}
	for v := range 255 {
		var p Parser
		p.line = AppendShare(nil, uint8(v+1))
		if got := (p.parts(3, 1)*255 + 500) / 1000; got != uint64(v+1) {
			t.Errorf("%s is %d, want %d", p.line, got, v+1)
		}
	}
}

// What is read can be written, and is then read as the same.
func FuzzParse(f *testing.F) {
	fill := filler{rand.New(rand.NewPCG(5, 6)), naming(false)}
	for range 20 {
		f.Add(AppendJSON(nil, fill.record()), false)
	}
	fill.n = naming(true)
	f.Add(AppendJSON(nil, fill.record()), true)
	shortened, full := NewParser(naming(false)), NewParser(naming(true))
	f.Fuzz(func(t *testing.T, line []byte, asSent bool) {
		p := shortened
		if asSent {
			p = full
		}
		var r, again Record
		var room, other Room
		if p.Parse(line, &r, &room) != nil {
			return
		}
		first := AppendJSON(nil, &r)
		if err := p.Parse(first, &again, &other); err != nil {
			t.Fatalf("%v\n%s", err, first)
		}
		if second := AppendJSON(nil, &again); !bytes.Equal(first, second) {
			t.Fatalf("\n%s\n%s", first, second)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	n := naming(false)
	f := filler{rand.New(rand.NewPCG(1, 2)), n}
	var lines [][]byte
	size := 0
	for range 64 {
		r := f.record()
		r.Mail, r.SMB, r.RDP, r.Kerberos, r.LDAP, r.Control, r.SSH, r.QUIC = nil, nil, nil, nil, nil, nil, nil, nil
		lines = append(lines, AppendJSON(nil, r))
		size += len(lines[len(lines)-1])
	}
	p := NewParser(n)
	var r Record
	var room Room
	b.ReportAllocs()
	b.SetBytes(int64(size / len(lines)))
	i := 0
	for b.Loop() {
		if err := p.Parse(lines[i&63], &r, &room); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
