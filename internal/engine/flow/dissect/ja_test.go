package dissect

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// slowJA4 is the description of JA4 word by word, with strings.
func slowJA4(transport, version string, named bool, ciphers, exts, signatures []uint16, protocol string) string {
	pure := func(in []uint16) (out []string) {
		for _, v := range in {
			if v&0x0f0f != 0x0a0a || v>>8 != v&0xff {
				out = append(out, fmt.Sprintf("%04x", v))
			}
		}
		return out
	}
	hash := func(list string) string {
		if list == "" {
			return "000000000000"
		}
		sum := sha256.Sum256([]byte(list))
		return hex.EncodeToString(sum[:])[:12]
	}
	c, e := pure(ciphers), pure(exts)
	d := "i"
	if named {
		d = "d"
	}
	ends := "00"
	if protocol != "" {
		x := fmt.Sprintf("%x", protocol)
		ends = string(protocol[0]) + string(protocol[len(protocol)-1])
		for _, one := range []byte(ends) {
			if !strings.Contains("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", string(rune(one))) {
				if ends = x[:1] + x[len(x)-1:]; protocol[0] > 127 || protocol[len(protocol)-1] > 127 {
					ends = "99"
				}
				break
			}
		}
	}
	head := fmt.Sprintf("%s%s%s%02d%02d%s", transport, version, d, min(99, len(c)), min(99, len(e)), ends)
	sort.Strings(c)
	var kept []string
	for _, v := range e {
		if v != "0000" && v != "0010" {
			kept = append(kept, v)
		}
	}
	sort.Strings(kept)
	tail := strings.Join(kept, ",")
	if s := pure(signatures); len(s) > 0 && tail != "" {
		tail += "_" + strings.Join(s, ",")
	}
	return head + "_" + hash(strings.Join(c, ",")) + "_" + hash(tail)
}

func slowJA3(version uint16, ciphers, exts, groups []uint16, formats []byte) [16]byte {
	join := func(in []uint16) string {
		var out []string
		for _, v := range in {
			if v&0x0f0f != 0x0a0a || v>>8 != v&0xff {
				out = append(out, fmt.Sprint(v))
			}
		}
		return strings.Join(out, "-")
	}
	var points []string
	for _, v := range formats {
		points = append(points, fmt.Sprint(v))
	}
	return md5.Sum([]byte(fmt.Sprintf("%d,%s,%s,%s,%s", version, join(ciphers), join(exts), join(groups), strings.Join(points, "-"))))
}

// Fingerprints of random hellos, against the description in slow words.
func TestFingerprintTwin(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	numbers := func(n int) (list []uint16, b []byte) {
		for range n {
			v := uint16(rnd.IntN(1 << 16))
			if rnd.IntN(5) == 0 {
				v = uint16(rnd.IntN(16))<<4 | 10
				v |= v << 8
			}
			list = append(list, v)
			b = binary.BigEndian.AppendUint16(b, v)
		}
		return list, b
	}
	protocols := []string{"", "h2", "http/1.1", "x", "\xab", "\xab\xcd", "0\xab", "01\xab\xcd", "0\xab\xcd1", "-a", "a-"}
	for round := range 3000 {
		ciphers, cipherBytes := numbers(rnd.IntN(20))
		if round%50 == 0 {
			ciphers, cipherBytes = numbers(90 + rnd.IntN(400))
		}
		groups, groupBytes := numbers(rnd.IntN(6))
		signatures, signatureBytes := numbers(rnd.IntN(6))
		formats := []byte{0, 1, 200}[:rnd.IntN(4)]
		protocol := protocols[rnd.IntN(len(protocols))]
		named := rnd.IntN(2) == 0
		version, code := uint16(0x0301), "10"
		var exts []uint16
		var extBytes []byte
		add := func(kind uint16, b []byte) {
			exts = append(exts, kind)
			extBytes = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(extBytes, kind), uint16(len(b)))
			extBytes = append(extBytes, b...)
		}
		vec16 := func(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
		if named {
			add(extServerName, vec16(append([]byte{0, 0, 4}, "name"...)))
		}
		if len(groups) > 0 {
			add(extGroups, vec16(groupBytes))
		}
		if len(signatures) > 0 {
			add(extSignatures, vec16(signatureBytes))
		}
		add(extFormats, append([]byte{byte(len(formats))}, formats...))
		if protocol != "" {
			add(extALPN, vec16(append([]byte{byte(len(protocol))}, protocol...)))
		}
		if rnd.IntN(2) == 0 {
			add(extVersions, []byte{8, 0xfa, 0xfa, 3, 3, 3, 4, 3, 2})
			code = "13"
		}
		for range rnd.IntN(4) {
			if v := uint16(200 + rnd.IntN(65000)); v != 0xfe0d {
				add(v, nil)
			}
		}
		if round%70 == 0 {
			for v := range uint16(120) {
				add(1000+v, nil)
			}
		}
		b := append([]byte{byte(version >> 8), byte(version)}, make([]byte, 33)...)
		b = append(append(b, vec16(cipherBytes)...), 1, 0)
		b = append(b, vec16(extBytes)...)
		var h hello
		if !h.readClient(b, false) {
			t.Fatal("not read")
		}
		ja4 := h.ja4('t')
		if want := slowJA4("t", code, named, ciphers, exts, signatures, protocol); ja4.String() != want {
			t.Fatalf("%s, want %s (%q)", ja4.String(), want, protocol)
		}
		if got, want := h.ja3(), slowJA3(version, ciphers, exts, groups, formats); got != want {
			t.Fatalf("%x, want %x", got, want)
		}
	}
}

func TestVersionCodes(t *testing.T) {
	for v, want := range map[uint16]string{0x0304: "13", 0x0300: "s3", 0x0002: "s2", 0xfeff: "d1", 0xfefd: "d2", 0xfefc: "d3", 0x7f1c: "00"} {
		if got := versionCode(v); got != want {
			t.Errorf("%x: %s", v, got)
		}
	}
}

func BenchmarkClientHello(b *testing.B) {
	hello := clientHelloBytes("www.example.com", "h2", 1216)
	said := append([]byte{tlsHandshake, 3, 1, byte(len(hello) >> 8), byte(len(hello))}, hello...)
	f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, false)}
	b.SetBytes(int64(len(said)))
	b.ReportAllocs()
	for b.Loop() {
		*f.Record = record.Record{}
		s := newTLS(f)
		s.Data(record.Out, 0, said)
		s.End()
	}
	if f.TLS == nil || f.TLS.JA4[0] != 't' {
		b.Fatal("not read")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hellos/s")
}
