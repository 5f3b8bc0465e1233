package sensor

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/geo"
)

// Bounds of what "geo build" reads, in bytes after unpacking.
const (
	maxRows = 1 << 30 // a CSV file
	maxMMDB = 512_000_000
)

// TableFacts are what a table says of itself, for "geo table" and "geo build".
type TableFacts struct {
	File       string   `json:"file,omitempty"` // "" for the table that comes with the program
	Source     string   `json:"source"`
	Licence    string   `json:"licence"`
	Date       string   `json:"date"` // YYYY-MM-DD, "" when not known
	Ranges4    int      `json:"ipv4_ranges"`
	Addresses4 uint64   `json:"ipv4_addresses"`
	Ranges6    int      `json:"ipv6_ranges"`
	Subnets6   uint64   `json:"ipv6_64_networks"`
	Countries  int      `json:"countries"`
	Systems    int      `json:"as_numbers"`
	Complete   []string `json:"complete,omitempty"` // countries whose lists are complete
	Rows       int      `json:"rows,omitempty"`     // rows read, for "geo build"
}

func factsOf(file string, t *geo.Table) *TableFacts {
	m, n := t.Meta(), t.Counts()
	f := &TableFacts{File: file, Source: m.Source, Licence: m.Licence, Ranges4: n.Ranges4, Addresses4: n.Addresses4,
		Ranges6: n.Ranges6, Subnets6: n.Subnets6, Countries: n.Countries, Systems: n.Systems, Complete: m.Complete}
	if !m.Date.IsZero() {
		f.Date = m.Date.UTC().Format(time.DateOnly)
	}
	return f
}

// tell writes the facts for people, one in a line.
func (f *TableFacts) tell(w io.Writer, p text.Printer) error {
	date := f.Date
	lines := []string{
		p.T("sensor.geo.table.source", "source", orUnsaid(p, f.Source), "date", orUnsaid(p, date), "licence", orUnsaid(p, f.Licence)),
		p.T("sensor.geo.table.ranges", "ranges", f.Ranges4, "addresses", p.Number(int64(f.Addresses4)), "ranges_six", f.Ranges6, "subnets", p.Number(int64(f.Subnets6))),
		p.T("sensor.geo.table.who", "countries", f.Countries, "systems", f.Systems),
	}
	if len(f.Complete) > 0 {
		lines = append(lines, p.T("sensor.geo.table.complete", "countries", strings.Join(f.Complete, " ")))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// geoTableCommand is "noroshi geo table": where a table comes from and what it
// holds.
func geoTableCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use: "table", Short: p.T("sensor.geo.table.short"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t, err := readTable(name)
			if err != nil {
				return err
			}
			return env.Emit(factsOf(name, t), factsOf(name, t).tell)
		},
	}
	c.Flags().StringVar(&name, "table", "", p.T("sensor.geo.flag.table"))
	return c
}

// geoBuild are the options of "geo build".
type geoBuild struct {
	csv, mmdb             []string
	home, out             string
	source, licence, date string
}

// geoBuildCommand is "noroshi geo build --csv FILE | --mmdb FILE": one table
// file of CSV files and MMDB databases. Nothing is written when a row cannot
// be read, rows contradict each other, or no row names the home country.
func geoBuildCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var g geoBuild
	c := &cobra.Command{
		Use: "build --csv FILE | --mmdb FILE", Short: p.T("sensor.geo.build.short"), Long: p.T("sensor.geo.build.long"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if len(g.csv)+len(g.mmdb) == 0 {
				return fault.New(fault.Usage, "sensor.geo.build.what")
			}
			return g.run(env)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&g.csv, "csv", nil, p.T("sensor.geo.build.flag.csv"))
	f.StringArrayVar(&g.mmdb, "mmdb", nil, p.T("sensor.geo.build.flag.mmdb"))
	f.StringVar(&g.home, "home", geo.DefaultHome, p.T("sensor.geo.build.flag.home"))
	f.StringVar(&g.out, "out", "table.geo", p.T("sensor.geo.build.flag.out"))
	f.StringVar(&g.source, "source", "", p.T("sensor.geo.build.flag.source"))
	f.StringVar(&g.licence, "licence", "", p.T("sensor.geo.build.flag.licence"))
	f.StringVar(&g.date, "date", "", p.T("sensor.geo.build.flag.date"))
	return c
}

