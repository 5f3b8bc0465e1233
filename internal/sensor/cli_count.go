package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
)

// Counted is the answer of "flow count": packets, bytes on the wire, how many
// packets contain a layer, and what was wrong by kind. Layers has the six that
// analysts ask for first even when there are none.
type Counted struct {
	File    string           `json:"file,omitempty"`
	Packets int64            `json:"packets"`
	Bytes   int64            `json:"bytes"`
	Layers  map[string]int64 `json:"layers"`
	Errors  map[string]int64 `json:"errors"`
	Stopped string           `json:"stopped,omitempty"` // why reading ended before the file did
	Files   []*Counted       `json:"files,omitempty"`   // with several files, each
}

// firstLayers are those of an answer even when no packet has them.
var firstLayers = [...]string{"ip", "ipv6", "tcp", "udp", "icmp", "icmpv6"}

// countCommand is "noroshi flow count FILE...": packets and layers of captures.
// Exit 0 when every file was a capture, whatever its packets are like; 2 when
// one was not, or could not be read to its end; the others are counted.
func countCommand(env *cli.Env) *cobra.Command {
	p := env.Printer()
	return &cobra.Command{
		Use: "count FILE...", Short: p.T("sensor.count.short"), Long: p.T("sensor.count.long"), Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			total, stopped, err := countFiles(c.Context(), env, files)
			if err != nil {
				return err
			}
			if err := env.Emit(total, func(w io.Writer, p text.Printer) error { return tellCount(w, p, total) }); err != nil {
				return err
			}
			if stopped != nil {
				return fault.New(fault.Usage, "sensor.count.stopped", "n", len(stopped)).At(stopped...)
			}
			return nil
		},
	}
}

// countFiles counts file by file and returns the sums, and the places where
// reading stopped early.
func countFiles(ctx context.Context, env *cli.Env, files []string) (*Counted, []fault.Place, error) {
	files, within, passed, err := inFolders(files)
	if err != nil {
		return nil, nil, err
	}
	in := &watchedFiles{stdin: env.In, done: env.Progress(sizeOf(files), env.Printer().T("sensor.count.short"))}
	total := newCounted("")
	var stopped []fault.Place
	for i, name := range files {
		one := newCounted(name)
		err := one.read(ctx, in, name)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if within[i] && errors.Is(err, capture.ErrFormat) {
			passed++
			continue
		}
		if err != nil {
			f := fault.Of(unread(err))
			one.Stopped = env.Printer().Fault(f).Title
			stopped = append(stopped, fault.Place{At: name, Code: f.Code, Args: f.Args})
		}
		total.add(one)
		total.Files = append(total.Files, one)
	}
	if passed > 0 {
		env.Say("sensor.detect.passed", "n", passed)
	}
	if len(total.Files) == 1 && len(files) == 1 {
		total.Stopped, total.Files = total.Files[0].Stopped, nil
	}
	return total, stopped, nil
}

// unread says in one sentence why a file could not be read; it never repeats
// what is in the file.
func unread(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Usage, "sensor.count.absent").Because(err)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Usage, "sensor.count.forbidden").Because(err)
	case errors.Is(err, capture.ErrFormat):
		return fault.New(fault.Usage, "sensor.count.format").Because(err)
	}
	return fault.New(fault.Usage, "sensor.count.broken").Because(err)
}

func newCounted(file string) *Counted {
	c := &Counted{File: file, Layers: map[string]int64{}, Errors: map[string]int64{}}
	for _, l := range firstLayers {
		c.Layers[l] = 0
	}
	return c
}

// read counts one capture. An empty file has no packets.
func (c *Counted) read(ctx context.Context, in *watchedFiles, name string) error {
	src, err := in.open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	r, err := capture.NewReader(in)
	if err == io.EOF {
		return nil
	} else if err != nil {
		return err
	}
	defer r.Wipe()
	var n packet.Counter
	batch := make([]capture.Packet, 512)
	for err == nil && ctx.Err() == nil {
		var got int
		got, err = r.Next(batch)
		n.Add(batch[:got])
	}
	c.take(&n, r.Stats())
	if err == io.EOF {
		return nil
	}
	return err
}

func (c *Counted) take(n *packet.Counter, s capture.Stats) {
	n.Settle()
	c.Packets, c.Bytes = n.Packets, n.Bytes
	for i, k := range n.Layers {
		if k > 0 {
			c.Layers[packet.LayerName(i)] += k
		}
	}
	wrong := map[string]int64{
		"file_cut": s.Truncated, "oversize": s.Oversize, "damaged": s.Damaged, "lost": s.Lost,
		"fragments_missing": n.Parts.Abandoned + n.Parts.Open(), "fragments_bad": n.Parts.Bad,
	}
	for i := 1; i < packet.Faults; i++ {
		wrong[packet.Fault(i).String()] = n.Faults[i]
	}
	for k, v := range wrong {
		if v > 0 {
			c.Errors[k] = v
		}
	}
}

func (c *Counted) add(d *Counted) {
	c.Packets += d.Packets
	c.Bytes += d.Bytes
	for k, v := range d.Layers {
		c.Layers[k] += v
	}
	for k, v := range d.Errors {
		c.Errors[k] += v
	}
}

// watchedFiles reads files one after the other and tells how far it is.
type watchedFiles struct {
	stdin io.Reader
	src   io.Reader
	read  int64
	done  func(int64)
}

func (w *watchedFiles) open(name string) (io.Closer, error) {
	if name == "-" {
		w.src = w.stdin
		return io.NopCloser(nil), nil
	}
	f, err := os.Open(name)
	w.src = f
	return f, err
}

// Read implements io.Reader.
func (w *watchedFiles) Read(p []byte) (int, error) {
	n, err := w.src.Read(p)
	w.read += int64(n)
	w.done(w.read)
	return n, err
}

// sizeOf returns the bytes of all files, -1 when that cannot be known.
func sizeOf(files []string) int64 {
	var sum int64
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		sum += info.Size()
	}
	return sum
}

// tellCount writes the table for people: layers by how many packets have them,
// then what was wrong, then each file when there are several.
func tellCount(w io.Writer, p text.Printer, c *Counted) error {
	rows := [][]string{{p.T("sensor.count.packets"), fmt.Sprint(c.Packets)}, {p.T("sensor.count.bytes"), fmt.Sprint(c.Bytes)}}
	names := make([]string, 0, len(c.Layers))
	for l := range c.Layers {
		names = append(names, l)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := c.Layers[b] - c.Layers[a]; d != 0 {
			return int(max(min(d, 1), -1))
		}
		return strings.Compare(a, b)
	})
	for _, l := range names {
		rows = append(rows, []string{"  " + l, fmt.Sprint(c.Layers[l])})
	}
	wrong := make([]string, 0, len(c.Errors))
	for e := range c.Errors {
		wrong = append(wrong, e)
	}
	slices.Sort(wrong)
	for _, e := range wrong {
		rows = append(rows, []string{p.T("sensor.count.error." + e), fmt.Sprint(c.Errors[e])})
	}
	for _, f := range c.Files {
		row := []string{f.File, fmt.Sprint(f.Packets)}
		if f.Stopped != "" {
			row = append(row, f.Stopped)
		}
		rows = append(rows, row)
	}
	return columns(w, rows)
}
