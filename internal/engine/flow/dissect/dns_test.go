package dissect

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

func dnsFacts(full bool) (*record.Record, record.Facts) {
	r := &record.Record{SrcPort: 50000, DstPort: 53, Proto: packet.ProtoUDP}
	return r, record.Facts{Record: r, Naming: record.NewNaming([32]byte{1}, full)}
}

// ask builds a message with the library of the Go project: our independent twin.
func ask(t testing.TB, id uint16, name string, kind dnsmessage.Type, answers ...dnsmessage.Resource) []byte {
	t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, Response: answers != nil, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}, Answers: answers}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func answerA(name string, ttl uint32, addr [4]byte) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: ttl}, Body: &dnsmessage.AResource{A: addr}}
}

func TestQuestionFindsItsAnswer(t *testing.T) {
	r, f := dnsFacts(false)
	var st State
	a, b := ask(t, 7, "www.example.co.jp.", dnsmessage.TypeA), ask(t, 7, "WWW.example.co.jp.", dnsmessage.TypeAAAA)
	Datagram(record.Out, 10, a, f, &st)
	Datagram(record.Out, 11, b, f, &st)
	Datagram(record.Out, 12, ask(t, 9, "never.example.", dnsmessage.TypeA), f, &st)
	reply := ask(t, 7, "www.example.co.jp.", dnsmessage.TypeA, answerA("www.example.co.jp.", 300, [4]byte{192, 0, 2, 1}), answerA("www.example.co.jp.", 60, [4]byte{192, 0, 2, 2}))
	Datagram(record.In, 20, reply, f, &st)
	Datagram(record.In, 21, reply, f, &st) // the same once more
	Datagram(record.In, 22, ask(t, 8, "other.example.", dnsmessage.TypeA, answerA("other.example.", 1, [4]byte{192, 0, 2, 9})), f, &st)
	st.End()
	if len(r.DNS) != 4 || r.App != record.DNSApp {
		t.Fatalf("%d questions of %s", len(r.DNS), r.App)
	}
	first := r.DNS[0]
	want := record.DNS{At: 10, Name: f.Naming.Host([]byte("www.example.co.jp")), Whole: f.Naming.Fold([]byte("www.example.co.jp")), Own: f.Naming.Fold([]byte("example.co.jp")), Made: first.Made, Type: 1, Answered: true, Length: 17,
		Labels: 4, Longest: 7, Size: [2]uint16{uint16(len(a)), uint16(len(reply))}, Answers: 2, TTL: 60,
		Addrs: [4]netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")}}
	if first != want || first.Made == 0 || first.Made > 128 {
		t.Errorf("\n got %+v\nwant %+v", first, want)
	}
	if second := r.DNS[1]; second.Answered || second.Type != 28 || second.Whole != first.Whole || second.Size[record.In] != 0 {
		t.Errorf("the other question: %+v", second)
	}
	if last := r.DNS[3]; !last.Answered || last.At != 22 || last.Size[record.Out] != 0 || last.Size[record.In] == 0 {
		t.Errorf("an answer without its question: %+v", last)
	}
}

// A name that an algorithm made is judged where it can be read; the record has
// the verdict and not a letter of the label.
func TestGeneratedNameIsJudged(t *testing.T) {
	for _, label := range []string{"xkqzwvtbnplr", "QJZXKVBWFHGTR", "zq8x3kv7wj2hb9tf", "8f14e45fceea167a5a36dedd"} {
		for _, port := range []uint16{53, 5353} {
			r, f := dnsFacts(false)
			r.DstPort = port
			var st State
			Datagram(record.Out, 1, ask(t, 7, "www."+label+".net.", dnsmessage.TypeA), f, &st)
			st.End()
			d := r.DNS[0]
			shown := strings.ToLower(string(record.AppendJSON(nil, r)))
			form := strings.TrimPrefix(strings.TrimSuffix(d.Name.String(), "}.net"), "www.{")
			hash, length, ok := strings.Cut(form, ":")
			if !ok || len(hash) != 12 || length != strconv.Itoa(len(label)) || strings.Contains(shown, strings.ToLower(label[:5])) || strings.Contains(shown, strings.ToLower(label[len(label)-5:])) {
				t.Errorf("%s is shown: %s", label, shown)
			}
			if port == 53 && (d.Made <= 250 || d.Own != f.Naming.Fold([]byte(label+".net")) || !strings.Contains(shown, `"own":"`+d.Own.String()+`","made":`)) {
				t.Errorf("%s: %s", label, shown)
			}
			if port == 5353 && (d.Made != 0 || d.Own != record.Hash{}) {
				t.Errorf("mDNS has no registered names: %s", shown)
			}
		}
	}
	for _, name := range []string{"www.google.com.", "update.microsoft.com.", "www.rakuten.co.jp.", "www.city.sapporo.lg.jp.", "weathernews.jp.", "www.asahi.com."} {
		r, f := dnsFacts(false)
		s := newDNS(f)
		r.App = record.DNSApp
		m := ask(t, 7, name, dnsmessage.TypeA)
		s.Data(record.Out, 1, append([]byte{0, byte(len(m))}, m...))
		s.End()
		if d := r.DNS[0]; d.Made == 0 || d.Made > 128 {
			t.Errorf("%s: %d", name, d.Made)
		}
	}
}

// More questions than fit, and a record that is written out in between.
func TestQuestionsOverTheBound(t *testing.T) {
	r, f := dnsFacts(false)
	var st State
	for id := range uint16(record.MaxDNS + 3) {
		Datagram(record.Out, int64(id), ask(t, id, "a.example.", dnsmessage.TypeA), f, &st)
	}
	for id := range uint16(record.MaxDNS + 3) {
		Datagram(record.In, int64(id), ask(t, id, "a.example.", dnsmessage.TypeA, answerA("a.example.", 5, [4]byte{1})), f, &st)
	}
	if len(r.DNS) != record.MaxDNS || r.Cut != 6 {
		t.Fatalf("%d questions, %d cut", len(r.DNS), r.Cut)
	}
	for i, d := range r.DNS {
		if !d.Answered || d.TTL != 5 {
			t.Errorf("question %d was not answered", i)
		}
	}
	r.DNS = r.DNS[:0] // written out without a word
	Datagram(record.In, 99, ask(t, 1, "a.example.", dnsmessage.TypeA, answerA("a.example.", 5, [4]byte{1})), f, &st)
	if len(r.DNS) != 1 || r.DNS[0].At != 99 {
		t.Errorf("after it was written out: %+v", r.DNS)
	}
}

func TestExtendedCode(t *testing.T) {
	r, f := dnsFacts(false)
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 1, Response: true, RCode: dnsmessage.RCode(0)},
		Questions:   []dnsmessage.Question{{Name: dnsmessage.MustNewName("."), Type: dnsmessage.TypeNS, Class: dnsmessage.ClassINET}},
		Additionals: []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("."), TTL: 1 << 24}, Body: &dnsmessage.OPTResource{}}}}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	var st State
	Datagram(record.In, 1, b, f, &st)
	if d := r.DNS[0]; d.Rcode != 16 || d.Name.String() != "." || d.Length != 0 || d.Answers != 0 {
		t.Errorf("%+v", d)
	}
}

