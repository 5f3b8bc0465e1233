package rpz

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/names"
)

// Config is the section of a response policy zone; what its keys are for is said in
// the template of a configuration (executor.Template).
type Config struct {
	Zone        string        `toml:"zone"`
	Recent      string        `toml:"recent"`
	Dir         string        `toml:"dir"`
	Listen      string        `toml:"listen"`
	Secondaries []string      `toml:"secondaries"`
	KeyName     string        `toml:"key_name"`
	KeyFile     string        `toml:"key_file"`
	Unsigned    []string      `toml:"unsigned"`
	File        string        `toml:"file"`
	Probe       string        `toml:"probe"`
	Walled      []string      `toml:"walled"`
	Own         []string      `toml:"own"`
	Never       []string      `toml:"never"`
	MaxNames    int           `toml:"max_names"`
	TTL         time.Duration `toml:"ttl"`
	Expire      time.Duration `toml:"expire"`
}

// Default returns the section of an empty file.
func Default() Config {
	return Config{
		Dir: "rpz", KeyName: "noroshi", MaxNames: 1_000_000, TTL: time.Minute, Expire: time.Hour,
		Secondaries: []string{}, Unsigned: []string{}, Walled: []string{}, Own: []string{}, Never: []string{},
	}
}

// maxPeers bounds the resolvers of a zone.
const maxPeers = 64

// peer is one of one's own resolvers.
type peer struct {
	addr   netip.AddrPort
	signed bool
}

// settings are a Config that was read and found good.
type settings struct {
	Config
	listen  netip.AddrPort
	peers   []peer
	key     *key
	layouts []*layout // of the zone, and of the recent one where there is one
	guard   *names.Guard
}

// read checks a Config; the fault has a place for each key that is wrong. A dry
// one need not say whom it tells.
func (c Config) read(dry bool) (*settings, error) {
	s := &settings{Config: c}
	var bad []fault.Place
	wrong := func(key, code string) { bad = append(bad, fault.Place{At: "rpz." + key, Code: code}) }
	var err error
	if s.Zone, err = names.Parse(c.Zone); err != nil || len(s.Zone) > 100 {
		wrong("zone", "rpz.zone")
	}
	if c.Recent != "" {
		if s.Recent, err = names.Parse(c.Recent); err != nil || len(s.Recent) > 100 || s.Recent == s.Zone {
			wrong("recent", "rpz.recent")
		}
	}
	if c.Dir == "" && !dry {
		wrong("dir", "rpz.dir")
	}
	if c.Listen == "" && c.File == "" && !dry {
		wrong("listen", "rpz.nothing")
	}
	if c.Listen != "" {
		s.listen, err = netip.ParseAddrPort(c.Listen)
		if a := s.listen.Addr(); err != nil || s.listen.Port() == 0 || a.IsUnspecified() || a.IsMulticast() {
			wrong("listen", "rpz.listen")
		}
	}
	if s.peers, err = peers(c.Secondaries, c.Unsigned); err != nil {
		bad = append(bad, fault.Of(err).Places...)
	} else if c.Listen != "" && len(s.peers) == 0 {
		wrong("secondaries", "rpz.nobody")
	}
	bad = append(bad, s.readKey()...)
	if c.MaxNames < 1 || c.MaxNames > 5_000_000 {
		wrong("max_names", "rpz.max_names")
	}
	if c.TTL < time.Second || c.TTL > time.Hour {
		wrong("ttl", "rpz.ttl")
	}
	if c.Expire < 5*time.Minute || c.Expire > 720*time.Hour {
		wrong("expire", "rpz.expire")
	}
	own := append(slices.Clone(c.Own), c.Zone)
	if c.Recent != "" {
		own = append(own, c.Recent)
	}
	page, addrs, ok := walled(c.Walled)
	if !ok {
		wrong("walled", "rpz.walled")
	} else if page != "" {
		own = append(own, page)
	}
	if c.Probe != "" {
		if s.Probe, err = names.Parse(c.Probe); err != nil || len(s.Probe) > 100 || !within(s.Probe, c.Own) || within(s.Probe, []string{c.Zone, c.Recent}) {
			wrong("probe", "rpz.probe")
		}
		own = append(own, s.Probe)
	}
	if bad != nil {
		return nil, fault.New(fault.Usage, "rpz.settings").At(bad...)
	}
	if s.guard, err = names.NewGuard(own, c.Never); err != nil {
		return nil, err
	}
	for _, zone := range []string{s.Zone, s.Recent} {
		if zone != "" {
			l := newLayout(zone, uint32(c.TTL/time.Second), uint32(c.Expire/time.Second), page, addrs)
			if l.probe = s.Probe; s.Probe != "" && zone == s.Recent {
				l.probe = "recent." + s.Probe
			}
			s.layouts = append(s.layouts, l)
		}
	}
	return s, nil
}

