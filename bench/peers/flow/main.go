// Command flow measures the decoding of flow exports side by side with
// goflow2, in one process and on one core: the same datagrams, user and system
// time of the process for each. It prints a table and compares every record of
// captured exports in its test.
//
//	go run . [-seconds 1] [-json]
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"noroshi/internal/engine/flow/export"
)

// lane is one kind of export to measure with: a datagram with templates, then
// data.
type lane struct {
	name    string
	first   datagram
	data    []datagram
	records int // per datagram
}

// result is one row of the table, in records per second of processor time.
type result struct {
	Lane     string  `json:"lane"`
	Ours     float64 `json:"ours"`
	Decode   float64 `json:"goflow2_decode"`
	Produce  float64 `json:"goflow2_decode_and_produce"`
	AllocOur float64 `json:"allocs_per_record"`
	AllocDec float64 `json:"goflow2_decode_allocs_per_record"`
	AllocPro float64 `json:"goflow2_produce_allocs_per_record"`
}

func main() {
	seconds := flag.Float64("seconds", 1, "processor time per measurement")
	asJSON := flag.Bool("json", false, "JSON instead of a table")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	var all []result
	for _, l := range lanes() {
		r, err := measure(l, time.Duration(*seconds*float64(time.Second)))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		all = append(all, r)
	}
	if *asJSON {
		_ = json.NewEncoder(os.Stdout).Encode(all)
		return
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("one core, processor time; load %s\n", strings.TrimSpace(string(load)))
	w := tabwriter.NewWriter(os.Stdout, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "export\tours M/s\tgoflow2 decode M/s\tratio\tgoflow2 decode+produce M/s\tratio\tallocs/record ours\tdecode\tproduce\t")
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%.1f\t%.2f\t%.0f\t%.2f\t%.0f\t%.3f\t%.1f\t%.1f\t\n", r.Lane, r.Ours/1e6, r.Decode/1e6, r.Ours/r.Decode, r.Produce/1e6, r.Ours/r.Produce, r.AllocOur, r.AllocDec, r.AllocPro)
	}
	_ = w.Flush()
}

func measure(l lane, least time.Duration) (result, error) {
	r := result{Lane: l.name}
	d := export.NewDecoder(export.Limits{})
	rows := 0
	b := export.NewBatch(0, func(b *export.Batch) { rows += b.Len() })
	if err := d.Decode(l.first.from.Addr(), l.first.at, l.first.payload, b); err != nil {
		return r, fmt.Errorf("%s: %w", l.name, err)
	}
	var err error
	r.Ours, r.AllocOur, err = timed(l, least, func(m *datagram) error { return d.Decode(m.from.Addr(), m.at, m.payload, b) })
	if err != nil {
		return r, err
	}
	if b.Flush(); rows == 0 {
		return r, fmt.Errorf("%s: no rows", l.name)
	}
	for _, produce := range []bool{false, true} {
		p, err := newPeer(produce)
		if err != nil {
			return r, err
		}
		if err := p.decode(&l.first, nil); err != nil {
			return r, fmt.Errorf("%s: goflow2: %w", l.name, err)
		}
		rate, allocs, err := timed(l, least, func(m *datagram) error { return p.decode(m, nil) })
		if err != nil {
			return r, err
		}
		if produce {
			r.Produce, r.AllocPro = rate, allocs
		} else {
			r.Decode, r.AllocDec = rate, allocs
		}
	}
	return r, nil
}

