//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// measures lists what is measured, in the order of the table. Measures of one
// group are taken in turn.
func measures(s setting) [][]measured {
	c := &captured{dir: s.dir}
	return slices.Concat([][]measured{
		logs(s),
		{{
			name: "submit", command: "bench/run -only submit",
			take: func(ctx context.Context) (figures, error) { return self(ctx, s, "submit") },
			rows: []row{
				{What: "accepted submissions, 64 writers", Figure: "submissions/s", Unit: "/s", Target: "≥ 2,000/s"},
				{What: "the same, time of one, p95", Figure: "p95 ms", Unit: "ms", Target: "≤ 50 ms"},
				{What: "the same, processor time of one", Figure: "cpu us", Unit: "µs"},
			},
		}},
		{{
			name: "verify", command: fmt.Sprintf("NOROSHI_BENCH_SIZE=%d go test -run '^$' -bench 'BenchmarkVerify$' ./internal/engine/tlog", s.entries), once: true,
			take: func(ctx context.Context) (figures, error) {
				return bench(ctx, []string{fmt.Sprintf("NOROSHI_BENCH_SIZE=%d", s.entries), "TMPDIR=" + s.dir}, "./internal/engine/tlog", "BenchmarkVerify", "3x")
			},
			rows: []row{
				{What: fmt.Sprintf("ledger verify from tiles alone, %s entries of 300 bytes", number(float64(s.entries))), Figure: "entries/s", Unit: "/s", Target: "≥ 450,000/s (10 M ≤ 25 s)"},
				{What: "the same, the whole log", Figure: "ms/op", Unit: "ms"},
			},
		}},
		{{
			name: "import", command: "bench/run -only import",
			take: func(ctx context.Context) (figures, error) { return self(ctx, s, "import") },
			rows: []row{
				{What: "import of 100,000 rows of CSV: preview and apply", Figure: "import s", Unit: "s", Target: "≤ 20 s"},
				{What: "the same, the preview", Figure: "preview s", Unit: "s"},
				{What: "the same, peak memory of the process", Figure: "peak MB", Unit: "MB", Target: "≤ 300 MB"},
			},
		}},
		{{
			name: "lists", command: fmt.Sprintf("bench/run -only lists -equipment %d -incidents %d", s.equipment, s.incidents), once: true,
			take: func(ctx context.Context) (figures, error) { return self(ctx, s, "lists") },
			rows: pageRows(s),
		}},
		{{
			name: "render", command: "go test -run '^$' -bench 'BenchmarkRenderAll$' ./internal/incident",
			take: func(ctx context.Context) (figures, error) {
				return bench(ctx, nil, "./internal/incident", "BenchmarkRenderAll", "10x")
			},
			rows: []row{{What: "one report as every profile's XLSX, JSON and page", Figure: "ms/op", Unit: "ms", Target: "≤ 300 ms"}},
		}},
		{{
			name: "binary", command: "bench/run -only binary", once: true,
			take: func(ctx context.Context) (figures, error) { return binarySize(ctx, s) },
			rows: []row{{What: "size of the program", Figure: "MB", Unit: "MB", Target: "≤ 60 MB"}},
		}},
		{{
			name: "serve", command: "bench/run -only serve",
			take: func(ctx context.Context) (figures, error) { return serving(ctx, s, "serve") },
			rows: []row{
				{What: "`noroshi serve` in an empty folder, until ready", Figure: "ready s", Unit: "s", Target: "≤ 1 s"},
				{What: "the same, once more on its data", Figure: "again s", Unit: "s", Target: "≤ 1 s"},
				{What: "the same, memory after 5 idle seconds", Figure: "idle MB", Unit: "MB", Target: "≤ 100 MB"},
			},
		}},
		{{
			name: "demo", command: "bench/run -only demo",
			take: func(ctx context.Context) (figures, error) { return serving(ctx, s, "demo") },
			rows: []row{
				{What: "`noroshi demo`, until ready", Figure: "ready s", Unit: "s", Target: "≤ 8 s"},
				{What: "the same, memory after 5 idle seconds", Figure: "idle MB", Unit: "MB"},
			},
		}},
	}, warnings(s), traffics(s, c), selections(s, c), hunts(s, c), policies(s))
}

