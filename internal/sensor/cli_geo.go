package sensor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/geo"
)

// stale is the age at which a table of delegations is called old.
const stale = 180 * 24 * time.Hour

// geoCommand is "noroshi geo": on which side of the border an address lies.
func geoCommand(env *cli.Env) *cobra.Command {
	p := env.Printer()
	c := &cobra.Command{Use: "geo", Short: p.T("sensor.geo.short"), Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(geoLookupCommand(env, p), geoBuildCommand(env, p), geoTableCommand(env, p))
	return c
}

// geoFlags are the options of a command that asks a table.
type geoFlags struct {
	table  string
	home   []string
	strict bool
}

// add adds --table, --home and --strict to a command.
func (g *geoFlags) add(c *cobra.Command, p text.Printer) {
	c.Flags().StringVar(&g.table, "table", "", p.T("sensor.geo.flag.table"))
	c.Flags().StringArrayVar(&g.home, "home", nil, p.T("sensor.geo.flag.home"))
	c.Flags().BoolVar(&g.strict, "strict", false, p.T("sensor.geo.flag.strict"))
}

// open returns the classifier that the options ask for: of the table named, or
// of the one that comes with the program.
func (g *geoFlags) open() (*geo.Classifier, error) {
	o, err := homeOptions(g.home)
	if err != nil {
		return nil, err
	}
	o.Strict = g.strict
	t, err := readTable(g.table)
	if err != nil {
		return nil, err
	}
	c, err := t.Classifier(o)
	return c, geoFault(g.table, err)
}

// homeOptions reads values of --home: a country of two letters, or a prefix or
// an address that is one's own. A later country goes before an earlier one.
func homeOptions(home []string) (geo.Options, error) {
	var o geo.Options
	for _, list := range home {
		for h := range strings.SplitSeq(list, ",") {
			if h = strings.TrimSpace(h); len(h) == 2 {
				o.Home = strings.ToUpper(h)
			} else if a, err := netip.ParseAddr(h); err == nil {
				o.Own = append(o.Own, netip.PrefixFrom(a, a.BitLen()))
			} else if q, err := netip.ParsePrefix(h); err == nil {
				o.Own = append(o.Own, q)
			} else {
				return o, fault.New(fault.Usage, "sensor.geo.home_bad", "home", h)
			}
		}
	}
	return o, nil
}

// readTable reads a table file, or the embedded table for "".
func readTable(name string) (*geo.Table, error) {
	if name == "" {
		return geo.Embedded()
	}
	raw, err := cli.ReadFile(name, geo.MaxFile)
	if err != nil {
		return nil, err
	}
	t, err := geo.Decode(raw)
	return t, geoFault(name, err)
}

// geoFault says an error of the engine in words. A nil error stays nil.
func geoFault(name string, err error) error {
	var home *geo.HomeError
	var own *geo.OwnError
	var limit *geo.LimitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &home):
		return fault.New(fault.Usage, "sensor.geo.no_home", "home", home.Home).Because(err)
	case errors.As(err, &own):
		return fault.New(fault.Usage, "sensor.geo.not_own", "prefix", own.Prefix.String()).Because(err)
	case errors.As(err, &limit):
		return fault.New(fault.TooLarge, "sensor.geo.limit", "file", name, "max", limit.Max).Because(err)
	case errors.Is(err, geo.ErrNotTable):
		return fault.New(fault.Usage, "sensor.geo.not_table", "file", name).Because(err)
	case errors.Is(err, geo.ErrVersion):
		return fault.New(fault.Usage, "sensor.geo.version", "file", name).Because(err)
	case errors.Is(err, geo.ErrDamaged):
		return fault.New(fault.Usage, "sensor.geo.damaged", "file", name).Because(err)
	}
	return err
}

// Located is the answer of "geo lookup" for one address, a line of its JSON.
type Located struct {
	Addr string `json:"addr"`
	geo.Info
	Date string `json:"date,omitempty"` // day of the table, when it gave the answer
}

// misread is a line of JSON in place of an answer: not an address.
type misread struct {
	Addr  string `json:"addr"`
	Error string `json:"error"`
}

// geoLookupCommand is "noroshi geo lookup ADDR...": side, country and AS of
// addresses, from the command line or one in a line of standard input. With
// --json each answer is a line. Exit 2 when something was no address; the
// others are answered.
func geoLookupCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var g geoFlags
	c := &cobra.Command{
		Use: "lookup [ADDR...]", Short: p.T("sensor.geo.lookup.short"), Long: p.T("sensor.geo.lookup.long"), Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			classifier, err := g.open()
			if err != nil {
				return err
			}
			l := newLookup(env, classifier)
			if len(args) > 0 {
				for _, a := range args {
					l.one(a, "")
				}
			} else if err := l.lines(env); err != nil {
				return err
			}
			return l.end(env)
		},
	}
	g.add(c, p)
	return c
}

