package bgp

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// Config is the section of a speaker; what its keys are for is said in
// the template of a configuration (executor.Template).
type Config struct {
	AS              int      `toml:"as"`
	RouterID        string   `toml:"router_id"`
	Listen          int      `toml:"listen"`
	ListenOn        []string `toml:"listen_on"`
	Peers           []string `toml:"peers"`
	Own             []string `toml:"own"`
	Never           []string `toml:"never"`
	NextHop4        string   `toml:"next_hop4"`
	NextHop6        string   `toml:"next_hop6"`
	Communities     []string `toml:"communities"`
	FlowFloor4      int      `toml:"flow_floor4"`
	FlowFloor6      int      `toml:"flow_floor6"`
	BlackholeFloor4 int      `toml:"blackhole_floor4"`
	BlackholeFloor6 int      `toml:"blackhole_floor6"`
	Most            int      `toml:"most"`
}

// Default returns the section of an empty file.
func Default() Config {
	return Config{Listen: -1, ListenOn: []string{}, Peers: []string{}, Own: []string{}, Never: []string{}, Communities: []string{},
		FlowFloor4: 24, FlowFloor6: 48, BlackholeFloor4: 32, BlackholeFloor6: 128, Most: 1000}
}

// Bounds that no configuration moves.
const (
	mostPeers       = 64
	mostNets        = 1_000
	mostCommunities = 16
	mostHeard       = 1_000 // routes of one family that a router may send before it loses the session
	source4         = 8     // shortest source of a flow, and shortest prefix of one's own: no registry gave out more
	source6         = 16
	holdTime        = 30 // seconds
	passwordLength  = 80 // TCP MD5, Linux
)

// router is one of one's own routers.
type router struct {
	addr, local         netip.Addr
	as                  uint32
	port                uint16
	passive, plain      bool
	hops                int
	password            string
	flowspec, blackhole bool
}

// settings are a Config that was read and found good.
type settings struct {
	Config
	id          netip.Addr
	listenOn    []string
	routers     []router
	own, never  []netip.Prefix
	hop4, hop6  netip.Addr
	communities []uint32
	now         func() time.Time
}

// reading collects what is wrong, key by key.
type reading struct{ bad *fault.Error }

