//go:build linux

package main

import (
	"cmp"
	"os"
	"path/filepath"
)

// scan is our command, with so many workers.
func scan(workers string) hunter {
	return hunter{program: "noroshi", what: "`noroshi hunt scan`, one worker", finds: true, args: func(r round) []string {
		return []string{"hunt", "scan", r.file, "--rules", r.rules, "--no-builtin", "--format", "jsonl", "--workers", workers}
	}}
}

// rsigma is RSigma with its routing. It looks at EventID instead of channels,
// and at nothing but the product for rules of a service.
func rsigma(more ...string) hunter {
	return hunter{program: "rsigma", what: "rsigma engine eval -p sysmon --logsource-routing (no routing by channel)", finds: true, args: func(r round) []string {
		return append([]string{"engine", "eval", "-r", r.rules, "-e", "@" + r.file, "-p", "sysmon", "--logsource-routing", "--quiet", "--output-format", "ndjson"}, more...)
	}}
}

// rsigmaOverEVTX tells RSigma where the fields of rules are in the events that
// it makes of EVTX; without it no rule finds anything there.
var rsigmaOverEVTX = []byte(`name: evtx
priority: 50
transformations:
  - id: data
    type: field_name_prefix
    prefix: "Event.EventData."
    field_name_conditions:
      - type: exclude_fields
        fields: [EventID, Channel, Computer, ComputerName, Level, Provider_Name]
  - id: system
    type: field_name_mapping
    mapping:
      EventID: ["Event.System.EventID", "Event.System.EventID.#text"]
      Channel: Event.System.Channel
      Computer: Event.System.Computer
      ComputerName: Event.System.Computer
      Level: Event.System.Level
      Provider_Name: "Event.System.Provider.#attributes.Name"
`)

// zircolite starts zircolite.py. It takes minutes to convert rules, so they are
// converted before, and NOROSHI_BENCH_ZIRCOLITE_RULES names what came of them.
func zircolite(more ...string) hunter {
	return hunter{program: "zircolite", what: "Zircolite (rules that it converted before)", finds: true, slow: true, args: func(r round) []string {
		rules := cmp.Or(os.Getenv("NOROSHI_BENCH_ZIRCOLITE_RULES"), r.rules)
		return append([]string{"-e", r.file, "-r", rules, "-o", filepath.Join(r.dir, "results.jsonl"), "-l", filepath.Join(r.dir, "log"), "--no-parallel"}, more...)
	}}
}

// chainsaw needs a mapping, of those that come with it, which also names rules
// that it leaves out.
var chainsaw = hunter{program: "chainsaw", what: "chainsaw hunt (rules that it can read)", finds: true, slow: true, args: func(r round) []string {
	return []string{"--num-threads", "1", "hunt", r.file, "-s", r.rules, "--mapping", os.Getenv("NOROSHI_BENCH_CHAINSAW_MAPPING"), "--preprocess", "--jsonl", "-q"}
}}

// hayabusa has no routing of its own: its converter writes the channels into
// rules, and NOROSHI_BENCH_HAYABUSA_RULES names what came of them. By itself it
// chooses rules by the channel that a file begins with, which this file of many
// channels does not suit.
var hayabusa = hunter{program: "hayabusa", what: "hayabusa dfir-timeline (rules that it converted before, for Windows)", finds: true, args: func(r round) []string {
	rules := cmp.Or(os.Getenv("NOROSHI_BENCH_HAYABUSA_RULES"), r.rules)
	return []string{"dfir-timeline", "-f", r.file, "-r", rules, "-t", "jsonl", "-o", filepath.Join(r.dir, "results.jsonl"), "--threads", "1", "-a", "-A", "-w", "-q", "-Q", "-N", "-C"}
}}

// ourReader and evtxDump write every event of EVTX as JSON.
var (
	ourReader = hunter{program: "noroshi", what: "`noroshi hunt events` of EVTX: every event as JSON", args: func(r round) []string {
		return []string{"hunt", "events", r.file, "--format", "jsonl"}
	}}
	evtxDump = hunter{program: "evtx_dump", what: "evtx_dump (Rust) -o jsonl", args: func(r round) []string {
		return []string{"-t", "1", "-o", "jsonl", r.file}
	}}
)
