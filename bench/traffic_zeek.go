//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
)

// zeekMeasure is a day of Zeek's conn, dns and ssl logs, which flows through a
// pipe while it is made, on the same cores. Its targets are those of 100
// million connections, which -full has.
func zeekMeasure(s setting) measured {
	connections := 5_000_000
	if s.full {
		connections = 100_000_000
	}
	size := number(float64(connections))
	return measured{name: "traffic-zeek", command: "bench/run -only '^traffic-zeek$'", once: true, rows: []row{
		{What: "`noroshi flow detect`, a day of Zeek logs with " + size + " connections of 30,000 machines, two cores: connections per second", Figure: "connections/s", Unit: "/s", Target: "≥ 111,000/s (100 M ≤ 15 min)"},
		{What: "the same, lines of conn, dns and ssl per second", Figure: "lines/s", Unit: "/s"},
		{What: "the same, lines per second of its processor time", Figure: "lines/cpu s", Unit: "/s"},
		{What: "the same, the whole day", Figure: "s", Unit: "s"},
		{What: "the same, peak memory", Figure: "peak MB", Unit: "MB", Target: "≤ 2,048 MB"},
		{What: "the same, processor time", Figure: "cpu s", Unit: "s"},
		{What: "the same, of 4 planted things that were found (beacon, tunnel, scan, data leaving)", Figure: "found", Unit: "", Target: "4"},
		{What: "the same, other findings worth a look", Figure: "others", Unit: ""},
		{What: "the same, making the logs alone: lines per second of processor time", Figure: "made/cpu s", Unit: "/s"},
	}, take: func(ctx context.Context) (figures, error) {
		c := &captured{dir: s.dir}
		exe, err := c.noroshi(ctx)
		if err != nil {
			return nil, err
		}
		defer c.exe.Close()
		return detectZeek(ctx, exe, connections)
	}}
}

// detectZeek feeds a day of logs to "flow detect".
func detectZeek(ctx context.Context, exe string, connections int) (figures, error) {
	small := zeekDay{connections: 100_000}
	began := worked()
	if err := small.write(io.Discard); err != nil {
		return nil, err
	}
	f := figures{"made/cpu s": float64(small.lines) / (worked() - began) * 1e6}
	in, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	day := zeekDay{connections: connections}
	wrote := make(chan error, 1)
	go func() { wrote <- errors.Join(day.write(to), to.Close()) }()
	cmd := exec.CommandContext(ctx, exe, "flow", "detect", "--format", "jsonl", "-")
	cmd.Stdin = in
	var told bytes.Buffer
	cmd.Stdout = &told
	cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	o, err := watched(cmd)
	// The reader is gone: a writer that is not through gets an error and ends.
	if err = errors.Join(err, in.Close(), <-wrote); err != nil {
		return nil, err
	}
	f["s"], f["cpu s"], f["peak MB"] = o.took.Seconds(), o.worked.Seconds(), o.peak
	f["found"], f["others"] = zeekFound(told.Bytes())
	f["connections/s"], f["lines/s"] = float64(connections)/o.took.Seconds(), float64(day.lines)/o.took.Seconds()
	f["lines/cpu s"] = float64(day.lines) / o.worked.Seconds()
	return f, nil
}

// zeekDay makes up a day of logs, an hour of conn, of dns and of ssl after the
// other, as Zeek rotates them. What the i-th connection is follows from i
// alone, so that the three logs agree without memory.
type zeekDay struct {
	connections int
	lines       int
}

const (
	zeekMachines = 30_000
	zeekStart    = 1_793_804_400_000_000 // µs
	zeekHours    = 24
	tunnelName   = 20_000_003 // what stands before it carries something
)

// kinds of connections.
const (
	zeekDNS     = iota
	zeekPopular // TLS with what many speak with
	zeekOwn     // TLS with what this machine speaks with
	zeekRare    // TLS with what is seen once
	zeekPlain   // HTTP
	zeekInside  // SMB, Kerberos and LDAP
	zeekFailed
	zeekScan // from outside
	zeekTime // NTP
	zeekSweep
)

// zeekConn is one connection.
type zeekConn struct {
	h       uint64
	at      int64 // µs
	kind    int
	machine uint32
	dst     [4]byte
	name    int // of the server
	took    int64
	out, in uint64
}

