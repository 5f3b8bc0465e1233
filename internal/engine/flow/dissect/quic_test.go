package dissect

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// clientHelloBytes is a hello as a client of HTTP/3 might send it.
func clientHelloBytes(name, protocol string, extra int) []byte {
	vec8 := func(b []byte) []byte { return append([]byte{byte(len(b))}, b...) }
	vec16 := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
	ext := func(kind uint16, b []byte) []byte {
		return append(binary.BigEndian.AppendUint16(nil, kind), vec16(b)...)
	}
	var exts []byte
	if name != "" {
		exts = append(exts, ext(extServerName, vec16(append([]byte{0}, vec16([]byte(name))...)))...)
	}
	exts = append(exts, ext(0x0a0a, nil)...)
	exts = append(exts, ext(extGroups, vec16([]byte{0x1a, 0x1a, 0, 29, 0, 23}))...)
	if protocol != "" {
		exts = append(exts, ext(extALPN, vec16(vec8([]byte(protocol))))...)
	}
	exts = append(exts, ext(extSignatures, vec16([]byte{4, 3, 8, 4, 4, 1}))...)
	exts = append(exts, ext(extVersions, vec8([]byte{0x2a, 0x2a, 3, 4}))...)
	exts = append(exts, ext(extTransport, append([]byte{0x71, 0x29, 11}, "Chrome/92.0"...))...)
	exts = append(exts, ext(51, make([]byte, extra))...)
	b := append([]byte{3, 3}, make([]byte, 32)...)
	b = append(b, vec8(nil)...)
	b = append(b, vec16([]byte{0x3a, 0x3a, 0x13, 1, 0x13, 2})...)
	b = append(b, vec8([]byte{0})...)
	b = append(b, vec16(exts)...)
	return append([]byte{clientHello, 0, byte(len(b) >> 8), byte(len(b))}, b...)
}

func cryptoFrame(offset int, b []byte) []byte {
	out := append([]byte{frameCrypto}, 0x80, 0, byte(offset>>8), byte(offset))
	return append(append(out, 0x40|byte(len(b)>>8), byte(len(b))), b...)
}

// seal is the slow twin of open: an Initial packet of a client, written with
// the standard library's key derivation.
func seal(version uint32, cid, scid, token []byte, number uint32, frames []byte) []byte {
	return sealTo(version, cid, cid, scid, token, number, frames)
}

// sealTo is a packet to an id under the keys of another: the server has chosen
// a new one, the keys stay.
func sealTo(version uint32, keys, cid, scid, token []byte, number uint32, frames []byte) []byte {
	expand := func(secret []byte, label string, n int) []byte {
		info := append([]byte{0, byte(n), byte(6 + len(label))}, "tls13 "+label...)
		out, err := hkdf.Expand(sha256.New, secret, string(append(info, 0)), n)
		if err != nil {
			panic(err)
		}
		return out
	}
	initial, err := hkdf.Extract(sha256.New, keys, quicSalt(version)[:])
	if err != nil {
		panic(err)
	}
	client, label, kind := expand(initial, "client in", 32), "quic", byte(0)
	if version == quicV2 {
		label, kind = "quicv2", 1
	}
	for len(frames) < 40 {
		frames = append(frames, 0)
	}
	b := binary.BigEndian.AppendUint32([]byte{0xc3 | kind<<4}, version)
	b = append(append(b, byte(len(cid))), cid...)
	b = append(append(b, byte(len(scid))), scid...)
	b = append(append(b, 0x40|byte(len(token)>>8), byte(len(token))), token...)
	size := 4 + len(frames) + 16
	b = append(b, 0x40|byte(size>>8), byte(size))
	at := len(b)
	b = binary.BigEndian.AppendUint32(b, number)
	block, _ := aes.NewCipher(expand(client, label+" key", 16))
	gcm, _ := cipher.NewGCM(block)
	nonce := expand(client, label+" iv", 12)
	for i := range 4 {
		nonce[11-i] ^= byte(number >> (8 * i))
	}
	b = gcm.Seal(b, nonce, frames, bytes.Clone(b))
	block, _ = aes.NewCipher(expand(client, label+" hp", 16))
	var mask [16]byte
	block.Encrypt(mask[:], b[at+4:at+20])
	b[0] ^= mask[0] & 15
	for i := range 4 {
		b[at+i] ^= mask[1+i]
	}
	return b
}

// quicOf plays datagrams, each from a side, and returns the record.
func quicOf(said ...chunk) *record.Record {
	r, q := &record.Record{}, &quicState{}
	for _, c := range said {
		q.datagram(c.side, 0, c.b, record.Facts{Record: r, Naming: record.NewNaming([32]byte{7}, true)})
	}
	q.end()
	return r
}

