package dissect

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/record"
)

// sshPacketBytes is a packet in clear with some padding.
func sshPacketBytes(payload []byte) []byte {
	padding := 4 + (8-(len(payload)+9)%8)%8
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+padding))
	b = append(append(b, byte(padding)), payload...)
	return append(b, make([]byte, padding)...)
}

// kexInit is the algorithm lists of a side.
func kexInit(lists ...string) []byte {
	b := append([]byte{sshKexInit}, make([]byte, 16)...)
	for i := range 10 {
		list := ""
		if i < len(lists) {
			list = lists[i]
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(list))), list...)
	}
	return sshPacketBytes(append(b, 0, 0, 0, 0, 0))
}

var (
	sshClientLists = []string{"curve25519-sha256,ext-info-c", "ssh-ed25519", "aes-c2s,x", "aes-s2c", "mac-c2s", "mac-s2c", "none,zlib", "zlib-s2c"}
	sshServerLists = []string{"curve25519-sha256", "ssh-ed25519", "aes-in", "aes-out", "mac-in", "mac-out", "none", "zlib@openssh.com"}
)

func sshTalk() []chunk {
	ecdh := sshPacketBytes(append([]byte{30}, make([]byte, 36)...))
	newKeys := sshPacketBytes([]byte{sshNewKeys})
	secret := bytes.Repeat([]byte{0xa5}, 300)
	return []chunk{
		{record.In, []byte("Only for members.\r\nAll that is said is noted: SSH-\n" + strings.Repeat("x", 900) + "\n")},
		{record.In, []byte("SSH-2.0-OpenSSH_9.6 Debian-1\r\n")},
		{record.Out, []byte("SSH-2.0-PuTTY_Release_0.81\n")},
		{record.Out, kexInit(sshClientLists...)},
		{record.In, kexInit(sshServerLists...)},
		{record.Out, ecdh},
		{record.In, sshPacketBytes(append([]byte{31}, make([]byte, 3000)...))},
		{record.In, newKeys},
		{record.Out, newKeys},
		{record.Out, secret}, {record.In, secret},
	}
}

func TestSSH(t *testing.T) {
	said := sshTalk()
	r := follow(newSSH, said, nil)
	want := record.SSH{Client: r.SSH.Client, Server: r.SSH.Server, Encrypted: true,
		HASSH:       md5.Sum([]byte("curve25519-sha256,ext-info-c;aes-c2s,x;mac-c2s;none,zlib")),
		HASSHServer: md5.Sum([]byte("curve25519-sha256;aes-out;mac-out;zlib@openssh.com"))}
	if *r.SSH != want || r.SSH.Client.Family.String() != "putty" || r.SSH.Server.Text.String() != "SSH-2.0-OpenSSH_9.6 Debian-1" {
		t.Errorf("%+v", r.SSH)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		if again := follow(newSSH, said, rnd); *again.SSH != *r.SSH {
			t.Fatalf("in pieces: %+v", again.SSH)
		}
	}
	for side := range 2 {
		one := follow(newSSH, oneSide(said, side), rnd).SSH
		if one.Encrypted || (one.HASSH != [16]byte{}) != (side == record.Out) || (one.HASSHServer != [16]byte{}) != (side == record.In) {
			t.Errorf("side %d alone: %+v", side, one)
		}
	}
}

// A record may be written out and emptied in the middle.
func TestSSHGoesOnInAnEmptiedRecord(t *testing.T) {
	f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, true)}
	for _, begin := range []func(record.Facts) Stream{newSSH, newTLS, newClear} {
		s := begin(f)
		for _, c := range sshTalk() {
			s.Data(c.side, 0, c.b)
			s.End()
			*f.Record = record.Record{}
		}
	}
}

// What is no SSH after all, and what only looks like it, comes to an end.
func TestSSHEnds(t *testing.T) {
	for name, b := range map[string]string{
		"a line without end": strings.Repeat("x", maxSSHLine),
		"too many lines":     strings.Repeat("line\n", maxSSHLines/5+1),
		"version 1":          "SSH-1.5-OpenSSH_5.3\n\x00\x00\x00\x01",
		"not a packet":       "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff",
		"padding":            "SSH-2.0-x\r\n\x00\x00\x00\x10\x10\x14",
		"no end of packets":  "SSH-2.0-x\r\n" + strings.Repeat(string(sshPacketBytes([]byte{2})), maxSSHClear+1),
	} {
		f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, false)}
		if got := newSSH(f).Data(0, 0, []byte(b)); got != Done {
			t.Errorf("%s: %d", name, got)
		}
	}
	f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, false)}
	s := newSSH(f)
	long := append([]byte("SSH-2.0-x\n"), kexInit(strings.Repeat("a,", Window/2))...)
	if got := s.Data(0, 0, long[:1000]); got != len(long) {
		t.Errorf("lists longer than the window: %d, want all %d passed over", got, len(long))
	}
	s.Lost(0, 1)
	if got := s.Data(0, 0, []byte("anything")); got != Done {
		t.Errorf("after a gap: %d", got)
	}
}

func TestSeenSSH(t *testing.T) {
	for in, want := range map[string]verdict{"": unsure, "S": unsure, "SSH": unsure, "SSH-": yes, "SSH-2.0": yes, "SSL": no, "\x16": no} {
		if got := seenSSH([]byte(in)); got != want {
			t.Errorf("%q: %d", in, got)
		}
	}
}

func FuzzSSH(f *testing.F) {
	var out, in []byte
	for _, c := range sshTalk() {
		if c.side == record.Out {
			out = append(out, c.b...)
		} else {
			in = append(in, c.b...)
		}
	}
	f.Add(out, in, uint64(1))
	f.Add([]byte("SSH-2.0-x\r\n\x00\x00\x00\x10\x10\x14"), []byte("\n\n\nSSH-"), uint64(2))
	f.Fuzz(func(t *testing.T, out, in []byte, seed uint64) {
		fuzzStream(t, newSSH, out, in, seed)
	})
}

// fuzzStream shows both sides to a stream whole and in pieces: the record has
// to be the same.
func fuzzStream(t *testing.T, begin func(record.Facts) Stream, out, in []byte, seed uint64) {
	if len(out)+len(in) > 1<<16 {
		return
	}
	said := []chunk{{record.Out, out}, {record.In, in}}
	whole := record.AppendJSON(nil, follow(begin, said, nil))
	pieces := record.AppendJSON(nil, follow(begin, said, rand.New(rand.NewPCG(seed, 1))))
	if !bytes.Equal(whole, pieces) && len(out) < Window && len(in) < Window {
		t.Errorf("whole %s\npieces %s", whole, pieces)
	}
}

func BenchmarkSSH(b *testing.B) {
	said := sshTalk()
	f := record.Facts{Record: &record.Record{}, Naming: record.NewNaming([32]byte{7}, false)}
	b.ReportAllocs()
	for b.Loop() {
		*f.Record = record.Record{}
		s := newSSH(f)
		for _, c := range said {
			s.Data(c.side, 0, c.b)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "connections/s")
}
