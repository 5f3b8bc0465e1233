package nfdump

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/export"
	"noroshi/internal/engine/flow/packet"
)

// members returns the files of an archive of ../shared/data whose names pass.
func members(t testing.TB, archive string, wanted func(string) bool) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader("../../../../../shared/data/" + archive)
	if err != nil {
		skip(t, "no shared data: "+err.Error())
	}
	defer z.Close()
	all := map[string][]byte{}
	for _, f := range z.File {
		if !wanted(f.Name) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[f.Name] = raw
	}
	return all
}

// flowFile returns the one flow file that a collector left in a folder.
func flowFile(t testing.TB, dir string) string {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, "nfcapd.*"))
	if len(names) != 1 {
		t.Fatalf("the collector left %v", names)
	}
	return names[0]
}

// TestPackets compares files that nfpcapd writes from captures (IPv6, ICMP,
// VLANs) with what nfdump says of them.
func TestPackets(t *testing.T) {
	program := tool(t)
	collector, err := exec.LookPath("nfpcapd")
	if err != nil {
		skip(t, "nfpcapd is not installed")
	}
	words := []string{"icmp", "ipv6", "vlan", "sctp", "dns"}
	files := members(t, "pcap/zeek-traces.zip", func(n string) bool {
		return strings.HasSuffix(n, ".pcap") && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(n, w) }) &&
			!strings.Contains(n, "tunnel") && !strings.Contains(n, "gre") && !strings.Contains(n, "mpls") // nfdump says two lines of a tunnel
	})
	done := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		raw := files[name]
		if done++; done > 25 {
			break
		}
		dir := t.TempDir()
		file := filepath.Join(dir, "in.pcap")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "out")
		_ = os.Mkdir(out, 0o700)
		if exec.Command(collector, "-r", file, "-w", out).Run() != nil {
			continue // a link nfpcapd cannot read
		}
		flows, _ := filepath.Glob(filepath.Join(out, "nfcapd.2*"))
		for _, f := range flows {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got, s := read(t, raw)
			want := told(t, program, f)
			if s.Malformed != 0 {
				t.Errorf("%s: %+v", name, s)
			}
			if s.Skipped == 0 { // nfdump also has flows without addresses
				same(t, name, want, got)
			} else if len(got)+int(s.Skipped) != len(want) {
				t.Errorf("%s: nfdump has %d records, we %d and %d skipped", name, len(want), len(got), s.Skipped)
			}
		}
	}
	t.Logf("%d captures", min(done, 25))
}

// datagrams returns the payloads of a capture that its UDP packets carry.
func datagrams(t testing.TB, name string, raw []byte) (all [][]byte) {
	t.Helper()
	if strings.HasSuffix(name, ".dat") {
		if strings.HasSuffix(name, "netflow-v9-1.dat") { // two datagrams, one behind the other
			return [][]byte{raw[:224], raw[224:]}
		}
		return [][]byte{raw}
	}
	r, err := capture.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]capture.Packet, 16)
	var h packet.Headers
	for {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			packet.Decode(&batch[i], &h)
			if h.Layers.Has(packet.UDP) && !h.Layers.Has(packet.ICMP) {
				all = append(all, bytes.Clone(batch[i].Data[h.Payload:h.Payload+h.PayloadLen]))
			}
		}
		if err != nil {
			return all
		}
	}
}

