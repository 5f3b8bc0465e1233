//go:build linux

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// warnings measure the way from a feed to those who are warned. What bounds
// each on any machine:
//
//   - match: the parsing of the list and the writing of its lines, which both
//     sides do; the search is a look at a sorted table for each product.
//   - nvd: one pass of SHA-256, JSON and compression over the file, and the
//     pages of the database that are written twice, into the log and from it.
//   - rematch: every piece of equipment is read and unsealed once.
//   - advisory, publish: the disk's sync of one transaction, and for the first
//     up to 50 ms until the bus looks, which is not counted here.
//   - rolie: nothing but the entries that are kept.
func warnings(s setting) [][]measured {
	exposures := "NOROSHI_BENCH_ENTRIES=" + strconv.Itoa(s.equipment)
	size := number(float64(s.equipment))
	return [][]measured{
		matches(s, "match", "a list of 2,000 products in ten versions", false),
		matches(s, "match-apart", "a list in which hardly two are alike", true),
		{{
			name: "rematch-advisory", once: true, command: exposures + " go test -run '^$' -bench 'BenchmarkExposure$' -benchtime 3x -timeout 60m ./internal/exposure",
			take: func(ctx context.Context) (figures, error) {
				return bench(ctx, []string{exposures, "TMPDIR=" + s.dir, "GOMEMLIMIT=200MiB"}, "./internal/exposure", "BenchmarkExposure", "3x")
			},
			rows: []row{
				{What: "full rematch of " + size + " pieces and 300,000 vulnerabilities, memory limit 200 MiB", Figure: "rematch s", Unit: "s", Target: "≤ 30 s"},
				{What: "the same, processor time", Figure: "rematch cpu-s", Unit: "s"},
				{What: "the same, verdicts", Figure: "rematch verdicts/s", Unit: "/s"},
				{What: "the same, most memory of the process", Figure: "rematch peak-MB", Unit: "MB", Target: "≤ 2,048 MB"},
				{What: "one new advisory, until it lies in every queue it belongs in, p95 of 40, without the bus's 50 ms", Figure: "advisory p95-ms", Unit: "ms", Target: "≤ 150 ms"},
				{What: "the same, processor time of one", Figure: "advisory cpu-ms", Unit: "ms"},
				{What: "the queue's pages, p95", Figure: "queue p95-ms", Unit: "ms", Target: "≤ 30 ms"},
			},
		}},
		{{
			name: "publish", command: "go test -run '^$' -bench 'BenchmarkSend/sqlite$' -benchtime 20x ./internal/notice",
			take: func(ctx context.Context) (figures, error) {
				return bench(ctx, []string{"TMPDIR=" + s.dir}, "./internal/notice", "BenchmarkSend/sqlite", "20x")
			},
			rows: []row{{What: "publish, until the letter lies in 1,000 recipients' queues, mean of 20", Figure: "sqlite ms/op", Unit: "ms", Target: "≤ 200 ms"}},
		}},
		{{
			name: "nvd", once: true, command: "go test -run '^$' -bench 'BenchmarkImportOfTheNVD$' -benchtime 1x -timeout 30m ./internal/intel",
			take: func(ctx context.Context) (figures, error) {
				return bench(ctx, []string{"TMPDIR=" + s.dir}, "./internal/intel", "BenchmarkImportOfTheNVD", "1x")
			},
			rows: []row{
				{What: "import of 300,000 NVD records, from the file to what everybody sees", Figure: "s/first", Unit: "s", Target: "≤ 90 s"},
				{What: "the same, most memory", Figure: "MB-first", Unit: "MB", Target: "≤ 500 MB"},
				{What: "the same file with 300 changed", Figure: "s/again", Unit: "s"},
			},
		}},
		{{
			name: "rolie", command: "go test -count=1 -v -run '^TestLargeFeed$' ./internal/intel/csaf",
			take: rolieHeap,
			rows: []row{
				{What: "a ROLIE feed of 40 MB, growth of the heap while it streams", Figure: "streaming MiB", Unit: "MiB", Target: "≤ 64 MiB"},
				{What: "the same with every entry kept", Figure: "kept MiB", Unit: "MiB", Target: "≤ 64 MiB"},
			},
		}},
	}
}

var heapGrew = regexp.MustCompile(`the heap grew by ([0-9.-]+) MiB`)

