package dissect

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"noroshi/internal/engine/flow/record"
)

// chunk is what one side sent at once.
type chunk struct {
	side int
	b    []byte
}

// tap records what goes through one end of a pipe.
type tap struct {
	net.Conn
	said *[]chunk
}

// Both directions are recorded at the client's end, in the order in which it
// writes and reads.
func (c tap) Write(b []byte) (int, error) {
	*c.said = append(*c.said, chunk{record.Out, bytes.Clone(b)})
	return c.Conn.Write(b)
}

func (c tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	*c.said = append(*c.said, chunk{record.In, bytes.Clone(b[:n])})
	return n, err
}

// buffered is a side of a pipe that never waits for the other to read.
type buffered struct {
	net.Conn
	out  chan []byte
	once sync.Once
}

func newBuffered(c net.Conn) *buffered {
	b := &buffered{Conn: c, out: make(chan []byte, 1024)}
	go func() {
		for part := range b.out {
			if _, err := c.Write(part); err != nil {
				break
			}
		}
		c.Close()
	}()
	return b
}

func (b *buffered) Write(p []byte) (int, error) { b.out <- bytes.Clone(p); return len(p), nil }

func (b *buffered) Close() error {
	b.once.Do(func() { close(b.out) })
	return nil
}

// shake makes one connection of the standard library and returns its bytes.
func shake(t testing.TB, client, server *tls.Config) ([]chunk, tls.ConnectionState, error) {
	t.Helper()
	one, other := net.Pipe()
	here, there := newBuffered(one), newBuffered(other)
	var said []chunk
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(there, server)
		b := make([]byte, 64)
		if n, err := s.Read(b); err == nil {
			s.Write(b[:n])
		}
		s.Close()
	}()
	c := tls.Client(tap{here, &said}, client)
	err := c.Handshake()
	state := c.ConnectionState()
	if err == nil {
		c.Write([]byte("nobody should keep this"))
		c.Read(make([]byte, 64))
	}
	c.Close()
	<-done
	return said, state, err
}

// follow plays chunks to a stream, whole or in random pieces, and returns the
// record.
func follow(begin func(record.Facts) Stream, said []chunk, rnd *mrand.Rand) *record.Record {
	r := &record.Record{}
	s := begin(record.Facts{Record: r, Naming: record.NewNaming([32]byte{7}, true)})
	var dir [2]direction
	for _, c := range said {
		for b := c.b; len(b) > 0; {
			n := len(b)
			if rnd != nil {
				n = 1 + rnd.IntN(min(n, 1+rnd.IntN(2000)))
			}
			feed(s, &dir[c.side], c.side, b[:n])
			b = b[n:]
		}
	}
	s.End()
	return r
}

// issue makes a certificate that signs itself.
func issue(t testing.TB, key crypto.Signer, algorithm x509.SignatureAlgorithm, names ...string) tls.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "common.example", Organization: []string{"狼煙"}}, DNSNames: names,
		NotBefore: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), NotAfter: time.Date(2055, 1, 1, 0, 0, 0, 0, time.UTC), SignatureAlgorithm: algorithm,
		IsCA: true, BasicConstraintsValid: true,
	}, &x509.Certificate{Subject: pkix.Name{CommonName: "common.example", Organization: []string{"狼煙"}}}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Handshakes of the standard library, read as it says itself they went.
