package sieve

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/selector"
)

// Nothing of what was said, by flows that were selected or not, is in a record,
// on standard error, in a file left behind or in the memory of the process,
// while the run goes on and after it; nor are addresses of flows that were not
// selected. The process is another one, so that what made the packets is not in
// its memory.
func TestCanary(t *testing.T) {
	if dir := os.Getenv("NOROSHI_CANARY"); dir != "" {
		readCanaries(t, dir)
		return
	}
	for _, mode := range []string{"close", "abort", "small", "keep"} {
		secret := canary()
		lonely := [16]byte{0x24, 0, 0, 0x30} // of somebody who is not selected
		for i := 4; i < 16; i++ {
			lonely[i] = byte(1 + rand.IntN(255))
		}
		dir := t.TempDir()
		writeCapture(t, filepath.Join(dir, "in.pcap"), canaries(t, secret, netip.AddrFrom16(lonely).String()))
		cmd := exec.Command(os.Args[0], "-test.run=^TestCanary$")
		cmd.Env = append(os.Environ(), "NOROSHI_CANARY="+dir, "NOROSHI_CANARY_MODE="+mode, "TMPDIR="+dir,
			"GODEBUG=asyncpreemptoff=1") // a goroutine stopped in the middle of a copy leaves a register, 16 bytes, on its stack until it goes on
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", mode, err, out)
		}
		found := traces(out, secret, lonely)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range files {
			if f.Name() == "in.pcap" {
				continue
			}
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			n++
			for _, h := range traces(b, secret, lonely) {
				found = append(found, f.Name()+": "+h)
			}
		}
		if n < 3 {
			t.Fatalf("%s: only %d files", mode, n)
		}
		if mode == "keep" { // the search finds what is there
			if !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, "after.heap") }) {
				t.Error("a copy that was kept is not found")
			}
			continue
		}
		for i, h := range found {
			if i < 20 {
				t.Errorf("%s: %s", mode, h)
			}
		}
	}
}

// canary is twelve characters that no bounded name shows.
func canary() string {
	b := make([]byte, 12)
	for i := range b {
		if b[i] = "abcdefghijkmnpqrstuvwxyz"[rand.IntN(24)]; i%2 == 1 {
			b[i] = "23456789"[rand.IntN(8)]
		}
	}
	return string(b)
}

// word is a name that can be spoken, made of a secret.
func word(secret string) string {
	var b []byte
	for i := range len(secret) / 2 {
		b = append(b, "bdfgklmnprst"[secret[2*i]%12], "aeiou"[secret[2*i+1]%5])
	}
	return string(b)
}

// traces are the ways in which a secret, or the address of a flow that was not
// selected, stands in b.
func traces(b []byte, secret string, lonely [16]byte) (out []string) {
	back := []byte(secret)
	slices.Reverse(back)
	var wide []byte
	for i := range len(secret) {
		wide = append(wide, secret[i], 0)
	}
	turned := lonely // as the words of a key stand in memory
	slices.Reverse(turned[:8])
	slices.Reverse(turned[8:])
	for form, p := range map[string][]byte{"a name": []byte(word(secret) + "."), "the address in text": []byte(netip.AddrFrom16(lonely).String()), "the address's words": turned[:8], "the rest of them": turned[8:], "plain": []byte(secret), "capitals": []byte(strings.ToUpper(secret)), "reversed": back, "hex": []byte(hex.EncodeToString([]byte(secret))),
		"utf-16": wide, "base64": []byte(base64.StdEncoding.EncodeToString([]byte(secret))), "the address": lonely[:]} {
		if i := bytes.Index(b, p); i >= 0 {
			out = append(out, form+": "+strings.ToValidUTF8(string(b[max(0, i-32):min(len(b), i+len(p)+16)]), "."))
		}
	}
	return out
}