func (g *geoBuild) run(env *cli.Env) error {
	var b geo.Builder
	meta := geo.Meta{Source: g.source, Licence: g.licence}
	if g.date != "" {
		day, err := time.Parse(time.DateOnly, g.date)
		if err != nil {
			return fault.New(fault.Usage, "sensor.geo.build.bad_date", "date", g.date)
		}
		meta.Date = day
	}
	if err := g.read(env, &b, &meta); err != nil {
		return err
	}
	if b.Rows() == 0 {
		return fault.New(fault.Usage, "sensor.geo.build.empty")
	}
	if meta.Source == "" {
		for _, name := range slices.Concat(g.csv, g.mmdb) {
			meta.Source = strings.TrimSpace(meta.Source + " " + filepath.Base(name))
		}
	}
	t, err := b.Table(meta)
	if err != nil {
		return contradiction(err)
	}
	if _, err := t.Classifier(geo.Options{Home: strings.ToUpper(g.home)}); err != nil {
		return geoFault(g.out, err)
	}
	if err := writeTable(g.out, t); err != nil {
		return err
	}
	facts := factsOf(g.out, t)
	facts.Rows = b.Rows()
	if err := env.Emit(facts, facts.tell); err != nil {
		return err
	}
	env.Say("sensor.geo.build.done", "file", g.out, "rows", b.Rows())
	if meta.Licence == "" || meta.Date.IsZero() {
		env.Say("sensor.geo.build.unsaid")
	}
	return nil
}

// read adds all inputs to b. What an MMDB file says of itself fills what the
// person did not say.
func (g *geoBuild) read(env *cli.Env, b *geo.Builder, meta *geo.Meta) error {
	w := &watchedFiles{done: env.Progress(sizeOf(slices.Concat(g.csv, g.mmdb)), env.Printer().T("sensor.geo.build.short"))}
	for _, name := range g.csv {
		src, err := w.open(name)
		if err != nil {
			return fault.New(fault.Usage, "cli.cannot_read", "file", name).Because(err)
		}
		err = readRows(b, name, w)
		src.Close()
		if err != nil {
			return err
		}
	}
	for _, name := range g.mmdb {
		raw, err := cli.ReadFile(name, maxMMDB)
		if err != nil {
			return err
		}
		m, err := geo.ReadMMDB(b, name, raw)
		if errors.Is(err, geo.ErrMMDB) {
			return fault.New(fault.Usage, "sensor.geo.build.not_mmdb", "file", name).Because(err)
		} else if err != nil {
			return geoFault(name, err)
		}
		if meta.Source == "" {
			meta.Source = m.Source
		}
		if meta.Date.IsZero() {
			meta.Date = m.Date
		}
	}
	return nil
}

// readRows adds the rows of a CSV file, unpacking gzip (RFC 1952).
func readRows(b *geo.Builder, name string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<16)
	src := io.Reader(in)
	if head, _ := in.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fault.New(fault.Usage, "cli.cannot_read", "file", name).Because(err)
		}
		src = z
	}
	left := &io.LimitedReader{R: src, N: maxRows}
	err := geo.ReadCSV(b, name, left)
	if left.N == 0 {
		return fault.New(fault.TooLarge, "cli.file_too_large", "file", name, "mb", maxRows/1_000_000)
	}
	var limit *geo.LimitError
	if err == nil || errors.As(err, &limit) {
		return geoFault(name, err)
	}
	if places := badRows(err); places != nil {
		return fault.New(fault.Usage, "sensor.geo.build.bad_rows", "file", name).Because(err).At(places...)
	}
	return fault.New(fault.Usage, "cli.cannot_read", "file", name).Because(err)
}

// badRows returns the places of joined LineErrors, each with what to do.
func badRows(err error) (places []fault.Place) {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, one := range all.Unwrap() {
		var e *geo.LineError
		if !errors.As(one, &e) {
			return nil
		}
		places = append(places, fault.Place{At: fmt.Sprintf("%s:%d", filepath.Base(e.File), e.Line), Code: "sensor.geo.bad." + string(e.Problem),
			Args: fault.Args{"value": e.Value, "max": geo.MaxLine}})
	}
	return places
}

func contradiction(err error) error {
	var e *geo.ConflictError
	if !errors.As(err, &e) {
		return err
	}
	at := func(p geo.Place, ranges, country string) fault.Place {
		if country == "" {
			country = "-"
		}
		return fault.Place{At: fmt.Sprintf("%s:%d", filepath.Base(p.File), p.Line), Code: "sensor.geo.build.says", Args: fault.Args{"range": ranges, "country": country}}
	}
	return fault.New(fault.Usage, "sensor.geo.build.conflict").Because(err).At(at(e.A, e.ARange, e.ASays), at(e.B, e.BRange, e.BSays))
}

// writeTable writes a table file, whole or not at all. A file that is there
// and is no table is left alone.
func writeTable(name string, t *geo.Table) error {
	if f, err := os.Open(name); err == nil {
		head, _ := io.ReadAll(io.LimitReader(f, 8))
		f.Close()
		if _, err := geo.Decode(head); errors.Is(err, geo.ErrNotTable) && len(head) > 0 {
			return fault.New(fault.Usage, "sensor.geo.build.other_file", "file", name)
		}
	}
	out, err := cli.Create(name)
	if err != nil {
		return fault.New(fault.Usage, "sensor.geo.build.cannot_write", "file", name).Because(err)
	}
	defer out.Abandon()
	_, err = out.Write(t.Encode())
	if err == nil {
		err = out.Chmod(0o644)
	}
	if err == nil {
		err = out.Keep()
	}
	if err != nil {
		return fault.New(fault.Internal, "sensor.geo.build.cannot_write", "file", name).Because(err)
	}
	return nil
}
