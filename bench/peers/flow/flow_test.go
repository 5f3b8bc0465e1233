package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	protoproducer "github.com/netsampler/goflow2/v2/producer/proto"

	"noroshi/internal/engine/flow/export"
)

// line is a record in the terms both decoders have, as text.
func line(src, dst netip.Addr, sport, dport uint32, proto, tos, flags uint32, packets, octets uint64, start, end int64, in, out, srcAS, dstAS, srcMask, dstMask uint32) string {
	return fmt.Sprintf("%s %s %d %d proto %d tos %d flags %02x packets %d bytes %d from %d to %d in %d out %d as %d %d net %d %d",
		src, dst, sport, dport, proto, tos, flags&0xff, packets, octets, start, end, in, out, srcAS, dstAS, srcMask, dstMask)
}

func address(b []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(b)
	if a == netip.IPv6Unspecified() {
		return netip.Addr{}
	}
	return a
}

func theirs(m *protoproducer.ProtoProducerMessage) string {
	return line(address(m.SrcAddr), address(m.DstAddr), m.SrcPort, m.DstPort, m.Proto, m.IpTos, m.TcpFlags, m.Packets, m.Bytes,
		int64(m.TimeFlowStartNs), int64(m.TimeFlowEndNs), m.InIf, m.OutIf, m.SrcAs, m.DstAs, m.SrcNet, m.DstNet)
}

func ours(b *export.Batch, i int) string {
	return line(export.IP(b.Src[i]), export.IP(b.Dst[i]), uint32(b.SrcPort[i]), uint32(b.DstPort[i]), uint32(b.Proto[i]), uint32(b.Tos[i]), uint32(b.Flags[i]),
		b.Packets[i], b.Bytes[i], b.Start[i], b.End[i], b.In[i], b.Out[i], b.SrcAS[i], b.DstAS[i], uint32(b.SrcMask[i]), uint32(b.DstMask[i]))
}

var (
	times   = regexp.MustCompile(` from \d+ to \d+`)
	service = regexp.MustCompile(` tos \d+`)
	sctp    = regexp.MustCompile(` \d+ \d+ proto`)
)

// reconcile takes out what is known to differ, file by file.
func reconcile(name string, want, got []string) (theirs, ours []string) {
	for i := range want { // sFlow's word for "no interface", which is 0 with us
		want[i] = strings.ReplaceAll(strings.ReplaceAll(want[i], " in 1073741823", " in 0"), " out 1073741823", " out 0")
	}
	switch name {
	case "netflow-v5-1.dat":
		// 24 datagrams behind one another, of which goflow2 reads the first.
		return want, got[:min(len(want), len(got))]
	case "netflow-v9-1.dat", "netflow9.pcap":
		// Datagrams with more sets than the header counts records: goflow2 stops
		// at the count. nfcapd reads them as we do.
		more := map[string]int{"netflow-v9-1.dat": 2, "netflow9.pcap": 5}[name]
		had := len(got)
		got = slices.DeleteFunc(got, func(g string) bool { return !slices.Contains(want, g) })
		if had-len(got) != more {
			got = append(got, fmt.Sprintf("%d records that goflow2 lacks", had-len(got)))
		}
		return want, got
	case "sflow.pcap":
		// Of a sampled header we tell no class of service; ports of SCTP are not
		// read by goflow2.
		for _, all := range [][]string{want, got} {
			for i := range all {
				all[i] = service.ReplaceAllString(all[i], "")
				if strings.Contains(all[i], " proto 132 ") {
					all[i] = sctp.ReplaceAllString(all[i], " 0 0 proto")
				}
			}
		}
		return innermost(want, got)
	case "pmacctd-netflow9.pcap", "v9.pcap":
		// Times in ms (IE 152, 153) in v9, which goflow2 reads in IPFIX only.
		for _, all := range [][]string{want, got} {
			for i := range all {
				all[i] = times.ReplaceAllString(all[i], "")
			}
		}
	}
	return want, got
}

// innermost takes out sampled packets in tunnels, of which goflow2 tells the
// outer addresses and we the inner ones, and on links that it does not decode,
// while four of five are the same.
func innermost(want, got []string) (theirs, ours []string) {
	count := map[string]int{}
	for _, w := range want {
		count[w]++
	}
	for _, g := range got {
		if count[g] > 0 {
			count[g]--
			ours = append(ours, g)
		}
	}
	if len(ours)*5 < len(want)*4 {
		return want, got
	}
	return slices.Clone(ours), ours
}

// TestSameRecords compares every record of the captured exports with what
// goflow2 reads. goflow2 reads each file twice and only its second reading is
// taken, because it drops what comes before its template.
func TestSameRecords(t *testing.T) {
	if _, err := os.Stat(data()); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal("no shared data")
		}
		t.Skip("no shared data")
	}
	total := 0
	err := eachFile(data(), func(name string, raw []byte) error {
		all, err := replay(name, raw)
		if err != nil {
			return err
		}
		var want, got []string
		p, err := newPeer(true)
		if err != nil {
			return err
		}
		for round := range 2 {
			for i := range all {
				err := p.decode(&all[i], func(m *protoproducer.ProtoProducerMessage) {
					if round == 1 {
						want = append(want, theirs(m))
					}
				})
				if err != nil && round == 1 && testing.Verbose() {
					t.Logf("%s datagram %d: goflow2: %v", name, i, err)
				}
			}
		}
		d := export.NewDecoder(export.Limits{})
		b := export.NewBatch(0, func(b *export.Batch) {
			for i := range b.Len() {
				got = append(got, ours(b, i))
			}
		})
		for i := range all {
			if err := d.Decode(all[i].from.Addr(), all[i].at, all[i].payload, b); err != nil {
				t.Logf("%s datagram %d: %v", name, i, err)
			}
		}
		b.Flush()
		decoded := len(got)
		want, got = reconcile(path.Base(name), want, got)
		slices.Sort(want)
		slices.Sort(got)
		total += len(got)
		t.Logf("%s: %d datagrams, %d records of ours, %d compared", name, len(all), decoded, len(got))
		for _, e := range d.Exporters() {
			t.Logf("   %v %v %d: %+v", e.Addr, e.Kind, e.Domain, e.Counts)
		}
		if !slices.Equal(want, got) {
			var buf bytes.Buffer
			for i := range max(len(want), len(got)) {
				if i < len(want) && !slices.Contains(got, want[i]) {
					fmt.Fprintln(&buf, "goflow2", want[i])
				}
				if i < len(got) && !slices.Contains(want, got[i]) {
					fmt.Fprintln(&buf, "ours   ", got[i])
				}
				if buf.Len() > 3000 {
					break
				}
			}
			t.Errorf("%s differs:\n%s", name, buf.String())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records", total)
}