func (r *reading) wrong(at, code string, pairs ...any) {
	r.bad = r.bad.At(fault.Place{At: "bgp." + at, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

// read checks a Config; the fault has a place for each key that is wrong.
func (c Config) read() (s settings, err error) {
	s = settings{Config: c, now: time.Now}
	r := &reading{fault.New(fault.Invalid, "measure.bgp.config")}
	for _, n := range []struct {
		key            string
		is, least, max int
	}{
		{"as", c.AS, 1, 1<<32 - 2}, {"most", c.Most, 1, 20_000}, {"flow_floor4", c.FlowFloor4, 16, 32}, {"flow_floor6", c.FlowFloor6, 32, 128},
		{"blackhole_floor4", c.BlackholeFloor4, 24, 32}, {"blackhole_floor6", c.BlackholeFloor6, 48, 128}, {"peers", len(c.Peers), 1, mostPeers},
	} {
		if n.is < n.least || n.is > n.max {
			r.wrong(n.key, "measure.bgp.config.range", "low", n.least, "high", n.max)
		}
	}
	if c.Listen != -1 && (c.Listen < 1 || c.Listen > 65535) {
		r.wrong("listen", "measure.bgp.config.listen")
	}
	s.id = r.addr("router_id", c.RouterID, netip.Addr.Is4)
	if c.NextHop4 != "" {
		s.hop4 = r.addr("next_hop4", c.NextHop4, netip.Addr.Is4)
	}
	if c.NextHop6 != "" {
		s.hop6 = r.addr("next_hop6", c.NextHop6, six)
	}
	for i, a := range c.ListenOn {
		s.listenOn = append(s.listenOn, r.addr("listen_on["+strconv.Itoa(i)+"]", a, netip.Addr.IsValid).String())
	}
	s.own, s.never = r.nets("own", c.Own), r.nets("never", c.Never)
	if len(c.Own) == 0 {
		r.wrong("own", "measure.bgp.config.own")
	}
	if len(c.Communities) > mostCommunities {
		r.wrong("communities", "measure.bgp.config.many", "max", mostCommunities)
	}
	for i, text := range c.Communities[:min(len(c.Communities), mostCommunities)] {
		n, ok := community(text)
		if !ok {
			r.wrong("communities["+strconv.Itoa(i)+"]", "measure.bgp.config.community")
		}
		s.communities = append(s.communities, n)
	}
	for i, text := range c.Peers[:min(len(c.Peers), mostPeers)] {
		s.routers = append(s.routers, r.router("peers["+strconv.Itoa(i)+"]", text, c.Listen, s.routers))
	}
	// What cuts off a router would withdraw itself, and come back with the session.
	for _, p := range s.routers {
		for _, a := range []netip.Addr{p.addr, p.local} {
			if a.IsValid() {
				s.never = append(s.never, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			}
		}
	}
	if len(r.bad.Places) > 0 {
		return s, r.bad
	}
	return s, nil
}

func six(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }

func (r *reading) addr(at, text string, fits func(netip.Addr) bool) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || !fits(a) {
		r.wrong(at, "measure.bgp.config.address")
		return netip.Addr{}
	}
	return a
}

func (r *reading) nets(key string, list []string) (out []netip.Prefix) {
	if len(list) > mostNets {
		r.wrong(key, "measure.bgp.config.many", "max", mostNets)
		return nil
	}
	for i, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() || p.Bits() == 0 {
			r.wrong(key+"["+strconv.Itoa(i)+"]", "measure.bgp.config.prefix")
			continue
		}
		if least := sourceFloor(p); key == "own" && p.Bits() < least {
			r.wrong(key+"["+strconv.Itoa(i)+"]", "measure.bgp.config.broad", "least", least)
			continue
		}
		out = append(out, p.Masked())
	}
	return out
}

// community reads 64512:666 (RFC 1997). A well-known one (65535:…) would change
// who is told, and is refused.
func community(text string) (n uint32, ok bool) {
	high, low, found := strings.Cut(text, ":")
	h, err := strconv.ParseUint(high, 10, 16)
	l, err2 := strconv.ParseUint(low, 10, 16)
	return uint32(h<<16 | l), found && err == nil && err2 == nil && h != 65535
}

// router reads one entry of peers: an address, then words.
func (r *reading) router(at, text string, listen int, earlier []router) (p router) {
	words := strings.Fields(text)
	if len(words) == 0 {
		r.wrong(at, "measure.bgp.config.address")
		return p
	}
	p = router{port: 179, hops: 1, addr: r.addr(at, words[0], netip.Addr.IsValid)}
	for _, o := range earlier {
		if o.addr == p.addr && p.addr.IsValid() {
			r.wrong(at, "measure.bgp.config.twice")
		}
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		if !p.set(r, at, key, value) {
			r.wrong(at, "measure.bgp.config.word", "word", word)
		}
	}
	if p.as == 0 {
		r.wrong(at, "measure.bgp.config.as")
	}
	if p.passive && listen == -1 {
		r.wrong(at, "measure.bgp.config.passive")
	}
	if !p.flowspec && !p.blackhole {
		p.flowspec, p.blackhole = true, true
	}
	return p
}

// set takes one word of a router; false is one it does not know.
func (p *router) set(r *reading, at, key, value string) bool {
	number := func(high uint64) uint64 {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil || n > high {
			return 0
		}
		return n
	}
	switch key {
	case "as":
		p.as = uint32(number(1<<32 - 2))
		return p.as != 0
	case "port":
		p.port = uint16(number(65535))
		return p.port != 0
	case "hops":
		p.hops = int(number(64))
		return p.hops != 0
	case "local":
		p.local = r.addr(at, value, func(a netip.Addr) bool { return a.Is4() == p.addr.Is4() })
		return true
	case "password_file":
		if info, err := os.Stat(value); err == nil && info.Mode().Perm()&0o077 != 0 {
			r.wrong(at, "measure.bgp.config.open", "file", value)
		}
		raw, err := os.ReadFile(value)
		p.password = strings.TrimSpace(string(raw))
		if err != nil || p.password == "" || len(p.password) > passwordLength {
			r.wrong(at, "measure.bgp.config.password", "file", value, "max", passwordLength)
		}
		return true
	}
	flag := map[string]*bool{"passive": &p.passive, "plain_ttl": &p.plain, "flowspec": &p.flowspec, "blackhole": &p.blackhole}[key]
	if flag == nil || value != "" {
		return false
	}
	*flag = true
	return true
}
