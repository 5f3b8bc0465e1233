package proxylist

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// Config is the section of a list for a proxy.
type Config struct {
	Dir      string   `toml:"dir" doc:"Folder of the list's state, of this process alone"`
	Format   string   `toml:"format" doc:"What the file is for: squid, haproxy, domains or hosts"`
	File     string   `toml:"file" doc:"File that the proxy reads; its checksum is beside it, in the same name with .sha256"`
	Own      []string `toml:"own" doc:"One's own domains; they and what is below are never held back"`
	Never    []string `toml:"never" doc:"Other domains that are never held back, nor what is below; one label is a whole top-level domain"`
	MaxNames int      `toml:"max_names" doc:"Names that may be held back, 1 to 5000000"`
}

// Default returns the section of an empty file.
func Default() Config {
	return Config{Dir: "proxylist", Format: "squid", MaxNames: 1_000_000, Own: []string{}, Never: []string{}}
}

// list is the driver.
type list struct {
	Config
	form  form
	guard *names.Guard
	store *names.Store
	stale bool // the files may be other than what is held
}

// Open reads the list's folder. The file is written at the first Apply.
func Open(c Config) (driver.Driver, error) {
	if c.Dir == "" {
		return nil, fault.New(fault.Usage, "proxylist.settings").At(fault.Place{At: "proxylist.dir", Code: "proxylist.dir"})
	}
	return open(c)
}

// Dry opens a list that only Check and Show are asked of, beside a process that
// works: neither its folder nor its file is looked at.
func Dry(c Config) (driver.Driver, error) {
	c.Dir = ""
	return open(c)
}

func open(c Config) (driver.Driver, error) {
	var bad []fault.Place
	wrong := func(key, code string) { bad = append(bad, fault.Place{At: "proxylist." + key, Code: code}) }
	f, ok := forms[c.Format]
	if !ok {
		wrong("format", "proxylist.format")
	}
	if c.File == "" {
		wrong("file", "proxylist.file")
	}
	if c.MaxNames < 1 || c.MaxNames > 5_000_000 {
		wrong("max_names", "proxylist.max_names")
	}
	if bad != nil {
		return nil, fault.New(fault.Usage, "proxylist.settings").At(bad...)
	}
	g, err := names.NewGuard(c.Own, c.Never)
	if err != nil {
		return nil, err
	}
	s, err := names.Open(names.Config{Kind: driver.Proxy, Dir: c.Dir, Mark: "proxylist", Max: c.MaxNames}, nil)
	if err != nil {
		return nil, err
	}
	return &list{Config: c, form: f, guard: g, store: s, stale: true}, nil
}

// Check refuses what must not be told to the proxy, each rule with its reason.
func (l *list) Check(rules []driver.Rule) error {
	if err := l.each(rules); err != nil {
		return err
	}
	_, err := l.store.Plan(rules, nil, nil)
	return err
}

func (l *list) each(rules []driver.Rule) error {
	if err := l.guard.Check(driver.Proxy, rules); err != nil {
		return err
	}
	var bad []fault.Place
	for i := range rules {
		code := ""
		switch {
		case rules[i].Answer != "":
			code = "proxylist.answer"
		case rules[i].Below && l.form.exact:
			code = "proxylist.below"
		}
		if code != "" && len(bad) < names.MaxPlaces {
			bad = append(bad, fault.Place{At: rules[i].Name, Code: code})
		}
	}
	if bad != nil {
		return fault.New(fault.Invalid, "names.refused", "n", len(bad)).At(bad...)
	}
	return nil
}

// maxLines bounds what Show says, maxList what Live says, each way.
const (
	maxLines = 1000
	maxList  = 100
)

// Show says which lines come and go.
func (l *list) Show(add, remove []driver.Rule) (lines []string, more int, err error) {
	_, err = l.store.Plan(add, remove, func(name string, before, after names.Effect) {
		was, is := l.form.lines(name, before), l.form.lines(name, after)
		say := func(sign, line string) {
			if len(lines) == maxLines {
				more++
				return
			}
			lines = append(lines, sign+" "+line)
		}
		for _, line := range was {
			if !slices.Contains(is, line) {
				say("-", line)
			}
		}
		for _, line := range is {
			if !slices.Contains(was, line) {
				say("+", line)
			}
		}
	})
	return lines, more, err
}

