package sensor

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/flow/export"
	"noroshi/internal/sensor/listen"
	"noroshi/internal/sensor/ring"
	"noroshi/internal/testkit"
)

// locked is a buffer that a command writes while a test reads.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *locked) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// startListen runs "listen ..." in the background; code gets its exit code.
func startListen(t *testing.T, args ...string) (stdout, stderr *locked, code <-chan int) {
	t.Helper()
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr = &locked{}, &locked{}
	env := cli.New(words)
	env.Out, env.Err = stdout, stderr
	root := env.Root("noroshi", "")
	root.AddCommand(listenCommand(env))
	ended := make(chan int, 1)
	go func() {
		ended <- env.Run(context.Background(), root, append([]string{"listen", "--lang", "en"}, args...))
	}()
	return stdout, stderr, ended
}

// eventually waits for what must become true.
func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for range 6000 { // a minute: the machine may be busy
		if true() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never: " + what)
}

var listeningOn = regexp.MustCompile(`Listening on (\S+) `)

// TestListen sends two datagrams of NetFlow v5 with a gap between them, ends
// the command as Ctrl-C does, and reads what it wrote.
func TestListen(t *testing.T) {
	stats := filepath.Join(t.TempDir(), "stats.json")
	stdout, stderr, code := startListen(t, "--netflow", "127.0.0.1:0", "--basis", "test", "--from", "127.0.0.1", "--stats", stats, "--every", "50ms")
	eventually(t, "listening", func() bool { return listeningOn.MatchString(stderr.String()) })
	c, err := net.Dial("udp4", listeningOn.FindStringSubmatch(stderr.String())[1])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, number := range []uint32{100, 108} {
		m := make([]byte, 24+48)
		be := binary.BigEndian
		be.PutUint16(m, 5)
		be.PutUint16(m[2:], 1)
		be.PutUint32(m[4:], 60_000)        // uptime, ms
		be.PutUint32(m[8:], 1_700_000_000) // export time
		be.PutUint32(m[16:], number)
		r := m[24:]
		copy(r, []byte{192, 0, 2, 1, 8, 8, 8, 8})
		be.PutUint32(r[16:], 7)
		be.PutUint32(r[20:], 900)
		be.PutUint32(r[24:], 50_000)
		be.PutUint32(r[28:], 59_500)
		be.PutUint16(r[32:], 50000)
		be.PutUint16(r[34:], 443)
		r[37], r[38] = 0x1b, 6
		if _, err := c.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "two lines", func() bool { return strings.Count(stdout.String(), "\n") == 2 })
	eventually(t, "told on the way", func() bool { return strings.Contains(stderr.String(), "\n2 datagrams, 2 records from 1 exporters") })
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := <-code; got != 0 {
		t.Fatalf("exit %d\n%s", got, stderr)
	}
	var rec struct {
		Start, End, Src, Dst, Class string
		Sport, Dport, Proto         int
		Pkts, Bytes                 [2]int
		Community                   string `json:"community_id"`
	}
	if err := json.Unmarshal([]byte(strings.SplitN(stdout.String(), "\n", 2)[0]), &rec); err != nil {
		t.Fatal(err)
	}
	if rec.Start != "2023-11-14T22:13:10.000000Z" || rec.End != "2023-11-14T22:13:19.500000Z" || rec.Src != "192.0.2.1" || rec.Dst != "8.8.8.8" ||
		rec.Sport != 50000 || rec.Dport != 443 || rec.Proto != 6 || rec.Pkts != [2]int{7, 0} || rec.Bytes != [2]int{900, 0} ||
		rec.Class != "unknown" || !strings.HasPrefix(rec.Community, "1:") {
		t.Errorf("%+v\n%s", rec, stdout)
	}
	if talk := stderr.String(); !strings.Contains(talk, "Ended: 2 datagrams, 2 records from 1 exporters; lost on the way 7,") || !strings.Contains(talk, "127.0.0.1  netflow5") {
		t.Errorf("%s", talk)
	}
	raw, err := os.ReadFile(stats)
	if err != nil {
		t.Fatal(err)
	}
	var s listen.Summary
	if err := json.Unmarshal(raw, &s); err != nil || s.Records != 2 || len(s.Exporters) != 1 || s.Exporters[0].Lost != 7 {
		t.Errorf("%v %s", err, raw)
	}
	if r, err := readStats(stats); err != nil || r.Records != 2 || r.Lost != 7 || r.Bytes != s.Octets || r.From.IsZero() || r.Until.Before(r.From) {
		t.Errorf("what the hub is told: %+v %v", r, err)
	}
}

