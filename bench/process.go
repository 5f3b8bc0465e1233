//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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

	worked time.Duration // processor time
}

// start runs a command to its end. Its error ends with what it last wrote to
// standard error.
func start(ctx context.Context, env []string, dir, name string, args ...string) (outcome, error) {
	var out bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Dir, c.Env = &out, dir, append(os.Environ(), env...)
	o, err := ended(c)
	if o.out = out.Bytes(); err != nil {
		err = fmt.Errorf("%w\n%s", err, bytes.TrimSpace(append(out.Bytes(), o.errs...)))
	}
	return o, err
}

// toFile runs a command that reads one file, or nothing, and writes another.
func toFile(ctx context.Context, in, out, name string, args ...string) (o outcome, err error) {
	c := exec.CommandContext(ctx, name, args...)
	if in != "" {
		f, err := os.Open(in)
		if err != nil {
			return o, err
		}
		defer f.Close()
		c.Stdin = f
	}
	f, err := os.Create(out)
	if err != nil {
		return o, err
	}
	c.Stdout = f
	o, err = ended(c)
	if err = errors.Join(err, f.Close()); err != nil {
		err = fmt.Errorf("%w\n%s", err, bytes.TrimSpace(o.errs))
	}
	return o, err
}

// ended runs a command to its end.
func ended(c *exec.Cmd) (outcome, error) {
	var errs bytes.Buffer
	c.Stderr = &errs
	began := time.Now()
	err := c.Run()
	o := outcome{errs: errs.Bytes(), took: time.Since(began)}
	if err != nil {
		return o, fmt.Errorf("%s: %w", strings.Join(c.Args, " "), err)
	}
	o.worked = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
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
	args = append([]string{"-measure", measure, "-dir", s.dir, "-time", s.length.String(), "-equipment", strconv.Itoa(s.equipment), "-incidents", strconv.Itoa(s.incidents), "-selectors", strconv.Itoa(s.selectors)}, args...)
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
// several lines, those of the last, and those of a part by its name and unit.
func bench(ctx context.Context, env []string, pkg, name, rounds string) (figures, error) {
	o, err := start(ctx, env, "", "go", "test", "-run", "^$", "-bench", "^"+strings.ReplaceAll(name, "/", "$/^")+"$", "-benchtime", rounds, "-timeout", "60m", pkg)
	if err != nil {
		return nil, err
	}
	f := figures{}
	for line := range strings.Lines(string(o.out)) {
		w := strings.Fields(line)
		if len(w) < 4 || !strings.HasPrefix(w[0], name) {
			continue
		}
		_, part, isPart := strings.Cut(strings.TrimSuffix(w[0], fmt.Sprintf("-%d", runtime.GOMAXPROCS(0))), "/")
		for i := 2; i+1 < len(w); i += 2 {
			v, err := strconv.ParseFloat(w[i], 64)
			if err != nil {
				continue
			}
			if f[w[i+1]] = v; isPart {
				f[part+" "+w[i+1]] = v
				f[part+" ms/op"] = f[part+" ns/op"] / 1e6
			}
		}
	}
	if len(f) == 0 {
		return nil, fmt.Errorf("%s has no benchmark %s", pkg, name)
	}
	f["ms/op"] = f["ns/op"] / 1e6
	return f, nil
}

// benches runs Go benchmarks of a package in turn, on one core, for a fifth of
// the time of a run each. Their metrics are named by them first.
func benches(ctx context.Context, s setting, pkg string, names ...string) (figures, error) {
	f := figures{}
	for _, name := range names {
		got, err := bench(ctx, []string{"GOMAXPROCS=1"}, pkg, name, (s.length / 5).Round(100*time.Millisecond).String())
		if err != nil {
			return nil, err
		}
		for k, v := range got {
			f[name+" "+k] = v
		}
	}
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
