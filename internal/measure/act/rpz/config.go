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

// Config is the section of a response policy zone.
type Config struct {
	Zone        string        `toml:"zone" doc:"Name of the policy zone, below a domain of one's own, such as rpz.hub.example"`
	Recent      string        `toml:"recent" doc:"Name of a second zone in which names stand first that changed lately, for resolvers that need long for a change of a large zone (BIND); empty is none"`
	Dir         string        `toml:"dir" doc:"Folder of the zone's state, of this process alone"`
	Listen      string        `toml:"listen" doc:"Address and port that resolvers fetch the zone from, such as 192.0.2.10:53; empty serves nothing"`
	Secondaries []string      `toml:"secondaries" doc:"One's own resolvers, address or address:port; only these may fetch, and these are told and asked"`
	KeyName     string        `toml:"key_name" doc:"Name of the TSIG key, as the resolvers know it; its algorithm is hmac-sha256"`
	KeyFile     string        `toml:"key_file" doc:"File with the key in Base64, at least 32 bytes, readable by its owner alone; empty only where everything is on this machine"`
	Unsigned    []string      `toml:"unsigned" doc:"Addresses on this machine, among secondaries, that need not sign: for resolvers that know no TSIG"`
	File        string        `toml:"file" doc:"Zone file, written whole at every change, for resolvers that read one; empty writes none"`
	Walled      []string      `toml:"walled" doc:"Page of one's own that says why: up to four addresses, or one name; empty refuses the answer walled"`
	Own         []string      `toml:"own" doc:"One's own domains; they and what is below are never held back"`
	Never       []string      `toml:"never" doc:"Other domains that are never held back, nor what is below; one label is a whole top-level domain"`
	MaxNames    int           `toml:"max_names" doc:"Names that may be held back, 1 to 5000000"`
	TTL         time.Duration `toml:"ttl" doc:"Time that answers are kept by those who asked, 1s to 1h: so long a name stays held back after its order ended"`
	Expire      time.Duration `toml:"expire" doc:"Time after which a resolver that cannot reach this process forgets the zone (BIND does), 5m to 720h"`
}

// Default returns the section of an empty file.
func Default() Config {
	return Config{
		Dir: "rpz", KeyName: "noroshi", MaxNames: 1_000_000, TTL: time.Minute, Expire: 24 * time.Hour,
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
	if bad != nil {
		return nil, fault.New(fault.Usage, "rpz.settings").At(bad...)
	}
	if s.guard, err = names.NewGuard(own, c.Never); err != nil {
		return nil, err
	}
	for _, zone := range []string{s.Zone, s.Recent} {
		if zone != "" {
			s.layouts = append(s.layouts, newLayout(zone, uint32(c.TTL/time.Second), uint32(c.Expire/time.Second), page, addrs))
		}
	}
	return s, nil
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
	return fmt.Sprintf("rpz %s %s ttl %s expire %s walled %q", s.Zone, s.Recent, s.TTL, s.Expire, s.Walled)
}