// TestExports sends captured export datagrams to nfcapd and compares what it
// stores, as nfdump and as our reader see it, with our own decoding of the
// datagrams. nfcapd drops records that come before their template, so it may
// have fewer.
func TestExports(t *testing.T) {
	program := tool(t)
	files := members(t, "pcap/netflow-graylog.zip", func(n string) bool {
		return strings.HasPrefix(n, "netflow-data/net") || strings.Contains(n, "nprobe") || strings.Contains(n, "pmacct")
	})
	dir := t.TempDir()
	port, stop := startCollector(t, dir)
	var ours [][2]string // without and with the sampling rate multiplied in
	d := export.NewDecoder(export.Limits{})
	b := export.NewBatch(0, func(b *export.Batch) {
		for i := range b.Len() {
			ours = append(ours, [2]string{stored(b, i, 1), stored(b, i, uint64(max(b.Sampling[i], 1)))})
		}
	})
	names := []string{}
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	host := byte(1)
	for _, name := range names {
		if !strings.Contains(name, "netflow-v9-2-2") && !strings.Contains(name, "netflow-v9-2-3") { // of the exporter of -2-1
			host++
		}
		from := net.UDPAddr{IP: net.IPv4(127, 0, 1, host)}
		c, err := net.DialUDP("udp4", &from, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range datagrams(t, name, files[name]) {
			if len(m) < 4 || m[0] != 0 {
				continue
			}
			_ = d.Decode(netip.AddrFrom4([4]byte{127, 0, 1, host}), 0, m, b)
			if _, err := c.Write(m); err != nil {
				t.Fatal(err)
			}
			for unread(t, port) > 64<<10 { // nfcapd keeps its pace, however busy the machine is
				time.Sleep(2 * time.Millisecond)
			}
		}
		c.Close()
	}
	b.Flush()
	stop()
	file := flowFile(t, dir)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kept, s := read(t, raw)
	want := told(t, program, file)
	same(t, "what nfcapd stored", want, kept)
	t.Logf("nfcapd stored %d records, we decoded %d; %+v", len(want), len(ours), s)
	for i := range want {
		want[i] = comparable(want[i])
	}
	left := slices.Clone(ours)
	missing := 0
	for _, w := range want {
		if i := slices.IndexFunc(left, func(o [2]string) bool { return o[0] == w || o[1] == w || untimed(w, o[0]) }); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else if missing++; missing <= 10 {
			t.Errorf("nfdump has %s", w)
		}
	}
	for _, l := range left {
		t.Logf("only ours: %s", l[0])
	}
	t.Logf("%d only nfdump's, %d only ours", missing, len(left))
	if len(want) < 1300 || len(left) > 14 {
		t.Errorf("nfcapd stored %d records and %d are only ours", len(want), len(left))
	}
}

// stored is a row as nfcapd 1.7.1 would store it: counters times a sampling
// rate (it knows the rate of some exporters only), 1970 where no time is told.
func stored(b *export.Batch, i int, rate uint64) string {
	one := export.NewBatch(1, nil)
	row, _ := one.Extend(1)
	one.Src[row], one.Dst[row], one.SrcPort[row], one.DstPort[row] = b.Src[i], b.Dst[i], b.SrcPort[i], b.DstPort[i]
	one.Proto[row], one.Flags[row], one.Tos[row] = b.Proto[i], b.Flags[i], b.Tos[i]
	one.Packets[row], one.Bytes[row] = b.Packets[i]*rate, b.Bytes[i]*rate
	one.RevPackets[row], one.RevBytes[row] = b.RevPackets[i], b.RevBytes[i]
	one.In[row], one.Out[row], one.SrcAS[row], one.DstAS[row] = b.In[i], b.Out[i], b.SrcAS[i], b.DstAS[i]
	if b.Given[i]&export.ColStart != 0 {
		one.Start[row], one.End[row] = b.Start[i], b.End[i]
	}
	return comparable(line(one, row))
}

// untimed reports whether two lines are the same but for times, of which
// nfcapd takes an uptime of 0 for none.
func untimed(want, got string) bool {
	const none = "1970-01-01 00:00:00.000|1970-01-01 00:00:00.000|"
	return strings.HasPrefix(want, none) && len(want) == len(got) && want[len(none):] == got[len(none):]
}

// comparable leaves out of a line what nfcapd 1.7.1 does not store: the
// prefix lengths of v5, and ICMP types that stand in the port of v9.
func comparable(line string) string {
	f := strings.Split(line, "|")
	f[16], f[17] = "0", "0"
	if f[6] == "1" || f[6] == "58" {
		f[5] = ""
	}
	return strings.Join(f, "|")
}

// unread returns how many bytes wait at a UDP port of the loopback interface, by
// the kernel's count.
func unread(t *testing.T, port int) (n int64) {
	t.Helper()
	raw, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[1] != fmt.Sprintf("0100007F:%04X", port) {
			continue
		}
		_, waiting, _ := strings.Cut(f[4], ":")
		k, err := strconv.ParseInt(waiting, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	return n
}

// startCollector runs nfcapd on a free port of the loopback interface.
func startCollector(t *testing.T, dir string) (port int, stop func()) {
	t.Helper()
	p, err := exec.LookPath("nfcapd")
	if err != nil {
		skip(t, "nfcapd is not installed")
	}
	l, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port = l.LocalAddr().(*net.UDPAddr).Port
	l.Close()
	collector := exec.Command(p, "-w", dir, "-p", strconv.Itoa(port), "-b", "127.0.0.1", "-t", "3600", "-B", "4000000")
	if err := collector.Start(); err != nil {
		t.Fatal(err)
	}
	for range 3000 { // until it has the port
		time.Sleep(20 * time.Millisecond)
		l, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err != nil {
			return port, func() {
				for unread(t, port) > 0 {
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(200 * time.Millisecond) // for the last that it took
				_ = collector.Process.Signal(syscall.SIGTERM)
				_ = collector.Wait()
			}
		}
		l.Close()
	}
	_ = collector.Process.Kill()
	t.Fatal("nfcapd does not listen")
	return 0, nil
}