// canaries are flows that say the secret wherever one can say something: each
// twice, once with what a selector finds in front or behind.
func canaries(t *testing.T, secret, lonely string) (out []capture.Packet) {
	t.Helper()
	var list []pk
	say := func(dport uint16, b []byte) {
		n := uint16(len(list))
		for _, size := range []int{1400, (len(b) + 5) / 6} {
			list = append(list, stream(dom, abr, 2000+n, dport, b, size)...)
			part := stream(dom, abr, 3000+n, dport, b, size)
			part[len(part)-1].seq += 3 // it waits for what never comes
			list = append(list, part...)
			if !bytes.Contains(b, []byte("bad.example")) && !bytes.Contains(b, []byte("evil")) && !bytes.Contains(b, []byte("cmd.exe")) {
				list = append(list, stream(dom6, lonely, 4000+n, dport, b[:len(b)*2/3], size)...)
			}
			n += 2
		}
	}
	name := secret + ".example.com"
	for _, b := range [][]byte{tlsHello(t, name), tlsHello(t, secret+".bad.example.net"), tlsHello(t, "c2.evil.example.com")} {
		say(443, append(b, secret...))
	}
	shown := "www." + word(secret) + ".com" // a name that a bounded form would show
	say(443, tlsHello(t, shown))
	say(80, httpGet(shown, "/"))
	say(53, framed(dnsQuery(shown, false)))
	say(80, httpGet(name, "/"+secret))
	say(80, slices.Concat(httpGet("fine.example", "/"+secret), httpGet("fine.example", "/"+secret+secret), httpGet(name, "/"+secret)))
	say(80, httpGet(secret+".bad.example.net", "/"+secret))
	say(80, []byte("POST /x HTTP/1.1\r\nHost: fine.example\r\nContent-Length: 5000\r\nCookie: "+secret+"\r\n\r\n"+strings.Repeat(secret+" ", 100)))
	say(25, []byte("MAIL FROM:<"+secret+"@example.com>\r\n"+secret))
	say(25, []byte("the command cmd.exe /c "+secret+" was "+secret))
	say(53, append(framed(dnsQuery(name, false)), framed(dnsQuery(secret+".bad.example.net", false))...))
	say(9, []byte("GET "+secret+strings.Repeat("A", 400)+secret))
	for i, b := range [][]byte{dnsQuery(name, false), dnsQuery(secret+".bad.example.net", true), []byte(secret + " cmd.exe /c"), []byte(secret),
		quicInitial(t, 1, tlsHello(t, name)[5:], 0, 1<<20), quicInitial(t, 1, tlsHello(t, name)[5:], 0, 400), quicInitial(t, 1, tlsHello(t, secret+".bad.example.net")[5:], 0, 1<<20)} {
		p := pk{at: t0, src: abr, dst: dom, sport: uint16(100 + i), dport: 53, proto: packet.ProtoUDP, body: b}
		if i > 3 {
			p.dport = 443
		}
		q := p
		q.src, q.dst = lonely, dom6
		if p.body = b; !bytes.Contains(b, []byte("bad")) && !bytes.Contains(b, []byte("cmd.exe")) && i < 6 {
			list = append(list, q)
		}
		list = append(list, p)
		p.more, p.id = true, uint32(i)
		list = append(list, p)
		p.off, p.more, p.body = 8, false, []byte(secret)
		list = append(list, p)
	}
	for i := range list {
		list[i].at = t0 + int64(i)*1e5
	}
	out = frames(list)
	nobody := pk{at: t0 + 1e9, src: dom, dst: dom2, proto: 6, body: []byte(secret)} // held back by the gate
	odd := nobody
	odd.dst = nowhere
	tunnel := nobody
	tunnel.around = []string{dom, abr}
	return append(out, frames([]pk{nobody, odd, tunnel})...)
}

func writeCapture(t *testing.T, name string, list []capture.Packet) {
	t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0)
	for _, p := range list {
		for _, v := range []uint32{uint32(p.At / 1e9), uint32(p.At % 1e9), uint32(len(p.Data)), p.Orig} {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
		b = append(b, p.Data...)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readCanaries is the other process.
func readCanaries(t *testing.T, dir string) {
	f, err := os.Open(filepath.Join(dir, "in.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := capture.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	mode := os.Getenv("NOROSHI_CANARY_MODE")
	var kept []byte // only where the test wants to find something
	if mode == "keep" {
		if kept, err = os.ReadFile(filepath.Join(dir, "in.pcap")); err != nil {
			t.Fatal(err)
		}
	}
	o := options(list(t, sel(selector.Suffix, "bad.example.net"), sel(selector.Domain, "c2.evil.example.com"), sel(selector.Pattern, `"cmd.exe /c"`),
		sel(selector.JA4, "t13d1516h2_8daaf6152771_e5627efa2ab1"), sel(selector.Certificate, strings.Repeat("ab", 20))))
	if mode == "small" {
		o.Flows, o.Buffered = 4, 40<<10
	}
	to, err := os.Create(filepath.Join(dir, "out.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	s := New(o, func(r *Record) error {
		return json.NewEncoder(to).Encode(map[string]any{"src": r.Src, "dst": r.Dst, "name": r.Name.String(), "selector": r.Selector, "ja4": r.JA4, "packets": r.Packets})
	})
	packets := make([]capture.Packet, 64)
	for {
		n, err := r.Next(packets)
		if n > 0 {
			if end, err := s.Add(packets[:n]); err != nil || end != Going {
				t.Fatal(end, err)
			}
		}
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	r.Wipe()
	if _, err := s.Tick(t0 + 3e9); err != nil { // what waits for more is given up
		t.Fatal(err)
	}
	dump(t, filepath.Join(dir, "during.heap"))
	if mode == "abort" {
		s.Abort()
	} else if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	y := s.Tally()
	if y.Seen != y.Sum() || y.Selected.Packets == 0 && mode != "abort" || y.Unselected.Packets == 0 || y.Domestic.Packets != 2 || y.Unknown.Packets != 1 {
		t.Fatalf("%+v", y)
	}
	dump(t, filepath.Join(dir, "after.heap"))
	for _, x := range []any{s, r, kept, packets} { // what still has memory keeps it until here
		runtime.KeepAlive(x)
	}
}

func dump(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	debug.WriteHeapDump(f.Fd())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