func TestTLSLive(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec := issue(t, ecKey(t), 0, "a.example", "*.b.example")
	long := make([]string, 1500)
	for i := range long {
		long[i] = string(rune('a'+i%26)) + "-long-name-among-many.example"
	}
	long = append(long, "www.b.example")
	rnd := mrand.New(mrand.NewPCG(1, 2))
	for name, c := range map[string]struct {
		cert   tls.Certificate
		change func(client, server *tls.Config)
		check  func(r *record.TLS) bool
		fails  bool
	}{
		"1.3": {cert: ec, check: func(r *record.TLS) bool { return r.Established && r.Certificate == nil && !r.Resumed }},
		"1.2": {cert: ec, change: func(c, s *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, check: func(r *record.TLS) bool {
			return r.Established && !r.Resumed && r.Certificate.MatchesServerName && r.Certificate.Wildcard && r.Certificate.Names == 2 &&
				r.Certificate.SelfSigned && r.Certificate.Key == record.ECDSA && r.Certificate.Bits == 256 && r.Certificate.Signature == record.SHA256
		}},
		"1.2 rsa": {cert: issue(t, rsaKey, x509.SHA384WithRSAPSS, "other.example"), change: func(c, s *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, check: func(r *record.TLS) bool {
			return r.Established && !r.Certificate.MatchesServerName && !r.Certificate.Wildcard && r.Certificate.Key == record.RSA && r.Certificate.Bits == 2048 &&
				r.Certificate.Signature == record.SHA384 && r.Certificate.Until == time.Date(2055, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
		}},
		"1.2 ed25519": {cert: issue(t, edKey, 0), change: func(c, s *tls.Config) { c.MaxVersion = tls.VersionTLS12; c.ServerName = "Common.Example" }, check: func(r *record.TLS) bool {
			return r.Established && r.Certificate.MatchesServerName && r.Certificate.Key == record.Ed25519 && r.Certificate.Signature == record.OtherSign
		}},
		"1.2 many names, over several records": {cert: issue(t, ecKey(t), 0, long...), change: func(c, s *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, check: func(r *record.TLS) bool {
			return r.Established && r.Certificate.Names == 1501 && r.Certificate.SHA256 != [32]byte{}
		}},
		"1.0": {cert: ec, change: func(c, s *tls.Config) {
			c.MaxVersion, c.MinVersion, s.MinVersion = tls.VersionTLS10, tls.VersionTLS10, tls.VersionTLS10
		}, check: func(r *record.TLS) bool {
			return r.Established && r.Version == 0x0301 && r.JA4.String()[:3] == "t10"
		}},
		"retry": {cert: ec, change: func(c, s *tls.Config) {
			c.CurvePreferences, s.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}, []tls.CurveID{tls.CurveP384}
		}, check: func(r *record.TLS) bool { return r.Established }},
		"no name": {cert: ec, change: func(c, s *tls.Config) { c.ServerName = "192.0.2.1" }, check: func(r *record.TLS) bool { return r.SNI.IsZero() && r.JA4.String()[3] == 'i' }},
		"refused by the server": {cert: ec, fails: true, change: func(c, s *tls.Config) { c.MaxVersion, s.MinVersion = tls.VersionTLS12, tls.VersionTLS13 }, check: func(r *record.TLS) bool {
			return !r.Established && r.Alert == 70 && r.Cipher == 0 && r.Version == 0x0303
		}},
		"refused by the client": {cert: ec, fails: true, change: func(c, s *tls.Config) { c.MaxVersion, c.InsecureSkipVerify = tls.VersionTLS12, false }, check: func(r *record.TLS) bool {
			return !r.Established && r.Alert == 42 && r.Certificate != nil
		}},
		"refused by the client 1.3": {cert: ec, fails: true, change: func(c, s *tls.Config) { c.InsecureSkipVerify = false }, check: func(r *record.TLS) bool {
			return !r.Established && r.Version == 0x0304
		}},
	} {
		t.Run(name, func(t *testing.T) {
			client := &tls.Config{ServerName: "www.b.example", InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}
			server := &tls.Config{Certificates: []tls.Certificate{c.cert}, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true}
			if c.change != nil {
				c.change(client, server)
			}
			said, state, err := shake(t, client, server)
			if (err != nil) != c.fails {
				t.Fatal(err)
			}
			r := follow(newTLS, said, nil)
			whole := string(record.AppendJSON(nil, r))
			if r.TLS == nil || !c.check(r.TLS) {
				t.Fatalf("%s", whole)
			}
			if err == nil {
				if r.TLS.Version != state.Version || r.TLS.Cipher != state.CipherSuite || r.TLS.ALPN != record.H2 {
					t.Errorf("%s", whole)
				}
				if state.Version < tls.VersionTLS13 && r.TLS.Chosen != record.HTTP11 {
					t.Errorf("%s", whole)
				}
				if cert := r.TLS.Certificate; cert != nil && cert.SHA256 != sha256.Sum256(c.cert.Certificate[0]) {
					t.Error("another certificate")
				}
			}
			for range 20 {
				if again := string(record.AppendJSON(nil, follow(newTLS, said, rnd))); again != whole {
					t.Fatalf("in pieces:\n%s\n%s", again, whole)
				}
			}
		})
	}
}

// A second connection goes on with the first one's keys.
func TestTLSResumed(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client := &tls.Config{ServerName: "www.b.example", InsecureSkipVerify: true, MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		server := &tls.Config{Certificates: []tls.Certificate{issue(t, ecKey(t), 0, "www.b.example")}}
		for i := range 2 {
			said, state, err := shake(t, client, server)
			if err != nil {
				t.Fatal(err)
			}
			r := follow(newTLS, said, nil).TLS
			if state.DidResume != (i == 1) || r.Resumed != state.DidResume || !r.Established {
				t.Errorf("%x, connection %d: resumed %t, read as %+v", version, i, state.DidResume, r)
			}
			if one := follow(newTLS, oneSide(said, record.In), nil).TLS; version == tls.VersionTLS12 && one.Resumed != state.DidResume {
				t.Errorf("of the server alone: %+v", one)
			}
		}
	}
}

func oneSide(said []chunk, side int) (out []chunk) {
	for _, c := range said {
		if c.side == side {
			out = append(out, c)
		}
	}
	return out
}

// A whole connection of TLS 1.2 with its certificate, and one of TLS 1.3.
func BenchmarkTLSConnection(b *testing.B) {
	for name, version := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		b.Run(name, func(b *testing.B) {
			client := &tls.Config{ServerName: "www.b.example", InsecureSkipVerify: true, MaxVersion: version}
			said, _, err := shake(b, client, &tls.Config{Certificates: []tls.Certificate{issue(b, ecKey(b), 0, "www.b.example")}})
			if err != nil {
				b.Fatal(err)
			}
			var whole [2][]byte
			size := 0
			for _, c := range said {
				whole[c.side] = append(whole[c.side], c.b...)
				size += len(c.b)
			}
			f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, false)}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				*f.Record = record.Record{}
				s := newTLS(f)
				s.Data(record.Out, 0, whole[0])
				s.Data(record.In, 0, whole[1])
				s.End()
			}
			if !f.TLS.Established {
				b.Fatal("not read")
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "connections/s")
		})
	}
}
