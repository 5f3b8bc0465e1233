//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"noroshi/internal/selection"
)

// selections measure lawful selection: over the made-up capture of traffics,
// with made-up lists (see listOf). What bounds each on any machine:
//
//   - packets: the reading of the packet itself, and a load from the filter of
//     the list for each address, which misses the processor's caches; a list
//     that wants payload keeps a state for each communication, too.
//   - list: one pass over the file, and the tables made of it. The file stays in
//     memory and is used in place.
//   - deid: BLAKE3 and AES on the processor.
//   - run: the same as packets, and the writing of what was selected.
func selections(s setting, c *captured) [][]measured {
	l := &listings{c: c, made: map[string]*listing{}}
	size := number(float64(s.selectors))
	command := func(name string) string { return "bench/run -only '^selection-" + name + "'" }
	return [][]measured{
		{
			l.packets(s.selectors, addresses, command("packets"), size+" addresses", "≥ 7,000,000/s"),
			l.packets(s.selectors, anything, command("packets"), size+" conditions of which 5,000 want payload", ""),
			l.suricata(s.selectors, command("packets"), size),
		},
		{
			l.load(s.selectors, addresses, command("list"), size+" IPv4 addresses"),
			l.load(s.selectors, names, command("list"), size+" names"),
			once(measured{name: "selection-list-map", command: command("list"), rows: []row{
				{What: "beside: the same IPv4 addresses as numbers in memory, into a Go map", Figure: "s", Unit: "s"},
				{What: "the same, peak memory", Figure: "peak MB", Unit: "MB"},
			}, take: func(ctx context.Context) (figures, error) { return self(ctx, s, "selection-map") }}),
			once(measured{name: "selection-list-probe", command: command("list"), rows: []row{
				{What: "a probe of " + size + " IPv4 addresses, processor time", Figure: "two-fresh-addresses cpu-ns/probe", Unit: "ns"},
				{What: "beside: a Go map of the same", Figure: "two-fresh-addresses-go-map cpu-ns/probe", Unit: "ns"},
			}, take: func(ctx context.Context) (figures, error) {
				return bench(ctx, []string{"GOMAXPROCS=1", "NOROSHI_BENCH_SELECTORS=" + strconv.Itoa(s.selectors)}, "./internal/engine/selector", "BenchmarkProbe", "5000000x")
			}}),
		},
		{
			{name: "selection-deid", command: command("deid"), rows: deidRows(), take: func(ctx context.Context) (figures, error) {
				return benches(ctx, s, "./internal/engine/deid", "BenchmarkPseudonym", "BenchmarkCryptoPAn4", "BenchmarkCryptoPAn6")
			}},
			{name: "selection-deid-nfanon", command: command("deid"), rows: []row{
				{What: "peer: nfanon over the flows of the capture: addresses per second of processor time", Figure: "addresses/cpu s", Unit: "/s"},
				{What: "the same without what nfdump takes to read and write them", Figure: "alone/cpu s", Unit: "/s"},
			}, take: func(ctx context.Context) (figures, error) { return nfanon(ctx, c) }},
		},
		{l.run(addresses, command("run"), "addresses"), l.run(anything, command("run"), "conditions of which 5,000 want payload")},
	}
}

// packets is a measure by BenchmarkSelection, on one core.
func (l *listings) packets(n int, kind, command, what, target string) measured {
	return measured{name: "selection-packets-" + kind, command: command, rows: []row{
		{What: "packets in memory, list of " + what + ": decoded, direction, selected or overwritten, packets per second of processor time", Figure: "memory packets/cpu-s", Unit: "/s", Target: target},
		{What: "the same from a file of 2 M packets in the page cache", Figure: "file packets/cpu-s", Unit: "/s", Target: target},
		{What: "the same, of these packets selected", Figure: "file %selected", Unit: "%"},
		{What: "the same, stopped by their direction before the list is asked", Figure: "file %held", Unit: "%"},
		{What: "a batch of 512 packets right after another list took over, p95", Figure: "swap swapped-us", Unit: "µs"},
		{What: "the same, other batches", Figure: "swap other-us", Unit: "µs"},
		{What: "the same list as it is loaded, until it can take over", Figure: "swap load-s", Unit: "s"},
	}, take: func(ctx context.Context) (figures, error) {
		file, err := l.c.file(mixPackets)
		if err != nil {
			return nil, err
		}
		made, err := l.compiled(ctx, n, kind)
		if err != nil {
			return nil, err
		}
		return bench(ctx, []string{"NOROSHI_BENCH_CAPTURE=" + file, "NOROSHI_BENCH_LIST=" + made.name(), "GOMAXPROCS=1"}, "./bench", "BenchmarkSelection", "3x")
	}}
}

