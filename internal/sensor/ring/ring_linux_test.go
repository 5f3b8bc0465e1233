package ring

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"noroshi/internal/base/confine"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/testkit"
)

// open opens the loopback interface, or says why it cannot.
func open(t *testing.T, o Options) *Ring {
	t.Helper()
	r, err := Open("lo", o)
	if errors.Is(err, ErrPermission) {
		testkit.Skip(t, "this process lacks CAP_NET_RAW")
	}
	if errors.Is(err, ErrInterface) {
		testkit.Skip(t, "there is no interface lo")
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// send sends n datagrams over the loopback interface to a port of its own.
func send(t *testing.T, n int, body []byte) (port uint16) {
	t.Helper()
	in, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	out, err := net.Dial("udp4", in.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for range n {
		if _, err := out.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	return in.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

// TestRing reads what it sends to itself: each datagram once, with its time and
// headers, and nothing of a batch is left once the next was asked for.
func TestRing(t *testing.T) {
	r := open(t, Options{Wait: 100 * time.Millisecond})
	defer r.Close()
	const want = 3000
	start := time.Now()
	port := send(t, want, []byte("the canary sings"))
	batch := make([]capture.Packet, 64)
	var before [][]byte
	var h packet.Headers
	got := 0
	for idle := 0; got < want && idle < 50; {
		n, err := r.Next(batch)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range before {
			if bytes.Contains(d, []byte("canary")) {
				t.Fatal("a packet handed back was not overwritten")
			}
		}
		before = before[:0]
		if n == 0 {
			idle++
		}
		for i := range batch[:n] {
			p := &batch[i]
			before = append(before, p.Data)
			if f := packet.Decode(p, &h); f != packet.None || h.DstPort != port || !h.Layers.Has(packet.UDP) {
				continue
			}
			got++
			if string(p.Data[h.Payload:h.Payload+h.PayloadLen]) != "the canary sings" || int(p.Orig) != len(p.Data) {
				t.Fatalf("%+v", h)
			}
			if at := time.Unix(0, p.At); at.Before(start.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
				t.Fatalf("at %v", at)
			}
		}
	}
	s, err := r.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s.Packets > s.Seen || got > int(s.Packets) {
		t.Fatalf("%+v", s)
	}
	if got+int(s.Dropped) < want || got > want || s.Seen < uint64(got) {
		t.Fatalf("%d of %d datagrams, %+v", got, want, s)
	}
	t.Logf("%d of %d, %+v", got, want, s)
}

// TestDrops fills a small ring that nobody empties: the kernel drops, and the
// ring says how much.
func TestDrops(t *testing.T) {
	r := open(t, Options{Size: 2 * blockSize, Wait: time.Millisecond})
	defer r.Close()
	send(t, 3000, make([]byte, 1400))
	s, err := r.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if s.Dropped == 0 || s.Seen < s.Dropped {
		t.Fatalf("%+v", s)
	}
	again, err := r.Stats()
	if err != nil || again.Dropped < s.Dropped {
		t.Fatalf("%+v after %+v, %v", again, s, err)
	}
}

func TestOpenNothing(t *testing.T) {
	if _, err := Open("no-such-if0", Options{}); !errors.Is(err, ErrInterface) {
		t.Errorf("%v", err)
	}
}

// TestConfine runs in a process of its own, as a confined process stays so.
func TestConfine(t *testing.T) {
	open(t, Options{}).Close()
	c := exec.Command(os.Args[0], "-test.run=^TestConfined$", "-test.v")
	c.Env = append(os.Environ(), "RING_CONFINE=1")
	out, err := c.CombinedOutput()
	if bytes.Contains(out, []byte(confine.ErrThreads.Error())) {
		// This test was built with cgo; the program is not.
		c = exec.Command("go", "test", "-count=1", "-run=^TestConfined$", "-v", ".")
		c.Env = append(os.Environ(), "RING_CONFINE=1", "CGO_ENABLED=0")
		out, err = c.CombinedOutput()
	}
	if err != nil || !strings.Contains(string(out), "confined and reading") {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestConfined is the process TestConfine starts.
func TestConfined(t *testing.T) {
	if os.Getenv("RING_CONFINE") == "" {
		t.Skip("started by TestConfine")
	}
	if err := Confine(); err != nil {
		t.Fatal(err)
	}
	r, err := Open("lo", Options{})
	if err != nil {
		t.Fatalf("CAP_NET_RAW is gone too: %v", err)
	}
	defer r.Close()
	// What needs another capability is refused, in any thread.
	refused := make(chan error)
	for range 8 {
		go func() { refused <- unix.Setpriority(unix.PRIO_PROCESS, 0, -20) }()
	}
	for range 8 {
		if err := <-refused; !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.EPERM) {
			t.Errorf("CAP_SYS_NICE is still there: %v", err)
		}
	}
	if err := unix.Chroot("/"); !errors.Is(err, unix.EPERM) {
		t.Errorf("CAP_SYS_CHROOT is still there: %v", err)
	}
	// A program it starts holds nothing.
	b, err := exec.Command("/bin/cat", "/proc/self/status").Output()
	if err == nil && !strings.Contains(string(b), "NoNewPrivs:\t1") {
		t.Errorf("%s", b)
	}
	t.Log("confined and reading")
}