// at makes up the i-th connection of the day.
func (d *zeekDay) at(i int) (c zeekConn) {
	h := uint64(i+1) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 32
	c.h = h
	c.at = zeekStart + int64(float64(i)*(zeekHours*3600e6)/float64(d.connections))
	if d.plant(i, &c) {
		return c.placed(0)
	}
	// Few machines make most of the connections.
	share := float64(h&0xffff) / 0x10000
	c.machine = uint32(zeekMachines * share * share)
	place := uint32(h >> 20 & 0xffffff)
	switch k := h >> 44 % 1000; {
	case k < 380:
		c.kind, c.dst = zeekDNS, [4]byte{10, 250, 0, byte(1 + c.machine%4)}
		c.name = d.destination(c.machine, place, h>>54%100)
		c.took, c.out, c.in = 800+int64(h>>50&0x7fff), 30+h>>58, 46+h>>52&0xff
		return c
	case k < 620:
		c.kind, c.name = zeekPopular, d.destination(c.machine, place, 0)
	case k < 790:
		c.kind, c.name = zeekOwn, d.destination(c.machine, place, 70)
	case k < 830:
		c.kind, c.name = zeekRare, d.destination(c.machine, place, 99)
	case k < 880:
		c.kind, c.name = zeekPlain, d.destination(c.machine, place, 0)
	case k < 940:
		c.kind, c.dst = zeekInside, [4]byte{10, 250, 1, byte(place % 60)}
	case k < 960:
		c.kind, c.name = zeekFailed, d.destination(c.machine, place, 95)
	case k < 970:
		c.kind, c.dst = zeekScan, [4]byte{198, 51, byte(100 + place&3), byte(place >> 2)}
	default:
		c.kind, c.dst = zeekTime, [4]byte{10, 250, 0, 123}
	}
	c.took = int64(h>>36&0xff) * int64(h>>48&0x3ff) * 1000
	c.out, c.in = 200+h>>51, 600+h>>40&0xffff*(h>>60)
	return c.placed(place)
}

// placed fills in the address of a server, of which some have four.
func (c zeekConn) placed(place uint32) zeekConn {
	if c.name > 0 && c.kind != zeekDNS {
		c.dst = [4]byte{byte(20 + c.name>>20&63), byte(c.name >> 12), byte(c.name >> 4), byte(c.name<<4 | int(place&3))}
	}
	return c
}

// destination is the number of a server: of 3,000 that everybody uses, of 40
// that a machine has for itself, or of any.
func (d *zeekDay) destination(machine, place uint32, share uint64) int {
	switch {
	case share < 60:
		x := float64(place) / (1 << 24)
		return 1 + int(3000*x*x)
	case share < 95:
		return 10_000 + int(machine)*40 + int(place%40)
	}
	return 2_000_000 + int(place)
}

// buffers of the writer.
const zeekBuffer = 1 << 16

// write writes the day.
func (d *zeekDay) write(to io.Writer) error {
	b := make([]byte, 0, zeekBuffer+4096)
	for hour := range zeekHours {
		from, until := d.connections*hour/zeekHours, d.connections*(hour+1)/zeekHours
		for _, l := range zeekLogs {
			b = append(b, l.header...)
			for i := from; i < until; i++ {
				c := d.at(i)
				if !l.has(&c) {
					continue
				}
				b = l.line(b, &c)
				d.lines++
				if len(b) >= zeekBuffer {
					if _, err := to.Write(b); err != nil {
						return err
					}
					b = b[:0]
				}
			}
		}
	}
	_, err := to.Write(b)
	return err
}

// zeekLogs are the kinds of logs, as Zeek 7 writes them.
var zeekLogs = [...]struct {
	header string
	has    func(*zeekConn) bool
	line   func([]byte, *zeekConn) []byte
}{
	{zeekHeader("conn", "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tip_proto"),
		func(*zeekConn) bool { return true }, connLine},
	{zeekHeader("dns", "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\ttrans_id\trtt\tquery\tqclass\tqclass_name\tqtype\tqtype_name\trcode\trcode_name\tAA\tTC\tRD\tRA\tZ\tanswers\tTTLs\trejected"),
		func(c *zeekConn) bool { return c.kind == zeekDNS }, dnsLine},
	{zeekHeader("ssl", "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tversion\tcipher\tcurve\tserver_name\tresumed\tlast_alert\tnext_protocol\testablished\tssl_history\tja4"),
		func(c *zeekConn) bool { return c.kind >= zeekPopular && c.kind <= zeekRare }, sslLine},
}

func zeekHeader(path, fields string) string {
	return "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" + path + "\n#open\t2026-11-05-00-00-00\n#fields\t" + fields + "\n"
}

// services, protocols and ports by kind.
var zeekKinds = [...]struct {
	port                  uint64
	proto, service, state string
	history               string
}{
	zeekDNS: {53, "udp", "dns", "SF", "Dd"}, zeekPopular: {443, "tcp", "ssl", "SF", "ShADadFf"}, zeekOwn: {443, "tcp", "ssl", "SF", "ShADadFf"}, zeekRare: {443, "tcp", "ssl", "SF", "ShADadFfR"},
	zeekPlain: {80, "tcp", "http", "SF", "ShADadfF"}, zeekInside: {445, "tcp", "smb", "S1", "ShADad"}, zeekFailed: {443, "tcp", "-", "S0", "S"},
	zeekScan: {22, "tcp", "-", "REJ", "Sr"}, zeekTime: {123, "udp", "ntp", "SF", "Dd"}, zeekSweep: {445, "tcp", "-", "S0", "S"},
}

