//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// measured is one measure: how it is taken and which rows its figures make.
type measured struct {
	name    string // of -only
	command string // what to type to get it alone
	once    bool   // too long to repeat
	take    func(ctx context.Context) (figures, error)
	rows    []row
}

// figures are what one run of a measure gives, by name.
type figures map[string]float64

// row is a line of the table.
type row struct {
	Name    string  `json:"measure"`
	What    string  `json:"what"`
	Figure  string  `json:"-"`     // its name in the figures
	Value   float64 `json:"value"` // the median of the runs
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
	Runs    int     `json:"runs"`
	Unit    string  `json:"unit"`
	Target  string  `json:"target,omitempty"`
	Others  float64 `json:"others"` // percent of the processors that others used meanwhile, the worst run
	Command string  `json:"command"`
	Missing string  `json:"missing,omitempty"` // why there is no value
}

// machine is where the table was made.
type machine struct {
	At         time.Time `json:"at"`
	Commit     string    `json:"commit"`
	Processor  string    `json:"processor"`
	Processors int       `json:"processors"`
	Go         string    `json:"go"`
	Folder     string    `json:"folder"`
	Disk       string    `json:"file_system"`
	Load       string    `json:"load"` // 1, 5 and 15 minutes before the first measure
	Full       bool      `json:"full"`
}

// table is everything that was measured.
type table struct {
	Machine machine `json:"machine"`
	Rows    []row   `json:"rows"`
}

// take runs the measures of a group in turn, A B A B, so that each meets the
// same weather, and returns their rows.
func take(ctx context.Context, s setting, group []measured) (rows []row) {
	got := make([][]figures, len(group))
	others := make([]float64, len(group))
	missing := make([]string, len(group))
	for n := range s.runs {
		for i, m := range group {
			if n > 0 && m.once || missing[i] != "" {
				continue
			}
			if ctx.Err() != nil {
				missing[i] = "interrupted"
				continue
			}
			fmt.Fprintf(os.Stderr, "%s %s\n", time.Now().Format(time.TimeOnly), m.name)
			before := meter()
			f, err := m.take(ctx)
			others[i] = max(others[i], meter().since(before))
			if ctx.Err() != nil {
				err = errors.New("interrupted")
			}
			if err != nil {
				missing[i] = short(err)
				fmt.Fprintln(os.Stderr, err)
				continue
			}
			got[i] = append(got[i], f)
		}
	}
	for i, m := range group {
		for _, r := range m.rows {
			r.Name, r.Command, r.Others, r.Missing = m.name, m.command, others[i], missing[i]
			var all []float64
			for _, f := range got[i] {
				if v, ok := f[r.Figure]; ok {
					all = append(all, v)
				}
			}
			slices.Sort(all)
			r.Runs = len(all)
			switch {
			case len(all) > 0:
				r.Value, r.Low, r.High = all[len(all)/2], all[0], all[len(all)-1]
			case r.Missing == "":
				r.Missing = "see the messages"
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// markdown draws the table.
func (t table) markdown() string {
	var b strings.Builder
	m := t.Machine
	fmt.Fprintf(&b, "%s, commit %s, %d × %s, %s, %s on %s, load before %s\n\n", m.At.Format(time.RFC3339), m.Commit, m.Processors, m.Processor, m.Go, m.Folder, m.Disk, m.Load)
	if m.Disk == "tmpfs" {
		b.WriteString("The folder is memory, not a disk: what is said of durable writes means nothing. Use -dir.\n\n")
	}
	b.WriteString("| what | measured | target | others | command |\n|---|---|---|---|---|\n")
	for _, r := range t.Rows {
		said := number(r.Value) + " " + r.Unit
		if r.Runs > 1 {
			said += fmt.Sprintf(" (%s–%s, %d runs)", number(r.Low), number(r.High), r.Runs)
		}
		if r.Runs == 0 {
			said = "not measured: " + r.Missing
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %.0f %% | `%s` |\n", r.What, said, cmp.Or(r.Target, "–"), r.Others, r.Command)
	}
	b.WriteString("\nOf several runs the median. others: processor time that was not the measure's own.\n")
	return b.String()
}

// number writes a figure with three digits that matter and commas.
func number(v float64) string {
	digits := 0
	if v != 0 {
		digits = max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	}
	s := strconv.FormatFloat(v, 'f', min(digits, 3), 64)
	whole, rest, _ := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return whole
}

// describe says where and with what the table is made.
func describe(ctx context.Context, s setting) machine {
	m := machine{At: time.Now().UTC().Truncate(time.Second), Processors: runtime.NumCPU(), Go: runtime.Version(), Folder: s.dir, Full: s.full}
	out := func(name string, args ...string) string {
		raw, err := exec.CommandContext(ctx, name, args...).Output()
		if err != nil {
			return "unknown"
		}
		return strings.TrimSpace(string(raw))
	}
	m.Commit = out("git", "describe", "--always", "--dirty", "--exclude=*")
	_, m.Disk, _ = strings.Cut(out("df", "--output=fstype", s.dir), "\n")
	m.Processor, m.Load = "unknown", "unknown"
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, ok := strings.Cut(string(raw), "model name\t: "); ok {
			m.Processor, _, _ = strings.Cut(after, "\n")
		}
	}
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(raw))[:3], " ")
	}
	return m
}

// short makes an error fit a cell of the table: its last line.
func short(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	s := strings.ReplaceAll(lines[len(lines)-1], "|", "/")
	if r := []rune(s); len(r) > 120 {
		s = string(r[:120]) + "…"
	}
	return s
}