func TestNamesThatAreNone(t *testing.T) {
	head := "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	long := strings.Repeat("\x3f"+strings.Repeat("a", 63), 4) + "\x00"
	for what, c := range map[string]struct{ body, want string }{
		"itself":         {"\xc0\x0c\x00\x01\x00\x01", "<Name contains a pointer that loops>"},
		"forward":        {"\xc0\x10\x00\x01\x00\x01", "<Name contains a pointer that loops>"},
		"too long":       {long + "\x00\x01\x00\x01", "<Name too long>"},
		"a bit label":    {"\x41\x01\x00\x00\x01\x00\x01", "<Unknown extended label>"},
		"control":        {"\x03a\x00\t\x00\x00\x01\x00\x01", `a\000\011`},
		"the root":       {"\x00\x00\x01\x00\x01", "<Root>"},
		"only the start": {"\x09abc", ""},
	} {
		r, f := dnsFacts(true)
		var st State
		Datagram(record.Out, 1, []byte(head+c.body), f, &st)
		got := ""
		if len(r.DNS) > 0 {
			got = r.DNS[0].Name.String()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}

func TestNetBIOSNames(t *testing.T) {
	encode := func(name string, kind byte) string {
		b := []byte(name + strings.Repeat(" ", 15-len(name)) + string(rune(kind)))
		out := " "
		for _, c := range b {
			out += string([]byte{'A' + c>>4, 'A' + c&15})
		}
		return out + "\x00"
	}
	for name, want := range map[string]string{"FILESERVER": "fileserver", "A": "a", "FIFTEENLETTERSX": "fifteenlettersx"} {
		r, f := dnsFacts(false)
		r.DstPort = 137
		var st State
		Datagram(record.Out, 1, []byte("\x00\x01\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00"+encode(name, 0x20)+"\x00\x20\x00\x01"), f, &st)
		if len(r.DNS) != 1 || r.App != record.NBNS || r.DNS[0].Name.String() != want && r.DNS[0].Name != f.Naming.Host([]byte(want)) || strings.Contains(r.DNS[0].Name.String(), "fifteen") || r.DNS[0].Type != 32 || int(r.DNS[0].Length) != len(name) {
			t.Errorf("%s: %+v", name, r.DNS)
		}
	}
}

// Names put together by the twin, with its compression, read back as they were.
func TestNamesAgainstTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_"
	for range 300 {
		name := ""
		for range 1 + rnd.IntN(6) {
			label := make([]byte, 1+rnd.IntN(30))
			for i := range label {
				label[i] = letters[rnd.IntN(len(letters))]
			}
			name += string(label) + "."
		}
		m := dnsmessage.Message{Header: dnsmessage.Header{ID: 1, Response: true},
			Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET}, {Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
			Answers: []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: 9}, Body: &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("x." + name)}},
				answerA("x."+name, 8, [4]byte{10, 0, 0, 1})}}
		b, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		r, f := dnsFacts(true)
		var st State
		Datagram(record.In, 1, b, f, &st)
		bare := strings.TrimSuffix(name, ".")
		if len(r.DNS) != 2 || r.DNS[1].Name.String() != bare || r.DNS[0].Answers != 2 || r.DNS[0].TTL != 8 || r.DNS[0].Addrs[0] != netip.AddrFrom4([4]byte{10, 0, 0, 1}) {
			t.Fatalf("%q: %+v", name, r.DNS)
		}
		d := r.DNS[0]
		labels := strings.Split(bare, ".")
		longest := 0
		for _, l := range labels {
			longest = max(longest, len(l))
		}
		below := ""
		if len(labels) > 2 && !(len(labels[len(labels)-1]) == 2 && strings.Contains(secondLevel, " "+labels[len(labels)-2]+" ")) {
			below = strings.Join(labels[:len(labels)-2], "")
		}
		if int(d.Length) != len(bare) || int(d.Labels) != len(labels) || int(d.Longest) != longest || d.Entropy != slowEntropy(below) {
			t.Fatalf("%q: %+v, entropy %d", bare, d, slowEntropy(below))
		}
	}
}

