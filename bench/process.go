//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// outcome is how a process ended.
type outcome struct {
	out  []byte
	errs []byte
	took time.Duration
	peak float64 // MB of memory at most
}

// start runs a command to its end. Its error ends with what it last wrote to
// standard error.
func start(ctx context.Context, env []string, dir, name string, args ...string) (outcome, error) {
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr, c.Dir, c.Env = &out, &errs, dir, append(os.Environ(), env...)
	began := time.Now()
	err := c.Run()
	o := outcome{out: out.Bytes(), errs: errs.Bytes(), took: time.Since(began)}
	if err != nil {
		said := bytes.TrimSpace(append(out.Bytes(), errs.Bytes()...))
		return o, fmt.Errorf("%s: %w\n%s", strings.Join(append([]string{name}, args...), " "), err, said)
	}
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.peak = float64(u.Maxrss) * 1024 / 1e6
	}
	return o, nil
}

// self runs a measure of this program in a process of its own.
func self(ctx context.Context, s setting, measure string, args ...string) (figures, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args = append([]string{"-measure", measure, "-dir", s.dir, "-time", s.length.String(), "-equipment", strconv.Itoa(s.equipment), "-incidents", strconv.Itoa(s.incidents)}, args...)
	o, err := start(ctx, nil, "", exe, args...)
	if err != nil {
		return nil, err
	}
	_, _ = os.Stderr.Write(o.errs) // why a figure is not among them
	return o.figures()
}

// figures reads the last line of what a measure wrote.
func (o outcome) figures() (figures, error) {
	out := bytes.TrimSpace(o.out)
	f := figures{}
	if err := json.Unmarshal(out[bytes.LastIndexByte(out, '\n')+1:], &f); err != nil {
		return nil, fmt.Errorf("output of the measure: %w", err)
	}
	f["peak MB"] = o.peak
	return f, nil
}

// bench runs a Go benchmark and returns its metrics by unit; where it has
// several lines, those of the last.
func bench(ctx context.Context, env []string, pkg, name, rounds string) (figures, error) {
	o, err := start(ctx, env, "", "go", "test", "-run", "^$", "-bench", "^"+name+"$", "-benchtime", rounds, "-timeout", "30m", pkg)
	if err != nil {
		return nil, err
	}
	f := figures{}
	for line := range strings.Lines(string(o.out)) {
		w := strings.Fields(line)
		if len(w) < 4 || !strings.HasPrefix(w[0], name) {
			continue
		}
		for i := 2; i+1 < len(w); i += 2 {
			if v, err := strconv.ParseFloat(w[i], 64); err == nil {
				f[w[i+1]] = v
			}
		}
	}
	if len(f) == 0 {
		return nil, fmt.Errorf("%s has no benchmark %s", pkg, name)
	}
	f["ms/op"] = f["ns/op"] / 1e6
	return f, nil
}

// clock is the processor time of the machine and of this program with its
// ended children, in seconds.
type clock struct{ all, own, wall float64 }

// tick is the unit of /proc/stat; on every Linux that Go runs on it is 1/100 s.
const tick = 100

// meter reads the clocks; where there is no /proc they stay zero.
func meter() (c clock) {
	c.wall = float64(time.Now().UnixNano()) / 1e9
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return c
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	for i, w := range strings.Fields(first) {
		// user, nice, system, idle, iowait, irq, softirq, steal: all but idle and iowait
		if v, err := strconv.ParseFloat(w, 64); err == nil && i <= 8 && i != 4 && i != 5 {
			c.all += v / tick
		}
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			c.own += time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
		}
	}
	return c
}

// since returns the percentage of the processors that others used.
func (c clock) since(b clock) float64 {
	span := (c.wall - b.wall) * float64(runtime.NumCPU())
	if span <= 0 {
		return 0
	}
	return max(0, (c.all-b.all)-(c.own-b.own)) / span * 100
}
