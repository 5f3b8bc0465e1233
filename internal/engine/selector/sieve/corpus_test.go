package sieve

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// shared opens a file of the shared test data, and skips the test without it
// unless NOROSHI_TEST_ALL=1 requires it.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("../../../../../shared/data", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the shared test data is not here: %v", err)
	}
	return path
}

// captures calls fn with all shared captures.
func captures(t testing.TB, fn func(name string, packets []capture.Packet)) (n int) {
	t.Helper()
	f, err := os.Open(shared(t, "pcap/pcap-index.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	zips := map[string]*zip.ReadCloser{}
	for _, r := range rows[1:] {
		file, inner, zipped := strings.Cut(r[0], "!")
		path := shared(t, file)
		var b []byte
		if !zipped {
			b, err = os.ReadFile(path)
		} else {
			if zips[path] == nil {
				if zips[path], err = zip.OpenReader(path); err != nil {
					t.Fatal(err)
				}
				defer zips[path].Close()
			}
			var in io.ReadCloser
			if in, err = zips[path].Open(inner); err == nil {
				b, err = io.ReadAll(in)
				in.Close()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		fn(r[0], readAll(t, b))
		n++
	}
	return n
}

// readAll copies the packets of a capture.
func readAll(t testing.TB, b []byte) (all []capture.Packet) {
	t.Helper()
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]capture.Packet, 512)
	for {
		n, err := r.Next(batch)
		for _, p := range batch[:n] {
			p.Data = bytes.Clone(p.Data)
			all = append(all, p)
		}
		if err != nil {
			return all
		}
	}
}

// checker has every address in pieces of the world that do not depend on what
// is private: an eighth is unknown, the rest domestic or foreign.
func checker(a *[16]byte) geo.Side {
	sum := uint32(0)
	for _, c := range a {
		sum = sum*31 + uint32(c)
	}
	return [8]geo.Side{geo.SideUnknown, 1, 1, 1, 2, 2, 2, 2}[sum*2654435769>>29]
}

func foreign(*[16]byte) geo.Side { return geo.Foreign }

// lists makes lists out of what a capture itself has.
func lists(t testing.TB, packets []capture.Packet) map[string]*selector.Set {
	t.Helper()
	seen := map[selector.Selector]bool{}
	add := func(k selector.Kind, v string) {
		if v != "" && len(seen) < 400 {
			seen[sel(k, v)] = true
		}
	}
	var h packet.Headers
	for i := range packets {
		packet.Decode(&packets[i], &h)
		if src := netip.AddrFrom16(h.Src).Unmap(); i%3 == 0 && h.Layers.Has(anyIP) {
			if src.Is4() {
				add(selector.Address, src.String())
			} else if n, err := src.Prefix(48); err == nil && i%2 == 0 && !src.Is4In6() && !src.IsUnspecified() {
				add(selector.Prefix, n.String())
			}
		}
		if h.Proto == packet.ProtoTCP && h.DstPort != 0 && i%5 == 0 {
			add(selector.Port, fmt.Sprintf("tcp/%d", h.DstPort))
		}
		if b := packets[i].Data; i%7 == 0 && h.PayloadLen > 40 {
			add(selector.Pattern, hex.EncodeToString(b[h.Payload+20:][:16]))
		}
	}
	tr := flow.New(flow.Options{Full: true}, func(r *record.Record) error {
		for k, v := range namesIn(r) {
			add(v, k)
		}
		if r.TLS != nil && r.TLS.JA3 != [16]byte{} {
			add(selector.JA3, hex.EncodeToString(r.TLS.JA3[:]))
		}
		return nil
	})
	if err := tr.Add(packets); err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	out := map[string]*selector.Set{"none": nil}
	for name, kinds := range map[string][]selector.Kind{
		"headers": {selector.Address, selector.Prefix, selector.Port}, "names": {selector.Domain, selector.Suffix, selector.JA3},
		"all": selector.Kinds(), "patterns": {selector.Pattern},
	} {
		b := selector.NewBuilder(selector.Options{Warnings: new(selector.Warnings)})
		for s := range seen {
			for _, k := range kinds {
				if s.Kind == k {
					_, _ = b.Add(s) // what the capture has and no list may have stays out
				}
			}
		}
		if b.Len() == 0 {
			continue
		}
		set, err := b.Compile()
		if err != nil {
			t.Fatal(err)
		}
		out[name] = set
	}
	return out
}

// namesIn are the names that a record tells, with the kind of selector for each.
func namesIn(r *record.Record) map[string]selector.Kind {
	out := map[string]selector.Kind{}
	put := func(n record.Name) {
		if s := strings.TrimSuffix(n.Fold(), "."); strings.Contains(s, ".") {
			out[s] = selector.Domain
		}
	}
	for i := range r.DNS {
		put(r.DNS[i].Name)
	}
	for i := range r.HTTP {
		put(r.HTTP[i].Host)
	}
	if r.TLS != nil {
		put(r.TLS.SNI)
	}
	if r.QUIC != nil {
		put(r.QUIC.SNI)
	}
	return out
}

// Of every capture, in every direction and with several lists, what was seen is
// what was dropped and what was selected; no record is in a direction that was
// not granted, nor has two ways; and how the packets are cut does not matter.
func TestEveryCapture(t *testing.T) {
	var total, selected uint64
	n := captures(t, func(name string, packets []capture.Packet) {
		for which, set := range lists(t, packets) {
			orders := [][]geo.Class{every, {geo.FF}, {geo.FD}, {geo.DF}}
			if testing.Short() {
				orders = orders[:1]
			}
			for _, granted := range orders {
				o := options(set)
				o.Directions, o.Side, o.From, o.Until, o.Flows = granted, checker, -1<<62, 1<<62, 64
				out, y, _ := sift(t, o, packets, 100)
				if y.Seen.Packets != uint64(len(packets)) {
					t.Fatalf("%s: %d of %d packets seen", name, y.Seen.Packets, len(packets))
				}
				if set == nil && y.Selected.Packets != 0 {
					t.Errorf("%s: no list selects %+v", name, y)
				}
				for i := range out {
					src, dst := out[i].Src.As16(), out[i].Dst.As16()
					c := geo.Combine(checker(&src), checker(&dst))
					if c != out[i].Direction || c == geo.DD || c == geo.Unknown || len(granted) == 1 && c != granted[0] {
						t.Errorf("%s, %s: %v granted, %v selected", name, which, granted, out[i].Direction)
					}
				}
				again, z, _ := sift(t, o, packets, 7)
				if fmt.Sprint(y) != fmt.Sprint(z) || fmt.Sprint(plain(out)) != fmt.Sprint(plain(again)) {
					t.Errorf("%s, %s: batches matter", name, which)
				}
				total += y.Seen.Packets
				selected += y.Selected.Packets
			}
		}
	})
	if n < 900 || selected < total/100 {
		t.Errorf("%d captures, %d of %d packets selected", n, selected, total)
	}
	t.Logf("%d captures, %d of %d packets selected", n, selected, total)
}

// A name that the flow engine reads out of the first packets of a flow finds the
// flow here: two programs agree about what was said.
func TestNamesOfCaptures(t *testing.T) {
	var told, found int
	missing := map[record.App]int{}
	captures(t, func(name string, packets []capture.Packet) {
		tr := flow.New(flow.Options{Full: true}, func(r *record.Record) error {
			if r.App == record.MDNS || r.End-r.Start >= MaxWait && len(r.DNS) > 1 || len(r.DNS) > MaxPackets {
				return nil // to a group, which no direction covers, or asked after the flow's time
			}
			for n, kind := range namesIn(r) {
				b := selector.NewBuilder(selector.Options{Warnings: new(selector.Warnings)})
				if _, err := b.Add(sel(kind, n)); err != nil {
					continue
				}
				set, err := b.Compile()
				if err != nil {
					t.Fatal(err)
				}
				o := options(set)
				o.Side, o.From, o.Until = foreign, -1<<62, 1<<62
				_, y, _ := sift(t, o, packets, 512)
				if told++; y.Records > 0 {
					found++
				} else {
					missing[r.App]++
					if testing.Verbose() {
						t.Logf("%s: %v %s", name, r.App, n)
					}
				}
			}
			return nil
		})
		if len(packets) > 3000 {
			packets = packets[:3000]
		}
		_ = tr.Add(packets)
		_ = tr.Close()
	})
	t.Logf("%d of %d names found; not: %v", found, told, missing)
	if found*100 < told*97 {
		t.Errorf("only %d of %d names found; not: %v", found, told, missing)
	}
}

// Replayed at the pace at which they were captured, with a Tick every 50 ms, no
// capture has payload held for more than a second.
func TestDestroyedOfCaptures(t *testing.T) {
	set := list(t, sel(selector.Suffix, "never.example.com"), sel(selector.Pattern, `"never there"`), sel(selector.Certificate, strings.Repeat("ab", 20)))
	var flows uint64
	var longest, p99 int64
	captures(t, func(name string, packets []capture.Packet) {
		now := int64(0)
		o := options(set)
		o.Side, o.From, o.Until = foreign, -1<<62, 1<<62
		o.Clock = func() int64 { return now }
		s := New(o, func(*Record) error { return nil })
		for i := range packets {
			at := packets[i].At
			for range 40 { // two seconds of silence are as good as more
				if now == 0 || at-now <= 50e6 {
					break
				}
				now += 50e6
				_, _ = s.Tick(now)
			}
			now = max(now, at)
			if _, err := s.Add(packets[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			now += 50e6
			_, _ = s.Tick(now)
		}
		d := s.Destroyed()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		flows, longest, p99 = flows+d.Flows, max(longest, d.Longest), max(p99, d.P99)
		if d.Longest > 1e9 {
			t.Errorf("%s: %+v", name, d)
		}
	})
	if flows < 100 {
		t.Errorf("only %d flows held anything", flows)
	}
	t.Logf("%d flows held payload, for at most %d ms (99 of 100 in the worst capture: %d ms)", flows, longest/1e6, p99/1e6)
}
