package executor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/confine"
	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/bgp"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/nft"
	"noroshi/internal/measure/act/proxylist"
	"noroshi/internal/measure/act/rpz"
)

// File is the configuration of a process: who it is, whose orders it follows, what
// must go on working, and its equipment. What each key is for, the words of
// "executor.key." and its section say. A section that is not there is equipment
// that is not there.
type File struct {
	Name      string         `toml:"name"`
	Authority []string       `toml:"authority"`
	Look      time.Duration  `toml:"look"`
	Settle    time.Duration  `toml:"settle"`
	Longest   time.Duration  `toml:"longest"`
	Guard     Guarded        `toml:"guard"`
	RPZ       toml.Primitive `toml:"rpz"`
	NFT       toml.Primitive `toml:"nft"`
	BGP       toml.Primitive `toml:"bgp"`
	Proxy     toml.Primitive `toml:"proxy"`
}

// Faults of a configuration.
var (
	ErrConfig    = fault.New(fault.Usage, "executor.config")
	ErrAuthority = fault.New(fault.Usage, "executor.authority")
	ErrNothing   = fault.New(fault.Usage, "executor.nothing") // no equipment
)

// MaxConfig bounds a configuration file, in bytes.
const MaxConfig = 1 << 20

// Load reads a configuration of a file's name; equipment is not opened. Relative paths in it are
// below dir. The set is which powers of the system the process needs.
func Load(file string, raw []byte, dir string) (c Config, open []Opening, keep confine.Set, err error) {
	f := File{Look: 30 * time.Second, Settle: 10 * time.Second, Longest: 720 * time.Hour}
	meta, err := toml.Decode(string(raw), &f)
	if err != nil {
		return c, nil, 0, fault.New(fault.Usage, ErrConfig.Code, "file", file, "detail", err.Error())
	}
	c = Config{Dir: dir, Name: f.Name, Guard: f.Guard, Reconcile: f.Look, Settle: f.Settle, Longest: f.Longest}
	for _, a := range f.Authority {
		v, err := note.NewVerifier(a)
		if err != nil {
			return c, nil, 0, fault.New(fault.Usage, ErrAuthority.Code, "value", a).Because(err)
		}
		c.Authorities = append(c.Authorities, v)
	}
	if open, err = f.openings(meta, dir); err != nil {
		return c, nil, 0, fault.New(fault.Usage, ErrConfig.Code, "file", file, "detail", err.Error())
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return c, nil, 0, fault.New(fault.Usage, "executor.config_key", "file", file, "key", extra[0].String())
	}
	if len(open) == 0 {
		return c, nil, 0, ErrNothing
	}
	if f.Look < time.Second || f.Settle < time.Millisecond || f.Settle > 2*time.Minute || f.Longest < time.Hour || f.Longest > 8760*time.Hour {
		return c, nil, 0, fault.New(fault.Usage, "executor.config_times", "file", file)
	}
	for _, o := range open {
		keep |= o.keep
	}
	return c, open, keep, nil
}

// Opening is equipment that is not open yet.
type Opening struct {
	Equipment
	keep confine.Set
	open func(dry bool) (driver.Driver, error)
}

// openings are the sections of the file.
func (f *File) openings(meta toml.MetaData, dir string) (out []Opening, err error) {
	if meta.IsDefined("rpz") {
		c := rpz.Default()
		if err := meta.PrimitiveDecode(f.RPZ, &c); err != nil {
			return nil, err
		}
		c.Dir, c.KeyFile, c.File = below(dir, c.Dir), below(dir, c.KeyFile), below(dir, c.File)
		out = append(out, Opening{Equipment: Equipment{Name: "rpz", Kinds: []driver.Kind{driver.Sinkhole}, Fresh: absent(c.File)}, open: func(dry bool) (driver.Driver, error) {
			if dry { // beside a process that works: nothing is served, nobody is told
				return rpz.Dry(c)
			}
			return rpz.Open(c)
		}})
	}
	if meta.IsDefined("proxy") {
		c := proxylist.Default()
		if err := meta.PrimitiveDecode(f.Proxy, &c); err != nil {
			return nil, err
		}
		c.Dir, c.File = below(dir, c.Dir), below(dir, c.File)
		out = append(out, Opening{Equipment: Equipment{Name: "proxy", Kinds: []driver.Kind{driver.Proxy}, Fresh: absent(c.File)}, open: func(dry bool) (driver.Driver, error) {
			if dry {
				c.File = below(dir, "preview")
			}
			return proxylist.Open(c)
		}})
	}
	if meta.IsDefined("nft") {
		c := nft.Default()
		if err := meta.PrimitiveDecode(f.NFT, &c); err != nil {
			return nil, err
		}
		out = append(out, Opening{Equipment: Equipment{Name: "nft", Kinds: []driver.Kind{driver.Filter}}, keep: confine.NetAdmin, open: func(bool) (driver.Driver, error) { return nft.Open(c) }})
	}
	if meta.IsDefined("bgp") {
		c := bgp.Default()
		if err := meta.PrimitiveDecode(f.BGP, &c); err != nil {
			return nil, err
		}
		out = append(out, Opening{Equipment: Equipment{Name: "bgp", Kinds: []driver.Kind{driver.FlowSpec, driver.Blackhole}}, open: func(dry bool) (driver.Driver, error) {
			if dry {
				return bgp.Dry(c)
			}
			return bgp.Open(c)
		}})
	}
	return out, nil
}

// below is a path below a folder, unless it is a whole path or none.
func below(dir, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// absent reports whether a file is not there.
func absent(name string) bool {
	_, err := os.Stat(name)
	return name != "" && errors.Is(err, fs.ErrNotExist)
}

// Start opens equipment.
func Start(list []Opening) (out []Equipment, err error) {
	for _, o := range list {
		if o.Driver, err = o.open(false); err != nil {
			Stop(out)
			return nil, err
		}
		out = append(out, o.Equipment)
	}
	return out, nil
}

// Stop closes equipment.
func Stop(list []Equipment) {
	for _, e := range list {
		_ = e.Driver.Close() // what it holds is in the equipment, not here
	}
}

// Preview says what rules would change, by a configuration, without a hub and
// without touching anything: what does not fit is the fault.
func Preview(file string, raw []byte, rules []driver.Rule) (lines []string, more int, err error) {
	dir, err := os.MkdirTemp("", "noroshi-act-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	c, list, _, err := Load(file, raw, dir)
	if err != nil {
		return nil, 0, err
	}
	g, err := newGuard(c.Guard)
	if err != nil {
		return nil, 0, err
	}
	if err := g.check(rules); err != nil || len(rules) == 0 {
		return nil, 0, err
	}
	for _, o := range list {
		for _, k := range o.Kinds {
			if k != rules[0].Kind {
				continue
			}
			d, err := o.open(true)
			if err != nil {
				return nil, 0, err
			}
			defer d.Close()
			if err := d.Check(rules); err != nil {
				return nil, 0, err
			}
			return d.Show(rules, nil)
		}
	}
	return nil, 0, ErrKind
}
