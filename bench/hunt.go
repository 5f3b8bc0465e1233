//go:build linux

package main

import (
	"context"
	"fmt"
)

// hunts measure the way from logs to what rules find in them, with the rules of
// SigmaHQ's folder rules/. What bounds each on any machine:
//
//   - rows: every value that a rule may ask for is looked through once.
//   - logs: the same, and the reading of each byte of JSON or of EVTX.
//   - load: the parsing of 3,141 files of YAML, and the tables made of them.
//   - json, evtx: the same as logs, for the whole program: reading, verdicts,
//     the reasons of each hit, and a line written for it. What a program takes
//     to begin, mostly to load its rules, is left out: it is also run with next
//     to no events.
//
// All read the same events and the same rules, in turn; the peers are in
// hunt_peers.go.
func hunts(s setting, c *captured) [][]measured {
	h := &hunted{captured: c}
	command := func(name string) string { return "bench/run -only '^hunt-" + name + "'" }
	rounds := fmt.Sprint(s.length / 5)
	return [][]measured{
		{{
			name: "hunt-rows", command: command("rows"), rows: []row{
				{What: "events that were parsed before (JSON), 3,141 rules without routing: events per second of processor time", Figure: "json/unrouted events/cpu-s", Unit: "/s", Target: "≥ 150,000/s"},
				{What: "the same, rules evaluated for an event", Figure: "json/unrouted rules/event", Unit: ""},
				{What: "the same, allocations for an event", Figure: "json/unrouted allocs/op", Unit: ""},
				{What: "the same with routing", Figure: "json/routed events/cpu-s", Unit: "/s"},
				{What: "the same, rules evaluated for an event", Figure: "json/routed rules/event", Unit: ""},
				{What: "events of EVTX samples, without routing", Figure: "evtx/unrouted events/cpu-s", Unit: "/s"},
				{What: "the same with routing", Figure: "evtx/routed events/cpu-s", Unit: "/s"},
			}, take: func(ctx context.Context) (figures, error) {
				return bench(ctx, []string{"GOMAXPROCS=1"}, "./internal/engine/sigma/match", "BenchmarkMatch", rounds)
			},
		}},
		{{
			name: "hunt-logs", command: command("logs"), rows: []row{
				{What: "host logs in JSON lines into rows: events per second of processor time", Figure: "json/read events/cpu-s", Unit: "/s"},
				{What: "the same, bytes", Figure: "json/read MB/cpu-s", Unit: "MB/s"},
				{What: "the same to the verdict of 3,141 rules with routing", Figure: "json/match events/cpu-s", Unit: "/s", Target: "≥ 250,000/s"},
				{What: "EVTX samples into rows", Figure: "evtx/read events/cpu-s", Unit: "/s", Target: "≥ 150,000/s"},
				{What: "the same, allocations for an event", Figure: "allocs/event", Unit: "", Target: "≤ 5"},
				{What: "the same to the verdict of 3,141 rules with routing", Figure: "evtx/match events/cpu-s", Unit: "/s"},
			}, take: func(ctx context.Context) (figures, error) {
				f, err := bench(ctx, []string{"GOMAXPROCS=1"}, "./internal/engine/sigma/match", "BenchmarkPipeline", rounds)
				if err == nil {
					f["allocs/event"] = f["evtx/read allocs/op"] / f["evtx/read events/pass"]
				}
				return f, err
			},
		}, {
			name: "hunt-logs-dense", command: command("logs"), rows: []row{
				{What: "full chunks of EVTX into rows: bytes that are used, for each second of processor time", Figure: "BenchmarkChunk MB/cpu-s", Unit: "MB/s", Target: "≥ 250 MB/s"},
				{What: "the same, events", Figure: "BenchmarkChunk events/cpu-s", Unit: "/s", Target: "≥ 150,000/s"},
			}, take: func(ctx context.Context) (figures, error) {
				return benches(ctx, s, "./internal/engine/evtx", "BenchmarkChunk")
			},
		}},
		{{
			name: "hunt-load", command: command("load"), rows: []row{
				{What: "3,141 files of rules read: processor time", Figure: "BenchmarkLoad cpu-ms", Unit: "ms"},
				{What: "the same made into an index without routing", Figure: "BenchmarkNew cpu-ms", Unit: "ms"},
				{What: "both", Figure: "both", Unit: "ms", Target: "≤ 2,000 ms"},
				{What: "the tables of the index", Figure: "index MB", Unit: "MB"},
			}, take: func(ctx context.Context) (figures, error) {
				f, err := benches(ctx, s, "./internal/engine/sigma/match", "BenchmarkLoad", "BenchmarkNew")
				if err != nil {
					return nil, err
				}
				size, err := bench(ctx, []string{"GOMAXPROCS=1"}, "./internal/engine/sigma/match", "BenchmarkMatch/json/unrouted", "100x")
				f["both"], f["index MB"] = f["BenchmarkLoad cpu-ms"]+f["BenchmarkNew cpu-ms"], size["index-bytes"]/1e6
				return f, err
			},
		}},
		h.beside("json", hostLogs, scan("1"), rsigma("--event-logsource", "product=windows"), zircolite("--jsonl")),
		h.beside("evtx", fullChunks, scan("1"), rsigma("-p", "rsigma-evtx.yml"), zircolite(), chainsaw, hayabusa),
		h.beside("read", fullChunks, ourReader, evtxDump),
		{h.cores("hunt-cores-json", command("cores"), "`noroshi hunt scan` of host logs in JSON lines", hostLogs), h.cores("hunt-cores-evtx", command("cores"), "`noroshi hunt scan` of EVTX", fullChunks)},
	}
}