// The keys of the examples of RFC 9001 §A.1 and RFC 9369 §A.1.
func TestQUICKeys(t *testing.T) {
	cid, _ := hex.DecodeString("8394c8f03e515708")
	k := newQUICKeys(quicV1, cid)
	if got := hex.EncodeToString(k.iv[:]); got != "fa044b2f42a3fd3b46fb255c" {
		t.Error(got)
	}
	hex.Decode(k.sample[:], []byte("d1b1c98dd7689fb8ec11d242b123dc9b"))
	if mask := k.mask(); hex.EncodeToString(mask[:5]) != "437b9aec36" {
		t.Errorf("%x", *mask)
	}
	k = newQUICKeys(quicV2, cid)
	if got := hex.EncodeToString(k.iv[:]); got != "91f73e2351d8fa91660e909f" {
		t.Error(got)
	}
	hex.Decode(k.sample[:], []byte("ffe67b6abcdb4298b485dd04de806071"))
	if mask := k.mask(); hex.EncodeToString(mask[:5]) != "94a0c95e80" {
		t.Errorf("%x", *mask)
	}
}

var quicVersions = []uint32{quicV1, quicV2, 0xff000016, 0xff000017, 0xff00001c, 0xff00001d, 0xff000020, 0xff000021, 0xff000022, 0xfaceb001, 0xfaceb002, 0x54303530, 0x54303531}

func TestQUICVersions(t *testing.T) {
	hello := clientHelloBytes("www.example.com", "h3", 32)
	for _, v := range quicVersions {
		b := seal(v, []byte("8 bytes!"), nil, []byte("token"), 1, cryptoFrame(0, hello))
		if !isQUIC(b) {
			t.Errorf("%x is not known", v)
		}
		r := quicOf(chunk{0, b}).QUIC
		if r == nil || r.SNI.String() != "www.example.com" || r.ALPN != record.H3 || r.Version != v || r.Agent.Family.String() != "chrome" || r.JA4.String()[:10] != "q13d0207h3" {
			t.Errorf("%x: %+v", v, r)
		}
	}
}

// A hello in pieces: in any order, several times, over several datagrams, with
// other frames between them, before and after a Retry.
func TestQUICPieces(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		hello := clientHelloBytes("www.example.com", "h3", rnd.IntN(3000))
		var parts []chunk
		for at := 0; at < len(hello); {
			n := min(1+rnd.IntN(400), len(hello)-at)
			back := rnd.IntN(min(at, 50) + 1) // pieces overlap
			parts = append(parts, chunk{at - back, hello[at-back : at+n]})
			at += n
		}
		rnd.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		said := []chunk{}
		cid := []byte("the original id")
		if round%3 == 0 { // the first try is answered with Retry: another id, another token
			said = append(said, chunk{0, seal(quicV1, cid, []byte("me"), nil, 0, cryptoFrame(parts[0].side, parts[0].b))})
			said = append(said, chunk{1, append([]byte{0xf0, 0, 0, 0, 1, 2, 'm', 'e', 3, 'n', 'e', 'w'}, make([]byte, 40)...)})
			cid = []byte("new")
		}
		first := uint32(rnd.IntN(100))
		number := first
		for i := 0; i < len(parts); {
			var frames []byte
			for range 1 + rnd.IntN(3) {
				if i == len(parts) {
					break
				}
				frames = append(frames, cryptoFrame(parts[i].side, parts[i].b)...)
				frames = append(frames, 0, 1, 0, 2, 5, 0, 0, 5) // padding, ping, acknowledgement
				i++
			}
			to := cid
			if round%2 == 0 && number > first+1 {
				to = []byte("chosen by server") // the keys stay
			}
			said = append(said, chunk{0, sealTo(quicV1, cid, to, []byte("me"), nil, number, frames)})
			number++
			said = append(said, chunk{1, sealTo(quicV1, []byte("server keys"), []byte("me"), to, nil, number, []byte{2, 0, 0, 0, 0})})
		}
		r := quicOf(said...).QUIC
		if r == nil || r.SNI.String() != "www.example.com" || r.JA4.String()[:10] != "q13d0207h3" {
			t.Fatalf("round %d: %d parts: %+v", round, len(parts), r)
		}
	}
}

// What stays in pieces or apart ends at a bound and leaves nothing behind.
func TestQUICBounds(t *testing.T) {
	f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, true)}
	cid := []byte("abcdefgh")
	for name, frames := range map[string]func(i int) []byte{
		"holes": func(i int) []byte {
			return append(cryptoFrame(10+20*i, []byte("x")), cryptoFrame(20+20*i, []byte("x"))...)
		},
		"far":     func(i int) []byte { return cryptoFrame(maxQUICHello, []byte("x")) },
		"nothing": func(i int) []byte { return []byte{1} },
		"other":   func(i int) []byte { return cryptoFrame(0, []byte{2, 0, 0, 4, 0, 0, 0, 0}) },
	} {
		q := &quicState{}
		for i := range 2 * maxQUICSeen {
			q.datagram(0, 0, seal(quicV1, cid, nil, nil, uint32(i), frames(i)), f)
		}
		if !q.over || q.hello != nil {
			t.Errorf("%s: goes on", name)
		}
	}
	q := &quicState{}
	q.datagram(0, 0, seal(quicV1, cid, nil, nil, 1, cryptoFrame(0, clientHelloBytes("a.example", "h3", 1500)[:1000])), f)
	if q.hello == nil || cap(q.hello.b) > 1024 {
		t.Error("a hello that is left unfinished costs more than was sent")
	}
	q = &quicState{}
	for range 2 * maxQUICFails {
		b := seal(quicV1, cid, nil, nil, 1, []byte{1})
		b[len(b)-1] ^= 1
		q.datagram(0, 0, b, f)
	}
	if !q.over {
		t.Error("packets that do not open go on")
	}
}