// within reports whether a name is one of some domains, or below one.
func within(name string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool {
		d, err := names.Parse(d)
		return err == nil && (name == d || strings.HasSuffix(name, "."+d))
	})
}

// peers reads the resolvers and which of them need not sign.
func peers(list, unsigned []string) (out []peer, err error) {
	var bad []fault.Place
	for _, s := range list {
		at, err := netip.ParseAddrPort(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil {
				at = netip.AddrPortFrom(a, 53)
			}
		}
		if a := at.Addr(); err != nil || at.Port() == 0 || a.IsUnspecified() || a.IsMulticast() || len(out) == maxPeers {
			bad = append(bad, fault.Place{At: fmt.Sprintf("rpz.secondaries %q", s), Code: "rpz.secondary"})
			continue
		}
		out = append(out, peer{netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), true})
	}
	for _, s := range unsigned {
		a, err := netip.ParseAddr(s)
		known := false
		for i := range out {
			if out[i].addr.Addr() == a {
				out[i].signed, known = false, true
			}
		}
		if err != nil || !a.IsLoopback() || !known {
			bad = append(bad, fault.Place{At: fmt.Sprintf("rpz.unsigned %q", s), Code: "rpz.unsigned"})
		}
	}
	if bad != nil {
		return nil, fault.New(fault.Usage, "rpz.settings").At(bad...)
	}
	return out, nil
}

// readKey reads the key, without which everything has to be on this machine.
func (s *settings) readKey() (bad []fault.Place) {
	if s.KeyFile != "" {
		var code string
		if s.key, code = readKey(s.KeyName, s.KeyFile); code != "" {
			return []fault.Place{{At: fmt.Sprintf("rpz.key_file %q", s.KeyFile), Code: code}}
		}
		return nil
	}
	far := s.listen.IsValid() && !s.listen.Addr().IsLoopback()
	for i := range s.peers {
		far = far || !s.peers[i].addr.Addr().IsLoopback()
		s.peers[i].signed = false
	}
	if far {
		return []fault.Place{{At: "rpz.key_file", Code: "rpz.key_needed"}}
	}
	return nil
}

// walled reads where a walled name leads: to addresses, or to a name.
func walled(list []string) (page string, addrs []netip.Addr, ok bool) {
	for _, s := range list {
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil {
			page, err = names.Parse(s)
			return page, nil, err == nil && len(list) == 1
		}
		addrs = append(addrs, a.Unmap())
	}
	return "", addrs, len(addrs) <= 4 && !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" })
}

// mark says how rules are written down: a resolver that has the zone written
// otherwise has to fetch all of it.
func (s *settings) mark() string {
	mark := fmt.Sprintf("rpz %s %s ttl %s expire %s walled %q", s.Zone, s.Recent, s.TTL, s.Expire, s.Walled)
	if s.Probe != "" {
		mark += " probe " + s.Probe
	}
	return mark
}