func rolieHeap(ctx context.Context) (figures, error) {
	o, err := start(ctx, nil, "", "go", "test", "-count=1", "-v", "-run", "^TestLargeFeed$", "./internal/intel/csaf")
	if err != nil {
		return nil, err
	}
	got := heapGrew.FindAllSubmatch(o.out, 2)
	if len(got) != 2 {
		return nil, errors.New("TestLargeFeed did not say how much the heap grew")
	}
	f := figures{}
	for i, name := range []string{"streaming MiB", "kept MiB"} {
		if f[name], err = strconv.ParseFloat(string(got[i][1]), 64); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Sizes of matching.
const (
	matchFacts    = 300_000 // vulnerabilities
	matchProducts = 60_000  // that they name, few of them often
	matchRows     = 100_000 // components of the list
)

// matches are `exposure match` and the peer in turn, on the same facts and the
// same list. Each is run twice, with one row and with all: the first is what
// loading takes, the difference is the matching. The peer is cpe2cve of
// facebookincubator/nvdtools, found in PATH or by NOROSHI_BENCH_CPE2CVE; it
// reads NVD JSON 1.1, gets its index and every processor, and its memory is
// taken as it comes. grype is not beside us: it matches packages of
// distributions and languages, and its database cannot be made of these facts.
func matches(s setting, name, what string, apart bool) []measured {
	rows := func(who string) []row {
		return []row{
			{What: who + ", " + what, Figure: "components/s", Unit: "/s"},
			{What: "the same, components per second of processor time", Figure: "components/cpu s", Unit: "/s"},
			{What: "the same, loading of 300,000 vulnerabilities", Figure: "load s", Unit: "s"},
			{What: "the same, answers", Figure: "answers", Unit: ""},
			{What: "the same, peak memory", Figure: "peak MB", Unit: "MB"},
		}
	}
	ours, peer := rows("exposure match"), rows("peer: cpe2cve -idxd")
	ours[0].Target, ours[2].Target = "≥ 100,000/s", "≤ 3 s"
	return []measured{
		{name: name, command: "bench/run -only '^" + name + "(-peer)?$'", rows: ours, take: func(ctx context.Context) (figures, error) {
			return inMatchFolder(ctx, s, apart, ourMatch)
		}},
		{name: name + "-peer", once: true, command: "NOROSHI_BENCH_CPE2CVE=… bench/run -only '^" + name + "(-peer)?$'", rows: peer, take: func(ctx context.Context) (figures, error) {
			return inMatchFolder(ctx, s, apart, peerMatch)
		}},
	}
}

func inMatchFolder(ctx context.Context, s setting, apart bool, take func(ctx context.Context, dir string) (figures, error)) (f figures, err error) {
	dir, err := os.MkdirTemp(s.dir, "bench-match-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeFacts(dir, apart); err != nil {
		return nil, err
	}
	return take(ctx, dir)
}

func ourMatch(ctx context.Context, dir string) (figures, error) {
	exe, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	if _, err := start(ctx, nil, "", exe, "exposure", "compile", "--out", file("feeds.bin"), "--feeds", file("nvd.json")); err != nil {
		return nil, err
	}
	return loadAndMatch(func(list string) (outcome, error) {
		return toFile(ctx, "", file("out"), exe, "exposure", "match", "--json", "--affected", "--assets", file(list+".csv"), "--feeds", file("feeds.bin"))
	}, file("out"))
}

func peerMatch(ctx context.Context, dir string) (figures, error) {
	exe, err := exec.LookPath(cmp.Or(os.Getenv("NOROSHI_BENCH_CPE2CVE"), "cpe2cve"))
	if err != nil {
		return nil, errors.New("cpe2cve is not there: go install github.com/facebookincubator/nvdtools/cmd/cpe2cve@latest")
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	return loadAndMatch(func(list string) (outcome, error) {
		return toFile(ctx, file(list+".tsv"), file("out"), exe, "-idxd", "-nproc", strconv.Itoa(runtime.NumCPU()), "-cpe", "2", "-cve", "3", file("nvd11.json"))
	}, file("out"))
}

// loadAndMatch runs a matcher with one row and with all.
func loadAndMatch(run func(list string) (outcome, error), out string) (figures, error) {
	load, err := run("one")
	if err != nil {
		return nil, err
	}
	all, err := run("list")
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return figures{"load s": load.took.Seconds(), "peak MB": all.peak, "answers": float64(strings.Count(string(raw), "\n")),
		"components/s":     (matchRows - 1) / (all.took - load.took).Seconds(),
		"components/cpu s": (matchRows - 1) / (all.worked - load.worked).Seconds()}, nil
}

// writeFacts writes the same facts as NVD JSON 2.0 and 1.1, and the same list
// as CSV for us and as TSV for the peer, whole and with one row.
func writeFacts(dir string, apart bool) (err error) {
	files := map[string]*bufio.Writer{}
	for _, name := range []string{"nvd.json", "nvd11.json", "list.csv", "list.tsv", "one.csv", "one.tsv"} {
		f, e := os.Create(filepath.Join(dir, name))
		if e != nil {
			return e
		}
		b := bufio.NewWriterSize(f, 1<<20)
		files[name] = b
		defer func() { err = errors.Join(err, b.Flush(), f.Close()) }()
	}
	two, one := files["nvd.json"], files["nvd11.json"]
	r := rand.New(rand.NewPCG(3, 4))
	fmt.Fprintf(two, `{"resultsPerPage":%d,"startIndex":0,"totalResults":%[1]d,"format":"NVD_CVE","version":"2.0","timestamp":"2026-03-01T04:05:06.789","vulnerabilities":[`, matchFacts)
	fmt.Fprintf(one, `{"CVE_data_type":"CVE","CVE_data_format":"MITRE","CVE_data_version":"4.0","CVE_data_numberOfCVEs":"%d","CVE_Items":[`, matchFacts)
	majors := make([][]int, matchProducts)
	pick := func() int { u := r.Float64(); return int(matchProducts * u * u) }
	const score = `"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"`
	for i := range matchFacts {
		comma := ","[:min(i, 1)]
		id := fmt.Sprintf("CVE-%d-%05d", 1999+i/12_000, i%12_000)
		fmt.Fprintf(two, `%s{"cve":{"id":%q,"sourceIdentifier":"psirt@vendor.example","published":"2020-02-09T09:15:08.087","lastModified":"2024-02-13T17:39:51.590","vulnStatus":"Analyzed","descriptions":[{"lang":"en","value":"A flaw."}],"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","type":"Primary","cvssData":{"version":"3.1",%s}}]},"references":[],"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[`, comma, id, score)
		fmt.Fprintf(one, `%s{"cve":{"data_type":"CVE","CVE_data_meta":{"ID":%q,"ASSIGNER":"psirt@vendor.example"},"description":{"description_data":[{"lang":"en","value":"A flaw."}]}},"impact":{"baseMetricV3":{"cvssV3":{"version":"3.1",%s}}},"publishedDate":"2020-02-09T09:15Z","lastModifiedDate":"2024-02-13T17:39Z","configurations":{"CVE_data_version":"4.0","nodes":[{"operator":"OR","children":[],"cpe_match":[`, comma, id, score)
		p := pick()
		for j := range 1 + r.IntN(7) {
			if j%3 == 2 {
				p = pick()
			}
			major := r.IntN(20)
			majors[p] = append(majors[p], major)
			comma := ","[:min(j, 1)]
			ends := fmt.Sprintf(`"versionStartIncluding":"%d.0","versionEndExcluding":"%d.%d.%d"`, major, major, r.IntN(30), r.IntN(9))
			fmt.Fprintf(two, `%s{"vulnerable":true,"criteria":"%s",%s,"matchCriteriaId":"00000000-0000-4000-8000-000000000000"}`, comma, nameOf(p, "*"), ends)
			fmt.Fprintf(one, `%s{"vulnerable":true,"cpe23Uri":"%s",%s}`, comma, nameOf(p, "*"), ends)
		}
		two.WriteString("]}]}]}}")
		one.WriteString("]}]}}")
	}
	two.WriteString("]}")
	one.WriteString("]}")

	var named []int
	for p := range majors {
		if len(majors[p]) > 0 {
			named = append(named, p)
		}
	}
	if r.Shuffle(len(named), func(i, j int) { named[i], named[j] = named[j], named[i] }); !apart {
		named = named[:2000]
	}
	versions := map[int][]string{}
	for k := range matchRows {
		p := named[r.IntN(len(named))]
		v := versions[p]
		if apart || len(v) < 10 {
			v = append(v, fmt.Sprintf("%d.%d.%d", majors[p][r.IntN(len(majors[p]))], r.IntN(30), r.IntN(9)))
			versions[p] = v
		}
		version := v[len(v)-1]
		if !apart {
			version = v[r.IntN(len(v))]
		}
		for _, name := range []string{"list", "one"}[:1+min(1, max(0, 1-k))] {
			if k == 0 {
				fmt.Fprintln(files[name+".csv"], "key,maker,product,version,cpe,zone")
			}
			fmt.Fprintf(files[name+".csv"], "EQ-%07d,maker %d,product %d,%s,%s,%s\n", k, p/7, p, version, nameOf(p, version), []string{"internet", "dmz", "internal", "ot"}[k%4])
			fmt.Fprintf(files[name+".tsv"], "EQ-%07d\tcpe:/a:maker_%d:product_%d:%s\n", k, p/7, p, version)
		}
	}
	return nil
}

func nameOf(p int, version string) string {
	return fmt.Sprintf("cpe:2.3:a:maker_%d:product_%d:%s:*:*:*:*:*:*:*", p/7, p, version)
}