// logs are the ledger and the peer in turn: the same number of writers, each
// waiting for durability, entries of the same size, on the same disk, with a
// checkpoint every 500 ms; a run lasts until all entries are under a signed
// checkpoint. The batches of the peer are those that suit it best.
func logs(s setting) (out []measured) {
	rows := func(who string) []row {
		return []row{
			{What: who + ": durable entries", Figure: "entries/s", Unit: "/s"},
			{What: "the same, processor time of one", Figure: "cpu us", Unit: "µs"},
			{What: "the same, time until durable, p95", Figure: "durable p95 ms", Unit: "ms"},
			{What: "the same, time from then until provable, p95", Figure: "proof p95 ms", Unit: "ms"},
		}
	}
	for _, w := range []struct {
		writers int
		batch   string
		age     time.Duration
	}{{64, "32", 5 * time.Millisecond}, {512, "256", 250 * time.Millisecond}} {
		n := fmt.Sprint(w.writers)
		ours := rows("ledger (SQLite, synchronous=FULL), " + n + " writers")
		ours[0].Target, ours[3].Target = "≥ 10,000/s", "≤ 1,000 ms"
		out = append(out, measured{
			name: "ledger-" + n, command: "bench/run -only ledger-" + n, rows: ours,
			take: func(ctx context.Context) (figures, error) { return self(ctx, s, "ledger", "-writers", n) },
		}, measured{
			name: "tessera-" + n, command: "bench/run -only tessera-" + n,
			rows: rows(fmt.Sprintf("peer: Tessera 1.0.4 POSIX (fsync, batches of %s or %s), %s writers", w.batch, w.age, n)),
			take: func(ctx context.Context) (f figures, err error) {
				return tessera(ctx, s, "-writers", n, "-batch", w.batch, "-age", w.age.String())
			},
		})
	}
	return out
}

// tessera runs the peer, which is a module of its own.
func tessera(ctx context.Context, s setting, args ...string) (f figures, err error) {
	dir, err := os.MkdirTemp(s.dir, "bench-peer-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	exe := filepath.Join(dir, "tessera")
	fetch, cancel := context.WithTimeout(ctx, 5*time.Minute) // the first build fetches modules
	defer cancel()
	if _, err := start(fetch, nil, "bench/tessera", "go", "build", "-o", exe, "."); err != nil {
		return nil, err
	}
	o, err := start(ctx, nil, "", exe, append([]string{"-dir", dir, "-time", s.length.String(), "-size", fmt.Sprint(entrySize)}, args...)...)
	if err != nil {
		return nil, err
	}
	return o.figures()
}

func pageRows(s setting) (out []row) {
	over := fmt.Sprintf(" over %s pieces of equipment and %s incidents", number(float64(s.equipment)), number(float64(s.incidents)))
	for _, name := range []string{"equipment list", "equipment search", "incident list", "incident search", "own reports"} {
		out = append(out, row{What: name + " pages" + over + ", p95", Figure: name + " p95 ms", Unit: "ms", Target: "≤ 30 ms"})
	}
	return append(out, row{What: "memory of the hub after these pages", Figure: "busy MB", Unit: "MB"})
}

// binarySize builds the program as `make build` does.
func binarySize(ctx context.Context, s setting) (f figures, err error) {
	dir, err := os.MkdirTemp(s.dir, "bench-binary-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	exe, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(exe)
	if err != nil {
		return nil, err
	}
	return figures{"MB": float64(info.Size()) / 1e6}, nil
}

// serving starts the program, looks at it after 5 idle seconds, and starts it
// again.
func serving(ctx context.Context, s setting, command string) (f figures, err error) {
	dir, err := os.MkdirTemp(s.dir, "bench-serve-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	exe, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	first, err := serve(ctx, exe, data, command)
	if err != nil {
		return nil, err
	}
	time.Sleep(5 * time.Second)
	f = figures{"ready s": first.ready.Seconds(), "idle MB": first.memory()}
	if err := first.stop(); err != nil || command == "demo" {
		return f, err
	}
	second, err := serve(ctx, exe, data, command)
	if err != nil {
		return nil, err
	}
	f["again s"] = second.ready.Seconds()
	return f, second.stop()
}
