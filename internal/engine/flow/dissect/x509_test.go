package dissect

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 certificates with such keys are there, and read
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// corpusCertificates finds every certificate in the captures by brute force:
// wherever the standard library can read one.
func corpusCertificates(t testing.TB) [][]byte {
	t.Helper()
	seen := map[[32]byte]bool{}
	var out [][]byte
	for _, zipped := range []string{"pcap/zeek-traces.zip", "pcap/suricata-verify-dev.zip", "pcap/ja4-dev.zip", "pcap/ipfixprobe-functional.zip"} {
		for name, f := range archive(t, zipped) {
			if !strings.Contains(name, ".pcap") && !strings.HasSuffix(name, ".trace") {
				continue
			}
			p := newPlayer()
			p.keep = true
			p.file(t, name, content(t, f))
			for _, f := range p.order {
				for side := range f.dir {
					b := f.dir[side].all
					for {
						i := bytes.Index(b, []byte{0x30, 0x82})
						if i < 0 || len(b) < i+4 {
							break
						}
						b = b[i:]
						if n := 4 + int(be16(b[2:])); n <= len(b) {
							if _, err := x509.ParseCertificate(b[:n]); err == nil && !seen[sha256.Sum256(b[:n])] {
								seen[sha256.Sum256(b[:n])] = true
								out = append(out, bytes.Clone(b[:n]))
							}
						}
						b = b[1:]
					}
				}
			}
		}
	}
	return out
}

// Every certificate of the captures, as crypto/x509 reads it.
func TestCertificateTwin(t *testing.T) {
	n := record.NewNaming([32]byte{1}, false)
	all := corpusCertificates(t)
	for _, der := range all {
		want, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		name := "no.such.name.example"
		if len(want.DNSNames) > 0 {
			name = strings.ToLower(strings.Replace(want.DNSNames[len(want.DNSNames)-1], "*", "any", 1))
		}
		for _, name := range []string{name, "sub." + name, ""} {
			var c record.Certificate
			if !readCertificate(der, []byte(name), n, &c) {
				t.Fatalf("%s cannot be read", want.Subject)
			}
			compareCertificate(t, &c, want, name)
		}
	}
	t.Logf("%d certificates", len(all))
	if len(all) < 60 {
		t.Error("fewer certificates than there are")
	}
}

func compareCertificate(t *testing.T, c *record.Certificate, want *x509.Certificate, name string) {
	t.Helper()
	key, bits := record.OtherKey, 0
	switch k := want.PublicKey.(type) {
	case *rsa.PublicKey:
		key, bits = record.RSA, k.N.BitLen()
	case *ecdsa.PublicKey:
		key, bits = record.ECDSA, k.Curve.Params().BitSize
	case ed25519.PublicKey:
		key, bits = record.Ed25519, 256
	case *dsa.PublicKey:
		key, bits = record.DSA, k.P.BitLen()
	}
	digest := record.OtherSign
	for word, kind := range map[string]record.SignKind{"MD5": record.MD5, "SHA1": record.SHA1, "SHA256": record.SHA256, "SHA384": record.SHA384, "SHA512": record.SHA512} {
		if strings.Contains(want.SignatureAlgorithm.String(), word) {
			digest = kind
		}
	}
	if want.SignatureAlgorithm == x509.UnknownSignatureAlgorithm {
		digest = c.Signature // here parameters of PSS may be broken elsewhere than in their digest
	}
	hosts := want.DNSNames
	if len(hosts)+len(want.IPAddresses) == 0 {
		hosts = []string{want.Subject.CommonName}
	}
	matches := name != "" && slices.ContainsFunc(hosts, func(h string) bool {
		if _, rest, _ := strings.Cut(name, "."); strings.HasPrefix(h, "*.") {
			return strings.EqualFold(h[2:], rest)
		}
		return strings.EqualFold(h, name)
	})
	names := len(want.DNSNames) + len(want.IPAddresses) + len(want.EmailAddresses) + len(want.URIs)
	if c.Key != key || int(c.Bits) != bits || c.Signature != digest || int(c.Names) < names ||
		c.NotBefore != want.NotBefore.UnixNano() || c.Until != want.NotAfter.UnixNano() ||
		c.SelfSigned != bytes.Equal(want.RawSubject, want.RawIssuer) || c.MatchesServerName != matches ||
		c.Wildcard != slices.ContainsFunc(hosts, func(h string) bool { return strings.HasPrefix(h, "*.") }) ||
		c.SHA256 != sha256.Sum256(want.Raw) || c.Subject.String() == "" && len(want.RawSubject) > 0 {
		t.Errorf("%s, asked for %q: %+v, want %v %d %v %d names %v, matches %t", want.Subject, name, c, key, bits, digest, names, hosts, matches)
	}
}

// Times in the forms that certificates have had.
func TestCertificateTimes(t *testing.T) {
	for in, want := range map[string]int64{
		"\x17\x0d491231235959Z":         2524607999e9,
		"\x17\x0d500101000000Z":         -631152000e9,
		"\x17\x0b7001010000Z":           0,
		"\x17\x11700101010000+0100":     0,
		"\x17\x11691231230000-0100":     0,
		"\x18\x0f20380119031407Z":       2147483647e9,
		"\x18\x1320380119031407.5Z....": 2147483647e9,
		"\x18\x0f99991231235959Z":       1<<63 - 1,
		"\x18\x0f00000101000000Z":       -1 << 63,
		"\x17\x0d701301000000Z":         0,
		"\x17\x02Z ":                    0,
		"\x17\x00":                      0,
	} {
		b := []byte(in)
		if got := takeTime(&b); got != want {
			t.Errorf("%q: %d, want %d", in, got, want)
		}
	}
}

func FuzzCertificate(f *testing.F) {
	f.Add(issue(f, ecKey(f), 0, "a.example", "*.b.example").Certificate[0], []byte("www.b.example"))
	f.Add([]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, []byte{})
	n := record.NewNaming([32]byte{1}, false)
	f.Fuzz(func(t *testing.T, der, name []byte) {
		var c record.Certificate
		ok := readCertificate(der, name, n, &c)
		if want, err := x509.ParseCertificate(der); err == nil && !ok {
			t.Errorf("%s cannot be read", want.Subject)
		}
	})
}

func BenchmarkCertificate(b *testing.B) {
	der := issue(b, ecKey(b), 0, "a.example", "*.b.example", "c.example").Certificate[0]
	n, name := record.NewNaming([32]byte{1}, false), []byte("www.b.example")
	b.SetBytes(int64(len(der)))
	b.ReportAllocs()
	for b.Loop() {
		var c record.Certificate
		readCertificate(der, name, n, &c)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "certificates/s")
}