// Apply makes the change, has it on disk, and replaces the file.
func (l *list) Apply(ctx context.Context, add, remove []driver.Rule) error {
	if err := l.each(add); err != nil {
		return err
	}
	p, err := l.store.Plan(add, remove, nil)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, serial := l.store.Held()
	if p.Changed == 0 && !l.stale {
		return l.store.Commit(p, serial, l.store.Full())
	}
	sum := sha256.New()
	file, err := names.Prepare(l.File, 0o644, func(w io.Writer) error { return l.write(io.MultiWriter(w, sum), p.Next) })
	if err != nil {
		return err
	}
	line := hex.EncodeToString(sum.Sum(nil)) + "  " + filepath.Base(l.File) + "\n"
	check, err := names.Prepare(l.File+".sha256", 0o644, func(w io.Writer) error { _, err := io.WriteString(w, line); return err })
	if err != nil {
		file.Drop()
		return err
	}
	if err := l.store.Commit(p, serial+1, l.store.Full()); err != nil {
		file.Drop()
		check.Drop()
		return err
	}
	l.stale = true
	if err := errors.Join(file.Keep(), check.Keep()); err != nil {
		return err
	}
	l.stale = false
	return nil
}

// write writes the list.
func (l *list) write(w io.Writer, h *names.Held) (err error) {
	if _, err = io.WriteString(w, l.form.head); err != nil {
		return err
	}
	var b []byte
	h.Each(func(name []byte, e names.Effect) bool {
		text := string(name)
		if l.form.widest && covered(h, text) {
			return true
		}
		b = b[:0]
		for _, line := range l.form.lines(text, e) {
			b = append(append(b, line...), '\n')
		}
		_, err = w.Write(b)
		return err == nil
	})
	return err
}

// covered reports whether a name is below another that is held with what is
// below it.
func covered(h *names.Held, name string) bool {
	for {
		_, up, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		if h.Effect(up).Below != names.Nothing {
			return true
		}
		name = up
	}
}

// Live compares the file with what is held, line by line, and its checksum; the
// next Apply writes again what somebody changed. Whether the proxy has read the
// file is not seen from here.
func (l *list) Live(_ context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	missing, extra = l.store.Compare(want, maxList)
	held, _ := l.store.Held()
	sum := sha256.New()
	same, lack, more, err := names.Lines(l.File, maxList, func(w io.Writer) error { return l.write(io.MultiWriter(w, sum), held) })
	if err != nil {
		return nil, nil, err
	}
	if same {
		raw, err := os.ReadFile(l.File + ".sha256")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fault.New(fault.Internal, "proxylist.changed", "file", l.File+".sha256").Because(err)
		}
		if digest, _, _ := strings.Cut(string(raw), " "); digest != hex.EncodeToString(sum.Sum(nil)) {
			l.stale = true
			return nil, nil, fault.New(fault.Busy, "proxylist.changed", "file", l.File+".sha256")
		}
		return missing, extra, nil
	}
	l.stale = true
	if len(lack)+len(more) == 0 {
		return nil, nil, fault.New(fault.Busy, "proxylist.changed", "file", l.File)
	}
	wanted := map[string]bool{}
	for _, line := range lack {
		if name, ok := l.form.name(line); ok {
			wanted[name] = true
		}
	}
	for i := range want {
		if r := want[i]; wanted[r.Name] {
			r.Until = time.Time{}
			missing = append(missing, r)
		}
	}
	for _, line := range more {
		if name, ok := l.form.name(line); ok && !wanted[name] {
			extra = append(extra, driver.Rule{Kind: driver.Proxy, Name: name})
		}
	}
	return once(missing), once(extra), nil
}

// once sorts rules and drops those that stand twice or are too many.
func once(rules []driver.Rule) []driver.Rule {
	slices.SortFunc(rules, func(a, b driver.Rule) int {
		below := map[bool]int{true: 1}
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Order, b.Order), below[a.Below]-below[b.Below])
	})
	rules = slices.Compact(rules)
	return rules[:min(len(rules), maxList)]
}

// Close lets the folder go; the file stays.
func (l *list) Close() error { return l.store.Close() }