// lookup writes answers as they come.
type lookup struct {
	c     *geo.Classifier
	p     text.Printer
	out   *bufio.Writer
	table *tabwriter.Writer
	json  *json.Encoder // nil for people
	day   string        // of the table
	n     int
	bad   int
	where []fault.Place // of the first of what was bad
	err   error
}

// shown bounds the places that an error names.
const shown = 10

// columnsOf is how many rows are aligned with each other: output keeps flowing.
const columnsOf = 256

func newLookup(env *cli.Env, c *geo.Classifier) *lookup {
	l := &lookup{c: c, p: env.Printer(), out: bufio.NewWriter(env.Out)}
	if date := c.Table().Meta().Date; !date.IsZero() {
		l.day = date.Format(time.DateOnly)
	}
	l.table = tabwriter.NewWriter(l.out, 0, 0, 2, ' ', 0)
	if env.JSON() {
		l.json = json.NewEncoder(l.out)
		l.json.SetEscapeHTML(false)
	}
	return l
}

// one answers for one address; at is its place, or "" on the command line.
func (l *lookup) one(s, at string) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		l.misread(s, at)
		return
	}
	got := Located{Addr: s, Info: l.c.Lookup(a)}
	if got.Source != "" {
		got.Date = l.day
	}
	if l.json != nil {
		l.keep(l.json.Encode(&got))
		return
	}
	system, country := "-", "-"
	if got.ASN != 0 {
		system = strings.TrimSpace(fmt.Sprintf("AS%d %s", got.ASN, got.Org))
	}
	if got.Country != "" {
		country = got.Country
	}
	l.row(got.Addr, l.p.T("sensor.geo.side."+got.Side.String()), country, system, l.p.T("sensor.geo.why."+got.Reason.String()))
}

// misread says of one thing that it is no address, in a form that a terminal
// may be sent.
func (l *lookup) misread(s, at string) {
	s = text.Printable(s)
	if r := []rune(s); len(r) > 50 {
		s = string(r[:50]) + "…"
	}
	if l.bad++; len(l.where) < shown {
		if at == "" {
			at = s
		}
		l.where = append(l.where, fault.Place{At: at, Code: "sensor.geo.lookup.bad_one", Args: fault.Args{"value": s}})
	}
	if l.json != nil {
		l.keep(l.json.Encode(misread{s, "not an address"}))
		return
	}
	l.row(s, l.p.T("sensor.geo.lookup.bad_word"))
}

func (l *lookup) row(columns ...string) {
	fmt.Fprintln(l.table, strings.Join(columns, "\t"))
	if l.n++; l.n%columnsOf == 0 {
		l.keep(l.table.Flush())
	}
}

// keep remembers the first error of writing.
func (l *lookup) keep(err error) {
	if l.err == nil {
		l.err = err
	}
}

// lines answers for each line of standard input. Empty lines and lines that
// begin with "#" are passed over.
func (l *lookup) lines(env *cli.Env) error {
	in := bufio.NewReaderSize(env.In, geo.MaxLine)
	if f, ok := env.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		env.Say("sensor.geo.lookup.type")
	}
	for n := 1; l.err == nil; n++ {
		raw, err := in.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		for long && errors.Is(err, bufio.ErrBufferFull) { // the rest of a line that is no address anyway
			_, err = in.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return fault.New(fault.Usage, "cli.cannot_read", "file", "-").Because(err)
		}
		if s := strings.TrimSpace(string(raw)); long {
			l.one(s[:min(len(s), 60)], l.p.T("sensor.geo.line", "n", n))
		} else if s != "" && s[0] != '#' {
			l.one(s, l.p.T("sensor.geo.line", "n", n))
		}
		if err == io.EOF {
			return nil
		}
	}
	return l.err
}

// end writes what is held back, says on standard error what the answers rest
// on, and reports what was no address.
func (l *lookup) end(env *cli.Env) error {
	l.keep(l.table.Flush())
	l.keep(l.out.Flush())
	if l.err != nil {
		return l.err
	}
	sayTable(env, l.c.Table())
	if l.bad > 0 {
		return fault.New(fault.Usage, "sensor.geo.lookup.bad", "n", l.bad).At(l.where...)
	}
	return nil
}

// sayTable says on standard error which table was asked, and when it is old.
func sayTable(env *cli.Env, t *geo.Table) {
	p, m := env.Printer(), t.Meta()
	env.Say("sensor.geo.rests", "source", orUnsaid(p, m.Source), "date", dateOf(p, m.Date), "licence", orUnsaid(p, m.Licence))
	if age := env.Now().Sub(m.Date); !m.Date.IsZero() && age > stale {
		env.Say("sensor.geo.old", "days", int(age/(24*time.Hour)))
	}
}

func orUnsaid(p text.Printer, s string) string {
	if s == "" {
		return p.T("sensor.geo.unsaid")
	}
	return s
}

// dateOf writes the day of a table, which has no time of day and no zone.
func dateOf(p text.Printer, t time.Time) string {
	if t.IsZero() {
		return p.T("sensor.geo.unsaid")
	}
	return t.UTC().Format(time.DateOnly)
}
