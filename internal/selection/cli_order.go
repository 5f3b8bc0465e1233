package selection

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/cli"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/geo"
)

// ordering are the options of "selection order".
type ordering struct {
	selectors, sign, from, to, link, id string
	executor                            string
	directions, caps                    []string
	fields, recipients, targets         []string
	addresses                           string
	retain                              int
	grounds, necessity, noOther         string
}

// orderCommand is "noroshi selection order": an order of the kind trial, for files.
// Without --sign it is a draft that run refuses.
func orderCommand(env *cli.Env, p text.Printer) *cobra.Command {
	var o ordering
	c := &cobra.Command{
		Use: "order --selectors FILE --direction ff|fd|df --from TIME --to TIME", Short: p.T("selection.order.short"), Long: p.T("selection.order.long"), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(env) },
	}
	f := c.Flags()
	f.StringVar(&o.selectors, "selectors", "", p.T("selection.order.flag.selectors"))
	f.StringSliceVar(&o.directions, "direction", nil, p.T("selection.order.flag.direction"))
	f.StringVar(&o.from, "from", "", p.T("selection.order.flag.from"))
	f.StringVar(&o.to, "to", "", p.T("selection.order.flag.to"))
	f.StringSliceVar(&o.caps, "cap", nil, p.T("selection.order.flag.cap"))
	f.StringVar(&o.sign, "sign", "", p.T("selection.order.flag.sign"))
	f.StringVar(&o.executor, "executor", "", p.T("selection.order.flag.executor"))
	f.StringVar(&o.link, "link", "files", p.T("selection.order.flag.link"))
	f.IntVar(&o.retain, "retain-days", 0, p.T("selection.order.flag.retain"))
	f.StringSliceVar(&o.fields, "fields", DefaultFields, p.T("selection.order.flag.fields", "all", strings.Join(Fields, ",")))
	f.StringVar(&o.addresses, "addresses", "plain", p.T("selection.order.flag.addresses"))
	f.StringArrayVar(&o.recipients, "recipients", nil, p.T("selection.order.flag.recipients"))
	f.StringArrayVar(&o.targets, "targets", nil, p.T("selection.order.flag.targets"))
	f.StringVar(&o.grounds, "grounds", "", p.T("selection.order.flag.grounds"))
	f.StringVar(&o.necessity, "necessity", "", p.T("selection.order.flag.necessity"))
	f.StringVar(&o.noOther, "no-other-means", "", p.T("selection.order.flag.no_other"))
	f.StringVar(&o.id, "id", "", p.T("selection.order.flag.id"))
	return c
}

func (o *ordering) run(env *cli.Env) error {
	var lacks []string
	for _, f := range [...][2]string{{"--selectors", o.selectors}, {"--direction", strings.Join(o.directions, ",")}, {"--from", o.from}, {"--to", o.to}} {
		if f[1] == "" {
			lacks = append(lacks, f[0])
		}
	}
	if len(lacks) > 0 {
		return fault.New(fault.Usage, "selection.order.needed", "flag", strings.Join(lacks, " "))
	}
	o.recipients, o.targets = parted(o.recipients), parted(o.targets)
	if err := o.words(); err != nil {
		return err
	}
	order, err := o.order(env)
	if err != nil {
		return err
	}
	raw, err := readLong(o.selectors, MaxSelectors)
	if err != nil {
		return err
	}
	list, err := ReadSelectors(o.selectors, raw)
	if err != nil {
		return err
	}
	if f := list.LeftOut(); f != nil {
		sayPlaces(env, f)
	}
	order.Selectors, order.Overridden = list.digest, list.overridden()
	if o.executor != "" {
		who, err := verifiersOf([]string{o.executor})
		if err != nil {
			return err
		}
		raw, err := cli.ReadFile(o.executor, 4096)
		if err != nil {
			return err
		}
		order.Executor = strings.TrimSpace(string(raw))
		env.Say("selection.order.executor", "name", who[0].Name())
	}
	var signer note.Signer
	if o.sign != "" {
		e, err := readExecutorFile(o.sign)
		if err != nil {
			return err
		}
		signer = e.signer
	}
	paper, err := order.Sign(signer)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(env.Out, "%s\n", paper); err != nil {
		return err
	}
	p := env.Printer()
	env.Say("selection.order.made", "n", list.set.Len(), "from", p.Time(order.From), "to", p.Time(order.Until), "days", order.RetainDays)
	var caps []string
	if n := order.Cap.Packets; n > 0 {
		caps = append(caps, p.T("selection.order.packets", "n", p.Number(int64(n))))
	}
	if n := order.Cap.Bytes; n > 0 {
		caps = append(caps, p.T("selection.order.bytes", "n", p.Number(int64(n))))
	}
	if len(caps) > 0 {
		env.Say("selection.order.capped", "cap", strings.Join(caps, p.T("selector.and")))
	} else {
		env.Say("selection.order.no_cap")
	}
	if len(order.Targets) > 0 {
		env.Say("selection.order.targets", "names", strings.Join(order.Targets, p.T("selector.and")))
	}
	if len(order.Recipients) > 0 {
		env.Say("selection.order.recipients", "names", strings.Join(order.Recipients, p.T("selector.and")))
	}
	if order.Overridden > 0 {
		_, by := list.set.Overridden()
		env.Say("selection.order.overridden", "n", order.Overridden, "names", strings.Join(by, p.T("selector.and")))
	}
	if signer == nil {
		env.Say("selection.order.unsigned")
	}
	return nil
}

