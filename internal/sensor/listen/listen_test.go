package listen

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"noroshi/internal/engine/flow/export"
)

// message5 is a NetFlow v5 datagram of n records whose first has the number.
func message5(number uint32, n int) []byte {
	m := make([]byte, 24+48*n)
	binary.BigEndian.PutUint16(m, 5)
	binary.BigEndian.PutUint16(m[2:], uint16(n))
	binary.BigEndian.PutUint32(m[8:], 1_700_000_000)
	binary.BigEndian.PutUint32(m[16:], number)
	for i := range n {
		copy(m[24+48*i:], []byte{192, 0, 2, 1, 198, 51, 100, 2})
	}
	return m
}

// running starts a listener on loopback and returns it with a count of rows
// per worker, and a function that stops it and returns what Run said.
func running(t *testing.T, o Options) (l *Listener, rows []atomic.Int64, stop func() error) {
	t.Helper()
	o.Now = time.Now
	rows = make([]atomic.Int64, 2*MaxWorkers)
	if o.Take == nil {
		o.Take = func(w int, b *export.Batch) error { rows[w].Add(int64(b.Len())); return nil }
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var once sync.Once
	var said error
	stop = func() error {
		once.Do(func() { cancel(); said = <-done })
		return said
	}
	t.Cleanup(func() { _ = stop() })
	return l, rows, stop
}

// send sends datagrams from an address of the loopback network.
func send(t *testing.T, from string, to netip.AddrPort, all ...[]byte) {
	t.Helper()
	c, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0)), net.UDPAddrFromAddrPort(to))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range all {
		if _, err := c.Write(m); err != nil {
			t.Fatal(err)
		}
	}
}

// until waits for what must become true.
func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	for range 6000 { // a minute: the machine may be busy
		if true() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never " + what)
}

func TestReceive(t *testing.T) {
	l, rows, stop := running(t, Options{NetFlow: []string{"127.0.0.1:0"}, Workers: 4, From: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/24")}})
	to := l.Addrs()[0]
	send(t, "127.0.0.2", to, message5(0, 3), message5(3, 5), message5(20, 1), []byte("no export"))
	send(t, "127.0.1.9", to, message5(0, 30))
	send(t, "127.0.0.3", to, []byte{0, 0, 0, 5, 0, 0, 0, 1})
	until(t, "received", func() bool { return l.Summary().Datagrams == 6 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	s := l.Summary()
	var got int64
	for i := range rows {
		got += rows[i].Load()
	}
	if got != 9 || s.Records != 9 || s.Refused != 1 || s.Foreign != 1 || s.Unreadable != 1 || len(s.Exporters) != 1 {
		t.Fatalf("%d rows, %+v", got, s)
	}
	if e := s.Exporters[0]; e.Addr != netip.MustParseAddr("127.0.0.2") || e.Lost != 12 || e.Kind != "netflow5" || e.Datagrams != 3 {
		t.Fatalf("%+v", e)
	}
}

// TestSteering: whatever port an exporter sends from, its datagrams meet in
// one decoder; different exporters are spread.
func TestSteering(t *testing.T) {
	l, rows, stop := running(t, Options{NetFlow: []string{"127.0.0.1:0"}, Workers: 4})
	to := l.Addrs()[0]
	for i := range 40 {
		send(t, "127.0.0.7", to, message5(uint32(i), 1))
	}
	used := 0
	until(t, "handed on", func() bool {
		n := int64(0)
		used = 0
		for i := range rows {
			if k := rows[i].Load(); k > 0 {
				n += k
				used++
			}
		}
		return n == 40
	})
	if s := l.Summary(); used != 1 || len(s.Exporters) != 1 || s.Exporters[0].Lost != 0 || s.Exporters[0].Disorder != 0 {
		t.Fatalf("%d decoders, %+v", used, s)
	}
	for i := range 40 {
		send(t, netip.AddrFrom4([4]byte{127, 0, 3, byte(i)}).String(), to, message5(0, 1))
	}
	until(t, "received", func() bool { return l.Summary().Datagrams == 80 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for i := range l.Workers() {
		if rows[i].Load() == 0 {
			t.Errorf("socket %d had nothing to do", i)
		}
	}
}

// TestKernelDrops floods a small buffer that nobody empties for a while.
func TestKernelDrops(t *testing.T) {
	hold := make(chan struct{})
	var held sync.Once
	l, _, stop := running(t, Options{NetFlow: []string{"127.0.0.1:0"}, Workers: 1, Buffer: 4096, Rows: 1, Take: func(int, *export.Batch) error {
		held.Do(func() { <-hold })
		return nil
	}})
	to := l.Addrs()[0]
	for i := range 200 {
		send(t, "127.0.0.2", to, message5(uint32(30*i), 30))
	}
	close(hold)
	sent := uint64(200)
	until(t, "came to the last and told of drops", func() bool { // a drop is told with the next that comes
		send(t, "127.0.0.2", to, message5(uint32(30*sent), 30))
		sent++
		time.Sleep(50 * time.Millisecond)
		s := l.Summary()
		return s.KernelDrops > 0 && s.KernelDrops+s.Datagrams == sent
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if s := l.Summary(); s.Exporters[0].Lost != s.KernelDrops*30 {
		t.Fatalf("the exporter's numbers tell of %d lost records, the kernel of %d datagrams", s.Exporters[0].Lost, s.KernelDrops)
	}
}

func TestTakeFails(t *testing.T) {
	l, _, stop := running(t, Options{NetFlow: []string{"127.0.0.1:0"}, Take: func(int, *export.Batch) error { return net.ErrClosed }})
	send(t, "127.0.0.2", l.Addrs()[0], message5(0, 3))
	until(t, "received", func() bool { return l.Summary().Datagrams == 1 })
	if err := stop(); err == nil {
		t.Fatal("a reader that cannot go on must end the listening")
	}
}

func TestOpenTaken(t *testing.T) {
	l, _, _ := running(t, Options{NetFlow: []string{"127.0.0.1:0"}})
	if _, err := Open(Options{NetFlow: []string{l.Addrs()[0].String()}, Now: time.Now}); err == nil {
		t.Fatal("the address is taken")
	}
}
