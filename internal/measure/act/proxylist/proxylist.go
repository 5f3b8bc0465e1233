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
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// Config is the section of a list for a proxy; what its keys are for is said in
// the template of a configuration (executor.Template).
type Config struct {
	Dir      string   `toml:"dir"`
	Format   string   `toml:"format"`
	File     string   `toml:"file"`
	Own      []string `toml:"own"`
	Never    []string `toml:"never"`
	MaxNames int      `toml:"max_names"`
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
	until untils
	stale bool // the files may be other than what is held
}

// Open reads the list's folder. The file is written at the first Apply.
func Open(c Config) (driver.Driver, error) {
	if c.Dir == "" {
		return nil, fault.New(fault.Usage, "proxylist.settings").At(fault.Place{At: "proxy.dir", Code: "proxylist.dir"})
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
	wrong := func(key, code string) { bad = append(bad, fault.Place{At: "proxy." + key, Code: code}) }
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
	l := &list{Config: c, form: f, guard: g, store: s, stale: true, until: untils{}}
	if c.Dir == "" {
		return l, nil
	}
	if l.until, err = readUntils(l.untilFile()); err != nil {
		_ = s.Close() // the error that is told comes first
		return nil, err
	}
	return l, nil
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
		was, is := l.form.lines(name, before, ends{unsaid, unsaid}), l.form.lines(name, after, ends{unsaid, unsaid})
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

// Apply makes the change, has it on disk, and replaces the files.
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
	news := l.until.learn(add)
	if p.Changed == 0 && !l.stale && !news && len(remove) == 0 {
		return l.store.Commit(p, serial, l.store.Full())
	}
	files, x, err := l.prepare(p.Next)
	if err != nil {
		return err
	}
	if err = l.until.keep(l.untilFile()); err == nil {
		err = l.store.Commit(p, serial+1, l.store.Full())
	}
	if err != nil {
		for _, f := range files {
			f.Drop()
		}
		return err
	}
	l.until.prune(x)
	l.stale = true
	for _, f := range files {
		if e := f.Keep(); err == nil {
			err = e
		}
	}
	l.stale = err != nil
	return err
}

// prepare writes the list, its checksum and its end, none of which has its name
// yet.
func (l *list) prepare(h *names.Held) (files []*names.Pending, x *written, err error) {
	sum := sha256.New()
	for _, f := range []struct {
		end  string
		line func() string
	}{{"", nil}, {endSum, func() string { return hex.EncodeToString(sum.Sum(nil)) + "  " + filepath.Base(l.File) + "\n" }}, {endUntil, func() string { return x.line() }}} {
		one, err := names.Prepare(l.File+f.end, 0o644, func(w io.Writer) (err error) {
			if f.line == nil {
				x, err = l.write(io.MultiWriter(w, sum), h)
				return err
			}
			_, err = io.WriteString(w, f.line())
			return err
		})
		if err != nil {
			for _, f := range files {
				f.Drop()
			}
			return nil, nil, err
		}
		files = append(files, one)
	}
	return files, x, nil
}

// What the names of the files beside a list end in.
const (
	endSum   = ".sha256"
	endUntil = ".until"
)

// write writes the list.
func (l *list) write(w io.Writer, h *names.Held) (x *written, err error) {
	x = &written{map[string]bool{}, never}
	if _, err = io.WriteString(w, l.form.head); err != nil {
		return x, err
	}
	var b []byte
	l.store.Claims(h, func(name []byte, e names.Effect, by []names.Claim) bool {
		x.add(l.until, by)
		text := string(name)
		if l.form.widest && covered(h, text) {
			return true
		}
		b = b[:0]
		for _, line := range l.form.lines(text, e, l.until.of(by)) {
			b = append(append(b, line...), '\n')
		}
		_, err = w.Write(b)
		return err == nil
	})
	return x, err
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

// Live compares the file with what is held, line by line, its checksum and its end;
// the next Apply writes again what somebody changed. Whether the proxy has read the
// file is not seen from here.
func (l *list) Live(_ context.Context, want []driver.Rule) (missing, extra []driver.Rule, err error) {
	missing, extra = l.store.Compare(want, maxList)
	l.until.learn(want)
	held, _ := l.store.Held()
	sum := sha256.New()
	var x *written
	same, lack, more, err := names.Lines(l.File, maxList, func(w io.Writer) (err error) {
		sum.Reset() // it is written twice where the file is another
		x, err = l.write(io.MultiWriter(w, sum), held)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if same {
		for end, is := range map[string]string{endSum: hex.EncodeToString(sum.Sum(nil)), endUntil: strconv.FormatInt(x.first, 10)} {
			raw, err := os.ReadFile(l.File + end)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, nil, fault.New(fault.Internal, "proxylist.changed", "file", l.File+end).Because(err)
			}
			if first, _, _ := strings.Cut(strings.TrimSpace(string(raw)), " "); first != is {
				l.stale = true
				return nil, nil, fault.New(fault.Busy, "proxylist.changed", "file", l.File+end)
			}
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