// TestListenRefuses: nothing is read live without a basis, and a call that
// cannot be meant is said to be one.
func TestListenRefuses(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		say  string
	}{
		{"--netflow 127.0.0.1:0", 3, "a stated basis"},
		{"--netflow 127.0.0.1:0 --basis acquisition", 3, "selection run"},
		{"--netflow 127.0.0.1:0 --basis curiosity", 2, "curiosity is not a basis"},
		{"--basis test", 2, "No address"},
		{"--basis test --netflow 2055", 2, "2055 is not an address with a port"},
		{"--basis test --netflow 127.0.0.1:0 --from here", 2, "here is neither"},
		{"--basis test --netflow 127.0.0.1:0 --workers 0", 2, "0 sockets"},
		{"--basis test --interface lo --netflow 127.0.0.1:0", 2, "not both"},
		{"--interface lo", 3, "a stated basis"},
		{"--basis test --sflow 203.0.113.1:6343", 1, "could not be listened on"},
	} {
		_, stderr, code := startListen(t, strings.Fields(c.args)...)
		if got := <-code; got != c.code || !strings.Contains(stderr.String(), c.say) {
			t.Errorf("%s: exit %d, want %d\n%s", c.args, got, c.code, stderr)
		}
	}
}

func TestListenEndsByItself(t *testing.T) {
	stdout, stderr, code := startListen(t, "--sflow", "127.0.0.1:0", "--basis", "test", "--for", "50ms")
	if got := <-code; got != 0 || stdout.String() != "" || !strings.Contains(stderr.String(), "Ended: 0 datagrams") {
		t.Fatalf("exit %d %q\n%s", got, stdout, stderr)
	}
}

// upTo does something at the nth write: it counts what a command did, however
// long a busy machine takes for it.
type upTo struct {
	io.Writer
	n    int
	then func()
}

func (u *upTo) Write(p []byte) (int, error) {
	if u.n--; u.n == 0 {
		u.then()
	}
	return u.Writer.Write(p)
}

// TestListenInterface reads what it sends to itself over the loopback
// interface. The command gives up rights for good, so only the part behind
// that runs in the process of the tests.
func TestListenInterface(t *testing.T) {
	r, err := ring.Open("lo", ring.Options{Wait: 20 * time.Millisecond})
	if errors.Is(err, ring.ErrPermission) || errors.Is(err, ring.ErrInterface) || errors.Is(err, ring.ErrSystem) {
		testkit.Skip(t, err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	in, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c, err := net.Dial("udp4", in.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 3 {
		if _, err := c.Write([]byte("canary-in-a-payload")); err != nil {
			t.Fatal(err)
		}
	}
	words, err := text.Load(cli.Words, fetch.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	env := cli.New(words)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	env.Out, env.Err = &stdout, &upTo{&stderr, 6, cancel}
	stats := filepath.Join(t.TempDir(), "stats.json")
	l := listening{iface: "lo", stats: stats, workers: 1, every: 50 * time.Millisecond}
	if err := l.follow(ctx, env, r); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(in.LocalAddr().String())
	found := false
	for line := range strings.Lines(stdout.String()) {
		var rec struct {
			Src, Dst      string
			Dport, Proto  int
			Pkts, Payload [2]int
		}
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if strconv.Itoa(rec.Dport) == port {
			found = rec.Src == "127.0.0.1" && rec.Dst == "127.0.0.1" && rec.Proto == 17 && rec.Pkts == [2]int{3, 0} && rec.Payload == [2]int{57, 0}
			if !found {
				t.Errorf("%s", line)
			}
		}
	}
	if !found || strings.Contains(stdout.String()+stderr.String(), "canary") {
		t.Errorf("found %v\n%s%s", found, &stdout, &stderr)
	}
	raw, err := os.ReadFile(stats)
	if err != nil {
		t.Fatal(err)
	}
	var w Watched
	if err := json.Unmarshal(raw, &w); err != nil || w.Packets < 3 || w.Records < 1 || w.Interface != "lo" || w.Reading == nil || w.Reading.Packets != w.Packets || w.Reading.Bytes == 0 {
		t.Errorf("%v %s", err, raw)
	}
}

// BenchmarkListenLines makes lines of rows: class, Community ID, JSON.
func BenchmarkListenLines(b *testing.B) {
	sides, err := (&geoFlags{}).open()
	if err != nil {
		b.Fatal(err)
	}
	w := &lineWriter{to: io.Discard, sides: sides, bufs: make([][]byte, 1)}
	batch := export.NewBatch(0, nil)
	row, n := batch.Extend(export.DefaultRows)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := row; i < row+n; i++ {
		batch.Src[i], batch.Dst[i] = [16]byte{10: 0xff, 11: 0xff}, [16]byte{10: 0xff, 11: 0xff}
		binary.BigEndian.PutUint32(batch.Src[i][12:], rnd.Uint32())
		binary.BigEndian.PutUint32(batch.Dst[i][12:], rnd.Uint32())
		batch.Proto[i], batch.SrcPort[i], batch.DstPort[i] = 6, uint16(rnd.Uint32()), 443
		batch.Packets[i], batch.Bytes[i], batch.Start[i], batch.End[i] = 10, 12345, 1_700_000_000e9, 1_700_000_001e9
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.take(0, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds()/1e6, "Mrec/s")
}