// suricata is the peer of packets: its rules ask a dataset for both addresses.
func (l *listings) suricata(n int, command, size string) measured {
	return once(measured{name: "selection-packets-suricata", command: command,
		rows: programRows("peer: suricata --runmode single, datasets of " + size + " addresses"),
		take: func(ctx context.Context) (figures, error) {
			exe, err := exec.LookPath("suricata")
			if err != nil {
				return nil, errors.New("suricata is not installed")
			}
			list, err := l.text(n, addresses)
			if err != nil {
				return nil, err
			}
			defer list.Close()
			rules, err := unnamed(l.c.dir, func(w *bufio.Writer) error {
				for i, end := range []string{"src", "dst"} {
					fmt.Fprintf(w, "alert ip any any -> any any (msg:\"listed\"; ip.%s; dataset:isset,%[1]s,type ip,load %s,memcap 4gb,hashsize 16777216; sid:%d;)\n", end, nameOfOpen(list), i+1)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			defer rules.Close()
			return l.c.run(ctx, mixPackets, mixPackets, func(file, dir string) *exec.Cmd {
				return exec.CommandContext(ctx, exe, "-r", file, "--runmode", "single", "-S", nameOfOpen(rules), "-l", dir)
			})
		}})
}

// load is a measure of compiling a list and of loading it.
func (l *listings) load(n int, kind, command, what string) measured {
	return once(measured{name: "selection-list-" + kind, command: command, rows: []row{
		{What: "`noroshi selector compile`, " + what, Figure: "compile s", Unit: "s"},
		{What: "the same, peak memory", Figure: "compile MB", Unit: "MB"},
		{What: "the same, conditions taken: what comes twice is one, what warning lists name is none", Figure: "selectors", Unit: ""},
		{What: "the same, the file", Figure: "file MB", Unit: "MB"},
		{What: "`noroshi selection selftest` on it: load and self-test", Figure: "load s", Unit: "s", Target: "≤ 10 s"},
		{What: "the same, processor time", Figure: "load cpu s", Unit: "s"},
		{What: "the same, peak memory", Figure: "load MB", Unit: "MB", Target: "≤ 400 MB"},
	}, take: func(ctx context.Context) (figures, error) {
		made, err := l.compiled(ctx, n, kind)
		if err != nil {
			return nil, err
		}
		exe, err := l.c.noroshi(ctx)
		if err != nil {
			return nil, err
		}
		o, err := watched(exec.CommandContext(ctx, exe, "selection", "selftest", "--selectors", made.name()))
		if err != nil {
			return nil, err
		}
		return figures{"compile s": made.took.Seconds(), "compile MB": made.peak, "selectors": float64(made.taken), "file MB": made.size,
			"load s": o.took.Seconds(), "load cpu s": o.worked.Seconds(), "load MB": o.peak}, nil
	}})
}

// mapCost puts the addresses of a list into a Go map.
func mapCost(_ context.Context, s setting) (figures, error) {
	began := time.Now()
	m := make(map[uint32]uint32, s.selectors)
	eachAddress(s.selectors, func(a uint32) { m[a] = uint32(len(m) + 1) })
	return figures{"s": time.Since(began).Seconds(), "entries": float64(len(m))}, nil
}

func deidRows() (rows []row) {
	for _, r := range [][3]string{
		{"pseudonyms of mail addresses (BLAKE3 keyed)", "BenchmarkPseudonym append", "≥ 5 M/s"},
		{"the same, each a text of its own", "BenchmarkPseudonym of", "≥ 5 M/s"},
		{"beside: the same by HMAC-SHA256 and base32, one hash reset", "BenchmarkPseudonym hmac-sha256-reset", ""},
		{"beside: the same, a hash for each", "BenchmarkPseudonym hmac-sha256-new", ""},
		{"Crypto-PAn of IPv4 addresses, batches of 65,536 of 20,000 machines", "BenchmarkCryptoPAn4 repeats-20k-hosts", "≥ 5 M/s"},
		{"the same of 500,000 machines", "BenchmarkCryptoPAn4 repeats-500k-hosts", "≥ 5 M/s"},
		{"the same, a million from empty caches in batches of 512", "BenchmarkCryptoPAn4 repeats-500k-hosts-cold", ""},
		{"the same, all different", "BenchmarkCryptoPAn4 distinct-random", ""},
		{"beside: the same by the book, 32 blocks of AES each", "BenchmarkCryptoPAn4 naive", ""},
		{"Crypto-PAn of IPv6 addresses, all different in all bits", "BenchmarkCryptoPAn6 distinct-random-128-bits", "≥ 0.4 M/s"},
		{"the same, in 1,000 networks", "BenchmarkCryptoPAn6 distinct-in-1000-nets", "≥ 0.4 M/s"},
		{"beside: the same by the book, 128 blocks of AES each", "BenchmarkCryptoPAn6 naive", ""},
	} {
		rows = append(rows, row{What: r[0] + ", per second of processor time", Figure: r[1] + " M/cpu-s", Unit: "M/s", Target: r[2]})
	}
	return rows
}

// nfanon has the peer write the flows of the capture with other addresses, two
// in each. What nfdump takes to copy the file is what reading and writing take.
func nfanon(ctx context.Context, c *captured) (f figures, err error) {
	for _, tool := range []string{"nfpcapd", "nfdump", "nfanon"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%s is not installed", tool)
		}
	}
	file, err := c.file(mixPackets)
	if err != nil {
		return nil, err
	}
	err = c.inFolder(func(dir string) error {
		in := func(name string) string { return filepath.Join(dir, name) }
		if err := os.Mkdir(in("flows"), 0o700); err != nil {
			return err
		}
		if _, err := start(ctx, nil, "", "nfpcapd", "-r", file, "-w", in("flows")); err != nil {
			return err
		}
		if _, err := start(ctx, nil, "", "nfdump", "-q", "-R", in("flows"), "-w", in("all")); err != nil {
			return err
		}
		copied, err := start(ctx, nil, "", "nfdump", "-q", "-r", in("all"), "-w", in("copy"))
		if err != nil {
			return err
		}
		hidden, err := start(ctx, nil, "", "nfanon", "-q", "-K", "0123456789abcdef0123456789abcdef", "-r", in("all"), "-w", in("hidden"))
		if err != nil {
			return err
		}
		told, err := start(ctx, nil, "", "nfdump", "-I", "-r", in("hidden"))
		if err != nil {
			return err
		}
		var flows float64
		for line := range bytes.Lines(told.out) {
			if n, ok := bytes.CutPrefix(line, []byte("Flows: ")); ok {
				if flows, err = strconv.ParseFloat(string(bytes.TrimSpace(n)), 64); err != nil {
					return err
				}
			}
		}
		if flows == 0 {
			return errors.New("nfdump did not say how many flows there are")
		}
		f = figures{"flows": flows, "addresses/cpu s": 2 * flows / hidden.worked.Seconds(), "alone/cpu s": 2 * flows / (hidden.worked - copied.worked).Seconds()}
		return nil
	})
	return f, err
}

// runSelectors is how many conditions the list of a whole run has.
const runSelectors = 100_000

// run is a measure of a whole run under a signed order, from the capture to the
// statement, on one core.
func (l *listings) run(kind, command, what string) measured {
	return measured{name: "selection-run-" + kind, command: command, rows: programRows("`noroshi selection run`, 2 M packets, list of 100,000 "+what,
		row{What: "the same, packets selected", Figure: "selected", Unit: ""},
		row{What: "the same, stay of payload that was not selected, p99", Figure: "p99 ms", Unit: "ms", Target: "≤ 1,000 ms"},
		row{What: "the same, the longest", Figure: "longest ms", Unit: "ms"},
		row{What: "the same, the longest of a batch of packets", Figure: "batch ms", Unit: "ms"},
	), take: func(ctx context.Context) (f figures, err error) {
		made, err := l.compiled(ctx, runSelectors, kind)
		if err != nil {
			return nil, err
		}
		exe, err := l.c.noroshi(ctx)
		if err != nil {
			return nil, err
		}
		err = l.c.inFolder(func(dir string) error {
			in := func(name string) string { return filepath.Join(dir, name) }
			if _, err := start(ctx, nil, "", exe, "selection", "key", "-o", in("key")); err != nil {
				return err
			}
			at := func(hours int64) string {
				return time.Unix(mixStart/int64(time.Second)+hours*3600, 0).UTC().Format(time.RFC3339)
			}
			if _, err := toFile(ctx, "", in("order"), exe, "selection", "order", "--selectors", made.name(), "--direction", "ff,fd,df", "--from", at(0), "--to", at(24), "--sign", in("key")); err != nil {
				return err
			}
			runs := 0
			f, err = l.c.run(ctx, mixPackets, mixPackets, func(file, _ string) *exec.Cmd {
				runs++
				cmd := exec.CommandContext(ctx, exe, "selection", "run", "--order", in("order"), "--selectors", made.name(), "--authority", in("key.pub"), "--out", in(strconv.Itoa(runs)), file)
				cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
				return cmd
			})
			if err != nil {
				return err
			}
			return f.statement(filepath.Join(in(strconv.Itoa(runs)), "statement.json"))
		})
		return f, err
	}}
}

// statement takes in what a run says of itself.
func (f figures) statement(name string) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var st selection.Statement
	if err := json.Unmarshal(raw, &st); err != nil {
		return err
	}
	if st.Ended != selection.EndInput || st.Seen.Packets != mixPackets {
		return fmt.Errorf("the run ended with %s after %d packets", st.Ended, st.Seen.Packets)
	}
	f["selected"] = float64(st.Selected.Packets)
	f["p99 ms"], f["longest ms"], f["batch ms"] = float64(st.Stay.P99)/1e3, float64(st.Stay.Longest)/1e3, float64(st.Stay.Batch)/1e3
	return nil
}