// parted parts names at commas and drops nothing: what is no name, such as one with
// a line's end in it, is refused later.
func parted(all []string) (out []string) {
	for _, a := range all {
		for name := range strings.SplitSeq(a, ",") {
			out = append(out, strings.Trim(name, " "))
		}
	}
	return out
}

// maxWord bounds a name in an order, in bytes.
const maxWord = 200

// words refuses names that would not stay in one line of a report.
func (o *ordering) words() error {
	check := func(flag string, all ...string) error {
		for _, w := range all {
			if strings.TrimSpace(w) != w || !utf8.ValidString(w) || len(w) > maxWord ||
				strings.ContainsFunc(w, func(r rune) bool { return !unicode.IsPrint(r) && r != '\u3000' }) {
				return fault.New(fault.Usage, "selection.order.word", "flag", flag, "most", maxWord, "value", printed(w))
			}
		}
		return nil
	}
	return cmp.Or(check("--id", o.id), check("--link", o.link), check("--recipients", o.recipients...), check("--targets", o.targets...))
}

// readLong is cli.ReadFile for long files: in memory of their length at once.
func readLong(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if name == "-" || err != nil || !info.Mode().IsRegular() || info.Size() > limit {
		return cli.ReadFile(name, limit)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.New(fault.Usage, "cli.cannot_read", "file", name).Because(err)
	}
	return raw, nil
}

// order is what the options say, without the list.
func (o *ordering) order(env *cli.Env) (out approval.Order, err error) {
	now := env.Now()
	out = approval.Order{ID: o.id, Kind: approval.Trial, Link: o.link, Addresses: o.addresses, RetainDays: o.retain, Recipients: o.recipients, Targets: o.targets,
		Grounds: o.grounds, Necessity: o.necessity, NoOther: o.noOther, IssuedAt: now.UTC().Truncate(time.Second)}
	if out.ID == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		out.ID = "trial-" + hex.EncodeToString(b[:])
	}
	most, err := retainDays(o.directions)
	if err != nil {
		return out, err
	}
	if o.retain == 0 {
		out.RetainDays = most
	} else if o.retain < 0 || most > 0 && o.retain > most {
		return out, fault.New(fault.Usage, "selection.order.retain", "days", o.retain, "most", most)
	}
	for _, d := range o.directions {
		var c geo.Class
		if err := c.UnmarshalText([]byte(strings.ToLower(d))); err != nil || !slices.Contains(approval.Directions, c) {
			return out, fault.New(fault.Usage, "selection.order.direction", "value", printed(d))
		}
		out.Directions = append(out.Directions, c)
	}
	if out.From, err = instant(o.from, false); err != nil {
		return out, err
	}
	if out.Until, err = instant(o.to, true); err != nil {
		return out, err
	}
	for _, c := range o.caps {
		if err := quantity(c, &out.Cap); err != nil {
			return out, err
		}
	}
	if o.addresses != "plain" && o.addresses != "pseudonym" {
		return out, fault.New(fault.Usage, "selection.order.addresses", "value", printed(o.addresses))
	}
	out.Fields, err = CheckFields(o.fields)
	if err == nil && len(out.Fields) == 0 { // nothing but counts and times
		out.Fields = slices.Clone(Always)
	}
	return out, err
}

// retainDays is how long the rules let a record of this direction be kept.
func retainDays(directions []string) (int, error) {
	rules, err := approval.LoadRules("")
	if err != nil {
		return 0, err
	}
	days := 0
	for _, d := range directions {
		if n := rules.Row(approval.Kind(strings.ToLower(d)), "retain_days").Value; days == 0 || n < days && n > 0 {
			days = n
		}
	}
	return days, nil
}

// instant reads a time of RFC 3339, or a day in Japan: its beginning, or where it
// is the end of a period, the beginning of the next.
func instant(s string, end bool) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.Year() > 0 && t.Year() < 10000 {
		return t.UTC(), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, s, text.JST)
	if err != nil {
		return day, fault.New(fault.Usage, "selection.order.time", "value", printed(s))
	}
	if end {
		day = day.AddDate(0, 0, 1)
	}
	return day.UTC(), nil
}

// units are how bytes may be counted, the longer names first.
var units = []struct {
	name string
	of   uint64
}{{"TIB", 1 << 40}, {"GIB", 1 << 30}, {"MIB", 1 << 20}, {"KIB", 1 << 10}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}}

// quantity reads a number of packets, or with a unit one of bytes.
func quantity(s string, q *approval.Quantity) error {
	bad := fault.New(fault.Usage, "selection.order.cap", "value", printed(s))
	number, unit, to := strings.ToUpper(strings.TrimSpace(s)), uint64(1), &q.Packets
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit, to = strings.TrimSpace(rest), u.of, &q.Bytes
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || n > (1<<62)/unit || *to != 0 {
		return bad
	}
	*to = n * unit
	return nil
}
