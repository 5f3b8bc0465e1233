//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/engine/flow/capture"
)

// captured is the capture that the measures share, and the program. Both are
// made when they are first asked for. The files have no name, children open
// them through this process: they are gone when it ends, however it ends.
type captured struct {
	dir   string
	files map[int]*os.File // by how many packets
	exe   *os.File
}

// file returns a name by which children open a capture of so many packets.
func (c *captured) file(packets int) (name string, err error) {
	if f := c.files[packets]; f != nil {
		return nameOfOpen(f), nil
	}
	f, err := unnamed(c.dir, func(w *bufio.Writer) error { return writeMix(w, packets) })
	if err != nil {
		return "", err
	}
	if c.files == nil {
		c.files = map[int]*os.File{}
	}
	c.files[packets] = f
	return nameOfOpen(f), nil
}

// unnamed writes a file that has no name.
func unnamed(dir string, write func(*bufio.Writer) error) (*os.File, error) {
	f, err := os.CreateTemp(dir, "bench-")
	if err != nil {
		return nil, err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := errors.Join(write(b), b.Flush(), f.Sync()); err != nil { // no writing back while others read
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// writeMix writes a capture of so many packets.
func writeMix(to *bufio.Writer, packets int) error {
	w, err := capture.NewWriter(to, capture.LinkEthernet)
	if err != nil {
		return err
	}
	m := newMix(1)
	for range packets {
		p := m.next()
		if err := w.Write(&p); err != nil {
			return err
		}
	}
	return nil
}

func nameOfOpen(f *os.File) string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()) }

// noroshi returns a name by which children start the program.
func (c *captured) noroshi(ctx context.Context) (name string, err error) {
	if c.exe != nil {
		return nameOfOpen(c.exe), nil
	}
	err = c.inFolder(func(dir string) error {
		exe, err := build(ctx, dir)
		if err != nil {
			return err
		}
		c.exe, err = os.Open(exe)
		return err
	})
	if err != nil {
		return "", err
	}
	return nameOfOpen(c.exe), nil
}

// engine is a measure by a benchmark of traffic_test.go over the capture.
func (c *captured) engine(name, command, benchmark, processors, rounds string, rows ...row) measured {
	return measured{name: name, command: command, rows: rows, take: func(ctx context.Context) (figures, error) {
		file, err := c.file(mixPackets)
		if err != nil {
			return nil, err
		}
		return bench(ctx, []string{"NOROSHI_BENCH_CAPTURE=" + file, "GOMAXPROCS=" + processors}, "./bench", benchmark, rounds)
	}}
}

// program is a measure of a program that reads the capture, on one core where
// it is ours.
func (c *captured) program(name, command, what string, packets int, tool string, args func(file, dir string) []string) measured {
	return measured{name: name, command: command, rows: programRows(what), take: func(ctx context.Context) (figures, error) {
		exe, err := exec.LookPath(tool)
		if tool == "noroshi" {
			exe, err = c.noroshi(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%s is not installed", tool)
		}
		return c.run(ctx, mixPackets, packets, func(file, dir string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, exe, args(file, dir)...)
			cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
			return cmd
		})
	}}
}

// programRows are the figures of run.
func programRows(what string, more ...row) []row {
	return append([]row{
		{What: what + ": packets per second of processor time", Figure: "packets/cpu s", Unit: "/s"},
		{What: "the same, packets per second", Figure: "packets/s", Unit: "/s"},
		{What: "the same, peak memory", Figure: "peak MB", Unit: "MB"},
	}, more...)
}

// run runs a program with a capture of so many packets, of which it reads so many,
// and with one packet; the difference is what packets take.
func (c *captured) run(ctx context.Context, held, packets int, command func(file, dir string) *exec.Cmd) (figures, error) {
	var o [2]outcome
	for i, n := range []int{1, held} {
		file, err := c.file(n)
		if err != nil {
			return nil, err
		}
		if o[i], err = c.silent(command, file); err != nil {
			return nil, err
		}
	}
	return figures{"packets/cpu s": float64(packets) / (o[1].worked - o[0].worked).Seconds(), "packets/s": float64(packets) / (o[1].took - o[0].took).Seconds(),
		"begin ms": o[0].took.Seconds() * 1e3, "peak MB": o[1].peak}, nil
}

// silent runs a program in a folder of its own and drops what it says.
func (c *captured) silent(command func(file, dir string) *exec.Cmd, file string) (o outcome, err error) {
	err = c.inFolder(func(dir string) (err error) {
		o, err = watched(command(file, dir))
		return err
	})
	return o, err
}

// inFolder makes a folder that is there as long as fn runs.
func (c *captured) inFolder(fn func(dir string) error) error {
	dir, err := os.MkdirTemp(c.dir, "bench-")
	if err != nil {
		return err
	}
	return errors.Join(fn(dir), os.RemoveAll(dir))
}

// watched runs a command to its end and looks at its memory meanwhile. What the
// system says at the end will not do: a child begins with the peak of this
// process, which is more than small programs take.
func watched(cmd *exec.Cmd) (o outcome, err error) {
	var errs bytes.Buffer
	cmd.Stderr = &errs
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return o, err
	}
	over, looked := make(chan struct{}), make(chan float64)
	go func() { looked <- peakOf(cmd.Process.Pid, over) }()
	err = cmd.Wait()
	o.took = time.Since(began)
	close(over)
	if o.peak = <-looked; err != nil {
		return o, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	o.worked = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return o, nil
}

// peakOf looks every 10 ms at the most memory a process had until then, in MB.
func peakOf(pid int, over chan struct{}) (peak float64) {
	for {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, after, ok := strings.Cut(string(raw), "VmHWM:"); ok {
			if w := strings.Fields(after); len(w) > 0 {
				if kib, err := strconv.ParseFloat(w[0], 64); err == nil {
					peak = max(peak, kib*1024/1e6)
				}
			}
		}
		select {
		case <-over:
			return peak
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// cores is a measure of a command of ours on one core and on two, in turn, over a
// capture of so many packets.
func (c *captured) cores(name, command, what string, packets int, args ...string) measured {
	return measured{name: name, command: command, rows: []row{
		{What: what + ", one core: packets per second of processor time", Figure: "1 packets/cpu s", Unit: "/s"},
		{What: "the same, packets per second", Figure: "1 packets/s", Unit: "/s"},
		{What: "the same, peak memory", Figure: "1 peak MB", Unit: "MB"},
		{What: what + ", two cores: packets per second", Figure: "2 packets/s", Unit: "/s"},
		{What: "the same, packets per second of processor time", Figure: "2 packets/cpu s", Unit: "/s"},
		{What: "the same, peak memory", Figure: "2 peak MB", Unit: "MB"},
		{What: "the same, times as fast as one core", Figure: "ratio", Unit: "×", Target: "≥ 1.8 ×"},
	}, take: func(ctx context.Context) (figures, error) {
		exe, err := c.noroshi(ctx)
		if err != nil {
			return nil, err
		}
		f := figures{}
		for _, n := range []string{"1", "2"} {
			got, err := c.run(ctx, packets, packets, func(file, _ string) *exec.Cmd {
				cmd := exec.CommandContext(ctx, exe, append(args, "--home", home, "--workers", n, file)...)
				cmd.Env = append(os.Environ(), "GOMAXPROCS="+n)
				return cmd
			})
			if err != nil {
				return nil, err
			}
			for k, v := range got {
				f[n+" "+k] = v
			}
		}
		f["ratio"] = f["2 packets/s"] / f["1 packets/s"]
		return f, nil
	}}
}
