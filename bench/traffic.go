//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// mixPackets is how many packets the capture has that the measures share:
// about 1 GB, read from the page cache.
const mixPackets = 2_000_000

// traffics measure the way from packets, exports and logs to records and
// findings. All that read packets read the same made-up capture (see mix), and
// what a program takes to begin is left out: it is also run with one packet.
// What bounds each on any machine:
//
//   - decode: read() of the file, which the first row measures.
//   - read, detect: the loads of a communication's state, which miss the
//     processor's caches.
//   - export: the copying of records into columns.
//   - zeek: the splitting of lines, on one core, and the tables of the
//     detectors on another.
//   - geo: two loads for an address.
//
// With -full, logs of Zeek have 100 million connections instead of 5, and the
// capture that is read by one core and by two is five minutes long instead of one:
// what is open at the end of a capture ends there, all at once.
func traffics(s setting, c *captured) [][]measured {
	long := mixPackets
	if s.full {
		long *= 5
	}
	const decode, read = "bench/run -only '^traffic-decode'", "bench/run -only '^traffic-read'"
	return [][]measured{
		{
			c.engine("traffic-decode", decode, "BenchmarkTrafficDecode", "1", "5x",
				row{What: "read() of a capture of 2 M packets (1 GB) in the page cache, 1 MiB at once: the physical limit", Figure: "plain1M packets/cpu-s", Unit: "/s"},
				row{What: "the same, 256 KiB at once, as we read", Figure: "plain256K packets/cpu-s", Unit: "/s"},
				row{What: "the same file as batches of packets, and overwritten", Figure: "batches packets/cpu-s", Unit: "/s"},
				row{What: "the same, and decoded", Figure: "decode packets/cpu-s", Unit: "/s"},
				row{What: "the same, two geo lookups and the class of four: the fast path, packets per second of processor time", Figure: "class packets/cpu-s", Unit: "/s", Target: "≥ 9,000,000/s"},
				row{What: "the same, packets per second", Figure: "class packets/s", Unit: "/s"}),
			c.program("traffic-decode-count", decode, "`noroshi flow count`", mixPackets, "noroshi", func(file, _ string) []string { return []string{"flow", "count", file} }),
			{
				name: "traffic-decode-gopacket", command: decode,
				take: func(ctx context.Context) (figures, error) {
					return benches(ctx, s, "./internal/engine/flow/packet", "BenchmarkDecode", "BenchmarkPeerLayers", "BenchmarkPeerPacket")
				},
				rows: []row{
					{What: "packets of another mix in memory: our decoder", Figure: "BenchmarkDecode packets/cpu-s", Unit: "/s"},
					{What: "peer: the same, gopacket with a DecodingLayerParser", Figure: "BenchmarkPeerLayers packets/cpu-s", Unit: "/s"},
					{What: "peer: the same, gopacket NewPacket (Lazy, NoCopy)", Figure: "BenchmarkPeerPacket packets/cpu-s", Unit: "/s"},
				},
			},
			c.program("traffic-decode-capinfos", decode, "peer: capinfos -c", mixPackets, "capinfos", func(file, _ string) []string { return []string{"-c", file} }),
			c.program("traffic-decode-tcpdump", decode, "peer: tcpdump -r … -w /dev/null", mixPackets, "tcpdump", func(file, _ string) []string { return []string{"-Z", "root", "-n", "-r", file, "-w", os.DevNull} }),
			once(c.program("traffic-decode-tshark", decode, "peer: tshark -T fields (addresses, ports), the first 300,000 packets", 300_000, "tshark", func(file, _ string) []string {
				return []string{"-n", "-r", file, "-c", "300000", "-T", "fields", "-e", "ip.src", "-e", "ip.dst", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e", "udp.srcport", "-e", "udp.dstport"}
			})),
			c.program("traffic-decode-nfpcapd", decode, "peer: nfpcapd -r (flow table, no metadata)", mixPackets, "nfpcapd", func(file, dir string) []string { return []string{"-r", file, "-w", dir} }),
			once(c.program("traffic-decode-suricata", decode, "peer: suricata --runmode single, no rules (flow table, metadata)", mixPackets, "suricata", func(file, dir string) []string {
				return []string{"-r", file, "--runmode", "single", "-S", os.DevNull, "-l", dir}
			})),
		},
		{
			c.engine("traffic-read", read, "BenchmarkTrafficRead", "1", "3x",
				row{What: "the same file, flow table and metadata, one core: packets per second of processor time", Figure: "table packets/cpu-s", Unit: "/s"},
				row{What: "the same with Community IDs", Figure: "named packets/cpu-s", Unit: "/s"},
				row{What: "flow table, metadata, Community IDs and every detector, from nothing to the findings, one core", Figure: "detect packets/cpu-s", Unit: "/s", Target: "≥ 2,000,000/s"},
				row{What: "the same, records", Figure: "detect records/op", Unit: ""}),
			c.engine("traffic-read-steady", read, "BenchmarkTrafficSteady", "1", "3x",
				row{What: "flow table, metadata, Community IDs and every detector, one core, once nothing grows any more", Figure: "packets/cpu-s", Unit: "/s", Target: "≥ 2,000,000/s"}),
			c.cores("traffic-read-jsonl", read, "`noroshi flow read --format jsonl`", mixPackets, "flow", "read", "--format", "jsonl"),
			c.cores("traffic-read-detect", read, "`noroshi flow detect`", long, "flow", "detect", "--format", "jsonl"),
		},
		{{
			name: "traffic-export", command: "bench/run -only '^traffic-export$'",
			take: func(ctx context.Context) (figures, error) { return exports(ctx, s) },
			rows: exportRows(),
		}},
		{zeekMeasure(s)},
		{{
			name: "traffic-geo", command: "bench/run -only '^traffic-geo$'",
			take: func(ctx context.Context) (figures, error) {
				return benches(ctx, s, "./internal/engine/geo", "BenchmarkSide4", "BenchmarkSide6", "BenchmarkClasses", "BenchmarkLookup", "BenchmarkPeerMMDB")
			},
			rows: []row{
				{What: "side of an IPv4 address, table of Japan", Figure: "BenchmarkSide4 embedded Mlookup/s", Unit: "M/s"},
				{What: "side of an IPv4 address, table of the world", Figure: "BenchmarkSide4 world Mlookup/s", Unit: "M/s"},
				{What: "side of an IPv6 address, table of Japan", Figure: "BenchmarkSide6 embedded Mlookup/s", Unit: "M/s"},
				{What: "side of an IPv6 address, table of the world", Figure: "BenchmarkSide6 world Mlookup/s", Unit: "M/s"},
				{What: "class of four for a packet, IPv4, table of Japan", Figure: "BenchmarkClasses embedded/v4 Mpacket/s", Unit: "M/s"},
				{What: "class of four for a packet, IPv6, table of Japan", Figure: "BenchmarkClasses embedded/v6 Mpacket/s", Unit: "M/s"},
				{What: "country and network of an IPv4 address, table of the world", Figure: "BenchmarkLookup world Mlookup/s", Unit: "M/s"},
				{What: "peer: maxminddb, country of an IPv4 address compared with home", Figure: "BenchmarkPeerMMDB Mlookup/s", Unit: "M/s"},
			},
		}},
	}
}

func once(m measured) measured { m.once = true; return m }

// exportLanes are the lanes of bench/peers/flow.
var exportLanes = [...]string{"NetFlow v5", "NetFlow v9", "IPFIX", "IPFIX, IPv6", "IPFIX with a name"}

func exportRows() (rows []row) {
	for i, lane := range exportLanes {
		r := row{What: lane + " into columns: records per second of processor time", Figure: lane + " ours", Unit: "/s"}
		if i == 1 || i == 2 {
			r.Target = "≥ 40,000,000/s"
		}
		rows = append(rows, r, row{What: "peer: the same, goflow2 2.2.6, decoding alone", Figure: lane + " decode", Unit: "/s"},
			row{What: "peer: the same, goflow2 with its messages", Figure: lane + " produce", Unit: "/s"})
	}
	return rows
}

// exports runs the peer's module, in which both decode the same datagrams in
// turn.
func exports(ctx context.Context, s setting) (f figures, err error) {
	dir, err := os.MkdirTemp(s.dir, "bench-peer-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	exe := filepath.Join(dir, "flow")
	fetch, cancel := context.WithTimeout(ctx, 5*time.Minute) // the first build fetches modules
	defer cancel()
	if _, err := start(fetch, nil, "bench/peers/flow", "go", "build", "-o", exe, "."); err != nil {
		return nil, err
	}
	o, err := start(ctx, nil, "", exe, "-json", "-seconds", fmt.Sprint(s.length.Seconds()/5))
	if err != nil {
		return nil, err
	}
	var all []struct {
		Lane    string  `json:"lane"`
		Ours    float64 `json:"ours"`
		Decode  float64 `json:"goflow2_decode"`
		Produce float64 `json:"goflow2_decode_and_produce"`
	}
	if err := json.Unmarshal(o.out, &all); err != nil {
		return nil, err
	}
	f = figures{}
	for _, l := range all {
		f[l.Lane+" ours"], f[l.Lane+" decode"], f[l.Lane+" produce"] = l.Ours, l.Decode, l.Produce
	}
	return f, nil
}