func slowEntropy(s string) uint8 {
	if len(s) < 2 {
		return 0
	}
	sum := 0.0
	for _, c := range letterSet(s) {
		p := float64(strings.Count(s, string(c))) / float64(len(s))
		sum -= p * math.Log2(p)
	}
	return uint8(math.Round(10 * sum))
}

func letterSet(s string) (out string) {
	for _, c := range s {
		if !strings.ContainsRune(out, c) {
			out += string(c)
		}
	}
	return out
}

func TestRegisteredName(t *testing.T) {
	for name, want := range map[string]string{"a.b.example.com": "example.com", "a.example.co.jp": "example.co.jp", "co.jp": "co.jp", "x.GO.JP": "x.GO.JP",
		"example": "example", "b.example": "b.example", "a.b.c.tokyo.jp": "tokyo.jp", "ed.jp": "ed.jp", "": ""} {
		if got := name[registered([]byte(name)):]; got != want && !(want == "co.jp" && got == name) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// Over TCP a message may be longer than what is looked at.
func TestLongMessageOverTCP(t *testing.T) {
	r, f := dnsFacts(true)
	f.App = record.DNSApp
	m := ask(t, 3, "zone.example.", dnsmessage.TypeAXFR)
	big := append(ask(t, 3, "zone.example.", dnsmessage.TypeAXFR, answerA("zone.example.", 7, [4]byte{1, 2, 3, 4})), make([]byte, 40<<10)...)
	s := newDNS(f)
	out := append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...)
	if n := s.Data(record.Out, 1, out); n != len(out) {
		t.Fatalf("%d of %d", n, len(out))
	}
	in := append(binary.BigEndian.AppendUint16(nil, uint16(len(big))), big...)
	if n := s.Data(record.In, 2, in[:dnsWindow+2]); n != len(in) {
		t.Fatalf("%d of %d", n, len(in))
	}
	if d := r.DNS[0]; !d.Answered || d.Size[record.In] != uint16(len(big)) || d.TTL != 7 || len(r.DNS) != 1 {
		t.Errorf("%+v", r.DNS)
	}
}

func BenchmarkDNS(b *testing.B) {
	question := ask(b, 7, "www.example.co.jp.", dnsmessage.TypeA)
	reply := ask(b, 7, "www.example.co.jp.", dnsmessage.TypeA, answerA("www.example.co.jp.", 300, [4]byte{192, 0, 2, 1}))
	r, f := dnsFacts(false)
	b.ReportAllocs()
	b.SetBytes(int64(len(question) + len(reply)))
	for b.Loop() {
		var st State
		r.App, r.DNS = 0, r.DNS[:0]
		Datagram(record.Out, 1, question, f, &st)
		Datagram(record.In, 2, reply, f, &st)
		st.End()
	}
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkDNSNew asks for names that never come again within memory.
func BenchmarkDNSNew(b *testing.B) {
	var list [4096][]byte
	size := 0
	for i := range list {
		list[i] = ask(b, 7, "www."+strconv.Itoa(i)+"kigyou"+strconv.Itoa(i%7)+".co.jp.", dnsmessage.TypeA)
		size += len(list[i])
	}
	r, f := dnsFacts(false)
	b.ReportAllocs()
	b.SetBytes(int64(size / len(list)))
	for i := 0; b.Loop(); i++ {
		var st State
		r.App, r.DNS = 0, r.DNS[:0]
		Datagram(record.Out, 1, list[i%len(list)], f, &st)
		st.End()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