// The hello of Google's versions, whose tags are read in clear.
func TestQUICGoogle(t *testing.T) {
	values := "www.example.com" + "Chrome/60 Linux" + "rest"
	b := append([]byte("CHLO"), 3, 0, 0, 0)
	end := 0
	for i, tag := range []string{"SNI\x00", "UAID", "PDMD"} {
		end += len([]string{"www.example.com", "Chrome/60 Linux", "rest"}[i])
		b = binary.LittleEndian.AppendUint32(append(b, tag...), uint32(end))
	}
	b = append(b, values...)
	old := append([]byte{0x0d, 1, 2, 3, 4, 5, 6, 7, 8}, "Q043"...)
	old = append(append(old, make([]byte, 20)...), b...)
	long := append([]byte{0xc3}, "Q046"...)
	long = append(append(long, 0x50, 1, 2, 3, 4, 5, 6, 7, 8), append(make([]byte, 20), b...)...)
	sealed := seal(0x51303530, []byte("8 bytes!"), nil, nil, 1, append([]byte{8, 0, 0x40, byte(len(b))}, b...))
	for name, b := range map[string][]byte{"Q043": old, "Q046": long, "Q050": sealed} {
		if !isQUIC(b) {
			t.Errorf("%s is not known", name)
		}
		r := quicOf(chunk{0, b}).QUIC
		if r == nil || r.SNI.String() != "www.example.com" || r.Agent.Family.String() != "chrome" || r.Version != binary.BigEndian.Uint32([]byte(name)) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The list of pieces against an obvious one: a flag for every byte.
func TestPiecesTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		var p pieces
		there := make([]bool, 600)
		data := []byte(strings.Repeat("\x01\xff\xff\xff", 150))
		for range 40 {
			from := rnd.IntN(590)
			to := from + 1 + rnd.IntN(min(60, 600-from))
			whole, ok := p.add(from, data[from:to])
			if !ok {
				break
			}
			for i := from; i < to; i++ {
				there[i] = true
			}
			n := 0
			for n < 600 && there[n] {
				n++
			}
			if len(whole) != n || !bytes.Equal(whole, data[:n]) {
				t.Fatalf("%d bytes, want %d; %v", len(whole), n, p.spans[:p.n])
			}
		}
	}
}

func FuzzQUIC(f *testing.F) {
	hello := clientHelloBytes("www.example.com", "h3", 32)
	f.Add(seal(quicV1, []byte("8 bytes!"), nil, []byte("token"), 1, cryptoFrame(0, hello)), []byte{})
	f.Add([]byte("\x0d12345678Q04300000000CHLO\x01\x00\x00\x00SNI\x00\x04\x00\x00\x00name"), cryptoFrame(0, hello))
	f.Add([]byte{0xc0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 1}, cryptoFrame(5, hello))
	for _, b := range dtlsHello(200) {
		f.Add(b, b[:40])
	}
	n := record.NewNaming([32]byte{7}, false)
	f.Fuzz(func(t *testing.T, b, frames []byte) {
		facts := record.Facts{Record: &record.Record{}, Naming: n}
		q := &quicState{}
		before := bytes.Clone(b)
		for side := range 2 {
			isQUIC(b)
			q.datagram(side, 0, b, facts)
		}
		if !bytes.Equal(b, before) {
			t.Error("the datagram was changed")
		}
		if len(frames) < 1<<13 { // behind the encryption, where b hardly ever gets
			q.datagram(0, 0, seal(quicV1, []byte("8 bytes!"), nil, nil, 1, frames), facts)
		}
		q.end()
		var d dtlsState
		for side := range 2 {
			d.datagram(side, 0, b, facts)
			d.datagram(side, 0, frames, facts)
			d.inside(b, facts)
		}
		d.end()
		record.AppendJSON(nil, facts.Record)
	})
}

func BenchmarkQUICInitial(b *testing.B) {
	frames := cryptoFrame(0, clientHelloBytes("www.example.com", "h3", 32))
	d := seal(quicV1, []byte("8 bytes!"), nil, nil, 1, append(frames, make([]byte, 1100-len(frames))...))
	f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, false)}
	b.SetBytes(int64(len(d)))
	b.ReportAllocs()
	for b.Loop() {
		q := quicState{}
		*f.Record = record.Record{}
		q.datagram(0, 0, d, f)
	}
	if f.QUIC == nil || f.QUIC.JA4[0] != 'q' {
		b.Fatal("not read")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "initials/s")
}