// beginning appends what all logs begin with.
func beginning(b []byte, c *zeekConn) []byte {
	b = appendInstant(b, c.at)
	b = append(b, "\tC"...)
	for x, k := c.h, 0; k < 17; k++ {
		b = append(b, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz01"[x&63])
		x = x>>6 | x<<58
	}
	orig, resp := zeekMachine(c.machine), c.dst
	if c.kind == zeekScan {
		orig, resp = resp, orig
	}
	b = appendIP(append(b, '\t'), orig)
	b = strconv.AppendUint(append(b, '\t'), 1024+c.h>>10%64_000, 10)
	b = appendIP(append(b, '\t'), resp)
	return strconv.AppendUint(append(b, '\t'), zeekKinds[c.kind].port, 10)
}

func appendInstant(b []byte, us int64) []byte {
	b = strconv.AppendInt(b, us/1e6, 10)
	rest := strconv.AppendInt(nil, us%1e6+1e6, 10)
	rest[0] = '.'
	return append(b, rest...)
}

func appendIP(b []byte, a [4]byte) []byte {
	for i, v := range a {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(v), 10)
	}
	return b
}

func connLine(b []byte, c *zeekConn) []byte {
	k := &zeekKinds[c.kind]
	b = append(append(append(beginning(b, c), '\t'), k.proto...), '\t')
	b = append(append(b, k.service...), '\t')
	out, in := c.out, c.in
	switch c.kind {
	case zeekFailed, zeekScan, zeekSweep:
		out, in = 0, 0
		b = append(b, "-\t-\t-"...)
	default:
		b = appendInstant(b, c.took)
		b = strconv.AppendUint(append(b, '\t'), out, 10)
		b = strconv.AppendUint(append(b, '\t'), in, 10)
	}
	b = append(append(append(b, '\t'), k.state...), "\tT\tF\t0\t"...)
	b = append(b, k.history...)
	packets := [2]uint64{1 + out/1400, 1 + in/1400}
	head, proto := uint64(28), "17"
	if k.proto == "tcp" {
		packets[0], packets[1] = packets[0]+4+packets[1]/2, packets[1]+4
		head, proto = 52, "6"
	}
	if c.kind == zeekFailed || c.kind == zeekSweep {
		packets = [2]uint64{3, 0}
	}
	for side, n := range [2]uint64{out, in} {
		b = strconv.AppendUint(append(b, '\t'), packets[side], 10)
		b = strconv.AppendUint(append(b, '\t'), n+head*packets[side], 10)
	}
	return append(append(append(b, "\t-\t"...), proto...), '\n')
}

func dnsLine(b []byte, c *zeekConn) []byte {
	b = append(beginning(b, c), "\tudp\t"...)
	b = strconv.AppendUint(b, c.h>>30&0xffff, 10)
	b = appendInstant(append(b, '\t'), c.took)
	if b = append(b, '\t'); c.name == tunnelName {
		for k := range uint64(3) { // 48 digits that carry something
			b = strconv.AppendUint(b, c.h*(2*k+1)|1<<63, 16)
		}
		b = append(b, '.')
	}
	b = appendZeekName(b, c.name)
	b = append(b, "\t1\tC_INTERNET\t1\tA\t"...)
	if c.h>>57 < 5 {
		return append(b, "3\tNXDOMAIN\tF\tF\tT\tT\t0\t-\t-\tF\n"...)
	}
	b = append(b, "0\tNOERROR\tF\tF\tT\tT\t0\t"...)
	b = appendIP(b, [4]byte{byte(20 + c.name>>20&63), byte(c.name >> 12), byte(c.name >> 4), byte(c.name << 4)})
	return append(b, "\t300.000000\tF\n"...)
}

func sslLine(b []byte, c *zeekConn) []byte {
	b = append(beginning(b, c), "\tTLSv13\tTLS_AES_128_GCM_SHA256\tx25519\t"...)
	b = appendZeekName(b, c.name)
	b = append(b, "\tF\t-\th2\tT\tCsiI\tt13d"...)
	program := c.machine % 7
	b = strconv.AppendUint(b, uint64(1500+program), 10)
	b = append(b, "h2_8daaf6152771_"...)
	b = strconv.AppendUint(b, 0xb0da82dd1658+uint64(program)<<20, 16)
	return append(b, '\n')
}

// appendZeekName appends the name of a server.
func appendZeekName(b []byte, n int) []byte {
	b = append(b, [...]string{"www.", "api.", "cdn.", "edge-7.mobile."}[n&3]...)
	words := [...]string{"aoba", "minato", "sakura", "hikari", "midori", "kaze", "umi", "yama"}
	b = append(append(append(b, words[n>>2&7]...), '-'), words[n>>5&7]...)
	b = strconv.AppendInt(b, int64(n>>8), 10)
	return append(b, [...]string{".example.com", ".example.jp", ".example.net", ".example"}[n>>3&3]...)
}