// timed runs decode over the lane's data for at least so much processor time
// and returns records per second of it, and allocations per record.
func timed(l lane, least time.Duration, decode func(*datagram) error) (rate, allocs float64, err error) {
	for i := range l.data { // warm
		if err := decode(&l.data[i]); err != nil {
			return 0, 0, fmt.Errorf("%s: %w", l.name, err)
		}
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, start := 0, used()
	for used()-start < least {
		for range 16 {
			for i := range l.data {
				_ = decode(&l.data[i])
			}
			n += len(l.data) * l.records
		}
	}
	took := used() - start
	runtime.ReadMemStats(&after)
	return float64(n) / took.Seconds(), float64(after.Mallocs-before.Mallocs) / float64(n), nil
}

// used is the processor time of this process.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// lanes are exports of 24 records per datagram with the 18 fields that routers
// usually send.
func lanes() []lane {
	usual := [][2]uint16{{21, 4}, {22, 4}, {1, 4}, {2, 4}, {10, 4}, {14, 4}, {8, 4}, {12, 4}, {4, 1}, {5, 1}, {7, 2}, {11, 2}, {15, 4}, {13, 1}, {9, 1}, {6, 1}, {16, 4}, {17, 4}}
	modern := append([][2]uint16{{152, 8}, {153, 8}}, usual[2:]...)
	six := append([][2]uint16{}, modern...)
	six[6], six[7] = [2]uint16{27, 16}, [2]uint16{28, 16}
	return []lane{fiveLane(), templateLane("NetFlow v9", false, usual), templateLane("IPFIX", true, modern), templateLane("IPFIX, IPv6", true, six),
		templateLane("IPFIX with a name", true, append(append([][2]uint16{}, modern...), [2]uint16{82, 65535}))}
}

var sender = netip.MustParseAddrPort("192.0.2.1:2055")

const exported = 1_700_000_000

func fiveLane() lane {
	l := lane{name: "NetFlow v5", records: 30}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 64 {
		m := make([]byte, 24+30*48)
		for j := range m[24:] {
			m[24+j] = byte(rnd.Uint32())
		}
		be := binary.BigEndian
		be.PutUint32(m, 5<<16|30)
		be.PutUint32(m[4:], 1_000_000)
		be.PutUint32(m[8:], exported)
		be.PutUint32(m[16:], uint32(30*i))
		be.PutUint32(m[20:], 0)
		l.data = append(l.data, datagram{sender, exported * 1e9, m})
	}
	l.first = l.data[0]
	return l
}

func templateLane(name string, ipfix bool, fields [][2]uint16) lane {
	be := binary.BigEndian
	l := lane{name: name, records: 24}
	header := func(number uint32) []byte {
		if ipfix {
			return be.AppendUint32(be.AppendUint32(be.AppendUint32(be.AppendUint32(nil, 10<<16), exported), number), 7)
		}
		return be.AppendUint32(be.AppendUint32(be.AppendUint32(be.AppendUint32(be.AppendUint32(nil, 9<<16|2), 1_000_000), exported), number), 7)
	}
	end := func(m []byte) datagram {
		if ipfix {
			be.PutUint16(m[2:], uint16(len(m)))
		}
		return datagram{sender, exported * 1e9, m}
	}
	set, size := uint16(0), 0
	if ipfix {
		set = 2
	}
	m := be.AppendUint16(be.AppendUint16(header(0), set), uint16(8+4*len(fields)))
	m = be.AppendUint16(be.AppendUint16(m, 256), uint16(len(fields)))
	for _, f := range fields {
		m = be.AppendUint16(be.AppendUint16(m, f[0]), f[1])
		if f[1] == 65535 { // a name of four octets
			size += 5
		} else {
			size += int(f[1])
		}
	}
	l.first = end(m)
	rnd := rand.New(rand.NewPCG(3, 4))
	for i := range uint32(64) {
		number := i + 1
		if ipfix {
			number = 24 * i
		}
		m := be.AppendUint16(be.AppendUint16(header(number), 256), uint16(4+24*size))
		for range 24 {
			for _, f := range fields {
				if f[1] == 65535 {
					m = append(m, "\x04eth0"...)
					continue
				}
				for range f[1] {
					m = append(m, byte(rnd.Uint32()))
				}
			}
		}
		l.data = append(l.data, end(m))
	}
	return l
}
